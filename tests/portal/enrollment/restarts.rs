//! Tests in which the server is restarted in the middle of every step.

use async_trait::async_trait;
use harness::cast::{Scene, Visitor};
use harness::waiting::{PATIENCE, until};
use simulator::acts::{Act, Watcher};
use simulator::model::Family;
use simulator::walk::Ending;

/// Restarts the server before every act of the person or the device.
struct PlugPuller<'a> {
    scene: &'a mut Scene,
    restarts: usize,
}

#[async_trait]
impl Watcher for PlugPuller<'_> {
    async fn before(&mut self, _act: Act) {
        self.scene.server.restart().await;
        self.restarts += 1;
    }
}

async fn walk_with_restarts(visitor: Visitor) {
    let mut scene = Scene::set().await;
    let mut walk = scene.walk(visitor);
    let address = scene.address();
    let mut puller = PlugPuller { scene: &mut scene, restarts: 0 };
    let ending = walk.run(&address, &mut puller).await.unwrap();
    assert!(matches!(ending, Ending::Enrolled(_)), "{ending:?}");
    // The restarts must not lose the commands that are due.
    let mut missing = vec!["DeviceInformation", "SecurityInfo"];
    until("the answers to the first commands", async || {
        let handled = walk.device.serve_once_watched(PATIENCE, &mut puller).await.unwrap();
        missing.retain(|wanted| handled.iter().all(|one| one.request_type != *wanted));
        missing.is_empty()
    })
    .await;
    assert!(puller.restarts >= 15, "{} restarts", puller.restarts);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_personal_enrollment_survives_a_restart_in_the_middle_of_every_step() {
    walk_with_restarts(Visitor::personal(Family::IPhone, "17.5")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_institutional_enrollment_survives_a_restart_in_the_middle_of_every_step() {
    walk_with_restarts(Visitor::institutional(Family::IPad, "16.4")).await;
}
