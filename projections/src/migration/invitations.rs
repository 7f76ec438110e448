//! Events of invitations and waves. Only invitations for a record count, and of these the newest one.

use super::At;
use super::row::{ensure_own, ids, refresh};
use events::invitation::{InvitationEvent, WaveEvent, WaveId};
use events::record::RecordId;
use rusqlite::{Connection, params};

pub(super) fn invitation(rows: &Connection, id: &str, event: &InvitationEvent, at: At) -> rusqlite::Result<()> {
    match event {
        InvitationEvent::InvitationIssued { record: Some(record), wave, .. } => issued(rows, id, (*record, *wave), at),
        InvitationEvent::InvitationRenewed { .. } => follow(rows, id, "issued", &["ended"], at),
        // The page of a device-bound invitation issues a code where the device enrolls in Settings: somebody opened it.
        InvitationEvent::InvitationOpened { .. } | InvitationEvent::InvitationCodeIssued { .. } => {
            follow(rows, id, "opened", &["issued", "ended"], at)
        }
        InvitationEvent::InvitationUsed { enrollment, .. } => {
            let records = ids(rows, "SELECT record FROM migration_invitations WHERE invitation = ?1", id)?;
            let update = "UPDATE migration_rows SET used_by = ?2,
                invited = CASE invitation WHEN ?3 THEN 'opened' ELSE invited END WHERE record = ?1";
            let enrollment = enrollment.0.to_string();
            for record in &records {
                rows.prepare_cached(update)?.execute([record, &enrollment, id])?;
                refresh(rows, record, at)?;
            }
            Ok(())
        }
        InvitationEvent::InvitationRevoked {} | InvitationEvent::InvitationExpired {} => {
            follow(rows, id, "ended", &["issued", "opened"], at)
        }
        InvitationEvent::InvitationIssued { record: None, .. }
        | InvitationEvent::InvitationSent { .. }
        | InvitationEvent::InvitationNotSent { .. }
        | InvitationEvent::InvitationRefused { .. } => Ok(()),
    }
}

fn issued(rows: &Connection, id: &str, (record, wave): (RecordId, Option<WaveId>), at: At) -> rusqlite::Result<()> {
    let record = record.to_string();
    ensure_own(rows, &record, at)?;
    let insert = "INSERT INTO migration_invitations (invitation, record) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    rows.prepare_cached(insert)?.execute([id, &record])?;
    let update = "UPDATE migration_rows SET invitation = ?2, invited = 'issued', wave = coalesce(?3, wave)
        WHERE record = ?1";
    let wave = wave.map(|wave| wave.to_string());
    rows.prepare_cached(update)?.execute(params![record, id, wave])?;
    refresh(rows, &record, at)
}

// Sets what became of an invitation, if it is the newest of its record and is in one of these states.
fn follow(rows: &Connection, id: &str, next: &str, from: &[&str], at: At) -> rusqlite::Result<()> {
    let records = ids(rows, "SELECT record FROM migration_invitations WHERE invitation = ?1", id)?;
    let update = "UPDATE migration_rows SET invited = ?3
        WHERE record = ?1 AND invitation = ?2 AND instr(?4, invited) > 0";
    for record in &records {
        rows.prepare_cached(update)?.execute([record.as_str(), id, next, from.join(" ").as_str()])?;
        refresh(rows, record, at)?;
    }
    Ok(())
}

pub(super) fn wave(rows: &Connection, id: &str, event: &WaveEvent, at: At) -> rusqlite::Result<()> {
    match event {
        WaveEvent::WaveBegun { name, .. } => {
            let insert = "INSERT INTO migration_waves (wave, name, begun) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
            rows.prepare_cached(insert)?.execute(params![id, name, at.effective.0]).map(drop)
        }
        WaveEvent::WaveRecordsAdded { records } => records.iter().try_for_each(|record| {
            let record = record.to_string();
            ensure_own(rows, &record, at)?;
            rows.prepare_cached("UPDATE migration_rows SET wave = ?2 WHERE record = ?1")?.execute([&record, id])?;
            refresh(rows, &record, at)
        }),
        WaveEvent::WaveRecordSkipped { .. }
        | WaveEvent::WavePaused {}
        | WaveEvent::WaveResumed {}
        | WaveEvent::WaveDeadlinePassed { .. }
        | WaveEvent::WaveEnded {} => Ok(()),
    }
}
