//! Managed apps on a simulated device: offered, answered by the person, installed or refused (Apple's schema:
//! mdm/commands/application.install.yaml, application.managed.list.yaml).

use plist::{Dictionary, Value};
use std::collections::BTreeMap;

/// The person's reaction to an offered app.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Taste {
    #[default]
    Installs,
    Refuses,
    /// Leaves the prompt open.
    Waits,
}

#[derive(Debug, Clone, Default)]
pub struct Apps {
    pub taste: Taste,
    /// Store IDs of apps with an assigned licence.
    pub licensed: Vec<u64>,
    /// Managed apps by bundle identifier, with the status that the device reports next.
    pub managed: BTreeMap<String, String>,
    /// Apps that the person installed. The organization must not see them.
    pub private: Vec<String>,
}

/// Returns the bundle identifier of the app with this ID in the App Store.
pub fn bundle_identifier(store_id: u64) -> String {
    format!("org.example.app{store_id}")
}

/// The device's reaction to `InstallApplication`.
pub(crate) enum Taken {
    /// The person is asked about this app.
    Prompting(String),
    /// `RejectionReason`.
    Rejected(&'static str),
    Malformed,
}

impl Apps {
    pub(crate) fn install(&mut self, command: &Dictionary, personal: bool) -> Taken {
        let store_id = command.get("iTunesStoreID").and_then(Value::as_unsigned_integer);
        let identifier = command.get("Identifier").and_then(Value::as_string).map(str::to_owned);
        let options = command.get("Options").and_then(Value::as_dictionary);
        let method = options.and_then(|options| options.get("PurchaseMethod")).and_then(Value::as_unsigned_integer);
        let (app, licensed) = match (store_id, identifier) {
            (Some(id), None) => (bundle_identifier(id), self.licensed.contains(&id)),
            (None, Some(app)) => (app, true),
            _ => return Taken::Malformed,
        };
        // User Enrollment accepts only licensed apps. A command with `PurchaseMethod` 1 needs an assigned licence.
        if (personal && method != Some(1)) || (method == Some(1) && !licensed) {
            return Taken::Rejected("PurchaseMethodNotSupported");
        }
        if self.private.contains(&app) {
            return Taken::Rejected("AppAlreadyInstalled");
        }
        self.managed.insert(app.clone(), "Prompting".into());
        Taken::Prompting(app)
    }

    /// Returns the state of the managed apps. The person has had time to answer in the meantime. Transient states are
    /// removed after they were reported once.
    pub(crate) fn list(&mut self, asked: Option<&Vec<Value>>) -> Dictionary {
        let mut told = Dictionary::new();
        let wanted = |app: &str| asked.is_none_or(|asked| asked.iter().any(|name| name.as_string() == Some(app)));
        let taste = self.taste;
        for (app, status) in self.managed.iter_mut().filter(|(app, _)| wanted(app)) {
            let entry: Dictionary = [
                ("Status".to_owned(), Value::from(status.clone())),
                ("ManagementFlags".to_owned(), 1.into()),
                ("HasConfiguration".to_owned(), false.into()),
                ("HasFeedback".to_owned(), false.into()),
                ("IsValidated".to_owned(), true.into()),
            ]
            .into_iter()
            .collect();
            told.insert(app.clone(), entry.into());
            *status = match (status.as_str(), taste) {
                ("Prompting", Taste::Installs) => "Installing".into(),
                ("Prompting", Taste::Refuses) => "UserRejected".into(),
                ("Installing", _) => "Managed".into(),
                (same, _) => same.to_owned(),
            };
        }
        // “Transient statuses are reported only once.”
        self.managed.retain(|app, _| {
            let entry = told.get(app).and_then(Value::as_dictionary);
            entry.and_then(|entry| entry.get("Status")).and_then(Value::as_string) != Some("UserRejected")
        });
        told
    }
}
