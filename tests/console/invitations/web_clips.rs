//! The profile of a device-bound invitation: as a file, and on a device that this server manages.

use super::{LIST, administrator, form, issued, person, post, records};
use crate::commands::queued;
use apple::check_profile;
use decisions::apple_target;
use events::device::{CommandPayload, DeviceEvent};
use events::enrollment::{EnrollmentKind, OsVersion};
use events::invitation::InvitationDelivery;
use events::record::RecordId;
use harness::TestServer;
use harness::devices::TestDevice;
use harness::waiting::seen;
use invitations::Invitee;
use plist::{Dictionary, Value};
use std::process::Command;

/// Opens a signed profile with the openssl command and the root that people install. `None` without the command.
pub fn opened(server: &TestServer, signed: &[u8]) -> Option<Vec<u8>> {
    let directory = tempfile::tempdir().unwrap();
    let (file, root) = (directory.path().join("signed"), directory.path().join("root.pem"));
    std::fs::write(&file, signed).unwrap();
    std::fs::write(&root, server.tls_root()).unwrap();
    let mut openssl = Command::new("openssl");
    openssl.args(["cms", "-verify", "-binary", "-inform", "DER", "-in"]).arg(file).arg("-CAfile").arg(root);
    let Ok(output) = openssl.output() else {
        test_support::left_out("the openssl command is not installed");
        return None;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(output.stdout)
}

/// Checks a profile against Apple's rules for both kinds of enrollment, and returns its Web Clip.
pub fn clip(profile: &[u8]) -> Dictionary {
    let profile = Value::from_reader_xml(profile).unwrap();
    for kind in [EnrollmentKind::UserEnrollment, EnrollmentKind::DeviceEnrollment] {
        for version in [OsVersion::new(13, 1), OsVersion::new(17, 5), OsVersion::new(27, 0)] {
            let found = check_profile(&profile, apple_target(kind, Some(version)));
            assert!(found.is_empty(), "{kind:?} {version:?}: {found:?}");
        }
    }
    let content = profile.as_dictionary().unwrap().get("PayloadContent").unwrap().as_array().unwrap();
    assert_eq!(content.len(), 1);
    content[0].as_dictionary().unwrap().clone()
}

#[actix_web::test]
async fn the_profile_of_a_device_bound_invitation_is_signed_and_has_its_link() {
    let server = TestServer::start().await;
    let root = administrator(&server).await;
    let ada = person(&server, "ada").await;
    let record = records(&server, &root, &["ada"], ada).await[0];
    server.settings(|settings| settings.organization = "Example School".into()).await;
    let id = issued(&server, Invitee::Record(record), None, InvitationDelivery::WebClip).await;
    let (headers, file) = root.download(&format!("{LIST}/{id}/profile")).await;
    assert_eq!(headers["content-type"], "application/x-apple-aspen-config");
    if let Some(profile) = opened(&server, &file) {
        let clip = clip(&profile);
        let text = |key: &str| clip.get(key).and_then(Value::as_string).map(str::to_owned);
        assert_eq!(text("PayloadType").as_deref(), Some("com.apple.webClip.managed"));
        assert_eq!(text("Label").as_deref(), Some("Move to Example School"));
        assert_eq!(text("URL"), Some(server.app().invitations.link(id, 0)));
    }
    let by_hand = issued(&server, Invitee::Person(ada), None, InvitationDelivery::ByHand).await;
    assert_eq!(root.get(&format!("{LIST}/{by_hand}/profile")).await.status, 404);
    server.stop().await;
}

#[actix_web::test]
async fn a_web_clip_is_put_on_a_device_that_this_server_manages_and_its_link_is_valid() {
    let server = TestServer::start().await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::UserEnrollment).await;
    server.reacted().await;
    let root = administrator(&server).await;
    let record = RecordId::of_device(device.id);
    let offered = root.get(&format!("/console/devices/{}", device.id)).await;
    let form_of = offered.attribute(&format!("a[href='{LIST}/new?record={record}']"), "href");
    assert!(form_of.is_some(), "{}", offered.body);
    let id = issued(&server, Invitee::Record(record), None, InvitationDelivery::WebClip).await;
    let page = root.get(&format!("{LIST}/{id}")).await;
    let fields = form(&page, &[]);
    let path = format!("{LIST}/{id}/install");
    let sent = post(&root, &path, &fields).await;
    assert_eq!(sent.status, 303, "{}", sent.body);
    assert!(root.get(sent.location()).await.texts("main > .done").concat().contains("InstallProfile is queued"));
    let again = post(&root, &path, &fields).await;
    assert!(root.get(again.location()).await.texts("main > .done").concat().contains("already queued by this form"));
    assert_eq!(queued(&server, &device).await, ["InstallProfile"]);
    let payload = device.events(&server).await.into_iter().find_map(|event| match event {
        DeviceEvent::MdmCommandQueued { request_type, payload, .. } if request_type == "InstallProfile" => {
            Some(payload)
        }
        _ => None,
    });
    assert!(matches!(payload, Some(CommandPayload::Sealed(_))), "its link is a credential");

    let file = seen("the profile", async || {
        let (command_id, command) = device.poll().await.expect("a profile is queued");
        device.report_on(&device.report("Acknowledged", Some(&command_id))).await;
        command.get("Payload").and_then(Value::as_data).map(<[u8]>::to_vec)
    })
    .await;
    if let Some(profile) = opened(&server, &file) {
        let url = clip(&profile).get("URL").and_then(Value::as_string).unwrap().to_owned();
        let token = url.rsplit('/').next().unwrap();
        let found = server.app().invitations.by_link(token).await.unwrap().unwrap();
        assert_eq!((found.invitation, found.refused), (id, None));
    }
    server.stop().await;
}

#[actix_web::test]
async fn a_web_clip_is_not_put_on_the_device_of_an_invitation_that_is_over() {
    let server = TestServer::start().await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::UserEnrollment).await;
    server.reacted().await;
    let root = administrator(&server).await;
    let invitee = Invitee::Record(RecordId::of_device(device.id));
    let id = issued(&server, invitee, None, InvitationDelivery::WebClip).await;
    let fields = form(&root.get(&format!("{LIST}/{id}")).await, &[]);
    let context = platform::context::Context::operator(uuid::Uuid::from_u128(1));
    server.app().invitations.revoke(id, &context).await.unwrap();
    let refused = post(&root, &format!("{LIST}/{id}/install"), &fields).await;
    assert_eq!(refused.status, 409, "{}", refused.body);
    assert_eq!(queued(&server, &device).await, [""; 0]);
    let noted = server.events_of("access").await;
    assert!(noted.iter().any(|event| event.type_name() == "ActRefused"));
    server.stop().await;
}
