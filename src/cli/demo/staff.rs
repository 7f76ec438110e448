//! Simulated staff who check the console, each in their own browser.

use super::say;
use super::stage::{ADMINISTRATOR, AUDITOR, HELP_DESK, Stage};
use anyhow::{Context as _, bail};
use simulator::safari::{Opened, Page, Safari};
use simulator::trust::Trust;

const BROWSER: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                       Version/17.5 Safari/605.1.15";

/// The administrator finds the devices in the inventory, the auditor their enrollments in the audit trail, and the help
/// desk the enrollments.
pub(super) async fn look(stage: &Stage) -> anyhow::Result<()> {
    say("\nThe staff look at the console\n");
    let passwords = &stage.passwords;
    let devices = open_page(stage, ADMINISTRATOR, &passwords.administrator, "/console/devices").await?;
    for device in ["iPhone", "iPad"] {
        if !devices.text.contains(device) {
            bail!("the console lists no {device}: {}", devices.text);
        }
    }
    say("  The administrator signs in: the iPhones and the iPad are in the inventory.");
    let trail = open_page(stage, AUDITOR, &passwords.auditor, "/console/audit?type=DeviceEnrolled").await?;
    if !trail.text.contains("DeviceEnrolled") {
        bail!("the audit trail shows no enrollment: {}", trail.text);
    }
    say("  The auditor signs in: the audit trail shows the enrollments.");
    let enrollments = open_page(stage, HELP_DESK, &passwords.help_desk, "/console/visits").await?;
    if !enrollments.text.contains("Enrolled") {
        bail!("the help desk sees no enrollment: {}", enrollments.text);
    }
    say("  The help desk signs in: each enrollment is listed with its help code.");
    Ok(())
}

async fn open_page(stage: &Stage, user_name: &str, password: &str, path: &str) -> anyhow::Result<Page> {
    let address = format!("{}{path}", stage.address());
    let mut safari = Safari::new(BROWSER.into(), true, Trust::default());
    safari.proceed_in_spite_of_warning(&address).await?;
    shown(safari.open(&address).await?)?;
    let who = || format!("{user_name} signs in to the console");
    shown(safari.fill_in(&[("user_name", user_name), ("password", password)]).await.with_context(who)?)?;
    let page = shown(safari.open(&address).await?)?;
    if page.url.path().ends_with("/sign-in") {
        bail!("the console does not let {user_name} in: {}", page.text);
    }
    Ok(page)
}

fn shown(opened: Opened) -> anyhow::Result<Page> {
    match opened {
        Opened::Page(page) if page.status == 200 => Ok(*page),
        Opened::Page(page) => bail!("status {}: {}", page.status, page.text),
        Opened::Profile(_) => bail!("a profile instead of a page"),
        Opened::Left { url, .. } => bail!("led to {url} instead of a page"),
    }
}
