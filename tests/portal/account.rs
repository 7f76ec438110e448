//! Tests of account-driven enrollment with a real server: from the sign-in in Settings to a managed device, and the
//! later sign-in that the server requests again.

mod again;
mod asking;
mod code;
mod command_line;
mod discovery;
mod way;

use events::Event;
use events::enrollment::EnrollmentEvent;
use harness::cast::Scene;

async fn enrollment_events(scene: &Scene) -> Vec<EnrollmentEvent> {
    let of_enrollment = |event| match event {
        Event::Enrollment(event) => Some(event),
        _ => None,
    };
    scene.server.events_of("enrollment").await.into_iter().filter_map(of_enrollment).collect()
}
