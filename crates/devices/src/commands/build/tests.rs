//! Compares every command that is sent to devices with Apple's schema.

use super::*;
use apple::schema::{hold_against, list, read, schema};
use decisions::apple_target;
use serde_yaml_ng::Value as Yaml;

#[test]
fn every_command_we_send_keeps_apples_schema_on_every_version_it_is_sent_to() {
    let Some(schema) = schema() else { return };
    let files = std::fs::read_dir(schema.join("mdm/commands")).unwrap();
    let commands: Vec<Yaml> = files.map(|file| read(&file.unwrap().path())).collect();
    let mut counted = std::collections::BTreeSet::new();
    for (kind, versions) in [
        (EnrollmentKind::DeviceEnrollment, ["12.0", "13.1", "15", "17.7", "18.1"]),
        (EnrollmentKind::UserEnrollment, ["13.1", "14", "15", "16.6", "18.1"]),
    ] {
        for version in versions.map(|version| OsVersion::parse(version).unwrap()) {
            let target = apple_target(kind, Some(version));
            let mut sent = vec![
                device_information(kind, Some(version)),
                security_info(),
                profile_list(),
                certificate_list(),
                installed_apps(kind),
                managed_apps(&["org.example.app".into()]),
                lock(Some("Please bring me back"), Some("+1 555 0100")),
                install_profile(b"<plist/>"),
                remove_profile("org.example.profile"),
                organization_info("School"),
                install_app(&AppName::Store(1), true),
                install_app(&AppName::Bundle("org.example.app".into()), true),
                remove_app("org.example.app"),
            ];
            if kind == EnrollmentKind::DeviceEnrollment {
                let mut clear = clear_passcode();
                clear.insert("UnlockToken".into(), Value::Data(vec![1]));
                sent.extend([clear, erase(), install_app(&AppName::Store(1), false)]);
            }
            for command in sent {
                let whole = Value::Dictionary(command.clone());
                assert_eq!(apple::check_command(&whole, target), [], "{kind:?} {version}");
                let name = command.get("RequestType").unwrap().as_string().unwrap().to_owned();
                let theirs =
                    commands.iter().find(|yaml| yaml["payload"]["requesttype"].as_str() == Some(&name)).unwrap();
                let keys: Vec<&Yaml> = list(theirs, "payloadkeys").iter().collect();
                let mut own = command;
                own.remove("RequestType");
                hold_against(&own, &keys, target, &name);
                counted.insert(name);
            }
        }
    }
    println!("commands compared with the schema: {}", counted.iter().cloned().collect::<Vec<_>>().join(", "));
    assert_eq!(counted.len(), 14);
}
