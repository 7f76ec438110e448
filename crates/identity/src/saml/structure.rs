//! Where things stand in an answer: one assertion, directly below the root, and signatures that cover exactly the element
//! they stand in. What wrapping attacks live on does not exist in a document of this shape.

use super::tree::{ASSERTION, DSIG, PROTOCOL, Tree, XENC};
use crate::{Disbelief, Fault};
use gamlastan::xml::NodeId;

/// What was found in an answer.
pub struct Shape {
    pub response_signed: bool,
    pub assertion: Assertion,
}

pub enum Assertion {
    Plain { signed: bool },
    Encrypted(NodeId),
}

/// What may stand directly below a `Response` (SAML Core 3.3.3), and how often at most.
const OF_RESPONSE: [(&str, &str); 6] = [
    (ASSERTION, "Issuer"),
    (DSIG, "Signature"),
    (PROTOCOL, "Extensions"),
    (PROTOCOL, "Status"),
    (ASSERTION, "Assertion"),
    (ASSERTION, "EncryptedAssertion"),
];
/// Children of an `Assertion` of which readers take the first (SAML Core 2.3.3).
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

/// Refuses documents that are not a response of this shape.
pub fn response(tree: &Tree<'_>) -> Result<Shape, Disbelief> {
    if !tree.is(tree.root, PROTOCOL, "Response") {
        return Err(Disbelief::new(
            Fault::NotUnderstood,
            format!("the answer is no Response but {}", tree.name(tree.root)),
        ));
    }
    status(tree)?;
    for child in tree.children(tree.root) {
        let Some((namespace, name)) = OF_RESPONSE.iter().find(|(namespace, name)| tree.is(child, namespace, name))
        else {
            return forbidden(format!("there is an element {} in the Response", tree.name(child)));
        };
        if tree.children_named(tree.root, namespace, name).len() > 1 {
            return forbidden(format!("there is more than one {name} in the Response"));
        }
    }
    if tree.count(PROTOCOL, "Response") > 1 {
        return forbidden("there is a Response within the Response");
    }
    let plain = tree.children_named(tree.root, ASSERTION, "Assertion");
    let encrypted = tree.children_named(tree.root, ASSERTION, "EncryptedAssertion");
    if tree.count(ASSERTION, "Assertion") + tree.count(ASSERTION, "EncryptedAssertion") > 1 {
        return forbidden("there is more than one assertion");
    }
    let assertion = match (plain.first(), encrypted.first()) {
        (Some(assertion), _) => {
            once(tree, *assertion)?;
            let signed = !tree.children_named(*assertion, DSIG, "Signature").is_empty();
            Assertion::Plain { signed }
        }
        (None, Some(encrypted)) => Assertion::Encrypted(*encrypted),
        (None, None) => return Err(Disbelief::new(Fault::Incomplete, "there is no assertion in the Response")),
    };
    ids(tree)?;
    signatures(tree)?;
    Ok(Shape { response_signed: !tree.children_named(tree.root, DSIG, "Signature").is_empty(), assertion })
}

/// The same for an assertion that was decrypted and stands alone. Says whether it is signed.
pub fn assertion(tree: &Tree<'_>) -> Result<bool, Disbelief> {
    if !tree.is(tree.root, ASSERTION, "Assertion") {
        let detail = format!("what was encrypted is no Assertion but {}", tree.name(tree.root));
        return Err(Disbelief::new(Fault::NotUnderstood, detail));
    }
    if tree.count(ASSERTION, "Assertion") + tree.count(ASSERTION, "EncryptedAssertion") > 1 {
        return forbidden("there is more than one assertion");
    }
    once(tree, tree.root)?;
    ids(tree)?;
    signatures(tree)?;
    Ok(!tree.children_named(tree.root, DSIG, "Signature").is_empty())
}

// Says the provider no, nothing else matters: such answers are often unsigned and without an assertion.
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
    Err(Disbelief::new(Fault::ProviderRefused, format!("the provider says {}", codes.join(", "))))
}

fn once(tree: &Tree<'_>, assertion: NodeId) -> Result<(), Disbelief> {
    for (namespace, name) in ONCE_IN_ASSERTION {
        if tree.children_named(assertion, namespace, name).len() > 1 {
            return forbidden(format!("there is more than one {name} in the Assertion"));
        }
    }
    Ok(())
}

// References are looked up by these names.
const ID_NAMES: [&str; 4] = ["ID", "Id", "id", "AssertionID"];

fn ids(tree: &Tree<'_>) -> Result<(), Disbelief> {
    let mut seen = std::collections::BTreeSet::new();
    for node in tree.elements() {
        for id in ID_NAMES.iter().filter_map(|name| tree.attribute(node, name)) {
            if id.is_empty() || !seen.insert(id) {
                return forbidden("an ID is empty or stands twice in the answer");
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
        // SAML Core E91; and whatever else would lead a verifier elsewhere.
        for name in ["Object", "Manifest", "RetrievalMethod", "MgmtData"] {
            if tree.is(node, DSIG, name) && !within_encrypted(tree, node) {
                return forbidden(format!("there is a ds:{name}"));
            }
        }
    }
    Ok(())
}

// Encrypted keys may be found by a RetrievalMethod; we do not follow it, we look in the one place there is.
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

// SAML Core 5.4: enveloped in the element it signs, one reference, to that element's ID, two transforms at most.
fn signature(tree: &Tree<'_>, node: NodeId) -> Result<(), Disbelief> {
    let parent = tree.document.parent(node);
    let covered = parent.filter(|parent| {
        let assertion_below = tree.is(*parent, ASSERTION, "Assertion");
        *parent == tree.root || (assertion_below && tree.document.parent(*parent) == Some(tree.root))
    });
    let Some(covered) = covered else { return forbidden("there is a signature where none belongs") };
    let info = tree.only(node, DSIG, "SignedInfo")?;
    algorithm(tree, info, "CanonicalizationMethod", &[EXCLUSIVE], Fault::ForbiddenContent)?;
    algorithm(tree, info, "SignatureMethod", &SIGNATURES, Fault::AlgorithmRefused)?;
    let reference = tree.only(info, DSIG, "Reference")?;
    algorithm(tree, reference, "DigestMethod", &DIGESTS, Fault::AlgorithmRefused)?;
    let uri = tree.attribute(reference, "URI").unwrap_or_default();
    let Some(target) = uri.strip_prefix('#').filter(|target| !target.contains(['(', ')', '/'])) else {
        return forbidden("a signature refers to something outside of the answer; nothing is fetched");
    };
    if tree.attribute(covered, "ID") != Some(target) {
        return forbidden("a signature refers to another element than the one it stands in");
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
            "a signature transforms what it signs in another way than enveloped and exclusively canonical",
        );
    }
    Ok(())
}

// Only the keys of the metadata count. What a signature says about its key may stand there as long as nobody follows it.
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
