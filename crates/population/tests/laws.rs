//! Laws of physics and of Apple's protocol, checked on the happenings of several organizations.

use population::{
    AccountId, DAY, Delivery, DeviceId, Enrolled, EnrollmentId, InvitationId, Kind, MINUTE, Names, OldRecord,
    OpeningId, Organization, OsVersion, PushAnswer, RecordTruth, Shape, Through, Way, What,
};
use std::collections::{BTreeMap, BTreeSet};

fn organizations() -> impl Iterator<Item = Organization> {
    (11..16).map(|seed| Organization::generate(&Shape::of(1200), seed))
}

fn record(organization: &Organization, enrollment: EnrollmentId) -> RecordTruth {
    organization.truth.records[&OldRecord::Enrolled(enrollment)]
}

/// The device and the version that a happening tells of an enrollment.
fn version(organization: &Organization, what: &What) -> Option<(DeviceId, OsVersion)> {
    match what {
        What::Enrolled(enrolled) => Some((record(organization, enrolled.enrollment).device, enrolled.os)),
        What::Contact { enrollment, os } | What::OsUpdated { enrollment, os } | What::Restored { enrollment, os } => {
            Some((record(organization, *enrollment).device, *os))
        }
        _ => None,
    }
}

#[test]
fn happenings_are_in_the_order_of_time_and_within_the_horizon() {
    let end = Shape::default().calendar.end;
    for organization in organizations() {
        assert!(organization.happenings.is_sorted_by_key(|happening| happening.time));
        assert!(organization.happenings.iter().all(|happening| happening.time < end));
    }
}

#[test]
fn a_device_has_one_management_at_a_time() {
    for organization in organizations() {
        let mut of_device: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for truth in organization.truth.records.values() {
            of_device.entry(truth.device).or_default().push((truth.from, truth.until));
        }
        for (device, mut managements) in of_device {
            managements.sort_unstable();
            for pair in managements.windows(2) {
                assert!(pair[0].1.is_some_and(|until| until < pair[1].0), "{device:?}: {pair:?}");
            }
        }
    }
}

#[test]
fn versions_do_not_go_down() {
    for organization in organizations() {
        let mut highest: BTreeMap<DeviceId, OsVersion> = BTreeMap::new();
        // The lowest version that rows of an export allow from then on.
        let mut exported: BTreeMap<DeviceId, OsVersion> = BTreeMap::new();
        let mut of_record = BTreeMap::new();
        let mut ups = 0;
        for happening in &organization.happenings {
            if let Some((device, os)) = version(&organization, &happening.what) {
                let before = highest.insert(device, os);
                assert!(before.is_none_or(|before| before <= os), "{device:?}: {before:?}, then {os}");
                ups += usize::from(before.is_some_and(|before| before < os));
                assert!(exported.get(&device).is_none_or(|row| *row <= os), "{device:?}");
            }
            if let What::ExportImported(export) = &happening.what {
                for row in &export.rows {
                    let Some(os) = row.os else { continue };
                    let device = organization.truth.records[&OldRecord::Exported(row.record)].device;
                    assert!(of_record.insert(row.record, os).is_none_or(|before| before <= os), "{:?}", row.record);
                    exported.entry(device).and_modify(|row| *row = os.max(*row)).or_insert(os);
                }
            }
        }
        assert!(ups > 1000, "only {ups} updates");
    }
}

#[test]
fn a_device_makes_contact_only_while_it_is_managed() {
    for organization in organizations() {
        for happening in &organization.happenings {
            match &happening.what {
                What::Contact { enrollment, .. }
                | What::OsUpdated { enrollment, .. }
                | What::Restored { enrollment, .. } => {
                    let truth = record(&organization, *enrollment);
                    let until = truth.until.unwrap_or(i64::MAX);
                    assert!((truth.from..until).contains(&happening.time), "{happening:?}, {truth:?}");
                }
                What::ExportImported(export) => {
                    for row in &export.rows {
                        let truth = organization.truth.records[&OldRecord::Exported(row.record)];
                        let until = truth.until.unwrap_or(happening.time).min(happening.time);
                        // Clocks of exports are off by up to a day.
                        let contact = row.last_contact.unwrap_or(truth.from);
                        assert!((truth.from - DAY..=until + DAY).contains(&contact), "{row:?}, {truth:?}");
                    }
                }
                _ => {}
            }
        }
    }
}

#[test]
fn a_row_is_marked_as_unmanaged_only_if_the_device_left() {
    let mut marked = 0;
    for organization in organizations() {
        for happening in &organization.happenings {
            let What::ExportImported(export) = &happening.what else { continue };
            for row in export.rows.iter().filter(|row| row.managed == Some(false)) {
                let until = organization.truth.records[&OldRecord::Exported(row.record)].until;
                assert!(until.is_some_and(|until| until <= happening.time), "{row:?}");
                marked += 1;
            }
        }
    }
    assert!(marked > 100, "{marked}");
}

#[test]
fn check_out_and_answers_of_apns_follow_the_removal() {
    let (mut check_outs, mut gone) = (0, 0);
    for organization in organizations() {
        let mut left = BTreeSet::new();
        for happening in &organization.happenings {
            match happening.what {
                What::CheckedOut { enrollment } => {
                    let until = record(&organization, enrollment).until.expect("management was removed");
                    assert!((until..=until + 2 * DAY).contains(&happening.time), "{happening:?}");
                    assert!(left.insert(enrollment), "two check-outs of {enrollment:?}");
                    check_outs += 1;
                }
                What::PushAnswered { enrollment, answer } => {
                    let until = record(&organization, enrollment).until;
                    gone += usize::from(answer == PushAnswer::Gone);
                    let is_after = until.is_some_and(|until| until < happening.time);
                    assert!(answer == PushAnswer::Accepted || is_after, "{happening:?}");
                }
                _ => {}
            }
        }
    }
    assert!(check_outs > 100 && gone > 100, "{check_outs} check-outs, {gone} gone");
}

#[test]
fn a_restore_brings_management_back_only_if_it_came_as_a_profile_and_below_ios_27() {
    let mut restored = 0;
    for organization in organizations() {
        let mut ways = BTreeMap::new();
        for happening in &organization.happenings {
            match &happening.what {
                What::Enrolled(enrolled) => _ = ways.insert(enrolled.enrollment, enrolled.way),
                What::Restored { enrollment, os } => {
                    assert!(ways[enrollment] == Way::Profile && os.major < 27, "{happening:?}");
                    restored += 1;
                }
                _ => {}
            }
        }
    }
    assert!(restored > 0);
}

#[test]
fn enrollments_obey_the_versions_of_apple_and_user_enrollment_shows_no_hardware() {
    let mut seen = BTreeSet::new();
    for organization in organizations() {
        let devices: BTreeMap<_, _> = organization.devices.iter().map(|device| (device.id, device)).collect();
        for happening in &organization.happenings {
            let What::Enrolled(enrolled) = &happening.what else { continue };
            let device = devices[&record(&organization, enrolled.enrollment).device];
            let majors = match (enrolled.kind, enrolled.way) {
                (Kind::User, Way::Profile) => 13..18,
                (Kind::User, Way::Account) => 15..28,
                (Kind::Device, Way::Profile) => 4..28,
                (Kind::Device, Way::Account) => 17..28,
            };
            assert!(majors.contains(&enrolled.os.major), "{enrolled:?}");
            assert_eq!(enrolled.model, device.model.identifier);
            let shown = enrolled.hardware.as_ref().map(|hardware| (&hardware.serial, &hardware.udid));
            let expected = (enrolled.kind == Kind::Device).then_some((&device.serial, &device.udid));
            assert_eq!(shown, expected);
            seen.insert((enrolled.kind, enrolled.way));
        }
    }
    assert_eq!(seen.len(), 4, "{seen:?}");
}

#[test]
fn only_open_accounts_sign_in_with_their_present_names() {
    for organization in organizations() {
        let mut open: BTreeMap<AccountId, Names> = BTreeMap::new();
        for happening in &organization.happenings {
            match &happening.what {
                What::AccountOpened { account, names } => {
                    assert!(open.insert(*account, names.clone()).is_none(), "{account:?} is open already");
                }
                What::AccountClosed { account } => assert!(open.remove(account).is_some(), "{account:?} is closed"),
                What::PersonRenamed { account, before, after } => {
                    assert_eq!(open.insert(*account, after.clone()).as_ref(), Some(before));
                }
                What::Enrolled(enrolled) => {
                    assert_eq!(open.get(&enrolled.account), Some(&enrolled.names), "{happening:?}");
                    assert!(enrolled.on_behalf_of.is_none_or(|account| open.contains_key(&account)));
                }
                What::PortalAnswered { account, .. } | What::InvitationIssued { account: Some(account), .. } => {
                    assert!(open.contains_key(account), "{happening:?}");
                }
                _ => {}
            }
        }
    }
}

/// What the happenings said about invitations so far.
#[derive(Default)]
struct Invitations {
    issued: BTreeMap<InvitationId, (i64, Delivery)>,
    opened: BTreeMap<OpeningId, (i64, InvitationId)>,
    codes: BTreeMap<population::CodeId, i64>,
}

impl Invitations {
    fn check_use(&self, enrolled: &Enrolled, time: i64, organization: &Organization) {
        let Some(used) = enrolled.invitation else { return };
        assert!(self.issued[&used.invitation].0 <= time);
        match used.through {
            Through::Browser { opening } => {
                let (opened, invitation) = self.opened[&opening];
                assert!(opened <= time && invitation == used.invitation && enrolled.way == Way::Profile);
                let device = record(organization, enrolled.enrollment).device;
                assert_eq!(organization.truth.openings[&opening], Some(device));
            }
            Through::Code { code, opening, minutes } => {
                assert_eq!(minutes, (time - self.codes[&code]) / MINUTE, "{enrolled:?}");
                assert!(opening.is_none_or(|opening| self.opened[&opening].1 == used.invitation));
            }
        }
    }
}

#[test]
fn invitations_are_issued_then_opened_then_used_and_a_web_clip_exists_only_under_its_management() {
    let mut bound = 0;
    for organization in organizations() {
        let mut known = BTreeSet::new();
        let mut so_far = Invitations::default();
        for happening in &organization.happenings {
            let time = happening.time;
            match &happening.what {
                What::ExportImported(export) => known.extend(export.rows.iter().map(|row| row.record)),
                What::InvitationIssued { invitation, delivery, .. } => {
                    so_far.issued.insert(*invitation, (time, *delivery));
                    match delivery {
                        Delivery::DeviceBound { record: OldRecord::Exported(record) } => {
                            assert!(known.contains(record), "{happening:?}");
                        }
                        Delivery::Code { code } => _ = so_far.codes.insert(*code, time),
                        Delivery::DeviceBound { .. } | Delivery::Mail => {}
                    }
                }
                What::InvitationOpened { opening, invitation, .. } => {
                    so_far.opened.insert(*opening, (time, *invitation));
                    if let Delivery::DeviceBound { record } = so_far.issued[invitation].1 {
                        let truth = organization.truth.records[&record];
                        assert_eq!(organization.truth.openings[opening], Some(truth.device));
                        assert!((truth.from..truth.until.unwrap_or(i64::MAX)).contains(&time), "{truth:?}");
                        bound += 1;
                    }
                }
                What::CodeShown { code, opening } => {
                    assert!(so_far.opened[opening].0 <= time);
                    so_far.codes.insert(*code, time);
                }
                What::Enrolled(enrolled) => so_far.check_use(enrolled, time, &organization),
                _ => {}
            }
        }
    }
    assert!(bound > 500, "{bound}");
}

#[test]
fn an_answer_names_a_record_that_the_server_knows() {
    let mut named = 0;
    for organization in organizations() {
        let mut known = BTreeSet::new();
        for happening in &organization.happenings {
            match &happening.what {
                What::ExportImported(export) => {
                    known.extend(export.rows.iter().map(|row| OldRecord::Exported(row.record)));
                }
                What::Enrolled(enrolled) => _ = known.insert(OldRecord::Enrolled(enrolled.enrollment)),
                What::PortalAnswered { enrollment, answer: population::Answer::Record(record), .. } => {
                    assert!(known.contains(record) && *record != OldRecord::Enrolled(*enrollment), "{happening:?}");
                    named += 1;
                }
                _ => {}
            }
        }
    }
    assert!(named > 500, "{named}");
}
