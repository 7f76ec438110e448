//! Numbers with nouns in English sentences of the command line, the log and the console: "1 day", "2 days".

use std::fmt::Display;

/// Returns the number and its noun. The plural is formed with an s.
pub fn counted<N: Display + PartialEq + From<u8>>(number: N, noun: &str) -> String {
    let ending = if number == N::from(1) { "" } else { "s" };
    format!("{number} {noun}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_plural_and_nothing_is_one() {
        assert_eq!(
            [counted(0_usize, "day"), counted(1_i64, "day"), counted(2_u64, "day")],
            ["0 days", "1 day", "2 days"]
        );
    }
}
