//! Follows the bytes that the HTTP server reads from a connection, with the server's own decoder. The server does not
//! report how much of a request head it keeps. It also waits without a limit for the rest of a head whose beginning
//! came with the previous request. This layer is above TLS, since one TLS record may hold both. It also tells body data
//! from the lines between chunks and from the trailer after the last chunk (RFC 9112 section 7.1).

use actix_http::ServiceConfig;
use actix_http::h1::{Codec, Message, MessageType};
use actix_web::web::BytesMut;
use connections::Connection;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::codec::Decoder as _;

/// Length of the line end that follows each chunk, in bytes.
const END_OF_LINE: usize = 2;

/// Limit for the lines between two chunks, and for the trailer, in bytes. Their content (extensions, fields) is not
/// used, and clients send none.
const LONGEST_LINES: usize = 8 * 1024;

/// A stream of requests that reports whether it is inside a head, or inside a line of a chunked body.
pub(crate) struct Heads<T> {
    inner: T,
    connection: Arc<Connection>,
    codec: Codec,
    /// Bytes that were read and are not a complete head yet.
    unread: BytesMut,
    is_in_body: bool,
    /// Bytes since the last chunk that are not chunk data.
    between: usize,
    /// How many of these bytes are the line end of the chunk. A sender that pauses after it is not inside a line.
    ends_piece: usize,
    /// The HTTP server refuses the input and stops reading.
    is_broken: bool,
}

impl<T> Heads<T> {
    pub(crate) fn of(inner: T, connection: Arc<Connection>, config: ServiceConfig) -> Heads<T> {
        let (codec, unread) = (Codec::new(config), BytesMut::new());
        Heads { inner, connection, codec, unread, is_in_body: false, between: 0, ends_piece: 0, is_broken: false }
    }

    pub(crate) fn inner(&self) -> &T {
        &self.inner
    }

    fn follow(&mut self, bytes: &[u8]) {
        if self.is_broken {
            return;
        }
        self.unread.extend_from_slice(bytes);
        loop {
            let before = self.unread.len();
            match self.codec.decode(&mut self.unread) {
                Ok(Some(Message::Item(_))) => {
                    self.is_in_body = self.codec.message_type() != MessageType::None;
                    (self.between, self.ends_piece) = (0, 0);
                }
                Ok(Some(Message::Chunk(Some(piece)))) => {
                    self.has_line(before - self.unread.len() - piece.len());
                    (self.between, self.ends_piece) = (0, END_OF_LINE);
                }
                Ok(Some(Message::Chunk(None))) => {
                    self.has_line(before - self.unread.len());
                    self.is_in_body = false;
                }
                Ok(None) => {
                    // Inside a body the decoder consumes lines byte by byte.
                    self.between += before - self.unread.len();
                    self.has_line(0);
                    break;
                }
                Err(_) => {
                    (self.is_broken, self.unread) = (true, BytesMut::new());
                    break;
                }
            }
        }
        let is_in_head = self.is_broken || (!self.is_in_body && !self.unread.is_empty());
        let is_in_line = !self.is_broken && self.is_in_body && self.between > self.ends_piece;
        let now = Instant::now();
        self.connection.is_in_line(now, is_in_line);
        self.connection.is_in_head(now, is_in_head);
    }

    // Notes further bytes of the lines between two chunks, or after the last one.
    fn has_line(&self, bytes: usize) {
        if self.is_in_body && self.between + bytes > LONGEST_LINES {
            self.connection.has_endless_line();
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Heads<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(context, buffer);
        let bytes = &buffer.filled()[before..];
        if !bytes.is_empty() {
            self.follow(bytes);
        }
        read
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Heads<T> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
