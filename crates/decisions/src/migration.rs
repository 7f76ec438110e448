//! A migration away from another product: stream `migration-<HMAC(source)>`.

use crate::Aggregate;
use events::migration::MigrationEvent;
use events::record::RecordId;
use serde::{Deserialize, Serialize};

/// The state of one migration.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Migration {
    pub is_closed: bool,
}

#[derive(Debug, Clone)]
pub enum Command {
    Close { source: String },
    Reopen,
    NoteShredded { count: u64, up_to: RecordId },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the migration is open: close it first")]
    Open,
}

impl Aggregate for Migration {
    const FOLD: u32 = 1;

    type Whole = Migration;
    type Event = MigrationEvent;
    type Command = Command;
    type Refusal = Refusal;

    fn decide(&self, command: &Command) -> Result<Vec<MigrationEvent>, Refusal> {
        match command {
            Command::Close { .. } if self.is_closed => Ok(vec![]),
            Command::Close { source } => Ok(vec![MigrationEvent::MigrationClosed { source: source.clone() }]),
            Command::Reopen if self.is_closed => Ok(vec![MigrationEvent::MigrationReopened {}]),
            Command::Reopen => Ok(vec![]),
            Command::NoteShredded { .. } if !self.is_closed => Err(Refusal::Open),
            Command::NoteShredded { count, up_to } => {
                Ok(vec![MigrationEvent::MigrationRecordsShredded { count: *count, up_to: *up_to }])
            }
        }
    }

    fn evolve(self, event: &MigrationEvent) -> Migration {
        match event {
            MigrationEvent::MigrationClosed { source: _ } => Migration { is_closed: true },
            MigrationEvent::MigrationReopened {} => Migration { is_closed: false },
            MigrationEvent::MigrationRecordsShredded { .. } => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn given(commands: &[Command]) -> Migration {
        commands.iter().fold(Migration::default(), |migration, command| {
            let happened = migration.decide(command).expect("permitted");
            happened.iter().fold(migration, Migration::evolve)
        })
    }

    fn close() -> Command {
        Command::Close { source: "Jamf Pro".into() }
    }

    #[test]
    fn a_migration_is_closed_once_and_can_be_reopened() {
        assert!(given(&[close()]).is_closed);
        assert_eq!(given(&[close()]).decide(&close()), Ok(vec![]), "the same request again");
        let reopened = given(&[close(), Command::Reopen]);
        assert!(!reopened.is_closed);
        assert_eq!(reopened.decide(&Command::Reopen), Ok(vec![]));
    }

    #[test]
    fn nothing_is_shredded_while_the_migration_is_open() {
        let shredded = Command::NoteShredded { count: 1, up_to: RecordId(Uuid::from_u128(1)) };
        assert_eq!(given(&[]).decide(&shredded), Err(Refusal::Open));
        assert_eq!(given(&[close(), Command::Reopen]).decide(&shredded), Err(Refusal::Open));
        assert_eq!(given(&[close()]).decide(&shredded).map(|events| events.len()), Ok(1));
    }
}
