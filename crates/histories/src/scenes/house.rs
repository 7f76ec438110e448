//! What happens in the whole organization: imports, waves, the migration.

use super::console::by_staff;
use super::records::SOURCE;
use crate::dice::Dice;
use crate::scene::{Cue, Scene};
use events::Personal;
use events::invitation::{InvitationDelivery, NotInvited, WaveEvent, WaveId};
use events::migration::MigrationEvent;
use events::record::{
    ImportCounts, ImportEvent, ImportId, OwnerCounts, PersonalDetails, PreviousKind, RecordDetails, RecordEvent,
    RecordId,
};

/// Rows of an import by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Rows {
    pub(crate) counts: ImportCounts,
    pub(crate) owners: OwnerCounts,
}

/// The import with this number.
pub(crate) fn import_id(seed: u64, nth: usize) -> ImportId {
    ImportId(Dice::of(&[seed, 60, nth as u64]).uuid())
}

/// The wave with this number.
pub(crate) fn wave_id(seed: u64, nth: u64) -> WaveId {
    WaveId(Dice::of(&[seed, 61, nth]).uuid_derived())
}

pub(crate) fn begin_import(scene: &mut Scene, nth: usize, is_complete: bool) {
    let import = import_id(scene.stage.seed, nth);
    let preset = Some("jamf-pro".to_owned());
    let begun = ImportEvent::ImportBegun { source: SOURCE.to_owned(), preset, is_complete };
    scene.say(&import.stream(), &Cue::operator(import.0), begun);
}

pub(crate) fn finish_import(scene: &mut Scene, nth: usize, rows: Rows) {
    let import = import_id(scene.stage.seed, nth);
    let (counts, owners) = (rows.counts, Some(rows.owners));
    let (file, newest_contact) = (scene.dice.hash(), Some(scene.later(-86_400)));
    let finished = ImportEvent::ImportFinished { file, counts, owners, newest_contact };
    let finished = scene.say(&import.stream(), &Cue::operator(import.0), finished);
    if let Some(lately) = scene.stage.lately.front().copied() {
        scene.wait(5, 60);
        let (up_to, successor) = (RecordId::of_device(lately.device), lately.device);
        let cue = Cue::system("ask-silence", import.0);
        let answered = ImportEvent::ImportQuestionsAnswered { up_to, successor };
        scene.effect(&import.stream(), (finished, "ask-silence"), &cue, [answered]);
    }
}

/// An import of the wrong file, which is undone.
pub(crate) fn undo_import(scene: &mut Scene) {
    let import = import_id(scene.stage.seed, 1_000);
    let (stream, cue) = (import.stream(), Cue::operator(import.0));
    let source = "Spreadsheet".to_owned();
    let begun = ImportEvent::ImportBegun { source: source.clone(), preset: None, is_complete: false };
    scene.say(&stream, &cue, begun);
    let records: Vec<_> = (0..5).map(|_| RecordId(scene.dice.uuid_derived())).collect();
    for record in &records {
        let personal = PersonalDetails {
            source_id: scene.dice.below(100_000).to_string(),
            device_name: Some(format!("Spare {}", scene.dice.below(100))),
            ..PersonalDetails::default()
        };
        let details = Box::new(RecordDetails {
            kind: PreviousKind::Unknown,
            product_name: None,
            model_name: Some("iPhone 7".to_owned()),
            os_version: Some("13.7".to_owned()),
            last_contact: None,
            enrolled_at: None,
            profile_identifier: None,
            site: None,
            personal: Personal::new(record.key(), personal),
        });
        let (owner_keys, names, owner) = (vec![], vec![], None);
        let source = source.clone();
        let imported = RecordEvent::PreviousRecordImported { import, source, details, owner_keys, names, owner };
        scene.say(&record.stream(), &cue.clone().with(record.key()), imported);
    }
    let counts = ImportCounts { new: 5, bad: 1, ..ImportCounts::default() };
    let finished = ImportEvent::ImportFinished { file: scene.dice.hash(), counts, owners: None, newest_contact: None };
    scene.say(&stream, &cue, finished);
    scene.wait(600, 7_200);
    let operator = Cue::operator(scene.dice.uuid());
    scene.say(&stream, &operator, ImportEvent::ImportUndone {});
    for record in &records {
        let undone = RecordEvent::PreviousRecordImportUndone { import, restored: None };
        scene.say(&record.stream(), &operator, undone);
    }
}

/// A wave of invitations begins.
pub(crate) fn begin_wave(scene: &mut Scene, nth: u64) {
    let wave = wave_id(scene.stage.seed, nth);
    let begun = WaveEvent::WaveBegun {
        name: format!("Wave {}", nth + 1),
        delivery: if nth == 0 { InvitationDelivery::WebClip } else { InvitationDelivery::Mail },
        language: "de".to_owned(),
        most_per_hour: 2_000,
        valid_days: 30,
        remind_after_days: 7,
        most_reminders: 2,
        deadline: scene.later(300 * 86_400),
    };
    let staff = by_staff(scene);
    scene.say(&wave.stream(), &staff, begun);
}

/// The records of a team are added to a wave. One without an owner is skipped.
pub(crate) fn add_to_wave(scene: &mut Scene, nth: u64, records: &[RecordId], skipped: &[RecordId]) {
    let wave = wave_id(scene.stage.seed, nth);
    let staff = by_staff(scene);
    scene.say(&wave.stream(), &staff, WaveEvent::WaveRecordsAdded { records: records.to_vec() });
    for record in skipped {
        scene.wait(5, 60);
        let cue = Cue::system("timer", wave.0);
        scene.say(&wave.stream(), &cue, WaveEvent::WaveRecordSkipped { record: *record, why: NotInvited::NoOwner });
    }
}

/// A wave is paused, resumed and ended.
pub(crate) fn end_wave(scene: &mut Scene, nth: u64) {
    let stream = wave_id(scene.stage.seed, nth).stream();
    for event in [WaveEvent::WavePaused {}, WaveEvent::WaveResumed {}] {
        let staff = by_staff(scene);
        scene.say(&stream, &staff, event);
        scene.wait(3_600, 86_400);
    }
    let cue = Cue::system("timer", wave_id(scene.stage.seed, nth).0);
    let open = scene.dice.below(500);
    scene.say(&stream, &cue, WaveEvent::WaveDeadlinePassed { open });
    scene.wait(3_600, 86_400);
    let staff = by_staff(scene);
    scene.say(&stream, &staff, WaveEvent::WaveEnded {});
}

/// The migration is closed too early, reopened, and closed again.
pub(crate) fn close_migration(scene: &mut Scene) {
    let stream = scene.secrets().migration(SOURCE).stream();
    let closed = || MigrationEvent::MigrationClosed { source: SOURCE.to_owned() };
    for event in [closed(), MigrationEvent::MigrationReopened {}, closed()] {
        let staff = by_staff(scene);
        scene.say(&stream, &staff, event);
        scene.wait(3_600, 86_400);
    }
}

/// So many records were shredded, up to this one.
pub(crate) fn note_shredded(scene: &mut Scene, count: u64, up_to: RecordId) {
    let migration = scene.secrets().migration(SOURCE);
    let cue = Cue::system("timer", migration.0);
    scene.say(&migration.stream(), &cue, MigrationEvent::MigrationRecordsShredded { count, up_to });
}

impl Rows {
    pub(crate) fn add(&mut self, other: &Rows) {
        let (counts, of) = (&mut self.counts, &other.counts);
        counts.new += of.new;
        counts.changed += of.changed;
        counts.unchanged += of.unchanged;
        counts.missing += of.missing;
        self.owners.account += other.owners.account;
        self.owners.none += other.owners.none;
    }
}
