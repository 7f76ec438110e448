//! Access to the elements of a parsed answer by namespace and name. It uses the parser that verifies the signatures,
//! so there is no second parser that could see another document.

use crate::{Disbelief, Fault};
use gamlastan::xml::uppsala::NodeKind;
use gamlastan::xml::{Document, NodeId, SecureParseConfig, parse_secure_with_config};

pub(crate) const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
pub(crate) const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
pub(crate) const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
pub(crate) const XENC: &str = "http://www.w3.org/2001/04/xmlenc#";

/// Maximum nesting depth for the parser. Real answers have a dozen levels.
const DEEPEST: u32 = 48;

/// A document and its root element.
pub(crate) struct Tree<'a> {
    pub document: Document<'a>,
    pub root: NodeId,
}

impl<'a> Tree<'a> {
    /// Parses text that passed [`super::content::check`].
    pub(crate) fn parse(text: &'a str) -> Result<Tree<'a>, Disbelief> {
        let config = SecureParseConfig::default().with_max_depth(DEEPEST).with_max_entity_expansion(0);
        let not_xml =
            |error| Disbelief::new(Fault::NotUnderstood, format!("the answer cannot be parsed as XML: {error}"));
        let document = parse_secure_with_config(text, &config).map_err(not_xml)?;
        let root = document.document_element();
        let root = root.ok_or_else(|| Disbelief::new(Fault::NotUnderstood, "the answer is empty"))?;
        let tree = Tree { document, root };
        tree.check_plain()?;
        Ok(tree)
    }

    pub(crate) fn is(&self, node: NodeId, namespace: &str, name: &str) -> bool {
        self.document.element(node).is_some_and(|element| element.matches_name_ns(namespace, name))
    }

    /// Returns the local name of an element, for messages.
    pub(crate) fn name(&self, node: NodeId) -> &str {
        self.document.element(node).map_or("", |element| &*element.name.local_name)
    }

    pub(crate) fn attribute(&self, node: NodeId, name: &str) -> Option<&str> {
        self.document.get_attribute(node, name)
    }

    /// Returns the child elements.
    pub(crate) fn children(&self, node: NodeId) -> Vec<NodeId> {
        self.document.children_iter(node).filter(|child| self.document.element(*child).is_some()).collect()
    }

    pub(crate) fn children_named(&self, node: NodeId, namespace: &str, name: &str) -> Vec<NodeId> {
        self.children(node).into_iter().filter(|child| self.is(*child, namespace, name)).collect()
    }

    /// Returns the only child element with this name. It is an error if there is none or more than one.
    pub(crate) fn only(&self, node: NodeId, namespace: &str, name: &str) -> Result<NodeId, Disbelief> {
        match self.children_named(node, namespace, name)[..] {
            [one] => Ok(one),
            ref found => {
                let detail = format!("{} has {} elements {name} instead of one", self.name(node), found.len());
                Err(Disbelief::new(Fault::NotUnderstood, detail))
            }
        }
    }

    /// Returns all elements, the root first.
    pub(crate) fn elements(&self) -> Vec<NodeId> {
        let below = self.document.descendants(self.root).into_iter();
        std::iter::once(self.root).chain(below.filter(|node| self.document.element(*node).is_some())).collect()
    }

    /// Returns the number of elements with this name in the whole document.
    pub(crate) fn count(&self, namespace: &str, name: &str) -> usize {
        self.elements().into_iter().filter(|node| self.is(*node, namespace, name)).count()
    }

    pub(crate) fn text(&self, node: NodeId) -> String {
        self.document.text_content_deep(node)
    }

    // Readers use the first text of an element and the first attribute with a name, whatever its namespace. Rejects
    // documents in which there could be a second one.
    fn check_plain(&self) -> Result<(), Disbelief> {
        for node in self.elements() {
            let Some(element) = self.document.element(node) else { continue };
            let mut names: Vec<&str> = element.attributes.iter().map(|attribute| &*attribute.name.local_name).collect();
            names.sort_unstable();
            if names.windows(2).any(|pair| pair[0] == pair[1]) {
                let detail = format!("{} has two attributes with the same name", self.name(node));
                return Err(Disbelief::new(Fault::ForbiddenContent, detail));
            }
            let texts = self.document.children_iter(node).filter(|child| {
                matches!(self.document.node_kind(*child), Some(NodeKind::Text(text)) if !text.trim().is_empty())
            });
            let texts = texts.count();
            if texts > 1 || (texts == 1 && !self.children(node).is_empty()) {
                let detail = format!("{} mixes text with elements", self.name(node));
                return Err(Disbelief::new(Fault::ForbiddenContent, detail));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> Option<Fault> {
        Tree::parse(text).err().map(|disbelief| disbelief.fault)
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        assert_eq!(fault("<r>alice<b/>.evil</r>"), Some(Fault::ForbiddenContent));
        assert_eq!(fault("<r xmlns:x=\"urn:x\" x:ID=\"a\" ID=\"b\"/>"), Some(Fault::ForbiddenContent));
        assert_eq!(fault("<r>\n  <b>a &amp; b &#x41;</b>\n</r>"), None);
    }

    #[test]
    fn text_with_escaped_characters_is_one_text() {
        let tree = Tree::parse("<r>a&amp;b&#x21;&lt;c</r>").unwrap();
        assert_eq!(tree.document.element_text(tree.root), Some("a&b!<c"));
    }

    #[test]
    fn deep_nesting_and_what_is_not_xml_are_refused_without_harm() {
        let deep = format!("{}{}", "<a>".repeat(80_000), "</a>".repeat(80_000));
        let unclosed = "<a>".repeat(80_000);
        let attributes = format!("<a {}/>", "x".repeat(100_000));
        for text in [deep.as_str(), unclosed.as_str(), attributes.as_str(), "", "no", "<a></b>", "<a/><b/>", "<a:b/>"] {
            assert_eq!(fault(text), Some(Fault::NotUnderstood), "{}", &text[..text.len().min(40)]);
        }
    }
}
