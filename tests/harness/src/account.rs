//! Scenes for account-driven enrollment: a server with a user and her Managed Apple ID, and devices that trust the
//! server.

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

/// Grace's Managed Apple ID, which the server knows.
pub const GRACE: &str = "grace@appleid.example.com";

/// Sets up a scene whose server knows grace and her Managed Apple ID.
pub async fn scene() -> Scene {
    scene_in(World::system()).await
}

/// Same as [`scene`], with the test's own clock.
pub async fn scene_in(world: World) -> Scene {
    scene_with(world, |_| {}).await
}

/// Same as [`scene_in`], with the test's own configuration.
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

/// Returns the path and query of the sign-in page to which the server sends a device that starts an enrollment.
pub async fn link(server: &TestServer, device: &Device, version: &str) -> String {
    let base_url = format!("{}/mdm/account/{version}", server.url()).parse().unwrap();
    let information = device.machine_info(version == "mdm-byod").unwrap();
    let asked = device.ask_for_profile(&base_url, &information, None).await.unwrap();
    match asked.challenge().unwrap() {
        Challenge::AsWeb(url) => url.as_str().strip_prefix(&server.url()).unwrap().to_owned(),
        other => panic!("{other:?}"),
    }
}

/// Returns grace's walk, with a device that trusts the server. The trust stands for a root that her administrator
/// installed; in production the device trusts the public roots.
pub fn walk(scene: &Scene, visitor: Visitor) -> Walk {
    let mut walk = scene.walk(visitor);
    walk.person.user_name = "grace".into();
    trust(&scene.server, &walk.device);
    walk
}

/// Makes the device trust the server, as it would trust a public root in production.
pub fn trust(server: &TestServer, device: &Device) {
    device.trust.install(X509::from_pem(&server.tls_root()).unwrap());
    device.trust.switch_on();
}

/// Returns what the user types in Settings. The domain is the server's own address with its port, because the tests
/// have no name service.
pub fn identifier(scene: &Scene, name: &str) -> String {
    format!("{name}@{}", scene.server.url().trim_start_matches("https://"))
}

/// Also allows account-driven enrollment of institutional devices.
pub async fn institutional(scene: &Scene) {
    let families = [DeviceFamily::IPhone, DeviceFamily::IPad].map(|family| (family, Ownership::Institutional));
    scene.server.settings(|settings| settings.account_driven.families = families.into()).await;
}
