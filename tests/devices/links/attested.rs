//! "Is it the same device": proven by attestation, or by the Profile Service, and by nothing that a device only tells.

use super::*;
use events::device::DeviceEvent;
use harness::profile_service::ASKS;
use harness::waiting::until;
use openssl::x509::X509;
use simulator::attestation::{Pretence, attestation_ca};
use simulator::built_in::device_ca;
use std::path::PathBuf;
use tempfile::NamedTempFile;

/// A file with a root or CA that the server trusts.
fn trusted(certificate: &X509) -> (NamedTempFile, Vec<PathBuf>) {
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), certificate.to_pem().unwrap()).unwrap();
    let path = vec![file.path().to_owned()];
    (file, path)
}

fn ipad() -> Hardware {
    Hardware::new(Family::IPad, "17.5".parse().unwrap())
}

fn row(id: &str, hardware: &Hardware) -> String {
    format!("{id},\"{}\",,15.7,2026-01-10,,{}\n", hardware.product, hardware.serial_number)
}

/// Answers the request for an attestation.
async fn attests(scene: &Scene, device: &mut Device) {
    let asked = async || {
        let log = scene.server.log_of(&id_of(device).stream()).await;
        let request = |event: &Event| matches!(event, Event::Device(DeviceEvent::HardwareAttestationRequested { .. }));
        log.iter().any(|entry| request(&entry.event))
    };
    until("the request for an attestation", asked).await;
    device.poll().await.unwrap();
    scene.server.reacted().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attested_hardware_is_the_same_device_whoever_it_belongs_to_and_claimed_hardware_is_not() {
    let (_file, roots) = trusted(attestation_ca().certificate());
    let (scene, _clock) = stage_with(|config| config.pki.attestation_roots = roots).await;
    for person in ["joan", "mary"] {
        scene.server.add_user(person, PASSWORD, &[Privilege::Enroll]).await;
    }
    for (nth, (before, after, pretence)) in [
        ("grace", "grace", None),
        ("ada", "bob", None),
        ("joan", "joan", Some(Pretence::OwnRoot)),
        ("ada", "mary", Some(Pretence::OwnRoot)),
    ]
    .into_iter()
    .enumerate()
    {
        let (hardware, is_attested) = (ipad(), pretence.is_none());
        let old = enroll_institutional(&scene, before, &hardware).await;
        let mut walk = institutional(&scene, after, &hardware);
        walk.device.attesting.pretence = pretence;
        let mut new = scene.enroll_in(walk).await;
        // Another product knew the serial number.
        let (source, person) = (format!("Jamf Pro {nth}"), person_of(&scene, id_of(&new)).await);
        import(&scene, &source, &row("1", &hardware)).await;
        let imported = record(&scene, &source, "1");
        resolve(&scene, imported, RecordOwner::Unique { person }).await;
        attests(&scene, &mut new).await;
        let told = format!("{before}, {after}, attested: {is_attested}");
        let link = link_of(&scene, own(&old), id_of(&new)).await;
        let is_same = link.as_ref().map(|link| (link.proof.may_be_retired, link.proof.is_same_device));
        // Nobody else's record may be retired in the name of this person.
        let expected = match (is_attested, before == after) {
            (true, is_theirs) => Some((is_theirs, true)),
            (false, true) => Some((false, false)),
            (false, false) => None,
        };
        assert_eq!(is_same, expected, "{told}: {link:?}");
        let link = link_of(&scene, imported, id_of(&new)).await.unwrap_or_else(|| panic!("{told}"));
        assert_eq!(link.proof.is_same_device, is_attested, "{told}: {link:?}");
    }
    scene.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hardware_that_the_profile_service_verified_is_the_same_device_also_after_a_check_out() {
    for is_genuine in [true, false] {
        let (_file, known) = trusted(device_ca().certificate());
        let known = if is_genuine { known } else { vec![] };
        let (scene, _clock) = stage_with(|config| config.devices.device_ca_certificates = known).await;
        scene.server.settings(|settings| settings.profile_service = ASKS).await;
        let hardware = ipad();
        let mut old = enroll_institutional(&scene, "grace", &hardware).await;
        let (removed, person) = (own(&old), person_of(&scene, id_of(&old)).await);
        old.remove_mdm_profile().await.unwrap();
        let other = ipad();
        import(&scene, "Jamf Pro", &(row("same", &hardware) + &row("other", &other))).await;
        let [same, another] = ["same", "other"].map(|id| record(&scene, "Jamf Pro", id));
        for imported in [same, another] {
            resolve(&scene, imported, RecordOwner::Unique { person }).await;
        }
        let new = id_of(&enroll_institutional(&scene, "grace", &hardware).await);
        for known in [removed, same] {
            let link = link_of(&scene, known, new).await.unwrap();
            assert_eq!(link.state, LinkState::Proposed, "genuine: {is_genuine}: {link:?}");
            assert_eq!(link.proof.is_same_device, is_genuine, "{link:?}");
            assert_eq!(evidence(&link).contains(&LinkEvidence::SameHardware {}), is_genuine, "{link:?}");
        }
        // Proven hardware is also proven to be no other. A claim speaks against another one, too.
        assert_eq!(link_of(&scene, another, new).await, None, "genuine: {is_genuine}");
        let new = id_of(&enroll_institutional(&scene, "grace", &ipad()).await);
        // The removal shortly before outweighs a claim, and no proof.
        let band = link_of(&scene, removed, new).await.map(|link| link.band);
        assert_eq!(band, (!is_genuine).then_some(LinkBand::Weak), "genuine: {is_genuine}");
        scene.strike().await;
    }
}
