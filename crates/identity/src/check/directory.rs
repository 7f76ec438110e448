//! Offline checks of `[[identity.directory]]`. `check-config --live` also asks the directory.

use crate::config::{Directory, Groups};
use findings::Finding;
use findings::files::{self, unreadable_secret};
use world::regular_file;

pub(super) fn check(directories: &[Directory]) -> Vec<Finding> {
    directories.iter().flat_map(|directory| Checked { directory }.findings()).collect()
}

struct Checked<'a> {
    directory: &'a Directory,
}

impl Checked<'_> {
    fn findings(&self) -> Vec<Finding> {
        let mut findings = self.servers();
        findings.extend(self.root());
        findings.extend(self.password());
        findings.extend(self.names());
        findings.extend(self.filter());
        findings.extend(self.depth());
        findings.extend(self.numbers());
        findings
    }

    fn about(&self, key: &str) -> String {
        format!("identity.directory.{}.{key}", self.directory.name)
    }

    fn servers(&self) -> Vec<Finding> {
        let about = self.about("servers");
        if self.directory.servers.is_empty() {
            let mend = "name at least one server, such as \"ldaps://dc1.example.com\"";
            return vec![Finding::error("directory-without-server", &about, "no server is configured", mend)];
        }
        let wrong = self.directory.servers.iter().filter_map(|server| Directory::server(server).err());
        let mend = "correct the address; connections always use TLS (ldaps, or ldap with StartTLS)";
        wrong.map(|wrong| Finding::error("directory-server-malformed", &about, wrong, mend)).collect()
    }

    fn root(&self) -> Option<Finding> {
        let (about, path) = (self.about("root"), self.directory.root.as_ref()?);
        if let Some(finding) = files::missing(&about, path) {
            return Some(finding);
        }
        let pem = regular_file::read(path).unwrap_or_default();
        let certificates = openssl::x509::X509::stack_from_pem(&pem).unwrap_or_default();
        certificates.is_empty().then(|| {
            let wrong = format!("{} contains no PEM certificate", path.display());
            let mend = "write the certificate of the CA that issued the directory's certificates to this file";
            Finding::error("directory-root-no-certificate", &about, wrong, mend)
        })
    }

    fn password(&self) -> Option<Finding> {
        let (about, path) = (self.about("bind_password"), &self.directory.bind_password);
        let text = match regular_file::read_to_string(path) {
            Ok(text) => text,
            Err(error) => {
                let mend = "write the password of bind_dn to the first line of the file and let the user that runs the server read it";
                return Some(Finding::error("file-unreadable", &about, unreadable_secret(path, &error), mend));
            }
        };
        if text.lines().next().is_none_or(str::is_empty) {
            let wrong = format!("the first line of {} is empty", path.display());
            let mend = "write the password of bind_dn there: a bind without a password is anonymous";
            return Some(Finding::error("directory-password-empty", &about, wrong, mend));
        }
        files::readable_by_others(&about, path)
    }

    fn names(&self) -> Vec<Finding> {
        let Directory { bind_dn, base, unique_attribute, user_name_attribute, .. } = self.directory;
        let given = [
            ("bind_dn", bind_dn),
            ("base", base),
            ("unique_attribute", unique_attribute),
            ("user_name_attribute", user_name_attribute),
        ];
        let empty = given.into_iter().filter(|(_, value)| value.trim().is_empty());
        let finding = |key| Finding::error("directory-key-empty", &self.about(key), "it is empty", "give it a value");
        empty.map(|(key, _)| finding(key)).collect()
    }

    fn filter(&self) -> Vec<Finding> {
        let (about, filter) = (self.about("user_filter"), &self.directory.user_filter);
        let mut findings = Vec::new();
        if !filter.contains("{name}") {
            let wrong = format!("{filter:?} does not search for a name: it does not contain {{name}}");
            let mend = "write {name} where the typed name is inserted, such as (uid={name})";
            findings.push(Finding::error("directory-filter-without-name", &about, wrong, mend));
        }
        let rest = filter.replace("{name}", "name");
        if let Some((_, placeholder)) = rest.split_once('{') {
            let placeholder = placeholder.split('}').next().unwrap_or_default();
            let wrong = format!("the placeholder {{{placeholder}}} is unknown");
            let mend = "the only one is {name}";
            findings.push(Finding::error("directory-placeholder-unknown", &about, wrong, mend));
        } else if ldap3::parse_filter(&rest).is_err() {
            let wrong = format!("{filter:?} is not an LDAP filter");
            let mend = "write it as RFC 4515 defines, with parentheses, such as (&(objectClass=person)(uid={name}))";
            findings.push(Finding::error("directory-filter-malformed", &about, wrong, mend));
        }
        findings
    }

    fn depth(&self) -> Option<Finding> {
        let Groups::Walk { depth: 0, .. } = self.directory.groups else { return None };
        let mend = "1 finds direct groups, 8 is enough for most directories";
        let about = self.about("groups.depth");
        Some(Finding::error("directory-depth-zero", &about, "a search of 0 levels finds no group", mend))
    }

    fn numbers(&self) -> Vec<Finding> {
        let Directory { connect_timeout_seconds, timeout_seconds, lockout_failures, lockout_minutes, .. } =
            *self.directory;
        let mut findings = Vec::new();
        for (key, seconds) in
            [("connect_timeout_seconds", connect_timeout_seconds), ("timeout_seconds", timeout_seconds)]
        {
            if !(1..=60).contains(&seconds) {
                let wrong =
                    format!("{seconds} s is outside the allowed range; a person waits while the directory is asked");
                findings.push(Finding::error("directory-timeout", &self.about(key), wrong, "use 1 to 60, such as 5"));
            }
        }
        if lockout_failures < 2 {
            let wrong =
                format!("a directory that locks after {lockout_failures} cannot be asked without locking accounts");
            let mend = "set the number of wrong passwords after which the directory locks an account, or less; a large number if it locks none";
            findings.push(Finding::error("directory-lockout", &self.about("lockout_failures"), wrong, mend));
        }
        if lockout_minutes == 0 {
            let mend = "set the minutes after which the directory forgets wrong passwords; 1440 if it never does";
            let wrong = "wrong passwords would not be counted";
            findings.push(Finding::error("directory-lockout", &self.about("lockout_minutes"), wrong, mend));
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use findings::Severity;
    use std::os::unix::fs::PermissionsExt as _;
    use tempfile::TempDir;

    /// Returns the findings for a valid directory in which only `key` is replaced with `value`.
    fn found(key: &str, value: &str) -> Vec<(Severity, &'static str, String)> {
        let files = TempDir::new().unwrap();
        let path = |name: &str| format!("{:?}", files.path().join(name).to_str().unwrap());
        let write = |name: &str, text: &str, mode| {
            std::fs::write(files.path().join(name), text).unwrap();
            std::fs::set_permissions(files.path().join(name), std::fs::Permissions::from_mode(mode)).unwrap();
        };
        write("password", "secret\n", 0o600);
        write("open", "secret\n", 0o644);
        write("empty", "\nsecret\n", 0o600);
        let mut table: toml::Table = toml::from_str(&format!(
            "name = 'main'\nservers = ['ldaps://dc.example.com']\nbind_dn = 'cn=m'\nbind_password = {}\nbase = 'dc=x'\n",
            path("password")
        ))
        .unwrap();
        let value = value.replace("HERE", files.path().to_str().unwrap());
        table.extend(toml::from_str::<toml::Table>(&format!("{key} = {value}")).unwrap());
        let directory: Directory = table.try_into().unwrap();
        check(&[directory]).into_iter().map(|one| (one.severity, one.code, one.about)).collect()
    }

    #[track_caller]
    fn assert_finds(key: &str, value: &str, severity: Severity, code: &str) {
        let about = if key == "groups" { "groups.depth" } else { key };
        assert_eq!(
            found(key, value),
            [(severity, code, format!("identity.directory.main.{about}"))],
            "{key} = {value}"
        );
    }

    #[test]
    fn nothing_is_found_about_a_directory_that_is_right() {
        for (key, value) in [
            ("user_filter", "'(uid={name})'"),
            ("servers", "['ldap://a', 'ldaps://b.example.com:1636/', 'ldaps://192.0.2.1']"),
            ("groups", "{ by = 'walk', base = 'dc=x' }"),
        ] {
            assert_eq!(found(key, value), [], "{key} = {value}");
        }
    }

    #[test]
    fn servers_are_names_behind_ldap_or_ldaps_and_nothing_else() {
        assert_finds("servers", "[]", Severity::Error, "directory-without-server");
        for server in [
            "dc.example.com",
            "http://dc",
            "ldapi://%2Frun",
            "ldaps://",
            "ldaps://dc/dc=x",
            "ldaps://me:pw@dc",
            "ldaps://[::1]",
        ] {
            assert_finds("servers", &format!("['{server}']"), Severity::Error, "directory-server-malformed");
        }
    }

    #[test]
    fn files_are_there_and_hold_what_they_should_for_nobody_else() {
        assert_finds("bind_password", "'HERE/missing'", Severity::Error, "file-unreadable");
        assert_finds("bind_password", "'HERE/empty'", Severity::Error, "directory-password-empty");
        assert_finds("bind_password", "'HERE/open'", Severity::Warning, "key-open-to-others");
        assert_finds("root", "'HERE/missing'", Severity::Error, "file-unreadable");
        assert_finds("root", "'HERE/password'", Severity::Error, "directory-root-no-certificate");
    }

    #[test]
    fn filters_ask_for_the_name_and_can_be_read() {
        assert_finds("user_filter", "'(uid=ada)'", Severity::Error, "directory-filter-without-name");
        assert_finds("user_filter", "'(&(uid={name})(x={mail}))'", Severity::Error, "directory-placeholder-unknown");
        assert_finds("user_filter", "'(uid={name}'", Severity::Error, "directory-filter-malformed");
    }

    #[test]
    fn numbers_make_sense() {
        assert_finds("groups", "{ by = 'walk', base = 'dc=x', depth = 0 }", Severity::Error, "directory-depth-zero");
        assert_finds("timeout_seconds", "0", Severity::Error, "directory-timeout");
        assert_finds("connect_timeout_seconds", "3600", Severity::Error, "directory-timeout");
        assert_finds("lockout_failures", "1", Severity::Error, "directory-lockout");
        assert_finds("lockout_minutes", "0", Severity::Error, "directory-lockout");
        assert_finds("base", "''", Severity::Error, "directory-key-empty");
    }
}
