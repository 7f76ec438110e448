//! The way to the MDM profile if the server queries a device's attributes first (Profile Service).

use crate::cast::{Scene, Visitor, walk_to};
use events::settings::ProfileService as Setting;
use simulator::acts::Nobody;
use simulator::profile::ProfileService;
use simulator::safari::Opened;
use simulator::walk::Walk;

pub const ASKS: Setting = Setting { enabled: true, genuine_devices_only: false };

/// Walks to the page that offers the MDM profile, and downloads what it offers: a Profile Service.
pub async fn taken(scene: &Scene, visitor: Visitor) -> (Walk, ProfileService) {
    let mut walk = at_the_profile(scene, visitor).await;
    let service = walk.device.pending_profile().unwrap().service.expect("a Profile Service");
    (walk, service)
}

/// Walks to the page that offers the MDM profile, and downloads what it offers.
pub async fn at_the_profile(scene: &Scene, visitor: Visitor) -> Walk {
    let mut walk = scene.walk(visitor);
    let page = walk.arrive(&scene.address(), &mut Nobody).await.unwrap();
    walk_to(&mut walk, page, &mut Nobody, |page| page.url.path().ends_with("/enroll/mdm")).await;
    let Opened::Profile(file) = walk.safari.tap_link("profile").await.unwrap() else { panic!("no profile") };
    walk.device.download(file);
    walk
}
