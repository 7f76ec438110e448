//! Reads request bodies up to a limit, and reports the length of larger bodies without keeping them.

use super::answer::Answer;
use crate::mdm::Mdm;
use actix_web::error::PayloadError;
use actix_web::web::{Bytes, BytesMut, Payload};
use events::system::DeviceRequestRefusal;
use futures_util::StreamExt as _;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

/// Number of bytes of an oversized body that are read from the connection. A device that cannot finish sending sees a
/// broken connection instead of the answer, and sends the whole body again.
const DRAIN: u64 = 64 * 1024 * 1024;

/// Time limit for one large body in memory, so that a slow sender does not block the next one.
const TURN: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) enum Body {
    Whole(Bytes),
    TooLarge(TooLarge),
}

/// A body beyond the limit.
#[derive(Debug)]
pub(crate) struct TooLarge {
    /// Lower bound of the body's length.
    pub bytes: u64,
    /// The whole body, if the caller asked for it and a place in memory was free.
    pub kept: Option<Kept>,
}

impl TooLarge {
    /// Returns whether the body exceeds the hard limit, so that a retry cannot succeed.
    pub(crate) fn is_for_ever(&self) -> bool {
        self.bytes > DRAIN
    }
}

/// A large body in memory. It holds one of the permits for large bodies until it is dropped.
#[derive(Debug)]
pub(crate) struct Kept {
    pub bytes: Bytes,
    _turn: OwnedSemaphorePermit,
}

/// Reads at most `limit` bytes into memory.
///
/// # Errors
/// Returns an error if the connection breaks.
pub(crate) async fn read(payload: Payload, limit: usize) -> Result<Body, PayloadError> {
    take(payload, limit, None).await
}

/// Reads a body of at most `limit` bytes. A larger body is refused, and the refusal is recorded.
///
/// # Errors
/// Returns the response to send if the body is larger or the connection breaks.
pub(crate) async fn whole(app: &Mdm, payload: Payload, limit: usize, source: Option<IpAddr>) -> Result<Bytes, Answer> {
    match read(payload, limit).await {
        Ok(Body::Whole(body)) => Ok(body),
        Ok(Body::TooLarge(_)) => {
            let why = DeviceRequestRefusal::NotUnderstood;
            Err(super::refuse_stranger(app, why, source, Answer::BadRequest).await)
        }
        // The connection is broken, so there is no client to refuse.
        Err(_) => Err(Answer::BadRequest),
    }
}

/// Like [`read`], but also keeps a larger body in memory if `turns` has a free permit. The permits limit how many large
/// bodies are in memory at once, over all senders.
///
/// # Errors
/// Returns an error if the connection breaks.
pub(crate) async fn read_large(payload: Payload, limit: usize, turns: &Arc<Semaphore>) -> Result<Body, PayloadError> {
    take(payload, limit, Some(turns)).await
}

async fn take(mut payload: Payload, limit: usize, turns: Option<&Arc<Semaphore>>) -> Result<Body, PayloadError> {
    let (mut kept, mut bytes) = (Some(BytesMut::new()), 0u64);
    let mut turn: Option<(OwnedSemaphorePermit, Instant)> = None;
    loop {
        let next = match &turn {
            Some((_, ends)) => timeout_at(*ends, payload.next()).await,
            None => Ok(payload.next().await),
        };
        let Ok(next) = next else {
            (kept, turn) = (None, None);
            continue;
        };
        let Some(chunk) = next else { break };
        let chunk = chunk?;
        bytes += chunk.len() as u64;
        if bytes > DRAIN {
            kept = None;
            break;
        }
        if bytes > limit as u64 && turn.is_none() && kept.is_some() {
            let permit = turns.and_then(|turns| turns.clone().try_acquire_owned().ok());
            turn = permit.map(|permit| (permit, Instant::now() + TURN));
            kept = kept.filter(|_| turn.is_some());
        }
        if let Some(kept) = &mut kept {
            kept.extend_from_slice(&chunk);
        }
    }
    let whole = kept.map(BytesMut::freeze);
    Ok(match (whole, turn) {
        (Some(whole), None) => Body::Whole(whole),
        (Some(all), Some((turn, _))) => {
            Body::TooLarge(TooLarge { bytes, kept: Some(Kept { bytes: all, _turn: turn }) })
        }
        (None, _) => Body::TooLarge(TooLarge { bytes, kept: None }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::FromRequest as _;
    use actix_web::test::TestRequest;

    const LIMIT: usize = 1_000;

    async fn payload(bytes: usize) -> Payload {
        let (request, mut payload) = TestRequest::default().set_payload(vec![b'x'; bytes]).to_http_parts();
        Payload::from_request(&request, &mut payload).await.expect("the request has a payload")
    }

    async fn large(bytes: usize, turns: &Arc<Semaphore>) -> Option<TooLarge> {
        match read_large(payload(bytes).await, LIMIT, turns).await.expect("the body is readable") {
            Body::Whole(_) => None,
            Body::TooLarge(large) => Some(large),
        }
    }

    #[actix_web::test]
    async fn a_large_body_is_kept_by_whoever_has_their_turn_and_one_at_a_time() {
        let turns = Arc::new(Semaphore::new(1));
        assert!(large(LIMIT, &turns).await.is_none(), "a body of exactly the limit is not large");
        assert_eq!(turns.available_permits(), 1);
        let first = large(LIMIT + 1, &turns).await.unwrap();
        assert_eq!(first.kept.as_ref().map(|kept| kept.bytes.len()), Some(LIMIT + 1));
        let second = large(LIMIT + 2, &turns).await.unwrap();
        assert!(second.kept.is_none() && second.bytes == LIMIT as u64 + 2 && !second.is_for_ever());
        drop(first);
        assert!(large(LIMIT + 2, &turns).await.unwrap().kept.is_some());
    }

    #[actix_web::test]
    async fn who_needs_no_proof_keeps_nothing() {
        let Ok(Body::TooLarge(large)) = read(payload(LIMIT + 1).await, LIMIT).await else { panic!() };
        assert!(large.kept.is_none());
    }

    #[actix_web::test]
    async fn what_nobody_can_keep_is_said_to_be_so_for_ever() {
        let turns = Arc::new(Semaphore::new(1));
        let large = large(usize::try_from(DRAIN).unwrap() + 1, &turns).await.unwrap();
        assert!(large.is_for_ever() && large.kept.is_none());
        assert_eq!(turns.available_permits(), 1);
    }
}
