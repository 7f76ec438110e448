//! Settings of invitations to enroll: how long they are valid, reminders, and the texts of mails.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Invitations to enroll.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Invitations {
    /// Days after which an invitation expires.
    pub valid_days: u32,
    /// Days after which a person who has not used their invitation is reminded, and between two reminders.
    pub remind_after_days: u32,
    /// Number of reminders, after which nobody is reminded again.
    pub most_reminders: u32,
    /// Maximum number of mails in an hour, of all waves together.
    pub most_mails_per_hour: u32,
    /// Texts of mails instead of the built-in ones.
    pub mails: Mails,
}

/// Texts of mails, by language tag. A language that is omitted has the built-in text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mails {
    pub invitation: BTreeMap<String, MailText>,
    pub reminder: BTreeMap<String, MailText>,
    /// To the owner of a record that was retired.
    pub retired: BTreeMap<String, MailText>,
}

/// A mail in plain text. Both fields may have placeholders such as `{{link}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailText {
    pub subject: String,
    pub body: String,
}

impl Default for Invitations {
    fn default() -> Invitations {
        Invitations {
            valid_days: 30,
            remind_after_days: 7,
            most_reminders: 2,
            most_mails_per_hour: 500,
            mails: Mails::default(),
        }
    }
}
