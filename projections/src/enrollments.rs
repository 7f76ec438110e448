//! Enrollments for the help desk: the current step of each enrollment, since when it is there, and its refusals.
//!
//! There is a row for each enrollment, for each step that the person was at (with the times of entering and leaving
//! it), and for each refusal. A decision that the server makes for a person (such as a choice determined by the
//! settings) is not a step: it begins and ends with events that were recorded at the same instant.
//!
//! Rows have numbers in the order of the log. The funnel is rolled up per day of opening (`days`): an enrollment is
//! added to its day when it ends, and counted from its own rows while it is open.

mod days;
mod funnel;
mod list;
mod period;
#[cfg(test)]
mod plans;
mod query;
mod step;

pub use funnel::{Dimension, Funnel, FunnelFilter, Group, StepCount, funnel, groups};
pub use list::{EnrollmentFilter, EnrollmentPage, list};
pub use query::{Enrollment, Named, Reason, Refusal, State, StepTime, get, open_between, refusals, steps, stuck};
pub use step::{Step, step_after};

use crate::audit::message;
use crate::{Projection, sql};
use events::device::DeviceEvent;
use events::enrollment::{EnrollmentEvent, EnrollmentId, OsVersion, Platform, SignInMethodName, help_code};
use events::{Entry, Event, Timestamp};
use rusqlite::types::ToSql;
use rusqlite::{Connection, OptionalExtension as _, params};
use step::Way;
use uuid::Uuid;

pub(crate) struct Enrollments;

impl Projection for Enrollments {
    fn name(&self) -> &'static str {
        "visits"
    }

    fn version(&self) -> u32 {
        5
    }

    fn tables(&self) -> &'static [&'static str] {
        &["visits_visits", "visits_steps", "visits_refusals", "visits_days"]
    }

    fn schema(&self) -> &'static str {
        "CREATE TABLE IF NOT EXISTS visits_visits (
            n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, help_code TEXT NOT NULL, opened INTEGER NOT NULL,
            last INTEGER NOT NULL, family TEXT NOT NULL, version TEXT, major INTEGER, language TEXT NOT NULL,
            method TEXT, provider TEXT, signed_in TEXT, owner TEXT, way INTEGER NOT NULL, step INTEGER NOT NULL,
            step_since INTEGER NOT NULL, step_recorded INTEGER NOT NULL, refusals INTEGER NOT NULL, ended INTEGER,
            state TEXT NOT NULL, why TEXT
        );
        CREATE TABLE IF NOT EXISTS visits_steps (
            visit INTEGER NOT NULL, step INTEGER NOT NULL, position INTEGER NOT NULL, recorded INTEGER NOT NULL,
            reached INTEGER NOT NULL, left INTEGER, PRIMARY KEY (visit, step)
        ) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS visits_refusals (
            visit INTEGER NOT NULL, position INTEGER NOT NULL, at INTEGER NOT NULL, message TEXT NOT NULL,
            message_values TEXT NOT NULL, reason TEXT, PRIMARY KEY (visit, position)
        ) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS visits_days (
            n INTEGER PRIMARY KEY, day INTEGER NOT NULL, major INTEGER NOT NULL, language TEXT NOT NULL,
            provider TEXT NOT NULL, enrollments INTEGER NOT NULL, enrolled INTEGER NOT NULL, counts BLOB NOT NULL,
            UNIQUE (day, major, language, provider)
        );"
    }

    fn indexes(&self) -> &'static str {
        "CREATE INDEX IF NOT EXISTS visits_by_opened ON visits_visits (opened);
        CREATE INDEX IF NOT EXISTS visits_by_help_code ON visits_visits (help_code);
        CREATE INDEX IF NOT EXISTS visits_by_signed_in ON visits_visits (signed_in) WHERE signed_in IS NOT NULL;
        CREATE INDEX IF NOT EXISTS visits_by_owner ON visits_visits (owner)
            WHERE owner IS NOT NULL AND owner IS NOT signed_in;
        CREATE INDEX IF NOT EXISTS visits_by_state ON visits_visits (state);
        CREATE INDEX IF NOT EXISTS visits_by_step ON visits_visits (step);
        CREATE INDEX IF NOT EXISTS visits_open ON visits_visits (last) WHERE state = 'open';
        CREATE INDEX IF NOT EXISTS visits_open_by_opened ON visits_visits (opened) WHERE state = 'open';"
    }

    fn joins(&self) -> &'static [&'static str] {
        &["people"]
    }

    fn fold(&self, rows: &Connection, entry: &Entry, effective: Timestamp) -> rusqlite::Result<()> {
        match &entry.event {
            Event::Enrollment(event) => enrollment(rows, entry, effective, event),
            Event::Device(event) => device(rows, entry, effective, event),
            Event::Log(_) | Event::Person(_) | Event::Account(_) | Event::Hardware(_) | Event::Staff(_) => Ok(()),
            Event::UserName(_) | Event::StaffActivity(_) | Event::Refusal(_) | Event::Request(_) => Ok(()),
            Event::Invitation(_) | Event::Code(_) | Event::Wave(_) | Event::Migration(_) => Ok(()),
            Event::Assertion(_) | Event::Settings(_) | Event::Record(_) | Event::Import(_) | Event::Successor(_) => {
                Ok(())
            }
        }
    }
}

/// The state of an enrollment before the event.
struct Before {
    n: i64,
    way: Way,
    step: Step,
    recorded: i64,
    state: State,
}

fn before(rows: &Connection, id: &str) -> rusqlite::Result<Option<Before>> {
    let select = "SELECT n, way, step, step_recorded, state FROM visits_visits WHERE id = ?1";
    let found = rows.prepare_cached(select)?.query_row([id], |row| {
        Ok(Before {
            n: row.get(0)?,
            way: Way::from_bits(row.get(1)?),
            step: Step::from_code(row.get(2)?).unwrap_or(Step::SignIn),
            recorded: row.get(3)?,
            state: State::parse(row.get_ref(4)?.as_str()?).unwrap_or(State::Open),
        })
    });
    found.optional()
}

fn enrollment(rows: &Connection, entry: &Entry, effective: Timestamp, event: &EnrollmentEvent) -> rusqlite::Result<()> {
    if let EnrollmentEvent::VisitOpened { platform, language, .. } = event {
        return open(rows, entry, effective, *platform, language);
    }
    let Some(before) = before(rows, entry.stream.id())? else { return Ok(()) };
    let counted = days::counted(rows, before.n, before.state)?;
    On { rows, entry, effective, n: before.n }.enrollment(&before, event)?;
    days::settle(rows, before.n, counted)
}

// The device reports its actual version; the browser's version is a claim.
fn device(rows: &Connection, entry: &Entry, effective: Timestamp, event: &DeviceEvent) -> rusqlite::Result<()> {
    let changes = |change: &dyn Fn(&On<'_>, &Before) -> rusqlite::Result<()>| {
        let found = before(rows, entry.stream.id())?;
        let Some(before) = found.filter(|before| before.state != State::Enrolled) else { return Ok(()) };
        let counted = days::counted(rows, before.n, before.state)?;
        let on = On { rows, entry, effective, n: before.n };
        on.set("last", &effective.0)?;
        change(&on, &before)?;
        days::settle(rows, before.n, counted)
    };
    match event {
        DeviceEvent::DeviceAuthenticated { os_version, .. } => {
            changes(&|on, _| os_version.map_or(Ok(()), |version| on.version(version)))
        }
        DeviceEvent::DeviceEnrolled { .. } => changes(&|on, before| {
            on.go_to(before, Step::Enrolled)?;
            on.close(State::Enrolled)
        }),
        DeviceEvent::PushTokenRenewed { .. } | DeviceEvent::IdentityRenewed { .. } => Ok(()),
        DeviceEvent::IdentityRenewalRequested { .. } | DeviceEvent::DeviceReauthenticated { .. } => Ok(()),
        DeviceEvent::IdentityRenewalCompleted { .. } | DeviceEvent::IdentityRenewalFailed { .. } => Ok(()),
        DeviceEvent::IdentityRolledBack { .. } | DeviceEvent::MdmCommandQueued { .. } => Ok(()),
        DeviceEvent::MdmCommandDelivered { .. } | DeviceEvent::MdmCommandCancelled { .. } => Ok(()),
        DeviceEvent::MdmCommandExpired { .. } | DeviceEvent::MdmCommandAnswered { .. } => Ok(()),
        DeviceEvent::MdmResultTooLarge { .. } | DeviceEvent::ManagedAppReported { .. } => Ok(()),
        DeviceEvent::InventoryReported { .. }
        | DeviceEvent::DeviceHeardFrom {}
        | DeviceEvent::ContactWatchBegun { .. } => Ok(()),
        DeviceEvent::IdentityRenewalRefused { .. } | DeviceEvent::DeviceMessageRefused { .. } => Ok(()),
        DeviceEvent::DeviceFieldsLeftOut { .. } | DeviceEvent::DeviceEventsSuppressed { .. } => Ok(()),
        DeviceEvent::MdmAnswerUnreadable { .. } => Ok(()),
        DeviceEvent::DevicePushed { .. } | DeviceEvent::PushFailed { .. } => Ok(()),
        DeviceEvent::DeviceRevived { .. } | DeviceEvent::HardwareClaimNoted { .. } => Ok(()),
        DeviceEvent::HardwareClaimDismissed { .. } | DeviceEvent::HardwareAttested { .. } => Ok(()),
        DeviceEvent::HardwareAttestationRequested { .. } => Ok(()),
        DeviceEvent::HardwareAttestationRefused { .. } => Ok(()),
        DeviceEvent::DeviceCheckedOut { .. } | DeviceEvent::DeviceUnenrolled { .. } => Ok(()),
        DeviceEvent::DeviceSuperseded { .. } | DeviceEvent::RecordArchived {} => Ok(()),
        DeviceEvent::EarlierViewsCleared { .. } => Ok(()),
        DeviceEvent::RecordRestored {} => Ok(()),
    }
}

fn open(
    rows: &Connection,
    entry: &Entry,
    effective: Timestamp,
    platform: Platform,
    language: &str,
) -> rusqlite::Result<()> {
    let id = entry.stream.id();
    let code = Uuid::parse_str(id).map(|id| help_code(EnrollmentId(id))).unwrap_or_default();
    let insert = "INSERT INTO visits_visits (id, help_code, opened, last, family, language, way, step, step_since,
        step_recorded, refusals, state) VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?6, ?7, ?3, ?8, 0, ?9)";
    let n = rows.prepare_cached(insert)?.insert(params![
        id,
        code,
        effective.0,
        platform.family.as_str(),
        language,
        Way::default().bits(),
        Step::SignIn.code(),
        entry.at.0,
        State::Open.as_str(),
    ])?;
    let on = On { rows, entry, effective, n };
    on.reach(Step::SignIn)?;
    platform.version.map_or(Ok(()), |version| on.version(version))
}

/// An event of the enrollment `n` or of its device.
struct On<'a> {
    rows: &'a Connection,
    entry: &'a Entry,
    effective: Timestamp,
    n: i64,
}

impl On<'_> {
    fn enrollment(&self, before: &Before, event: &EnrollmentEvent) -> rusqlite::Result<()> {
        self.learn(event)?;
        let way = before.way.clone().after(event);
        self.followed(&before.way, &way)?;
        match event {
            EnrollmentEvent::EnrollmentRefused { why } => {
                self.refused(event)?;
                self.set("why", &serde_json::to_value(why).unwrap_or_default().as_str().unwrap_or_default())?;
                self.end(before, State::Refused)
            }
            EnrollmentEvent::SignInRefused { .. }
            | EnrollmentEvent::SingleSignOnRefused { .. }
            | EnrollmentEvent::FormRefused { .. }
            | EnrollmentEvent::IdentityRefused { .. } => self.refused(event),
            EnrollmentEvent::LanguageChosen { language } => self.set("language", language),
            EnrollmentEvent::EnrollmentAbandoned {} => self.end(before, State::Abandoned),
            EnrollmentEvent::SignedOut {} if before.state == State::Open => self.end(before, State::SignedOut),
            EnrollmentEvent::VisitOpened { .. }
            | EnrollmentEvent::AccountDrivenBegun { .. }
            | EnrollmentEvent::VisitResumed { .. }
            | EnrollmentEvent::UserSignedIn { .. }
            | EnrollmentEvent::UserSignedInAgain { .. }
            | EnrollmentEvent::SingleSignOnBegun { .. }
            | EnrollmentEvent::SingleSignOnProven { .. }
            | EnrollmentEvent::AssignmentOffered { .. }
            | EnrollmentEvent::EnrollmentAssigned { .. }
            | EnrollmentEvent::AssignmentDeclined {}
            | EnrollmentEvent::AttributesReceived { .. }
            | EnrollmentEvent::AccessDecided { .. }
            | EnrollmentEvent::TermsRequested { .. }
            | EnrollmentEvent::TermsAccepted { .. }
            | EnrollmentEvent::PreviousRecordFound { .. }
            | EnrollmentEvent::OldManagementRemovalAgreed { .. }
            | EnrollmentEvent::InvitationPresented { .. }
            | EnrollmentEvent::PreviousRecordsNoted {}
            | EnrollmentEvent::ImportedRecordFound { .. }
            | EnrollmentEvent::PreviousRecordAnswered { .. }
            | EnrollmentEvent::OwnershipChosen { .. }
            | EnrollmentEvent::CaProfileServed { .. }
            | EnrollmentEvent::CaInstallReported {}
            | EnrollmentEvent::CaStepSkipped {}
            | EnrollmentEvent::ManagedAppleIdGiven { .. }
            | EnrollmentEvent::ManagedAppleIdAssigned { .. }
            | EnrollmentEvent::AccessTokenIssued { .. }
            | EnrollmentEvent::AuthorizationCodeIssued { .. }
            | EnrollmentEvent::AccessTokenRefreshed { .. }
            | EnrollmentEvent::MachineInformationReceived { .. }
            | EnrollmentEvent::SignInAgainAsked { .. }
            | EnrollmentEvent::ProfileServiceServed { .. }
            | EnrollmentEvent::DeviceAttributesReported { .. }
            | EnrollmentEvent::VerificationProfileServed { .. }
            | EnrollmentEvent::VerificationIdentityIssued { .. }
            | EnrollmentEvent::ProfileServiceRefused { .. }
            | EnrollmentEvent::MdmProfileServed { .. }
            | EnrollmentEvent::IdentityIssued { .. }
            | EnrollmentEvent::IdentityRevoked { .. }
            | EnrollmentEvent::TermsDeclined { .. }
            | EnrollmentEvent::SignedOut {} => match before.state {
                State::Enrolled => Ok(()),
                State::Open | State::SignedOut | State::Abandoned | State::Refused => self.go_to(before, way.step()),
            },
        }
    }

    fn version(&self, version: OsVersion) -> rusqlite::Result<()> {
        let update = "UPDATE visits_visits SET version = ?2, major = ?3 WHERE n = ?1";
        self.rows.prepare_cached(update)?.execute(params![self.n, version.to_string(), version.major]).map(drop)
    }

    // Notes the event as the last one.
    fn followed(&self, before: &Way, way: &Way) -> rusqlite::Result<()> {
        if before == way {
            return self.set("last", &self.effective.0);
        }
        let update = "UPDATE visits_visits SET last = ?2, way = ?3 WHERE n = ?1";
        self.rows.prepare_cached(update)?.execute(params![self.n, self.effective.0, way.bits()]).map(drop)
    }

    // Stores the person and their sign-in method.
    fn learn(&self, event: &EnrollmentEvent) -> rusqlite::Result<()> {
        match event {
            EnrollmentEvent::SingleSignOnBegun { provider, .. } => self.set("provider", provider),
            EnrollmentEvent::UserSignedIn { method, person, .. } => {
                if matches!(method, SignInMethodName::LocalAccount | SignInMethodName::Directory) {
                    // The person may have begun with an identity provider and come back.
                    self.set("provider", &None::<String>)?;
                }
                let update = "UPDATE visits_visits SET method = ?2, signed_in = ?3, owner = ?3 WHERE n = ?1";
                let signed_in = params![self.n, method.as_str(), person.to_string()];
                self.rows.prepare_cached(update)?.execute(signed_in).map(drop)
            }
            EnrollmentEvent::AssignmentOffered { .. } => self.set("owner", &None::<String>),
            EnrollmentEvent::EnrollmentAssigned { person, .. } => self.set("owner", &person.to_string()),
            EnrollmentEvent::AssignmentDeclined {} => {
                let update = "UPDATE visits_visits SET owner = signed_in WHERE n = ?1";
                self.rows.prepare_cached(update)?.execute([self.n]).map(drop)
            }
            EnrollmentEvent::AccessDecided { access } => {
                // The decision names the provider of the device's user, which is the provider of the person who signed
                // in only if they are the same person.
                let update = "UPDATE visits_visits SET provider = ?2
                    WHERE n = ?1 AND provider IS NULL AND method = 'directory' AND owner = signed_in";
                self.rows.prepare_cached(update)?.execute(params![self.n, access.provider]).map(drop)
            }
            EnrollmentEvent::AttributesReceived { .. } => Ok(()),
            EnrollmentEvent::VisitOpened { .. } | EnrollmentEvent::AccountDrivenBegun { .. } => Ok(()),
            EnrollmentEvent::TermsDeclined { .. } | EnrollmentEvent::IdentityRefused { .. } => Ok(()),
            EnrollmentEvent::FormRefused { .. } | EnrollmentEvent::LanguageChosen { .. } => Ok(()),
            EnrollmentEvent::VisitResumed { .. } | EnrollmentEvent::SignInRefused { .. } => Ok(()),
            EnrollmentEvent::UserSignedInAgain { .. } | EnrollmentEvent::SingleSignOnProven { .. } => Ok(()),
            EnrollmentEvent::SingleSignOnRefused { .. } | EnrollmentEvent::TermsRequested { .. } => Ok(()),
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
            EnrollmentEvent::IdentityIssued { .. } | EnrollmentEvent::IdentityRevoked { .. } => Ok(()),
            EnrollmentEvent::EnrollmentRefused { .. } | EnrollmentEvent::EnrollmentAbandoned {} => Ok(()),
            EnrollmentEvent::SignedOut {} => Ok(()),
        }
    }

    fn refused(&self, event: &EnrollmentEvent) -> rusqlite::Result<()> {
        let said = message(&Event::Enrollment(event.clone()));
        let insert = "INSERT INTO visits_refusals (visit, position, at, message, message_values, reason)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let values = serde_json::to_string(&said.values).unwrap_or_default();
        let position = sql(self.entry.position);
        let reason = Reason::of(event).and_then(|reason| serde_json::to_string(&reason).ok());
        let row = params![self.n, position, self.effective.0, said.key, values, reason];
        self.rows.prepare_cached(insert)?.execute(row)?;
        let count = "UPDATE visits_visits SET refusals = refusals + 1 WHERE n = ?1";
        self.rows.prepare_cached(count)?.execute([self.n]).map(drop)
    }

    fn go_to(&self, before: &Before, step: Step) -> rusqlite::Result<()> {
        if before.step == step {
            return Ok(());
        }
        self.leave(before)?;
        self.reach(step)?;
        // A person who signed out can still install a downloaded profile: the enrollment continues.
        let update = "UPDATE visits_visits SET step = ?2, step_since = ?3, step_recorded = ?4,
            ended = CASE state WHEN 'signed_out' THEN NULL ELSE ended END,
            state = CASE state WHEN 'signed_out' THEN 'open' ELSE state END WHERE n = ?1";
        let recorded = self.entry.at.0;
        self.rows.prepare_cached(update)?.execute(params![self.n, step.code(), self.effective.0, recorded])?;
        Ok(())
    }

    fn reach(&self, step: Step) -> rusqlite::Result<()> {
        let insert = "INSERT INTO visits_steps (visit, step, position, recorded, reached) VALUES (?1, ?2, ?3, ?4, ?5)
            ON CONFLICT (visit, step) DO UPDATE SET left = NULL";
        let position = sql(self.entry.position);
        self.rows.prepare_cached(insert)?.execute(params![
            self.n,
            step.code(),
            position,
            self.entry.at.0,
            self.effective.0
        ])?;
        Ok(())
    }

    /// Closes the previous step. If it began at the same instant, nobody was at it, so its row is deleted.
    fn leave(&self, before: &Before) -> rusqlite::Result<()> {
        if self.is_passing(before) {
            let delete = "DELETE FROM visits_steps WHERE visit = ?1 AND step = ?2 AND recorded = ?3";
            let gone = params![self.n, before.step.code(), self.entry.at.0];
            return self.rows.prepare_cached(delete)?.execute(gone).map(drop);
        }
        let update = "UPDATE visits_steps SET left = ?3 WHERE visit = ?1 AND step = ?2";
        self.rows.prepare_cached(update)?.execute(params![self.n, before.step.code(), self.effective.0])?;
        Ok(())
    }

    fn is_passing(&self, before: &Before) -> bool {
        before.step != Step::SignIn && before.recorded == self.entry.at.0
    }

    fn end(&self, before: &Before, state: State) -> rusqlite::Result<()> {
        self.leave(before)?;
        if self.is_passing(before) {
            // The enrollment ended at the step where the person did what was refused.
            let back = "UPDATE visits_visits SET (step, step_since, step_recorded) = (SELECT step, reached, recorded
                FROM visits_steps WHERE visit = ?1 ORDER BY position DESC LIMIT 1) WHERE n = ?1";
            self.rows.prepare_cached(back)?.execute([self.n])?;
        }
        self.close(state)
    }

    fn close(&self, state: State) -> rusqlite::Result<()> {
        let close = "UPDATE visits_visits SET ended = ?2, state = ?3 WHERE n = ?1";
        self.rows.prepare_cached(close)?.execute(params![self.n, self.effective.0, state.as_str()]).map(drop)
    }

    fn set(&self, column: &'static str, value: &dyn ToSql) -> rusqlite::Result<()> {
        let update = format!("UPDATE visits_visits SET {column} = ?2 WHERE n = ?1");
        self.rows.prepare_cached(&update)?.execute(params![self.n, value]).map(drop)
    }
}
