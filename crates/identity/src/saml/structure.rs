//! Checks the structure of an answer: one assertion, directly below the root, and signatures that cover exactly the
//! element that contains them. Signature wrapping attacks are impossible in a document of this shape.

use super::tree::{ASSERTION, DSIG, PROTOCOL, Tree, XENC};
use crate::{Disbelief, Fault};
use gamlastan::xml::NodeId;

/// The parts of an answer.
pub(crate) struct Shape {
    pub response_signed: bool,
    pub assertion: Assertion,
}

pub(crate) enum Assertion {
    Plain { signed: bool },
    Encrypted(NodeId),
}

/// Elements that may be directly below a `Response` (SAML Core 3.3.3), each at most once.
const OF_RESPONSE: [(&str, &str); 6] = [
    (ASSERTION, "Issuer"),
    (DSIG, "Signature"),
    (PROTOCOL, "Extensions"),
    (PROTOCOL, "Status"),
    (ASSERTION, "Assertion"),
    (ASSERTION, "EncryptedAssertion"),
];
/// Children of an `Assertion` that may occur only once, because parsers use the first one (SAML Core 2.3.3).
const ONCE_IN_ASSERTION: [(&str, &str); 5] = [
    (ASSERTION, "Issuer"),
    (DSIG, "Signature"),
    (ASSERTION, "Subject"),
    (ASSERTION, "Conditions"),
    (ASSERTION, "Advice"),
];

fn forbidden<T>(detail: impl Into<String>) -> Result<T, Disbelief> {
    Err(Disbelief::new(Fault::ForbiddenContent, detail))
}

/// Rejects documents that are not a response of this shape.
pub(crate) fn response(tree: &Tree<'_>) -> Result<Shape, Disbelief> {
    if !tree.is(tree.root, PROTOCOL, "Response") {
        return Err(Disbelief::new(
            Fault::NotUnderstood,
            format!("the answer is not a Response but {}", tree.name(tree.root)),
        ));
    }
    status(tree)?;
    for child in tree.children(tree.root) {
        let Some((namespace, name)) = OF_RESPONSE.iter().find(|(namespace, name)| tree.is(child, namespace, name))
        else {
            return forbidden(format!("the Response contains an element {}", tree.name(child)));
        };
        if tree.children_named(tree.root, namespace, name).len() > 1 {
            return forbidden(format!("the Response contains more than one {name}"));
        }
    }
    if tree.count(PROTOCOL, "Response") > 1 {
        return forbidden("the Response contains another Response");
    }
    let plain = tree.children_named(tree.root, ASSERTION, "Assertion");
    let encrypted = tree.children_named(tree.root, ASSERTION, "EncryptedAssertion");
    if tree.count(ASSERTION, "Assertion") + tree.count(ASSERTION, "EncryptedAssertion") > 1 {
        return forbidden("the answer contains more than one assertion");
    }
    let assertion = match (plain.first(), encrypted.first()) {
        (Some(assertion), _) => {
            once(tree, *assertion)?;
            let signed = !tree.children_named(*assertion, DSIG, "Signature").is_empty();
            Assertion::Plain { signed }
        }
        (None, Some(encrypted)) => Assertion::Encrypted(*encrypted),
        (None, None) => return Err(Disbelief::new(Fault::Incomplete, "the Response contains no assertion")),
    };
    ids(tree)?;
    signatures(tree)?;
    Ok(Shape { response_signed: !tree.children_named(tree.root, DSIG, "Signature").is_empty(), assertion })
}

/// Checks a decrypted assertion, which is a document of its own, in the same way. Returns whether it is signed.
pub(crate) fn assertion(tree: &Tree<'_>) -> Result<bool, Disbelief> {
    if !tree.is(tree.root, ASSERTION, "Assertion") {
        let detail = format!("the encrypted element is not an Assertion but {}", tree.name(tree.root));
        return Err(Disbelief::new(Fault::NotUnderstood, detail));
    }
    if tree.count(ASSERTION, "Assertion") + tree.count(ASSERTION, "EncryptedAssertion") > 1 {
        return forbidden("the answer contains more than one assertion");
    }
    once(tree, tree.root)?;
    ids(tree)?;
    signatures(tree)?;
    Ok(!tree.children_named(tree.root, DSIG, "Signature").is_empty())
}

// If the provider reports an error, nothing else is checked: such answers are often unsigned and have no assertion.
fn status(tree: &Tree<'_>) -> Result<(), Disbelief> {
    const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
    let missing = |what| Disbelief::new(Fault::Incomplete, format!("the answer has no {what}"));
    let status = tree.children_named(tree.root, PROTOCOL, "Status");
    let status = status.first().ok_or_else(|| missing("Status"))?;
    let code = tree.children_named(*status, PROTOCOL, "StatusCode");
    let value = code.first().and_then(|code| tree.attribute(*code, "Value")).ok_or_else(|| missing("StatusCode"))?;
    if value == SUCCESS {
        return Ok(());
    }
    let codes = tree.elements().into_iter().filter(|node| tree.is(*node, PROTOCOL, "StatusCode"));
    let codes = codes.filter_map(|node| tree.attribute(node, "Value")?.rsplit(':').next());
    let codes: Vec<String> =
        codes.map(|code| code.chars().take(64).filter(|c| c.is_ascii_graphic()).collect()).collect();
    Err(Disbelief::new(Fault::ProviderRefused, format!("the provider returned {}", codes.join(", "))))
}

fn once(tree: &Tree<'_>, assertion: NodeId) -> Result<(), Disbelief> {
    for (namespace, name) in ONCE_IN_ASSERTION {
        if tree.children_named(assertion, namespace, name).len() > 1 {
            return forbidden(format!("the Assertion contains more than one {name}"));
        }
    }
    Ok(())
}

// Attribute names that references are looked up by.
const ID_NAMES: [&str; 4] = ["ID", "Id", "id", "AssertionID"];

fn ids(tree: &Tree<'_>) -> Result<(), Disbelief> {
    let mut seen = std::collections::BTreeSet::new();
    for node in tree.elements() {
        for id in ID_NAMES.iter().filter_map(|name| tree.attribute(node, name)) {
            if id.is_empty() || !seen.insert(id) {
                return forbidden("an ID is empty or occurs twice in the answer");
            }
        }
    }
    Ok(())
}

fn signatures(tree: &Tree<'_>) -> Result<(), Disbelief> {
    for node in tree.elements() {
        if tree.is(node, DSIG, "Signature") {
            signature(tree, node)?;
        }
        // SAML Core E91 forbids Object; the others could also lead a verifier to other data.
        for name in ["Object", "Manifest", "RetrievalMethod", "MgmtData"] {
            if tree.is(node, DSIG, name) && !within_encrypted(tree, node) {
                return forbidden(format!("the answer contains a ds:{name}"));
            }
        }
    }
    Ok(())
}

// A RetrievalMethod may refer to an encrypted key. It is not followed: the key is read from its only allowed place.
fn within_encrypted(tree: &Tree<'_>, node: NodeId) -> bool {
    let mut parent = tree.document.parent(node);
    while let Some(up) = parent {
        if tree.is(up, XENC, "EncryptedData") {
            return tree.is(node, DSIG, "RetrievalMethod");
        }
        parent = tree.document.parent(up);
    }
    false
}

const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const SIGNATURES: [&str; 6] = [
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512",
];
const DIGESTS: [&str; 3] = [
    "http://www.w3.org/2001/04/xmlenc#sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512",
];

// SAML Core 5.4: enveloped in the element that it signs, one reference to that element's ID, at most two transforms.
fn signature(tree: &Tree<'_>, node: NodeId) -> Result<(), Disbelief> {
    let parent = tree.document.parent(node);
    let covered = parent.filter(|parent| {
        let assertion_below = tree.is(*parent, ASSERTION, "Assertion");
        *parent == tree.root || (assertion_below && tree.document.parent(*parent) == Some(tree.root))
    });
    let Some(covered) = covered else { return forbidden("the answer contains a signature in a forbidden place") };
    let info = tree.only(node, DSIG, "SignedInfo")?;
    algorithm(tree, info, "CanonicalizationMethod", &[EXCLUSIVE], Fault::ForbiddenContent)?;
    algorithm(tree, info, "SignatureMethod", &SIGNATURES, Fault::AlgorithmRefused)?;
    let reference = tree.only(info, DSIG, "Reference")?;
    algorithm(tree, reference, "DigestMethod", &DIGESTS, Fault::AlgorithmRefused)?;
    let uri = tree.attribute(reference, "URI").unwrap_or_default();
    let Some(target) = uri.strip_prefix('#').filter(|target| !target.contains(['(', ')', '/'])) else {
        return forbidden("a signature refers to something outside of the answer, which is not fetched");
    };
    if tree.attribute(covered, "ID") != Some(target) {
        return forbidden("a signature refers to another element than the one that contains it");
    }
    transforms(tree, reference)?;
    key_info(tree, node)
}

fn algorithm(tree: &Tree<'_>, of: NodeId, name: &str, known: &[&str], fault: Fault) -> Result<(), Disbelief> {
    let method = tree.only(of, DSIG, name)?;
    let given = tree.attribute(method, "Algorithm").unwrap_or_default();
    if known.contains(&given) {
        return Ok(());
    }
    let given: String = given.chars().take(100).filter(|c| c.is_ascii_graphic()).collect();
    let detail = format!("{name} {given} is refused; let the provider use {}", known[0]);
    Err(Disbelief::new(fault, detail))
}

fn transforms(tree: &Tree<'_>, reference: NodeId) -> Result<(), Disbelief> {
    let list = tree.only(reference, DSIG, "Transforms")?;
    let children = tree.children(list);
    let known = |node: &NodeId| {
        tree.is(*node, DSIG, "Transform")
            && tree.attribute(*node, "Algorithm").is_some_and(|given| [ENVELOPED, EXCLUSIVE].contains(&given))
            && tree.children(*node).iter().all(|child| tree.is(*child, EXCLUSIVE, "InclusiveNamespaces"))
    };
    if children.len() > 2 || !children.iter().all(known) {
        return forbidden(
            "a signature uses a transform other than enveloped signature and exclusive XML canonicalization",
        );
    }
    Ok(())
}

// Only keys in the metadata are trusted. Key data in a signature is ignored, and accepted as long as it cannot be
// followed.
fn key_info(tree: &Tree<'_>, signature: NodeId) -> Result<(), Disbelief> {
    for info in tree.children_named(signature, DSIG, "KeyInfo") {
        for child in tree.children(info) {
            if !["X509Data", "KeyName", "KeyValue"].iter().any(|name| tree.is(child, DSIG, name)) {
                return forbidden(format!("a signature's KeyInfo has an element {}", tree.name(child)));
            }
        }
    }
    Ok(())
}
