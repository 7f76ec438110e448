//! Sign-ins and their refusals as figures, taken from the events: whatever is written down is counted, whichever way it came.

use crate::app::App;
use events::envelope::NewEvent;

/// Counts of refusals that were not written one by one.
const SUPPRESSED: [&str; 3] = ["RefusalsSuppressed", "StaffRefusalsSuppressed", "AccountRefusalsSuppressed"];

/// Counts the event if it is about signing in.
pub fn count(app: &App, event: &NewEvent) {
    if SUPPRESSED.contains(&event.event_type.as_str()) {
        // Not written one by one, and of no method any more.
        return app.metrics.sign_ins_suppressed(event.data["count"].as_u64().unwrap_or(0));
    }
    let field = |name: &str| event.data[name].as_str();
    if let Some((surface, outcome)) = told(&event.event_type) {
        let method = field("method").unwrap_or(if surface == "api" { "token" } else { "single_sign_on" });
        let outcome = outcome.or_else(|| field("reason")).or_else(|| field("why")).unwrap_or("refused");
        app.metrics.sign_in(surface, method, outcome);
    }
}

// The surface, and how it ended; `None` where the event itself says why not.
fn told(event_type: &str) -> Option<(&'static str, Option<&'static str>)> {
    Some(match event_type {
        "UserSignedIn" => ("portal", Some("ok")),
        "SignInRefused" | "SingleSignOnRefused" | "AccountSignInRefused" => ("portal", None),
        "StaffSignedIn" => ("console", Some("ok")),
        "StaffSignInRefused" | "UnknownStaffRefused" | "SecondFactorRefused" => ("console", None),
        "ResponseRefused" => ("none", None),
        "ApiTokenRefused" => ("api", None),
        "UnknownApiTokenRefused" => ("api", Some("unknown_token")),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{SUPPRESSED, told};
    use events::Event;

    #[test]
    fn every_event_that_is_counted_exists() {
        let known: String = Event::CATEGORIES
            .iter()
            .filter_map(|category| Event::from_parts(category, "?", serde_json::json!({})).err())
            .map(|error| error.why)
            .collect();
        for counted in [
            "UserSignedIn",
            "SignInRefused",
            "SingleSignOnRefused",
            "StaffSignedIn",
            "StaffSignInRefused",
            "UnknownStaffRefused",
            "SecondFactorRefused",
            "ResponseRefused",
            "ApiTokenRefused",
            "UnknownApiTokenRefused",
            "AccountSignInRefused",
        ] {
            assert!(told(counted).is_some() && known.contains(&format!("`{counted}`")), "{counted}");
        }
        assert!(SUPPRESSED.iter().all(|counted| known.contains(&format!("`{counted}`"))));
        assert_eq!(told("DeviceEnrolled"), None);
    }
}
