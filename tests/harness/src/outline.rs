//! An HTML page as text for snapshots: headings, paragraphs, links, tables, forms with their fields.

use scraper::node::Node;
use scraper::{ElementRef, Html, Selector};

/// The title and the content of a page, without the frame that every page has.
pub fn main(html: &str) -> String {
    of(html, "main")
}

/// The title and everything that a page shows, with its frame.
pub fn whole(html: &str) -> String {
    of(html, "body")
}

fn of(html: &str, part: &str) -> String {
    let page = Html::parse_document(html);
    let find = |selector: &str| page.select(&Selector::parse(selector).unwrap()).next();
    let mut outline = Outline { page: &page, lines: Vec::new(), line: String::new(), prefix: String::new(), depth: 0 };
    let title = find("title").map(text).unwrap_or_default();
    let language = page.root_element().attr("lang").unwrap_or_default();
    outline.lines.push(format!("title ({language}): {title}"));
    outline.children(find(part).unwrap_or_else(|| panic!("the page has no {part}: {html}")));
    outline.end_line();
    outline.lines.join("\n")
}

/// The text of an element in one line.
fn text(element: ElementRef<'_>) -> String {
    let is_hidden = |ancestor: ElementRef<'_>| ancestor.attr("aria-hidden") == Some("true");
    let shown = element.descendants().filter_map(|node| {
        let text = node.value().as_text()?;
        let hidden = node.ancestors().filter_map(ElementRef::wrap).any(is_hidden);
        (!hidden).then(|| text.to_string())
    });
    squeezed(&shown.collect::<String>()).trim().to_owned()
}

fn squeezed(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c.is_ascii_whitespace() {
            true if out.ends_with(' ') => {}
            true => out.push(' '),
            false => out.push(c),
        }
    }
    out
}

struct Outline<'a> {
    page: &'a Html,
    lines: Vec<String>,
    /// The line that is being written.
    line: String,
    /// What the next line begins with, such as the mark of a heading.
    prefix: String,
    /// Of forms and lists.
    depth: usize,
}

impl<'a> Outline<'a> {
    fn end_line(&mut self) {
        let line = squeezed(&std::mem::take(&mut self.line));
        if !line.trim().is_empty() {
            let prefix = std::mem::take(&mut self.prefix);
            self.lines.push(format!("{}{prefix}{}", "  ".repeat(self.depth), line.trim()));
        }
    }

    fn own_line(&mut self, line: &str) {
        self.end_line();
        line.clone_into(&mut self.line);
        self.end_line();
    }

    fn children(&mut self, element: ElementRef<'a>) {
        for child in element.children() {
            match child.value() {
                Node::Text(text) => self.line.push_str(text),
                Node::Element(_) => self.element(ElementRef::wrap(child).unwrap()),
                _ => {}
            }
        }
    }

    fn block(&mut self, prefix: &str, element: ElementRef<'a>) {
        self.end_line();
        if !prefix.is_empty() {
            prefix.clone_into(&mut self.prefix);
        }
        self.children(element);
        self.end_line();
        if !prefix.is_empty() {
            self.prefix.clear();
        }
    }

    fn indented(&mut self, element: ElementRef<'a>) {
        self.end_line();
        self.depth += 1;
        self.children(element);
        self.end_line();
        self.depth -= 1;
    }

    fn element(&mut self, element: ElementRef<'a>) {
        let is_hidden = element.attr("hidden").is_some() || element.attr("aria-hidden") == Some("true");
        match element.value().name() {
            _ if is_hidden => {}
            "script" | "style" | "template" => {}
            "svg" => self.line.push_str(" (picture) "),
            "img" => self.line.push_str(&format!(" (picture: {}) ", element.attr("alt").unwrap_or_default())),
            "br" => self.line.push_str(" / "),
            "h1" => self.block("# ", element),
            "h2" => self.block("## ", element),
            "h3" | "h4" => self.block("### ", element),
            "li" => self.block("- ", element),
            "dt" => self.block("", element),
            "dd" => self.indented(element),
            "ul" | "ol" => self.indented(element),
            "summary" => self.block("> ", element),
            "legend" => self.block("legend: ", element),
            "tr" => self.row(element),
            "pre" => self.preformatted(element),
            "a" => self.link(element),
            "form" => self.form(element),
            "iframe" => self.own_line(&format!("frame: {}", element.attr("title").unwrap_or_default())),
            "label" if self.is_of_a_field(element) => self.fields_in(element),
            "input" => self.input(element),
            "select" => self.select(element),
            "textarea" => self.textarea(element),
            "button" => self.button(element),
            "p" | "div" | "section" | "article" | "header" | "footer" | "nav" | "dl" | "figure" | "figcaption"
            | "table" | "fieldset" | "details" | "blockquote" => self.block("", element),
            _ => self.children(element),
        }
    }

    fn row(&mut self, row: ElementRef<'a>) {
        self.end_line();
        for (nth, cell) in row.children().filter_map(ElementRef::wrap).enumerate() {
            if nth > 0 {
                self.line.push_str(" | ");
            }
            self.children(cell);
        }
        self.end_line();
    }

    fn preformatted(&mut self, element: ElementRef<'a>) {
        self.end_line();
        let indent = "  ".repeat(self.depth);
        let text: String = element.text().collect();
        self.lines.extend(text.lines().map(|line| format!("{indent}| {line}")));
    }

    fn link(&mut self, link: ElementRef<'a>) {
        let label = link.attr("aria-label").map_or_else(|| text(link), str::to_owned);
        match link.attr("href") {
            Some(href) => self.line.push_str(&format!(" [{label}]({href}) ")),
            None => self.children(link),
        }
    }

    fn form(&mut self, form: ElementRef<'a>) {
        let method = form.attr("method").unwrap_or("get");
        self.own_line(&format!("form {method} {}", form.attr("action").unwrap_or_default()));
        self.indented(form);
    }

    /// Whether a label is that of a field, whose line has its text.
    fn is_of_a_field(&self, label: ElementRef<'_>) -> bool {
        let field = Selector::parse("input, select, textarea").unwrap();
        label.select(&field).next().is_some()
            || label.attr("for").is_some_and(|id| {
                self.page.select(&Selector::parse("[id]").unwrap()).any(|field| field.attr("id") == Some(id))
            })
    }

    fn fields_in(&mut self, label: ElementRef<'a>) {
        let field = Selector::parse("input, select, textarea").unwrap();
        label.select(&field).for_each(|field| self.element(field));
    }

    fn label_of(&self, field: ElementRef<'_>) -> String {
        let own = field.attr("id").and_then(|id| {
            let labels = Selector::parse("label[for]").unwrap();
            self.page.select(&labels).find(|label| label.attr("for") == Some(id))
        });
        let around = field.ancestors().filter_map(ElementRef::wrap).find(|element| element.value().name() == "label");
        let label = own.or(around).map(|label| {
            let field = Selector::parse("option, textarea").unwrap();
            let inside: String = label.select(&field).map(text).collect();
            text(label).replace(&inside, "").trim().to_owned()
        });
        label.or_else(|| field.attr("aria-label").map(str::to_owned)).unwrap_or_default()
    }

    /// The line of a field: kind, name, label, then what it holds and what is noted about it.
    fn field(&mut self, kind: &str, field: ElementRef<'a>, value: &str) {
        let name = field.attr("name").unwrap_or_default();
        let notes = ["checked", "required", "disabled", "readonly"].into_iter();
        let notes: Vec<&str> = notes.filter(|note| field.attr(note).is_some()).collect();
        let mut line = format!("{kind} {name} \"{}\"", self.label_of(field));
        if !value.is_empty() {
            line.push_str(&format!(" = {value}"));
        }
        if let Some(placeholder) = field.attr("placeholder") {
            line.push_str(&format!(" placeholder \"{placeholder}\""));
        }
        if !notes.is_empty() {
            line.push_str(&format!(" ({})", notes.join(", ")));
        }
        self.own_line(&line);
    }

    fn input(&mut self, input: ElementRef<'a>) {
        let (kind, value) = (input.attr("type").unwrap_or("text"), input.attr("value").unwrap_or_default());
        match (kind, input.attr("name").unwrap_or_default()) {
            // Another one for each page.
            ("hidden", "csrf") => {}
            ("hidden", name) => self.own_line(&format!("hidden {name} = {value}")),
            _ => self.field(kind, input, value),
        }
    }

    fn select(&mut self, select: ElementRef<'a>) {
        let options = Selector::parse("option").unwrap();
        let options = select.select(&options).map(|option| match option.attr("selected") {
            Some(_) => format!("*{}*", text(option)),
            None => text(option),
        });
        let options: Vec<String> = options.collect();
        self.field("select", select, &options.join(", "));
    }

    fn textarea(&mut self, area: ElementRef<'a>) {
        self.field("textarea", area, "");
        self.preformatted(area);
    }

    fn button(&mut self, button: ElementRef<'a>) {
        let label = button.attr("aria-label").map_or_else(|| text(button), str::to_owned);
        let mut line = format!("button \"{label}\"");
        if let (Some(name), Some(value)) = (button.attr("name"), button.attr("value")) {
            line.push_str(&format!(" {name} = {value}"));
        }
        if let Some(action) = button.attr("formaction") {
            line.push_str(&format!(" to {action}"));
        }
        self.own_line(&line);
    }
}

#[cfg(test)]
mod tests {
    use super::{main, whole};

    #[test]
    fn a_page_is_read_as_a_person_reads_it() {
        let page = "<html lang=en><title>A  page</title><header>Top</header><main><h1>Head</h1>\n<p>See <a href=\"/x\"><i aria-hidden=true>i</i>the\nlink</a>.</p>
            <form method=post action=/send><input type=hidden name=csrf value=1><label for=n>Name</label> <input id=n name=user required value=ada>
            <label><input type=radio name=kind value=a checked> Own</label><select name=s aria-label=Pick><option>a<option selected>b</select>
            <button name=go value=1>Send</button><button hidden>No</button></form>
            <table><tr><th>A<th>B<tr><td>1<td>2</table><ol><li>one</ol><pre>a\n  b</pre><script>x</script></main>";
        let expected = "title (en): A page\n# Head\nSee [the link](/x) .\nform post /send\n  text user \"Name\" = ada (required)\n  \
                        radio kind \"Own\" = a (checked)\n  select s \"Pick\" = a, *b*\n  button \"Send\" go = 1\nA | B\n1 | 2\n  - one\n| a\n|   b";
        assert_eq!(main(page), expected);
        assert!(whole(page).starts_with("title (en): A page\nTop\n# Head"));
    }
}
