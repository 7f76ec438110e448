//! Advice about old management that is still on the device, because of which iOS refuses the new one.

/// Returns the taps that remove old management. `row`: the row in Settings.
pub(super) fn taps(row: &str) -> String {
    format!(
        "Old management is in Settings › {row}: tap the old profile and Remove Management, or the work or school account and Sign Out."
    )
}

/// Adds the advice for an installation that fails: as the first line if old management may be on the device, else as
/// the last one.
pub(super) fn among(mut lines: Vec<String>, row: &str, may_be_there: bool) -> Vec<String> {
    let advice = format!(
        "If Settings shows an error, look first whether an old management profile is still installed. {}",
        taps(row)
    );
    lines.insert(if may_be_there { 0 } else { lines.len() }, advice);
    lines
}

#[cfg(test)]
mod tests {
    use super::among;

    #[test]
    fn old_management_is_the_first_advice_for_who_may_have_some_and_the_last_for_others() {
        let lines = || vec!["Keep the device on.".to_owned()];
        let place = |old| among(lines(), "General", old).iter().position(|line| line.contains("Remove Management"));
        assert_eq!((place(true), place(false)), (Some(0), Some(1)));
    }
}
