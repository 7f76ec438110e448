//! `[[identity.directory]]` in the configuration file: a disabled example, every field with a comment.

pub(crate) const EXAMPLE: &str = r#"# A directory (LDAP) for signing in. To use it, uncomment it. Several are possible. The setting sign_in says which
# ones the portal and the console use. Test it with `muster check-config --live --live-user NAME`.
#[[identity.directory]]
# Short name in settings, access rules and the log: lower-case letters, digits and hyphens. If it changes later, the
# same people count as new people.
#name = "main"
# Servers in the order in which they are tried. ldap:// uses StartTLS. TLS is always used.
#servers = ["ldaps://dc1.example.com", "ldap://dc2.example.com"]
# The CA of the servers' certificates, PEM. Then no other CA is trusted. If omitted: the system's CAs.
#root = "pki/directory-ca.pem"
# DN of the account for searches. It needs read access to people and groups, and nothing more.
#bind_dn = "cn=muster,ou=services,dc=example,dc=com"
# File with the password of this account. Its first line is used. Readable only by this server.
#bind_password = "directory.password"
# Base DN of the search for people. The search includes everything below it.
#base = "ou=people,dc=example,dc=com"
# {name} stands for the name that the person typed, escaped. The filter must find one entry at most; with several, sign-in fails. In
# Active Directory
# "(&(objectCategory=person)(objectClass=user)(|(sAMAccountName={name})(userPrincipalName={name})))".
#user_filter = "(&(objectClass=person)(uid={name}))"
# Active Directory's short domain name: EXAMPLE\ada is looked up as ada. If omitted: names are looked up as typed.
#windows_domain = "EXAMPLE"
# Attribute with a permanent identifier of the person. In Active Directory: "objectGUID".
#unique_attribute = "entryUUID"
# Attribute with the user name for the inventory. In Active Directory: "sAMAccountName".
#user_name_attribute = "uid"
# Attribute with the display name. In Active Directory: "displayName".
#display_name_attribute = "cn"
# Attribute with the mail address.
#mail_attribute = "mail"
# Attributes by which imported records find their owner, besides user name and mail address: docs/previous-records-owners.md.
#user_principal_name_attribute = "userPrincipalName"
#employee_number_attribute = "employeeNumber"
# Attribute with the Managed Apple ID. It fills in the Managed Apple ID step. If omitted: people type it.
#managed_apple_id_attribute = "mail"
# Attribute for the claim "department" in access rules. If omitted: the claim does not exist.
#department_attribute = "department"
# How groups are found. { by = "member_of" } reads the person's memberOf attribute: direct groups only.
# { by = "active_directory_nested", base = "dc=example,dc=com" } uses Active Directory's matching rule for nested groups; other
# servers find no groups with it. { by = "walk", base = "ou=groups,dc=example,dc=com", depth = 8,
# member_attribute = "member" } follows parent groups step by step. Only active_directory_nested finds Active Directory's
# primary group, which memberOf does not contain.
#groups = { by = "member_of" }
# Meaning of a missing memberOf if the directory does not say that it is empty: "unknown", so that a rule about
# groups is not skipped by accident, or "none". Only groups = { by = "member_of" } uses it: the other two search for groups, and a
# search without results means that there are none.
#absent_groups = "unknown"
# The same for department_attribute.
#absent_claims = "unknown"
# Timeout for connection and TLS with one server, in seconds. Then the next server is tried.
#connect_timeout_seconds = 5
# Timeout for each response, in seconds.
#timeout_seconds = 5
# Number of wrong passwords after which the directory locks an account. The portal stops earlier for that name. Use a
# smaller number than the directory's, because it also counts wrong passwords from elsewhere; a large one if it never locks.
#lockout_failures = 5
# Minutes after the last wrong password after which the directory resets its count, at the latest.
#lockout_minutes = 15
"#;

#[cfg(test)]
mod tests {
    use super::*;
    use identity::config::Directory;

    #[test]
    fn the_example_is_understood_when_its_marks_are_taken_away_and_has_every_field() {
        let switched_on: Vec<&str> = EXAMPLE.lines().filter_map(|line| line.strip_prefix('#')).collect();
        let lines = switched_on.into_iter().filter(|line| !line.starts_with(' ') && !line.starts_with('['));
        let text = lines.collect::<Vec<_>>().join("\n");
        let directory: Directory = toml::from_str(&text).unwrap();
        assert_eq!(directory.servers.len(), 2);
        // The error for an unknown field lists all known fields.
        let known = toml::from_str::<Directory>("no_such_field = 1").unwrap_err().to_string();
        let fields: Vec<&str> = known.split("expected one of").nth(1).unwrap().split('`').skip(1).step_by(2).collect();
        assert!(fields.len() > 15, "{fields:?}");
        for field in fields {
            assert!(EXAMPLE.contains(&format!("\n#{field} = ")), "{field} is not in the example");
        }
    }
}
