//! The profiles themselves. Each serving is an event, written before the profile leaves.

use super::problem::Problem;
use super::profile_link::{Kind, ProfileLink};
use super::visitor::{Answered, Session, Visitor};
use crate::app::App;
use crate::app::issue::challenge;
use crate::app::secrets::hash;
use crate::app::sign_in::may_go_on;
use crate::enrollment::device::Phase;
use crate::enrollment::visit::{Command, FIRST_ACCOUNT_DRIVEN_ONLY, FIRST_USER_ENROLLMENT, Step, Visit};
use crate::pki::profile::{AccessRights, CONTENT_TYPE, CaProfile, MdmProfile, Mode, Texts};
use crate::pki::{Pki, fingerprint};
use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use events::enrollment::{EnrollmentKind, OsVersion, ServedProfile};
use events::settings::Settings;
use url::Url;

/// How long a served profile can get the device its identity: the eight minutes that iOS keeps it, and time to spare
/// for passcode, account and password.
const CHALLENGE_SECONDS: i64 = 60 * 60;

pub async fn profile(request: HttpRequest, token: web::Path<String>, visitor: Visitor) -> Answered {
    let app = &visitor.app;
    let link = ProfileLink::parse(&token, &app.secrets, &app.world).ok_or(Problem::Link)?;
    let visit = app.visit(link.enrollment).await?;
    let at_step = match link.kind {
        Kind::Ca => matches!(visit.step(), Step::CaProfile | Step::ManagedAppleId | Step::MdmProfile),
        Kind::Mdm => visit.step() == Step::MdmProfile,
    };
    if !at_step || !may_go_on(app, &visit).await? {
        return Err(Problem::Link);
    }
    // Who asks for the head only gets nothing, so nothing was served.
    if request.method() == Method::HEAD {
        return Ok(HttpResponse::Ok().content_type(CONTENT_TYPE).finish());
    }
    let session = Session::of_link(link.enrollment, visit);
    let signed = match link.kind {
        Kind::Ca => ca(&visitor, &session).await?,
        Kind::Mdm => mdm(&visitor, &session).await?,
    };
    Ok(HttpResponse::Ok().content_type(CONTENT_TYPE).body(signed))
}

async fn ca(visitor: &Visitor, session: &Session) -> Result<Vec<u8>, Problem> {
    let app = &visitor.app;
    let profile_uuid = app.world.random_uuid();
    let anchors = app.pki.trust_anchors();
    let ca_fingerprint = anchors.first().map(|anchor| fingerprint(anchor)).ok_or(Problem::internal("no CA"))?;
    let identifier = format!("{}.muster.ca", reverse_dns(&app.config.server.public_url));
    let display_name = format!("{} · CA", visitor.settings.organization);
    let texts = Texts {
        organization: &visitor.settings.organization,
        display_name: &display_name,
        description: "Lets this device trust the enrollment server.",
    };
    let profile = CaProfile { texts, identifier: &identifier, profile_uuid, names_target: names_target(session) };
    let xml = profile.xml(&app.pki).map_err(Problem::internal)?;
    let signed = sign(&app.pki, xml).await?;
    serve(visitor, session, &Command::ServeCaProfile { profile_uuid, ca_fingerprint }).await?;
    Ok(signed)
}

async fn mdm(visitor: &Visitor, session: &Session) -> Result<Vec<u8>, Problem> {
    let app = &visitor.app;
    let kind = session.visit.kind().ok_or(Problem::Link)?;
    check_version(visitor, kind)?;
    let topic = app.pki.push_topic().ok_or(Problem::NoPush)?;
    let served = served_profile(app, session, kind, topic);
    let secret = app.world.secret();
    let xml = mdm_xml(app, &visitor.settings, session, &served, &challenge(session.enrollment, &secret))?;
    let signed = sign(&app.pki, xml).await?;
    let device = app.device(session.enrollment.device()).await?;
    let command = Command::ServeMdmProfile {
        profile: served,
        challenge: hash(&secret),
        challenge_expires: app.world.now().plus_seconds(CHALLENGE_SECONDS),
        device_enrolled: device.phase == Phase::Enrolled,
    };
    serve(visitor, session, &command).await?;
    Ok(signed)
}

// Profile-based User Enrollment must not reach a version that would make a full Device Enrollment of it (design §8). The
// visit was checked when the kind was chosen; here the browser that takes the profile is. Whatever opened the link, the
// visit stays as it is: somebody else's browser ends nobody's enrollment. What tells no version may have the profile,
// since Settings may fetch it by itself; such a device is checked again when it says what it is.
fn check_version(visitor: &Visitor, kind: EnrollmentKind) -> Result<(), Problem> {
    let takes = FIRST_USER_ENROLLMENT..FIRST_ACCOUNT_DRIVEN_ONLY;
    match visitor.version() {
        Some(version) if kind == EnrollmentKind::UserEnrollment && !takes.contains(&version) => Err(Problem::Version),
        _ => Ok(()),
    }
}

async fn serve(visitor: &Visitor, session: &Session, command: &Command) -> Result<(), Problem> {
    let context = session.context(visitor.source);
    visitor.app.perform::<Visit>(&session.enrollment.stream(), command, &context).await?;
    Ok(())
}

fn served_profile(app: &App, session: &Session, kind: EnrollmentKind, topic: &str) -> ServedProfile {
    let base = app.config.server.public_url.trim_end_matches('/');
    let devices = app.config.devices.url.as_deref().map_or(base, |url| url.trim_end_matches('/'));
    let personal = kind == EnrollmentKind::UserEnrollment;
    ServedProfile {
        kind,
        identifier: format!("{}.muster.mdm.{}", reverse_dns(base), session.enrollment),
        profile_uuid: app.world.random_uuid(),
        identity_uuid: app.world.random_uuid(),
        mdm_uuid: app.world.random_uuid(),
        topic: topic.to_owned(),
        server_url: format!("{devices}/mdm/command"),
        check_in_url: format!("{devices}/mdm/checkin"),
        scep_url: format!("{base}/scep"),
        // They can never be widened later: an institutional device is managed as a whole, as the (i) page says.
        access_rights: (!personal).then_some(AccessRights::ALL.bits()),
        managed_apple_id: session.visit.managed_apple_id.clone().filter(|_| personal),
    }
}

fn mdm_xml(
    app: &App,
    settings: &Settings,
    session: &Session,
    served: &ServedProfile,
    challenge: &str,
) -> Result<Vec<u8>, Problem> {
    let managed_apple_id = served.managed_apple_id.as_ref().map(|id| id.text().to_owned()).unwrap_or_default();
    let mode = match served.access_rights.and_then(AccessRights::new) {
        Some(access_rights) => Mode::DeviceEnrollment { access_rights },
        None => Mode::UserEnrollment { managed_apple_id: &managed_apple_id },
    };
    let profile = MdmProfile {
        texts: Texts {
            organization: &settings.organization,
            display_name: &settings.organization,
            description: "Enrolls this device in management.",
        },
        identifier: &served.identifier,
        profile_uuid: served.profile_uuid,
        identity_uuid: served.identity_uuid,
        mdm_uuid: served.mdm_uuid,
        names_target: names_target(session),
        topic: &served.topic,
        server_url: &served.server_url,
        check_in_url: &served.check_in_url,
        scep_url: &served.scep_url,
        sign_message: app.config.devices.url.is_none(),
        challenge,
        device: session.enrollment.0,
        mode,
    };
    profile.xml(&app.pki).map_err(Problem::internal)
}

// Signing takes a private key operation: not on the thread that answers everybody.
async fn sign(pki: &Pki, xml: Vec<u8>) -> Result<Vec<u8>, Problem> {
    let pki = pki.clone();
    let signed = web::block(move || pki.sign_profile(&xml)).await.map_err(Problem::internal)?;
    signed.map_err(Problem::internal)
}

// `TargetDeviceType` is known from 12.2 on.
fn names_target(session: &Session) -> bool {
    let platform = session.visit.opened.as_ref().map(|opened| opened.platform);
    platform.and_then(|platform| platform.version).is_some_and(|version| version >= OsVersion::new(12, 2))
}

/// `enroll.example.com` as the beginning of identifiers: `com.example.enroll`.
fn reverse_dns(public_url: &str) -> String {
    let url = Url::parse(public_url).ok();
    let host = url.as_ref().and_then(|url| url.host_str()).unwrap_or("localhost");
    let plain = |label: &str| label.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect::<String>();
    host.split('.').rev().map(plain).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::reverse_dns;

    #[test]
    fn identifiers_begin_with_the_host_backwards() {
        assert_eq!(reverse_dns("https://enroll.example.com:8443/"), "com.example.enroll");
        assert_eq!(reverse_dns("https://[::1]:8443"), "1");
        assert_eq!(reverse_dns("https://localhost"), "localhost");
    }
}
