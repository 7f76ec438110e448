//! Tracks the phase of a connection, and whether it is overdue.

use super::Limits;
use super::records::Records;
use std::time::{Duration, Instant};

/// The limit that a connection exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overdue {
    /// The time for a request head, for a line of a chunked body, or for data after a response that is no request.
    Head,
    /// The length of a line of a chunked body.
    Line,
    /// The time without a byte of a body.
    Silence,
    /// The minimum rate of a body.
    Pace,
    /// The time between two requests.
    Idle,
}

impl Overdue {
    /// Returns the label in the metrics.
    pub fn name(self) -> &'static str {
        match self {
            Overdue::Head => "head",
            Overdue::Line => "line",
            Overdue::Silence => "silence",
            Overdue::Pace => "pace",
            Overdue::Idle => "idle",
        }
    }
}

#[derive(Debug)]
pub(crate) struct Progress {
    /// The connection is ready for requests. The TLS handshake has its own time limit.
    established: bool,
    /// Bytes received before that.
    of_handshake: u64,
    /// TLS records received since the handshake.
    records: Option<Records>,
    has_had_requests: bool,
    /// A request is in progress: only its body is awaited.
    under_way: bool,
    /// Start of the idle time; sent bytes still postpone it.
    rests_since: Instant,
    /// Time of the first byte of the next request.
    head_since: Option<Instant>,
    /// The HTTP server holds a part of a request head, whether or not a request is in progress.
    is_in_head: bool,
    /// Time since which a line of a chunked body is incomplete.
    line_since: Option<Instant>,
    /// Such a line is longer than the limit.
    has_endless_line: bool,
    /// The last request was answered before its body was completely read. If the body's length is not known in advance
    /// (chunks), the HTTP server waits for the rest without a limit.
    is_unread: bool,
    last_received: Instant,
    body: Option<Body>,
}

/// The body that the current request reads.
#[derive(Debug, Default)]
struct Body {
    bytes: u64,
    /// Total time spent waiting for the body. Time in which the server does not read does not count against the
    /// sender.
    waited: Duration,
    waits_since: Option<Instant>,
}

impl Progress {
    pub(crate) fn begun(now: Instant) -> Progress {
        Progress {
            established: false,
            of_handshake: 0,
            records: None,
            has_had_requests: false,
            under_way: false,
            rests_since: now,
            head_since: None,
            is_in_head: false,
            line_since: None,
            has_endless_line: false,
            is_unread: false,
            last_received: now,
            body: None,
        }
    }

    pub(crate) fn established(&mut self, now: Instant) {
        self.established = true;
        self.rests_since = now;
    }

    /// Same as [`Progress::established`], over TLS. The handshake ends with a complete record, because OpenSSL reads
    /// no further than necessary.
    pub(crate) fn established_over_tls(&mut self, now: Instant) {
        self.established(now);
        self.records = Some(Records::default());
    }

    pub(crate) fn received(&mut self, now: Instant, bytes: &[u8]) {
        self.last_received = now;
        if let Some(records) = &mut self.records {
            records.take(bytes);
        }
        if !self.established {
            self.of_handshake += bytes.len() as u64;
        } else if !self.under_way {
            self.head_since.get_or_insert(now);
        }
    }

    pub(crate) fn of_handshake(&self) -> u64 {
        self.of_handshake
    }

    pub(crate) fn is_in_head(&mut self, now: Instant, is_in_head: bool) {
        self.is_in_head = is_in_head;
        if is_in_head && !self.under_way {
            self.head_since.get_or_insert(now);
        }
    }

    pub(crate) fn is_in_line(&mut self, now: Instant, is_in_line: bool) {
        self.line_since = is_in_line.then(|| self.line_since.unwrap_or(now));
    }

    pub(crate) fn has_endless_line(&mut self) {
        self.has_endless_line = true;
    }

    /// Returns the number of received bytes that cannot be decrypted yet: a part of a TLS record.
    fn sealed(&self) -> u64 {
        self.records.as_ref().map_or(0, Records::unfinished)
    }

    pub(crate) fn sent(&mut self, now: Instant) {
        if !self.under_way {
            self.rests_since = self.rests_since.max(now);
        }
    }

    pub(crate) fn begins(&mut self) {
        (self.under_way, self.has_had_requests, self.head_since, self.is_unread) = (true, true, None, false);
    }

    pub(crate) fn finishes(&mut self, now: Instant) {
        // The time limit for a part of the next head that came during this request starts now, as does that for the
        // end of an unread body.
        let has_begun = self.is_in_head || self.line_since.is_some() || self.sealed() > 0;
        (self.under_way, self.head_since, self.body) = (false, has_begun.then_some(now), None);
        self.rests_since = now;
    }

    pub(crate) fn awaits_body(&mut self, now: Instant) {
        self.body.get_or_insert_default().waits_since.get_or_insert(now);
    }

    pub(crate) fn has_body(&mut self, now: Instant, bytes: usize) {
        let body = self.body.get_or_insert_default();
        body.bytes += bytes as u64;
        body.waited += body.waits_since.take().map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
    }

    pub(crate) fn has_whole_body(&mut self) {
        self.body = None;
    }

    pub(crate) fn leaves_body(&mut self) {
        (self.body, self.is_unread) = (None, true);
    }

    /// Returns whether no request is in progress.
    pub(crate) fn is_idle(&self) -> bool {
        !self.under_way
    }

    pub(crate) fn overdue(&self, now: Instant, limits: &Limits) -> Option<Overdue> {
        if !self.established {
            return None;
        }
        if self.has_endless_line {
            return Some(Overdue::Line);
        }
        if self.under_way {
            let body = self.body.as_ref()?;
            return body.overdue(self.last_received, self.line_since, self.sealed(), now, limits);
        }
        let since = |begun: Instant| now.saturating_duration_since(begun);
        let rests = since(self.rests_since);
        let head = self.head_since.map(since).or((!self.has_had_requests).then_some(rests));
        if head.is_some_and(|head| head > limits.head) {
            return Some(Overdue::Head);
        }
        if self.is_unread && rests > limits.silence {
            return Some(Overdue::Silence);
        }
        // The HTTP server closes idle connections itself, with a proper shutdown. This limit is for the ones that it
        // misses.
        (rests > limits.idle + limits.head).then_some(Overdue::Idle)
    }
}

impl Body {
    // `sealed` counts too, because nothing of a TLS record can be read before it is complete, and that takes time over
    // slow radio.
    fn overdue(
        &self,
        last_received: Instant,
        line_since: Option<Instant>,
        sealed: u64,
        now: Instant,
        limits: &Limits,
    ) -> Option<Overdue> {
        let since = self.waits_since?;
        if line_since.is_some_and(|begun| now.saturating_duration_since(begun.max(since)) > limits.head) {
            return Some(Overdue::Head);
        }
        if now.saturating_duration_since(last_received.max(since)) > limits.silence {
            return Some(Overdue::Silence);
        }
        let waited = self.waited + now.saturating_duration_since(since);
        let due = waited.as_secs_f64() * limits.bytes_per_second as f64;
        let come = (self.bytes + sealed) as f64;
        (waited > limits.grace && come < due).then_some(Overdue::Pace)
    }
}
