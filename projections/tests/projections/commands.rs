//! States of commands, status of apps, and when either needs attention again.
#![expect(clippy::unwrap_used, reason = "a helper of tests that cannot go on fails the test")]

use crate::support::*;
use events::device::{
    AppStatus, BodyHash, CommandStatus, DeviceEvent, DeviceId, MdmError, Priority, RejectionReason,
    SupersessionEvidence, UnenrolledBy,
};
use events::{Personal, StreamName, Timestamp};
use projections::Projections;
use projections::commands::{DueAct, State, apps, due, of_device, waiting};

fn stands(status: AppStatus) -> DeviceEvent {
    DeviceEvent::ManagedAppReported { app: "org.example.app".into(), status, command: None }
}

async fn states(projections: &Projections, device: DeviceId) -> Vec<State> {
    let mut queued = of_device(projections, device, 100).await.unwrap();
    queued.sort_by_key(|queued| queued.command.0);
    queued.into_iter().map(|queued| queued.state).collect()
}

#[tokio::test]
async fn every_command_stands_as_its_last_event_says() {
    let desk = Desk::new();
    let device = desk.enroll(1, person(1), "ada", NOON).await;
    let stream = device.stream();
    let events = [
        DeviceEvent::MdmCommandDelivered { command: command(1) },
        answered(2, CommandStatus::NotNow),
        answered(3, CommandStatus::Acknowledged),
        answered(4, CommandStatus::Error),
        answered(5, CommandStatus::CommandFormatError),
        DeviceEvent::MdmCommandCancelled { command: command(6) },
        DeviceEvent::MdmCommandExpired { command: command(7) },
        DeviceEvent::MdmResultTooLarge { command: Some(command(8)), bytes: 5_000_000, body: None },
    ];
    for (n, event) in events.into_iter().enumerate() {
        desk.write(&stream, later(100), queued(n as u128 + 1, "ProfileList", None)).await;
        desk.write(&stream, later(101), event).await;
    }
    desk.write(&stream, later(102), queued(9, "ProfileList", None)).await;
    let projections = desk.caught_up().await;
    let mut expected = vec![
        State::Delivered,
        State::Deferred,
        State::Acknowledged,
        State::Failed,
        State::NotUnderstood,
        State::Cancelled,
        State::Expired,
        State::TooLarge,
        State::Queued,
    ];
    assert_eq!(states(&projections, device).await, expected);
    desk.write(&stream, later(200), DeviceEvent::DeviceUnenrolled { by: UnenrolledBy::Server }).await;
    desk.follow(&projections).await;
    for nth in [0, 1, 8] {
        expected[nth] = State::Ended;
    }
    assert_eq!(states(&projections, device).await, expected, "waiting commands end when the management ends");
}

#[tokio::test]
async fn a_command_is_due_when_it_expires_and_not_when_it_was_answered() {
    let desk = Desk::new();
    let device = desk.enroll(1, person(1), "ada", NOON).await;
    for n in 1..=2 {
        desk.write(&device.stream(), later(100), queued(n, "DeviceLock", Some(later(3_600)))).await;
    }
    desk.write(&device.stream(), later(200), answered(2, CommandStatus::Acknowledged)).await;
    let projections = desk.caught_up().await;
    assert_eq!(due(&projections, later(3_599), 10).await.unwrap(), vec![]);
    let found = due(&projections, later(3_600), 10).await.unwrap();
    assert_eq!(found.iter().map(|due| (due.device, due.act)).collect::<Vec<_>>(), [(device, DueAct::Expire)]);
    desk.write(&device.stream(), later(3_600), DeviceEvent::MdmCommandExpired { command: command(1) }).await;
    desk.follow(&projections).await;
    assert_eq!(due(&projections, later(9_999), 10).await.unwrap(), vec![]);
}

/// Queries the app status as the timer would, and returns when it was due.
async fn ask(desk: &Desk, projections: &Projections, stream: &StreamName, n: u128) -> Option<Timestamp> {
    let due = due(projections, later(90 * 24 * 3_600), 10).await.unwrap().into_iter().next()?;
    assert_eq!(due.act, DueAct::AskForApps);
    desk.write(stream, due.at, queued(n, "ManagedApplicationList", None)).await;
    desk.follow(projections).await;
    assert_eq!(
        projections::commands::due(projections, later(90 * 24 * 3_600), 10).await.unwrap(),
        vec![],
        "only one query at a time"
    );
    desk.write(stream, due.at, answered(n, CommandStatus::Acknowledged)).await;
    desk.follow(projections).await;
    Some(due.at)
}

#[tokio::test]
async fn an_app_is_asked_about_ever_more_rarely_and_after_a_week_no_more() {
    let desk = Desk::new();
    let device = desk.enroll(1, person(1), "ada", NOON).await;
    desk.write(&device.stream(), later(1_000), stands(AppStatus::Prompting)).await;
    let projections = desk.caught_up().await;
    let (mut times, mut n) = (vec![later(1_000)], 1);
    while let Some(at) = ask(&desk, &projections, &device.stream(), n).await {
        times.push(at);
        n += 1;
        assert!(n < 100, "the queries never end");
    }
    let gaps: Vec<i64> = times.windows(2).map(|pair| pair[1].seconds_since(pair[0])).collect();
    assert!(gaps.is_sorted() && gaps[0] <= 60, "{gaps:?}");
    let days = times[times.len() - 1].seconds_since(times[0]) / (24 * 3_600);
    assert!((6..=8).contains(&days), "{days} days: {gaps:?}");
}

#[tokio::test]
async fn an_app_that_is_there_or_was_refused_is_asked_about_no_more() {
    for settled in [AppStatus::Managed, AppStatus::UserRejected, AppStatus::Failed] {
        let desk = Desk::new();
        let device = desk.enroll(1, person(1), "ada", NOON).await;
        desk.write(&device.stream(), later(1_000), stands(AppStatus::Installing)).await;
        let projections = desk.caught_up().await;
        assert_eq!(due(&projections, later(9_999), 10).await.unwrap().len(), 1);
        desk.write(&device.stream(), later(2_000), stands(settled)).await;
        desk.follow(&projections).await;
        assert_eq!(due(&projections, later(9_999_999), 10).await.unwrap(), vec![], "{settled:?}");
        let known = apps(&projections, device).await.unwrap();
        assert_eq!((known.len(), known[0].status.as_str()), (1, settled.as_str()));
    }
}

#[tokio::test]
async fn a_limit_hides_no_command_that_waits() {
    let desk = Desk::new();
    let device = desk.enroll(1, person(1), "ada", NOON).await;
    for n in 1..=4 {
        desk.write(&device.stream(), later(100), queued(n, "ProfileList", None)).await;
    }
    for n in 2..=4 {
        desk.write(&device.stream(), later(200), answered(n, CommandStatus::Acknowledged)).await;
    }
    let projections = desk.caught_up().await;
    let shown: Vec<_> = of_device(&projections, device, 2).await.unwrap().into_iter().map(|q| q.command).collect();
    assert_eq!(shown, [command(1), command(4)]);
}

#[tokio::test]
async fn a_command_says_why_it_was_not_done_without_a_word_of_the_device() {
    let desk = Desk::new();
    let device = desk.enroll(1, person(1), "ada", NOON).await;
    let text = Personal::new(person(1).key(), "The app Tinder is in the way.".to_owned());
    let error = MdmError { code: 12021, domain: "MCMDMErrorDomain".into(), description: Some(text) };
    let failed = |n, rejection| DeviceEvent::MdmCommandAnswered {
        command: command(n),
        status: CommandStatus::Error,
        errors: vec![error.clone()],
        rejection,
        body: BodyHash(format!("{n}")),
    };
    for (n, rejection) in [(1, None), (2, Some(RejectionReason::PurchaseMethodNotSupported))] {
        desk.write(&device.stream(), later(100), queued(n, "InstallApplication", None)).await;
        desk.write(&device.stream(), later(200), failed(n, rejection)).await;
    }
    let projections = desk.caught_up().await;
    let told: Vec<_> =
        of_device(&projections, device, 10).await.unwrap().into_iter().map(|q| (q.state, q.why.unwrap())).collect();
    assert_eq!(
        told,
        [(State::Rejected, "no licence is assigned".to_owned()), (State::Failed, "MCMDMErrorDomain 12021".to_owned())]
    );
}

#[tokio::test]
async fn the_queue_and_the_apps_of_a_record_that_comes_back_are_as_before() {
    let desk = Desk::new();
    let device = desk.enroll(1, person(1), "ada", NOON).await;
    let stream = device.stream();
    desk.write(&stream, later(100), queued(1, "ProfileList", Some(later(9_000)))).await;
    desk.write(&stream, later(100), queued(2, "ProfileList", None)).await;
    desk.write(&stream, later(101), answered(2, CommandStatus::NotNow)).await;
    desk.write(&stream, later(102), stands(AppStatus::Installing)).await;
    let superseded = |evidence| DeviceEvent::DeviceSuperseded { by: device, evidence, revivable_until: None };
    desk.write(&stream, later(200), superseded(SupersessionEvidence::PushUnregistered)).await;
    let projections = desk.caught_up().await;
    assert_eq!(states(&projections, device).await, [State::Ended, State::Ended]);
    assert_eq!(due(&projections, later(99_999), 10).await.unwrap(), vec![], "nothing is asked of a record that ended");
    assert_eq!(waiting(&projections).await.unwrap(), 0);

    desk.write(&stream, later(300), DeviceEvent::DeviceRevived { superseded_by: device }).await;
    desk.follow(&projections).await;
    assert_eq!(states(&projections, device).await, [State::Queued, State::Deferred]);
    assert_eq!(waiting(&projections).await.unwrap(), 2);
    assert_eq!(apps(&projections, device).await.unwrap().len(), 1);
    let acts: Vec<_> = due(&projections, later(9_000), 10).await.unwrap().into_iter().map(|due| due.act).collect();
    assert_eq!(acts, [DueAct::AskForApps, DueAct::Expire]);

    desk.write(&stream, later(400), superseded(SupersessionEvidence::ProfileService)).await;
    desk.write(&stream, later(500), DeviceEvent::DeviceRevived { superseded_by: device }).await;
    desk.follow(&projections).await;
    assert_eq!(states(&projections, device).await, [State::Ended, State::Ended], "a proof ends it for good");
    assert_eq!(apps(&projections, device).await.unwrap(), vec![]);
}

#[tokio::test]
async fn a_command_is_listed_with_the_priority_that_it_was_queued_with() {
    let desk = Desk::new();
    let device = desk.enroll(1, person(1), "ada", NOON).await;
    for (n, wanted) in [(1, Priority::Background), (2, Priority::Normal), (3, Priority::Urgent)] {
        let DeviceEvent::MdmCommandQueued { command, request_type, payload, unenrolls, expires, .. } =
            queued(n, "SecurityInfo", None)
        else {
            unreachable!()
        };
        let event =
            DeviceEvent::MdmCommandQueued { command, request_type, payload, unenrolls, priority: wanted, expires };
        desk.write(&device.stream(), later(100), event).await;
    }
    let projections = desk.caught_up().await;
    let listed = of_device(&projections, device, 9).await.unwrap();
    let mut listed: Vec<_> = listed.into_iter().map(|row| (row.command, row.priority)).collect();
    listed.sort_by_key(|(id, _)| id.0);
    let expected = [(1, Priority::Background), (2, Priority::Normal), (3, Priority::Urgent)];
    assert_eq!(listed, expected.map(|(n, priority)| (command(n), priority)));
}
