//! The sign-in step of an enrollment: opening the visit, the provider, the person.

use super::console::{by_staff, password};
use crate::phone::Phone;
use crate::scene::{Cue, Scene};
use crate::who::Who;
use events::enrollment::{
    Access, EnrollmentEvent, EnrollmentId, Ownership, Platform, ProvenAccount, ReceivedAttributes, SecretHash,
    SignInMethodName,
};
use events::person::{AccountEvent, PersonEvent};
use events::record::OwnerAttribute;
use events::staff::{Privilege, StaffEvent, UserNameEvent};
use events::system::{AssertionEvent, RequestEvent};
use events::{Actor, ActorKind, Event, Personal, StreamName};
use population::date;
use std::collections::{BTreeMap, BTreeSet};

/// From this day on, access rules decide.
pub(crate) const ACCESS_RULES: i64 = date(2025, 9, 1);

/// What the server knows of the person before this sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// Nothing: this is the first sign-in.
    No,
    /// Other names than now.
    ByEarlierNames,
    /// Everything.
    Yes,
}

/// A visit, from its first request on.
pub(crate) struct Visit<'a> {
    pub(crate) id: EnrollmentId,
    pub(crate) who: &'a Who,
    pub(crate) platform: Platform,
    /// Source address of the whole visit.
    pub(crate) address: String,
}

impl<'a> Visit<'a> {
    pub(crate) fn of(scene: &mut Scene, phone: &Phone, who: &'a Who) -> Visit<'a> {
        let address = who.address(scene.at, &mut scene.dice);
        Visit { id: phone.device.enrollment(), who, platform: phone.platform(), address }
    }

    pub(crate) fn stream(&self) -> StreamName {
        self.id.stream()
    }

    /// Before the person has signed in.
    pub(crate) fn visitor(&self) -> Cue {
        let actor = Actor::new(ActorKind::Visitor, self.id);
        Cue::from(actor, self.address.clone(), self.id.enrollment_key(), self.id.0)
    }

    pub(crate) fn person(&self) -> Cue {
        let actor = Actor::new(ActorKind::Person, self.who.person);
        Cue::from(actor, self.address.clone(), self.who.key(), self.id.0)
    }

    pub(crate) fn device(&self) -> Cue {
        self.person().by(ActorKind::Device, self.id)
    }
}

pub(crate) fn secret(scene: &mut Scene) -> SecretHash {
    SecretHash(scene.dice.hash())
}

/// The visit is opened.
pub(crate) fn open(scene: &mut Scene, visit: &Visit, more: impl IntoIterator<Item = EnrollmentEvent>) {
    let opened = EnrollmentEvent::VisitOpened {
        session: secret(scene),
        user_agent: Personal::new(visit.id.enrollment_key(), user_agent(visit.platform)),
        platform: visit.platform,
        language: visit.who.language().to_owned(),
    };
    scene.append(&visit.stream(), &visit.visitor(), [opened].into_iter().chain(more));
}

pub(crate) fn user_agent(platform: Platform) -> String {
    let (device, os) = match platform.family {
        events::enrollment::DeviceFamily::IPhone => ("iPhone", "iPhone OS"),
        events::enrollment::DeviceFamily::IPad => ("iPad", "OS"),
    };
    let (told, safari) = match platform.version {
        Some(version) => (format!("{}_{}", version.major, version.minor), version.to_string()),
        None => ("18_6".to_owned(), "26.0".to_owned()),
    };
    format!(
        "Mozilla/5.0 ({device}; CPU {os} {told} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
         Version/{safari} Mobile/15E148 Safari/604.1"
    )
}

/// The person signs in, at their provider if they have one.
pub(crate) fn sign_in(scene: &mut Scene, visit: &Visit, known: Known, then: Vec<EnrollmentEvent>) {
    scene.wait(5, 90);
    let method = visit.who.provider().method;
    if matches!(method, SignInMethodName::OpenIdConnect | SignInMethodName::Saml) {
        at_provider(scene, visit);
    }
    know(scene, visit.who, &visit.person(), known);
    let who = visit.who;
    let signed_in = EnrollmentEvent::UserSignedIn {
        method,
        person: who.person,
        account: who.account_name(scene.secrets()),
        user_name: who.user_name(),
        session: secret(scene),
    };
    let admitted = admitted(scene, who);
    let events: Vec<_> = [signed_in].into_iter().chain(admitted).chain(then).collect();
    scene.append(&visit.stream(), &visit.person(), events);
    scene.hand_over(visit.id.enrollment_key(), who.key());
}

/// The events by which the server gets to know a person, or learns their new names.
pub(crate) fn know(scene: &mut Scene, who: &Who, cue: &Cue, known: Known) {
    let (keys, names) = who.owner_keys(scene.secrets());
    match known {
        Known::Yes => {}
        Known::No => {
            let account = who.account_name(scene.secrets());
            let reserved = AccountEvent::AccountReserved { person: who.person };
            scene.say(&StreamName::of("account", &account), cue, reserved);
            let method = who.provider().method;
            let known = PersonEvent::PersonKnown { method, account, attributes: who.attributes(), keys, names };
            scene.say(&who.person.stream(), cue, known);
        }
        Known::ByEarlierNames => {
            let changed = PersonEvent::PersonAttributesChanged { attributes: who.attributes() };
            let noted = PersonEvent::PersonKeysNoted { keys, names };
            scene.append(&who.person.stream(), cue, [changed, noted]);
        }
    }
}

fn at_provider(scene: &mut Scene, visit: &Visit) {
    let provider = visit.who.provider();
    let (request, name) = (secret(scene), provider.name.to_owned());
    let begun = EnrollmentEvent::SingleSignOnBegun {
        method: provider.method,
        provider: name.clone(),
        request: request.clone(),
    };
    scene.say(&visit.stream(), &visit.visitor(), begun);
    let requested = RequestEvent::SingleSignOnRequested { enrollment: visit.id };
    let stream = StreamName::of("request", scene.secrets().name("request", &[&request.0]));
    scene.say(&stream, &visit.visitor(), requested);
    scene.wait(8, 60);
    if provider.method == SignInMethodName::Saml {
        // The response is posted by the provider's page: it is proven before the browser returns.
        let stream = StreamName::of("assertion", scene.dice.hash());
        scene.say(&stream, &visit.visitor(), AssertionEvent::AssertionUsed { provider: name.clone() });
        let account = Personal::new(visit.id.enrollment_key(), proven(visit.who));
        let proven = EnrollmentEvent::SingleSignOnProven { provider: name, request, account };
        scene.say(&visit.stream(), &visit.visitor(), proven);
    }
}

fn proven(who: &Who) -> ProvenAccount {
    let names = &who.names;
    ProvenAccount {
        issuer: who.provider().issuer.to_owned(),
        subject: who.subject(),
        user_name: names.user_name.to_string(),
        display_name: Some(names.full_name.to_string()),
        mail: Some(names.mail.to_string()),
        managed_apple_id: None,
        groups: groups(who),
        claims: BTreeMap::new(),
        untold: vec![],
        identifiers: vec![
            (OwnerAttribute::UserName, names.user_name.to_string()),
            (OwnerAttribute::Mail, names.mail.to_string()),
        ],
    }
}

fn groups(who: &Who) -> BTreeSet<String> {
    [who.department().to_lowercase(), "members".to_owned()].into()
}

// What the access rules decided, once there are any.
fn admitted(scene: &Scene, who: &Who) -> Vec<EnrollmentEvent> {
    if scene.at < ACCESS_RULES * crate::scene::SECOND {
        return vec![];
    }
    let provider = who.provider();
    let attributes = ReceivedAttributes {
        groups: groups(who),
        claims: BTreeMap::from([("department".to_owned(), BTreeSet::from([who.department().to_owned()]))]),
        left_out: 0,
        untold: vec![],
    };
    let received = EnrollmentEvent::AttributesReceived {
        provider: provider.name.to_owned(),
        attributes: Personal::new(who.key(), attributes),
    };
    let access = Access {
        provider: provider.name.to_owned(),
        rule: Some("members".to_owned()),
        offered: Ownership::ALL.into(),
        account_driven: true,
        terms_required: true,
        devices_per_person: None,
        untold: vec![],
    };
    let decided = EnrollmentEvent::AccessDecided { access };
    match provider.method {
        SignInMethodName::LocalAccount => vec![decided],
        SignInMethodName::Directory | SignInMethodName::OpenIdConnect | SignInMethodName::Saml => {
            vec![received, decided]
        }
    }
}

/// An administrator adds a local account for a person.
pub(crate) fn add_local_account(scene: &mut Scene, who: &Who) {
    let (staff, key) = (who.staff(), who.staff().key());
    let sealed = |text: &str| Personal::new(key.clone(), text.to_owned());
    let cue = by_staff(scene);
    let reserved = UserNameEvent::UserNameReserved { account: staff };
    scene.say(&scene.secrets().user_name(&who.names.user_name), &cue, reserved);
    let added = StaffEvent::LocalAccountAdded {
        user_name: sealed(&who.names.user_name),
        password: sealed(&password(scene)),
        privileges: [Privilege::Enroll].into(),
        display_name: Some(sealed(&who.names.full_name)),
        mail: Some(sealed(&who.names.mail)),
        managed_apple_id: None,
    };
    scene.say(&staff.stream(), &cue.with(staff.key()), Event::from(added));
}
