//! Sample contents of the types that views are made of.

use super::Content;
use crate::web::qr::Qr;
use sign_in::redirect::Offer;
use uuid::Uuid;

/// Contains characters that HTML escapes, and some that are not ASCII.
const TEXT: &str = "Ärzte & <Söhne> \"’";

content!(Offer { name, title });

impl Content for String {
    fn count() -> usize {
        2
    }

    fn nth(nth: usize) -> String {
        <&str>::nth(nth).to_owned()
    }
}

impl Content for &str {
    fn count() -> usize {
        2
    }

    fn nth(nth: usize) -> Self {
        if nth == 0 { TEXT } else { "" }
    }
}

impl Content for bool {
    fn count() -> usize {
        2
    }

    fn nth(nth: usize) -> bool {
        nth == 0
    }
}

impl Content for u32 {
    fn count() -> usize {
        2
    }

    fn nth(nth: usize) -> u32 {
        if nth == 0 { 1_000 } else { 0 }
    }
}

impl Content for u64 {
    fn count() -> usize {
        2
    }

    fn nth(nth: usize) -> u64 {
        if nth == 0 { 1_000 } else { 0 }
    }
}

impl Content for usize {
    fn count() -> usize {
        2
    }

    fn nth(nth: usize) -> usize {
        if nth == 0 { 1_000 } else { 0 }
    }
}

impl Content for Uuid {
    fn count() -> usize {
        1
    }

    fn nth(_: usize) -> Uuid {
        Uuid::from_u128(7)
    }
}

impl Content for Qr {
    fn count() -> usize {
        1
    }

    fn nth(_: usize) -> Qr {
        Qr::of("https://enroll.example.com/enroll").expect("it is short enough")
    }
}

impl<T: Content> Content for Option<T> {
    fn count() -> usize {
        T::count() + 1
    }

    fn nth(nth: usize) -> Option<T> {
        (nth < T::count()).then(|| T::nth(nth))
    }
}

/// Two contents: a list with every content of its items, and an empty list.
impl<T: Content> Content for Vec<T> {
    fn count() -> usize {
        2
    }

    fn nth(nth: usize) -> Vec<T> {
        let items = if nth == 0 { T::count() } else { 0 };
        (0..items).map(T::nth).collect()
    }
}

impl<T: Content + 'static> Content for &[T] {
    fn count() -> usize {
        2
    }

    fn nth(nth: usize) -> Self {
        <Vec<T> as Content>::nth(nth).leak()
    }
}

/// Returns the index of each field's content in the `nth` content of a struct. `counts` has the number of contents of
/// each field. The result is the first content for every field, the last one for every field, or one of these with a
/// single field changed.
pub(crate) fn choose(counts: &[usize], nth: usize) -> Vec<usize> {
    let full = vec![0; counts.len()];
    let bare: Vec<usize> = counts.iter().map(|count| count - 1).collect();
    let others: usize = counts.iter().sum();
    let (mut chosen, mut content) = match nth {
        0 => return full,
        nth if nth > 2 * others => return bare,
        nth if nth > others => (bare, nth - others - 1),
        nth => (full, nth - 1),
    };
    for (field, count) in counts.iter().enumerate() {
        if content < *count {
            chosen[field] = content;
            break;
        }
        content -= count;
    }
    chosen
}

/// Returns the number of contents of a field's type.
pub(crate) fn count_of<V, T: Content>(_: impl Fn(&V) -> &T) -> usize {
    T::count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct View {
        label: Option<String>,
        items: Vec<bool>,
        verb: &'static str,
    }
    content!(View { label, items, verb among ["lock", "erase"] });

    #[test]
    fn the_first_content_is_the_fullest_the_last_the_barest_and_each_field_has_every_content_between_both() {
        let all: Vec<View> = (0..View::count()).map(View::nth).collect();
        let full = View { label: Some(TEXT.into()), items: vec![true, false], verb: "lock" };
        let bare = View { label: None, items: vec![], verb: "erase" };
        assert_eq!((all.first(), all.last()), (Some(&full), Some(&bare)));
        for verb in ["lock", "erase"] {
            assert!(all.contains(&View { label: Some(TEXT.into()), items: vec![true, false], verb }));
            assert!(all.contains(&View { label: None, items: vec![], verb }));
        }
        assert!(all.contains(&View { label: Some(String::new()), items: vec![], verb: "erase" }));
    }
}
