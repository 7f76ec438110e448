//! Reads request bodies up to a limit, and says how long those are that it does not keep.

use actix_web::error::PayloadError;
use actix_web::web::{Bytes, BytesMut, Payload};
use futures_util::StreamExt as _;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Of a body that is too large, so much is taken off the wire: a device that may not finish sending sees a broken
/// connection instead of the answer, and sends it all again.
const DRAIN: u64 = 64 * 1024 * 1024;

/// One body at a time may be kept beyond the limit: whoever sends many costs no more memory than that.
static TURN: Semaphore = Semaphore::const_new(1);

#[derive(Debug)]
pub enum Body {
    Whole(Bytes),
    /// It had at least this many bytes.
    Large {
        bytes: u64,
        /// All of it, if it was asked for, was not larger than what is taken off the wire, and no other was kept.
        whole: Option<Kept>,
    },
}

/// A body beyond the limit, while it is looked at.
#[derive(Debug)]
pub struct Kept {
    pub bytes: Bytes,
    _turn: SemaphorePermit<'static>,
}

/// Reads at most `limit` bytes into memory.
///
/// # Errors
/// If the connection breaks.
pub async fn read(payload: Payload, limit: usize) -> Result<Body, PayloadError> {
    take(payload, limit, || None).await
}

/// As [`read`]; what is larger is kept, too, where it can be.
///
/// # Errors
/// If the connection breaks.
pub async fn read_large(payload: Payload, limit: usize) -> Result<Body, PayloadError> {
    take(payload, limit, || TURN.try_acquire().ok()).await
}

async fn take(
    mut payload: Payload,
    limit: usize,
    acquire: impl Fn() -> Option<SemaphorePermit<'static>>,
) -> Result<Body, PayloadError> {
    let (mut kept, mut turn) = (Some(BytesMut::new()), None);
    let mut bytes = 0u64;
    while let Some(chunk) = payload.next().await {
        let chunk = chunk?;
        bytes += chunk.len() as u64;
        if bytes > limit as u64 && turn.is_none() {
            turn = kept.as_ref().and_then(|_| acquire());
        }
        if bytes > DRAIN {
            break;
        }
        kept = kept.filter(|_| bytes <= limit as u64 || turn.is_some());
        if let Some(kept) = &mut kept {
            kept.extend_from_slice(&chunk);
        }
    }
    let whole = kept.filter(|_| bytes <= DRAIN).map(BytesMut::freeze);
    Ok(match (whole, turn) {
        (Some(whole), None) => Body::Whole(whole),
        (Some(bytes_kept), Some(turn)) => Body::Large { bytes, whole: Some(Kept { bytes: bytes_kept, _turn: turn }) },
        (None, _) => Body::Large { bytes, whole: None },
    })
}
