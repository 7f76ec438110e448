//! Mail addresses and Managed Apple IDs, as an operator types them.

/// Returns whether the text has the form of an address. This finds typing errors, but does not check that the address
/// exists.
pub fn is_address(text: &str) -> bool {
    let Some((name, domain)) = text.split_once('@') else { return false };
    let blank = text.chars().any(|c| c.is_control() || c.is_whitespace());
    let labels = !domain.contains('@') && domain.contains('.') && domain.split('.').all(|label| !label.is_empty());
    !blank && !name.is_empty() && labels && text.len() <= 254
}

#[cfg(test)]
mod tests {
    use super::is_address;

    #[test]
    fn an_address_has_a_name_and_a_domain_of_two_labels_or_more() {
        assert!(is_address("ada@school.example"));
        for wrong in ["ada", "ada@school", "@school.example", "ada@school..example", "ada @school.example", "a@b@c.d"] {
            assert!(!is_address(wrong), "{wrong}");
        }
    }
}
