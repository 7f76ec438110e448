//! Escapes foreign text on pages: characters that would affect the surrounding text are written out.

use handlebars::{Context, Handlebars, Helper, HelperResult, Output, RenderContext, RenderErrorReason};
use names::visible::visible;

/// Sets this escaping for every value on a page. `{{typed value}}` puts a user's input back into its form field
/// unchanged.
pub(crate) fn register(pages: &mut Handlebars<'_>) {
    pages.register_escape_fn(|text| handlebars::html_escape(&visible(text)));
    pages.register_helper("typed", Box::new(typed));
}

fn typed(
    helper: &Helper<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    let value = helper.param(0).and_then(|value| value.value().as_str());
    let value = value.ok_or_else(|| RenderErrorReason::Other("`typed` needs a string".into()))?;
    out.write(&handlebars::html_escape(value))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_page_shows_values_so_and_gives_back_what_was_typed() {
        let mut pages = Handlebars::new();
        register(&mut pages);
        let page = pages.render_template("{{a}}|{{typed a}}", &json!({ "a": "<\u{202e}" })).unwrap();
        assert_eq!(page, "&lt;\\u{202e}|&lt;\u{202e}");
    }
}
