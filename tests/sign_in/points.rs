//! The checkable points of signing in and of sessions, one test each, with their numbers in OWASP ASVS 5.0. Each goes
//! through every surface that it concerns; what one surface does beyond that has tests of its own beside it.

mod pages;
mod providers;
mod sessions;
mod sign_in;
mod staff;

use events::staff::Privilege;
use harness::TestServer;
use harness::desk::Browser;
use harness::guest::{Guest, iphone};
use std::sync::Arc;
use world::{ManualClock, World};

pub const PASSWORD: &str = harness::guest::PASSWORD;
/// Cookies of the two surfaces that prove somebody to be signed in.
pub const PORTAL_SESSION: &str = "__Host-muster-enrollment";

/// A server that knows ada, who may enroll, and grace, who is an administrator.
pub async fn server() -> TestServer {
    populated(TestServer::start().await).await
}

/// The same, with a clock of the test's own.
pub async fn server_at(clock: &Arc<ManualClock>) -> TestServer {
    populated(TestServer::start_with(World::at(clock.clone()), |_| {}).await).await
}

async fn populated(server: TestServer) -> TestServer {
    server.add_user("ada", PASSWORD, &[Privilege::Enroll]).await;
    server.add_user("grace", PASSWORD, &[Privilege::Administrator]).await;
    server
}

pub fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(World::system().now()))
}

/// Somebody at the portal with an iPhone.
pub fn guest(server: &TestServer) -> Guest {
    Guest::new(server, &iphone("17.5"))
}

/// Whether the portal takes this guest for somebody who signed in.
pub async fn is_in(guest: &mut Guest) -> bool {
    guest.get("/enroll").await.led_to() == Some("/enroll/ownership")
}

/// Whether the console takes this browser for somebody who signed in.
pub async fn is_at_the_console(browser: &Browser) -> bool {
    browser.get("/console/devices").await.status == 200
}
