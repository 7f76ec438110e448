//! Tests of the weight of evidence: one for each rule.

use super::*;

const DAY: i64 = 24 * 3_600;
const ENROLLED: Timestamp = Timestamp(1_800_000_000_000_000);

fn before(seconds: i64) -> Timestamp {
    ENROLLED.plus_seconds(-seconds)
}

fn facts() -> Facts {
    Facts { enrolled_at: ENROLLED, ..Facts::default() }
}

fn model(old: Option<&str>, new: Option<&str>) -> Pair<BTreeSet<String>> {
    let set = |name: &str| BTreeSet::from([name.to_owned()]);
    Pair { old: old.map(set), new: new.map(set) }
}

fn weight(facts: &Facts) -> Weight {
    weigh(facts, &Reenrollment::default())
}

fn old(silence: Silence) -> OldManagement {
    OldManagement { silence: Some(silence), ..OldManagement::default() }
}

#[test]
fn the_score_is_the_sum_of_the_points_that_are_told() {
    let told = weight(&Facts {
        same_person: Some(true),
        model: model(Some("iPhone14,5"), Some("iPhone14,5")),
        old: old(Silence::Silent { since: before(2 * DAY) }),
        ..facts()
    });
    let expected = [
        (LinkEvidence::SamePerson {}, 3),
        (LinkEvidence::SameModel {}, 2),
        (LinkEvidence::Silent { since: before(2 * DAY) }, 1),
    ];
    assert_eq!(told.evidence, expected.map(|(evidence, points)| Weighed { evidence, points }));
    assert_eq!((told.score, told.band), (6, LinkBand::Weak));
}

// What a person with a new phone of the same model has, too.
#[test]
fn the_same_person_and_model_are_not_probable_with_silence_or_a_dead_push_token_alone() {
    let versions = Pair { old: Some(OsVersion::new(17, 5)), new: Some(OsVersion::new(26, 0)) };
    let same_model = model(Some("iPhone14,5"), Some("iPhone14,5"));
    let known = Facts { same_person: Some(true), model: same_model, os_version: versions, ..facts() };
    let silent = old(Silence::Silent { since: before(DAY) });
    let unregistered =
        OldManagement { is_ours: true, push_unregistered: Some(before(DAY)), ..OldManagement::default() };
    for old in [OldManagement::default(), silent, unregistered] {
        assert_eq!(weight(&Facts { old, ..known.clone() }).band, LinkBand::Weak, "{old:?}");
    }
    let answered = Facts { answer: Some(PreviousAnswer::ThisDevice), ..known.clone() };
    let removed = OldManagement { is_ours: true, checked_out: Some(before(60)), ..OldManagement::default() };
    let invited = Facts { invited: Some(Invited::Person), ..known.clone() };
    assert_eq!(weight(&invited).band, LinkBand::Weak, "a code is read on the old phone and typed on the new one");
    for more in [answered.clone(), Facts { old: silent, ..invited }, Facts { old: removed, ..known }] {
        assert_eq!(weight(&more).band, LinkBand::Probable, "{more:?}");
    }
    assert_eq!(weight(&Facts { old: removed, ..answered }).band, LinkBand::Strong, "two more pieces of evidence");
}

#[test]
fn a_person_alone_is_weak_and_nothing_known_is_no_link() {
    assert_eq!(weight(&facts()).band, LinkBand::None);
    assert_eq!(weight(&Facts { same_person: Some(true), ..facts() }).band, LinkBand::Weak);
    assert_eq!(weight(&Facts { same_person: Some(false), ..facts() }).score, -3);
}

#[test]
fn the_name_of_a_person_with_many_devices_says_nothing() {
    let told = weight(&Facts { same_person: Some(true), is_of_many: true, ..facts() });
    assert_eq!((told.score, told.band), (0, LinkBand::None));
    assert_eq!(told.evidence[0], Weighed { evidence: LinkEvidence::SamePersonOfMany {}, points: 0 });
    let model = model(Some("iPad13,1"), Some("iPad13,1"));
    let silent = old(Silence::Silent { since: before(DAY) });
    let of_a_cart = Facts { same_person: Some(true), is_of_many: true, model, old: silent, ..facts() };
    let told = weight(&of_a_cart);
    assert_eq!((told.score, told.band, told.proof.may_be_retired), (3, LinkBand::None, false));
}

#[test]
fn a_device_of_a_cart_is_found_by_the_serial_number_that_it_tells() {
    let model = model(Some("iPad13,1"), Some("iPad13,1"));
    let versions = Pair { old: Some(OsVersion::new(17, 5)), new: Some(OsVersion::new(17, 5)) };
    let cart = Facts { same_person: Some(true), is_of_many: true, model, os_version: versions, ..facts() };
    let tells = |same| Facts { same_hardware_told: Some(same), ..cart.clone() };
    assert_eq!((weight(&tells(true)).score, weight(&tells(true)).band), (8, LinkBand::Probable));
    assert!(!weight(&tells(true)).proof.is_same_device, "it can be forged");
    assert!(!weight(&tells(true)).proof.may_be_retired, "the name of a cart proves nothing");
    assert_eq!(weight(&tells(false)).band, LinkBand::None);
    let of_another = Facts { same_person: Some(false), is_of_many: false, ..tells(true) };
    assert_eq!(weight(&of_another).band, LinkBand::None, "a forged one finds no record of another person");
    let proven = Facts { same_hardware: Some(true), ..tells(false) };
    assert!(!weight(&proven).evidence.iter().any(|told| told.evidence == LinkEvidence::OtherHardwareTold {}));
}

#[test]
fn a_marketing_name_of_several_models_is_the_same_as_each_of_them() {
    let old = ["iPhone9,1", "iPhone9,3"].map(str::to_owned).into();
    let pair = Pair { old: Some(old), ..model(None, Some("iPhone9,3")) };
    assert_eq!(weight(&Facts { model: pair, ..facts() }).evidence[0].evidence, LinkEvidence::SameModel {});
}

#[test]
fn the_same_model_and_version_without_a_person_are_no_link() {
    let version = Pair { old: Some(OsVersion::new(15, 7)), new: Some(OsVersion::new(17, 5)) };
    let known = Facts { model: model(Some("iPhone14,5"), Some("iPhone14,5")), os_version: version, ..facts() };
    assert_eq!((weight(&known).score, weight(&known).band), (3, LinkBand::None));
    let told = Facts { answer: Some(PreviousAnswer::ThisDevice), ..known };
    assert_eq!(weight(&told).band, LinkBand::Weak, "the person says that it is this device");
}

#[test]
fn an_unknown_model_is_neither_for_nor_against() {
    for pair in [model(None, Some("iPhone14,5")), model(Some("iPhone14,5"), None), model(None, None)] {
        let told = weight(&Facts { model: pair, ..facts() });
        assert_eq!(told.evidence, [Weighed { evidence: LinkEvidence::ModelUnknown {}, points: 0 }]);
    }
}

#[test]
fn another_model_outweighs_the_same_person_and_silence() {
    let told = weight(&Facts {
        same_person: Some(true),
        model: model(Some("iPhone12,1"), Some("iPhone14,5")),
        old: old(Silence::Silent { since: before(DAY) }),
        ..facts()
    });
    assert_eq!(told.band, LinkBand::None);
}

#[test]
fn an_older_os_version_than_the_record_s_speaks_against() {
    let pair = |old, new| Pair { old: Some(old), new: Some(new) };
    let score = |os_version| weight(&Facts { os_version, ..facts() }).score;
    assert_eq!(score(pair(OsVersion::new(17, 5), OsVersion::new(18, 0))), 1);
    assert_eq!(score(pair(OsVersion::new(17, 5), OsVersion::new(17, 5))), 1);
    assert_eq!(score(pair(OsVersion::new(18, 0), OsVersion::new(17, 5))), -2);
    assert_eq!(score(Pair { old: None, new: Some(OsVersion::new(17, 5)) }), 0);
}

#[test]
fn a_removal_counts_most_within_the_window_before_the_enrollment() {
    let of = |at| {
        let old = OldManagement { checked_out: Some(at), is_ours: true, ..OldManagement::default() };
        let told = weight(&Facts { old, ..facts() });
        told.evidence.last().unwrap().evidence
    };
    assert_eq!(of(before(60)), LinkEvidence::CheckedOutBefore { at: before(60) });
    assert_eq!(of(before(3 * DAY)), LinkEvidence::CheckedOutBefore { at: before(3 * DAY) });
    assert_eq!(of(before(3 * DAY + 1)), LinkEvidence::Silent { since: before(3 * DAY + 1) });
    let late = ENROLLED.plus_seconds(2 * DAY);
    assert_eq!(of(late), LinkEvidence::SilenceUnknown {}, "it was removed before, or it is another device");
    let after = ENROLLED.plus_seconds(2 * DAY + 1);
    assert_eq!(of(after), LinkEvidence::HeardAfter { at: after }, "a device has one management");
    let old = OldManagement { checked_out: Some(after), is_ours: true, ..OldManagement::default() };
    let told = weight(&Facts { same_person: Some(true), old, ..facts() });
    assert!(told.proof.may_be_retired, "it has ended all the same");
}

#[test]
fn contact_after_the_enrollment_outweighs_an_earlier_removal() {
    let at = ENROLLED.plus_seconds(DAY);
    let heard = OldManagement { checked_out: Some(before(60)), ..old(Silence::Heard { at }) };
    let told = weight(&Facts { same_person: Some(true), old: heard, ..facts() });
    assert!(told.evidence.contains(&Weighed { evidence: LinkEvidence::HeardAfter { at }, points: -5 }));
    assert_eq!((told.band, told.proof.may_be_retired), (LinkBand::None, false));
}

#[test]
fn unknown_is_never_silent() {
    let told = weight(&Facts { old: old(Silence::Unknown {}), ..facts() });
    assert_eq!((told.score, told.evidence.last().unwrap().evidence), (0, LinkEvidence::SilenceUnknown {}));
}

#[test]
fn what_the_person_says_counts_but_proves_nothing() {
    let say = |answer| weight(&Facts { same_person: Some(true), answer: Some(answer), ..facts() });
    assert_eq!((say(PreviousAnswer::ThisDevice).score, say(PreviousAnswer::ThisDevice).band), (6, LinkBand::Weak));
    assert!(!say(PreviousAnswer::ThisDevice).proof.is_same_device);
    for answer in [PreviousAnswer::AnotherDevice, PreviousAnswer::NoLongerHave] {
        assert_eq!(say(answer).band, LinkBand::None);
    }
    let versions = Pair { old: Some(OsVersion::new(17, 5)), new: Some(OsVersion::new(17, 5)) };
    let same_model = model(Some("iPhone14,5"), Some("iPhone14,5"));
    let fits = Facts { same_person: Some(true), model: same_model, os_version: versions, ..facts() };
    let told = |answer| weight(&Facts { answer: Some(answer), ..fits.clone() }).band;
    assert_eq!(told(PreviousAnswer::AnotherDevice), LinkBand::Weak, "some people answer without reading");
    assert_eq!(told(PreviousAnswer::NoLongerHave), LinkBand::None);
}

#[test]
fn a_foreign_record_may_be_retired_by_its_owner_and_ours_only_after_its_end() {
    let may = |old| weight(&Facts { same_person: Some(true), old, ..facts() }).proof.may_be_retired;
    let ours = OldManagement { is_ours: true, ..OldManagement::default() };
    assert!(may(OldManagement::default()));
    assert!(!may(ours));
    assert!(!may(OldManagement { silence: Some(Silence::Silent { since: before(DAY) }), ..ours }), "silence is no end");
    assert!(may(OldManagement { checked_out: Some(before(DAY)), ..ours }));
    assert!(may(OldManagement { push_unregistered: Some(before(DAY)), ..ours }));
    assert!(may(OldManagement { has_ended: true, ..ours }));
    assert!(!weight(&facts()).proof.may_be_retired, "the owner is unknown");
    assert!(!weight(&Facts { same_person: Some(false), ..facts() }).proof.may_be_retired);
}

#[test]
fn only_attested_hardware_proves_the_same_device() {
    let of = |same| weight(&Facts { same_hardware: Some(same), ..facts() });
    assert_eq!((of(true).band, of(true).proof.is_same_device), (LinkBand::Strong, true));
    assert_eq!((of(false).band, of(false).proof.is_same_device), (LinkBand::None, false));
}

fn invited(invited: Invited) -> Facts {
    Facts { same_person: Some(true), invited: Some(invited), ..facts() }
}

#[test]
fn an_invitation_that_the_old_management_delivered_proves_the_device_unless_something_contradicts_it() {
    let proves = |facts: Facts| weight(&facts).proof.is_same_device;
    let of_device = || invited(Invited::Device);
    assert!(proves(of_device()));
    assert_eq!(weight(&of_device()).band, LinkBand::Strong);
    assert!(proves(Facts { same_person: None, ..of_device() }), "the owner of the record is unknown");
    assert!(!proves(invited(Invited::Person)));
    assert!(!proves(Facts { same_hardware: Some(false), ..of_device() }));
    assert!(!proves(Facts { model: model(Some("iPhone12,1"), Some("iPhone14,5")), ..of_device() }));
    let older = Pair { old: Some(OsVersion::new(18, 0)), new: Some(OsVersion::new(17, 5)) };
    assert!(!proves(Facts { os_version: older, ..of_device() }));
    let at = ENROLLED.plus_seconds(DAY);
    assert!(!proves(Facts { old: old(Silence::Heard { at }), ..of_device() }));
    let checked_out = OldManagement { checked_out: Some(at), is_ours: true, ..OldManagement::default() };
    assert!(!proves(Facts { old: checked_out, ..of_device() }));
}

#[test]
fn an_invitation_for_another_record_of_the_source_speaks_against_the_link() {
    let told = weight(&invited(Invited::OtherDevice));
    assert_eq!((told.band, told.proof.is_same_device), (LinkBand::None, false));
    let told = weight(&Facts { same_person: None, ..invited(Invited::Person) });
    assert_eq!((told.score, told.band), (1, LinkBand::None), "any device of the person could show it");
}

#[test]
fn a_code_of_the_page_is_evidence_and_no_proof() {
    let by_code = || invited(Invited::DeviceByCode);
    assert_eq!(weight(&by_code()).evidence, weight(&invited(Invited::Device)).evidence);
    assert!(!weight(&by_code()).proof.is_same_device, "it may have been typed on another phone");
    assert_eq!(weight(&Facts { same_person: None, ..by_code() }).band, LinkBand::Probable);
    let other = model(Some("iPhone12,1"), Some("iPhone14,5"));
    let told = weight(&Facts { model: other, ..by_code() });
    assert!(told.evidence.contains(&Weighed { evidence: LinkEvidence::InvitedPerson {}, points: 1 }), "{told:?}");
    assert_eq!(told.band, LinkBand::None);
}

#[test]
fn a_link_needs_no_administrator_only_with_a_device_bound_invitation_an_end_and_nothing_against_it() {
    let ours = |old| OldManagement { is_ours: true, ..old };
    let ended = ours(OldManagement { checked_out: Some(before(60)), ..OldManagement::default() });
    let is_certain = |facts: &Facts| is_beyond_doubt(facts, &weight(facts));
    let certain = Facts { old: ended, ..invited(Invited::Device) };
    assert!(is_certain(&certain));
    let unregistered = ours(OldManagement { push_unregistered: Some(before(60)), ..OldManagement::default() });
    assert!(is_certain(&Facts { old: unregistered, ..certain.clone() }));
    let gone = OldManagement { is_gone: true, ..OldManagement::default() };
    assert!(is_certain(&Facts { old: gone, ..certain.clone() }));

    for (facts, why) in [
        (Facts { invited: Some(Invited::Person), ..certain.clone() }, "the invitation proves the person"),
        (Facts { invited: Some(Invited::DeviceByCode), ..certain.clone() }, "a code can be typed on another phone"),
        (Facts { invited: None, same_hardware: Some(true), ..certain.clone() }, "no invitation was used"),
        (
            Facts { old: OldManagement { is_gone: true, ..ours(OldManagement::default()) }, ..certain.clone() },
            "managed",
        ),
        (
            Facts { old: OldManagement { has_ended: true, ..ours(OldManagement::default()) }, ..certain.clone() },
            "by us",
        ),
        (Facts { old: OldManagement::default(), ..certain.clone() }, "the other product still has it"),
        (Facts { same_person: Some(false), ..certain.clone() }, "another person"),
        (Facts { answer: Some(PreviousAnswer::AnotherDevice), ..certain.clone() }, "the person says so"),
        (Facts { same_hardware: Some(false), ..certain.clone() }, "other hardware"),
        (Facts { model: model(Some("iPhone12,1"), Some("iPhone14,5")), ..certain.clone() }, "another model"),
    ] {
        assert!(!is_certain(&facts), "{why}");
    }
}

#[test]
fn the_settings_decide_from_which_score_a_link_is_of_a_band() {
    let rules = Reenrollment { weak_score: 1, probable_score: 2, strong_score: 3, ..Reenrollment::default() };
    assert_eq!(weigh(&Facts { same_person: Some(true), ..facts() }, &rules).band, LinkBand::Strong);
    let strict = Reenrollment { weak_score: 4, ..Reenrollment::default() };
    assert_eq!(weigh(&Facts { same_person: Some(true), ..facts() }, &strict).band, LinkBand::None);
}
