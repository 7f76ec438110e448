//! "Removes when asked": the sign-in shows the earlier record while it is still managed, and the person removes it
//! then.

use super::*;
use async_trait::async_trait;
use simulator::acts::Act;

/// The person removes the old management of their phone when the page asks about it.
struct Obedient {
    /// The phone as the old management knows it, until it is removed.
    old: Option<Device>,
}

#[async_trait]
impl Watcher for Obedient {
    async fn before(&mut self, act: Act) {
        if act == Act::NotePreviousRecords
            && let Some(mut old) = self.old.take()
        {
            old.remove_mdm_profile().await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_removes_the_old_management_when_the_page_asks_goes_on_and_is_one_person_with_one_phone() {
    let (scene, _clock) = stage().await;
    for (ios, person) in TRAVELERS {
        let phone = iphone(ios);
        let old = enroll(&scene, person, &phone).await;
        let record = own(&old);
        let device = scene.walk(Visitor { hardware: phone, ..Visitor::personal(Family::IPhone, "17.5") }).device;
        let mut person_at_it = Obedient { old: Some(old) };
        let enrolled = enroll_watched(&scene, person, device, &mut person_at_it).await;
        let new = enrolled.unwrap_or_else(|(_, why)| panic!("iOS {ios}: {why}"));
        assert!(person_at_it.old.is_none(), "iOS {ios}: the page did not ask");
        let link = link(&scene, id_of(&new)).await;
        let told = evidence(&link);
        assert!(matches!(told.last(), Some(LinkEvidence::CheckedOutBefore { .. })), "iOS {ios}: {told:?}");
        assert_eq!(
            (link.record, link.state, link.band),
            (record, LinkState::Proposed, LinkBand::Probable),
            "iOS {ios}"
        );
        assert!(link.proof.may_be_retired && !link.proof.is_same_device, "iOS {ios}");
    }
    scene.strike().await;
}
