//! What the HTTP server was given of a connection, followed with its own decoder: it does not tell how much of the head of a request it keeps,
//! and waits for the rest without a limit where the beginning came with the request before. It lies above TLS, since one record may hold both.
//! The lines between the pieces of a body in chunks, and what follows the last piece (RFC 9112 §7.1), are told from the body as well.

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

/// The end of a line, which follows each piece of a body in chunks.
const END_OF_LINE: usize = 2;

/// Most bytes of the lines between two pieces of a body in chunks, and of the trailer. Nothing that they say is used (extensions, fields), and
/// clients send none.
const LONGEST_LINES: usize = 8 * 1024;

/// A stream of requests that tells whether it stands in a head, or in a line of a body in chunks.
pub struct Heads<T> {
    inner: T,
    connection: Arc<Connection>,
    codec: Codec,
    /// What was read and is no whole head yet.
    unread: BytesMut,
    is_in_body: bool,
    /// Bytes of the body since its last piece that are no piece of it.
    between: usize,
    /// So many of them end the piece: whoever pauses behind them is not in a line.
    ends_piece: usize,
    /// The HTTP server refuses it, and will not go on.
    is_broken: bool,
}

impl<T> Heads<T> {
    pub fn of(inner: T, connection: Arc<Connection>, config: ServiceConfig) -> Heads<T> {
        let (codec, unread) = (Codec::new(config), BytesMut::new());
        Heads { inner, connection, codec, unread, is_in_body: false, between: 0, ends_piece: 0, is_broken: false }
    }

    pub fn inner(&self) -> &T {
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
                    // Of a body the decoder takes the lines as they come.
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

    // So many bytes more came of the lines between two pieces of a body, or behind the last one.
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
