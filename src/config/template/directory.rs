//! `[[identity.directory]]` in the configuration file: an example that is switched off, each field with what it means.

pub const EXAMPLE: &str = r#"# A directory that vouches for people (LDAP). Take the marks away to use it; there may be several. Who is asked at the
# portal and who at the console is a setting: sign_in. `muster check-config --live --live-user NAME` tries it.
#[[identity.directory]]
# Short name in settings, access rules and the log: lower-case letters, digits and hyphens. With another name later, the
# same people are other people.
#name = "main"
# Servers in the order they are tried; ldap:// uses StartTLS. There is no way without TLS.
#servers = ["ldaps://dc1.example.com", "ldap://dc2.example.com"]
# The CA that the servers' certificates come from, PEM; no other is believed then. Left out: the system's.
#root = "pki/directory-ca.pem"
# Who searches: an account that may read people and groups, and nothing more.
#bind_dn = "cn=muster,ou=services,dc=example,dc=com"
# A file with the searcher's password: its first line. Readable by this server alone.
#bind_password = "directory.password"
# Where people are searched, with everything below.
#base = "ou=people,dc=example,dc=com"
# {name} stands for what the person typed, escaped. It must find one entry at most: of several, nobody is let in. In
# Active Directory
# "(&(objectCategory=person)(objectClass=user)(|(sAMAccountName={name})(userPrincipalName={name})))".
#user_filter = "(&(objectClass=person)(uid={name}))"
# Active Directory's short name of the domain: people who type EXAMPLE\ada are looked up as ada. Left out: as they type.
#windows_domain = "EXAMPLE"
# The attribute that names a person for ever; in Active Directory "objectGUID".
#unique_attribute = "entryUUID"
# What a person is called in the inventory; in Active Directory "sAMAccountName".
#user_name_attribute = "uid"
# The name that people read; in Active Directory "displayName".
#display_name_attribute = "cn"
# The mail address.
#mail_attribute = "mail"
# The Managed Apple ID, which fills in the step that asks for it. Left out: people type it.
#managed_apple_id_attribute = "mail"
# What access rules ask for as the claim "department". Left out: there is none.
#department_attribute = "department"
# How groups are found: { by = "member_of" } takes the person's own memberOf: direct groups only.
# { by = "active_directory_nested", base = "dc=example,dc=com" } uses Active Directory's rule for groups in groups; other
# servers find nothing with it. { by = "walk", base = "ou=groups,dc=example,dc=com", depth = 8,
# member_attribute = "member" } goes upward from group to group. Only active_directory_nested knows Active Directory's
# primary group, which memberOf leaves out.
#groups = { by = "member_of" }
# What it means that memberOf is not there and the directory does not say that it is empty: "unknown", so that no rule about
# groups is passed over by chance, or "none". Only groups = { by = "member_of" } uses it: the other two search for groups, and a
# search without results means that there are none.
#absent_groups = "unknown"
# The same for department_attribute.
#absent_claims = "unknown"
# How long to wait for connection and TLS of one server, before the next one is tried.
#connect_timeout_seconds = 5
# How long to wait for each answer.
#timeout_seconds = 5
# After so many wrong passwords the directory locks an account: the portal stops asking before, under that name. Take a
# smaller number than the directory's own, since wrong passwords elsewhere count there too; a large one if it locks none.
#lockout_failures = 5
# So long after the last wrong password the directory begins to count anew, at the latest.
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
        // Whoever names a field that there is not is told all there are.
        let known = toml::from_str::<Directory>("no_such_field = 1").unwrap_err().to_string();
        let fields: Vec<&str> = known.split("expected one of").nth(1).unwrap().split('`').skip(1).step_by(2).collect();
        assert!(fields.len() > 15, "{fields:?}");
        for field in fields {
            assert!(EXAMPLE.contains(&format!("\n#{field} = ")), "{field} is not in the example");
        }
    }
}
