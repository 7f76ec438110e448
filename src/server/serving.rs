//! Serves HTTP on a listener, with or without TLS. [`connections`] tracks each socket from the moment it is
//! accepted, including its handshake.
//!
//! This module replaces actix-web's `HttpServer`, which offers no hook below TLS. Its timers do not suffice: it limits
//! the head of the first request only, and neither a body nor anything after a response.

use super::bound::bound;
use super::heads::Heads;
use super::observe::observe;
use super::socket::Socket;
use super::surfaces;
use crate::app::App;
use crate::mdm;
use actix_http::error::DispatchError;
use actix_http::{Extensions, HttpService, KeepAlive, Protocol, ServiceConfig};
use actix_server::{GracefulShutdownSignal, ServerBuilder};
use actix_service::{IntoServiceFactory, ServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_tls::accept::TlsError;
use actix_tls::accept::openssl::{Acceptor, TlsStream};
use actix_web::dev::AppConfig;
use actix_web::middleware::from_fn;
use actix_web::rt::net::TcpStream;
use actix_web::web;
use connections::{Connections, Limits};
use openssl::ssl::{AlpnError, SslAcceptor, SslAcceptorBuilder};
use socket2::SockRef;
use std::future::ready;
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};

/// Length of the accept queue. It is large, because a class of students that scans one QR code at once is not an
/// attack.
const BACKLOG: i32 = 1_024;
/// Time that a client gets to finish a clean disconnect.
const FAREWELL: Duration = Duration::from_secs(1);

type Routes = fn(&mut web::ServiceConfig);
/// Input of an HTTP service: a connection, its protocol, and the peer's address.
type Accepted<T> = (T, Protocol, Option<SocketAddr>);
type TlsFault = TlsError<openssl::ssl::Error, DispatchError>;

/// The routes and limits of one listener.
#[derive(Clone)]
pub(crate) struct Site {
    /// Name in the metrics.
    pub name: &'static str,
    pub app: App,
    /// The connections that share a limit.
    pub connections: Connections,
    pub limits: Limits,
    pub routes: Routes,
}

impl Site {
    /// Adds the listener to a server.
    ///
    /// # Errors
    /// Returns an error if the listener or its certificate cannot be used.
    pub(crate) fn serve(
        self,
        server: ServerBuilder,
        listener: TcpListener,
        tls: Option<SslAcceptorBuilder>,
    ) -> std::io::Result<ServerBuilder> {
        SockRef::from(&listener).listen(BACKLOG)?;
        let (name, stopping) = (self.name, server.graceful_shutdown_signal());
        match tls {
            Some(tls) => {
                let acceptor = of_http_1(tls)?;
                server.listen(name, listener, move || over_tls(&self, acceptor.clone(), stopping.clone()))
            }
            None => server.listen(name, listener, move || in_the_clear(&self, stopping.clone())),
        }
    }

    fn accept(&self, tcp: TcpStream) -> Socket {
        let peer = tcp.peer_addr().ok().map(|peer| peer.ip().to_canonical());
        let exempt = peer.is_some_and(|peer| self.app.config.server.trusted_proxies.contains(&peer));
        let held = self.connections.accepted(self.name, peer, exempt, Instant::now());
        Socket::new(tcp, held, &self.limits)
    }
}

// Offers HTTP/1.1 as the only protocol (ALPN, RFC 7301). HTTP/2 is left out on purpose
// (docs/decisions/06-no-http2-on-the-server.md).
fn of_http_1(mut tls: SslAcceptorBuilder) -> std::io::Result<SslAcceptor> {
    const HTTP_1: &[u8] = b"\x08http/1.1";
    tls.set_alpn_select_callback(|_, offered| {
        let offers_it = offered.windows(HTTP_1.len()).any(|protocol| protocol == HTTP_1);
        if offers_it { Ok(&HTTP_1[1..]) } else { Err(AlpnError::NOACK) }
    });
    tls.set_alpn_protos(HTTP_1)?;
    Ok(tls.build())
}

fn over_tls(
    site: &Site,
    acceptor: SslAcceptor,
    stopping: GracefulShutdownSignal,
) -> impl ServiceFactory<TcpStream, Config = ()> + use<> {
    let mut acceptor = Acceptor::new(acceptor);
    acceptor.set_handshake_timeout(site.limits.handshake);
    let accepting = site.clone();
    let noted = |heads: &Heads<TlsStream<Socket>>, extensions: &mut Extensions| {
        let tls = heads.inner();
        mdm::claim::note_certificate(tls.ssl(), extensions);
        extensions.insert(tls.get_ref().connection().clone());
    };
    let config = ServiceConfig::default();
    let accept = move |tcp: TcpStream| ready(Ok::<_, TlsFault>(accepting.accept(tcp)));
    fn_service(accept)
        .and_then(ServiceFactoryExt::<Socket>::map_err(acceptor, TlsError::into_service_error::<DispatchError>))
        .map(move |tls: TlsStream<Socket>| {
            let (peer, connection) = (tls.get_ref().peer(), tls.get_ref().connection().clone());
            connection.established_over_tls(Instant::now());
            (Heads::of(tls, connection, config.clone()), Protocol::Http1, peer)
        })
        .and_then(http(site, stopping, noted).map_err(TlsError::Service))
}

fn in_the_clear(site: &Site, stopping: GracefulShutdownSignal) -> impl ServiceFactory<TcpStream, Config = ()> + use<> {
    let accepting = site.clone();
    let noted = |heads: &Heads<Socket>, extensions: &mut Extensions| {
        extensions.insert(heads.inner().connection().clone());
    };
    let config = ServiceConfig::default();
    let accept = move |tcp: TcpStream| {
        let socket = accepting.accept(tcp);
        let (peer, connection) = (socket.peer(), socket.connection().clone());
        connection.established(Instant::now());
        ready(Ok::<_, DispatchError>((Heads::of(socket, connection, config.clone()), Protocol::Http1, peer)))
    };
    fn_service(accept).and_then(http(site, stopping, noted))
}

fn http<T: AsyncRead + AsyncWrite + Unpin + 'static, N: Fn(&T, &mut Extensions) + 'static>(
    site: &Site,
    stopping: GracefulShutdownSignal,
    noted: N,
) -> impl ServiceFactory<Accepted<T>, Config = (), Response = (), Error = DispatchError, InitError = ()> + use<T, N> {
    let shared = web::Data::new(site.app.clone());
    let limits = web::Data::new(site.limits.clone());
    let app = site.app.clone();
    let pages = actix_web::App::new().app_data(shared).app_data(limits);
    let pages = pages.configure(|config| surfaces::hand_out(&app, config)).configure(site.routes);
    let pages = pages.wrap(from_fn(bound)).wrap(from_fn(observe)).into_factory();
    let pages = pages.map_err(|error: actix_web::Error| error.error_response());
    HttpService::build()
        .graceful_shutdown_signal(move || {
            let stopping = stopping.clone();
            async move { stopping.notified().await }
        })
        .keep_alive(KeepAlive::Timeout(site.limits.idle))
        // Off: the connection sweep limits the heads of all requests.
        .client_request_timeout(Duration::ZERO)
        .client_disconnect_timeout(FAREWELL)
        .on_connect_ext(noted)
        .finish(map_config(pages, |()| AppConfig::default()))
}
