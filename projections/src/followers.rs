//! Checkpoints of the followers of the log (reactions), and the positions whose work they could not do yet.

use crate::{ProjectionError, Projections, origin, sql};
use events::Position;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};

impl Projections {
    /// Returns the position up to which the follower `name` (a reaction) has done its work.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read.
    pub async fn checkpoint(&self, name: &'static str) -> Result<Option<Position>, ProjectionError> {
        self.read_common(move |rows| {
            rows.query_row("SELECT position FROM followers WHERE name = ?1", [name], |row| row.get::<_, i64>(0))
                .optional()
                .map(|position| position.map(|position| Position(position.cast_unsigned())))
        })
        .await
    }

    /// Stores the position up to which the follower `name` has done its work, or has set it aside.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub async fn set_checkpoint(&self, name: &'static str, position: Position) -> Result<(), ProjectionError> {
        self.write_common(move |rows| Ok(keep(rows, name, position)?)).await
    }

    /// Same as [`Projections::set_checkpoint`], with the leaf hash of the event at the position. It shows at the next
    /// start that the log was replaced ([`origin`]).
    ///
    /// # Errors
    /// Same as [`Projections::set_checkpoint`].
    pub async fn set_checkpoint_at(
        &self,
        name: &'static str,
        position: Position,
        leaf: [u8; 32],
    ) -> Result<(), ProjectionError> {
        self.write_common(move |rows| {
            let transaction = rows.transaction_with_behavior(TransactionBehavior::Immediate)?;
            keep(&transaction, name, position)?;
            origin::note(&transaction, position, leaf)?;
            Ok(transaction.commit()?)
        })
        .await
    }

    /// Stores positions whose work the follower `name` could not do, in one transaction. Call it before
    /// the checkpoint passes them, so that none is forgotten.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub async fn put_aside(&self, name: &'static str, positions: Vec<Position>) -> Result<(), ProjectionError> {
        self.write_common(move |rows| {
            let transaction = rows.transaction_with_behavior(TransactionBehavior::Immediate)?;
            insert_aside(&transaction, name, &positions)?;
            Ok(transaction.commit()?)
        })
        .await
    }

    /// Returns up to `limit` positions whose work the follower `name` could not do, the earliest first.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read.
    pub async fn set_aside(&self, name: &'static str, limit: usize) -> Result<Vec<Position>, ProjectionError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read_common(move |rows| {
            let select = "SELECT position FROM set_aside WHERE follower = ?1 ORDER BY position LIMIT ?2";
            let position = |row: &rusqlite::Row<'_>| Ok(Position(row.get::<_, i64>(0)?.cast_unsigned()));
            rows.prepare_cached(select)?.query_map(params![name, limit], position)?.collect()
        })
        .await
    }

    /// Removes a stored position whose work the follower `name` has now done.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub async fn done(&self, name: &'static str, position: Position) -> Result<(), ProjectionError> {
        self.write_common(move |rows| {
            let delete = "DELETE FROM set_aside WHERE follower = ?1 AND position = ?2";
            rows.execute(delete, params![name, sql(position)])?;
            Ok(())
        })
        .await
    }
}

fn keep(rows: &Connection, follower: &str, position: Position) -> rusqlite::Result<()> {
    let keep = "INSERT INTO followers (name, position) VALUES (?1, ?2)
        ON CONFLICT (name) DO UPDATE SET position = excluded.position";
    rows.prepare_cached(keep)?.execute(params![follower, sql(position)]).map(drop)
}

fn insert_aside(rows: &Connection, follower: &str, positions: &[Position]) -> rusqlite::Result<()> {
    let insert = "INSERT INTO set_aside (follower, position) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    positions.iter().try_for_each(|position| rows.execute(insert, params![follower, sql(*position)]).map(drop))
}
