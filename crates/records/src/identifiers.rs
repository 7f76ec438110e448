//! Hardware identifiers in one canonical form each, so that equal identifiers are equal texts.

use crate::absent::is_absent_identifier;
use crate::excel::{self, Scientific};
use crate::note::LeftOut;
use std::fmt;

/// A value that was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found<T> {
    pub(crate) value: T,
    /// Whether damage was repaired. Another notation of the same value is no damage.
    pub(crate) is_repaired: bool,
}

/// `Ok(None)`: the text says that there is no value.
pub(crate) type Reading<T> = Result<Option<Found<T>>, LeftOut>;

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Parses the identifier in any common notation; `None` if it has another form, says that there is no
            /// value, or is damaged beyond certain repair.
            pub fn parse(text: &str) -> Option<$name> {
                Some($name::read(text).ok()??.value)
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

identifier! {
    /// IMEI: 15 digits with a valid check digit.
    Imei
}
identifier! {
    /// MEID: 14 hexadecimal digits in upper case, without check digit.
    Meid
}
identifier! {
    /// Serial number: 8 to 20 letters A to Z and digits, in upper case.
    SerialNumber
}
identifier! {
    /// UDID of an iPhone or iPad: hexadecimal digits in upper case, 40 or 8-16 (`00008110-000A34E21E80801E`).
    Udid
}
identifier! {
    /// MAC address: six pairs of hexadecimal digits in upper case with colons.
    MacAddress
}
identifier! {
    /// Apple's model identifier, such as `iPhone14,5`.
    ProductName
}

// Removes the damage that all identifiers may have. The result says whether something was repaired.
fn undamaged(text: &str) -> Result<(String, bool), LeftOut> {
    let bare = excel::unwrapped(text);
    let is_wrapped = bare.len() != text.trim().len();
    match excel::scientific(bare) {
        Some(Scientific::Exact(digits)) => Ok((digits, true)),
        Some(Scientific::LostDigits) => Err(LeftOut::LostDigits),
        None => {
            let joined = excel::joined(bare);
            Ok((joined.into_owned(), is_wrapped || excel::is_decimal(bare)))
        }
    }
}

impl Imei {
    pub(crate) fn read(text: &str) -> Reading<Imei> {
        if is_absent_identifier(excel::unwrapped(text)) {
            return Ok(None);
        }
        let (mut digits, mut is_repaired) = undamaged(text)?;
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(LeftOut::Form);
        }
        // IMEIs in use that begin with a zero begin with 01 (PTCRB). No phone's IMEI begins with 1 (GSMA TS.06,
        // reporting body identifiers). With a valid check digit, the lost zero is certain.
        if digits.len() == 14 && digits.starts_with('1') {
            digits.insert(0, '0');
            is_repaired = true;
        }
        match digits.len() {
            15 if is_luhn(&digits) => Ok(Some(Found { value: Imei(digits), is_repaired })),
            15 => Err(LeftOut::CheckDigit),
            _ => Err(LeftOut::Form),
        }
    }
}

// Luhn's algorithm (ISO/IEC 7812-1, annex B).
fn is_luhn(digits: &str) -> bool {
    let doubled = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let digits = digits.bytes().rev().map(|byte| u32::from(byte - b'0'));
    let sum: u32 = digits.enumerate().map(|(at, digit)| if at % 2 == 1 { doubled(digit) } else { digit }).sum();
    sum.is_multiple_of(10)
}

impl Meid {
    pub(crate) fn read(text: &str) -> Reading<Meid> {
        if is_absent_identifier(excel::unwrapped(text)) {
            return Ok(None);
        }
        let (digits, is_repaired) = undamaged(text)?;
        let is_meid = digits.len() == 14 && is_hexadecimal(&digits);
        if !is_meid {
            return Err(LeftOut::Form);
        }
        Ok(Some(Found { value: Meid(digits.to_ascii_uppercase()), is_repaired }))
    }
}

impl SerialNumber {
    pub(crate) fn read(text: &str) -> Reading<SerialNumber> {
        let bare = excel::unwrapped(text);
        if is_absent_identifier(bare) {
            return Ok(None);
        }
        // Even with all digits, a number does not say whether leading zeros are lost.
        if excel::scientific(bare).is_some() || excel::is_decimal(bare) {
            return Err(LeftOut::LostDigits);
        }
        if !(8..=20).contains(&bare.len()) || !bare.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(LeftOut::Form);
        }
        let is_repaired = bare.len() != text.trim().len();
        Ok(Some(Found { value: SerialNumber(bare.to_ascii_uppercase()), is_repaired }))
    }
}

impl Udid {
    pub(crate) fn read(text: &str) -> Reading<Udid> {
        let bare = excel::unwrapped(text);
        if is_absent_identifier(bare) {
            return Ok(None);
        }
        if excel::scientific(bare).is_some() {
            return Err(LeftOut::LostDigits);
        }
        let parts: Vec<&str> = bare.split('-').collect();
        if !parts.iter().all(|part| is_hexadecimal(part)) {
            return Err(LeftOut::Form);
        }
        let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
        match lengths[..] {
            [40] | [8, 16] => {
                let is_repaired = bare.len() != text.trim().len();
                Ok(Some(Found { value: Udid(bare.to_ascii_uppercase()), is_repaired }))
            }
            [8, 4, 4, 4, 12] => Err(LeftOut::EnrollmentId),
            _ => Err(LeftOut::Form),
        }
    }
}

impl MacAddress {
    pub(crate) fn read(text: &str) -> Reading<MacAddress> {
        let bare = excel::unwrapped(text);
        // Apps get this address instead of the real one since iOS 7.
        if is_absent_identifier(bare) || bare == "02:00:00:00:00:00" {
            return Ok(None);
        }
        if excel::scientific(bare).is_some() {
            return Err(LeftOut::LostDigits);
        }
        let digits: String = bare.chars().filter(|letter| !matches!(letter, ':' | '-' | '.' | ' ')).collect();
        if digits.len() != 12 || !is_hexadecimal(&digits) {
            return Err(LeftOut::Form);
        }
        let digits = digits.to_ascii_uppercase();
        let pairs: Vec<&str> = (0..6).map(|pair| &digits[pair * 2..pair * 2 + 2]).collect();
        let is_repaired = bare.len() != text.trim().len();
        Ok(Some(Found { value: MacAddress(pairs.join(":")), is_repaired }))
    }
}

impl ProductName {
    pub(crate) fn read(text: &str) -> Reading<ProductName> {
        let bare = excel::unwrapped(text);
        if is_absent_identifier(bare) {
            return Ok(None);
        }
        let is_digits = |text: &str| (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        let is_product = bare.split_once(',').is_some_and(|(family, minor)| {
            let name = family.trim_end_matches(|letter: char| letter.is_ascii_digit());
            let is_name = (1..=16).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphabetic());
            is_name && is_digits(&family[name.len()..]) && is_digits(minor)
        });
        if !is_product {
            return Err(LeftOut::Form);
        }
        let is_repaired = bare.len() != text.trim().len();
        Ok(Some(Found { value: ProductName(bare.to_owned()), is_repaired }))
    }
}

fn is_hexadecimal(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn imei(text: &str) -> Result<Option<(String, bool)>, LeftOut> {
        Ok(Imei::read(text)?.map(|found| (found.value.0, found.is_repaired)))
    }

    #[test]
    fn an_imei_is_read_in_every_notation() {
        for text in ["356938035643809", "35 693803 564380 9", "35-693803-564380-9", " 356938035643809 "] {
            assert_eq!(imei(text), Ok(Some(("356938035643809".into(), false))), "{text}");
        }
    }

    #[test]
    fn damage_of_an_imei_is_repaired_only_if_the_repair_is_certain() {
        for text in ["'356938035643809", "=\"356938035643809\"", "356938035643809.0", "3.56938035643809E+14"] {
            assert_eq!(imei(text), Ok(Some(("356938035643809".into(), true))), "{text}");
        }
        assert_eq!(imei("13245000882110"), Err(LeftOut::CheckDigit));
        assert_eq!(imei("13245000882114"), Ok(Some(("013245000882114".into(), true))), "the zero was lost");
        assert_eq!(imei("3.56938E+14"), Err(LeftOut::LostDigits));
        assert_eq!(imei("356938035643800"), Err(LeftOut::CheckDigit), "Excel rounded the last digit");
        for text in ["35693803564380", "3569380356438091", "35693803564380X", "\u{663}56938035643809"] {
            assert_eq!(imei(text), Err(LeftOut::Form), "{text}");
        }
        for text in ["000000000000000", "N/A", "Unknown", "-", "", "=\"\""] {
            assert_eq!(imei(text), Ok(None), "{text}");
        }
    }

    #[test]
    fn a_meid_has_fourteen_hexadecimal_digits() {
        assert_eq!(Meid::parse("a1000009296edf").unwrap().as_str(), "A1000009296EDF");
        assert_eq!(Meid::parse("'35693803564380").unwrap().as_str(), "35693803564380");
        assert_eq!(Meid::read("9.9E+13"), Err(LeftOut::LostDigits));
        assert_eq!(Meid::read("356938035643809"), Err(LeftOut::Form));
    }

    #[test]
    fn a_serial_number_that_became_a_number_is_left_out() {
        assert_eq!(SerialNumber::parse("f2lxj0aaaj5k").unwrap().as_str(), "F2LXJ0AAAJ5K");
        assert_eq!(SerialNumber::parse("12E45678901").unwrap().as_str(), "12E45678901");
        assert!(SerialNumber::read("'F2LXJ0AAAJ5K").unwrap().unwrap().is_repaired);
        for text in ["1.23E+11", "1,23E+11", "1.23456789012E+11", "123456789012.0"] {
            assert_eq!(SerialNumber::read(text), Err(LeftOut::LostDigits), "{text}");
        }
        for text in ["F2L", "F2LXJ0 AAAJ5K", "F2LXJ0\u{202e}AAAJ5", "=cmd|' /C calc'!A0", "ＦＦＦＦＦＦＦＦ"] {
            assert_eq!(SerialNumber::read(text), Err(LeftOut::Form), "{text}");
        }
    }

    #[test]
    fn an_enrollment_id_in_the_column_of_the_udid_is_no_udid() {
        let old = "3d95e1dc0f6b2ff61d2dd5e2ae11b3ea1d4d2a93";
        assert_eq!(Udid::parse(old).unwrap().as_str(), old.to_ascii_uppercase());
        assert_eq!(Udid::parse("00008110-000a34e21e80801e").unwrap().as_str(), "00008110-000A34E21E80801E");
        assert_eq!(Udid::read("FB833D84-50C0-41DD-99DE-F748E44FFEF5"), Err(LeftOut::EnrollmentId));
        assert_eq!(Udid::read("00000000-0000000000000000"), Ok(None));
        for text in ["3d95", "00008110_000A34E21E80801E", "-", "--"] {
            assert_eq!(Udid::parse(text), None, "{text}");
        }
    }

    #[test]
    fn mac_addresses_are_equal_in_every_notation() {
        for text in ["aa:bb:cc:00:11:22", "AA-BB-CC-00-11-22", "aabb.cc00.1122", "AABBCC001122"] {
            assert_eq!(MacAddress::parse(text).unwrap().as_str(), "AA:BB:CC:00:11:22", "{text}");
        }
        for text in ["00:00:00:00:00:00", "02:00:00:00:00:00", ""] {
            assert_eq!(MacAddress::read(text), Ok(None), "{text}");
        }
        assert_eq!(MacAddress::read("1.12233E+11"), Err(LeftOut::LostDigits));
        assert_eq!(MacAddress::read("aa:bb:cc:00:11"), Err(LeftOut::Form));
        assert_eq!(MacAddress::read("éééééé"), Err(LeftOut::Form), "12 bytes that are no digits");
    }

    #[test]
    fn a_product_name_is_apart_from_a_marketing_name() {
        for text in ["iPhone14,5", "iPad13,18", "AppleTV11,1"] {
            assert_eq!(ProductName::parse(text).unwrap().as_str(), text);
        }
        for text in ["iPhone 13", "iPhone14,", "14,5", "iPhone,5", "iPhone14,5,6", "iPhone1234,5"] {
            assert_eq!(ProductName::read(text), Err(LeftOut::Form), "{text}");
        }
    }
}
