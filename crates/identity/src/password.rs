//! Password hashing, and the rules for new passwords.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Block, Params, PasswordHasher, Version};
use secrecy::{ExposeSecret, SecretString};
use world::World;

/// Minimum number of characters (OWASP ASVS 5.0, 6.2.1).
pub(crate) const MINIMUM_LENGTH: usize = 8;
/// Recommended minimum number of characters. The message about a short password names it.
pub(crate) const RECOMMENDED_LENGTH: usize = 15;
/// Maximum length in bytes. Longer passwords are refused with a message and never truncated.
pub(crate) const MAXIMUM_BYTES: usize = 1_024;

/// Passwords that are guessed first for this product and that other lists lack: words of its subject and its
/// languages, one on each line, in lower case.
const COMMON: &str = include_str!("common_passwords.txt");
/// Minimum number of guesses, estimated for an attacker who knows common passwords. A password below it is refused.
/// The most common passwords, of which at least 3,000 must be refused (OWASP ASVS 5.0, 6.2.4), need no more guesses
/// than their rank.
const FEWEST_GUESSES: u64 = 1_000_000;

/// Why a new password is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    #[error(
        "the password has fewer than {least} characters: use at least {least}, preferably {better} or more, such as four or five words",
        least = MINIMUM_LENGTH, better = RECOMMENDED_LENGTH
    )]
    TooShort,
    #[error("the password is longer than {MAXIMUM_BYTES} bytes: use a shorter one")]
    TooLong,
    #[error("the password is easy to guess: use another one, such as four or five words")]
    Common,
    #[error("the password is the same as the user name: use another one")]
    UserName,
}

/// Checks a new password for an account. All characters are allowed, and the password is never truncated.
///
/// # Errors
/// Returns an error that says why the password is refused.
pub fn check_new_password(user_name: &str, password: &SecretString) -> Result<(), WeakPassword> {
    let password = password.expose_secret();
    if password.chars().count() < MINIMUM_LENGTH {
        return Err(WeakPassword::TooShort);
    }
    if password.len() > MAXIMUM_BYTES {
        return Err(WeakPassword::TooLong);
    }
    let lower = password.to_lowercase();
    if lower.trim() == user_name.trim().to_lowercase() {
        return Err(WeakPassword::UserName);
    }
    let is_guessed_first = is_common(&lower) || guesses(user_name, password) < FEWEST_GUESSES;
    if is_guessed_first { Err(WeakPassword::Common) } else { Ok(()) }
}

// Whether the password is in the list: as it is, with digits or punctuation appended, or with letters replaced by
// digits.
fn is_common(lower: &str) -> bool {
    let bare = lower.trim_end_matches(|c: char| !c.is_alphabetic());
    let plain: String = lower.chars().map(unleet).collect();
    let one_character = lower.chars().all(|c| lower.starts_with(c));
    one_character || COMMON.lines().any(|common| common == lower || common == bare || common == plain)
}

// Estimated number of guesses. zxcvbn knows common passwords, words and names (also with capitals and with digits for
// letters), keyboard patterns, dates and repetitions.
fn guesses(user_name: &str, password: &str) -> u64 {
    let ours: Vec<&str> = std::iter::once(user_name).chain(COMMON.lines()).collect();
    zxcvbn::zxcvbn(password, &ours).guesses()
}

fn unleet(c: char) -> char {
    match c {
        '0' => 'o',
        '1' => 'l',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    }
}

/// Hashes a password with argon2id and returns a PHC string. Takes tens of milliseconds and 19 MiB, so call it from a
/// blocking thread.
///
/// # Panics
/// Never panics: the parameters are constants that argon2 accepts.
pub fn hash_password(world: &World, password: &SecretString) -> String {
    let salt = world.random::<16>();
    argon2id()
        .hash_password_with_salt(password.expose_secret().as_bytes(), &salt)
        .expect("argon2id takes any password and a salt of 16 bytes")
        .to_string()
}

/// Generates a password of 20 letters and digits that are not easily confused: 98 bits of randomness.
pub fn generate(world: &World) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let letters = world.random::<20>().map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
    letters.chunks(5).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

/// Memory for verifying one password at a time, kept for the next one. If each verification allocated 19 MiB in
/// another thread, the allocator would keep that memory once for each of its arenas, and many sign-ins would exhaust
/// a small server.
#[derive(Default)]
pub(crate) struct Memory(Vec<Block>);

impl Memory {
    /// Returns whether `password` matches the PHC string `stored`. A `stored` that is not a hash matches nothing. As
    /// slow as hashing, so call it from a blocking thread.
    pub(crate) fn matches(&mut self, stored: &str, password: &SecretString) -> bool {
        self.hash_as(stored, password).is_some_and(|(expected, found)| {
            // Constant-time comparison.
            expected.len() == found.len() && openssl::memcmp::eq(&expected, &found)
        })
    }

    // Returns the stored hash and the hash of `password` with the same parameters.
    fn hash_as(&mut self, stored: &str, password: &SecretString) -> Option<(Vec<u8>, Vec<u8>)> {
        let stored = PasswordHash::new(stored).ok()?;
        let (salt, expected) = (stored.salt?, stored.hash?);
        let algorithm = Algorithm::try_from(stored.algorithm.as_str()).ok()?;
        let version = Version::try_from(stored.version?).ok()?;
        let params = Params::try_from(&stored).ok()?;
        self.0.resize(params.block_count(), Block::default());
        let mut found = vec![0; expected.len()];
        let argon2 = Argon2::new(algorithm, version, params);
        argon2
            .hash_password_into_with_memory(password.expose_secret().as_bytes(), &salt, &mut found, &mut self.0)
            .ok()?;
        Some((expected.as_bytes().to_vec(), found))
    }
}

// OWASP's first recommendation for argon2id: 19 MiB, two passes, one lane.
fn argon2id() -> Argon2<'static> {
    let params = Params::new(19_456, 2, 1, None).expect("the parameters are within argon2's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretString {
        SecretString::from(text)
    }

    #[test]
    fn a_hash_names_argon2id_with_its_parameters_and_verifies_only_its_own_password() {
        let hash = hash_password(&World::system(), &secret("correct horse battery"));
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(Memory::default().matches(&hash, &secret("correct horse battery")));
        assert!(!Memory::default().matches(&hash, &secret("correct horse batter")));
        assert!(!Memory::default().matches("not a hash", &secret("correct horse battery")));
    }

    #[test]
    fn memory_that_is_used_again_finds_the_same() {
        let hash = hash_password(&World::system(), &secret("correct horse battery"));
        let mut memory = Memory::default();
        for _ in 0..2 {
            assert!(!memory.matches(&hash, &secret("another horse")));
            assert!(memory.matches(&hash, &secret("correct horse battery")));
        }
    }

    #[test]
    fn generated_passwords_are_long_and_different() {
        let (one, other) = (generate(&World::system()), generate(&World::system()));
        assert_eq!(one.len(), 23);
        assert_ne!(one, other);
        assert_eq!(check_new_password("ada", &secret(&one)), Ok(()));
    }

    #[test]
    fn the_same_password_has_another_hash_each_time() {
        let world = World::system();
        assert_ne!(
            hash_password(&world, &secret("four plain words here")),
            hash_password(&world, &secret("four plain words here"))
        );
    }

    #[test]
    fn a_long_password_is_not_cut_off() {
        let long = "x".repeat(200);
        let hash = hash_password(&World::system(), &secret(&long));
        assert!(Memory::default().matches(&hash, &secret(&long)));
        assert!(!Memory::default().matches(&hash, &secret(&format!("{long}y"))));
    }

    #[test]
    fn any_characters_and_64_of_them_are_allowed() {
        assert_eq!(check_new_password("ada", &secret(&"ü 漢🙂x".repeat(13))), Ok(()));
        assert_eq!(check_new_password("ada", &secret("correct horse battery staple")), Ok(()));
    }

    #[test]
    fn short_common_and_self_named_passwords_are_refused_with_a_reason() {
        let check = |password: &str| check_new_password("Ada.Lovelace", &secret(password));
        assert_eq!(check("seven77"), Err(WeakPassword::TooShort));
        assert_eq!(check("Password123!"), Err(WeakPassword::Common));
        assert_eq!(check("P4$$w0rd"), Err(WeakPassword::Common));
        assert_eq!(check("aaaaaaaaaaaa"), Err(WeakPassword::Common));
        assert_eq!(check("ada.lovelace"), Err(WeakPassword::UserName));
        // None of these is in our own list.
        for guessed in ["Ada.Lovelace1", "Michelle1987", "gandalf77", "19841984x", "6yhn7ujm"] {
            assert_eq!(check(guessed), Err(WeakPassword::Common), "{guessed}");
        }
        for guessed in ["Willkommen!2", "geheimnis99", "dienstag"] {
            assert_eq!(check(guessed), Err(WeakPassword::Common), "{guessed}");
        }
        assert_eq!(check(&"long".repeat(400)), Err(WeakPassword::TooLong));
    }
}
