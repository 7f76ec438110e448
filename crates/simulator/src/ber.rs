//! The encodings that CMS messages need, implemented by hand: definite lengths (DER), and the indefinite lengths
//! (BER) that Apple's devices send (X.690 §8.1.3.6) and that common libraries no longer write.

pub const INTEGER: u8 = 0x02;
pub const BIT_STRING: u8 = 0x03;
pub const OCTET_STRING: u8 = 0x04;
pub const NULL: u8 = 0x05;
pub const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const UTF8_STRING: u8 = 0x0c;
pub(crate) const PRINTABLE_STRING: u8 = 0x13;
/// In pieces, each of which is an OCTET STRING.
pub const CONSTRUCTED_OCTET_STRING: u8 = 0x24;
pub const SEQUENCE: u8 = 0x30;
pub const SET: u8 = 0x31;
/// `[0]`, constructed.
pub const CONTEXT_0: u8 = 0xa0;

/// Encodes tag, length and value.
pub fn encode(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    bytes.extend(length(content.len()));
    bytes.extend_from_slice(content);
    bytes
}

/// Encodes a constructed value of definite length.
pub fn constructed(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    encode(tag, &parts.concat())
}

/// Encodes a constructed value of indefinite length, which ends with end-of-contents octets.
pub fn indefinite(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = vec![tag, 0x80];
    bytes.extend(parts.concat());
    bytes.extend([0, 0]);
    bytes
}

/// Encodes a `SET OF` in DER: its members are sorted by their encodings (X.690 §11.6).
pub(crate) fn set_of(tag: u8, mut members: Vec<Vec<u8>>) -> Vec<u8> {
    members.sort();
    encode(tag, &members.concat())
}

fn length(length: usize) -> Vec<u8> {
    if let Ok(short @ 0..=0x7f) = u8::try_from(length) {
        return vec![short];
    }
    let bytes = length.to_be_bytes();
    let significant: Vec<u8> = bytes.into_iter().skip_while(|byte| *byte == 0).collect();
    let mut encoded = vec![0x80 | u8::try_from(significant.len()).unwrap_or(0x7f)];
    encoded.extend(significant);
    encoded
}

/// Encodes a non-negative INTEGER from its big-endian bytes.
pub fn unsigned(big_endian: &[u8]) -> Vec<u8> {
    let mut bytes: Vec<u8> = big_endian.iter().copied().skip_while(|byte| *byte == 0).collect();
    if bytes.first().is_none_or(|first| first & 0x80 != 0) {
        bytes.insert(0, 0);
    }
    encode(INTEGER, &bytes)
}

pub fn null() -> Vec<u8> {
    encode(NULL, &[])
}

/// Encodes an OBJECT IDENTIFIER from its arcs.
pub fn oid(arcs: &[u32]) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let [first, second, rest @ ..] = arcs {
        bytes.extend(base128(first * 40 + second));
        bytes.extend(rest.iter().flat_map(|arc| base128(*arc)));
    }
    encode(OBJECT_IDENTIFIER, &bytes)
}

fn base128(mut arc: u32) -> Vec<u8> {
    let mut bytes = vec![low_septet(arc)];
    while arc > 0x7f {
        arc >>= 7;
        bytes.push(low_septet(arc) | 0x80);
    }
    bytes.reverse();
    bytes
}

fn low_septet(number: u32) -> u8 {
    number.to_le_bytes()[0] & 0x7f
}

/// Encodes an AlgorithmIdentifier. `with_null` says whether its parameters are NULL or absent.
pub fn algorithm(arcs: &[u32], with_null: bool) -> Vec<u8> {
    let parameters = if with_null { null() } else { Vec::new() };
    constructed(SEQUENCE, &[&oid(arcs), &parameters])
}

/// Encodes an attribute with one value, as in PKCS#10 and CMS.
pub fn attribute(arcs: &[u32], value: &[u8]) -> Vec<u8> {
    constructed(SEQUENCE, &[&oid(arcs), &encode(SET, value)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_take_as_many_bytes_as_they_need() {
        assert_eq!(encode(OCTET_STRING, &[7; 3]), [4, 3, 7, 7, 7]);
        assert_eq!(encode(OCTET_STRING, &[0; 200])[..3], [4, 0x81, 200]);
        assert_eq!(encode(OCTET_STRING, &[0; 801])[..4], [4, 0x82, 3, 33]);
    }

    #[test]
    fn integers_stay_positive() {
        assert_eq!(unsigned(&[0x22]), [2, 1, 0x22]);
        assert_eq!(unsigned(&[0, 0xff]), [2, 2, 0, 0xff]);
        assert_eq!(unsigned(&[]), [2, 1, 0]);
    }

    #[test]
    fn object_identifiers_are_those_of_openssl() {
        for text in ["1.2.840.113549.1.7.2", "2.16.840.1.113733.1.9.7", "1.3.14.3.2.26"] {
            let arcs: Vec<u32> = text.split('.').map(|arc| arc.parse().unwrap()).collect();
            let known = der::asn1::ObjectIdentifier::new(text).unwrap();
            assert_eq!(oid(&arcs)[2..], *known.as_bytes(), "{text}");
        }
    }

    #[test]
    fn an_indefinite_value_ends_with_an_end_of_contents() {
        assert_eq!(indefinite(SEQUENCE, &[&null()]), [0x30, 0x80, 5, 0, 0, 0]);
    }
}
