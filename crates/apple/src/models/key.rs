//! Reduces a marketing name to a key that is equal for all spellings of the name.

/// Words that distinguish models.
const NAMES: &[&str] =
    &["iphone", "ipad", "ipod", "touch", "air", "duo", "max", "mini", "plus", "pro", "retina", "se", "x", "xr", "xs"];

/// Words that distinguish no models: units, ordinals, and the radio variants that exports and lists append.
const IGNORED: &[&str] = &[
    "apple",
    "and",
    "cdma",
    "cellular",
    "china",
    "display",
    "fi",
    "gen",
    "generation",
    "global",
    "gsm",
    "in",
    "inch",
    "lte",
    "mainland",
    "mm",
    "mmwave",
    "nd",
    "only",
    "rd",
    "st",
    "td",
    "th",
    "us",
    "usa",
    "vz",
    "wi",
    "wifi",
    "with",
    "zoll",
];

/// Letters that belong to the number before them: `6s`, `5c`, `16e`.
const SUFFIXES: &[&str] = &["s", "c", "e"];

/// Letters that belong to the number after them: the chips `M4` and `A16`, and numbers such as `A2633`.
const PREFIXES: &[&str] = &["a", "m"];

const CAPACITIES: &[&str] = &["gb", "tb"];

/// Separates the numbers of a capacity: `1 or 2 TB`.
const OR: &str = "or";

/// Returns the words and numbers of a name that distinguish models, in alphabetical order, since some exports write
/// `11-inch iPad Pro` and others `iPad Pro 11-inch`. Returns `None` if the name contains a word that no name of an
/// iPhone, iPad or iPod touch contains.
pub(super) fn key(name: &str) -> Option<String> {
    let name = name.to_lowercase().replace("u.s.", "us");
    let mut tokens: Vec<String> = Vec::new();
    let mut rest = name.as_str();
    while let Some(first) = rest.chars().next() {
        if first.is_ascii_digit() {
            let length = number(rest);
            add_number(&mut tokens, &rest[..length].replace(',', "."));
            rest = &rest[length..];
        } else if first.is_alphanumeric() {
            let word = longest_word(rest)?;
            add_word(&mut tokens, word)?;
            rest = &rest[word.len()..];
        } else {
            rest = &rest[first.len_utf8()..];
        }
    }
    tokens.sort_unstable();
    Some(tokens.join(" "))
}

// Length of the number at the start of the text, in bytes. Some exports write `12,9` for `12.9`.
fn number(text: &str) -> usize {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(text);
    match text[whole..].strip_prefix(['.', ',']).map(digits) {
        None | Some(0) => whole,
        Some(fraction) => whole + 1 + fraction,
    }
}

fn longest_word(text: &str) -> Option<&'static str> {
    let words = [NAMES, IGNORED, SUFFIXES, PREFIXES, CAPACITIES, &[OR]].into_iter().flatten();
    words.filter(|word| text.starts_with(**word)).max_by_key(|word| word.len()).copied()
}

fn add_number(tokens: &mut Vec<String>, number: &str) {
    match tokens.last_mut() {
        // `A2633` is the number on the device's case. It names a radio variant.
        Some(last) if last == "a" && number.len() == 4 => _ = tokens.pop(),
        Some(last) if PREFIXES.contains(&last.as_str()) => last.push_str(number),
        _ => tokens.push(number.to_owned()),
    }
}

fn add_word(tokens: &mut Vec<String>, word: &str) -> Option<()> {
    let number = |token: &mut String| token.starts_with(|first: char| first.is_ascii_digit());
    if CAPACITIES.contains(&word) {
        tokens.pop_if(number)?;
        if tokens.pop_if(|token| token == OR).is_some() {
            tokens.pop_if(number)?;
        }
    } else if SUFFIXES.contains(&word) {
        tokens.last_mut().filter(|last| last.ends_with(|end: char| end.is_ascii_digit()))?.push_str(word);
    } else if !IGNORED.contains(&word) {
        tokens.push(word.to_owned());
    }
    Some(())
}
