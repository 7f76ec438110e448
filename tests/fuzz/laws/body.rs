//! Law for the bodies of check-ins and of answers to commands: property lists, and everything that is parsed from
//! them.

use super::limits::hold;
use decisions::Aggregate as _;
use decisions::device::Device;
use devices::commands::{build, outcome};
use devices::inventory;
use events::device::{
    BodyHash, CommandId, CommandPayload, DeviceEvent, DeviceId, DeviceIdentifiers, Priority, PushAddress,
};
use events::enrollment::EnrollmentKind;
use events::person::PersonId;
use events::personal::Personal;
use muster::mdm::message;
use muster::mdm::result::{Report, Said};
use plist::{Dictionary, Value};
use std::sync::LazyLock;
use uuid::Uuid;

const ID: Uuid = Uuid::from_u128(0x0190_aaaa_0000_7000_8000_0000_0000_0001);

/// Body of `PUT /mdm/checkin`.
pub fn check_in(input: &[u8]) {
    hold(input, || {
        let fields = match property_list::repaired(input) {
            Ok(fields) => fields,
            Err(why) => return format!("{why:?}"),
        };
        let texts = ["MessageType", "Topic", "BuildVersion", "ProductName"].map(|key| message::text(&fields, key));
        let kind = message::kind(&fields);
        let push = kind.map(|kind| message::push_address(&fields, kind, DeviceId(ID)));
        let identifiers = message::identifiers(&fields, PersonId(ID));
        let version = message::os_version(&fields);
        format!("{texts:?} {kind:?} {push:?} {identifiers:?} {version:?} {:?}", message::body_hash("00", input))
    });
}

/// Body of `PUT /mdm/command`. It is parsed as the answer to each command with a result, from both kinds of device.
pub fn command(input: &[u8]) {
    hold(input, || {
        let reading = property_list::read(input);
        let said = Said::of(&reading);
        // Repair changes only what is broken: a valid list is parsed unchanged.
        if let Ok(fields) = property_list::parse(input) {
            assert!(reading.fields == fields && reading.left_out.is_empty() && reading.broken.is_none());
        }
        // Uploaded files may have more encodings.
        drop(property_list::parse_file(input));
        let mut told = format!("{:?} {said:?}", message::identifiers(&reading.fields, PersonId(ID)));
        if let Said::Report(Report::Answer { .. }) = said {
            for device in DEVICES.iter() {
                told.push_str(&tells(device, &reading.fields));
            }
        }
        told
    });
}

fn tells(device: &Device, fields: &Dictionary) -> String {
    let of_one = |queued| {
        let facts = inventory::of(queued, fields, device, "com.example.enrollment", PersonId(ID));
        // It must be possible to serialize what is stored.
        let written = serde_json::to_string(&facts).expect("an inventory is JSON");
        format!("{written} {:?}", outcome::apps(queued, fields, device))
    };
    device.commands.iter().map(of_one).collect()
}

/// One device of each kind, each with all commands queued that have a result.
static DEVICES: LazyLock<[Device; 2]> =
    LazyLock::new(|| [EnrollmentKind::UserEnrollment, EnrollmentKind::DeviceEnrollment].map(device));

fn device(kind: EnrollmentKind) -> Device {
    let personal = |text: &str| Personal::new(PersonId(ID).key(), text.to_owned());
    let identifiers = match kind {
        EnrollmentKind::UserEnrollment => DeviceIdentifiers::UserEnrollment { enrollment_id: personal("an id") },
        EnrollmentKind::DeviceEnrollment => DeviceIdentifiers::DeviceEnrollment {
            udid: personal("a UDID"),
            serial_number: None,
            imei: None,
            meid: None,
        },
    };
    let begun = [
        DeviceEvent::DeviceAuthenticated {
            person: PersonId(ID),
            identifiers,
            certificate: "00".repeat(32),
            topic: "com.apple.mgmt.External.example".into(),
            os_version: None,
            build_version: None,
            product_name: None,
            body: BodyHash("a".into()),
        },
        DeviceEvent::DeviceEnrolled {
            push: PushAddress { token: personal("AA=="), push_magic: personal("magic"), unlock_token: None },
            body: BodyHash("b".into()),
        },
    ];
    let asked = [
        build::device_information(kind, None),
        build::security_info(),
        build::profile_list(),
        build::certificate_list(),
        build::installed_apps(kind),
        build::managed_apps(&["com.example.app".into()]),
        build::install_app(&build::AppName::Bundle("com.example.app".into()), false),
    ];
    let queued = asked.into_iter().enumerate().map(|(nth, command)| DeviceEvent::MdmCommandQueued {
        command: CommandId(Uuid::from_u128(nth as u128)),
        request_type: command["RequestType"].as_string().expect("a command has a type").to_owned(),
        payload: CommandPayload::Plain(xml(command)),
        unenrolls: false,
        priority: Priority::Normal,
        expires: None,
    });
    let events: Vec<DeviceEvent> = begun.into_iter().chain(queued).collect();
    Device::replay(&events)
}

fn xml(dictionary: Dictionary) -> String {
    let mut xml = Vec::new();
    Value::Dictionary(dictionary).to_writer_xml(&mut xml).expect("a dictionary is written to memory");
    String::from_utf8(xml).expect("XML is text")
}
