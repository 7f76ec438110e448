//! Retirement: the removal of the old management with the person's consent, and the record after the link is confirmed.

use super::*;
use async_trait::async_trait;
use decisions::device::Command as DeviceCommand;
use events::Entry;
use events::device::DeviceEvent;
use simulator::acts::Act;
use std::time::Duration;

/// The old device, which is online and asks for commands whenever the person looks at the page.
struct Online {
    old: Device,
    /// Number of times that the person looked. The second time, they have agreed to the removal.
    looks: u32,
}

/// Maximum number of times that the device asks for the command, which an effect queues.
const MOST_POLLS: u32 = 500;

#[async_trait]
impl Watcher for Online {
    async fn before(&mut self, act: Act) {
        if act != Act::NotePreviousRecords {
            return;
        }
        self.looks += 1;
        let most = if self.looks == 1 { 1 } else { MOST_POLLS };
        for _ in 0..most {
            if self.old.management().is_none() {
                return;
            }
            self.old.poll().await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn archived(scene: &Scene, record: RecordId) -> bool {
    scene.server.reacted().await;
    scene.server.app().platform.device(record.device()).await.unwrap().archived
}

async fn device_log(scene: &Scene, record: RecordId) -> Vec<Entry> {
    scene.server.log_of(&record.device().stream()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_agrees_to_the_removal_goes_on_when_the_old_device_has_removed_it() {
    let (scene, _clock) = stage().await;
    for (ios, person) in TRAVELERS {
        let phone = iphone(ios);
        let old = enroll(&scene, person, &phone).await;
        let record = own(&old);
        let device = scene.walk(Visitor { hardware: phone, ..Visitor::personal(Family::IPhone, "17.5") }).device;
        let walk = scene.walk(Visitor::personal(Family::IPhone, "17.5"));
        let mut walk = Walk::new(Person { user_name: person.into(), ..walk.person }, device);
        (walk.says_of_earlier, walk.lets_remove) = (Some("this_device"), true);
        let mut online = Online { old, looks: 0 };
        let enrolled = enroll_by(&scene, walk, &mut online).await;
        let new = enrolled.unwrap_or_else(|(_, why)| panic!("iOS {ios}: {why}"));
        assert!(online.old.management().is_none(), "iOS {ios}: the profile is removed");
        let log = device_log(&scene, record).await;
        let queued = log.iter().rfind(|entry| {
            matches!(&entry.event, Event::Device(DeviceEvent::MdmCommandQueued { request_type, .. }) if request_type == "RemoveProfile")
        });
        let enrollment = scene.server.log_of(&id_of(&new).enrollment().stream()).await;
        let consent = enrollment.iter().find(|entry| {
            matches!(&entry.event, Event::Enrollment(EnrollmentEvent::OldManagementRemovalAgreed { record: of }) if *of == record)
        });
        assert_eq!(queued.unwrap().causation, Some(consent.unwrap().id), "iOS {ios}");
    }
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmed_link_archives_an_own_record_that_has_ended_and_its_undo_shows_it_again() {
    let (scene, _clock) = stage().await;
    let phone = iphone("18.2");
    let mut old = enroll(&scene, "grace", &phone).await;
    let record = own(&old);
    old.remove_mdm_profile().await.unwrap();
    let pair = Pair { record, successor: id_of(&enroll(&scene, "grace", &phone).await) };
    assert!(!archived(&scene, record).await);
    let (reenrollment, context) = (&scene.server.app().reenrollment, operator(&scene));
    reenrollment.confirm(pair, &context).await.unwrap();
    assert!(archived(&scene, record).await);
    reenrollment.undo(pair, &context).await.unwrap();
    assert!(!archived(&scene, record).await);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_still_managed_is_archived_when_it_ends() {
    let (scene, _clock) = stage().await;
    let phone = iphone("18.2");
    let mut old = enroll(&scene, "grace", &phone).await;
    let record = own(&old);
    let pair = Pair { record, successor: id_of(&enroll(&scene, "grace", &phone).await) };
    scene.server.reacted().await;
    scene.server.app().reenrollment.confirm(pair, &operator(&scene)).await.unwrap();
    assert!(!archived(&scene, record).await, "its management stands");
    old.remove_mdm_profile().await.unwrap();
    assert!(archived(&scene, record).await);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_staff_archived_or_restored_stays_as_they_left_it() {
    let (scene, _clock) = stage().await;
    let phone = iphone("18.2");
    let (platform, context) = (&scene.server.app().platform, operator(&scene));
    let mut records = Vec::new();
    for _ in 0..2 {
        let mut old = enroll(&scene, "grace", &phone).await;
        records.push(own(&old));
        old.remove_mdm_profile().await.unwrap();
    }
    let successor = id_of(&enroll(&scene, "grace", &phone).await);
    scene.server.reacted().await;
    let act = async |record: RecordId, command: DeviceCommand| {
        let stream = record.device().stream();
        platform.perform::<decisions::device::Device>(&stream, &command, &context).await.unwrap();
    };
    let reenrollment = &scene.server.app().reenrollment;
    // Archived before the link was confirmed: not because of it.
    let pair = Pair { record: records[0], successor };
    act(pair.record, DeviceCommand::Archive).await;
    reenrollment.confirm(pair, &context).await.unwrap();
    reenrollment.undo(pair, &context).await.unwrap();
    assert!(archived(&scene, pair.record).await, "the undo of the link takes back what the link did");
    // Restored after the link was confirmed: somebody wants to see it.
    let pair = Pair { record: records[1], successor };
    reenrollment.confirm(pair, &context).await.unwrap();
    assert!(archived(&scene, pair.record).await);
    act(pair.record, DeviceCommand::Restore).await;
    let said = Command::ProposeLink { successor, weight: no_proof() };
    platform.perform::<Record>(&pair.record.stream(), &said, &context).await.unwrap();
    assert!(!archived(&scene, pair.record).await);
    scene.strike().await;
}

fn no_proof() -> decisions::link::Weight {
    let proof = events::record::LinkProof::default();
    decisions::link::Weight { evidence: vec![], score: 0, band: LinkBand::None, proof }
}
