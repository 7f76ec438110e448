//! The running server: the device, console and portal endpoints over TLS, the operator's listener for metrics and
//! health, and the background tasks that follow the log.

mod bound;
pub(crate) mod command_socket;
mod damage;
mod descriptors;
mod disk;
mod heads;
mod late;
pub(crate) mod listeners;
mod observe;
mod operations;
mod scrub;
mod serving;
mod sign_ins;
mod socket;
pub mod surfaces;
mod tasks;

use crate::app::App;
use crate::app::start_error::StartError;
use crate::app::suppressed;
use crate::config::Config;
use crate::{admin, mdm, portal};
use actix_server::ServerBuilder;
use actix_web::dev::ServerHandle;
use actix_web::web;
use connections::{Connections, Limits};
use listeners::Listeners;
use projections::last_seen;
use serving::Site;
use sign_in::throttles;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinSet;
use world::World;

/// Minimum number of threads that serve people and devices. A machine with more processors gets one for each. Slow work
/// (hashing, signing, file reads) runs on blocking threads.
const LEAST_WORKERS: usize = 2;
/// Seconds that running requests may take once the server is asked to stop.
const GRACE_SECONDS: u64 = 5;
/// Maximum time that the reactions take to end.
const END_OF_REACTIONS: Duration = Duration::from_secs(2);
/// Number of connections reserved for metrics and health, in addition to those of people and devices.
const FOR_OPERATIONS: usize = 32;

/// A running server.
pub struct Running {
    pub app: App,
    pub address: SocketAddr,
    pub metrics_address: SocketAddr,
    surfaces: ServerHandle,
    metrics: ServerHandle,
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
}

/// Opens the installation and serves it.
///
/// # Errors
/// Returns an error if an address is in use, a file is missing, or a key is wrong.
pub async fn start(config: Config, world: World) -> Result<Running, StartError> {
    start_within(config, world, Limits::default()).await
}

/// Same as [`start`], with custom connection limits.
///
/// # Errors
/// Same as [`start`].
pub async fn start_within(mut config: Config, world: World, limits: Limits) -> Result<Running, StartError> {
    descriptors::raise();
    let listeners = Listeners::bind(&mut config)?;
    let (address, metrics_address) = (config.server.listen, config.server.metrics_listen);
    let app = App::open(config, world).await?;
    sign_ins::expect(&app.platform.metrics);
    // Not ready until the scrub's first check is done. Set before anyone can query the health.
    app.platform.health.problem(scrub::PART, "the log has not been checked yet since the server started".into());
    let mut tasks = JoinSet::new();
    command_socket::listen(&app, &mut tasks)?;
    let surfaces = serve_surfaces(&app, &limits, listeners.public, listeners.devices, &mut tasks)?;
    let metrics = serve_operations(&app, &limits, listeners.metrics, &mut tasks)?;
    let stop = watch::Sender::new(false);
    tasks::start(&app, &mut tasks, &stop);
    let position = app.platform.log.store().head().await?.map_or(0, |head| head.0);
    tracing::info!(version = env!("CARGO_PKG_VERSION"), position, %address, %metrics_address, "serving");
    Ok(Running { app, address, metrics_address, surfaces, metrics, tasks, stop })
}

impl Running {
    /// Lets running requests finish, then closes everything. On return, another server can open the log.
    pub async fn stop(mut self) {
        tokio::join!(self.surfaces.stop(true), self.metrics.stop(true));
        self.stop.send_replace(true);
        // The reactions store their checkpoints. Without, the last effects are tried again after the start.
        let _ = tokio::time::timeout(END_OF_REACTIONS, self.stop.closed()).await;
        self.tasks.shutdown().await;
        suppressed::write_all(&self.app).await;
        throttles::keep(&self.app.sign_in).await;
        self.app.platform.store_all_states().await;
        if let Err(error) = last_seen::write(&self.app.platform.projections).await {
            tracing::warn!(%error, "cannot store when devices were last seen");
        }
        self.app.platform.engine.close().await;
        command_socket::remove(&self.app);
        tracing::info!("stopped");
    }

    /// Stops within `within`, for a server that can no longer guarantee correct operation. Running requests get the
    /// time that remains.
    pub async fn abort(self, within: Duration) {
        // The wait is limited. The process ends after it in any case.
        let _ = tokio::time::timeout(within, self.stop()).await;
    }
}

// One server for both listeners, so that the connection limit applies to their sum.
fn serve_surfaces(
    app: &App,
    limits: &Limits,
    public: TcpListener,
    devices: Option<TcpListener>,
    tasks: &mut JoinSet<()>,
) -> Result<ServerHandle, StartError> {
    let workers = std::thread::available_parallelism().map_or(LEAST_WORKERS, NonZeroUsize::get).max(LEAST_WORKERS);
    let room = descriptors::limit().saturating_sub(limits.reserved_descriptors + FOR_OPERATIONS);
    let room = room.min(limits.most_connections.unwrap_or(usize::MAX)).max(workers);
    let (connections, limits) = (make_room(&app.connections, room, limits, tasks), limits.clone());
    let site = Site { name: "public", app: app.clone(), connections, limits, routes: surfaces };
    let mut server = builder(workers, room).shutdown_timeout(GRACE_SECONDS);
    server = site.clone().serve(server, public, Some(listeners::tls(&app.config.pki)?))?;
    if let Some(devices) = devices {
        // This listener is for devices only and requests a client certificate. A browser would ask its user for one.
        let tls = listeners::mutual_tls(&app.config.pki, app.devices.pki.identity_ca())?;
        server = Site { name: "devices", routes: mdm::routes, ..site }.serve(server, devices, Some(tls))?;
    }
    Ok(spawn("server.listen", server.run(), tasks))
}

/// Registers the routes of the device, console and portal endpoints. Each brings its own limits and rules.
fn surfaces(config: &mut web::ServiceConfig) {
    config.configure(mdm::routes).configure(admin::routes).configure(portal::routes);
}

fn serve_operations(
    app: &App,
    limits: &Limits,
    listener: TcpListener,
    tasks: &mut JoinSet<()>,
) -> Result<ServerHandle, StartError> {
    let connections = make_room(&Connections::new(app.platform.metrics.clone()), FOR_OPERATIONS, limits, tasks);
    let (app, limits) = (app.clone(), limits.clone());
    let site = Site { name: "metrics", app, connections, limits, routes: operations::routes };
    let server = site.serve(builder(1, FOR_OPERATIONS).shutdown_timeout(1), listener, None)?;
    Ok(spawn("server.metrics_listen", server.run(), tasks))
}

// Sets how many connections may be open before newcomers evict others. A server at its hard limit accepts no connection
// at all, so this number is one sixteenth lower: a newcomer still gets in and evicts another connection.
fn make_room(connections: &Connections, room: usize, limits: &Limits, tasks: &mut JoinSet<()>) -> Connections {
    connections.limit((room - room.div_ceil(16)).max(1));
    tasks.spawn(sweep(connections.clone(), limits.clone()));
    connections.clone()
}

async fn sweep(connections: Connections, limits: Limits) {
    loop {
        tokio::time::sleep(limits.sweep).await;
        connections.sweep(Instant::now(), &limits);
    }
}

fn builder(workers: usize, room: usize) -> ServerBuilder {
    // Running TLS handshakes count as ordinary connections. The library's own limit (256 per thread by default) is
    // switched off, because a thread that reaches it accepts no connection.
    actix_tls::accept::max_concurrent_tls_connect(usize::MAX);
    ServerBuilder::default().workers(workers).max_concurrent_connections(room.div_ceil(workers)).disable_signals()
}

fn spawn(listener: &'static str, server: actix_web::dev::Server, tasks: &mut JoinSet<()>) -> ServerHandle {
    let handle = server.handle();
    tasks.spawn(async move {
        if let Err(error) = server.await {
            tracing::error!(listener, %error, "a listener stopped");
        }
    });
    handle
}
