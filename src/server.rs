//! The running server: the three surfaces over TLS, the operator's listener beside them, the tasks that follow the log.

pub mod command_socket;
mod disk;
pub mod listeners;
mod observe;
mod operations;
mod scrub;
mod sign_ins;
mod tasks;

use crate::app::App;
use crate::app::assemble::StartError;
use crate::app::{suppressed, throttles};
use crate::config::Config;
use crate::world::World;
use crate::{admin, mdm, portal};
use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::{HttpServer, web};
use listeners::Listeners;
use observe::observe;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;
use tokio::task::JoinSet;

/// Threads that answer people and devices; slow work (hashing, signing, reading) happens on blocking threads.
const WORKERS: usize = 2;
/// How long requests under way may take once the server is asked to stop.
const GRACE_SECONDS: u64 = 5;
/// Instead of actix's three seconds, in which a phone on a poor network, or a server under load, does not always get through
/// the round trips of TLS and a signature: one lost packet alone is sent again only after a second, then two, then four.
const LONGEST_HANDSHAKE: Duration = Duration::from_secs(15);

/// A server at work.
pub struct Running {
    pub app: App,
    pub address: SocketAddr,
    pub metrics_address: SocketAddr,
    public: ServerHandle,
    devices: Option<ServerHandle>,
    metrics: ServerHandle,
    tasks: JoinSet<()>,
}

/// Opens the installation and serves it.
///
/// # Errors
/// If an address is taken, a file is missing or a key is a wrong one.
pub async fn start(mut config: Config, world: World) -> Result<Running, StartError> {
    let listeners = Listeners::bind(&mut config)?;
    let (address, metrics_address) = (config.server.listen, config.server.metrics_listen);
    let app = App::open(config, world).await?;
    sign_ins::expect(&app.metrics);
    let mut tasks = JoinSet::new();
    command_socket::listen(&app, &mut tasks)?;
    let public = serve_surfaces(&app, listeners.public, &mut tasks)?;
    let devices = match listeners.devices {
        Some(listener) => Some(serve_devices(&app, listener, &mut tasks)?),
        None => None,
    };
    let metrics = serve_operations(&app, listeners.metrics, &mut tasks)?;
    tasks::start(&app, &mut tasks);
    tracing::info!(%address, %metrics_address, "serving");
    Ok(Running { app, address, metrics_address, public, devices, metrics, tasks })
}

impl Running {
    /// Lets requests under way end, then closes everything: on return another server can open the log.
    pub async fn stop(mut self) {
        let devices = async {
            if let Some(devices) = &self.devices {
                devices.stop(true).await;
            }
        };
        tokio::join!(self.public.stop(true), devices, self.metrics.stop(true));
        self.tasks.shutdown().await;
        suppressed::write_all(&self.app).await;
        throttles::keep(&self.app).await;
        self.app.engine.close().await;
        command_socket::remove(&self.app);
        tracing::info!("stopped");
    }

    /// Ends at once, for when nothing can be promised any more: requests under way get what time there is.
    pub async fn abort(self, within: Duration) {
        // Longer than this nobody waits: the process ends after it in any case.
        let _ = tokio::time::timeout(within, self.stop()).await;
    }
}

fn serve_surfaces(app: &App, listener: TcpListener, tasks: &mut JoinSet<()>) -> Result<ServerHandle, StartError> {
    let tls = listeners::tls(&app.config.pki)?;
    let shared = web::Data::new(app.clone());
    let server = HttpServer::new(move || {
        actix_web::App::new().app_data(shared.clone()).configure(surfaces).wrap(from_fn(observe))
    })
    .workers(WORKERS)
    // Else an answer waits until the client has acknowledged what TLS sent before it: forty milliseconds and more.
    .tcp_nodelay(true)
    .tls_handshake_timeout(LONGEST_HANDSHAKE)
    .shutdown_timeout(GRACE_SECONDS)
    .disable_signals()
    .listen_openssl(listener, tls)?
    .run();
    Ok(spawn("server.listen", server, tasks))
}

/// The three surfaces; each brings its own limits and rules.
fn surfaces(config: &mut web::ServiceConfig) {
    config.configure(mdm::routes).configure(admin::routes).configure(portal::routes);
}

// Devices alone, and their certificates are asked for: a browser would ask its user for one.
fn serve_devices(app: &App, listener: TcpListener, tasks: &mut JoinSet<()>) -> Result<ServerHandle, StartError> {
    let tls = listeners::mutual_tls(&app.config.pki, app.pki.identity_ca())?;
    let shared = web::Data::new(app.clone());
    let server = HttpServer::new(move || {
        actix_web::App::new().app_data(shared.clone()).configure(mdm::routes).wrap(from_fn(observe))
    })
    .on_connect(mdm::claim::note_certificate)
    .workers(WORKERS)
    // Else an answer waits until the client has acknowledged what TLS sent before it: forty milliseconds and more.
    .tcp_nodelay(true)
    .tls_handshake_timeout(LONGEST_HANDSHAKE)
    .shutdown_timeout(GRACE_SECONDS)
    .disable_signals()
    .listen_openssl(listener, tls)?
    .run();
    Ok(spawn("devices.listen", server, tasks))
}

fn serve_operations(app: &App, listener: TcpListener, tasks: &mut JoinSet<()>) -> Result<ServerHandle, StartError> {
    let shared = web::Data::new(app.clone());
    let server = HttpServer::new(move || actix_web::App::new().app_data(shared.clone()).configure(operations::routes))
        .workers(1)
        .shutdown_timeout(1)
        .disable_signals()
        .listen(listener)?
        .run();
    Ok(spawn("server.metrics_listen", server, tasks))
}

fn spawn(listener: &'static str, server: actix_web::dev::Server, tasks: &mut JoinSet<()>) -> ServerHandle {
    let handle = server.handle();
    tasks.spawn(async move {
        if let Err(error) = server.await {
            tracing::error!(listener, %error, "a listener ended");
        }
    });
    handle
}
