//! Answers that must be rejected, each with the expected fault. Used by the tests in this crate and by those of the
//! running server.

use super::forge::*;

/// An answer that must be rejected.
pub struct Attack {
    pub name: &'static str,
    /// The form field, in base64.
    pub field: String,
    /// Name of the expected `Fault`.
    pub fault: &'static str,
}

struct Corpus<'a> {
    idp: &'a Idp,
    stranger: Idp,
    facts: &'a dyn Fn() -> Facts,
    attacks: Vec<Attack>,
}

impl Corpus<'_> {
    fn raw(&mut self, name: &'static str, fault: &'static str, field: String) {
        self.attacks.push(Attack { name, field, fault });
    }

    fn document(&mut self, name: &'static str, fault: &'static str, document: &str) {
        self.raw(name, fault, field(document));
    }

    /// Adds a valid document that is changed after it was signed.
    fn altered(&mut self, name: &'static str, fault: &'static str, alter: impl Fn(&Facts, String) -> String) {
        let facts = (self.facts)();
        let good = self.idp.with_signed_assertion(&facts);
        let altered = alter(&facts, good.clone());
        assert_ne!(good, altered, "{name} changes nothing");
        self.document(name, fault, &altered);
    }

    /// Adds a response with a changed assertion that the provider itself signs.
    fn asserted(&mut self, name: &'static str, fault: &'static str, alter: impl Fn(&Facts, String) -> String) {
        let facts = (self.facts)();
        let altered = alter(&facts, facts.assertion());
        assert_ne!(altered, facts.assertion(), "{name} changes nothing");
        let signed = self.idp.signed(&altered, &facts.assertion_id(), &Signing::default());
        self.document(name, fault, &facts.response(&signed));
    }

    /// Adds a changed response that the provider itself signs.
    fn answered(&mut self, name: &'static str, fault: &'static str, alter: impl Fn(&Facts, String) -> String) {
        let facts = (self.facts)();
        let good = facts.response(&facts.assertion());
        let altered = alter(&facts, good.clone());
        assert_ne!(good, altered, "{name} changes nothing");
        self.document(name, fault, &self.idp.signed(&altered, &facts.response_id(), &Signing::default()));
    }

    fn signed_so(&mut self, name: &'static str, fault: &'static str, signing: Signing) {
        let facts = (self.facts)();
        let signed = self.idp.signed(&facts.assertion(), &facts.assertion_id(), &signing);
        self.document(name, fault, &facts.response(&signed));
    }

    fn encrypted(&mut self, name: &'static str, fault: &'static str, encryption: Encryption) {
        let facts = (self.facts)();
        self.document(name, fault, &self.idp.with_encrypted(&facts, &encryption));
    }
}

/// Returns all attacks. `facts` returns the content of a new answer at each call. `trap` is an address that must never
/// be contacted.
pub fn attacks(idp: &Idp, facts: &dyn Fn() -> Facts, trap: &str) -> Vec<Attack> {
    let mut corpus = Corpus { idp, stranger: Idp::new(), facts, attacks: Vec::new() };
    signatures(&mut corpus);
    methods(&mut corpus, trap);
    wrapped(&mut corpus);
    wrapped_deeper(&mut corpus);
    content(&mut corpus, trap);
    statements(&mut corpus);
    times(&mut corpus);
    subjects(&mut corpus);
    encryption(&mut corpus);
    corpus.attacks
}

fn strip(document: &str) -> String {
    let mut text = document.to_owned();
    while let (Some(from), Some(to)) = (text.find("<ds:Signature "), text.find("</ds:Signature>")) {
        text.replace_range(from..to + "</ds:Signature>".len(), "");
    }
    text
}

fn signature_of(document: &str) -> String {
    let from = document.find("<ds:Signature ").unwrap();
    let to = document.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    document[from..to].to_owned()
}

fn signatures(corpus: &mut Corpus<'_>) {
    corpus.altered("signature stripped", "Unsigned", |_, document| strip(&document));
    corpus.altered("signature of another answer", "ForbiddenContent", |facts, document| {
        document
            .replace(&facts.assertion_id(), "_evil")
            .replace("URI=\"#_evil\"", &format!("URI=\"#{}\"", facts.assertion_id()))
    });
    corpus
        .altered("attribute tampered with", "SignatureInvalid", |_, document| document.replace(">staff<", ">admins<"));
    corpus.altered("NameID tampered with", "SignatureInvalid", |_, document| document.replace(">alice<", ">admin<"));
    corpus.altered("audience tampered with", "SignatureInvalid", |_, document| {
        document.replace("<saml:Audience>", "<saml:Audience>x")
    });
    corpus.altered("signature value emptied", "SignatureInvalid", |_, document| {
        let (before, rest) = document.split_once("<ds:SignatureValue>").unwrap();
        format!("{before}<ds:SignatureValue>{}", &rest[rest.find("</ds:SignatureValue>").unwrap()..])
    });
    let facts = (corpus.facts)();
    let foreign = corpus.stranger.with_signed_assertion(&facts);
    corpus.document("foreign key", "SignatureInvalid", &foreign);
    let facts = (corpus.facts)();
    let signing = Signing { key_info: corpus.stranger.own_key_info(), ..Signing::default() };
    let foreign = corpus.stranger.signed(&facts.assertion(), &facts.assertion_id(), &signing);
    corpus.document("foreign key that brings its own KeyInfo", "SignatureInvalid", &facts.response(&foreign));
    let facts = (corpus.facts)();
    let inner = corpus.stranger.signed_assertion(&facts);
    let both = corpus.idp.signed(&facts.response(&inner), &facts.response_id(), &Signing::default());
    corpus.document("assertion signed by a foreign key within a good response", "SignatureInvalid", &both);
    let facts = (corpus.facts)();
    let tampered = corpus.idp.with_signed_response(&facts).replace(">alice<", ">admin<");
    corpus.document("NameID tampered with, the response signed", "SignatureInvalid", &tampered);
}

fn methods(corpus: &mut Corpus<'_>, trap: &str) {
    let so = Signing::default;
    corpus.signed_so(
        "RSA with SHA-1",
        "AlgorithmRefused",
        Signing { method: "http://www.w3.org/2000/09/xmldsig#rsa-sha1", ..so() },
    );
    corpus.signed_so(
        "digest by SHA-1",
        "AlgorithmRefused",
        Signing { digest: "http://www.w3.org/2000/09/xmldsig#sha1", ..so() },
    );
    corpus.signed_so(
        "HMAC with the public key",
        "AlgorithmRefused",
        Signing { method: "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", ..so() },
    );
    corpus.signed_so("no known method", "AlgorithmRefused", Signing { method: "none", ..so() });
    corpus.signed_so(
        "inclusive canonicalization",
        "ForbiddenContent",
        Signing { canonicalization: "http://www.w3.org/TR/2001/REC-xml-c14n-20010315", ..so() },
    );
    for (name, transform) in [
        (
            "XSLT transform",
            "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xslt-19991116\"><xsl:stylesheet xmlns:xsl=\"http://www.w3.org/1999/XSL/Transform\" version=\"1.0\"></xsl:stylesheet></ds:Transform>",
        ),
        (
            "XPath transform",
            "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"><ds:XPath>not(ancestor-or-self::ds:Signature)</ds:XPath></ds:Transform>",
        ),
        ("base64 transform", "<ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#base64\"></ds:Transform>"),
        (
            "comments in canonical form",
            "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#WithComments\"></ds:Transform>",
        ),
    ] {
        corpus.signed_so(
            name,
            "ForbiddenContent",
            Signing { transforms: transforms(&[ENVELOPED]) + transform, ..so() },
        );
    }
    let many = transforms(&[ENVELOPED, EXCLUSIVE, EXCLUSIVE]);
    corpus.signed_so("three transforms", "ForbiddenContent", Signing { transforms: many, ..so() });
    for (name, uri) in [
        ("reference to a web address", format!("http://{trap}/assertion")),
        ("reference to a file", "file:///etc/passwd".to_owned()),
        ("reference to a relative file", "muster.toml".to_owned()),
        ("reference to the whole document", String::new()),
        ("reference by XPointer", "#xpointer(/)".to_owned()),
    ] {
        corpus.signed_so(name, "ForbiddenContent", Signing { uri: Some(uri), ..so() });
    }
    let second = format!(
        "<ds:Reference URI=\"http://{trap}/more\"><ds:DigestMethod Algorithm=\"{SHA256}\"></ds:DigestMethod><ds:DigestValue>AAAA</ds:DigestValue></ds:Reference>"
    );
    corpus.signed_so("a second reference", "NotUnderstood", Signing { more: second, ..so() });
    let retrieval =
        format!("<ds:KeyInfo><ds:RetrievalMethod URI=\"http://{trap}/key\"></ds:RetrievalMethod></ds:KeyInfo>");
    corpus.signed_so("a key to be fetched", "ForbiddenContent", Signing { key_info: retrieval, ..so() });
    let object = "<ds:Object><x></x></ds:Object>".to_owned();
    corpus.signed_so("an object within the signature", "ForbiddenContent", Signing { key_info: object, ..so() });
}

fn evil(facts: &Facts) -> String {
    facts.assertion().replace(&facts.assertion_id(), "_evil").replace(">alice<", ">admin<")
}

/// Signature wrapping attacks (XSW) 1 to 8, numbered as in SAML Raider.
fn wrapped(corpus: &mut Corpus<'_>) {
    let facts = (corpus.facts)();
    let original = corpus.idp.with_signed_response(&facts);
    let signature = signature_of(&original);
    let inner = strip(&original);
    let forged = facts.response(&evil(&facts)).replace(&facts.response_id(), "_evilresponse");
    let within = signature.replace("</ds:Signature>", &format!("{inner}</ds:Signature>"));
    let first = forged.replacen("</saml:Issuer>", &format!("</saml:Issuer>{within}"), 1);
    corpus.document("XSW 1: original response within the signature", "ForbiddenContent", &first);
    let second = forged.replacen("</saml:Issuer>", &format!("</saml:Issuer>{inner}{signature}"), 1);
    corpus.document("XSW 2: original response beside the signature", "ForbiddenContent", &second);
    corpus.altered("XSW 3: forged assertion before the original", "ForbiddenContent", |facts, document| {
        document.replacen("<saml:Assertion", &format!("{}<saml:Assertion", evil(facts)), 1)
    });
    let facts = (corpus.facts)();
    let signed = corpus.idp.signed_assertion(&facts);
    let around = evil(&facts).replace("</saml:Assertion>", &format!("{signed}</saml:Assertion>"));
    corpus.document("XSW 4: original within the forged assertion", "ForbiddenContent", &facts.response(&around));
    let (signature, bare) = (signature_of(&signed), strip(&signed));
    let moved = |inside: &str| evil(&facts).replacen("</saml:Issuer>", &format!("</saml:Issuer>{inside}"), 1);
    let fifth = facts.response(&format!("{}{bare}", moved(&signature)));
    corpus.document("XSW 5: forged assertion bears the signature, original behind it", "ForbiddenContent", &fifth);
    let within = signature.replace("</ds:Signature>", &format!("{bare}</ds:Signature>"));
    corpus.document("XSW 6: original within the signature", "ForbiddenContent", &facts.response(&moved(&within)));
    corpus.altered("XSW 7: forged assertion in Extensions", "ForbiddenContent", |facts, document| {
        let extensions = format!(
            "<samlp:Extensions>{}</samlp:Extensions><samlp:Status>",
            facts.assertion().replace(">alice<", ">admin<")
        );
        document.replacen("<samlp:Status>", &extensions, 1)
    });
    let object = format!("<ds:Object>{bare}</ds:Object></ds:Signature>");
    let eighth = facts.response(&moved(&signature.replace("</ds:Signature>", &object)));
    corpus.document("XSW 8: original in an object of the signature", "ForbiddenContent", &eighth);
}

fn wrapped_deeper(corpus: &mut Corpus<'_>) {
    for (name, mark, around) in [
        ("original in SubjectConfirmationData", "</saml:SubjectConfirmationData>", ""),
        ("original in an attribute value", "enroll</saml:AttributeValue>", ""),
        ("original in Advice", "<saml:AuthnStatement ", "saml:Advice"),
    ] {
        let facts = (corpus.facts)();
        let signed = corpus.idp.signed_assertion(&facts);
        let hidden = if around.is_empty() { signed } else { format!("<{around}>{signed}</{around}>") };
        let mark_without_text = mark.trim_start_matches("enroll");
        let forged = evil(&facts).replacen(mark, &format!("{hidden}{mark_without_text}"), 1);
        corpus.document(name, "ForbiddenContent", &facts.response(&forged));
    }
    corpus.altered("original in StatusDetail", "ForbiddenContent", |facts, document| {
        let signed = document[document.find("<saml:Assertion").unwrap()..].replace("</samlp:Response>", "");
        let forged = facts.response(&evil(facts));
        forged.replace("</samlp:Status>", &format!("<samlp:StatusDetail>{signed}</samlp:StatusDetail></samlp:Status>"))
    });
    corpus.altered("two assertions of one ID", "ForbiddenContent", |facts, document| {
        let twin = facts.assertion().replace(">alice<", ">admin<");
        document.replace("</samlp:Response>", &format!("{twin}</samlp:Response>"))
    });
    corpus.altered("an ID twice", "ForbiddenContent", |facts, document| {
        document.replacen("<samlp:Status>", &format!("<samlp:Status ID=\"{}\">", facts.assertion_id()), 1)
    });
    corpus.altered("an ID twice by another name", "ForbiddenContent", |facts, document| {
        document.replacen("<samlp:Status>", &format!("<samlp:Status Id=\"{}\">", facts.assertion_id()), 1)
    });
    corpus.altered("another ID in a foreign namespace", "ForbiddenContent", |_, document| {
        document.replacen("<saml:Assertion ", "<saml:Assertion xmlns:e=\"urn:e\" e:ID=\"_e\" ", 1)
    });
    corpus.altered("a second Subject", "ForbiddenContent", |_, document| {
        document.replacen(
            "<saml:Subject>",
            "<saml:Subject><saml:NameID>admin</saml:NameID></saml:Subject><saml:Subject>",
            1,
        )
    });
    corpus.altered("a second Issuer in the Response", "ForbiddenContent", |_, document| {
        let issuer = format!(
            "<saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">{ISSUER}</saml:Issuer><samlp:Status>"
        );
        document.replacen("<samlp:Status>", &issuer, 1)
    });
    corpus.altered("a foreign element in the Response", "ForbiddenContent", |_, document| {
        document.replacen("<samlp:Status>", "<x xmlns=\"urn:x\"></x><samlp:Status>", 1)
    });
}

fn content(corpus: &mut Corpus<'_>, trap: &str) {
    for (name, inside) in [
        ("comment in the NameID", "alice<!-- -->.evil"),
        ("CDATA in the NameID", "alice<![CDATA[.evil]]>"),
        ("processing instruction in the NameID", "alice<?x y?>.evil"),
        ("element in the NameID", "alice<x xmlns=\"urn:x\"></x>.evil"),
    ] {
        corpus.altered(name, "ForbiddenContent", |_, document| document.replace(">alice<", &format!(">{inside}<")));
    }
    // Signed like the provider's own answer, because canonicalization removes comments.
    let facts = (corpus.facts)();
    let longer = facts.assertion().replace(">alice<", ">alice.evil<");
    let signed = corpus.idp.signed(&longer, &facts.assertion_id(), &Signing::default());
    let cut = facts.response(&signed.replace(">alice.evil<", ">alice<!-- -->.evil<"));
    corpus.document("comment in the NameID that leaves the signature good", "ForbiddenContent", &cut);
    for (name, head) in [
        ("document type", "<!DOCTYPE Response>".to_owned()),
        ("document type from elsewhere", format!("<!DOCTYPE Response SYSTEM \"http://{trap}/dtd\">")),
        ("internal entity", "<!DOCTYPE Response [<!ENTITY who \"admin\">]>".to_owned()),
        ("external entity", format!("<!DOCTYPE Response [<!ENTITY who SYSTEM \"http://{trap}/who\">]>")),
        ("entity of a file", "<!DOCTYPE Response [<!ENTITY who SYSTEM \"file:///etc/passwd\">]>".to_owned()),
        ("parameter entity", format!("<!DOCTYPE Response [<!ENTITY % who SYSTEM \"http://{trap}/who\"> %who;]>")),
        ("entity bomb", "<!DOCTYPE Response [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY who \"&b;&b;&b;&b;&b;&b;&b;&b;\">]>".to_owned()),
    ] {
        corpus.altered(name, "ForbiddenContent", |_, document| format!("{head}{}", document.replace(">alice<", ">&who;<")));
    }
    corpus.altered("undeclared entity", "ForbiddenContent", |_, document| document.replace(">alice<", ">&who;<"));
    corpus.altered("stylesheet", "ForbiddenContent", |_, document| {
        format!("<?xml-stylesheet href=\"http://{trap}/style\" type=\"text/xsl\"?>{document}")
    });
    corpus.altered("another encoding", "NotUnderstood", |_, document| {
        format!("<?xml version=\"1.0\" encoding=\"UTF-7\"?>{document}")
    });
    corpus.altered("cut off", "NotUnderstood", |_, document| document[..document.len() - 9].to_owned());
    corpus.altered("two roots", "NotUnderstood", |_, document| format!("{document}{document}"));
    let deep = format!("{}{}", "<a>".repeat(30_000), "</a>".repeat(30_000));
    corpus.document("nested deeply", "NotUnderstood", &deep);
    let attributes: String = (0..20_000).map(|n| format!(" a{n}=\"\"")).collect();
    corpus.altered("thousands of attributes", "ForbiddenContent", |_, document| {
        document.replacen("<samlp:Status>", &format!("<samlp:Status{attributes}>"), 1)
    });
    let namespaces: String = (0..200).map(|n| format!(" xmlns:a{n}=\"a\"")).collect();
    let nested = format!("<b{namespaces}>").repeat(20) + &"</b>".repeat(20);
    corpus.altered("thousands of namespaces", "ForbiddenContent", |_, document| {
        document.replacen("<samlp:Status>", &format!("{nested}<samlp:Status>"), 1)
    });
    corpus.document("an empty document", "NotUnderstood", "");
    corpus.document("not XML", "NotUnderstood", "{\"user\":\"admin\"}");
    corpus.document(
        "another message",
        "NotUnderstood",
        "<samlp:LogoutResponse xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\"/>",
    );
    let facts = (corpus.facts)();
    let alone = corpus.idp.signed_assertion(&facts);
    corpus.document("an assertion without a response", "NotUnderstood", &alone);
    corpus.raw("not base64", "NotUnderstood", "<samlp:Response/>".into());
    corpus.raw("not text", "NotUnderstood", "/////w==".into());
    corpus.altered("oversized", "NotUnderstood", |_, document| document + &" ".repeat(256 * 1024));
}

fn statements(corpus: &mut Corpus<'_>) {
    let without = |text: String, from: &str, to: &str| {
        let (start, end) = (text.find(from).unwrap(), text.find(to).unwrap() + to.len());
        format!("{}{}", &text[..start], &text[end..])
    };
    corpus.asserted("no Conditions", "Incomplete", |_, text| without(text, "<saml:Conditions", "</saml:Conditions>"));
    corpus.asserted("no AudienceRestriction", "Incomplete", |_, text| {
        without(text, "<saml:AudienceRestriction>", "</saml:AudienceRestriction>")
    });
    corpus.asserted("another audience", "WrongAudience", |facts, text| {
        text.replace(&format!("<saml:Audience>{}", facts.audience), "<saml:Audience>https://other.example.test")
    });
    corpus.asserted("an audience that only begins like ours", "WrongAudience", |facts, text| {
        text.replace(
            &format!("<saml:Audience>{}", facts.audience),
            &format!("<saml:Audience>{}.evil.test", facts.audience),
        )
    });
    corpus.asserted("no AuthnStatement", "Incomplete", |_, text| {
        without(text, "<saml:AuthnStatement", "</saml:AuthnStatement>")
    });
    corpus.asserted("no Subject", "Incomplete", |_, text| without(text, "<saml:Subject>", "</saml:Subject>"));
    corpus.asserted("no SubjectConfirmation", "Incomplete", |_, text| {
        without(text, "<saml:SubjectConfirmation ", "</saml:SubjectConfirmation>")
    });
    corpus.asserted("no SubjectConfirmationData", "Incomplete", |_, text| {
        without(text, "<saml:SubjectConfirmationData", "</saml:SubjectConfirmationData>")
    });
    corpus.asserted("holder of key, not bearer", "Incomplete", |_, text| text.replace("cm:bearer", "cm:holder-of-key"));
    corpus.asserted("another recipient", "WrongRecipient", |facts, text| {
        text.replace(&format!("Recipient=\"{}\"", facts.consumer), "Recipient=\"https://other.example.test/acs\"")
    });
    corpus.asserted("no recipient", "Incomplete", |facts, text| {
        text.replace(&format!(" Recipient=\"{}\"", facts.consumer), "")
    });
    corpus.asserted("another issuer", "WrongIssuer", |_, text| text.replace(ISSUER, "https://other.example.test/idp"));
    corpus.answered("another issuer of the response", "WrongIssuer", |_, text| {
        text.replacen(ISSUER, "https://other.example.test/idp", 1)
    });
    corpus.answered("another destination", "WrongDestination", |facts, text| {
        text.replace(&format!("Destination=\"{}\"", facts.consumer), "Destination=\"https://other.example.test/acs\"")
    });
    corpus.answered("no destination", "WrongDestination", |facts, text| {
        text.replace(&format!(" Destination=\"{}\"", facts.consumer), "")
    });
    corpus.altered("another destination, only the assertion signed", "WrongDestination", |facts, text| {
        text.replace(&format!("Destination=\"{}\"", facts.consumer), "Destination=\"https://other.example.test/acs\"")
    });
    corpus.altered("no destination, only the assertion signed", "WrongDestination", |facts, text| {
        text.replace(&format!(" Destination=\"{}\"", facts.consumer), "")
    });
    corpus.answered("the provider says no", "ProviderRefused", |_, text| {
        text.replace("status:Success", "status:Responder")
    });
    corpus.answered("no Status", "Incomplete", |_, text| without(text, "<samlp:Status>", "</samlp:Status>"));
    corpus.answered("no assertion", "Incomplete", |_, text| without(text, "<saml:Assertion", "</saml:Assertion>"));
    corpus.asserted("the assertion answers another request than the response", "Unsolicited", |facts, text| {
        text.replace(&format!("InResponseTo=\"{}\"", facts.request), "InResponseTo=\"_another\"")
    });
    corpus.asserted("the assertion answers no request", "Unsolicited", |facts, text| {
        text.replace(&format!("InResponseTo=\"{}\" ", facts.request), "")
    });
}

fn times(corpus: &mut Corpus<'_>) {
    corpus.asserted("expired conditions", "OutsideValidity", |facts, text| {
        text.replace(
            &format!("<saml:Conditions NotBefore=\"{}\" NotOnOrAfter=\"{}\"", facts.at(0), facts.at(300)),
            &format!("<saml:Conditions NotBefore=\"{}\" NotOnOrAfter=\"{}\"", facts.at(-120), facts.at(-61)),
        )
    });
    corpus.asserted("not yet valid", "OutsideValidity", |facts, text| {
        text.replace(&format!("NotBefore=\"{}\"", facts.at(0)), &format!("NotBefore=\"{}\"", facts.at(600)))
    });
    corpus.asserted("expired confirmation", "OutsideValidity", |facts, text| {
        text.replace(
            &format!("NotOnOrAfter=\"{}\" Recipient", facts.at(300)),
            &format!("NotOnOrAfter=\"{}\" Recipient", facts.at(-61)),
        )
    });
    corpus.asserted("a confirmation without an end", "Incomplete", |facts, text| {
        text.replace(&format!("NotOnOrAfter=\"{}\" Recipient", facts.at(300)), "Recipient")
    });
    corpus.asserted("a bearer confirmation with a beginning", "OutsideValidity", |facts, text| {
        text.replace(
            "<saml:SubjectConfirmationData InResponseTo",
            &format!("<saml:SubjectConfirmationData NotBefore=\"{}\" InResponseTo", facts.at(0)),
        )
        .replace(
            &format!("NotBefore=\"{}\" InResponseTo=\"{}\" NotOnOrAfter", facts.at(0), facts.request),
            &format!("InResponseTo=\"{}\" NotBefore=\"{}\" NotOnOrAfter", facts.request, facts.at(0)),
        )
    });
    corpus.asserted("an assertion of long ago", "OutsideValidity", |facts, text| {
        text.replace(&format!("IssueInstant=\"{}\"", facts.at(0)), &format!("IssueInstant=\"{}\"", facts.at(-3600)))
    });
    corpus.asserted("a session that has ended", "OutsideValidity", |facts, text| {
        let ended = format!("AuthnInstant=\"{}\" SessionNotOnOrAfter=\"{}\"", facts.at(0), facts.at(-61));
        text.replace(&format!("AuthnInstant=\"{}\"", facts.at(0)), &ended)
    });
}

fn subjects(corpus: &mut Corpus<'_>) {
    corpus.asserted("an empty NameID", "SubjectMissing", |_, text| text.replace(">alice<", "><"));
    corpus.asserted("a NameID of blanks", "SubjectMissing", |_, text| text.replace(">alice<", ">  <"));
    corpus.asserted("no NameID", "SubjectMissing", |_, text| {
        let (from, to) = (text.find("<saml:NameID").unwrap(), text.find("</saml:NameID>").unwrap() + 14);
        format!("{}{}", &text[..from], &text[to..])
    });
    corpus.asserted("a transient NameID", "SubjectMissing", |_, text| {
        text.replace("nameid-format:persistent", "nameid-format:transient")
    });
    corpus.asserted("a NameID of another provider's", "SubjectMissing", |_, text| {
        text.replace(
            "nameid-format:persistent\"",
            "nameid-format:persistent\" NameQualifier=\"https://other.example.test\"",
        )
    });
}

fn encryption(corpus: &mut Corpus<'_>) {
    let so = Encryption::default;
    corpus.encrypted("AES-CBC", "EncryptionRefused", Encryption { data: AES128_CBC, ..so() });
    corpus.encrypted("RSA 1.5", "EncryptionRefused", Encryption { key: RSA15, ..so() });
    let md5 = Some("http://www.w3.org/2001/04/xmldsig-more#md5");
    corpus.encrypted("RSA-OAEP with MD5", "EncryptionRefused", Encryption { key: OAEP11, digest: md5, ..so() });
    let facts = (corpus.facts)();
    let elsewhere = Facts { encrypt_to: Some(corpus.stranger.certificate.clone()), ..facts };
    let document = corpus.idp.with_encrypted(&elsewhere, &so());
    corpus.document("encrypted to another key", "EncryptionRefused", &document);
    let facts = (corpus.facts)();
    let to = facts.encrypt_to.clone().unwrap();
    let unsigned = facts.response(&so().apply(&corpus.idp.signed_assertion(&facts), &to));
    corpus.document("encrypted within an unsigned response", "Unsigned", &unsigned);
    let facts = (corpus.facts)();
    let foreign = so().apply(&corpus.stranger.signed_assertion(&facts), &to);
    let document = corpus.idp.signed(&facts.response(&foreign), &facts.response_id(), &Signing::default());
    corpus.document("encrypted, signed within by a foreign key", "SignatureInvalid", &document);
    let facts = (corpus.facts)();
    let commented = facts.assertion().replace(">alice<", ">alice<!-- -->.evil<");
    let document = facts.response(&so().apply(&commented, &to));
    let document = corpus.idp.signed(&document, &facts.response_id(), &Signing::default());
    corpus.document("encrypted, with a comment within", "ForbiddenContent", &document);
}
