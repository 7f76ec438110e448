//! Limit for lists in the state of an enrollment.

/// Forgets all but the newest `most` items. `items` has the oldest first.
pub(super) fn keep_newest<T>(items: &mut Vec<T>, most: usize) {
    items.drain(..items.len().saturating_sub(most));
}
