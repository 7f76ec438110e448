//! `muster discovery show`: prints the discovery document, where to host it, and what to register with Apple.

use super::super::{At, say};
use crate::app::assemble::read_log;
use clap::{Args, ValueEnum};
use enroll::account_driven::discovery::{WELL_KNOWN, document, mode};
use events::enrollment::{DeviceFamily, EnrollmentMode, Ownership};
use events::settings::Settings;
use serde_json::{Value, json};
use std::process::ExitCode;

#[derive(Args)]
pub(crate) struct Show {
    /// Print only the document for this device family: a file to be hosted elsewhere.
    #[arg(long, value_name = "FAMILY")]
    document: Option<Family>,
    #[command(flatten)]
    at: At,
}

#[derive(Clone, Copy, ValueEnum)]
enum Family {
    Iphone,
    Ipad,
}

impl Family {
    fn family(self) -> DeviceFamily {
        match self {
            Family::Iphone => DeviceFamily::IPhone,
            Family::Ipad => DeviceFamily::IPad,
        }
    }
}

impl Show {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let config = self.at.load()?;
        let settings = settings::stored(&read_log(&config)?).await?.settings;
        let url = config.server.public_url.trim_end_matches('/').to_owned();
        if let Some(family) = self.document {
            let Some(mode) = mode(&settings, family.family()) else {
                anyhow::bail!(
                    "account-driven enrollment is not enabled for this family: see account_driven.families in the settings"
                );
            };
            say(pretty(&document(&url, mode)));
            return Ok(ExitCode::SUCCESS);
        }
        explain(&url, &settings).into_iter().for_each(say);
        Ok(ExitCode::SUCCESS)
    }
}

fn pretty(document: &Value) -> String {
    format!("{document:#}")
}

fn explain(url: &str, settings: &Settings) -> Vec<String> {
    let offered: Vec<_> = DeviceFamily::ALL.map(|family| (family.name(), mode(settings, family))).into();
    let mut told: Vec<String> = offered.iter().map(|(name, mode)| format!("{name}: {}", in_words(*mode))).collect();
    let modes: Vec<EnrollmentMode> = offered.iter().filter_map(|(_, mode)| *mode).collect();
    let Some(first) = modes.first() else {
        told.push("No device enrolls by account: add families to account_driven.families in the settings.".into());
        return told;
    };
    told.extend(where_it_has_to_be(url));
    let alike = modes.len() == offered.len() && modes.iter().all(|mode| mode == first);
    told.extend(elsewhere(url, alike.then(|| document(url, *first))));
    told.extend(with_apple(url));
    told
}

fn in_words(mode: Option<EnrollmentMode>) -> String {
    match mode.map(|mode| (mode.version(), mode.ownership())) {
        Some((version, Ownership::Personal)) => format!("personal devices, by account ({version}), from iOS 15 on"),
        Some((version, Ownership::Institutional)) => {
            format!("institutional devices, by account ({version}), from iOS 17 on")
        }
        None => "not by account".into(),
    }
}

fn where_it_has_to_be(url: &str) -> Vec<String> {
    vec![
        String::new(),
        "1. A person types ada@example.com in Settings. The device requests a document from the host example.com, over HTTPS with".into(),
        format!("   a publicly trusted certificate: {WELL_KNOWN}. This server serves it itself:"),
        format!("   {url}{WELL_KNOWN}"),
    ]
}

// A static file gives every device family the same answer.
fn elsewhere(url: &str, file: Option<Value>) -> Vec<String> {
    let mut told = vec![
        String::new(),
        "2. If example.com is another host, redirect there, with the query, because a device does not keep it. With nginx:".into(),
        format!("   location = {WELL_KNOWN} {{ return 307 {url}{WELL_KNOWN}$is_args$args; }}"),
    ];
    match file {
        Some(document) => {
            told.push(
                "   Or serve this file there as application/json (`--document iphone` prints only the file):".into(),
            );
            told.extend(pretty(&document).lines().map(|line| format!("   {line}")));
        }
        None => told.push(
            "   A static file will not do: it cannot distinguish iPhones from iPads, which get different answers here."
                .into(),
        ),
    }
    told.push("   Then: muster discovery check example.com".into());
    told
}

fn with_apple(url: &str) -> Vec<String> {
    let registration = json!({ "mdm_service_discovery_url": format!("{url}{WELL_KNOWN}") });
    vec![
        String::new(),
        "3. From iOS 18.2 on a device asks Apple if example.com does not answer or answers with an HTTP error, and if the account".into(),
        "   is a Managed Apple Account of your organization. Apple then returns the address that you registered. To register it,".into(),
        "   use the server token of Apple School Manager or Apple Business:".into(),
        "   POST https://mdmenrollment.apple.com/account-driven-enrollment/profile".into(),
        format!("   {registration}"),
        "   GET and DELETE of the same address show and remove the registration. The registered address is public.".into(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_that_are_answered_alike_can_be_served_from_a_file() {
        let told = explain("https://enroll.example.com", &Settings::default()).join("\n");
        assert!(told.contains("iPhone: personal devices, by account (mdm-byod)"), "{told}");
        assert!(told.contains("\"BaseURL\": \"https://enroll.example.com/mdm/account/mdm-byod\""), "{told}");
        assert!(told.contains("$is_args$args") && told.contains("mdm_service_discovery_url"), "{told}");
    }

    #[test]
    fn families_that_are_answered_differently_need_a_redirect() {
        let mut settings = Settings::default();
        settings.account_driven.families.insert(DeviceFamily::IPad, Ownership::Institutional);
        let told = explain("https://enroll.example.com", &settings).join("\n");
        assert!(told.contains("A static file will not do") && !told.contains("BaseURL"), "{told}");
        settings.account_driven.families.clear();
        let told = explain("https://enroll.example.com", &settings).join("\n");
        assert!(told.contains("No device enrolls by account") && !told.contains("307"), "{told}");
    }
}
