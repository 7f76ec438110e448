//! Metrics of sign-ins and their refusals. They are derived from events, so every recorded sign-in counts, whatever
//! code recorded it.

use crate::app::App;
use events::enrollment::SignInMethodName;
use events::envelope::NewEvent;
use telemetry::Metrics;

/// Events that contain the number of refusals that were not recorded individually.
const SUPPRESSED: [&str; 3] = ["RefusalsSuppressed", "StaffRefusalsSuppressed", "AccountRefusalsSuppressed"];
/// Reasons of [`events::enrollment::SignInRefusal`].
const SIGN_IN: [&str; 13] = [
    "unknown_name",
    "wrong_password",
    "not_entitled",
    "account_disabled",
    "account_locked",
    "account_expired",
    "password_expired",
    "password_must_be_changed",
    "outside_logon_hours",
    "workstation_not_permitted",
    "throttled",
    "directory_unavailable",
    "another_person",
];
/// Reasons of [`events::enrollment::SingleSignOnFault`].
const SINGLE_SIGN_ON: [&str; 19] = [
    "provider_refused",
    "provider_unavailable",
    "unsolicited",
    "replayed",
    "not_understood",
    "forbidden_content",
    "unsigned",
    "signature_invalid",
    "algorithm_refused",
    "wrong_issuer",
    "wrong_audience",
    "wrong_recipient",
    "wrong_destination",
    "outside_validity",
    "incomplete",
    "wrong_nonce",
    "stale_authentication",
    "encryption_refused",
    "subject_missing",
];
/// Reasons of [`events::staff::FactorRefusal`].
const SECOND_FACTOR: [&str; 3] = ["wrong", "used_before", "throttled"];
/// [`events::staff::SecondFactor`].
const FACTORS: [&str; 3] = ["passkey", "one_time_code", "recovery_code"];
/// Reasons of [`events::staff::ApiRefusal`], and that of `UnknownApiTokenRefused`.
const API: [&str; 4] = ["wrong_token", "account_disabled", "not_entitled", "unknown_token"];

/// Creates every sign-in series with the value 0, so that an alert on an increase also sees the first refusal.
pub(crate) fn expect(metrics: &Metrics) {
    let each = |surface: &str, method: &str, outcomes: &[&str]| {
        outcomes.iter().for_each(|outcome| metrics.expect_sign_in(surface, method, outcome));
    };
    for surface in ["portal", "console"] {
        for method in SignInMethodName::ALL.map(SignInMethodName::as_str) {
            each(surface, method, &["ok"]);
            each(surface, method, &SIGN_IN);
        }
    }
    for method in [SignInMethodName::OpenIdConnect, SignInMethodName::Saml] {
        each("portal", method.as_str(), &SINGLE_SIGN_ON);
    }
    each("none", "single_sign_on", &SINGLE_SIGN_ON);
    for factor in FACTORS {
        each("console", factor, &SECOND_FACTOR);
    }
    each("api", "token", &API);
    metrics.sign_ins_suppressed(0);
}

/// Counts the event if it is a sign-in or a refusal.
pub(crate) fn count(app: &App, event: &NewEvent) {
    if SUPPRESSED.contains(&event.event_type.as_str()) {
        // The individual refusals and their methods are not recorded.
        return app.platform.metrics.sign_ins_suppressed(event.data["count"].as_u64().unwrap_or(0));
    }
    let field = |name: &str| event.data[name].as_str();
    if let Some((surface, outcome)) = counted_as(&event.event_type) {
        let method = field("method").or_else(|| field("factor"));
        let method = method.unwrap_or(if surface == "api" { "token" } else { "single_sign_on" });
        let outcome = outcome.or_else(|| field("reason")).or_else(|| field("why")).unwrap_or("refused");
        app.platform.metrics.sign_in(surface, method, outcome);
    }
}

// Returns the surface and the outcome. The outcome is `None` if the event has the reason in a field.
fn counted_as(event_type: &str) -> Option<(&'static str, Option<&'static str>)> {
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
    use super::*;
    use events::Event;
    use events::enrollment::{SignInMethodName, SignInRefusal, SingleSignOnFault};
    use events::staff::{ApiRefusal, FactorRefusal, SecondFactor};
    use serde::de::DeserializeOwned;

    /// Returns the variants of an enum, read from serde's error message for an unknown variant.
    fn variants<T: DeserializeOwned>() -> Vec<String> {
        let Err(error) = serde_json::from_str::<T>("\"?\"") else { panic!("not an enum") };
        error.to_string().split('`').skip(3).step_by(2).map(str::to_owned).collect()
    }

    #[test]
    fn every_reason_that_an_event_can_give_is_expected() {
        assert_eq!(variants::<SignInRefusal>(), SIGN_IN);
        assert_eq!(variants::<SingleSignOnFault>(), SINGLE_SIGN_ON);
        assert_eq!(variants::<FactorRefusal>(), SECOND_FACTOR);
        assert_eq!(variants::<SecondFactor>(), FACTORS);
        assert_eq!(variants::<ApiRefusal>(), API[..3]);
        assert_eq!(variants::<SignInMethodName>(), SignInMethodName::ALL.map(SignInMethodName::as_str));
    }

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
            assert!(counted_as(counted).is_some() && known.contains(&format!("`{counted}`")), "{counted}");
        }
        assert!(SUPPRESSED.iter().all(|counted| known.contains(&format!("`{counted}`"))));
        assert_eq!(counted_as("DeviceEnrolled"), None);
    }
}
