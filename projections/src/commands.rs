//! The commands of every device with their results, its managed apps, and the times at which they need attention:
//! expiring commands, and apps whose status has to be queried.

mod query;

pub use query::{CommandDue, DueAct, ManagedApp, Queued, State, apps, due, of_device, waiting};

use crate::audit::{faults, rejection};
use crate::{Projection, sql};
use events::device::{AppStatus, CommandId, CommandStatus, DeviceEvent, MdmError, RejectionReason};
use events::{Entry, Event, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};

/// Seconds between two queries of the app status: short while the person looks at the prompt, then longer and longer.
/// The queries end after a week.
const DELAYS: [i64; 15] =
    [15, 30, 60, 120, 300, 900, 3_600, 14_400, 43_200, 86_400, 86_400, 86_400, 86_400, 86_400, 86_400];

/// The command that queries the app status.
const ASKS_FOR_APPS: &str = "ManagedApplicationList";

pub(crate) struct Commands;

impl Projection for Commands {
    fn name(&self) -> &'static str {
        "commands"
    }

    fn version(&self) -> u32 {
        4
    }

    fn tables(&self) -> &'static [&'static str] {
        &["commands_queue", "commands_apps", "commands_following"]
    }

    // `paused`: the earlier state of a command whose record ended and can be revived.
    fn schema(&self) -> &'static str {
        "CREATE TABLE IF NOT EXISTS commands_queue (
            command TEXT PRIMARY KEY, device TEXT NOT NULL, position INTEGER NOT NULL, event TEXT NOT NULL,
            request_type TEXT NOT NULL, priority TEXT NOT NULL, state TEXT NOT NULL, queued_at INTEGER NOT NULL,
            expires INTEGER, changed_at INTEGER NOT NULL, why TEXT, paused TEXT
        ) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS commands_by_device ON commands_queue (device, position);
        CREATE INDEX IF NOT EXISTS commands_by_expiry ON commands_queue (expires)
            WHERE expires IS NOT NULL AND state IN ('queued', 'delivered', 'deferred');
        CREATE INDEX IF NOT EXISTS commands_waiting ON commands_queue (command)
            WHERE state IN ('queued', 'delivered', 'deferred');
        CREATE TABLE IF NOT EXISTS commands_apps (
            device TEXT NOT NULL, app TEXT NOT NULL, status TEXT NOT NULL, settled INTEGER NOT NULL, at INTEGER NOT NULL,
            PRIMARY KEY (device, app)
        ) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS commands_following (
            device TEXT PRIMARY KEY, tries INTEGER NOT NULL, due_at INTEGER, event TEXT NOT NULL
        ) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS commands_by_due ON commands_following (due_at);"
    }

    fn fold(&self, rows: &Connection, entry: &Entry, _effective: Timestamp) -> rusqlite::Result<()> {
        match &entry.event {
            Event::Device(event) => Fold { rows, entry, device: entry.stream.id() }.event(event),
            Event::Log(_) | Event::Enrollment(_) | Event::Person(_) | Event::Account(_) => Ok(()),
            Event::Hardware(_) | Event::Staff(_) | Event::UserName(_) | Event::StaffActivity(_) => Ok(()),
            Event::Refusal(_) | Event::Request(_) | Event::Assertion(_) | Event::Settings(_) => Ok(()),
            Event::Invitation(_) | Event::Code(_) | Event::Wave(_) | Event::Migration(_) => Ok(()),
            Event::Record(_) | Event::Import(_) | Event::Successor(_) => Ok(()),
        }
    }
}

struct Fold<'a> {
    rows: &'a Connection,
    entry: &'a Entry,
    device: &'a str,
}

impl Fold<'_> {
    fn event(&self, event: &DeviceEvent) -> rusqlite::Result<()> {
        match event {
            DeviceEvent::MdmCommandQueued { command, request_type, priority, expires, .. } => {
                let insert = "INSERT OR IGNORE INTO commands_queue (command, device, position, event, request_type,
                    priority, state, queued_at, expires, changed_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?8)";
                self.rows.prepare_cached(insert)?.execute(params![
                    command.to_string(),
                    self.device,
                    sql(self.entry.position),
                    self.entry.id.to_string(),
                    request_type,
                    query::priority_name(*priority),
                    State::Queued.as_str(),
                    self.entry.at.0,
                    expires.map(|at| at.0)
                ])?;
                if request_type == ASKS_FOR_APPS {
                    // A query is queued; the next one is scheduled at its answer.
                    let asked = "UPDATE commands_following SET due_at = NULL WHERE device = ?1";
                    self.rows.prepare_cached(asked)?.execute([self.device])?;
                }
                Ok(())
            }
            DeviceEvent::MdmCommandDelivered { command } => self.state(*command, State::Delivered),
            DeviceEvent::MdmCommandAnswered { command, status, errors, rejection, .. } => {
                self.answered(*command, *status, rejection.is_some())?;
                self.why(*command, why(errors, *rejection))
            }
            DeviceEvent::MdmAnswerUnreadable { command, why, in_part: false, .. } => {
                self.over(*command, State::Failed)?;
                self.why(*command, Some(format!("its answer could not be read: {}", faults(why))))
            }
            DeviceEvent::MdmResultTooLarge { command: Some(command), .. } => self.over(*command, State::TooLarge),
            DeviceEvent::MdmCommandCancelled { command } => self.over(*command, State::Cancelled),
            DeviceEvent::MdmCommandExpired { command } => self.over(*command, State::Expired),
            DeviceEvent::ManagedAppReported { app, status, .. } => self.app(app, *status),
            DeviceEvent::DeviceSuperseded { evidence, .. } if evidence.is_reversible() => self.pause(),
            DeviceEvent::DeviceCheckedOut { .. }
            | DeviceEvent::DeviceUnenrolled { .. }
            | DeviceEvent::DeviceSuperseded { .. } => self.end(),
            DeviceEvent::DeviceRevived { .. } => self.go_on(),
            DeviceEvent::MdmResultTooLarge { command: None, .. }
            | DeviceEvent::DeviceAuthenticated { .. }
            | DeviceEvent::DeviceEnrolled { .. }
            | DeviceEvent::PushTokenRenewed { .. }
            | DeviceEvent::IdentityRenewed { .. }
            | DeviceEvent::IdentityRenewalRequested { .. }
            | DeviceEvent::DeviceReauthenticated { .. }
            | DeviceEvent::IdentityRenewalCompleted { .. }
            | DeviceEvent::IdentityRenewalFailed { .. }
            | DeviceEvent::IdentityRolledBack { .. }
            | DeviceEvent::InventoryReported { .. }
            | DeviceEvent::DeviceHeardFrom {}
            | DeviceEvent::ContactWatchBegun { .. }
            | DeviceEvent::IdentityRenewalRefused { .. }
            | DeviceEvent::DeviceMessageRefused { .. }
            | DeviceEvent::DeviceFieldsLeftOut { .. }
            | DeviceEvent::DeviceEventsSuppressed { .. }
            | DeviceEvent::MdmAnswerUnreadable { in_part: true, .. }
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

    fn state(&self, command: CommandId, state: State) -> rusqlite::Result<()> {
        let update = "UPDATE commands_queue SET state = ?2, changed_at = ?3 WHERE command = ?1";
        let changed = params![command.to_string(), state.as_str(), self.entry.at.0];
        self.rows.prepare_cached(update)?.execute(changed).map(drop)
    }

    fn why(&self, command: CommandId, why: Option<String>) -> rusqlite::Result<()> {
        let update = "UPDATE commands_queue SET why = ?2 WHERE command = ?1";
        self.rows.prepare_cached(update)?.execute(params![command.to_string(), why]).map(drop)
    }

    fn answered(&self, command: CommandId, status: CommandStatus, rejected: bool) -> rusqlite::Result<()> {
        match status {
            CommandStatus::Acknowledged | CommandStatus::Error if rejected => self.over(command, State::Rejected),
            CommandStatus::NotNow => self.state(command, State::Deferred),
            CommandStatus::Acknowledged => self.over(command, State::Acknowledged),
            CommandStatus::Error => self.over(command, State::Failed),
            CommandStatus::CommandFormatError => self.over(command, State::NotUnderstood),
        }
    }

    // A query of the app status is repeated later, whatever its result, but not forever.
    fn over(&self, command: CommandId, state: State) -> rusqlite::Result<()> {
        self.state(command, state)?;
        let select = "SELECT request_type FROM commands_queue WHERE command = ?1";
        let mut select = self.rows.prepare_cached(select)?;
        let request_type: Option<String> = select.query_row([command.to_string()], |row| row.get(0)).optional()?;
        if request_type.as_deref() == Some(ASKS_FOR_APPS) { self.ask_again() } else { Ok(()) }
    }

    fn ask_again(&self) -> rusqlite::Result<()> {
        let select = "SELECT tries FROM commands_following WHERE device = ?1";
        let tries: Option<i64> =
            self.rows.prepare_cached(select)?.query_row([self.device], |row| row.get(0)).optional()?;
        let Some(tries) = tries.map(|tries| tries + 1) else { return Ok(()) };
        match usize::try_from(tries).ok().and_then(|tries| DELAYS.get(tries)) {
            Some(delay) => self.follow(tries, *delay),
            None => self.follow_no_more(),
        }
    }

    fn app(&self, app: &str, status: AppStatus) -> rusqlite::Result<()> {
        let upsert = "INSERT INTO commands_apps (device, app, status, settled, at) VALUES (?1, ?2, ?3, ?4, ?5)
            ON CONFLICT (device, app) DO UPDATE SET status = excluded.status, settled = excluded.settled,
                at = excluded.at";
        let settled = status.is_settled();
        self.rows.prepare_cached(upsert)?.execute(params![
            self.device,
            app,
            status.as_str(),
            settled,
            self.entry.at.0
        ])?;
        let open = "SELECT 1 FROM commands_apps WHERE device = ?1 AND NOT settled";
        if !self.rows.prepare_cached(open)?.exists([self.device])? {
            return self.follow_no_more();
        }
        let followed = "SELECT 1 FROM commands_following WHERE device = ?1";
        if settled || self.rows.prepare_cached(followed)?.exists([self.device])? {
            return Ok(());
        }
        self.follow(0, DELAYS[0])
    }

    fn follow(&self, tries: i64, delay: i64) -> rusqlite::Result<()> {
        let upsert = "INSERT INTO commands_following (device, tries, due_at, event) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT (device) DO UPDATE SET tries = excluded.tries, due_at = excluded.due_at,
                event = excluded.event";
        let due = self.entry.at.plus_seconds(delay).0;
        let event = self.entry.id.to_string();
        self.rows.prepare_cached(upsert)?.execute(params![self.device, tries, due, event]).map(drop)
    }

    fn follow_no_more(&self) -> rusqlite::Result<()> {
        let delete = "DELETE FROM commands_following WHERE device = ?1";
        self.rows.prepare_cached(delete)?.execute([self.device]).map(drop)
    }

    // The record can be revived, with its queue and its apps.
    fn pause(&self) -> rusqlite::Result<()> {
        let pause = "UPDATE commands_queue SET paused = state, state = ?2, changed_at = ?3
            WHERE device = ?1 AND state IN ('queued', 'delivered', 'deferred')";
        let paused = params![self.device, State::Ended.as_str(), self.entry.at.0];
        self.rows.prepare_cached(pause)?.execute(paused)?;
        let wait = "UPDATE commands_following SET due_at = NULL WHERE device = ?1";
        self.rows.prepare_cached(wait)?.execute([self.device]).map(drop)
    }

    fn go_on(&self) -> rusqlite::Result<()> {
        let go_on = "UPDATE commands_queue SET state = paused, paused = NULL, changed_at = ?2
            WHERE device = ?1 AND paused IS NOT NULL";
        self.rows.prepare_cached(go_on)?.execute(params![self.device, self.entry.at.0])?;
        let follow = "UPDATE commands_following SET due_at = ?2, event = ?3 WHERE device = ?1";
        let due = self.entry.at.plus_seconds(DELAYS[0]).0;
        self.rows.prepare_cached(follow)?.execute(params![self.device, due, self.entry.id.to_string()]).map(drop)
    }

    // Managed apps are removed when management ends.
    fn end(&self) -> rusqlite::Result<()> {
        let end = "UPDATE commands_queue SET state = ?2, changed_at = ?3
            WHERE device = ?1 AND state IN ('queued', 'delivered', 'deferred')";
        let ended = params![self.device, State::Ended.as_str(), self.entry.at.0];
        self.rows.prepare_cached(end)?.execute(ended)?;
        self.rows
            .prepare_cached("UPDATE commands_queue SET paused = NULL WHERE device = ?1")?
            .execute([self.device])?;
        self.rows.prepare_cached("DELETE FROM commands_apps WHERE device = ?1")?.execute([self.device])?;
        self.follow_no_more()
    }
}

// Contains no personal data. The device's own error texts are in the audit trail, until they are erased.
fn why(errors: &[MdmError], rejected: Option<RejectionReason>) -> Option<String> {
    let number = |error: &MdmError| format!("{} {}", error.domain, error.code).trim_start().to_owned();
    rejected.map(|reason| rejection(reason).to_owned()).or_else(|| errors.first().map(number))
}
