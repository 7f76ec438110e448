//! `perform` loads a stream, decides and appends. It decides again if another append came first.

use decisions::enrollment::{Command, Enrollment};
use events::enrollment::{
    DeviceFamily, EnrollmentEvent, EnrollmentId, Platform, SecretHash, SignInMethodName, SignInRefusal,
};
use events::envelope::{Actor, ActorKind};
use events::{Event, Personal};
use harness::TestServer;
use platform::context::Context;

// The store recognizes a repeated event ID only at the revision where it was written. A later retry appends at a
// higher revision.
#[tokio::test(flavor = "multi_thread")]
async fn an_effect_that_is_tried_again_after_the_stream_went_on_is_not_written_again() {
    let server = TestServer::start().await;
    let app = server.app();
    let enrollment = EnrollmentId(app.platform.world.uuid());
    let actor = || Actor::new(ActorKind::Visitor, enrollment);
    let context = Context::of(actor(), None, enrollment.0);
    app.platform.perform::<Enrollment>(&enrollment.stream(), &open(enrollment), &context).await.unwrap();
    let cause = server.log_of(&enrollment.stream()).await[0].id;
    let effect = Context::effect(actor(), cause, enrollment.0, "refuse");
    for context in [&effect, &context, &effect] {
        app.platform.perform::<Enrollment>(&enrollment.stream(), &refuse(), context).await.unwrap();
    }
    assert_eq!(server.log_of(&enrollment.stream()).await.len(), 3);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_commands_put_at_once_none_is_lost_and_none_is_decided_on_an_old_state() {
    let server = TestServer::start().await;
    let app = server.app();
    let enrollment = EnrollmentId(app.platform.world.uuid());
    let context = Context::of(Actor::new(ActorKind::Visitor, enrollment), None, enrollment.0);
    let open = open(enrollment);
    let mut at_once = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (app, context, open) = (app.clone(), context.clone(), open.clone());
        at_once.spawn(async move {
            app.platform.perform::<Enrollment>(&enrollment.stream(), &open, &context).await.is_ok()
        });
    }
    let opened = at_once.join_all().await.into_iter().filter(|opened| *opened).count();
    assert_eq!(opened, 1, "an enrollment opens once: the other commands see that it is open");
    // As many as a device may send concurrently, and more than the number of attempts for one command.
    let refuse = refuse();
    let mut at_once = tokio::task::JoinSet::new();
    for _ in 0..60 {
        let (app, context, refuse) = (app.clone(), context.clone(), refuse.clone());
        at_once.spawn(async move {
            app.platform.perform::<Enrollment>(&enrollment.stream(), &refuse, &context).await.is_ok()
        });
    }
    assert!(
        at_once.join_all().await.into_iter().all(|performed| performed),
        "each command is decided again until it is appended"
    );
    let refusals = server
        .log_of(&enrollment.stream())
        .await
        .into_iter()
        .filter(|entry| matches!(entry.event, Event::Enrollment(EnrollmentEvent::SignInRefused { .. })));
    assert_eq!(refusals.count(), 60);
    server.stop().await;
}

fn open(enrollment: EnrollmentId) -> Command {
    Command::Open {
        session: SecretHash("secret".into()),
        user_agent: Personal::new(enrollment.enrollment_key(), "Safari".into()),
        platform: Platform { family: DeviceFamily::IPhone, version: None },
        language: "en".into(),
        account_driven: None,
    }
}

fn refuse() -> Command {
    Command::RefuseSignIn {
        method: SignInMethodName::LocalAccount,
        reason: SignInRefusal::WrongPassword,
        account: None,
        name: Some("name".into()),
    }
}
