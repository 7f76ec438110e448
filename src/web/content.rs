//! Sample contents with which the tests render pages. The usual test walks do not find a page that only some contents
//! break. So each view type lists its fields once more ([`content!`]). The tests then build the fullest content, the
//! barest one, and, for each field, its other contents one at a time in the fullest and in the barest.

/// Implements sample contents for a view type, for the tests. It is a struct literal with every field, so a missing
/// field does not compile. `among` lists the permitted values of a field if not every value of its type has a meaning,
/// for example a text that the template compares, or the key of a text.
macro_rules! content {
    ($view:ty {}) => {
        #[cfg(test)]
        impl $crate::web::content::Content for $view {
            fn count() -> usize {
                1
            }

            fn nth(_: usize) -> Self {
                Self {}
            }
        }
    };
    ($view:ty { $($field:ident $(among $texts:expr)?),* $(,)? }) => {
        #[cfg(test)]
        impl $crate::web::content::Content for $view {
            fn count() -> usize {
                let mut count = 2;
                $(count += 2 * $crate::web::content::content!(@count $field $($texts)?);)*
                count
            }

            fn nth(nth: usize) -> Self {
                let counts = [$($crate::web::content::content!(@count $field $($texts)?)),*];
                let mut chosen = $crate::web::content::choose(&counts, nth).into_iter();
                let mut next = || chosen.next().unwrap_or_default();
                Self { $($field: $crate::web::content::content!(@nth next() $(, $texts)?)),* }
            }
        }
    };
    (@count $field:ident) => { $crate::web::content::count_of(|view: &Self| &view.$field) };
    (@count $field:ident $texts:expr) => { $texts.len() };
    (@nth $nth:expr) => { $crate::web::content::Content::nth($nth) };
    (@nth $nth:expr, $texts:expr) => { Vec::from($texts).swap_remove($nth).into() };
}
pub(crate) use content;

/// A type with sample contents for the tests.
#[cfg(test)]
pub(crate) trait Content {
    /// Returns the number of contents.
    fn count() -> usize;

    /// Returns the content with this index. 0 is the fullest, the last one is the barest.
    fn nth(nth: usize) -> Self;

    /// Returns the fullest content: every field has a value.
    fn fullest() -> Self
    where
        Self: Sized,
    {
        Self::nth(0)
    }
}

/// Bound for every view type. In tests it requires sample contents; otherwise it requires nothing.
#[cfg(test)]
pub(crate) trait Tested: Content {}

/// Bound for every view type. In tests it requires sample contents; otherwise it requires nothing.
#[cfg(not(test))]
pub(crate) trait Tested {}

#[cfg(test)]
impl<T: Content> Tested for T {}

#[cfg(not(test))]
impl<T> Tested for T {}

#[cfg(test)]
mod of_types;

#[cfg(test)]
pub(crate) use of_types::{choose, count_of};
