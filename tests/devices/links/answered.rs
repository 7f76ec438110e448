//! A complete import answers the open questions of its source anew, a bounded number because of one event.

use super::*;
use events::record::{LinkProof, RecordEvent, Silence};
use harness::desk::write;
use harness::waiting::until;

/// More than one effect answers.
const QUESTIONS: usize = 130;

#[tokio::test(flavor = "multi_thread")]
async fn a_complete_import_answers_every_question_of_its_source_page_by_page() {
    let (scene, _clock) = stage().await;
    let rows: String =
        (0..QUESTIONS).map(|nth| format!("{nth},\"iPhone14,5\",iPhone 13,15.7,2026-01-10,2021-09-30,\n")).collect();
    import(&scene, "Jamf Pro", &rows).await;
    let platform = &scene.server.app().platform;
    let (now, records) = (platform.world.now(), (0..QUESTIONS).map(|nth| record(&scene, nth)));
    let records: Vec<RecordId> = records.collect();
    for record in &records {
        let successor = DeviceId(platform.world.random_uuid());
        let (evidence, band, proof) = (vec![], LinkBand::Weak, LinkProof::default());
        let proposed = RecordEvent::LinkProposed { successor, evidence, score: 1, band, proof };
        write(&scene.server, &record.stream(), now, proposed).await;
        let silence = Silence::Silent { since: now };
        write(&scene.server, &record.stream(), now, RecordEvent::SilenceAsked { successor, silence }).await;
    }
    import(&scene, "Jamf Pro", &rows).await;
    until("the last answer", async || {
        scene.server.reacted().await;
        answers(&scene).await == 2 * QUESTIONS
    })
    .await;
    for record in records {
        let told = scene.server.log_of(&record.stream()).await;
        let last = told.into_iter().next_back().map(|entry| entry.event);
        assert!(
            matches!(&last, Some(Event::Record(RecordEvent::SilenceAsked { silence: Silence::Unknown {}, .. }))),
            "nobody has enrolled: {last:?}"
        );
    }
    let imports = scene.server.events_of("import").await;
    let pages = imports.iter().filter(|event| event.type_name() == "ImportQuestionsAnswered").count();
    assert_eq!(pages, 1, "of two imports, one had questions to answer");
    scene.strike().await;
}

fn record(scene: &Scene, nth: usize) -> RecordId {
    scene.server.app().imports.record_id("Jamf Pro", &nth.to_string())
}

async fn answers(scene: &Scene) -> usize {
    let events = scene.server.events_of("record").await;
    events.iter().filter(|event| event.type_name() == "SilenceAsked").count()
}
