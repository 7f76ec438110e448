//! Staff look at the migration board in real browsers, and make exceptions. The pages have no scripts.

use super::Sight;
use crate::migration::{BOARD, Old, import, invite, note, propose, record, wave};
use events::enrollment::{EnrollmentEvent, EnrollmentId};
use events::migration::MigrationException;
use events::record::{LinkProof, PreviousAnswer, RecordEvent, RecordOwner};
use harness::TestServer;
use harness::browser::{DESK, Engine, PHONE, wait_for};
use harness::desk::{enrolled, write};

/// Records in every state.
async fn a_migration(server: &TestServer) {
    let models = ["iPhone12,1", "iPhone14,7", "iPhone13,2", "iPad13,1"];
    let sites = [Some("Campus North"), Some("Campus South"), None];
    let old = |nth: u128| Old {
        model: models[nth as usize % 4],
        site: sites[nth as usize % 3],
        owner: if nth.is_multiple_of(7) { Some(RecordOwner::Several {}) } else { None },
        ..Old::new(nth)
    };
    let left = Old { owner: Some(RecordOwner::Left {}), ..Old::new(90) };
    import(server, &(1..=40).map(old).chain([left]).collect::<Vec<_>>()).await;
    let pilot = wave(server, "Pilot of the department of analytical engines").await;
    for nth in 1..=12 {
        invite(server, nth, record(nth), Some(pilot)).await;
    }
    let now = server.app().platform.world.now();
    for nth in 1..=3 {
        let said = EnrollmentEvent::PreviousRecordAnswered {
            record: record(nth),
            answer: PreviousAnswer::ThisDevice,
            removed: Some(true),
        };
        let enrollment = EnrollmentId(server.app().platform.world.random_uuid());
        write(server, &enrollment.stream(), now, said).await;
    }
    for nth in 13..=20 {
        let device = enrolled(server, &format!("user{nth}"), now).await;
        propose(server, record(nth), device).await;
        if nth > 15 {
            let confirmed = RecordEvent::LinkConfirmed { successor: device, proof: LinkProof::default() };
            note(server, record(nth), confirmed).await;
        }
    }
    for nth in 21..=24 {
        note(server, record(nth), RecordEvent::MigrationExceptionMade { why: MigrationException::DeviceTooOld }).await;
    }
}

async fn look_around(engine: Engine, test: &'static str, size: (u32, u32), dark: bool) {
    let Some(sight) = Sight::begin(engine, test, size, dark).await else { return };
    sight.look(BOARD, "No record is part of a migration yet", "board-empty").await;
    a_migration(&sight.server).await;
    sight.look(BOARD, "5 of 41 done", "board").await;
    sight.click(".chart summary").await;
    sight.look_here("board-table").await;
    sight.look(&format!("{BOARD}?state=removed&site=Campus+North"), "Old management removed", "board-state").await;
    sight.look(&format!("{BOARD}?user=nobody"), "No record matches", "board-none").await;
    sight.open(&format!("{BOARD}?state=invited")).await;
    sight.click(".board input[type=checkbox]").await;
    sight.click(".bulk button[formaction$='except/try']").await;
    wait_for(&sight.browser, ".consequence").await;
    sight.look_here("rehearsal").await;
    sight.click("form.stack button").await;
    wait_for(&sight.browser, "td .ok").await;
    sight.look_here("done").await;
    let path = format!("/console/records/{}", record(22));
    sight.look(&path, "Exception: The device is too old", "record").await;
    sight.click("section details:nth-of-type(2) summary").await;
    sight.look_here("record-form").await;
    sight.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_board_in_chromium_at_a_desk() {
    look_around(Engine::Chromium, "migration-desk", DESK, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_board_in_chromium_on_a_phone_in_the_dark() {
    look_around(Engine::Chromium, "migration-phone-dark", PHONE, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_board_in_webkit_at_a_desk_in_the_dark() {
    look_around(Engine::WebKit, "migration-webkit-dark", DESK, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_board_in_webkit_on_a_phone() {
    look_around(Engine::WebKit, "migration-webkit-phone", PHONE, false).await;
}
