//! Recovery codes, for people who lost every other second factor. They are shown once, and each works once.

use world::World;

/// Number of codes that are made at a time.
pub const COUNT: usize = 10;

/// 32 letters and digits that are not easily confused.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
const LENGTH: usize = 16;

/// Generates new codes as they are shown, 80 bits each.
pub fn new_codes(world: &World) -> Vec<String> {
    (0..COUNT).map(|_| shown(&world.random::<LENGTH>())).collect()
}

fn shown(random: &[u8; LENGTH]) -> String {
    let letters: Vec<char> = random.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect();
    letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

/// Returns the normalized form of a typed code, for comparison: 16 lower-case letters and digits without dashes.
/// Returns `None` if it cannot be a code.
pub fn canonical(typed: &str) -> Option<String> {
    let letters: String = typed.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    let letters = letters.to_lowercase();
    let is_code = letters.len() == LENGTH && letters.bytes().all(|byte| LETTERS.contains(&byte));
    is_code.then_some(letters)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn ten_different_codes_are_made_and_read_back_however_they_are_typed() {
        let codes = new_codes(&World::system());
        let different: BTreeSet<_> = codes.iter().filter_map(|code| canonical(code)).collect();
        assert_eq!(different.len(), COUNT);
        let code = &codes[0];
        assert_eq!(code.len(), 19);
        assert_eq!(canonical(&format!(" {} ", code.to_uppercase().replace('-', " "))), canonical(code));
    }

    #[test]
    fn what_is_no_code_is_none() {
        for wrong in ["", "123456", "abcd-efgh-jkmn-pqr", "abcd-efgh-jkmn-pqr0", "abcd-efgh-jkmn-pqrst"] {
            assert_eq!(canonical(wrong), None, "{wrong:?}");
        }
    }
}
