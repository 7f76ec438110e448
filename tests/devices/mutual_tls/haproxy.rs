//! Tests with a real HAProxy that terminates TLS in front of the server, configured as in `docs/operating.md`.

use super::{check_in, client_cert};
use events::enrollment::EnrollmentKind;
use harness::cast::{Scene, Visitor};
use harness::devices::TestDevice;
use harness::test_name;
use harness::{TestServer, left_out, ports, waiting};
use muster::config::Config;
use simulator::messages::xml;
use simulator::model::Family;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;
use world::World;

struct HaProxy {
    _directory: TempDir,
    process: Child,
}

impl Drop for HaProxy {
    fn drop(&mut self) {
        // The process may already have ended; both cases are correct.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn is_here(test: &str) -> bool {
    let here = Path::new("/usr/sbin/haproxy").exists();
    if !here {
        left_out(test, "haproxy is not installed; tests/run installs it");
    }
    here
}

/// Configures the server for devices that connect to the proxy at `port`.
fn behind(port: u16) -> impl FnOnce(&mut Config) {
    move |config| {
        super::behind_a_proxy(config);
        config.devices.url = Some(format!("https://localhost:{port}"));
    }
}

impl HaProxy {
    /// Starts HAProxy with the example of `docs/operating.md`; only names and addresses are replaced.
    async fn start(server: &TestServer, port: u16) -> HaProxy {
        let directory = tempfile::tempdir().unwrap();
        let (folder, config) = (directory.path(), &server.app().config);
        let read = |path: &Path| std::fs::read_to_string(path).unwrap();
        let pem = read(&config.pki.tls_certificate) + &read(&config.pki.tls_key);
        std::fs::write(folder.join("mdm.pem"), pem).unwrap();
        std::fs::copy(&config.pki.identity_ca_certificate, folder.join("identity-ca.pem")).unwrap();
        std::fs::write(folder.join("muster-root.pem"), server.tls_root()).unwrap();
        let document = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operating.md"));
        let example = document
            .split("\n\n")
            .find(|part| part.contains("frontend devices"))
            .expect("the example in docs/operating.md");
        let example = example
            .replace("bind :443", &format!("bind 127.0.0.1:{port}"))
            .replace("10.0.0.2:8443", &config.server.listen.to_string())
            .replace("/etc/haproxy", folder.to_str().unwrap())
            .replace("enroll.example.com", "localhost");
        std::fs::write(folder.join("haproxy.cfg"), example + "\n").unwrap();
        let mut command = Command::new("/usr/sbin/haproxy");
        command.args(["-db", "-f"]).arg(folder.join("haproxy.cfg")).stdout(Stdio::null()).stderr(Stdio::null());
        let proxy = HaProxy { process: command.spawn().unwrap(), _directory: directory };
        waiting::until("HAProxy", async || TcpStream::connect(("127.0.0.1", port)).is_ok()).await;
        proxy
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_enrolls_and_is_managed_through_haproxy() {
    if !is_here(test_name!()) {
        return;
    }
    let port = ports::free();
    let scene = Scene::set_with(behind(port)).await;
    let _proxy = HaProxy::start(&scene.server, port).await;
    let mut device = scene.enroll(Visitor::institutional(Family::IPad, "17.5")).await;
    assert!(!device.management().unwrap().mdm.sign_message);
    assert_eq!(device.poll().await.unwrap(), []);
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn haproxy_passes_on_the_certificate_of_the_connection_and_no_other() {
    if !is_here(test_name!()) {
        return;
    }
    let port = ports::free();
    let server = TestServer::start_with(World::system(), behind(port)).await;
    let _proxy = HaProxy::start(&server, port).await;
    let device = TestDevice::invited(&server, EnrollmentKind::DeviceEnrollment).await;
    let body = xml(&device.authenticate());
    assert_eq!(check_in(&server, None, &body, None).await, 400, "the client presents no certificate");
    let forged = server.client().put(format!("https://localhost:{port}/mdm/checkin")).body(body.clone());
    let forged = forged.header("Client-Cert", client_cert(&device.identity.certificate)).send().await.unwrap();
    assert_eq!(forged.status(), 400, "the proxy removes the client's own header");
    assert!(device.history(&server).await.is_empty());
    assert_eq!(check_in(&server, Some(&device.identity), &body, None).await, 200);
    server.stop().await;
}
