//! Identities of enrolled devices and their renewals: due, pending, failing and expired ones.
//!
//! Due times are based on recorded time, since the timer compares them with the clock.
//!
//! The counts of [`counts()`] are kept by the hour, in the fold. Only the rows of the current hour are counted.

mod kept;
#[cfg(test)]
mod plans;
mod query;

pub use query::{Act, Counts, Due, Renewal, RenewalOutcome, Standing, counts, due, of_device, requested_between};
pub(crate) use query::{selects, standing_of};

use crate::Projection;
use events::device::{CommandStatus, DeviceEvent, RenewalFailure};
use events::enrollment::EnrollmentEvent;
use events::{Entry, Event, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};
use uuid::Uuid;

const DAY: i64 = 86_400;

/// Remaining validity at which an identity is renewed, in seconds. iPads are stored unused during the longest holidays,
/// and pupils return with the devices that they took along. Half a year gives the user of a device that is away for a
/// term time to return and retry.
pub const BEGIN_BEFORE: i64 = 180 * DAY;

/// Period over which the renewals of devices that enrolled on the same day are distributed, in seconds. The offset of
/// each device follows from its id.
pub const SPREAD: i64 = 30 * DAY;

/// Delay between a failure and the next attempt, in seconds. It doubles with each failure.
const FIRST_DISTANCE: i64 = 6 * 3_600;
const LONGEST_DISTANCE: i64 = 7 * DAY;
const SHORTEST_DISTANCE: i64 = 3_600;

/// Time within which a device must use its new identity after it acknowledged the profile, in seconds. Devices do so at
/// once or never.
const USED_WITHIN: i64 = 3_600;

/// Returns when the renewal of an identity that is valid until `expires` begins.
fn begin(expires: Timestamp, device: &str) -> Timestamp {
    // The last bits of a UUID are random, whatever its version.
    let id = Uuid::parse_str(device).unwrap_or_default().as_u64_pair().1;
    let own = id % SPREAD.unsigned_abs();
    expires.plus_seconds(i64::try_from(own).unwrap_or(0) - BEGIN_BEFORE)
}

/// Returns the delay until the next attempt after this number of consecutive failures, in seconds. It is at most a
/// quarter of the time that is left, but at least an hour.
fn distance(failures: i64, left: i64) -> i64 {
    let doublings = failures.clamp(1, 16) - 1;
    (FIRST_DISTANCE << doublings).min(LONGEST_DISTANCE).min(left / 4).max(SHORTEST_DISTANCE)
}

pub(crate) struct Renewals;

impl Projection for Renewals {
    fn name(&self) -> &'static str {
        "renewals"
    }

    fn version(&self) -> u32 {
        5
    }

    fn tables(&self) -> &'static [&'static str] {
        &["renewals_devices", "renewals_counts"]
    }

    // `cause`: the event that the due time is based on. `command`: the pending renewal. `outcome`: the result of the
    // last renewal.
    fn schema(&self) -> &'static str {
        "CREATE TABLE IF NOT EXISTS renewals_devices (
            n INTEGER PRIMARY KEY, device TEXT NOT NULL UNIQUE, enrolled INTEGER NOT NULL DEFAULT 0,
            expires INTEGER NOT NULL, due_at INTEGER, cause TEXT, command TEXT, requested_at INTEGER,
            failures INTEGER NOT NULL DEFAULT 0, outcome TEXT, outcome_at INTEGER
        );
        CREATE TABLE IF NOT EXISTS renewals_counts (
            kind INTEGER NOT NULL, hour INTEGER NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (kind, hour)
        ) WITHOUT ROWID;"
    }

    fn indexes(&self) -> &'static str {
        "CREATE INDEX IF NOT EXISTS renewals_by_begin ON renewals_devices (expires, due_at, failures)
            WHERE enrolled AND command IS NULL;
        CREATE INDEX IF NOT EXISTS renewals_by_due ON renewals_devices (due_at)
            WHERE enrolled AND command IS NULL AND failures = 0;
        CREATE INDEX IF NOT EXISTS renewals_by_end ON renewals_devices (due_at)
            WHERE enrolled AND command IS NOT NULL;
        CREATE INDEX IF NOT EXISTS renewals_by_expires ON renewals_devices (expires) WHERE enrolled;
        CREATE INDEX IF NOT EXISTS renewals_failing ON renewals_devices (expires) WHERE enrolled AND failures > 0;
        CREATE INDEX IF NOT EXISTS renewals_by_request ON renewals_devices (requested_at)
            WHERE requested_at IS NOT NULL;"
    }

    fn fold(&self, rows: &Connection, entry: &Entry, _effective: Timestamp) -> rusqlite::Result<()> {
        let record = Record { rows, entry, device: entry.stream.id() };
        match &entry.event {
            Event::Enrollment(event) => record.enrollment(event),
            Event::Device(event) => record.device(event),
            Event::Log(_) | Event::Person(_) | Event::Account(_) | Event::Hardware(_) | Event::Staff(_) => Ok(()),
            Event::UserName(_) | Event::StaffActivity(_) | Event::Refusal(_) | Event::Request(_) => Ok(()),
            Event::Invitation(_) | Event::Code(_) | Event::Wave(_) | Event::Migration(_) => Ok(()),
            Event::Assertion(_) | Event::Settings(_) | Event::Record(_) | Event::Import(_) | Event::Successor(_) => {
                Ok(())
            }
        }
    }
}

struct Record<'a> {
    rows: &'a Connection,
    entry: &'a Entry,
    device: &'a str,
}

impl Record<'_> {
    fn enrollment(&self, event: &EnrollmentEvent) -> rusqlite::Result<()> {
        match event {
            EnrollmentEvent::IdentityIssued { identity, .. } => self.issued(identity.not_after),
            EnrollmentEvent::VisitOpened { .. } | EnrollmentEvent::AccountDrivenBegun { .. } => Ok(()),
            EnrollmentEvent::TermsDeclined { .. } | EnrollmentEvent::IdentityRefused { .. } => Ok(()),
            EnrollmentEvent::FormRefused { .. } | EnrollmentEvent::LanguageChosen { .. } => Ok(()),
            EnrollmentEvent::VisitResumed { .. } | EnrollmentEvent::SignInRefused { .. } => Ok(()),
            EnrollmentEvent::UserSignedIn { .. } | EnrollmentEvent::UserSignedInAgain { .. } => Ok(()),
            EnrollmentEvent::SingleSignOnBegun { .. } | EnrollmentEvent::SingleSignOnProven { .. } => Ok(()),
            EnrollmentEvent::SingleSignOnRefused { .. } | EnrollmentEvent::AssignmentOffered { .. } => Ok(()),
            EnrollmentEvent::EnrollmentAssigned { .. } | EnrollmentEvent::AssignmentDeclined {} => Ok(()),
            EnrollmentEvent::AttributesReceived { .. }
            | EnrollmentEvent::AccessDecided { .. }
            | EnrollmentEvent::TermsRequested { .. } => Ok(()),
            EnrollmentEvent::TermsAccepted { .. } | EnrollmentEvent::PreviousRecordFound { .. } => Ok(()),
            EnrollmentEvent::ImportedRecordFound { .. } | EnrollmentEvent::PreviousRecordAnswered { .. } => Ok(()),
            EnrollmentEvent::OldManagementRemovalAgreed { .. } | EnrollmentEvent::InvitationPresented { .. } => Ok(()),
            EnrollmentEvent::PreviousRecordsNoted {} | EnrollmentEvent::OwnershipChosen { .. } => Ok(()),
            EnrollmentEvent::CaProfileServed { .. } | EnrollmentEvent::CaInstallReported {} => Ok(()),
            EnrollmentEvent::CaStepSkipped {} | EnrollmentEvent::ManagedAppleIdGiven { .. } => Ok(()),
            EnrollmentEvent::ManagedAppleIdAssigned { .. } | EnrollmentEvent::AccessTokenIssued { .. } => Ok(()),
            EnrollmentEvent::AuthorizationCodeIssued { .. } | EnrollmentEvent::AccessTokenRefreshed { .. } => Ok(()),
            EnrollmentEvent::MachineInformationReceived { .. } | EnrollmentEvent::SignInAgainAsked { .. } => Ok(()),
            EnrollmentEvent::ProfileServiceServed { .. } | EnrollmentEvent::DeviceAttributesReported { .. } => Ok(()),
            EnrollmentEvent::VerificationProfileServed { .. } => Ok(()),
            EnrollmentEvent::VerificationIdentityIssued { .. } => Ok(()),
            EnrollmentEvent::ProfileServiceRefused { .. } | EnrollmentEvent::MdmProfileServed { .. } => Ok(()),
            EnrollmentEvent::IdentityRevoked { .. } | EnrollmentEvent::EnrollmentRefused { .. } => Ok(()),
            EnrollmentEvent::EnrollmentAbandoned {} | EnrollmentEvent::SignedOut {} => Ok(()),
        }
    }

    fn device(&self, event: &DeviceEvent) -> rusqlite::Result<()> {
        match event {
            DeviceEvent::DeviceEnrolled { .. } => self.enrolled(),
            DeviceEvent::DeviceRevived { .. } => self.enrolled(),
            // No renewal while the device is between Authenticate and TokenUpdate, or its record is superseded and can
            // be revived.
            DeviceEvent::DeviceAuthenticated { .. } => self.pauses(),
            DeviceEvent::DeviceSuperseded { evidence, .. } if evidence.is_reversible() => self.pauses(),
            DeviceEvent::DeviceCheckedOut { .. }
            | DeviceEvent::DeviceUnenrolled { .. }
            | DeviceEvent::DeviceSuperseded { .. } => self.left(),
            DeviceEvent::IdentityRenewalRequested { command, challenge_expires, .. } => {
                let update = "UPDATE renewals_devices SET command = ?2, requested_at = ?3, due_at = ?4, cause = ?5
                    WHERE device = ?1";
                self.update(
                    update,
                    params![self.device, command.to_string(), self.entry.at.0, challenge_expires.0, self.cause()],
                )
            }
            DeviceEvent::MdmCommandAnswered { command, status: CommandStatus::Acknowledged, .. } => {
                let update = "UPDATE renewals_devices SET due_at = min(due_at, ?3), cause = ?4
                    WHERE device = ?1 AND command = ?2";
                let by = self.entry.at.plus_seconds(USED_WITHIN).0;
                // No count depends on when a pending renewal ends.
                let values = params![self.device, command.to_string(), by, self.cause()];
                self.rows.prepare_cached(update)?.execute(values).map(drop)
            }
            DeviceEvent::IdentityRenewalCompleted { not_after, .. } => self.renewed(*not_after),
            DeviceEvent::IdentityRenewalFailed { why } => self.failed(*why),
            DeviceEvent::IdentityRolledBack { not_after, .. } => self.rolled_back(*not_after),
            DeviceEvent::MdmCommandAnswered {
                status: CommandStatus::Error | CommandStatus::CommandFormatError | CommandStatus::NotNow,
                ..
            }
            | DeviceEvent::PushTokenRenewed { .. }
            | DeviceEvent::IdentityRenewed { .. }
            | DeviceEvent::DeviceReauthenticated { .. }
            | DeviceEvent::MdmCommandQueued { .. }
            | DeviceEvent::MdmCommandDelivered { .. }
            | DeviceEvent::MdmCommandCancelled { .. }
            | DeviceEvent::MdmCommandExpired { .. }
            | DeviceEvent::MdmResultTooLarge { .. }
            | DeviceEvent::ManagedAppReported { .. }
            | DeviceEvent::InventoryReported { .. }
            | DeviceEvent::DeviceHeardFrom {}
            | DeviceEvent::ContactWatchBegun { .. }
            | DeviceEvent::IdentityRenewalRefused { .. }
            | DeviceEvent::DeviceMessageRefused { .. }
            | DeviceEvent::DeviceFieldsLeftOut { .. }
            | DeviceEvent::DeviceEventsSuppressed { .. }
            | DeviceEvent::MdmAnswerUnreadable { .. }
            | DeviceEvent::HardwareClaimNoted { .. }
            | DeviceEvent::HardwareClaimDismissed { .. }
            | DeviceEvent::HardwareAttestationRequested { .. }
            | DeviceEvent::HardwareAttested { .. }
            | DeviceEvent::HardwareAttestationRefused { .. }
            | DeviceEvent::DevicePushed { .. }
            | DeviceEvent::PushFailed { .. }
            | DeviceEvent::RecordArchived {}
            | DeviceEvent::EarlierViewsCleared { .. }
            | DeviceEvent::RecordRestored {} => Ok(()),
        }
    }

    fn issued(&self, expires: Timestamp) -> rusqlite::Result<()> {
        let insert = "INSERT INTO renewals_devices (device, expires) VALUES (?1, ?2)
            ON CONFLICT (device) DO UPDATE SET expires = excluded.expires, enrolled = 0, due_at = NULL, cause = NULL,
                command = NULL, requested_at = NULL, failures = 0, outcome = NULL, outcome_at = NULL";
        self.update(insert, params![self.device, expires.0])
    }

    fn enrolled(&self) -> rusqlite::Result<()> {
        let Some((expires, _)) = self.standing()? else { return Ok(()) };
        // The device sent Authenticate again: a pending renewal remains pending.
        let update = "UPDATE renewals_devices SET enrolled = 1, due_at = coalesce(due_at, ?2),
            cause = coalesce(cause, ?3) WHERE device = ?1";
        self.update(update, params![self.device, begin(expires, self.device).0, self.cause()])
    }

    fn pauses(&self) -> rusqlite::Result<()> {
        self.update("UPDATE renewals_devices SET enrolled = 0 WHERE device = ?1", params![self.device])
    }

    fn left(&self) -> rusqlite::Result<()> {
        let update = "UPDATE renewals_devices SET enrolled = 0, due_at = NULL, cause = NULL, command = NULL
            WHERE device = ?1";
        self.update(update, params![self.device])
    }

    fn renewed(&self, expires: Timestamp) -> rusqlite::Result<()> {
        let update = "UPDATE renewals_devices SET expires = ?2, due_at = ?3, cause = ?4, command = NULL,
            failures = 0, outcome = 'renewed', outcome_at = ?5 WHERE device = ?1";
        let due = begin(expires, self.device).0;
        self.update(update, params![self.device, expires.0, due, self.cause(), self.entry.at.0])
    }

    // A reverted renewal counts as a failed one.
    fn rolled_back(&self, expires: Timestamp) -> rusqlite::Result<()> {
        let update = "UPDATE renewals_devices SET expires = ?2 WHERE device = ?1";
        self.update(update, params![self.device, expires.0])?;
        self.again(FIRST_DISTANCE, query::ROLLED_BACK)
    }

    fn failed(&self, why: RenewalFailure) -> rusqlite::Result<()> {
        let Some((expires, failures)) = self.standing()? else { return Ok(()) };
        // A device that was unreachable gets a new profile at once, with the same validity as the first, so that it
        // finds one when it returns.
        let distance = match why {
            RenewalFailure::NotFetched => 0,
            _ => distance(failures + 1, expires.seconds_since(self.entry.at)),
        };
        self.again(distance, query::name(why))
    }

    fn again(&self, distance: i64, outcome: &str) -> rusqlite::Result<()> {
        let Some((expires, failures)) = self.standing()? else { return Ok(()) };
        let update = "UPDATE renewals_devices SET due_at = ?2, cause = ?3, command = NULL, failures = ?4,
            outcome = ?5, outcome_at = ?6 WHERE device = ?1";
        // Not before the regular start of the renewal.
        let due = self.entry.at.plus_seconds(distance).max(begin(expires, self.device)).0;
        self.update(update, params![self.device, due, self.cause(), failures + 1, outcome, self.entry.at.0])
    }

    fn standing(&self) -> rusqlite::Result<Option<(Timestamp, i64)>> {
        let select = "SELECT expires, failures FROM renewals_devices WHERE device = ?1";
        let mut select = self.rows.prepare_cached(select)?;
        select.query_row([self.device], |row| Ok((Timestamp(row.get(0)?), row.get(1)?))).optional()
    }

    fn cause(&self) -> String {
        self.entry.id.to_string()
    }

    fn update(&self, statement: &str, values: impl rusqlite::Params) -> rusqlite::Result<()> {
        let before = kept::of(self.rows, self.device)?;
        self.rows.prepare_cached(statement)?.execute(values)?;
        kept::change(self.rows, &before, &kept::of(self.rows, self.device)?)
    }
}

#[cfg(test)]
mod tests {
    use super::{BEGIN_BEFORE, DAY, SPREAD, begin, distance};
    use events::Timestamp;
    use uuid::Uuid;

    #[test]
    fn devices_that_enrolled_in_the_same_instant_are_renewed_on_different_days_within_a_month() {
        let expires = Timestamp(2_000_000_000_000_000);
        let mut days = std::collections::BTreeMap::<i64, u32>::new();
        for n in 0..3_000_u64 {
            // Pseudo-random bits, as in ids, but always the same.
            let id = Uuid::from_u64_pair(7, n.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            let before = expires.seconds_since(begin(expires, &id.to_string()));
            assert!((BEGIN_BEFORE - SPREAD..=BEGIN_BEFORE).contains(&before), "{before}");
            *days.entry(before / DAY).or_default() += 1;
        }
        let most = days.values().max().unwrap();
        assert!(days.len() >= 30 && *most < 150, "an even distribution has 100 per day: {days:?}");
    }

    #[test]
    fn the_distance_grows_with_each_failure_and_shrinks_with_the_time_that_is_left() {
        let hours = |failures, days| distance(failures, days * DAY) / 3_600;
        assert_eq!([1, 2, 3, 4, 5, 6, 40].map(|failures| hours(failures, 150)), [6, 12, 24, 48, 96, 168, 168]);
        assert_eq!([8, 4, 1, 0].map(|days| hours(9, days)), [48, 24, 6, 1]);
        assert_eq!(distance(9, -5 * DAY), 3_600, "this function does not end a renewal; only the expiry does");
    }
}
