//! A TCP connection on which nobody can insert answers before TLS begins.

use lettre::transport::smtp::client::AsyncTokioStream;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// First byte of a TLS handshake (RFC 8446 section 5.1). No SMTP command begins with it.
const HANDSHAKE: u8 = 22;
/// Maximum number of bytes that a server sends without TLS. Without a maximum it could fill the memory with one line.
const MOST: usize = 64 * 1024;

/// Passes single bytes to lettre until the TLS handshake begins. lettre keeps bytes that it has read after the answer
/// to STARTTLS and takes them for the first answers inside TLS, so that someone on the network could forge these. Read
/// one by one, such bytes reach the TLS library instead, and the handshake fails.
#[derive(Debug)]
pub(crate) struct Guarded {
    stream: TcpStream,
    in_clear: bool,
    heard: usize,
}

impl Guarded {
    pub(crate) fn new(stream: TcpStream) -> Guarded {
        Guarded { stream, in_clear: true, heard: 0 }
    }
}

impl AsyncRead for Guarded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.in_clear || buffer.remaining() == 0 {
            return Pin::new(&mut self.stream).poll_read(context, buffer);
        }
        if self.heard >= MOST {
            return Poll::Ready(Err(io::Error::other("the server sends too much text without TLS")));
        }
        let mut byte = [0];
        let mut one = ReadBuf::new(&mut byte);
        let polled = Pin::new(&mut self.stream).poll_read(context, &mut one);
        buffer.put_slice(one.filled());
        self.heard += one.filled().len();
        polled
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if bytes.first() == Some(&HANDSHAKE) {
            self.in_clear = false;
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl AsyncTokioStream for Guarded {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }
}
