//! The migration board beside many records: its page, its counts and its chart.

use super::installation::{Installation, RECORDS_EACH, person, records_of};
use super::shared::draft;
use super::sorted;
use events::device::DeviceId;
use events::invitation::{InvitationDelivery, InvitationEvent, InvitationId, Recipient, RecipientDetails};
use events::migration::MigrationException;
use events::record::{ImportId, LinkBand, LinkProof, RecordEvent, RecordId};
use events::store::Expected;
use events::{Event, Personal, StreamName, Timestamp};
use futures_util::StreamExt as _;
use projections::Projections;
use projections::migration::{BoardFilter, Contact, MigrationState, choices, counts, days, late, list};
use std::time::{Duration, Instant};

/// Maximum 99th percentile of each question of the page.
const LIMIT: Duration = Duration::from_millis(50);

/// Records per page.
const PAGE: usize = 50;

/// How often each question is asked.
const TIMES: usize = 200;

/// Returns whether the limits were kept.
pub async fn questions(records: usize) -> bool {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let mut installation = Installation::new(directory.path()).await;
    installation.grow(records).await;
    spread(&installation, records).await;
    let projections = installation.app.platform.projections.clone();
    let numbers = counts(&projections, BoardFilter::default()).await.expect("counts");
    println!("{records:>9} records on the board: {numbers:?}");
    assert_eq!(numbers.values().sum::<u64>(), records as u64, "each record is on the board");
    let is_fast = ask_each(&projections).await;
    installation.close().await;
    is_fast
}

async fn ask_each(projections: &Projections) -> bool {
    let all = BoardFilter::default;
    let state = |state| BoardFilter { state: Some(state), ..all() };
    let site = BoardFilter { site: Some("Campus 7".into()), ..all() };
    let unknown = BoardFilter { contact: Some(Contact::Unknown), ..all() };
    let user = BoardFilter { user_name: Some("person.number.7".into()), ..all() };
    let next = list(projections, all(), PAGE).await.expect("a page").next;
    let mut is_fast = true;
    for (what, filter) in [
        ("first page", all()),
        ("second page", BoardFilter { after: next, ..all() }),
        ("first page of a state", state(MigrationState::Invited)),
        ("first page of a site", site.clone()),
        ("page of a user name", user),
        ("page that is empty", unknown.clone()),
    ] {
        is_fast &= time(what, async || drop(list(projections, filter.clone(), PAGE).await.expect("a page"))).await;
    }
    for (what, filter) in [("counts", all()), ("counts of a site", site), ("counts by age", unknown)] {
        is_fast &= time(what, async || drop(counts(projections, filter.clone()).await.expect("counts"))).await;
    }
    is_fast &= time("what filters choose from", async || drop(choices(projections).await.expect("choices"))).await;
    let period = (Timestamp(0), Timestamp(i64::MAX));
    is_fast &= time("days of the chart", async || drop(days(projections, None, period).await.expect("days"))).await;
    let ask = async || assert_eq!(late(projections, period.1).await.expect("a number"), 0, "none was invited before");
    is_fast & time("late ones", ask).await
}

async fn time(what: &str, question: impl AsyncFn()) -> bool {
    question().await;
    let mut took = Vec::with_capacity(TIMES);
    for _ in 0..TIMES {
        let begun = Instant::now();
        question().await;
        took.push(begun.elapsed());
    }
    let took = sorted(took);
    took.print(PAGE, &format!("board: {what}"));
    took.percentile(99) <= LIMIT
}

// Gives the records different states, as a migration on its way has them.
async fn spread(installation: &Installation, records: usize) {
    let works = (0..records / RECORDS_EACH).map(|nth| async move {
        for (of, record) in records_of(nth).enumerate() {
            step(installation, nth, (nth * RECORDS_EACH + of) % 10, record).await;
        }
    });
    futures_util::stream::iter(works).buffer_unordered(256).collect::<()>().await;
    let head = installation.app.platform.log.store().head().await.expect("the log").expect("events");
    installation.app.platform.projections.wait_for(head).await.expect("folded");
}

async fn step(installation: &Installation, nth: usize, of_ten: usize, record: RecordId) {
    let world = &installation.app.platform.world;
    let (successor, proof) = (DeviceId(world.uuid()), LinkProof::default());
    let proposed = RecordEvent::LinkProposed { successor, evidence: vec![], score: 9, band: LinkBand::Strong, proof };
    let stream = record.stream();
    match of_ten {
        0..=2 => {
            let details = Personal::new(person(nth).key(), RecipientDetails::default());
            let issued = InvitationEvent::InvitationIssued {
                recipient: Recipient { person: Some(person(nth)), keys: vec![], details },
                record: Some(record),
                wave: None,
                delivery: InvitationDelivery::Mail,
                language: "en".into(),
                expires: Timestamp(i64::MAX),
            };
            append(installation, &InvitationId(world.uuid()).stream(), issued.into()).await;
        }
        3 => append(installation, &stream, missing()).await,
        4 => append(installation, &stream, exception()).await,
        5 => append(installation, &stream, proposed.into()).await,
        6 | 7 => {
            append(installation, &stream, proposed.into()).await;
            append(installation, &stream, RecordEvent::LinkConfirmed { successor, proof }.into()).await;
        }
        _ => {}
    }
}

fn missing() -> Event {
    RecordEvent::PreviousRecordMissing { import: ImportId(uuid::Uuid::from_u128(2)) }.into()
}

fn exception() -> Event {
    RecordEvent::MigrationExceptionMade { why: MigrationException::DeviceTooOld }.into()
}

async fn append(installation: &Installation, stream: &StreamName, event: Event) {
    let platform = &installation.app.platform;
    platform.log.append(stream, Expected::Any, vec![draft(&platform.world, event)]).await.expect("appended");
}
