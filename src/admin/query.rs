//! The query part of the console's addresses: a page's filters are in its address, so that it can be kept and shared.

use url::form_urlencoded::Serializer;

/// Names and values of the filters in use, in the order of the page.
#[derive(Debug, Clone, Default)]
pub struct Query(Vec<(&'static str, String)>);

impl Query {
    /// Adds a filter, unless it is empty: forms send every field.
    pub fn with(mut self, name: &'static str, value: Option<&str>) -> Query {
        if let Some(value) = filled(value) {
            self.0.push((name, value.to_owned()));
        }
        self
    }

    pub fn without(&self, name: &str) -> Query {
        Query(self.0.iter().filter(|(other, _)| *other != name).cloned().collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &(&'static str, String)> {
        self.0.iter()
    }

    /// The address of `path` with these filters.
    pub fn href(&self, path: &str) -> String {
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

/// A field's value, if there is more in it than white space.
pub fn filled(value: Option<&str>) -> Option<&str> {
    value.map(str::trim).filter(|value| !value.is_empty())
}
