//! Addresses of senders and recipients, in the form that SMTP carries.

use lettre::Address;
use lettre::message::Mailbox;
use url::Host;

/// Maximum length of an address in bytes (RFC 5321 section 4.5.3.1.3, without the angle brackets).
const LONGEST: usize = 254;

/// Parses an address. The domain becomes A-labels (IDNA). `None` if it is no address that a mail server could take:
/// control characters, spaces, quoted names, address literals and domains of one label are refused.
pub(crate) fn parse(text: &str) -> Option<Address> {
    let (name, domain) = text.split_once('@')?;
    // RFC 5321 permits these only in a quoted name, which hardly any mailbox has.
    let odd = |c: char| c.is_control() || c.is_whitespace() || "\"\\<>()[]:;,".contains(c);
    if !names::is_address(text) || name.contains(odd) {
        return None;
    }
    let domain = ascii_domain(domain)?;
    Address::new(name, domain).ok().filter(|address| address.to_string().len() <= LONGEST)
}

/// Returns a domain as A-labels; `None` for an IP address or an invalid domain.
pub(crate) fn ascii_domain(domain: &str) -> Option<String> {
    // The parser of URLs would decode escapes.
    if domain.contains('%') {
        return None;
    }
    match Host::parse(domain).ok()? {
        Host::Domain(domain) => Some(domain),
        Host::Ipv4(_) | Host::Ipv6(_) => None,
    }
}

/// Parses `address` or `Name <address>`. The name may be in quotation marks. `None` if there is no valid address.
pub(crate) fn parse_mailbox(text: &str) -> Option<Mailbox> {
    let text = text.trim();
    let Some(rest) = text.strip_suffix('>') else { return Some(Mailbox::new(None, parse(text)?)) };
    let (name, address) = rest.rsplit_once('<')?;
    let name = name.trim();
    let name = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name);
    if name.chars().any(char::is_control) {
        return None;
    }
    Some(mailbox(Some(name), parse(address)?))
}

/// Joins an address with its name. Control characters of the name become spaces; a blank name is left out.
pub(crate) fn mailbox(name: Option<&str>, address: Address) -> Mailbox {
    Mailbox::new(name.map(one_line).filter(|name| !name.is_empty()), address)
}

/// Returns the text in one line: spaces and control characters in a row become one space. A line end in a header would
/// begin another header.
pub(crate) fn one_line(text: &str) -> String {
    let spaced = text.replace(char::is_control, " ");
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns whether the whole address is ASCII.
pub(crate) fn is_ascii(address: &Address) -> bool {
    address.user().is_ascii() && address.domain().is_ascii()
}

/// Returns whether a server needs SMTPUTF8 for this address (RFC 6531): only the name may still be outside ASCII.
pub(crate) fn is_international(address: &Address) -> bool {
    !address.user().is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_becomes_ascii_and_a_name_stays() {
        let parsed = |text| parse(text).map(|address| address.to_string());
        assert_eq!(parsed("ada@school.example").as_deref(), Some("ada@school.example"));
        assert_eq!(parsed("ada@Bücher.example").as_deref(), Some("ada@xn--bcher-kva.example"));
        assert_eq!(parsed("jürgen@school.example").as_deref(), Some("jürgen@school.example"));
        assert!(is_international(&parse("jürgen@school.example").unwrap()));
        assert!(!is_international(&parse("ada@bücher.example").unwrap()));
    }

    #[test]
    fn what_is_no_address_of_a_mailbox_is_refused() {
        let long = format!("{}@school.example", "a".repeat(65));
        for wrong in [
            "",
            "ada",
            "ada@localhost",
            "ada@school.example\r\nRCPT TO:<eve@evil.example>",
            "ada@school.example\nBcc: eve@evil.example",
            "ada\r@school.example",
            "ada@school.example>",
            "<ada@school.example>",
            "ada@school.example,eve@evil.example",
            "\"a b\"@school.example",
            "ada@192.0.2.7",
            "ada@[192.0.2.7]",
            "ada@school%2eexample",
            "ada\u{85}@school.example",
            "ada..b@school.example",
            &long,
        ] {
            assert_eq!(parse(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_sender_has_an_address_and_perhaps_a_name() {
        let parsed = |text| parse_mailbox(text).map(|Mailbox { name, email, .. }| (name, email.to_string()));
        let address = "muster@school.example".to_owned();
        assert_eq!(parsed("muster@school.example"), Some((None, address.clone())));
        assert_eq!(parsed("<muster@school.example>"), Some((None, address.clone())));
        let named = Some((Some("IT, Schüle".to_owned()), address));
        assert_eq!(parsed("IT, Schüle <muster@school.example>"), named);
        assert_eq!(parsed("\"IT, Schüle\" <muster@school.example>"), named);
        for wrong in ["Muster", "Muster <muster>", "Muster <muster@school.example", "a\nb <muster@school.example>"] {
            assert_eq!(parsed(wrong), None, "{wrong:?}");
        }
    }
}
