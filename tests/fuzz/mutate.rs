//! Changes messages in a structured way: their values stay well-formed while members are dropped, repeated,
//! exchanged, nested, or written with indefinite length.

/// A value of a BER or DER message. A value that cannot be parsed as members is primitive.
#[derive(Clone)]
struct Value {
    tag: u8,
    indefinite: bool,
    content: Content,
}

#[derive(Clone)]
enum Content {
    Members(Vec<Value>),
    Bytes(Vec<u8>),
}

/// A pseudo-random generator, reproducible by its seed (xorshift64*).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Returns a number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let drawn = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(drawn).unwrap_or_default() % bound.max(1)
    }
}

/// Returns the message with one to three changes, or unchanged if it is not BER.
pub fn mutated(message: &[u8], dice: &mut Dice) -> Vec<u8> {
    let Some(mut values) = read_all(message, 0) else { return message.to_vec() };
    for _ in 0..=dice.below(3) {
        let others = values.clone();
        let at = dice.below(count(&values));
        change(&mut values, &mut { at }, &others, dice);
    }
    let mut bytes = Vec::new();
    values.iter().for_each(|value| write(value, &mut bytes));
    bytes
}

/// Tokens of property lists, and some that do not belong in one.
const TOKENS: [&str; 24] = [
    "<dict>",
    "</dict>",
    "<dict/>",
    "<array>",
    "</array>",
    "<array/>",
    "<key>",
    "</key>",
    "<string>",
    "</string>",
    "<true/>",
    "<integer>-9223372036854775809</integer>",
    "<integer>0xffffffffffffffff</integer>",
    "<real>nan</real>",
    "<real>1e999</real>",
    "<date>9999-12-31T23:59:60Z</date>",
    "<date>-0001-00-00T00:00:00Z</date>",
    "<data>/w==</data>",
    "<data>=</data>",
    "<![CDATA[",
    "]]>",
    "&#0;",
    "&#x110000;",
    "<!DOCTYPE plist [",
];

/// Returns the text with one to four changes: parts dropped, repeated or moved, tokens inserted, bits flipped.
pub fn mutated_text(text: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut text = text.to_vec();
    for _ in 0..=dice.below(4) {
        let from = dice.below(text.len());
        let to = (from + dice.below(64)).min(text.len());
        match dice.below(5) {
            0 => drop(text.drain(from..to)),
            1 => {
                let part = text[from..to].repeat(1 + dice.below(50));
                text.splice(to..to, part);
            }
            2 => {
                let part: Vec<u8> = text.drain(from..to).collect();
                let place = dice.below(text.len());
                text.splice(place..place, part);
            }
            3 => drop(text.splice(from..from, TOKENS[dice.below(TOKENS.len())].bytes())),
            _ => text.iter_mut().skip(from).take(1).for_each(|byte| *byte ^= 1 << dice.below(8)),
        }
    }
    text
}

fn count(values: &[Value]) -> usize {
    values.iter().map(|value| 1 + if let Content::Members(members) = &value.content { count(members) } else { 0 }).sum()
}

fn nth<'a>(values: &'a [Value], at: &mut usize) -> Option<&'a Value> {
    for value in values {
        if *at == 0 {
            return Some(value);
        }
        *at -= 1;
        if let Content::Members(members) = &value.content
            && let Some(found) = nth(members, at)
        {
            return Some(found);
        }
    }
    None
}

// Counts down to the selected value and changes it in place. Returns whether it was found.
fn change(values: &mut Vec<Value>, at: &mut usize, others: &[Value], dice: &mut Dice) -> bool {
    for place in 0..values.len() {
        if *at == 0 {
            change_here(values, place, others, dice);
            return true;
        }
        *at -= 1;
        if let Content::Members(members) = &mut values[place].content
            && change(members, at, others, dice)
        {
            return true;
        }
    }
    false
}

fn change_here(values: &mut Vec<Value>, place: usize, others: &[Value], dice: &mut Dice) {
    let other = nth(others, &mut { dice.below(count(others)) }).cloned();
    match (dice.below(9), other) {
        (0, _) => drop(values.remove(place)),
        (1, _) => values.insert(place, values[place].clone()),
        (2, _) => {
            let with = dice.below(values.len());
            values.swap(place, with);
        }
        (3, Some(other)) => values[place] = other,
        (4, Some(other)) => values.insert(place, other),
        (5, _) => values[place].indefinite = !values[place].indefinite,
        (6, _) => values[place].tag = [0x02, 0x04, 0x05, 0x24, 0x30, 0x31, 0xa0, 0xa1, 0x80][dice.below(9)],
        (7, _) => {
            for _ in 0..=dice.below(200) {
                let inner = values[place].clone();
                values[place] = Value { content: Content::Members(vec![inner.clone()]), ..inner };
            }
        }
        _ => change_bytes(&mut values[place].content, dice),
    }
}

fn change_bytes(content: &mut Content, dice: &mut Dice) {
    let Content::Bytes(bytes) = content else {
        *content = Content::Members(vec![]);
        return;
    };
    let place = dice.below(bytes.len());
    match dice.below(4) {
        0 if !bytes.is_empty() => bytes[place] ^= 1 << dice.below(8),
        1 => bytes.truncate(place),
        2 => bytes.extend(vec![0xff; dice.below(300)]),
        _ => bytes.insert(place, 0),
    }
}

/// Maximum depth of values that are parsed. Certificates have about twelve levels.
const DEPTH: usize = 40;

fn read_all(mut bytes: &[u8], depth: usize) -> Option<Vec<Value>> {
    let mut values = Vec::new();
    while !bytes.is_empty() {
        let (value, rest) = read(bytes, depth)?;
        values.push(value);
        bytes = rest;
    }
    Some(values)
}

fn read(bytes: &[u8], depth: usize) -> Option<(Value, &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let constructed = tag & 0x20 != 0 && depth < DEPTH;
    if first == 0x80 {
        let (members, rest) = read_until_end(rest, depth)?;
        return Some((Value { tag, indefinite: true, content: Content::Members(members) }, rest));
    }
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        _ => {
            let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (length.iter().try_fold(0usize, |sum, byte| sum.checked_mul(256)?.checked_add(usize::from(*byte)))?, rest)
        }
    };
    let (content, rest) = rest.split_at_checked(length)?;
    let members = if constructed { read_all(content, depth + 1) } else { None };
    let content = members.map_or_else(|| Content::Bytes(content.to_vec()), Content::Members);
    Some((Value { tag, indefinite: false, content }, rest))
}

fn read_until_end(mut bytes: &[u8], depth: usize) -> Option<(Vec<Value>, &[u8])> {
    if depth == DEPTH {
        return None;
    }
    let mut members = Vec::new();
    loop {
        if let Some(rest) = bytes.strip_prefix(&[0, 0]) {
            return Some((members, rest));
        }
        let (value, rest) = read(bytes, depth + 1)?;
        members.push(value);
        bytes = rest;
    }
}

fn write(value: &Value, out: &mut Vec<u8>) {
    let mut content = Vec::new();
    match &value.content {
        Content::Members(members) => members.iter().for_each(|member| write(member, &mut content)),
        Content::Bytes(bytes) => content.clone_from(bytes),
    }
    out.push(value.tag);
    if value.indefinite {
        out.push(0x80);
        out.extend(content);
        return out.extend([0, 0]);
    }
    match content.len() {
        short @ 0..=0x7f => out.extend(u8::try_from(short)),
        long => {
            let bytes = long.to_be_bytes();
            let significant = bytes.iter().position(|byte| *byte != 0).unwrap_or_default();
            out.extend(u8::try_from(bytes.len() - significant).map(|count| 0x80 | count));
            out.extend(&bytes[significant..]);
        }
    }
    out.extend(content);
}
