//! The truth is complete and consistent, and the difficult cases occur.

use population::{Answer, EnrollmentId, OldRecord, Organization, Shape, Story, What};
use std::collections::{BTreeMap, BTreeSet};

fn generate(seed: u64) -> Organization {
    Organization::generate(&Shape::of(2000), seed)
}

#[test]
fn the_truth_has_every_record_enrollment_opening_and_account_and_nothing_else() {
    let organization = generate(1);
    let (mut enrollments, mut openings, mut accounts) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for happening in &organization.happenings {
        match &happening.what {
            What::ExportImported(export) => {
                let known = |row: &population::ExportRow| OldRecord::Exported(row.record);
                assert!(export.rows.iter().all(|row| organization.truth.records.contains_key(&known(row))));
            }
            What::Enrolled(enrolled) => assert!(enrollments.insert(enrolled.enrollment), "an id is used twice"),
            What::InvitationOpened { opening, .. } => assert!(openings.insert(*opening), "an id is used twice"),
            What::AccountOpened { account, .. } => _ = accounts.insert(*account),
            _ => {}
        }
    }
    let truth = &organization.truth;
    assert_eq!(enrollments, truth.enrollments.keys().copied().collect());
    assert_eq!(openings, truth.openings.keys().copied().collect());
    assert_eq!(accounts, truth.accounts.keys().copied().collect());
    let own = truth.records.keys().filter(|record| matches!(record, OldRecord::Enrolled(_)));
    assert_eq!(own.count(), enrollments.len());
    let (devices, people): (BTreeSet<_>, BTreeSet<_>) = (
        organization.devices.iter().map(|device| device.id).collect(),
        organization.people.iter().map(|person| person.id).collect(),
    );
    assert!(truth.records.values().all(|truth| devices.contains(&truth.device) && people.contains(&truth.owner)));
    assert!(truth.enrollments.values().all(|truth| people.contains(&truth.person)));
}

#[test]
fn an_enrollment_continues_the_last_earlier_record_of_the_same_device() {
    let truth = generate(2).truth;
    let mut of_device: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (record, of_record) in &truth.records {
        of_device.entry(of_record.device).or_default().push((of_record.from, *record));
    }
    of_device.values_mut().for_each(|records| records.sort_by_key(|(from, _)| *from));
    for (enrollment, of_enrollment) in &truth.enrollments {
        let own = OldRecord::Enrolled(*enrollment);
        let records = of_device[&of_enrollment.device].iter().map(|(_, record)| *record);
        let earlier: Vec<_> = records.take_while(|record| *record != own).collect();
        assert_eq!(of_enrollment.earlier, earlier, "{enrollment:?}");
        assert_eq!(of_enrollment.continues, earlier.last().copied(), "{enrollment:?}");
    }
}

#[test]
fn a_record_was_known_if_an_earlier_export_has_it_or_it_is_an_own_enrollment() {
    let organization = generate(3);
    let mut known = BTreeSet::new();
    for happening in &organization.happenings {
        match &happening.what {
            What::ExportImported(export) => {
                known.extend(export.rows.iter().map(|row| OldRecord::Exported(row.record)));
            }
            What::Enrolled(enrolled) => {
                let truth = &organization.truth.enrollments[&enrolled.enrollment];
                let is_known = truth.continues.is_some_and(|record| known.contains(&record));
                assert_eq!(truth.was_known, is_known, "{truth:?}");
                known.insert(OldRecord::Enrolled(enrolled.enrollment));
            }
            _ => {}
        }
    }
}

#[test]
fn stories_of_new_phones_continue_nothing_and_stories_of_the_same_phone_continue_something() {
    const NEW: [Story; 11] = [
        Story::TechnicianForOtherNew,
        Story::SharedOwnerNew,
        Story::FirstPhone,
        Story::NewPhone,
        Story::NewPhoneSameModel,
        Story::NewPhoneFromBackup,
        Story::LostPhone,
        Story::OldPhoneInDrawer,
        Story::SecondPhone,
        Story::LinkOpenedOtherEnrolled,
        Story::ReturnerNewPhone,
    ];
    for truth in generate(4).truth.enrollments.values() {
        assert_eq!(truth.continues.is_none(), NEW.contains(&truth.story), "{truth:?}");
    }
}

/// The enrollments with a story.
fn of_story(organization: &Organization, story: Story) -> BTreeSet<EnrollmentId> {
    let enrollments = organization.truth.enrollments.iter();
    enrollments.filter(|(_, truth)| truth.story == story).map(|(id, _)| *id).collect()
}

#[test]
fn a_phone_from_a_drawer_makes_contact_with_the_old_product_after_the_new_phone_is_enrolled() {
    let mut shape = Shape::of(2000);
    shape.migration.drawer = 0.1;
    let organization = Organization::generate(&shape, 5);
    let truth = &organization.truth;
    let stories = of_story(&organization, Story::OldPhoneInDrawer);
    let mut enrolled: BTreeMap<_, i64> = BTreeMap::new();
    let mut found = 0;
    for happening in &organization.happenings {
        match &happening.what {
            What::Enrolled(of) if stories.contains(&of.enrollment) => {
                enrolled.insert(truth.enrollments[&of.enrollment].person, happening.time);
            }
            What::ExportImported(export) => {
                for row in &export.rows {
                    let owner = truth.records[&OldRecord::Exported(row.record)].owner;
                    let contact = row.last_contact.unwrap_or(0);
                    found += usize::from(enrolled.get(&owner).is_some_and(|at| contact > at + 10 * population::DAY));
                }
            }
            _ => {}
        }
    }
    assert!(found > 20, "{found} rows");
}

#[test]
fn a_link_opened_on_one_phone_enrolls_another_of_the_same_model() {
    let mut shape = Shape::of(2000);
    shape.migration.link_then_other = 0.1;
    let organization = Organization::generate(&shape, 6);
    let truth = &organization.truth;
    let stories = of_story(&organization, Story::LinkOpenedOtherEnrolled);
    let models: BTreeMap<_, _> = organization.devices.iter().map(|device| (device.id, device.model)).collect();
    let mut used = 0;
    for happening in &organization.happenings {
        let What::Enrolled(enrolled) = &happening.what else { continue };
        let Some(through) = enrolled.invitation.map(|invitation| invitation.through) else { continue };
        let population::Through::Code { opening: Some(opening), .. } = through else { continue };
        if stories.contains(&enrolled.enrollment) {
            let opened_on = truth.openings[&opening].expect("a phone");
            let device = truth.enrollments[&enrolled.enrollment].device;
            assert!(opened_on != device && models[&opened_on] == models[&device]);
            used += 1;
        }
    }
    assert!(used > 20, "{used} codes");
}

#[test]
fn answers_are_mostly_right_sometimes_wrong_and_often_missing() {
    let organization = generate(7);
    let (mut right, mut wrong, mut missing) = (0, 0, 0);
    for happening in &organization.happenings {
        let What::PortalAnswered { enrollment, answer, .. } = &happening.what else { continue };
        let earlier = &organization.truth.enrollments[enrollment].earlier;
        match answer {
            Answer::Record(record) if earlier.contains(record) => right += 1,
            Answer::NoneOfThem if earlier.is_empty() => right += 1,
            // None of those that are listed: the record may be missing there.
            Answer::NoneOfThem => {}
            Answer::Record(_) => wrong += 1,
            Answer::NotAnswered => missing += 1,
        }
    }
    assert!(right > 5 * wrong && wrong > 5 && missing > wrong, "{right} right, {wrong} wrong, {missing} missing");
}

#[test]
fn a_push_to_a_device_in_a_drawer_is_accepted_without_contact() {
    let organization = generate(9);
    let mut last_contact = BTreeMap::new();
    let mut accepted = 0;
    for happening in &organization.happenings {
        match happening.what {
            What::Contact { enrollment, .. } => _ = last_contact.insert(enrollment, happening.time),
            What::PushAnswered { enrollment, answer } => {
                let until = organization.truth.records[&OldRecord::Enrolled(enrollment)].until;
                let is_managed = until.is_none_or(|until| until > happening.time);
                let contact = last_contact.get(&enrollment).copied().unwrap_or(0);
                assert!(!is_managed || contact < happening.time - population::DAY, "{happening:?}");
                accepted += usize::from(is_managed && answer == population::PushAnswer::Accepted);
            }
            _ => {}
        }
    }
    assert!(accepted > 50, "{accepted}");
}

#[test]
fn a_check_out_may_arrive_after_the_same_device_is_enrolled_again() {
    let organization = generate(8);
    let mut continued = BTreeSet::new();
    let mut late = 0;
    for happening in &organization.happenings {
        match &happening.what {
            What::Enrolled(enrolled) => {
                continued.extend(organization.truth.enrollments[&enrolled.enrollment].continues);
            }
            What::CheckedOut { enrollment } => {
                late += usize::from(continued.contains(&OldRecord::Enrolled(*enrollment)));
            }
            _ => {}
        }
    }
    assert!(late > 0);
}
