//! Tests which connections are overdue, and which one is closed to make room.

use super::*;
use events::device::DeviceId;
use events::person::PersonId;
use telemetry::Metrics;
use uuid::Uuid;

const SECOND: Duration = Duration::from_secs(1);

fn connections(capacity: usize) -> Connections {
    let connections = Connections::new(Metrics::new());
    connections.limit(capacity);
    connections
}

fn device(nth: u128) -> Identity {
    Identity::Device(DeviceId(Uuid::from_u128(nth)), PersonId(Uuid::from_u128(nth)))
}

fn alarms(connections: &Connections, alarm: &str) -> String {
    let (begin, text) = (format!("muster_alarms_total{{alarm=\"{alarm}\"}} "), connections.0.metrics.render());
    text.lines().find_map(|line| line.strip_prefix(&begin)).unwrap().to_owned()
}

fn at(text: &str) -> Option<IpAddr> {
    Some(text.parse().unwrap())
}

/// Returns a connection that is ready for requests, and the time since when.
fn established() -> (Held, Instant) {
    let now = Instant::now();
    let held = connections(10).accepted("public", at("192.0.2.1"), false, now);
    held.connection().established(now);
    (held, now)
}

fn overdue(held: &Held, now: Instant) -> Option<Overdue> {
    held.connection().progress().overdue(now, &Limits::default())
}

#[test]
fn who_says_nothing_or_breaks_off_in_a_head_has_ten_seconds() {
    let (held, begun) = established();
    assert_eq!(overdue(&held, begun + 10 * SECOND), None);
    held.connection().received(begun + 9 * SECOND, &[0]);
    assert_eq!(overdue(&held, begun + 19 * SECOND), None);
    held.connection().received(begun + 19 * SECOND, &[0]);
    assert_eq!(overdue(&held, begun + 20 * SECOND), Some(Overdue::Head), "one byte now and then is no progress");
}

#[test]
fn a_handshake_is_not_measured_here() {
    let now = Instant::now();
    let held = connections(10).accepted("public", at("192.0.2.1"), false, now);
    held.connection().received(now, &[0]);
    assert_eq!(overdue(&held, now + 100 * SECOND), None);
}

#[test]
fn between_requests_there_is_time_and_for_the_next_head_there_is_little() {
    let (held, begun) = established();
    let connection = held.connection();
    connection.begins();
    assert_eq!(overdue(&held, begun + 1000 * SECOND), None, "the server takes its time");
    connection.finishes(begun + 1000 * SECOND);
    assert_eq!(overdue(&held, begun + 1075 * SECOND), None);
    assert_eq!(overdue(&held, begun + 1086 * SECOND), Some(Overdue::Idle));
    connection.sent(begun + 1080 * SECOND);
    assert_eq!(overdue(&held, begun + 1086 * SECOND), None, "the answer is still on its way");
    connection.received(begun + 1086 * SECOND, &[0]);
    assert_eq!(overdue(&held, begun + 1097 * SECOND), Some(Overdue::Head));
    connection.begins();
    assert_eq!(overdue(&held, begun + 1097 * SECOND), None);
}

#[test]
fn a_body_may_not_fall_silent() {
    let (held, begun) = established();
    let connection = held.connection();
    connection.begins();
    connection.awaits_body(begun);
    connection.has_body(begun, 1_000_000);
    assert_eq!(overdue(&held, begun + 100 * SECOND), None, "nobody waits for it");
    connection.awaits_body(begun + 100 * SECOND);
    assert_eq!(overdue(&held, begun + 130 * SECOND), None);
    assert_eq!(overdue(&held, begun + 131 * SECOND), Some(Overdue::Silence));
    connection.received(begun + 131 * SECOND, &[0]);
    assert_eq!(overdue(&held, begun + 160 * SECOND), None, "a part of a record is no silence");
    connection.has_whole_body();
    assert_eq!(overdue(&held, begun + 1000 * SECOND), None);
}

#[test]
fn what_is_left_of_a_body_after_the_answer_may_not_fall_silent_either() {
    let (held, begun) = established();
    let connection = held.connection();
    connection.begins();
    connection.awaits_body(begun);
    connection.leaves_body();
    connection.finishes(begun);
    assert_eq!(overdue(&held, begun + 30 * SECOND), None);
    assert_eq!(overdue(&held, begun + 31 * SECOND), Some(Overdue::Silence));
    connection.received(begun + 20 * SECOND, &[0]);
    assert_eq!(overdue(&held, begun + 31 * SECOND), Some(Overdue::Head), "it is not read for ever");
    connection.begins();
    connection.finishes(begun + 31 * SECOND);
    assert_eq!(overdue(&held, begun + 106 * SECOND), None, "that of the request before counts no more");
}

#[test]
fn a_body_has_a_least_pace_and_no_longest_time() {
    for (bytes_a_second, expected) in [(1100, None), (2048, None), (1000, Some(Overdue::Pace))] {
        let (held, begun) = established();
        let connection = held.connection();
        connection.begins();
        let mut found = None;
        for second in 0..3600 {
            let now = begun + second * SECOND;
            connection.awaits_body(now);
            connection.has_body(now + SECOND, bytes_a_second);
            connection.awaits_body(now + SECOND);
            connection.received(now + SECOND, &[0]);
            found = found.or(overdue(&held, now + SECOND));
        }
        assert_eq!(found, expected, "{bytes_a_second}");
    }
}

#[test]
fn three_of_a_thousand_bytes_are_ended_after_ten_seconds() {
    let (held, begun) = established();
    let connection = held.connection();
    connection.begins();
    connection.awaits_body(begun);
    connection.has_body(begun, 3);
    connection.awaits_body(begun);
    assert_eq!(overdue(&held, begun + 10 * SECOND), None);
    assert_eq!(overdue(&held, begun + 11 * SECOND), Some(Overdue::Pace));
}

#[test]
fn of_a_record_of_tls_counts_what_came_though_it_cannot_be_read_yet() {
    let now = Instant::now();
    let held = connections(10).accepted("public", at("192.0.2.1"), false, now);
    let connection = held.connection();
    connection.established_over_tls(now);
    connection.begins();
    connection.awaits_body(now);
    // A record of 16 KiB, received at 1,100 bytes per second.
    let record = [&[23, 3, 3, 64, 0][..], &[0; 16 * 1024]].concat();
    let mut seconds = 0;
    for piece in record.chunks(1100) {
        seconds += 1;
        assert_eq!(overdue(&held, now + (seconds - 1) * SECOND + SECOND / 2), None, "{seconds}");
        connection.received(now + seconds * SECOND, piece);
    }
    connection.has_body(now + seconds * SECOND, 16 * 1024);
    connection.awaits_body(now + seconds * SECOND);
    assert_eq!(overdue(&held, now + seconds * SECOND), None);
    // The beginning of a record counts only with its received bytes.
    connection.received(now + 30 * SECOND, &record[..5]);
    assert_eq!(overdue(&held, now + 30 * SECOND), Some(Overdue::Pace));
}

#[test]
fn what_came_of_a_head_while_the_request_before_was_under_way_has_ten_seconds_from_its_end() {
    for (in_record, in_head) in [(true, false), (false, true)] {
        let now = Instant::now();
        let held = connections(10).accepted("public", at("192.0.2.1"), false, now);
        let connection = held.connection();
        connection.established_over_tls(now);
        connection.begins();
        let records: &[u8] = if in_record { &[23, 3, 3, 0, 2, 0] } else { &[23, 3, 3, 0, 2, 0, 0] };
        connection.received(now, records);
        connection.is_in_head(now, in_head);
        assert_eq!(overdue(&held, now + 100 * SECOND), None, "the server takes its time");
        connection.finishes(now + 100 * SECOND);
        assert_eq!(overdue(&held, now + 110 * SECOND), None);
        assert_eq!(overdue(&held, now + 111 * SECOND), Some(Overdue::Head));
        // The rest of it arrives.
        connection.received(now + 101 * SECOND, &[0][..usize::from(in_record)]);
        connection.is_in_head(now + 101 * SECOND, false);
        connection.begins();
        connection.finishes(now + 102 * SECOND);
        assert_eq!(overdue(&held, now + 170 * SECOND), None);
    }
}

#[test]
fn a_line_of_a_body_in_chunks_has_the_time_of_a_head_whether_the_body_is_read_or_not() {
    let (held, begun) = established();
    let connection = held.connection();
    connection.begins();
    connection.has_body(begun, 1_000_000);
    connection.awaits_body(begun);
    connection.received(begun + 5 * SECOND, &[0]);
    assert_eq!(overdue(&held, begun + 20 * SECOND), None, "whoever pauses between two pieces may be silent for longer");
    connection.is_in_line(begun + 20 * SECOND, true);
    connection.received(begun + 29 * SECOND, &[0]);
    connection.is_in_line(begun + 29 * SECOND, true);
    assert_eq!(overdue(&held, begun + 30 * SECOND), None);
    assert_eq!(overdue(&held, begun + 31 * SECOND), Some(Overdue::Head), "one byte now and then is no progress");
    connection.is_in_line(begun + 31 * SECOND, false);
    assert_eq!(overdue(&held, begun + 31 * SECOND), None);
    // Time in which the server does not read does not count against the sender.
    let (held, begun) = established();
    let connection = held.connection();
    connection.is_in_line(begun, true);
    connection.begins();
    assert_eq!(overdue(&held, begun + 100 * SECOND), None);
    connection.awaits_body(begun + 100 * SECOND);
    assert_eq!(overdue(&held, begun + 110 * SECOND), None);
    assert_eq!(overdue(&held, begun + 111 * SECOND), Some(Overdue::Head));
    // The request is answered before the body's end was read.
    connection.leaves_body();
    connection.finishes(begun + 111 * SECOND);
    assert_eq!(overdue(&held, begun + 121 * SECOND), None);
    assert_eq!(overdue(&held, begun + 122 * SECOND), Some(Overdue::Head));
}

#[test]
fn the_oldest_of_the_source_that_holds_most_goes_first() {
    let (connections, now) = (connections(5), Instant::now());
    let accepted = |from: &str| connections.accepted("public", at(from), false, now);
    let lone = accepted("198.51.100.1");
    let network: Vec<Held> = ["2001:db8::1", "2001:db8::2", "2001:db8::3"].map(accepted).into();
    let other = accepted("198.51.100.2");
    assert!(network.iter().all(|held| !held.connection().has_ended()));
    let newcomer = accepted("198.51.100.3");
    let ended: Vec<bool> = network.iter().map(|held| held.connection().has_ended()).collect();
    assert_eq!(ended, [true, false, false]);
    // The connection is still open but being closed, so the next one closes another.
    let another = accepted("198.51.100.4");
    assert_eq!(network.iter().filter(|held| held.connection().has_ended()).count(), 2);
    for held in [&lone, &other, &newcomer, &another] {
        assert!(!held.connection().has_ended());
    }
}

#[test]
fn who_has_proven_an_identity_and_who_is_a_trusted_proxy_stays() {
    let (connections, now) = (connections(4), Instant::now());
    let accepted = |exempt| connections.accepted("public", at("192.0.2.1"), exempt, now);
    let device = accepted(false);
    connections.proven(device.connection(), self::device(1));
    let proxy = accepted(true);
    let mute: Vec<Held> = (0..6).map(|_| accepted(false)).collect();
    assert!(!device.connection().has_ended() && !proxy.connection().has_ended());
    let ended: Vec<bool> = mute.iter().map(|held| held.connection().has_ended()).collect();
    assert_eq!(ended, [true, true, true, true, false, false], "the oldest");
    drop(mute);
    assert_eq!(connections.count(), 2);
}

#[test]
fn where_all_have_proven_who_they_are_the_newcomer_goes() {
    let (connections, now) = (connections(2), Instant::now());
    let devices: Vec<Held> = (0..2).map(|_| connections.accepted("devices", at("192.0.2.1"), false, now)).collect();
    (0..).zip(&devices).for_each(|(nth, held)| connections.proven(held.connection(), device(nth)));
    assert!(connections.accepted("devices", at("198.51.100.1"), false, now).connection().has_ended());
    assert!(devices.iter().all(|held| !held.connection().has_ended()));
    connections.sweep(now, &Limits::default());
    assert_eq!(alarms(&connections, "no-room-for-connections"), "1");
}

#[test]
fn an_identity_that_holds_all_the_room_makes_some_and_others_keep_what_they_have() {
    let (connections, now) = (connections(32), Instant::now());
    let accepted = |identity: Option<Identity>| {
        let held = connections.accepted("public", at("192.0.2.1"), false, now);
        identity.into_iter().for_each(|identity| connections.proven(held.connection(), identity));
        held
    };
    let honest: Vec<Held> = (1..5).map(|nth| accepted(Some(device(nth)))).collect();
    let greedy: Vec<Held> = (0..28).map(|_| accepted(Some(device(9)))).collect();
    // A request is in progress on the oldest connection.
    greedy[0].connection().begins();
    let newcomers: Vec<Held> = (0..3).map(|_| accepted(None)).collect();
    assert!(honest.iter().chain(&newcomers).all(|held| !held.connection().has_ended()));
    let ended: Vec<bool> = greedy[..5].iter().map(|held| held.connection().has_ended()).collect();
    assert_eq!(ended, [false, true, true, true, false], "the oldest on which nothing is under way");
    // A connection that is being closed cannot be assigned to an identity.
    connections.proven(greedy[1].connection(), device(10));
    connections.sweep(now, &Limits::default());
    connections.sweep(now + SECOND, &Limits::default());
    assert_eq!(alarms(&connections, "identity-over-connections"), "1");
    assert_eq!(alarms(&connections, "no-room-for-connections"), "0");
    drop((honest, greedy, newcomers));
    assert_eq!(connections.known().holders.victim(|_| true), None, "nobody holds what is gone");
}

#[test]
fn an_address_behind_a_proxy_has_so_many_requests_under_way() {
    let connections = connections(10);
    let begin = |from: &str| connections.forwarded(from.parse().unwrap(), 2);
    let first = begin("2001:db8::1").unwrap();
    let _second = begin("2001:db8::2").unwrap();
    assert!(begin("2001:db8::3").is_none() && begin("192.0.2.1").is_some());
    drop(first);
    assert!(begin("2001:db8::3").is_some());
}

#[test]
fn what_is_overdue_is_ended_by_the_sweep_and_its_task_woken() {
    let (connections, now) = (connections(10), Instant::now());
    let held = connections.accepted("public", at("192.0.2.1"), false, now);
    held.connection().established(now);
    connections.sweep(now + 5 * SECOND, &Limits::default());
    assert!(!held.connection().has_ended());
    connections.sweep(now + 11 * SECOND, &Limits::default());
    assert!(held.connection().has_ended());
}
