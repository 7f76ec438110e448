//! Formats the report for people: one line for each part.

use super::{Certificate, Figures, Report};
use plural::counted;
use world::World;

/// Number of days before its expiry at which a certificate is marked as ending soon.
const SOON: i32 = 30;

pub(crate) fn lines(report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    let mut add = |part: &str, told: String| lines.push(format!("{part:<13} {told}"));
    add("Server", server(report));
    report.server.problems.iter().for_each(|problem| add("", problem.clone()));
    add("Log", log(report));
    if let Some(figures) = &report.figures {
        add("Pages", pages(figures));
        add("Commands", format!("{} wait for their devices", figures.commands_waiting));
        add("Effects", format!("{} set aside", figures.effects_set_aside));
        add("Identities", identities(figures));
        add("Connections", figures.connections.to_string());
    }
    add("Push", push(report));
    let mut part = "Certificates";
    for (what, certificate) in &report.certificates {
        add(part, format!("{what}: {}", ends(certificate)));
        part = "";
    }
    part = "Directories";
    for (name, trouble) in &report.directories {
        add(part, format!("{name}: {}", trouble.as_deref().unwrap_or("answers")));
        part = "";
    }
    if let Some(figures) = &report.figures {
        add("Alarms", alarms(figures));
    }
    lines
}

fn server(report: &Report) -> String {
    let address = &report.server.address;
    if !report.server.answers && address.ends_with(":0") {
        return format!("does not answer at {address}: the port of a demo is unknown");
    }
    if !report.server.answers {
        return format!("does not answer at {address}");
    }
    let ready = if report.server.ready { "is ready" } else { "is NOT ready" };
    match &report.figures {
        Some(figures) => format!("version {} {ready}, at {address}, for {}", figures.version, since(figures.started)),
        None => format!("{ready}, at {address}"),
    }
}

fn since(started: u64) -> String {
    let now = World::system().now().0 / 1_000_000;
    let minutes = u64::try_from(now).unwrap_or_default().saturating_sub(started) / 60;
    match minutes {
        0 => "less than a minute".into(),
        1..120 => counted(minutes, "minute"),
        120..2_880 => counted(minutes / 60, "hour"),
        _ => counted(minutes / 1_440, "day"),
    }
}

fn log(report: &Report) -> String {
    let log = &report.log;
    if let Some(why) = &log.why {
        return format!("cannot be read: {why}");
    }
    let size = megabytes(log.bytes);
    let free =
        report.figures.as_ref().map(|figures| format!("; {} free on its disk", megabytes(figures.disk_free_bytes)));
    let position = log.position.map_or_else(|| "is empty".into(), |position| format!("at position {position}"));
    format!("{position}, {size}{}", free.unwrap_or_default())
}

fn megabytes(bytes: u64) -> String {
    match bytes / 1_000_000 {
        0 => format!("{} KB", bytes.div_ceil(1_000)),
        megabytes @ 1..10_000 => format!("{megabytes} MB"),
        megabytes => format!("{} GB", megabytes / 1_000),
    }
}

fn pages(figures: &Figures) -> String {
    match figures.projection_lag {
        0 => "show every event".into(),
        lag => format!("{} behind", counted(lag, "event")),
    }
}

fn identities(figures: &Figures) -> String {
    let told: Vec<String> = figures.identities.iter().map(|(standing, count)| format!("{count} {standing}")).collect();
    if told.is_empty() { "none is due for renewal".into() } else { told.join(", ") }
}

fn push(report: &Report) -> String {
    let Some(topic) = &report.push_topic else {
        return "there is no push certificate: devices cannot be woken".into();
    };
    let pushes = report.figures.iter().flat_map(|figures| &figures.pushes);
    let told: Vec<String> = pushes.map(|(outcome, count)| format!("{count} {outcome}")).collect();
    if told.is_empty() { topic.clone() } else { format!("{topic}; pushes since the start: {}", told.join(", ")) }
}

fn ends(certificate: &Certificate) -> String {
    match (&certificate.not_after, certificate.days_left) {
        (Some(at), Some(left)) if left < 0 => format!("EXPIRED on {at}"),
        (Some(at), Some(left)) if left < SOON => format!("ends SOON, on {at}, in {}", counted(left, "day")),
        (Some(at), Some(left)) => format!("ends on {at}, in {left} days"),
        _ => "cannot be read".into(),
    }
}

fn alarms(figures: &Figures) -> String {
    let told: Vec<String> = figures.alarms.iter().map(|(alarm, count)| format!("{alarm} {count}")).collect();
    if told.is_empty() { "none since the start".into() } else { format!("{} (since the start)", told.join(", ")) }
}
