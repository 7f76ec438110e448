use super::*;
use events::KeyName;
use events::invitation::RecipientDetails;
use events::personal::Personal;
use uuid::Uuid;

const NOW: Timestamp = Timestamp(1_700_000_000_000_000);
const ANNA: PersonId = PersonId(Uuid::from_u128(1));
const HOME: EnrollmentId = EnrollmentId(Uuid::from_u128(11));
const OTHER: EnrollmentId = EnrollmentId(Uuid::from_u128(12));

fn later(seconds: i64) -> Timestamp {
    NOW.plus_seconds(seconds)
}

fn issue(delivery: InvitationDelivery) -> Command {
    let details = Personal::new(KeyName::of("person", ANNA), RecipientDetails::default());
    let recipient = Recipient { person: Some(ANNA), keys: vec![], details };
    let issued = Issued { recipient, record: None, wave: None, delivery, language: "en".into() };
    Command::Issue { issued: Box::new(issued), expires: later(1_000) }
}

fn mailed() -> Command {
    issue(InvitationDelivery::Mail)
}

fn open(enrollment: EnrollmentId, shown: Shown) -> Command {
    Command::Open { enrollment: Some(enrollment), shown, at: Moment::of(NOW) }
}

fn link(generation: u32) -> Shown {
    Shown::Link(Some(generation))
}

fn use_in(enrollment: EnrollmentId) -> Command {
    Command::Use { enrollment, person: ANNA, is_recipient: true, at: Moment::of(NOW) }
}

fn renew(cause: RenewalCause) -> Command {
    Command::Renew { cause, expires: later(2_000) }
}

fn given(commands: &[Command]) -> Invitation {
    commands.iter().fold(Invitation::default(), |invitation, command| {
        let happened = invitation.decide(command).expect("permitted");
        happened.iter().fold(invitation, Invitation::evolve)
    })
}

fn refused(why: InvitationRefusal, enrollment: EnrollmentId) -> Result<Vec<InvitationEvent>, Refusal> {
    Ok(vec![InvitationEvent::InvitationRefused { why, enrollment: Some(enrollment) }])
}

#[test]
fn an_invitation_is_opened_by_a_form_and_spent_by_the_sign_in_of_its_recipient() {
    let opened = given(&[mailed(), open(HOME, link(0))]);
    assert_eq!(opened.standing(NOW), Standing::Open, "opening does not spend it");
    let used = given(&[mailed(), open(HOME, link(0)), use_in(HOME)]);
    assert_eq!(used.standing(NOW), Standing::Closed(InvitationRefusal::Used));
    assert_eq!(used.decide(&use_in(HOME)), Ok(vec![]), "a second click");
    assert_eq!(used.decide(&open(HOME, link(0))), Ok(vec![]), "a second click");
    assert_eq!(used.decide(&open(OTHER, link(0))), refused(InvitationRefusal::Used, OTHER));
}

#[test]
fn of_two_browsers_that_opened_it_only_the_first_sign_in_uses_it() {
    let used = given(&[mailed(), open(HOME, link(0)), open(OTHER, link(0)), use_in(OTHER)]);
    assert_eq!(used.used.map(|used| used.enrollment), Some(OTHER));
    assert_eq!(used.decide(&use_in(HOME)), refused(InvitationRefusal::Used, HOME));
}

#[test]
fn who_used_it_in_an_enrollment_without_a_device_uses_it_in_another_one() {
    let used = given(&[issue(InvitationDelivery::WebClip), open(HOME, link(0)), use_in(HOME)]);
    let at = Moment { now: NOW, without_device: Some(HOME) };
    let again = |enrollment| Command::Open { enrollment: Some(enrollment), shown: link(0), at };
    let opened = used.decide(&again(OTHER)).unwrap();
    assert_eq!(opened, [InvitationEvent::InvitationOpened { enrollment: OTHER, token: InvitationToken::Link }]);
    assert!(used.decide(&Command::IssueCode { code: "a".into(), expires: later(600), at }).is_ok());
    let opened = opened.iter().fold(used, Invitation::evolve);
    let spend = |person, is_recipient, at| Command::Use { enrollment: OTHER, person, is_recipient, at };
    let stranger = PersonId(Uuid::from_u128(2));
    assert_eq!(opened.decide(&spend(stranger, false, at)), refused(InvitationRefusal::OtherPerson, OTHER));
    assert_eq!(opened.decide(&spend(ANNA, true, Moment::of(NOW))), refused(InvitationRefusal::Used, OTHER));
    let late = Moment { now: later(2_000), ..at };
    let token = InvitationToken::Link;
    let moved = InvitationEvent::InvitationUsed { enrollment: OTHER, person: ANNA, token };
    assert_eq!(opened.decide(&spend(ANNA, true, late)), Ok(vec![moved.clone()]), "it was opened in time");
    let moved = opened.evolve(&moved);
    assert_eq!(
        moved.used.map(|used| (used.enrollment, used.is_device_bound)),
        Some((OTHER, false)),
        "a link may have been sent on"
    );
    let refused_late = Command::Open { enrollment: Some(EnrollmentId(Uuid::from_u128(13))), shown: link(0), at: late };
    let third = EnrollmentId(Uuid::from_u128(13));
    assert_eq!(moved.decide(&refused_late), refused(InvitationRefusal::Used, third), "the other one may have a device");
}

#[test]
fn another_person_does_not_spend_it() {
    let opened = given(&[mailed(), open(HOME, link(0)), open(OTHER, link(0))]);
    let foreign = Command::Use {
        enrollment: OTHER,
        person: PersonId(Uuid::from_u128(2)),
        is_recipient: false,
        at: Moment::of(NOW),
    };
    assert_eq!(opened.decide(&foreign), refused(InvitationRefusal::OtherPerson, OTHER));
    let after = given(&[mailed(), open(HOME, link(0)), open(OTHER, link(0)), foreign.clone(), use_in(HOME)]);
    assert_eq!(after.used.map(|used| used.enrollment), Some(HOME));
}

#[test]
fn an_enrollment_in_which_it_was_not_opened_cannot_use_it() {
    assert_eq!(given(&[mailed()]).decide(&use_in(HOME)), Err(Refusal::Unknown));
    assert_eq!(Invitation::default().decide(&open(HOME, link(0))), Err(Refusal::Unknown));
}

#[test]
fn an_earlier_link_and_a_link_of_no_generation_are_refused_after_it_was_sent_again() {
    let renewed = given(&[mailed(), renew(RenewalCause::SentAgain)]);
    assert_eq!(renewed.decide(&open(HOME, link(0))), refused(InvitationRefusal::Replaced, HOME));
    assert_eq!(renewed.decide(&open(HOME, Shown::Code(0))), refused(InvitationRefusal::Replaced, HOME));
    assert_eq!(renewed.decide(&open(HOME, Shown::Link(None))), refused(InvitationRefusal::Replaced, HOME));
    let token = InvitationToken::Link;
    assert_eq!(
        renewed.decide(&open(HOME, link(1))),
        Ok(vec![InvitationEvent::InvitationOpened { enrollment: HOME, token }])
    );
}

#[test]
fn an_expired_or_revoked_invitation_is_refused_and_whoever_opened_it_in_time_may_finish() {
    let late = Command::Open { enrollment: Some(OTHER), shown: link(0), at: Moment::of(later(1_000)) };
    let opened = given(&[mailed(), open(HOME, link(0))]);
    assert_eq!(opened.decide(&late), refused(InvitationRefusal::Expired, OTHER));
    let used_late = Command::Use { enrollment: HOME, person: ANNA, is_recipient: true, at: Moment::of(later(1_500)) };
    assert_eq!(opened.decide(&used_late).map(|events| events.len()), Ok(1));
    let revoked = given(&[mailed(), open(HOME, link(0)), Command::Revoke]);
    assert_eq!(revoked.decide(&use_in(HOME)), refused(InvitationRefusal::Revoked, HOME));
    assert_eq!(revoked.decide(&Command::Revoke), Ok(vec![]), "a second click");
    assert_eq!(revoked.decide(&renew(RenewalCause::SentAgain)), Err(Refusal::Revoked));
}

#[test]
fn it_expires_once_and_sending_it_again_opens_it_anew_but_a_reminder_does_not() {
    let expire = |seconds| Command::Expire { now: later(seconds) };
    assert_eq!(given(&[mailed()]).decide(&expire(999)), Ok(vec![]));
    let expired = given(&[mailed(), expire(1_000)]);
    assert!(expired.is_expired);
    assert_eq!(expired.decide(&expire(1_001)), Ok(vec![]));
    assert_eq!(expired.decide(&renew(RenewalCause::Reminder)), Err(Refusal::Expired));
    let again = given(&[mailed(), expire(1_000), renew(RenewalCause::SentAgain)]);
    assert_eq!(again.standing(later(1_500)), Standing::Open);
    let used = given(&[mailed(), open(HOME, link(0)), use_in(HOME)]);
    assert_eq!(used.decide(&expire(5_000)), Ok(vec![]), "what was used does not expire");
}

#[test]
fn a_mail_that_was_accepted_is_not_sent_again_and_a_late_answer_about_an_earlier_link_counts_not() {
    let sent = Command::NoteSent { generation: 0 };
    assert!(given(&[mailed(), sent.clone()]).is_mail_settled);
    assert_eq!(given(&[mailed(), sent.clone()]).decide(&sent), Ok(vec![]));
    assert_eq!(given(&[mailed(), renew(RenewalCause::SentAgain)]).decide(&sent), Ok(vec![]));
}

#[test]
fn after_ten_failures_a_mail_is_given_up() {
    let failed = Command::NoteNotSent { generation: 0, why: MailFailure::Unreachable, code: None, is_final: false };
    let mut commands = vec![mailed()];
    commands.extend(std::iter::repeat_n(failed.clone(), 9));
    assert!(!given(&commands).is_mail_settled);
    commands.push(failed.clone());
    assert!(given(&commands).is_mail_settled);
    assert_eq!(given(&commands).decide(&failed), Ok(vec![]));
}

#[test]
fn only_a_device_bound_invitation_issues_codes_and_they_are_valid_for_minutes() {
    let code = |text: &str| Command::IssueCode { code: text.into(), expires: later(600), at: Moment::of(NOW) };
    assert_eq!(given(&[mailed()]).decide(&code("a")), Err(Refusal::NotDeviceBound));
    let clip = issue(InvitationDelivery::WebClip);
    let shown = |text: &str| Shown::DeviceCode(text.into());
    let issued = given(&[clip.clone(), code("a")]);
    assert_eq!(issued.decide(&open(HOME, shown("b"))), refused(InvitationRefusal::Replaced, HOME));
    let late = Command::Open { enrollment: Some(HOME), shown: shown("a"), at: Moment::of(later(600)) };
    assert_eq!(issued.decide(&late), refused(InvitationRefusal::Replaced, HOME));
    let used = given(&[clip, code("a"), open(HOME, shown("a")), use_in(HOME)]).used.expect("used");
    assert!(used.is_device_bound);
}

#[test]
fn what_a_mail_carries_proves_no_device_and_neither_does_the_printed_code_of_a_device_bound_invitation() {
    let used = given(&[mailed(), open(HOME, link(0)), use_in(HOME)]).used.expect("used");
    assert!(!used.is_device_bound);
    let clip = issue(InvitationDelivery::WebClip);
    let used = given(&[clip.clone(), open(HOME, Shown::Code(0)), use_in(HOME)]).used.expect("used");
    assert!(!used.is_device_bound);
    let used = given(&[clip, open(HOME, link(0)), use_in(HOME)]).used.expect("used");
    assert!(used.is_device_bound);
}

#[test]
fn refusals_are_recorded_once_each_and_a_bounded_number_of_times() {
    let enrollment = |n: u128| EnrollmentId(Uuid::from_u128(100 + n));
    let mut commands = vec![mailed(), Command::Revoke];
    commands.extend((0..20).map(|n| open(enrollment(n), link(0))));
    let refused = given(&commands);
    assert_eq!(refused.decide(&open(enrollment(0), link(0))), Ok(vec![]), "the same again");
    assert_eq!(refused.decide(&open(enrollment(99), link(0))), Ok(vec![]), "one too many");
}
