//! Parses BER (X.690 section 8) in place, without copying, with limits on size and depth. It checks messages from
//! strangers before OpenSSL parses them, because OpenSSL's work depends on the content of a message.

/// Maximum nesting depth. It exceeds that of any CMS message: certificates have about twelve levels.
const DEEPEST: usize = 32;

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const CONSTRUCTED_OCTET_STRING: u8 = 0x24;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;
/// `[0]` and `[1]`, constructed.
pub(crate) const CONTEXT_0: u8 = 0xa0;
pub(crate) const CONTEXT_1: u8 = 0xa1;
/// `[0]`, primitive.
pub(crate) const PRIMITIVE_CONTEXT_0: u8 = 0x80;

const CONSTRUCTED: u8 = 0x20;
const END_OF_CONTENTS: u8 = 0x00;

/// One value: its tag and content. The content excludes the end-of-contents octets of an indefinite length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Value<'a> {
    /// The identifier octet: class, constructed bit and number (X.690 §8.1.2).
    pub tag: u8,
    pub content: &'a [u8],
    /// Number of bytes of the whole value, including tag and length.
    pub size: usize,
}

struct Header {
    tag: u8,
    /// `None` means an indefinite length.
    length: Option<usize>,
    size: usize,
}

// CMS uses no tags of more than one byte.
fn header(bytes: &[u8]) -> Option<Header> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    if tag & 0x1f == 0x1f {
        return None;
    }
    let (length, more) = match first {
        0..=0x7f => (Some(usize::from(first)), 0),
        0x80 => (None, 0),
        _ => {
            let more = usize::from(first & 0x7f);
            let octets = rest.get(..more).filter(|_| more <= size_of::<usize>())?;
            (Some(octets.iter().fold(0usize, |sum, octet| sum << 8 | usize::from(*octet))), more)
        }
    };
    Some(Header { tag, length, size: 2 + more })
}

// Returns the number of bytes of the first value, if all its members are well formed and there are at most
// `most_parts` values, including itself. Not recursive: `open` holds the ends of the enclosing values; `None` means
// that end-of-contents octets end it.
fn extent(bytes: &[u8], most_parts: usize) -> Option<usize> {
    let (mut at, mut parts) = (0usize, 0usize);
    let mut open: Vec<Option<usize>> = Vec::new();
    loop {
        while let Some(Some(end)) = open.last()
            && *end == at
        {
            open.pop();
        }
        if at > 0 && open.is_empty() {
            return Some(at);
        }
        let limit = open.iter().rev().find_map(|end| *end).unwrap_or(bytes.len());
        let header = header(bytes.get(at..limit)?)?;
        if header.tag == END_OF_CONTENTS {
            if open.pop() != Some(None) || header.length != Some(0) || header.size != 2 {
                return None;
            }
            at += header.size;
            continue;
        }
        parts += 1;
        at += header.size;
        let end = match header.length {
            Some(length) => Some(at.checked_add(length).filter(|end| *end <= limit)?),
            None => None,
        };
        let constructed = header.tag & CONSTRUCTED != 0;
        match end {
            Some(end) if !constructed => at = end,
            None if !constructed => return None,
            end => open.push(end),
        }
        if parts > most_parts || open.len() > DEEPEST {
            return None;
        }
    }
}

/// Returns the first value in `bytes`, if it is well formed and consists of at most `most_parts` values.
pub(crate) fn first(bytes: &[u8], most_parts: usize) -> Option<Value<'_>> {
    let extent = extent(bytes, most_parts)?;
    let Header { tag, length, size } = header(bytes)?;
    let end = if length.is_some() { extent } else { extent - 2 };
    Some(Value { tag, content: bytes.get(size..end)?, size: extent })
}

/// Iterates over the members of a constructed value.
#[derive(Debug, Clone)]
pub(crate) struct Members<'a>(&'a [u8]);

impl<'a> Value<'a> {
    /// Returns the members, if the value has this tag and the tag is constructed.
    pub(crate) fn members(&self, tag: u8) -> Option<Members<'a>> {
        (self.tag == tag && tag & CONSTRUCTED != 0).then_some(Members(self.content))
    }
}

impl<'a> Members<'a> {
    /// Returns the next member with any tag, or `None` at the end.
    pub(crate) fn any(&mut self) -> Option<Value<'a>> {
        let Header { tag, length, size } = header(self.0)?;
        let value = match length {
            // Its content was checked when the whole value was.
            Some(length) => Value { tag, content: self.0.get(size..size.checked_add(length)?)?, size: size + length },
            None => first(self.0, usize::MAX)?,
        };
        self.0 = self.0.get(value.size..)?;
        Some(value)
    }

    /// Returns the next member if it has this tag. A member with another tag is not consumed.
    pub(crate) fn next(&mut self, tag: u8) -> Option<Value<'a>> {
        if self.0.first() == Some(&tag) { self.any() } else { None }
    }

    /// Returns the next member if it has this tag and is the last one.
    pub(crate) fn only(mut self, tag: u8) -> Option<Value<'a>> {
        self.next(tag).filter(|_| self.is_at_end())
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the number of remaining members; `None` if one is malformed.
    pub(crate) fn count(mut self) -> Option<usize> {
        let mut count = 0;
        while !self.is_at_end() {
            self.any()?;
            count += 1;
        }
        Some(count)
    }
}

/// Returns the bytes of an OCTET STRING, in one piece or in several (X.690 section 8.7.3).
pub(crate) fn octets(value: Value<'_>) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    collect(value, &mut bytes)?;
    Some(bytes)
}

// Recursive; the depth is limited by `first`.
fn collect(value: Value<'_>, bytes: &mut Vec<u8>) -> Option<()> {
    if value.tag == OCTET_STRING {
        bytes.extend_from_slice(value.content);
        return Some(());
    }
    let mut pieces = value.members(CONSTRUCTED_OCTET_STRING)?;
    while !pieces.is_at_end() {
        collect(pieces.any()?, bytes)?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENOUGH: usize = 100;

    fn size(bytes: &[u8]) -> Option<usize> {
        first(bytes, ENOUGH).map(|value| value.size)
    }

    #[test]
    fn definite_and_indefinite_lengths_are_read() {
        assert_eq!(size(&[0x30, 2, 5, 0, 7, 7]), Some(4), "the bytes after it are not parsed");
        assert_eq!(size(&[0x30, 0x80, 5, 0, 0, 0]), Some(6));
        assert_eq!(size(&[0x30, 0x82, 0, 2, 5, 0]), Some(6), "a length with more bytes than necessary");
        let nested = [0x30, 0x80, 0x24, 0x80, 4, 1, b'a', 4, 1, b'b', 0, 0, 0, 0];
        let outer = first(&nested, ENOUGH).unwrap();
        assert_eq!(octets(outer.members(SEQUENCE).unwrap().any().unwrap()).unwrap(), b"ab");
        assert!(first(&nested, 4).is_some() && first(&nested, 3).is_none());
    }

    #[test]
    fn what_is_malformed_is_nothing() {
        for bytes in [
            &[][..],
            &[0x30],
            &[0x30, 3, 5, 0],
            &[0x30, 0x80, 5, 0],
            &[0x30, 2, 0, 0],
            &[0x04, 0x80, 0, 0],
            &[0x3f, 0x81, 1, 0],
            &[0x30, 0x80, 0x30, 4, 0, 0, 0, 0],
            &[0x30, 0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0x30, 0x89, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            &[0, 0],
        ] {
            assert_eq!(size(bytes), None, "{bytes:02x?}");
        }
    }

    #[test]
    fn depth_and_number_of_parts_are_bounded() {
        let deep = |levels: usize| [[0x30, 0x80].repeat(levels), [0, 0].repeat(levels)].concat();
        assert!(size(&deep(DEEPEST)).is_some() && size(&deep(DEEPEST + 1)).is_none());
        assert!(size(&deep(100_000)).is_none());
        let wide = |members: u8| [&[0x30, 2 * members][..], &[5, 0].repeat(usize::from(members))].concat();
        assert!(first(&wide(9), 10).is_some() && first(&wide(10), 10).is_none());
    }

    #[test]
    fn a_member_of_another_tag_stays_where_it_is() {
        let value = first(&[0x30, 4, 2, 0, 5, 0], ENOUGH).unwrap();
        let mut members = value.members(SEQUENCE).unwrap();
        assert!(members.next(OCTET_STRING).is_none());
        assert!(members.next(INTEGER).is_some() && members.clone().only(INTEGER).is_none());
        assert!(members.clone().only(5).is_some());
        assert_eq!(value.members(SEQUENCE).unwrap().count(), Some(2));
        assert!(value.members(SET).is_none());
    }
}
