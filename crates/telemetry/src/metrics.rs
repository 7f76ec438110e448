//! Prometheus metrics. Labels have few values and never name a person, a device or an address.

use super::Alarm;
use prometheus::process_collector::ProcessCollector;
use prometheus::{
    Encoder, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
};
use std::time::Duration;

/// The server's metrics. Clones share their counts.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    durations: HistogramVec,
    events: IntCounterVec,
    sign_ins: IntCounterVec,
    check_ins: IntCounterVec,
    pushes: IntCounterVec,
    mails: IntCounterVec,
    alarms: IntCounterVec,
    connections: IntGaugeVec,
    connections_ended: IntCounterVec,
    log_position: IntGauge,
    commands_waiting: IntGauge,
    removed_not_enrolled: IntGauge,
    scrub_position: IntGauge,
    disk_free: IntGauge,
    scrub_completed: IntGauge,
    push_certificate: IntGauge,
    refusals_not_written: IntCounter,
    identities: IntGaugeVec,
    set_aside: IntGaugeVec,
    lag: IntGaugeVec,
    progress_age: IntGaugeVec,
    stopped: IntGaugeVec,
}

/// Outcomes of a push: the values of the label `outcome` of `muster_pushes_total`.
pub(crate) const PUSH_OUTCOMES: [&str; 6] =
    ["accepted", "unregistered", "rejected", "busy", "unreachable", "certificate_refused"];

/// Outcomes of a mail: the values of the label `outcome` of `muster_mails_total`.
pub const MAIL_OUTCOMES: [&str; 11] = [
    "accepted",
    "refused",
    "refused_for_now",
    "credentials_refused",
    "tls_not_offered",
    "tls_failed",
    "unreachable",
    "interrupted",
    "deadline",
    "not_understood",
    "recipient_invalid",
];

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics::new()
    }
}

impl Metrics {
    /// Creates the metrics with all counts at 0. Alarms and outcomes of pushes and mails are exported as 0 from the
    /// first scrape, because `increase()` misses the first count of a series that appears with it.
    ///
    /// # Panics
    /// Never panics: the names below are valid and distinct.
    pub fn new() -> Metrics {
        let registry = Registry::new();
        let counter = |name: &str, help: &str, labels: &[&str]| {
            let counter = IntCounterVec::new(Opts::new(name, help), labels).expect("a valid metric");
            registry.register(Box::new(counter.clone())).expect("a unique name");
            counter
        };
        let buckets = vec![0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
        let durations =
            HistogramOpts::new("muster_request_seconds", "Duration of requests in seconds.").buckets(buckets);
        let durations = HistogramVec::new(durations, &["surface", "route"]).expect("a valid metric");
        let gauge = |name: &str, help: &str| {
            let gauge = IntGauge::new(name, help).expect("a valid metric");
            registry.register(Box::new(gauge.clone())).expect("a unique name");
            gauge
        };
        let log_position =
            IntGauge::new("muster_log_position", "Position of the newest event.").expect("a valid metric");
        let lag = Opts::new("muster_projection_lag", "Positions by which a reader of the log lags behind.");
        let lag = IntGaugeVec::new(lag, &["projection"]).expect("a valid metric");
        let progress_age = Opts::new(
            "muster_projection_progress_age_seconds",
            "Seconds since a projection that lags behind last folded an event; 0 if it does not lag.",
        );
        let progress_age = IntGaugeVec::new(progress_age, &["projection"]).expect("a valid metric");
        let stopped = Opts::new("muster_projection_stopped", "1 if a projection stopped at an event, otherwise 0.");
        let stopped = IntGaugeVec::new(stopped, &["projection"]).expect("a valid metric");
        let push_certificate = IntGauge::new(
            "muster_push_certificate_not_after_seconds",
            "Expiry of the push certificate, in seconds since 1970; 0 if there is none.",
        )
        .expect("a valid metric");
        let identities = Opts::new(
            "muster_identities",
            "Identity certificates of enrolled devices: due for renewal, failing to renew, expired.",
        );
        let connections_ended = counter(
            "muster_connections_ended_total",
            "Connections that the server ended because of a limit, or to make room.",
            &["why"],
        );
        for why in ["handshake", "head", "line", "silence", "pace", "idle", "room"] {
            connections_ended.with_label_values(&[why]);
        }
        let refusals_not_written = IntCounter::new(
            "muster_refusals_not_written_total",
            "Refusals that were answered but not recorded, because a stream or key is damaged.",
        )
        .expect("a valid metric");
        registry.register(Box::new(refusals_not_written.clone())).expect("a unique name");
        let set_aside = Opts::new(
            "muster_effects_set_aside",
            "Effects of events that failed and are set aside, by reaction; each will be retried.",
        );
        let set_aside = IntGaugeVec::new(set_aside, &["reaction"]).expect("a valid metric");
        registry.register(Box::new(set_aside.clone())).expect("a unique name");
        let connections = Opts::new("muster_connections", "Open connections, by listener.");
        let connections = IntGaugeVec::new(connections, &["listener"]).expect("a valid metric");
        registry.register(Box::new(connections.clone())).expect("a unique name");
        let identities = IntGaugeVec::new(identities, &["standing"]).expect("a valid metric");
        registry.register(Box::new(identities.clone())).expect("a unique name");
        registry.register(Box::new(push_certificate.clone())).expect("a unique name");
        registry.register(Box::new(durations.clone())).expect("a unique name");
        registry.register(Box::new(log_position.clone())).expect("a unique name");
        for gauges in [&lag, &progress_age, &stopped] {
            registry.register(Box::new(gauges.clone())).expect("a unique name");
        }
        registry.register(Box::new(build_info())).expect("a unique name");
        registry.register(Box::new(ProcessCollector::for_self())).expect("unique names");
        let metrics = Metrics {
            requests: counter("muster_requests_total", "Requests answered.", &["surface", "route", "status"]),
            events: counter("muster_events_total", "Events appended since the start.", &["type"]),
            sign_ins: counter(
                "muster_sign_ins_total",
                "Sign-ins and refused sign-ins, by surface, method and outcome.",
                &["surface", "method", "outcome"],
            ),
            check_ins: counter("muster_check_ins_total", "Messages from devices.", &["message"]),
            pushes: counter("muster_pushes_total", "Pushes sent, by outcome.", &["outcome"]),
            mails: counter("muster_mails_total", "Mails, by outcome.", &["outcome"]),
            connections_ended,
            connections,
            alarms: counter("muster_alarms_total", "Faults that an operator should look at.", &["alarm"]),
            commands_waiting: gauge("muster_commands_waiting", "Commands that wait for their device's answer."),
            removed_not_enrolled: gauge(
                "muster_removed_not_enrolled",
                "Records whose old management was removed some days ago and whose owners have not enrolled.",
            ),
            scrub_position: gauge("muster_scrub_position", "Position up to which the scrub has checked the log."),
            disk_free: gauge("muster_disk_free_bytes", "Free bytes on the disk of the log."),
            scrub_completed: gauge(
                "muster_scrub_completed_seconds",
                "Time when the scrub last reached the end of the log, in seconds since 1970; 0 if never.",
            ),
            registry,
            durations,
            log_position,
            push_certificate,
            refusals_not_written,
            identities,
            set_aside,
            lag,
            progress_age,
            stopped,
        };
        for alarm in Alarm::ALL {
            metrics.alarms.with_label_values(&[alarm.label()]);
        }
        for outcome in PUSH_OUTCOMES {
            metrics.pushes.with_label_values(&[outcome]);
        }
        for outcome in MAIL_OUTCOMES {
            metrics.mails.with_label_values(&[outcome]);
        }
        metrics
    }

    /// Counts an answered request. `route` is the route pattern, never the path.
    pub fn request(&self, surface: &str, route: &str, status: u16, took: Duration) {
        self.requests.with_label_values(&[surface, route, &status.to_string()]).inc();
        self.durations.with_label_values(&[surface, route]).observe(took.as_secs_f64());
    }

    /// Counts an appended event of this type.
    pub fn event(&self, event_type: &str) {
        self.events.with_label_values(&[event_type]).inc();
    }

    /// Counts a sign-in or a refused one. `surface` is `portal`, `console`, `api` or `none`. `outcome` is `ok` or the
    /// reason of the refusal.
    pub fn sign_in(&self, surface: &str, method: &str, outcome: &str) {
        self.sign_ins.with_label_values(&[surface, method, outcome]).inc();
    }

    /// Creates the series of [`Metrics::sign_in`] with the value 0 if it does not exist yet.
    pub fn expect_sign_in(&self, surface: &str, method: &str, outcome: &str) {
        self.sign_ins.with_label_values(&[surface, method, outcome]);
    }

    /// Counts refusals that were not recorded individually.
    pub fn sign_ins_suppressed(&self, count: u64) {
        self.sign_ins.with_label_values(&["any", "any", "suppressed"]).inc_by(count);
    }

    /// Counts refusals that were answered but could not be recorded.
    pub fn refusals_not_written(&self, count: u64) {
        self.refusals_not_written.inc_by(count);
    }

    /// Counts a message from a device: `Authenticate`, `TokenUpdate`, `CheckOut`, `Idle`, …; `other` for an unknown
    /// type.
    pub fn check_in(&self, message: &str) {
        self.check_ins.with_label_values(&[message]).inc();
    }

    /// Counts the outcome of a push: one of `PUSH_OUTCOMES`.
    pub fn push(&self, outcome: &str) {
        self.pushes.with_label_values(&[outcome]).inc();
    }

    /// Counts an accepted connection.
    pub fn connection_opened(&self, listener: &str) {
        self.connections.with_label_values(&[listener]).inc();
    }

    /// Counts a closed connection.
    pub fn connection_closed(&self, listener: &str) {
        self.connections.with_label_values(&[listener]).dec();
    }

    /// Counts a connection that the server ended.
    pub fn connection_ended(&self, why: &str) {
        self.connections_ended.with_label_values(&[why]).inc();
    }

    /// Counts an [`Alarm`].
    pub fn alarm(&self, alarm: Alarm) {
        self.alarms.with_label_values(&[alarm.label()]).inc();
    }

    /// Counts the outcome of a mail: one of [`MAIL_OUTCOMES`].
    pub fn mail(&self, outcome: &str) {
        self.mails.with_label_values(&[outcome]).inc();
    }

    /// Sets the expiry of the push certificate, in seconds since 1970.
    pub fn push_certificate_ends(&self, unix: i64) {
        self.push_certificate.set(unix);
    }

    /// Sets the number of commands that wait for their device's answer.
    pub fn commands_waiting(&self, count: u64) {
        self.commands_waiting.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Sets the number of records whose old management was removed some days ago and whose owners have not enrolled.
    pub fn removed_not_enrolled(&self, count: u64) {
        self.removed_not_enrolled.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Sets the number of identity certificates that are `due` for renewal, `failing` to renew, or `expired`.
    pub fn identities(&self, standing: &str, count: u64) {
        self.identities.with_label_values(&[standing]).set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Sets the number of effects of this reaction that are set aside.
    pub fn set_aside(&self, reaction: &str, count: usize) {
        self.set_aside.with_label_values(&[reaction]).set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Sets the position of the newest event.
    pub fn log_position(&self, position: u64) {
        self.log_position.set(i64::try_from(position).unwrap_or(i64::MAX));
    }

    /// Sets the number of free bytes on the disk of the log.
    pub fn disk_free(&self, bytes: u64) {
        self.disk_free.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// Sets the position up to which the background scrub has checked the log.
    pub fn scrub_position(&self, position: u64) {
        self.scrub_position.set(i64::try_from(position).unwrap_or(i64::MAX));
    }

    /// Sets the time when the background scrub last checked the whole log, in seconds since 1970.
    pub fn scrub_completed(&self, unix: i64) {
        self.scrub_completed.set(unix);
    }

    /// Sets for how long a projection that lags behind has not folded an event, and whether it stopped at one.
    pub fn progress(&self, projection: &str, age: Duration, is_stopped: bool) {
        let seconds = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
        self.progress_age.with_label_values(&[projection]).set(seconds);
        self.stopped.with_label_values(&[projection]).set(is_stopped.into());
    }

    /// Sets the number of positions by which a reader of the log is behind.
    pub fn lag(&self, projection: &str, positions: u64) {
        self.lag.with_label_values(&[projection]).set(i64::try_from(positions).unwrap_or(i64::MAX));
    }

    /// Renders all metrics in the Prometheus text format.
    pub fn render(&self) -> String {
        let mut text = Vec::new();
        // Encoding fails only if a metric has no name or the writer fails; a Vec does not fail.
        let _ = TextEncoder::new().encode(&self.registry.gather(), &mut text);
        String::from_utf8(text).unwrap_or_default()
    }
}

/// Always 1: the labels identify the program that was started.
fn build_info() -> IntGaugeVec {
    let opts = Opts::new("muster_build_info", "Always 1; the labels contain the program's version and platform.");
    let info = IntGaugeVec::new(opts, &["version", "os", "arch"]).expect("a valid metric");
    info.with_label_values(&[env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH]).set(1);
    info
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, begin: &str) -> bool {
        text.lines().any(|line| line.starts_with(begin))
    }

    #[test]
    fn alarms_pushes_build_and_process_are_shown_before_anything_was_counted() {
        let text = Metrics::new().render();
        for alarm in Alarm::ALL {
            let line = format!("muster_alarms_total{{alarm=\"{}\"}} 0", alarm.label());
            assert!(shown(&text, &line), "{line} is not in\n{text}");
        }
        for line in [
            "muster_pushes_total{outcome=\"unreachable\"} 0",
            "muster_build_info{arch=\"",
            "process_start_time_seconds 1",
            "process_open_fds ",
            "process_resident_memory_bytes ",
        ] {
            assert!(shown(&text, line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn what_is_counted_is_shown() {
        let metrics = Metrics::new();
        metrics.request("portal", "/enroll/ownership", 303, Duration::from_millis(3));
        metrics.event("OwnershipChosen");
        metrics.sign_in("portal", "directory", "wrong_password");
        metrics.check_in("TokenUpdate");
        metrics.push("accepted");
        metrics.alarm(Alarm::LogUnreadable);
        metrics.push_certificate_ends(1_800_000_000);
        metrics.identities("due", 3);
        metrics.log_position(7);
        metrics.lag("devices", 2);
        let text = metrics.render();
        for line in [
            "muster_requests_total{route=\"/enroll/ownership\",status=\"303\",surface=\"portal\"} 1",
            "muster_request_seconds_count{route=\"/enroll/ownership\",surface=\"portal\"} 1",
            "muster_events_total{type=\"OwnershipChosen\"} 1",
            "muster_sign_ins_total{method=\"directory\",outcome=\"wrong_password\",surface=\"portal\"} 1",
            "muster_check_ins_total{message=\"TokenUpdate\"} 1",
            "muster_pushes_total{outcome=\"accepted\"} 1",
            "muster_alarms_total{alarm=\"log-unreadable\"} 1",
            "muster_push_certificate_not_after_seconds 1800000000",
            "muster_identities{standing=\"due\"} 3",
            "muster_log_position 7",
            "muster_projection_lag{projection=\"devices\"} 2",
        ] {
            assert!(text.lines().any(|shown| shown == line), "{line} is not in\n{text}");
        }
    }
}
