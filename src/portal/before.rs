//! What the last page says about earlier records: beside the new device what the old record is, whether its management
//! was removed, and what happens to it; and why an installation may fail.

use super::earlier::{Earlier, Removal, Standing, earlier};
use super::previous::enrolled;
use super::visitor::{Session, Visitor};
use crate::web::content::content;
use decisions::enrollment::Enrollment;
use events::record::{PreviousAnswer, RecordId};
use projections::links::{self, LinkState};
use serde::Serialize;
use std::collections::BTreeSet;

/// Number of earlier records that the last page shows.
const SHOWN: usize = 3;
/// Number of links of the new device that are read.
const MOST_LINKS: usize = 64;

/// An earlier record beside the new device.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Before {
    pub label: String,
    pub enrolled: String,
    /// Text key for the kind of its enrollment.
    pub kind: Option<&'static str>,
    /// Text key: whether the old management was removed.
    pub state: &'static str,
    /// Class of the state: `ended`, or empty.
    pub class: &'static str,
    /// Text key: what happens to the record.
    pub fate: &'static str,
}

content!(Before {
    label,
    enrolled,
    kind among [Some("previous-kind-device"), None],
    state among ["complete-state-ended", "complete-state-managed", "complete-state-unknown"],
    class among ["ended", ""],
    fate among [
        "complete-fate-linked",
        "complete-fate-ended",
        "complete-fate-check",
        "complete-fate-another",
        "complete-fate-gone",
    ],
});

/// Why an installation may fail, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Cause {
    /// Text key.
    pub cause: &'static str,
    /// Text keys of what to do.
    pub texts: Vec<&'static str>,
}

content!(Cause {
    cause among ["cause-old"],
    texts among [vec!["previous-step-open", "previous-step-remove", "cause-old-then"], vec![]],
});

/// Returns what the page shows of the earlier records, and the number of further ones. The records that may be the new
/// device come first.
pub(crate) async fn before(visitor: &Visitor, session: &Session) -> (Vec<Before>, Option<u64>) {
    let enrollment = &session.enrollment;
    let mut all = earlier(visitor, enrollment).await;
    let is_other = |record: &Earlier| match record.answer(enrollment) {
        Some(PreviousAnswer::ThisDevice) => 0,
        None => 1,
        Some(PreviousAnswer::AnotherDevice | PreviousAnswer::NoLongerHave) => 2,
    };
    all.sort_by_key(is_other);
    let linked = if all.is_empty() { BTreeSet::new() } else { linked(visitor, session).await };
    let count = enrollment.previous.count + enrollment.imported.count;
    let shown: Vec<Before> = all
        .iter()
        .take(SHOWN)
        .map(|record| one(visitor, enrollment, record, linked.contains(&record.record)))
        .collect();
    let more = count.saturating_sub(shown.len() as u64);
    let more = (more > 0 && !shown.is_empty()).then_some(more);
    (shown, more)
}

// Without the links the page only lacks what was decided since.
async fn linked(visitor: &Visitor, session: &Session) -> BTreeSet<RecordId> {
    let links = links::of_successor(&visitor.app.platform.projections, session.id.device(), None, MOST_LINKS).await;
    let links = links.inspect_err(|error| tracing::error!(%error, "the links of a device cannot be read"));
    let confirmed = links.unwrap_or_default().into_iter().filter(|link| link.state == LinkState::Confirmed);
    confirmed.map(|link| link.record).collect()
}

fn one(visitor: &Visitor, enrollment: &Enrollment, record: &Earlier, is_linked: bool) -> Before {
    let (state, class) = match record.standing {
        Standing::Ended => ("complete-state-ended", "ended"),
        Standing::Managed => ("complete-state-managed", ""),
        Standing::Unknown => ("complete-state-unknown", ""),
    };
    Before {
        label: record.label(visitor),
        enrolled: enrolled(visitor, record),
        kind: record.kind,
        state,
        class,
        fate: fate(record.standing, record.answer(enrollment), is_linked),
    }
}

// A link is decided on by an administrator, so it says more than the person's own answer.
fn fate(standing: Standing, answer: Option<PreviousAnswer>, is_linked: bool) -> &'static str {
    match (answer, standing) {
        _ if is_linked => "complete-fate-linked",
        (Some(PreviousAnswer::AnotherDevice), _) => "complete-fate-another",
        (Some(PreviousAnswer::NoLongerHave), _) => "complete-fate-gone",
        (Some(PreviousAnswer::ThisDevice) | None, Standing::Ended) => "complete-fate-ended",
        (Some(PreviousAnswer::ThisDevice) | None, Standing::Managed | Standing::Unknown) => "complete-fate-check",
    }
}

/// Returns why the installation may fail. Old management comes first if the person has records whose management did not
/// end as far as we know.
pub(crate) async fn causes(visitor: &Visitor, session: &Session) -> Vec<Cause> {
    let enrollment = &session.enrollment;
    let all = earlier(visitor, enrollment).await;
    let may_be_here = |record: &&Earlier| {
        let answer = record.answer(enrollment);
        !record.has_ended() && answer.is_none_or(|answer| answer == PreviousAnswer::ThisDevice)
    };
    let left: Vec<Removal> = all.iter().filter(may_be_here).map(|record| record.removal).collect();
    sorted(&left, enrollment.account_driven.is_some(), !visitor.settings.skip_ca_profile)
}

/// Returns the causes in order. `left`: how the old management that may still be there is removed.
pub(crate) fn sorted(left: &[Removal], by_account: bool, certificate: bool) -> Vec<Cause> {
    let again = if by_account { "cause-old-by-account" } else { "cause-old-then" };
    let taps = Removal::of(left.iter().copied()).step();
    let old = Cause { cause: "cause-old", texts: vec!["previous-step-open", taps, again] };
    let mut causes = Vec::new();
    if certificate && !by_account {
        causes.push(Cause { cause: "cause-trust", texts: vec!["cause-trust-do"] });
    }
    if !by_account {
        causes.push(Cause { cause: "cause-expired", texts: vec!["eight-minutes"] });
    }
    let place = if left.is_empty() { causes.len() } else { 0 };
    causes.insert(place, old);
    causes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_management_is_the_first_cause_for_who_may_have_some_and_the_last_for_others() {
        let names = |left: &[Removal], by_account| -> Vec<_> {
            sorted(left, by_account, true).into_iter().map(|cause| cause.cause).collect()
        };
        assert_eq!(names(&[Removal::Profile], false), ["cause-old", "cause-trust", "cause-expired"]);
        assert_eq!(names(&[], false), ["cause-trust", "cause-expired", "cause-old"]);
        assert_eq!(names(&[], true), ["cause-old"]);
        let taps = sorted(&[Removal::Account], true, true).swap_remove(0).texts;
        assert_eq!(taps, ["previous-step-open", "previous-step-remove-account", "cause-old-by-account"]);
    }

    #[test]
    fn what_happens_to_a_record_follows_from_the_decision_then_the_answer_then_its_end() {
        use PreviousAnswer::{AnotherDevice, NoLongerHave, ThisDevice};
        for (standing, answer, is_linked, wanted) in [
            (Standing::Managed, Some(AnotherDevice), true, "complete-fate-linked"),
            (Standing::Ended, Some(AnotherDevice), false, "complete-fate-another"),
            (Standing::Unknown, Some(NoLongerHave), false, "complete-fate-gone"),
            (Standing::Ended, Some(ThisDevice), false, "complete-fate-ended"),
            (Standing::Ended, None, false, "complete-fate-ended"),
            (Standing::Managed, Some(ThisDevice), false, "complete-fate-check"),
            (Standing::Unknown, None, false, "complete-fate-check"),
        ] {
            assert_eq!(fate(standing, answer, is_linked), wanted, "{standing:?} {answer:?}");
        }
    }
}
