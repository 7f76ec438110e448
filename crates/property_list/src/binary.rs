//! Reads a binary property list (`bplist00`), as profile editors write it. A small file can reference one object many
//! times, even recursively. Depth, values and bytes are therefore counted while reading, not by their size in the
//! file.

use super::{BadPropertyList, MAX_DEPTH, MAX_VALUES};
use events::device::AnswerFault;
use plist::{Date, Dictionary, Value};
use std::ops::RangeInclusive;
use std::time::{Duration, SystemTime};

pub(super) const MAGIC: &[u8] = b"bplist00";
const TRAILER: usize = 32;
/// Maximum bytes of texts and data read from one file.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Epoch of dates, 2001-01-01T00:00:00Z, as Unix time in seconds.
const EPOCH: u64 = 978_307_200;
/// Valid seconds relative to the epoch: from the year 1 to the end of the year 9999.
const DATES: RangeInclusive<f64> = -63_113_904_000.0..=252_423_993_599.0;

struct File<'a> {
    bytes: &'a [u8],
    /// Table of the offsets of the objects.
    offsets: &'a [u8],
    offset_size: usize,
    reference_size: usize,
    values: usize,
    size: usize,
}

/// Reads the whole file.
///
/// # Errors
/// Returns an error if the file is truncated or damaged, if its top object is not a dictionary, or if it exceeds a
/// limit.
pub(super) fn read(bytes: &[u8]) -> Result<Dictionary, BadPropertyList> {
    let (mut file, top) = opened(bytes).ok_or(BadPropertyList::BadBinary)?;
    match file.object(top, 1)? {
        Value::Dictionary(dictionary) => Ok(dictionary),
        _ => Err(BadPropertyList::NotADictionary),
    }
}

fn opened(bytes: &[u8]) -> Option<(File<'_>, usize)> {
    let body = bytes.len().checked_sub(TRAILER)?;
    let trailer = &bytes[body..];
    let (offset_size, reference_size) = (usize::from(trailer[6]), usize::from(trailer[7]));
    let number = |at: usize| integer(&trailer[at..at + 8]).and_then(|number| usize::try_from(number).ok());
    let (count, top, table) = (number(8)?, number(16)?, number(24)?);
    if !matches!(offset_size, 1..=8) || !matches!(reference_size, 1..=8) {
        return None;
    }
    let end = table.checked_add(count.checked_mul(offset_size)?)?;
    let offsets = bytes[..body].get(table..end)?;
    Some((File { bytes: &bytes[..table], offsets, offset_size, reference_size, values: 0, size: 0 }, top))
}

fn integer(bytes: &[u8]) -> Option<u64> {
    (bytes.len() <= 8).then(|| bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

impl<'a> File<'a> {
    fn object(&mut self, nth: usize, depth: usize) -> Result<Value, BadPropertyList> {
        if depth > MAX_DEPTH {
            return Err(BadPropertyList::TooDeep);
        }
        let at = self.offset(nth).ok_or(BadPropertyList::BadBinary)?;
        let marker = *self.bytes.get(at).ok_or(BadPropertyList::BadBinary)?;
        match marker >> 4 {
            0xa => self.array(at, depth),
            0xd => self.dictionary(at, depth),
            0x4..=0x6 => self.text(at),
            _ => self.plain(at, marker),
        }
    }

    fn offset(&self, nth: usize) -> Option<usize> {
        let begin = nth.checked_mul(self.offset_size)?;
        let offset = integer(self.offsets.get(begin..begin.checked_add(self.offset_size)?)?)?;
        usize::try_from(offset).ok()
    }

    // Returns the number of members, units or bytes of an object, and where they begin.
    fn length(&self, at: usize) -> Option<(usize, usize)> {
        let low = usize::from(self.bytes.get(at)? & 0xf);
        if low != 0xf {
            return Some((low, at + 1));
        }
        let marker = *self.bytes.get(at + 1)?;
        let width = 1_usize.checked_shl(u32::from(marker & 0xf)).filter(|width| marker >> 4 == 1 && *width <= 8)?;
        let length = integer(self.bytes.get(at + 2..at + 2 + width)?)?;
        Some((usize::try_from(length).ok()?, at + 2 + width))
    }

    // Returns the objects that an array or dictionary references: `times` lists of its length. They are counted before
    // they are read.
    fn references(&mut self, at: usize, times: usize) -> Result<Vec<usize>, BadPropertyList> {
        let listed = |file: &Self| {
            let (length, begin) = file.length(at)?;
            let size = length.checked_mul(times)?.checked_mul(file.reference_size)?;
            file.bytes.get(begin..begin.checked_add(size)?)
        };
        let listed = listed(self).ok_or(BadPropertyList::BadBinary)?;
        let references = listed.chunks(self.reference_size);
        self.values += references.len();
        if self.values > MAX_VALUES {
            return Err(BadPropertyList::Value(AnswerFault::TooMany));
        }
        let references = references.map(|reference| usize::try_from(integer(reference)?).ok());
        references.collect::<Option<_>>().ok_or(BadPropertyList::BadBinary)
    }

    fn array(&mut self, at: usize, depth: usize) -> Result<Value, BadPropertyList> {
        let members = self.references(at, 1)?;
        let members = members.into_iter().map(|member| self.object(member, depth + 1));
        Ok(Value::Array(members.collect::<Result<_, _>>()?))
    }

    fn dictionary(&mut self, at: usize, depth: usize) -> Result<Value, BadPropertyList> {
        let references = self.references(at, 2)?;
        let (keys, values) = references.split_at(references.len() / 2);
        let mut dictionary = Dictionary::new();
        for (key, value) in keys.iter().zip(values) {
            let Value::String(key) = self.object(*key, depth + 1)? else {
                return Err(BadPropertyList::Value(AnswerFault::Structure));
            };
            if dictionary.contains_key(&key) {
                return Err(BadPropertyList::KeyTwice(key));
            }
            dictionary.insert(key, self.object(*value, depth + 1)?);
        }
        Ok(Value::Dictionary(dictionary))
    }

    fn text(&mut self, at: usize) -> Result<Value, BadPropertyList> {
        let kind = self.bytes[at] >> 4;
        let (length, begin) = self.length(at).ok_or(BadPropertyList::BadBinary)?;
        let size = if kind == 6 { length.checked_mul(2) } else { Some(length) };
        let bytes = size.and_then(|size| self.bytes.get(begin..begin.checked_add(size)?));
        let bytes = bytes.ok_or(BadPropertyList::BadBinary)?;
        self.size += bytes.len();
        if self.size > MAX_BYTES {
            return Err(BadPropertyList::Value(AnswerFault::TooMany));
        }
        match kind {
            4 => Ok(Value::Data(bytes.to_vec())),
            5 if bytes.is_ascii() => Ok(Value::String(String::from_utf8_lossy(bytes).into_owned())),
            6 => super::utf_16(bytes, u16::from_be_bytes).map(Value::String),
            _ => Err(BadPropertyList::Value(AnswerFault::Characters)),
        }
    }

    // Reads numbers, booleans and dates. Null and UID do not occur in profiles.
    fn plain(&self, at: usize, marker: u8) -> Result<Value, BadPropertyList> {
        let structure = BadPropertyList::Value(AnswerFault::Structure);
        let width = 1_usize << (marker & 0xf).min(5);
        let bytes = || self.bytes.get(at + 1..at + 1 + width).ok_or(BadPropertyList::BadBinary);
        match marker {
            0x08 => Ok(Value::Boolean(false)),
            0x09 => Ok(Value::Boolean(true)),
            0x10..=0x12 => Ok(integer(bytes()?).ok_or(structure)?.into()),
            // Eight bytes are signed. Sixteen bytes hold unsigned numbers above the signed range.
            0x13 => Ok(i64::from_be_bytes(fixed(bytes()?)?).into()),
            0x14 => {
                let (high, low) = bytes()?.split_at(8);
                let fits = high.iter().all(|byte| *byte == 0);
                fits.then(|| integer(low)).flatten().map(Value::from).ok_or(BadPropertyList::Value(AnswerFault::Number))
            }
            0x22 => finite(f64::from(f32::from_be_bytes(fixed(bytes()?)?))).map(Value::Real),
            0x23 => finite(f64::from_be_bytes(fixed(bytes()?)?)).map(Value::Real),
            0x33 => date(f64::from_be_bytes(fixed(bytes()?)?)),
            _ => Err(structure),
        }
    }
}

fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], BadPropertyList> {
    bytes.try_into().map_err(|_| BadPropertyList::BadBinary)
}

fn finite(number: f64) -> Result<f64, BadPropertyList> {
    if number.is_finite() { Ok(number) } else { Err(BadPropertyList::Value(AnswerFault::Number)) }
}

fn date(seconds: f64) -> Result<Value, BadPropertyList> {
    if !DATES.contains(&seconds) {
        return Err(BadPropertyList::Value(AnswerFault::Date));
    }
    let epoch = SystemTime::UNIX_EPOCH + Duration::from_secs(EPOCH);
    let distance = Duration::from_secs_f64(seconds.abs());
    Ok(Value::Date(Date::from(if seconds < 0.0 { epoch - distance } else { epoch + distance })))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binary(value: &Value) -> Vec<u8> {
        let mut file = vec![];
        value.to_writer_binary(&mut file).unwrap();
        file
    }

    fn dictionary(entries: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
        Value::Dictionary(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    #[test]
    fn every_kind_of_value_is_read() {
        let date = |text| Value::Date(Date::from_xml_format(text).unwrap());
        let whole = dictionary([
            ("text", "Wi-Fi".into()),
            ("wide", "Büro 事務所 🙂".into()),
            ("long", "x".repeat(300).into()),
            ("truths", Value::Array(vec![true.into(), false.into()])),
            ("numbers", Value::Array(vec![0.into(), 300.into(), 70_000.into(), (-5).into(), u64::MAX.into()])),
            ("real", Value::Real(1.5)),
            ("dates", Value::Array(vec![date("2026-11-28T22:14:18Z"), date("1970-01-01T00:00:00Z")])),
            ("data", Value::Data(vec![0, 1, 255])),
            ("inner", dictionary([("a", dictionary([]))])),
        ]);
        assert_eq!(read(&binary(&whole)).map(Value::Dictionary), Ok(whole));
    }

    #[test]
    fn every_beginning_of_a_file_and_every_changed_byte_is_read_or_refused() {
        let file = binary(&dictionary([("a", Value::Array(vec!["b".into(), 1.into(), Value::Real(2.0)]))]));
        for length in 0..file.len() {
            assert!(read(&file[..length]).is_err(), "{length}");
        }
        for at in 0..file.len() {
            for byte in [0, 1, 0x0f, 0x7f, 0x80, 0xaf, 0xdf, 0xff] {
                let mut changed = file.clone();
                changed[at] = byte;
                drop(read(&changed));
            }
        }
    }

    // Builds a file with these objects, each shorter than 256 bytes, the first one as top object. References and
    // offsets have one byte.
    fn of_objects(objects: &[Vec<u8>]) -> Vec<u8> {
        let mut file = MAGIC.to_vec();
        let mut offsets = vec![];
        for object in objects {
            offsets.push(u8::try_from(file.len()).unwrap());
            file.extend(object);
        }
        let table = file.len();
        file.extend(&offsets);
        file.extend([0, 0, 0, 0, 0, 0, 1, 1]);
        for number in [objects.len(), 0, table] {
            file.extend(u64::try_from(number).unwrap().to_be_bytes());
        }
        file
    }

    #[test]
    fn a_list_that_holds_itself_and_one_that_grows_by_naming_lists_many_times_are_refused() {
        let top = vec![0xd1, 1, 2];
        let key = vec![0x51, b'a'];
        assert_eq!(read(&of_objects(&[top.clone(), key.clone(), vec![0xa1, 2]])), Err(BadPropertyList::TooDeep));
        let wide = |next: u8| [vec![0xae], vec![next; 14]].concat();
        let bomb: Vec<Vec<u8>> = (3..12).map(wide).chain([vec![0x51, b'x']]).collect();
        let too_many = Err(BadPropertyList::Value(AnswerFault::TooMany));
        assert_eq!(read(&of_objects(&[vec![top, key], bomb].concat())), too_many);
    }

    #[test]
    fn a_text_that_is_named_many_times_counts_each_time() {
        let text = "x".repeat(100_000);
        let whole = dictionary([("a", Value::Array(vec![text.into(); 50]))]);
        assert_eq!(read(&binary(&whole)), Err(BadPropertyList::Value(AnswerFault::TooMany)));
    }
}
