//! Tests of what Settings keeps of a downloaded profile.

use super::{Device, DeviceError, PENDING_SECONDS};
use crate::certificate_request::{self_signed, subject};
use crate::keys::KeyPool;
use crate::messages::{dictionary, xml};
use crate::model::{Family, Hardware, IosVersion};
use crate::push_server::PushServer;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::x509::X509;
use plist::Value;

fn root() -> X509 {
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    self_signed(&subject(&[("CN".into(), "A root".into())]).unwrap(), &key).unwrap().certificate
}

fn device() -> Device {
    let hardware = Hardware::new(Family::IPhone, IosVersion::new(17, 5));
    Device::new(hardware, KeyPool::fresh(), PushServer::nowhere())
}

fn ca_profile(name: &str) -> Vec<u8> {
    let payload = dictionary([
        ("PayloadType", "com.apple.security.root".into()),
        ("PayloadVersion", 1.into()),
        ("PayloadIdentifier", "org.example.ca.root".into()),
        ("PayloadUUID", "6E2AB7F4-2D6C-4F3B-9C0E-000000000001".into()),
        ("PayloadContent", Value::Data(root().to_der().unwrap())),
    ]);
    xml(&dictionary([
        ("PayloadType", "Configuration".into()),
        ("PayloadVersion", 1.into()),
        ("PayloadIdentifier", "org.example.ca".into()),
        ("PayloadUUID", "6E2AB7F4-2D6C-4F3B-9C0E-000000000002".into()),
        ("PayloadDisplayName", name.into()),
        ("PayloadContent", Value::Array(vec![payload.into()])),
    ]))
}

#[tokio::test]
async fn there_is_room_for_one_downloaded_profile() {
    let mut device = device();
    assert!(matches!(device.install().await, Err(DeviceError::NoPendingProfile)));
    device.download(ca_profile("first"));
    device.download(ca_profile("second"));
    assert_eq!(device.install().await.unwrap().display_name, "second");
    assert!(matches!(device.install().await, Err(DeviceError::NoPendingProfile)));
}

#[tokio::test]
async fn a_downloaded_profile_is_dropped_after_eight_minutes() {
    let mut device = device();
    device.download(ca_profile("in time"));
    device.clock.advance_seconds(PENDING_SECONDS - 1);
    assert_eq!(device.pending_profile().unwrap().display_name, "in time");
    device.clock.advance_seconds(1);
    assert!(matches!(device.install().await, Err(DeviceError::NoPendingProfile)));
}

#[tokio::test]
async fn an_installed_root_is_trusted_only_after_it_was_switched_on() {
    let mut device = device();
    device.download(ca_profile("root"));
    device.install().await.unwrap();
    assert_eq!(device.profiles.len(), 1);
    assert_eq!(device.trust.trusted(), 0);
    assert_eq!(device.trust.switch_on(), 1);
    assert_eq!(device.trust.trusted(), 1);
}
