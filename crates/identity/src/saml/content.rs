//! Checks what an answer may consist of, as text, before an XML parser sees it: no document type, entity, comment,
//! processing instruction or CDATA section.

use crate::{Disbelief, Fault};
use base64::Engine as _;

/// Maximum size of an answer in bytes. An answer with hundreds of groups has a tenth of it.
pub const LARGEST: usize = 256 * 1024;

/// Maximum number of namespace declarations. Providers declare two for each value, and send some hundred values. Each
/// declaration costs more, the more there are.
const MOST_NAMESPACES: usize = 2_048;

/// Maximum number of attributes of one element; real ones have at most ten. Parsers compare each attribute with every
/// other: if the whole answer is one element, that takes seconds.
const MOST_ATTRIBUTES: usize = 256;

/// Decodes the document in the form field `SAMLResponse` (SAML Bindings 3.5.4: base64, possibly with line breaks).
pub(crate) fn decode(field: &str) -> Result<String, Disbelief> {
    let too_large = || Disbelief::new(Fault::NotUnderstood, format!("the answer is larger than {LARGEST} bytes"));
    if field.len() > LARGEST / 3 * 4 + LARGEST / 16 {
        return Err(too_large());
    }
    let not_base64 = || Disbelief::new(Fault::NotUnderstood, "the answer is not base64");
    let compact: Vec<u8> = field.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let bytes = base64::engine::general_purpose::STANDARD.decode(compact).map_err(|_| not_base64())?;
    if bytes.len() > LARGEST {
        return Err(too_large());
    }
    String::from_utf8(bytes).map_err(|_| Disbelief::new(Fault::NotUnderstood, "the answer is not UTF-8"))
}

/// Rejects everything that two parsers could read differently. In XML, `<!` begins only a document type, a comment or
/// a CDATA section, and `<` never stands for itself, so a search for these characters finds every one.
pub(crate) fn check(text: &str) -> Result<(), Disbelief> {
    let forbidden = |what: &str| Err(Disbelief::new(Fault::ForbiddenContent, format!("the answer contains {what}")));
    let body = declaration(text)?;
    if let Some(at) = body.find("<!") {
        let rest = &body[at..];
        return forbidden(match () {
            () if rest.starts_with("<!--") => "a comment",
            () if rest.starts_with("<![CDATA[") => "a CDATA section",
            () => "a document type declaration",
        });
    }
    if body.contains("<?") {
        return forbidden("a processing instruction");
    }
    if body.matches("xmlns").count() > MOST_NAMESPACES {
        return forbidden("more namespace declarations than any provider sends");
    }
    // The "=" of an attribute comes before the next element begins.
    if body.split('<').any(|tag| tag.matches('=').count() > MOST_ATTRIBUTES) {
        return forbidden("an element with more attributes than any provider sends");
    }
    for reference in body.split('&').skip(1) {
        let name = reference.split(';').next().unwrap_or_default();
        if !name.starts_with('#') && !["amp", "lt", "gt", "quot", "apos"].contains(&name) {
            return forbidden("an entity that XML does not predefine");
        }
    }
    Ok(())
}

// Returns the text after the XML declaration, if there is one. An encoding other than UTF-8 could be read in two
// ways.
fn declaration(text: &str) -> Result<&str, Disbelief> {
    let Some(rest) = text.strip_prefix("<?xml ") else { return Ok(text) };
    let Some((inside, body)) = rest.split_once("?>") else {
        return Err(Disbelief::new(Fault::NotUnderstood, "the answer's XML declaration does not end"));
    };
    let inside = inside.to_ascii_lowercase();
    if inside.contains("encoding") && !inside.contains("utf-8") {
        return Err(Disbelief::new(Fault::NotUnderstood, "the answer is not in UTF-8"));
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> Option<Fault> {
        check(text).err().map(|disbelief| disbelief.fault)
    }

    #[test]
    fn what_could_be_read_two_ways_is_refused_as_text() {
        let forbidden = [
            "<!DOCTYPE r><r/>",
            "<?xml version=\"1.0\"?><!DOCTYPE r [<!ENTITY a \"b\">]><r>&a;</r>",
            "<r>a<!-- b -->c</r>",
            "<r>a<![CDATA[b]]>c</r>",
            "<r>a<?b c?>d</r>",
            "<r>&company;</r>",
            " <?xml version=\"1.0\"?><r/>",
            "<?xml-stylesheet href=\"x\"?><r/>",
        ];
        for text in forbidden {
            assert_eq!(fault(text), Some(Fault::ForbiddenContent), "{text}");
        }
        let namespaces = "<b xmlns:a=\"a\"/>".repeat(MOST_NAMESPACES + 1);
        assert_eq!(fault(&format!("<r>{namespaces}</r>")), Some(Fault::ForbiddenContent));
        let attributes: String = (0..=MOST_ATTRIBUTES).map(|n| format!(" a{n}=\"\"")).collect();
        assert_eq!(fault(&format!("<r{attributes}/>")), Some(Fault::ForbiddenContent));
        assert_eq!(fault("<?xml version=\"1.0\" encoding=\"UTF-16\"?><r/>"), Some(Fault::NotUnderstood));
    }

    #[test]
    fn escaped_characters_and_a_declaration_are_plain_xml() {
        assert_eq!(fault("<?xml version=\"1.0\" encoding=\"UTF-8\"?><r a=\"&quot;\">&lt;!-- &#x41; &amp;b;</r>"), None);
    }

    #[test]
    fn base64_may_be_broken_into_lines_but_not_be_anything_else() {
        assert_eq!(decode("PHI\r\nvPg==").unwrap(), "<r/>");
        for wrong in ["<r/>", "PHIvPg", "////"] {
            assert_eq!(decode(wrong).unwrap_err().fault, Fault::NotUnderstood, "{wrong}");
        }
    }

    #[test]
    fn a_large_answer_is_refused_before_it_is_decoded() {
        let field = |bytes: usize| base64::engine::general_purpose::STANDARD.encode(vec![b'a'; bytes]);
        assert!(decode(&field(LARGEST)).is_ok());
        assert!(decode(&field(LARGEST + 1)).unwrap_err().detail.contains("larger"));
    }
}
