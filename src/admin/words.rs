//! Formats values for people.

use super::problem::Problem;
use crate::web::content::content;
use decisions::staff::LocalAccount;
use events::enrollment::{EnrollmentKind, OsVersion, Ownership};
use events::staff::Privilege;
use events::{Personal, Timestamp};
use names::visible;
use plural::counted;
use projections::audit::AuditOutcome;
use projections::commands;
use projections::devices::{Device, State};
use serde::Serialize;
use std::collections::BTreeSet;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

const WORDS: &[BorrowedFormatItem<'_>] =
    format_description!("[day padding:none] [month repr:short] [year], [hour]:[minute]:[second]");
const INPUT: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");

/// Shown instead of a missing value.
pub(crate) const NONE: &str = "–";

/// Shown instead of a name without visible characters.
pub(crate) const UNNAMED: &str = "(no name)";

/// A point in time in the formats that a page needs, all in UTC.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Instant {
    pub words: String,
    pub rfc3339: String,
    /// Value for `<input type="datetime-local">`.
    pub input: String,
    /// Relative to now.
    pub ago: String,
}

content!(Instant { words, rfc3339, input, ago });

impl Instant {
    pub(crate) fn of(at: Timestamp, now: Timestamp) -> Instant {
        let date =
            OffsetDateTime::from_unix_timestamp(at.0.div_euclid(1_000_000)).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let format = |items: &[BorrowedFormatItem<'_>]| date.format(items).unwrap_or_default();
        Instant { words: format(WORDS), rfc3339: at.to_rfc3339(), input: format(INPUT), ago: ago(at, now) }
    }
}

fn ago(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.seconds_since(at);
    let count = |number: i64, unit: &str| format!("{} ago", counted(number, unit));
    match seconds {
        ..=59 => "just now".to_owned(),
        60..3_600 => count(seconds / 60, "minute"),
        3_600..86_400 => count(seconds / 3_600, "hour"),
        _ => count(seconds / 86_400, "day"),
    }
}

/// The day of an instant: what another product knew may be years ago.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Day {
    pub words: String,
    pub at: Instant,
}

// One content: a list of days with every content of an instant would make the tests of pages slow.
#[cfg(test)]
impl crate::web::content::Content for Day {
    fn count() -> usize {
        1
    }

    fn nth(_: usize) -> Day {
        Day::of(Timestamp(0), Timestamp(0))
    }
}

impl Day {
    pub(crate) fn of(at: Timestamp, now: Timestamp) -> Day {
        let at = Instant::of(at, now);
        Day { words: at.words.split(',').next().unwrap_or_default().to_owned(), at }
    }
}

/// Parses a form's `datetime-local` value (as UTC) or RFC 3339.
pub(crate) fn parse_instant(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    [text.to_owned(), format!("{text}Z"), format!("{text}:00Z")].iter().find_map(|text| Timestamp::parse_rfc3339(text))
}

/// A label on a coloured background.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Chip {
    pub label: &'static str,
    pub class: &'static str,
}

content!(Chip { label, class });

pub(crate) fn state(state: State) -> Chip {
    match state {
        State::Installing => Chip { label: "Installing", class: "warn" },
        State::Enrolled => Chip { label: "Enrolled", class: "ok" },
        State::CheckedOut => Chip { label: "Removed on the device", class: "warn" },
        State::Unenrolled => Chip { label: "Unenrolled", class: "" },
        State::Superseded => Chip { label: "Enrolled again", class: "" },
    }
}

/// Returns the state of a command.
pub(crate) fn command(state: commands::State) -> Chip {
    use commands::State as S;
    match state {
        S::Queued => Chip { label: "Queued", class: "" },
        S::Delivered => Chip { label: "Sent", class: "" },
        S::Deferred => Chip { label: "Not now", class: "warn" },
        S::Acknowledged => Chip { label: "Done", class: "ok" },
        S::Failed => Chip { label: "Failed", class: "bad" },
        S::Rejected => Chip { label: "App rejected", class: "bad" },
        S::NotUnderstood => Chip { label: "Format error", class: "bad" },
        S::TooLarge => Chip { label: "Answer too large", class: "bad" },
        S::Cancelled => Chip { label: "Cancelled", class: "" },
        S::Expired => Chip { label: "Expired", class: "warn" },
        S::Ended => Chip { label: "Management ended", class: "" },
    }
}

/// Returns the state of a managed app, from the status that the device reports.
pub(crate) fn app(status: &str) -> &str {
    match status {
        "Queued" | "Redeeming" | "ValidatingPurchase" | "ValidatingUpdate" => "On its way",
        "NeedsRedemption" => "Not licensed",
        "Prompting" | "PromptingForManagement" | "PromptingForUpdate" => "Waiting for the person",
        "PromptingForLogin" | "PromptingForUpdateLogin" => "The App Store asks for an Apple ID",
        "Installing" | "Updating" => "Installing",
        "Managed" => "Installed",
        "ManagedButUninstalled" => "Removed by the person",
        "UserInstalledApp" => "Already installed by the person",
        "UserRejected" | "UpdateRejected" | "ManagementRejected" => "Refused by the person",
        "Failed" => "Failed",
        _ => "Unknown",
    }
}

/// Returns a chip for exceptional outcomes only.
pub(crate) fn outcome(outcome: AuditOutcome) -> Option<Chip> {
    match outcome {
        AuditOutcome::Ok => None,
        AuditOutcome::Refused => Some(Chip { label: "Refused", class: "bad" }),
        AuditOutcome::Failed => Some(Chip { label: "Failed", class: "bad" }),
    }
}

pub(crate) fn kind(kind: Option<EnrollmentKind>) -> &'static str {
    kind.map_or(NONE, EnrollmentKind::name)
}

/// Returns the options of a select field for the kind of enrollment: word and label.
pub(crate) fn kinds() -> impl Iterator<Item = (&'static str, &'static str)> {
    std::iter::once(("", "Any")).chain(EnrollmentKind::ALL.map(|kind| (kind_word(kind), kind.name())))
}

/// Returns the word that forms and the API use for a kind of enrollment.
pub(crate) fn kind_word(kind: EnrollmentKind) -> &'static str {
    match kind {
        EnrollmentKind::UserEnrollment => "user",
        EnrollmentKind::DeviceEnrollment => "device",
    }
}

/// Parses the word of [`kind_word`].
///
/// # Errors
/// Returns an error for any other text.
pub(crate) fn parse_kind(word: &str) -> Result<EnrollmentKind, Problem> {
    let kind = EnrollmentKind::ALL.into_iter().find(|kind| kind_word(*kind) == word);
    kind.ok_or(Problem::Bad("There is no such kind of enrollment."))
}

/// Returns iOS's name for the organization's account on this device; it changed with iOS 18.
pub(crate) fn account_name(device: &Device) -> &'static str {
    match device.os_version.as_deref().and_then(OsVersion::parse) {
        Some(version) if version < OsVersion::new(18, 0) => "Managed Apple ID",
        _ => "Managed Apple Account",
    }
}

pub(crate) fn ownership(ownership: Ownership) -> String {
    capital(ownership.label())
}

/// Returns the text with an upper-case first letter.
pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Returns the label of a device: its name, else its model, else its id. Names without visible characters are skipped,
/// because the label is the text of links.
pub(crate) fn label(device: &Device) -> String {
    let known = device.product_name.as_deref().and_then(apple::models::name);
    [device.name.as_deref(), known, device.model.as_deref(), device.product_name.as_deref()]
        .into_iter()
        .find_map(visible::name)
        .unwrap_or_else(|| format!("Device {}", short(&device.id.to_string())))
}

/// Returns the marketing name of a model identifier such as `iPhone14,7`; the identifier itself if the name is unknown.
pub(crate) fn model(identifier: Option<&str>) -> Option<String> {
    identifier.map(|identifier| apple::models::name(identifier).unwrap_or(identifier).to_owned())
}

/// Returns a label that distinguishes devices of the same name: with the person, the serial number and the beginning
/// of the id.
pub(crate) fn told_apart(device: &Device) -> String {
    let person = device.user_name.as_deref().map(|name| person([Some(name)]));
    let serial = device.serial_number.as_ref().map(|serial| format!("serial number {serial}"));
    let parts = [Some(label(device)), person, serial, Some(format!("id {}…", beginning(&device.id.to_string())))];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// Returns the beginning of an id, which can be used for a search.
pub(crate) fn beginning(id: &str) -> &str {
    id.get(..13).unwrap_or(id)
}

/// Returns a name for a browser by which people recognize their own.
pub(crate) fn browser_label(user_agent: &str) -> String {
    let find = |known: &[(&str, &'static str)]| {
        known.iter().find(|(part, _)| user_agent.contains(part)).map(|(_, name)| *name)
    };
    // The order matters: nearly every browser also claims to be Safari, and many claim to be Chrome.
    let browser = find(&[
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("CriOS/", "Chrome"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = find(&[
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Macintosh", "macOS"),
        ("Windows", "Windows"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(only), None) | (None, Some(only)) => only.to_owned(),
        (None, None) => "Unknown browser".to_owned(),
    }
}

/// Returns the part of an id that distinguishes it from others on a page.
pub(crate) fn short(id: &str) -> &str {
    id.rsplit('-').next().unwrap_or(id)
}

/// Returns the display name of a staff member, else the user name.
pub(crate) fn readable_name(account: &LocalAccount) -> String {
    let names = [account.display_name.as_ref(), account.user_name.as_ref()];
    person(names.map(|name| name.and_then(Personal::shown)))
}

/// Returns the first of these names that has visible characters.
pub(crate) fn person<const N: usize>(names: [Option<&str>; N]) -> String {
    let is_erased = names.iter().all(Option::is_none);
    let seen = names.into_iter().find_map(visible::name);
    seen.unwrap_or_else(|| if is_erased { "(erased)" } else { UNNAMED }.to_owned())
}

/// Returns the name of a role.
pub(crate) fn role(role: Privilege) -> &'static str {
    match role {
        Privilege::Administrator => "Administrator",
        Privilege::Auditor => "Auditor",
        Privilege::HelpDesk => "Help desk",
        Privilege::ApiClient => "API client",
        Privilege::Enroll => "Enrolls devices",
        Privilege::EnrollForOthers => "Enrolls devices for others",
    }
}

/// Returns the console roles of an account.
pub(crate) fn roles(held: &BTreeSet<Privilege>) -> String {
    let at_console = [Privilege::Administrator, Privilege::Auditor, Privilege::HelpDesk];
    let names = at_console.into_iter().filter(|privilege| held.contains(privilege)).map(role);
    names.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_typed_in_any_usual_form_is_the_same() {
        let noon = Timestamp::parse_rfc3339("2026-11-17T12:00:00Z");
        assert!(noon.is_some());
        for text in ["2026-11-17T12:00", "2026-11-17T12:00:00", "2026-11-17T12:00:00Z", "2026-11-17T13:00:00+01:00"] {
            assert_eq!(parse_instant(text), noon, "{text}");
        }
        assert_eq!(parse_instant("last Tuesday"), None);
    }

    #[test]
    fn people_tell_their_own_browser_by_its_name_and_system() {
        let safari = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                      Version/17.5 Safari/605.1.15";
        let edge = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 \
                    Safari/537.36 Edg/126.0.0.0";
        assert_eq!(browser_label(safari), "Safari on macOS");
        assert_eq!(browser_label(edge), "Edge on Windows");
        assert_eq!(browser_label("curl/8"), "Unknown browser");
    }

    #[test]
    fn what_was_lately_is_said_against_now() {
        let now = Timestamp(1_700_000_000_000_000);
        let said = |seconds: i64| Instant::of(now.plus_seconds(-seconds), now).ago;
        assert_eq!(said(5), "just now");
        assert_eq!(said(60), "1 minute ago");
        assert_eq!(said(7_200), "2 hours ago");
        assert_eq!(said(200_000), "2 days ago");
    }
}
