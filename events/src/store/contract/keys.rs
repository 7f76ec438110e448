//! The highest sequence of the key store is stored with the events: either both are written or neither.

use super::{Factory, Fault, events, stream};
use crate::envelope::Revision;
use crate::store::Expected;

pub(super) async fn all(factory: &dyn Factory) {
    the_highest_sequence_of_all_appends_is_kept(factory).await;
    an_append_that_is_not_written_raises_nothing(factory).await;
    for fault in [Fault::Lost, Fault::Kept] {
        the_sequence_is_written_if_and_only_if_the_events_are(factory, fault).await;
    }
}

async fn the_highest_sequence_of_all_appends_is_kept(factory: &dyn Factory) {
    let mut subject = factory.empty().await;
    assert!(subject.store().key_sequence().await.expect("read").unwrap_or(0) == 0);
    for (number, keys) in [(0, 3), (1, 7), (2, 5), (3, 0)] {
        let one = events(number..number + 1);
        subject.store().append_sealed(&stream("a"), Expected::Any, one, keys).await.expect("written");
    }
    assert_eq!(subject.store().key_sequence().await.expect("read"), Some(7));
    subject.reopen().await;
    assert_eq!(subject.store().key_sequence().await.expect("read"), Some(7));
}

async fn an_append_that_is_not_written_raises_nothing(factory: &dyn Factory) {
    let store = factory.empty().await.store();
    store.append_sealed(&stream("a"), Expected::NoStream, events(0..1), 2).await.expect("written");
    store.append_sealed(&stream("a"), Expected::NoStream, events(1..2), 9).await.expect_err("a conflict");
    store.append_sealed(&stream("a"), Expected::Exact(Revision(7)), events(1..2), 9).await.expect_err("a conflict");
    assert_eq!(store.key_sequence().await.expect("read"), Some(2));
}

async fn the_sequence_is_written_if_and_only_if_the_events_are(factory: &dyn Factory, fault: Fault) {
    let mut subject = factory.empty().await;
    subject.store().append_sealed(&stream("a"), Expected::NoStream, events(0..1), 2).await.expect("written");
    subject.fail_next_append(fault).await;
    subject.store().append_sealed(&stream("a"), Expected::Any, events(1..2), 4).await.expect_err("it fails");
    subject.reopen().await;
    let written = subject.store().read_stream(&stream("a"), Revision(0), 10).await.expect("read").len() == 2;
    let expected = if written { 4 } else { 2 };
    assert_eq!(subject.store().key_sequence().await.expect("read"), Some(expected), "{fault:?}");
}
