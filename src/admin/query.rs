//! Query parameters of the console and the API. A page's filters are in its address, so that the address can be saved
//! and shared. An address with an unknown parameter is rejected: if the parameter were ignored, the page would show
//! more than requested.

use super::problem::Problem;
use crate::web::methods::Read as _;
use actix_web::dev::Payload;
use actix_web::{FromRequest, Handler, HttpRequest, Resource, Responder, web};
use serde::de::value::Error as NoStruct;
use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};
use std::future::{Ready, ready};
use url::form_urlencoded::{Serializer, parse};

/// Query parameters, in one struct or two.
pub(crate) struct Parameters<T, U = Nothing>(pub T, pub U);

/// No parameters.
#[derive(Deserialize)]
pub(crate) struct Nothing {}

impl<T: DeserializeOwned, U: DeserializeOwned> Parameters<T, U> {
    /// Reads a query string whose parameters must all have a value: a program that sends an empty value does not mean
    /// "everything". The cursor `after` may be empty, because a program starts without one.
    ///
    /// # Errors
    /// Same as [`Parameters::read`]; also if a value is empty.
    pub(crate) fn read_filled(query: &str) -> Result<Self, Problem> {
        let parameters = Parameters::read(query)?;
        match parse(query.as_bytes()).find(|(name, value)| name != "after" && filled(Some(value)).is_none()) {
            Some((name, _)) => Err(Problem::parameter(&name, "The value is empty.".to_owned())),
            None => Ok(parameters),
        }
    }

    /// Reads a query string.
    ///
    /// # Errors
    /// Returns an error if a parameter is not a field of one of the structs, is given twice, or is not text.
    pub(crate) fn read(query: &str) -> Result<Self, Problem> {
        let known = [field_names::<T>(), field_names::<U>()].concat();
        let mut seen = Vec::new();
        // The parser skips empty pieces too.
        let pieces = query.split('&').filter(|piece| !piece.is_empty());
        for ((name, value), piece) in parse(query.as_bytes()).zip(pieces) {
            if !known.contains(&&*name) {
                return Err(Problem::parameter(&name, unknown(&known)));
            }
            if seen.contains(&name) {
                return Err(Problem::parameter(&name, "It is given more than once.".to_owned()));
            }
            if value.contains('\0') || !is_utf8(piece, &value) {
                return Err(Problem::parameter(&name, "It is not valid UTF-8.".to_owned()));
            }
            seen.push(name);
        }
        let first = web::Query::<T>::from_query(query).map_err(|_| Problem::Bad("The address is not valid."))?;
        let second = web::Query::<U>::from_query(query).map_err(|_| Problem::Bad("The address is not valid."))?;
        Ok(Parameters(first.into_inner(), second.into_inner()))
    }
}

impl<T: DeserializeOwned, U: DeserializeOwned> FromRequest for Parameters<T, U> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Parameters::read(request.query_string()))
    }
}

fn unknown(known: &[&str]) -> String {
    match known {
        [] => "This page has no parameters.".to_owned(),
        known => format!("There is no parameter of this name. Known parameters: {}.", known.join(", ")),
    }
}

// The parser replaces bytes that are not UTF-8 by U+FFFD. The value is valid if it has no more of these than the
// address contained.
fn is_utf8(piece: &str, value: &str) -> bool {
    let replacement = char::REPLACEMENT_CHARACTER;
    let written = piece.to_ascii_uppercase().matches("%EF%BF%BD").count() + piece.matches(replacement).count();
    value.matches(replacement).count() <= written
}

/// A resource whose addresses take no query parameters.
pub(crate) trait ReadWhole {
    /// Same as [`Read::read`](crate::web::methods::Read::read), but rejects an address with a parameter.
    #[must_use]
    fn read_whole<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static;
}

impl ReadWhole for Resource {
    fn read_whole<F, Args>(self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.read(Whole(handler))
    }
}

/// A handler for an address without query parameters.
#[derive(Clone)]
struct Whole<F>(F);

impl<F, Args> Handler<(Args, Parameters<Nothing>)> for Whole<F>
where
    F: Handler<Args>,
{
    type Output = F::Output;
    type Future = F::Future;

    fn call(&self, (arguments, _): (Args, Parameters<Nothing>)) -> F::Future {
        self.0.call(arguments)
    }
}

/// Gets the field names of a struct from serde, so that they are defined in one place.
struct FieldNames<'a>(&'a mut &'static [&'static str]);

fn field_names<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut names: &'static [&'static str] = &[];
    // Nothing is deserialized: it stops after the names are known.
    let _ = T::deserialize(FieldNames(&mut names));
    names
}

impl<'de> Deserializer<'de> for FieldNames<'_> {
    type Error = NoStruct;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, NoStruct> {
        Err(NoStruct::custom("only structs have names of fields"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, NoStruct> {
        *self.0 = fields;
        self.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// Names and values of the active filters, in the order of the page.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query(Vec<(&'static str, String)>);

impl Query {
    /// Adds a filter unless it is empty, because forms send every field.
    pub(crate) fn with(mut self, name: &'static str, value: Option<&str>) -> Query {
        if let Some(value) = filled(value) {
            self.0.push((name, value.to_owned()));
        }
        self
    }

    pub(crate) fn without(&self, name: &str) -> Query {
        Query(self.0.iter().filter(|(other, _)| *other != name).cloned().collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &(&'static str, String)> {
        self.0.iter()
    }

    /// Returns the address of `path` with these filters.
    pub(crate) fn href(&self, path: &str) -> String {
        if self.0.is_empty() {
            return path.to_owned();
        }
        let query = self.0.iter().fold(Serializer::new(String::new()), |mut query, (name, value)| {
            query.append_pair(name, value);
            query
        });
        let mut query = query;
        format!("{path}?{}", query.finish())
    }
}

/// Parses a filter's value, if the filter is active.
///
/// # Errors
/// Returns an error that names the filter if its value is invalid.
pub(crate) fn read<T>(
    name: &str,
    value: Option<&str>,
    parse: impl FnOnce(&str) -> Result<T, Problem>,
) -> Result<Option<T>, Problem> {
    filled(value).map(parse).transpose().map_err(|problem| problem.of(name))
}

/// Returns the trimmed value of a field, or `None` if it is empty.
pub(crate) fn filled(value: Option<&str>) -> Option<&str> {
    value.map(str::trim).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Filters {
        q: Option<String>,
        #[serde(rename = "type")]
        event_type: Option<String>,
    }

    #[derive(Deserialize)]
    struct Paging {
        limit: Option<String>,
    }

    #[test]
    fn the_names_of_fields_are_those_that_an_address_has() {
        assert_eq!(field_names::<Filters>(), ["q", "type"]);
        assert_eq!(field_names::<Nothing>(), [""; 0]);
    }

    #[test]
    fn a_program_gives_each_parameter_a_value() {
        let read = |query| Parameters::<Filters, Paging>::read_filled(query).map(|_| ());
        assert!(read("q=a&limit=5").is_ok());
        for (query, name) in [("q=", "q"), ("q=a&limit", "limit"), ("type=%20&q=a", "type")] {
            assert!(matches!(read(query), Err(Problem::Parameter { name: named, .. }) if named == name), "{query}");
        }
    }

    #[test]
    fn known_parameters_are_read_and_others_are_named() {
        let read = |query| Parameters::<Filters, Paging>::read(query);
        let Parameters(filters, paging) = read("q=a+b&limit=5&type=").unwrap();
        let read_ones = (filters.q.as_deref(), filters.event_type.as_deref(), paging.limit.as_deref());
        assert_eq!(read_ones, (Some("a b"), Some(""), Some("5")));
        for (query, name) in [("ownership=personal", "ownership"), ("q=a&q=b", "q"), ("Limit=5", "Limit"), ("=1", "")] {
            match read(query).map(|_| ()) {
                Err(Problem::Parameter { name: named, .. }) => assert_eq!(named, name),
                other => panic!("{query}: {other:?}"),
            }
        }
        for query in ["q=%ff", "q=a%00b", "q=%EF%BF%BD%ff"] {
            assert!(matches!(read(query), Err(Problem::Parameter { name, .. }) if name == "q"), "{query}");
        }
        assert_eq!(read("&&q=%ef%bf%bd").unwrap().0.q.as_deref(), Some("\u{fffd}"));
        let long = format!("{}=1", "x".repeat(10_000));
        assert!(read(&long).map(|_| ()).unwrap_err().to_string().len() < 500);
    }
}
