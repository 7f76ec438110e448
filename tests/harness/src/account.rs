//! Account-driven enrollment: a server that knows whose account it is, and devices that trust it.

use crate::TestServer;
use crate::cast::{PASSWORD, Scene, Visitor};
use events::enrollment::{DeviceFamily, Ownership};
use events::staff::Privilege;
use muster::config::Config;
use openssl::x509::X509;
use simulator::account::Challenge;
use simulator::device::Device;
use simulator::walk::Walk;
use staff::administration::{NewUser, Request};
use world::World;

/// Whose Managed Apple ID the server knows.
pub const GRACE: &str = "grace@appleid.example.com";

/// A server that knows grace and her Managed Apple ID.
pub async fn scene() -> Scene {
    scene_in(World::system()).await
}

/// The same, with a clock of the test's own.
pub async fn scene_in(world: World) -> Scene {
    scene_with(world, |_| {}).await
}

/// The same, in a configuration of the test's own.
pub async fn scene_with(world: World, change: impl FnOnce(&mut Config)) -> Scene {
    let scene = Scene::set_in(world, change).await;
    let user = NewUser {
        user_name: "grace".into(),
        password: PASSWORD.into(),
        privileges: [Privilege::Enroll].into(),
        display_name: None,
        mail: None,
        managed_apple_id: Some(GRACE.into()),
    };
    scene.server.execute(Request::AddUser(user)).await;
    scene
}

/// Where a device that would enroll is sent to sign in; from the server's own address on.
pub async fn link(server: &TestServer, device: &Device, version: &str) -> String {
    let base_url = format!("{}/mdm/account/{version}", server.url()).parse().unwrap();
    let information = device.machine_info(version == "mdm-byod").unwrap();
    let asked = device.ask_for_profile(&base_url, &information, None).await.unwrap();
    match asked.challenge().unwrap() {
        Challenge::AsWeb(url) => url.as_str().strip_prefix(&server.url()).unwrap().to_owned(),
        other => panic!("{other:?}"),
    }
}

/// A device whose administrator saw to it that it trusts the server, as the public roots do elsewhere; grace holds it.
pub fn walk(scene: &Scene, visitor: Visitor) -> Walk {
    let mut walk = scene.walk(visitor);
    walk.person.user_name = "grace".into();
    trust(&scene.server, &walk.device);
    walk
}

/// The device trusts the server, as it would by a public root elsewhere.
pub fn trust(server: &TestServer, device: &Device) {
    device.trust.install(X509::from_pem(&server.tls_root()).unwrap());
    device.trust.switch_on();
}

/// What is typed in Settings. The domain leads to the server itself, port included, since there is no name service here.
pub fn identifier(scene: &Scene, name: &str) -> String {
    format!("{name}@{}", scene.server.url().trim_start_matches("https://"))
}

/// Institutional devices may enroll in this way, too.
pub async fn institutional(scene: &Scene) {
    let families = [DeviceFamily::IPhone, DeviceFamily::IPad].map(|family| (family, Ownership::Institutional));
    scene.server.settings(|settings| settings.account_driven.families = families.into()).await;
}
