//! Reads request bodies up to a limit, and says how long those are that it does not keep.

use actix_web::error::PayloadError;
use actix_web::web::{Bytes, BytesMut, Payload};
use futures_util::StreamExt as _;

/// Of a body that is too large, so much is taken off the wire: a device that may not finish sending sees a broken
/// connection instead of the answer, and sends it all again.
const DRAIN: u64 = 64 * 1024 * 1024;

#[derive(Debug)]
pub enum Body {
    Whole(Bytes),
    /// Nothing of it was kept; it had at least this many bytes.
    TooLarge {
        bytes: u64,
    },
}

/// Reads at most `limit` bytes into memory.
///
/// # Errors
/// If the connection breaks.
pub async fn read(mut payload: Payload, limit: usize) -> Result<Body, PayloadError> {
    let mut kept = BytesMut::new();
    let mut bytes = 0u64;
    while let Some(chunk) = payload.next().await {
        let chunk = chunk?;
        bytes += chunk.len() as u64;
        if bytes <= limit as u64 {
            kept.extend_from_slice(&chunk);
        } else {
            kept = BytesMut::new();
            if bytes > DRAIN {
                break;
            }
        }
    }
    Ok(if bytes <= limit as u64 { Body::Whole(kept.freeze()) } else { Body::TooLarge { bytes } })
}
