//! Rebuilds the projections from a log of links.

use super::installation::Installation;
use events::Event;
use events::device::DeviceId;
use events::record::{LinkBand, LinkEvidence, LinkProof, PreviousAnswer, RecordEvent, RecordId, Silence, Weighed};
use futures_util::StreamExt as _;
use std::time::Instant;

/// Number of events of each link.
const EVENTS: usize = 4;

/// Returns the events per second.
pub async fn rebuild(events: usize) -> f64 {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let installation = Installation::new(directory.path()).await;
    let links = (0..events.div_ceil(EVENTS)).map(|_| link(&installation));
    futures_util::stream::iter(links).buffer_unordered(256).collect::<()>().await;
    let platform = &installation.app.platform;
    let head = platform.log.store().head().await.expect("the log").expect("events");
    platform.projections.wait_for(head).await.expect("folded");
    let begun = Instant::now();
    let rebuilt = platform.projections.rebuild(&platform.log).await.expect("rebuilt");
    let took = begun.elapsed();
    assert_eq!(rebuilt.changed.as_deref(), Some(&[][..]), "a rebuild changes no row");
    println!("{} events are rebuilt in {took:.1?}", rebuilt.events);
    installation.close().await;
    rebuilt.events as f64 / took.as_secs_f64()
}

async fn link(installation: &Installation) {
    let world = &installation.app.platform.world;
    let (record, successor) = (RecordId(world.uuid()), DeviceId(world.uuid()));
    let proof = LinkProof { may_be_retired: true, is_same_device: false };
    let weighed = |evidence, points| Weighed { evidence, points };
    let evidence = vec![
        weighed(LinkEvidence::SamePerson {}, 3),
        weighed(LinkEvidence::Answered { answer: PreviousAnswer::ThisDevice }, 3),
        weighed(LinkEvidence::SameModel {}, 2),
        weighed(LinkEvidence::VersionNotOlder {}, 1),
        weighed(LinkEvidence::SilenceUnknown {}, 0),
    ];
    let proposed = RecordEvent::LinkProposed { successor, evidence, score: 9, band: LinkBand::Strong, proof };
    let asked = RecordEvent::SilenceAsked { successor, silence: Silence::Unknown {} };
    let confirmed = RecordEvent::LinkConfirmed { successor, proof };
    let undone = RecordEvent::LinkUndone { successor };
    let events: [RecordEvent; EVENTS] = [proposed, asked, confirmed, undone];
    installation.append(&record.stream(), events.into_iter().map(Event::from)).await;
}
