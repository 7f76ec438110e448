//! One-time codes from an authenticator app (TOTP, RFC 6238): six digits, 30 seconds, SHA-1, the parameters that
//! every app supports.

use totp_rs::{Builder, Secret, Totp};
use url::Url;
use world::{Timestamp, World};

/// Length of a time step: a new code begins after this many seconds.
pub const STEP_SECONDS: i64 = 30;

/// Generates a seed of 160 bits, as RFC 4226, section 4, recommends. Returns it in base32.
pub fn new_seed(world: &World) -> String {
    Secret::new_stack(world.random::<20>()).to_base32()
}

/// Returns the time step that `code` belongs to: the current one, the one before or the one after (RFC 6238, 5.2,
/// because clocks differ). Returns `None` for a wrong code. The caller must ensure that no step is accepted twice.
/// `seed` is in base32. `code` is as typed: six digits, possibly with spaces.
pub fn step_of(seed: &str, code: &str, now: Timestamp) -> Option<u64> {
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    if code.len() != 6 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    totp(seed)?.check(&code, seconds(now))
}

/// Returns the code of six digits for an instant, for the simulator and tests. `seed` is in base32.
pub fn code_at(seed: &str, at: Timestamp) -> Option<String> {
    Some(totp(seed)?.generate(seconds(at)).to_string())
}

/// Returns the `otpauth://totp/…` URL that an authenticator app reads from a QR code. `seed` is in base32;
/// `organization` and `account` are names to show.
pub fn address(seed: &str, organization: &str, account: &str) -> String {
    // A colon separates the two names in the label, so neither may contain one.
    let plain = |text: &str| text.replace(':', " ");
    let mut address = Url::parse("otpauth://totp/").expect("it is an address");
    let label = format!("{}:{}", plain(organization), plain(account));
    address.set_path(&label);
    address.query_pairs_mut().append_pair("secret", seed).append_pair("issuer", &plain(organization));
    // Some apps show a plus sign for a form-encoded space.
    address.to_string().replace('+', "%20")
}

fn totp(seed: &str) -> Option<Totp> {
    Builder::new().with_secret(Secret::try_from_base32(seed).ok()?).build().ok()
}

fn seconds(at: Timestamp) -> u64 {
    u64::try_from(at.0.div_euclid(1_000_000)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B: the key `12345678901234567890`, SHA-1; the last six of its eight digits.
    const RFC_SEED: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    fn at(seconds: i64) -> Timestamp {
        Timestamp(seconds * 1_000_000)
    }

    #[test]
    fn codes_are_those_of_the_rfc() {
        for (second, code) in
            [(59_i64, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (2_000_000_000, "279037")]
        {
            assert_eq!(code_at(RFC_SEED, at(second)).as_deref(), Some(code));
            assert_eq!(step_of(RFC_SEED, code, at(second)), Some(second.cast_unsigned() / 30));
        }
    }

    #[test]
    fn a_clock_may_be_one_step_off_and_no_more() {
        let now: i64 = 1_234_567_890;
        let step = now.cast_unsigned() / 30;
        for (off, expected) in [(-2, None), (-1, Some(step - 1)), (0, Some(step)), (1, Some(step + 1)), (2, None)] {
            let code = code_at(RFC_SEED, at(now + off * STEP_SECONDS)).unwrap();
            assert_eq!(step_of(RFC_SEED, &code, at(now)), expected, "{off} steps");
        }
    }

    #[test]
    fn what_is_no_code_is_refused_and_blanks_are_forgiven() {
        let now = at(59);
        assert_eq!(step_of(RFC_SEED, " 287 082 ", now), Some(1));
        for wrong in ["", "28708", "2870822", "28708a", "-87082", "２８７０８２"] {
            assert_eq!(step_of(RFC_SEED, wrong, now), None, "{wrong:?}");
        }
        assert_eq!(step_of("no seed!", "287082", now), None);
    }

    #[test]
    fn seeds_are_long_and_different_and_apps_read_their_address() {
        let world = World::system();
        let (one, other) = (new_seed(&world), new_seed(&world));
        assert_ne!(one, other);
        assert_eq!(one.len(), 32, "160 bits in base32");
        let address = address(&one, "Example: School", "grace hopper");
        let expected = "otpauth://totp/Example%20%20School:grace%20hopper?secret=";
        assert!(address.starts_with(expected), "{address}");
        assert!(address.ends_with("&issuer=Example%20%20School"), "{address}");
    }
}
