//! The plan of a wave as form fields.

use crate::admin::invitations::words;
use crate::admin::query::filled;
use crate::admin::session::Staff;
use crate::admin::words::{Instant, parse_instant};
use crate::web::content::content;
use ::settings::LANGUAGES;
use decisions::wave::Plan;
use events::Timestamp;
use events::invitation::InvitationDelivery;
use events::settings::Settings;
use names::visible;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// Seconds in a day.
const DAY: i64 = 86_400;
/// Maximum length of a name in characters.
const LONGEST_NAME: usize = 100;
const PER_HOUR: RangeInclusive<u32> = 1..=10_000;
const VALID_DAYS: RangeInclusive<u32> = 1..=365;
const REMIND_DAYS: RangeInclusive<u32> = 1..=90;
const REMINDERS: RangeInclusive<u32> = 0..=10;
/// Days until the latest possible deadline.
const LATEST_DAYS: i64 = 730;
/// Invitations per hour, unless the staff member chooses another number.
const USUAL_PER_HOUR: u32 = 100;

/// The fields, as they were typed.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
pub(super) struct Typed {
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) delivery: String,
    #[serde(default)]
    pub(super) language: String,
    #[serde(default)]
    pub(super) most_per_hour: String,
    #[serde(default)]
    pub(super) valid_days: String,
    #[serde(default)]
    pub(super) remind_after_days: String,
    #[serde(default)]
    pub(super) most_reminders: String,
    /// A day, such as `2026-12-24`.
    #[serde(default)]
    pub(super) deadline: String,
}

impl Typed {
    /// Returns the fields of an empty form.
    pub(super) fn usual(settings: &Settings, now: Timestamp) -> Typed {
        let invitations = &settings.invitations;
        let deadline = Instant::of(now.plus_seconds(i64::from(invitations.valid_days) * DAY), now).input;
        Typed {
            most_per_hour: USUAL_PER_HOUR.min(invitations.most_mails_per_hour).to_string(),
            valid_days: invitations.valid_days.to_string(),
            remind_after_days: invitations.remind_after_days.to_string(),
            most_reminders: invitations.most_reminders.to_string(),
            deadline: deadline.split('T').next().unwrap_or_default().to_owned(),
            ..Typed::default()
        }
    }

    /// Returns the plan.
    ///
    /// # Errors
    /// Returns a sentence that names the field that is missing or wrong.
    pub(super) fn plan(&self, staff: &Staff) -> Result<Plan, String> {
        let name = filled(Some(&self.name)).ok_or("Give the wave a name.")?;
        if name.chars().count() > LONGEST_NAME || visible::wrong_in_line(name).is_some() {
            return Err("The name has at most 100 visible characters, in one line.".to_owned());
        }
        let delivery = InvitationDelivery::parse(&self.delivery).ok_or("Choose how people get the invitation.")?;
        if delivery == InvitationDelivery::Mail && !staff.has_mail() {
            return Err("This server sends no mails. Choose another way.".to_owned());
        }
        let language = LANGUAGES.into_iter().find(|tag| *tag == self.language).ok_or("Choose a language.")?;
        Ok(Plan {
            name: name.to_owned(),
            delivery,
            language: language.to_owned(),
            most_per_hour: number(&self.most_per_hour, &PER_HOUR, "The number of invitations in an hour")?,
            valid_days: number(&self.valid_days, &VALID_DAYS, "The number of days of validity")?,
            remind_after_days: number(&self.remind_after_days, &REMIND_DAYS, "The number of days between reminders")?,
            most_reminders: number(&self.most_reminders, &REMINDERS, "The number of reminders")?,
            deadline: self.deadline(staff.now())?,
        })
    }

    // The deadline is the end of its day in UTC.
    fn deadline(&self, now: Timestamp) -> Result<Timestamp, String> {
        let at = parse_instant(&format!("{}T23:59:59", self.deadline.trim()));
        let latest = now.plus_seconds(LATEST_DAYS * DAY);
        let at = at.filter(|at| (now..=latest).contains(at));
        at.ok_or_else(|| "The deadline must be a day from today on, within two years.".to_owned())
    }

    /// Returns the fields as one text, which a sealed list is bound to.
    pub(super) fn written(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The fields as the pages show them.
#[derive(Serialize)]
pub(super) struct Fields {
    name: String,
    delivery: String,
    language: String,
    most_per_hour: String,
    valid_days: String,
    remind_after_days: String,
    most_reminders: String,
    deadline: String,
}

content!(Fields { name, delivery, language, most_per_hour, valid_days, remind_after_days, most_reminders, deadline });

impl From<&Typed> for Fields {
    fn from(typed: &Typed) -> Fields {
        let Typed { name, delivery, language, most_per_hour, valid_days, remind_after_days, most_reminders, deadline } =
            typed.clone();
        Fields { name, delivery, language, most_per_hour, valid_days, remind_after_days, most_reminders, deadline }
    }
}

fn number(text: &str, range: &RangeInclusive<u32>, what: &str) -> Result<u32, String> {
    let number = text.trim().parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| format!("{what} must be from {} to {}.", range.start(), range.end()))
}

/// Returns the deliveries that this server can make for records.
pub(super) fn deliveries(has_mail: bool) -> impl Iterator<Item = (InvitationDelivery, &'static str)> {
    let is_offered = move |delivery: &InvitationDelivery| *delivery != InvitationDelivery::Mail || has_mail;
    let all = InvitationDelivery::ALL.into_iter().filter(is_offered);
    all.map(|delivery| (delivery, words::delivery_explained(delivery)))
}
