//! Device Enrollment by Profile Service: an institutional device says what it is before it gets the MDM profile.

mod hostile;
mod pages;
mod walk;

use crate::enrollment::cast::{Scene, Visitor};
use events::Event;
use events::enrollment::EnrollmentEvent;
use events::settings::ProfileService as Setting;
use simulator::acts::Nobody;
use simulator::built_in::device_ca;
use simulator::profile::ProfileService;
use simulator::safari::Opened;
use simulator::walk::{Next, Walk};

/// A server that asks, and knows the CA of the simulator's devices if `knows_the_ca`.
async fn scene(knows_the_ca: bool, setting: Setting) -> (Scene, tempfile::NamedTempFile) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), device_ca().certificate().to_pem().unwrap()).unwrap();
    let known = knows_the_ca.then(|| file.path().to_owned());
    let scene = Scene::set_with(|config| config.devices.device_ca_certificates = known.into_iter().collect()).await;
    scene.server.settings(|settings| settings.profile_service = setting).await;
    (scene, file)
}

pub const ASKS: Setting = Setting { enabled: true, genuine_devices_only: false };

/// Goes as far as the page that offers the MDM profile, and takes what it offers: a Profile Service.
pub async fn taken(scene: &Scene, visitor: Visitor) -> (Walk, ProfileService) {
    let mut walk = at_the_profile(scene, visitor).await;
    let service = walk.device.pending_profile().unwrap().service.expect("a Profile Service");
    (walk, service)
}

/// Goes as far as the page that offers the MDM profile, and takes what it offers.
pub async fn at_the_profile(scene: &Scene, visitor: Visitor) -> Walk {
    let mut walk = scene.walk(visitor);
    let mut page = walk.arrive(&scene.address(), &mut Nobody).await.unwrap();
    while !page.url.path().ends_with("/enroll/mdm") {
        page = match walk.next(&page, &mut Nobody).await.unwrap() {
            Next::Page(page) => page,
            _ => panic!("the way ended before the profile"),
        };
    }
    let Opened::Profile(file) = walk.safari.tap_link("profile").await.unwrap() else { panic!("no profile") };
    walk.device.download(file);
    walk
}

async fn visits(scene: &Scene) -> Vec<EnrollmentEvent> {
    let events = scene.server.events_of("enrollment").await;
    let visit = |event| match event {
        Event::Enrollment(event) => Some(event),
        _ => None,
    };
    events.into_iter().filter_map(visit).collect()
}
