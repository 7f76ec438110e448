//! Faults in both variants: a failed append was lost, or it was written and only its answer is an error.

use super::{Factory, Fault, event, events, numbers_in, stream, write};
use crate::envelope::Revision;
use crate::store::{AppendError, EventStore, Expected};
use std::sync::Arc;

pub(super) async fn all(factory: &dyn Factory) {
    for fault in [Fault::Lost, Fault::Kept] {
        a_failed_append_repeated_is_written_once(factory, fault).await;
        a_failed_first_append_repeated_is_written_once(factory, fault).await;
        a_failed_append_is_whole_or_not_at_all(factory, fault).await;
        what_was_acknowledged_outlives_a_failed_append(factory, fault).await;
        all_who_shared_a_failed_append_may_repeat_theirs(factory, fault).await;
    }
}

fn assert_unknown(answer: Result<crate::store::Appended, AppendError>) {
    assert!(matches!(answer, Err(AppendError::Unknown(_))), "a failed commit is Unknown, not {answer:?}");
}

async fn a_failed_append_repeated_is_written_once(factory: &dyn Factory, fault: Fault) {
    let mut subject = factory.empty().await;
    write(&subject.store(), "a", Expected::NoStream, 0..1).await;
    subject.fail_next_append(fault).await;
    let expected = Expected::Exact(Revision(0));
    assert_unknown(subject.store().append(&stream("a"), expected, events(1..3)).await);
    subject.reopen().await;
    let kept = if fault == Fault::Kept { vec![0, 1, 2] } else { vec![0] };
    assert_eq!(numbers_in(&subject.store(), "a").await, kept, "{fault:?}");
    let appended = subject.store().append(&stream("a"), expected, events(1..3)).await.expect("repeated");
    assert_eq!(appended.revision, Revision(2));
    assert_eq!(numbers_in(&subject.store(), "a").await, [0, 1, 2], "{fault:?}");
}

async fn a_failed_first_append_repeated_is_written_once(factory: &dyn Factory, fault: Fault) {
    let mut subject = factory.empty().await;
    for expected in [Expected::NoStream, Expected::Any] {
        let id = format!("{expected:?}");
        subject.fail_next_append(fault).await;
        assert_unknown(subject.store().append(&stream(&id), expected, events(0..2)).await);
        subject.reopen().await;
        write(&subject.store(), &id, expected, 0..2).await;
        assert_eq!(numbers_in(&subject.store(), &id).await, [0, 1], "{fault:?} {expected:?}");
    }
}

async fn a_failed_append_is_whole_or_not_at_all(factory: &dyn Factory, fault: Fault) {
    let mut subject = factory.empty().await;
    subject.fail_next_append(fault).await;
    assert_unknown(subject.store().append(&stream("a"), Expected::NoStream, events(0..100)).await);
    subject.reopen().await;
    let written = numbers_in(&subject.store(), "a").await.len();
    assert_eq!(written, if fault == Fault::Kept { 100 } else { 0 });
}

async fn what_was_acknowledged_outlives_a_failed_append(factory: &dyn Factory, fault: Fault) {
    let mut subject = factory.empty().await;
    for number in 0..10 {
        write(&subject.store(), "a", Expected::Any, number..number + 1).await;
    }
    subject.fail_next_append(fault).await;
    assert_unknown(subject.store().append(&stream("b"), Expected::Any, events(50..51)).await);
    subject.reopen().await;
    assert_eq!(numbers_in(&subject.store(), "a").await, (0..10).collect::<Vec<_>>());
    write(&subject.store(), "a", Expected::Exact(Revision(9)), 10..11).await;
}

// Appends of the failed batch get `Unknown`, later ones may get `Unavailable`. An append with `Ok` is written. All of
// them may be repeated.
async fn all_who_shared_a_failed_append_may_repeat_theirs(factory: &dyn Factory, fault: Fault) {
    let mut subject = factory.empty().await;
    subject.fail_next_append(fault).await;
    let callers: Vec<_> = (0..30u32)
        .map(|number| {
            let store = subject.store();
            tokio::spawn(async move {
                let name = stream(&number.to_string());
                (number, store.append(&name, Expected::NoStream, vec![event(number)]).await)
            })
        })
        .collect();
    let mut answers = Vec::new();
    for caller in callers {
        answers.push(caller.await.expect("no panic"));
    }
    assert!(answers.iter().any(|(_, answer)| matches!(answer, Err(AppendError::Unknown(_)))));
    subject.reopen().await;
    let store: Arc<dyn EventStore> = subject.store();
    for (number, answer) in answers {
        let there = numbers_in(&store, &number.to_string()).await;
        match answer {
            Ok(_) => assert_eq!(there, [u64::from(number)]),
            Err(AppendError::Unavailable(_)) => {
                assert!(there.is_empty(), "Unavailable promises that nothing was written")
            }
            Err(AppendError::Unknown(_)) => {}
            Err(other) => panic!("{other}"),
        }
        write(&store, &number.to_string(), Expected::NoStream, number..number + 1).await;
        assert_eq!(numbers_in(&store, &number.to_string()).await, [u64::from(number)]);
    }
}
