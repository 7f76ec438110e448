//! Code shared by the benches that create an installation. The file is a `mod.rs`, so that Cargo does not take it for a
//! bench.

use events::log::Draft;
use events::{Actor, ActorKind, Event, Position};
use muster::app::App;
use muster::app::initialize::Plan;
use std::path::Path;
use world::World;

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

pub fn plan(directory: &Path, public_url: &str) -> Plan {
    Plan {
        directory: directory.join("muster"),
        organization: "Example School".into(),
        public_url: public_url.into(),
        listen: "127.0.0.1:0".into(),
        metrics_listen: "127.0.0.1:0".into(),
        hosts: vec!["localhost".into()],
        trial: true,
        given: Default::default(),
        push_base_url: "https://localhost:1".into(),
    }
}

pub fn draft(world: &World, event: Event) -> Draft {
    Draft {
        id: events::envelope::EventId::fresh(world),
        at: world.now(),
        actor: Actor::new(ActorKind::System, "bench"),
        source: None,
        correlation: world.uuid(),
        causation: None,
        event,
    }
}

/// Skips the reactions for the existing events: the first queries of new devices and their pushes are not measured.
pub async fn pass_over(app: &App, head: Position) {
    for reaction in ["reactions-effects", "reactions-effects-behind", "reactions-pushes"] {
        app.platform.projections.set_checkpoint(reaction, head).await.expect("a checkpoint");
    }
}
