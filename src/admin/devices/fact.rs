//! A labelled value, as the pages of devices, enrollments and events list them.

use crate::web::content::content;
use serde::Serialize;

/// A labelled value in a list.
#[derive(Serialize)]
pub(crate) struct Fact {
    pub(crate) label: String,
    pub(crate) value: String,
    class: &'static str,
    href: Option<String>,
}

content!(Fact { label, value, class, href });

impl Fact {
    pub(crate) fn new(label: &str, value: impl Into<String>) -> Fact {
        Fact { label: label.to_owned(), value: value.into(), class: "", href: None }
    }

    pub(crate) fn of_class(self, class: &'static str) -> Fact {
        Fact { class, ..self }
    }

    pub(crate) fn linked(label: &str, value: impl Into<String>, href: String) -> Fact {
        Fact { href: Some(href), ..Fact::new(label, value) }
    }
}
