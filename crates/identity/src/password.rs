//! Passwords: how they are hashed, and which new ones are good enough.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Block, Params, PasswordHasher, Version};
use secrecy::{ExposeSecret, SecretString};
use world::World;

/// Fewer characters are refused (OWASP ASVS 5.0, 6.2.1).
pub const MINIMUM_LENGTH: usize = 8;
/// Fewer characters than this deserve a word of advice.
pub const RECOMMENDED_LENGTH: usize = 15;
/// More bytes than this are refused aloud, never cut off in silence.
pub const MAXIMUM_BYTES: usize = 1_024;

/// What is guessed first here, and other lists lack: words of such a product and of its languages, one a line, lower case.
const COMMON: &str = include_str!("common_passwords.txt");
/// Whoever knows what people choose finds a password that is refused within so many guesses. The most common passwords,
/// of which at least 3,000 must be refused (OWASP ASVS 5.0, 6.2.4), are found within their rank.
const FEWEST_GUESSES: u64 = 1_000_000;

/// Why a new password is not good enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    #[error(
        "the password has fewer than {least} characters: take at least {least}, better {better}, such as four or five words",
        least = MINIMUM_LENGTH, better = RECOMMENDED_LENGTH
    )]
    TooShort,
    #[error("the password is longer than {MAXIMUM_BYTES} bytes: take a shorter one")]
    TooLong,
    #[error("the password is one that is guessed first: take another, such as four or five words")]
    Common,
    #[error("the password is the user name: take another")]
    UserName,
}

/// Whether a new password is good enough for an account. Any characters may be in it; nothing is cut off.
///
/// # Errors
/// Says what is wrong with it.
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

// Common as it stands, with digits or marks put behind it, or with the usual letters turned into digits.
fn is_common(lower: &str) -> bool {
    let bare = lower.trim_end_matches(|c: char| !c.is_alphabetic());
    let plain: String = lower.chars().map(unleet).collect();
    let one_character = lower.chars().all(|c| lower.starts_with(c));
    one_character || COMMON.lines().any(|common| common == lower || common == bare || common == plain)
}

// Knows lists of passwords, words and names, also with capitals and with digits for letters; keyboards, dates, repetitions.
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

/// The password as it may be stored: argon2id as a PHC string. Takes tens of milliseconds and 19 MiB: call it from a
/// blocking thread.
///
/// # Panics
/// Never: the parameters are constants that argon2 accepts.
pub fn hash_password(world: &World, password: &SecretString) -> String {
    let salt = world.random::<16>();
    argon2id()
        .hash_password_with_salt(password.expose_secret().as_bytes(), &salt)
        .expect("argon2id takes any password and a salt of 16 bytes")
        .to_string()
}

/// Letters and digits that nobody confuses, 20 of them: 98 bits.
pub fn generate(world: &World) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let letters = world.random::<20>().map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
    letters.chunks(5).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

/// What one password at a time is verified in, kept for the next one: 19 MiB that are taken and given back in ever other
/// threads stay with the allocator, once for each of its arenas, and a crowd makes a small server a large one.
#[derive(Default)]
pub struct Memory(Vec<Block>);

impl Memory {
    /// Whether `password` is the one that `stored` is of; a `stored` that is no hash matches nothing. As slow as hashing:
    /// call it from a blocking thread.
    pub fn matches(&mut self, stored: &str, password: &SecretString) -> bool {
        self.hash_as(stored, password).is_some_and(|(expected, found)| {
            // Comparing takes the same time wherever they differ.
            expected.len() == found.len() && openssl::memcmp::eq(&expected, &found)
        })
    }

    // What the hash is, and what it would be of this password.
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
        // Nothing of our own list is in these.
        for guessed in ["Ada.Lovelace1", "Michelle1987", "gandalf77", "19841984x", "6yhn7ujm"] {
            assert_eq!(check(guessed), Err(WeakPassword::Common), "{guessed}");
        }
        for guessed in ["Willkommen!2", "geheimnis99", "dienstag"] {
            assert_eq!(check(guessed), Err(WeakPassword::Common), "{guessed}");
        }
        assert_eq!(check(&"long".repeat(400)), Err(WeakPassword::TooLong));
    }
}
