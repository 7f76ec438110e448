//! Contents that the tests render pages with. A page that only some contents break is found by none of the usual walks, so
//! that every view type lists its fields once more ([`content!`]): the tests then make the fullest content, the barest, and
//! each field's other contents one at a time between both.

/// Gives a type of a page its contents for the tests: a struct literal with every field, so that a field which is missing
/// here fails to compile. `among` names what a field may hold, where not every value of its type has a
/// meaning: a text that the template compares with others, the key of a text.
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

/// A type with contents for the tests.
#[cfg(test)]
pub trait Content {
    /// How many contents there are.
    fn count() -> usize;

    /// The fullest is 0, the barest is the last.
    fn nth(nth: usize) -> Self;

    /// The fullest, with nothing left out.
    fn fullest() -> Self
    where
        Self: Sized,
    {
        Self::nth(0)
    }
}

/// What every view is: in tests, a type with contents.
#[cfg(test)]
pub trait Tested: Content {}

/// What every view is: in tests, a type with contents.
#[cfg(not(test))]
pub trait Tested {}

#[cfg(test)]
impl<T: Content> Tested for T {}

#[cfg(not(test))]
impl<T> Tested for T {}

#[cfg(test)]
mod of_types;

#[cfg(test)]
pub use of_types::{choose, count_of};
