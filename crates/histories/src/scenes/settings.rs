//! Changes of the settings over the years.

use super::console::by_staff;
use super::sign_in::ACCESS_RULES;
use super::visit::{PROFILE_SERVICE, PUBLIC_CERTIFICATE, TERMS, TERMS_VERSION};
use crate::scene::Scene;
use events::enrollment::Ownership;
use events::settings::{self, AccessRule, ProfileService, Settings, SettingsEvent, Terms, Who};
use population::date;
use std::collections::BTreeMap;

/// The days of the changes, in seconds since 1970, in the order of time.
pub(crate) const DAYS: [i64; 7] =
    [date(2023, 12, 5), date(2024, 2, 1), PUBLIC_CERTIFICATE, date(2025, 1, 15), ACCESS_RULES, TERMS, PROFILE_SERVICE];

/// Plays the change with this number. `settings`: those of the log before it, and after it those that it left.
pub(crate) fn change(scene: &mut Scene, nth: usize, settings: &mut Settings) {
    let before = settings.clone();
    apply(nth, settings);
    let event = SettingsEvent::between(&before, settings, Some(settings::SCHEMA));
    let staff = by_staff(scene);
    scene.say(&settings::stream(), &staff, event);
}

fn apply(nth: usize, settings: &mut Settings) {
    match nth {
        0 => settings.help = Some("Room 12, help@example.org".to_owned()),
        1 => {
            let text = "Your photos, messages and apps stay yours.".to_owned();
            settings.personal_description = BTreeMap::from([("en".to_owned(), text)]);
        }
        2 => settings.skip_ca_profile = true,
        3 => settings.help = Some("Service point, help@example.org, +1 555 0100".to_owned()),
        4 => settings.access = vec![members()],
        5 => {
            let text = BTreeMap::from([("en".to_owned(), "You may use the device for work.".to_owned())]);
            let terms = Terms { version: TERMS_VERSION.to_owned(), text };
            settings.terms = Ownership::ALL.map(|ownership| (ownership, terms.clone())).into();
        }
        _ => settings.profile_service = ProfileService { enabled: true, genuine_devices_only: false },
    }
}

fn members() -> AccessRule {
    AccessRule {
        name: "members".to_owned(),
        who: Who::Everyone,
        provider: None,
        enroll: Ownership::ALL.into(),
        account_driven: true,
        terms_required: true,
        devices_per_person: None,
    }
}
