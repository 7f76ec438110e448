//! Codes of six characters that people read aloud and type: the help code of an enrollment, and codes of invitations.

use super::EnrollmentId;

/// Returns the help code of an enrollment, such as `7KQ-3M2`. The help desk finds the events of the enrollment by it.
/// It is a [`short_code`] of the random end of the id: short enough to be read aloud, and not secret.
pub fn help_code(enrollment: EnrollmentId) -> String {
    short_code(enrollment.0.as_u128())
}

/// Returns six digits of Crockford's base 32 (no I, L, O, U) with a hyphen in the middle, from the 30 lowest bits.
pub fn short_code(bits: u128) -> String {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let mut rest = bits & ((1 << 30) - 1);
    let mut code = [0u8; 6];
    for digit in code.iter_mut().rev() {
        *digit = DIGITS[(rest % 32) as usize];
        rest /= 32;
    }
    let code: String = code.iter().map(|digit| char::from(*digit)).collect();
    format!("{}-{}", &code[..3], &code[3..])
}

/// Normalizes a typed code to the form of [`short_code`]; `None` if the text cannot be such a code.
pub fn parse_short_code(typed: &str) -> Option<String> {
    let plain = |c: char| match c.to_ascii_uppercase() {
        'I' | 'L' => '1',
        'O' => '0',
        other => other,
    };
    let digits: String = typed.chars().filter(|c| !c.is_whitespace() && *c != '-').map(plain).collect();
    let well_formed = digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_alphanumeric() && b != b'U');
    well_formed.then(|| format!("{}-{}", &digits[..3], &digits[3..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_help_code_is_six_digits_that_cannot_be_misread() {
        let id = EnrollmentId(Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_3fff_ffff));
        assert_eq!(help_code(id), "ZZZ-ZZZ");
        assert_eq!(help_code(EnrollmentId(Uuid::from_u128(1 << 30 | 0x21))), "000-011");
    }

    #[test]
    fn a_help_code_is_understood_however_it_is_typed() {
        assert_eq!(parse_short_code(" 7kq3m2 ").as_deref(), Some("7KQ-3M2"));
        assert_eq!(parse_short_code("oIl-00z").as_deref(), Some("011-00Z"));
        for wrong in ["7KQ-3M", "7KQ-3MU", "7KQ-3M22", "ÄÖÜ", ""] {
            assert_eq!(parse_short_code(wrong), None, "{wrong}");
        }
    }
}
