//! The security requirements of sign-in and sessions ("points"), one test each, with their numbers in OWASP ASVS 5.0.
//! Each test covers every surface that is concerned. Further requirements of a single surface have their own tests.

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
/// Session cookie of a signed-in person at the portal.
pub const PORTAL_SESSION: &str = "__Host-muster-enrollment";

/// Starts a server with two accounts: ada, who may enroll, and grace, who is an administrator.
pub async fn server() -> TestServer {
    populated(TestServer::start().await).await
}

/// Like [`server`], with a clock that the test controls.
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

/// Returns a portal visitor with an iPhone.
pub fn guest(server: &TestServer) -> Guest {
    Guest::new(server, &iphone("17.5"))
}

/// Returns whether the portal treats this guest as signed in.
pub async fn is_in(guest: &mut Guest) -> bool {
    guest.get("/enroll").await.led_to() == Some("/enroll/ownership")
}

/// Returns whether the console treats this browser as signed in.
pub async fn is_at_the_console(browser: &Browser) -> bool {
    browser.get("/console/devices").await.status == 200
}
