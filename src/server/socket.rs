//! A socket that reports to its tracked connection ([`connections`]) what it receives and sends. Reads and
//! writes fail as soon as the connection is ended. The socket is below TLS, so a handshake can be ended too.

use actix_web::rt::net::{ActixStream, Ready, TcpStream};
use connections::{Connection, Held, Limits};
use socket2::{SockRef, TcpKeepalive};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// TCP keep-alive: idle time before the first probe, and the interval between probes.
const KEEP_ALIVE: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(15));

pub(crate) struct Socket {
    tcp: TcpStream,
    held: Held,
    peer: Option<SocketAddr>,
    handshake_bytes: u64,
}

impl Socket {
    pub(crate) fn new(tcp: TcpStream, held: Held, limits: &Limits) -> Socket {
        if let Err(error) = set_options(&tcp, limits.unacknowledged) {
            // This also happens if the peer has already gone. Then nothing is lost.
            tracing::debug!(%error, "cannot set the options of a socket");
        }
        let peer = tcp.peer_addr().ok();
        Socket { tcp, held, peer, handshake_bytes: limits.handshake_bytes }
    }

    pub(crate) fn connection(&self) -> &Arc<Connection> {
        self.held.connection()
    }

    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    // Fails if the connection was ended. Otherwise registers the caller's waker, so that a pending read or write is
    // woken when the connection ends.
    fn is_open(&self, context: &Context<'_>) -> io::Result<()> {
        let connection = self.connection();
        // The waker is registered first: an end between the two steps would otherwise wake no one.
        connection.wakes(context.waker());
        if connection.has_ended() { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(()) }
    }
}

fn set_options(tcp: &TcpStream, unacknowledged: Duration) -> io::Result<()> {
    let socket = SockRef::from(tcp);
    // Without this, a response waits until the client has acknowledged what TLS sent before: forty milliseconds or
    // more.
    socket.set_tcp_nodelay(true)?;
    let (first, then) = KEEP_ALIVE;
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(first).with_interval(then))?;
    socket.set_tcp_user_timeout(Some(unacknowledged))
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.is_open(context)?;
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.tcp).poll_read(context, buffer);
        let bytes = &buffer.filled()[before..];
        if !bytes.is_empty() {
            self.connection().received(Instant::now(), bytes);
            if self.held.is_handshake_too_long(self.handshake_bytes) {
                return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
            }
        }
        read
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.is_open(context)?;
        let written = Pin::new(&mut self.tcp).poll_write(context, bytes);
        if matches!(written, Poll::Ready(Ok(count)) if count > 0) {
            self.connection().sent(Instant::now());
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(context)
    }
}

impl ActixStream for Socket {
    fn poll_read_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_read_ready(&self.tcp, context)
    }

    fn poll_write_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_write_ready(&self.tcp, context)
    }
}
