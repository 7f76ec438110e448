//! Tests of Device Enrollment with the Profile Service: an institutional device reports its attributes before it gets
//! the MDM profile.

mod hostile;
mod pages;
mod walk;

use events::Event;
use events::enrollment::EnrollmentEvent;
use events::settings::ProfileService as Setting;
use harness::cast::Scene;
use simulator::built_in::device_ca;

/// Sets up a server with this setting of the Profile Service. If `knows_the_ca`, it knows the CA of the simulator's
/// devices.
async fn scene(knows_the_ca: bool, setting: Setting) -> (Scene, tempfile::NamedTempFile) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), device_ca().certificate().to_pem().unwrap()).unwrap();
    let known = knows_the_ca.then(|| file.path().to_owned());
    let scene = Scene::set_with(|config| config.devices.device_ca_certificates = known.into_iter().collect()).await;
    scene.server.settings(|settings| settings.profile_service = setting).await;
    (scene, file)
}

async fn enrollments(scene: &Scene) -> Vec<EnrollmentEvent> {
    let events = scene.server.events_of("enrollment").await;
    let enrollment = |event| match event {
        Event::Enrollment(event) => Some(event),
        _ => None,
    };
    events.into_iter().filter_map(enrollment).collect()
}
