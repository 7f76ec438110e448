//! An LDAP directory and its results for a user.

pub mod certificates;
pub mod slapd;

use identity::config::{Directory, Groups};
use identity::ldap::Ldap;
use identity::{Account, Denial, SignInMethod as _, Unavailable, Verdict};
use secrecy::SecretString;
use slapd::Slapd;

/// Returns the directory's configuration as in `[[identity.directory]]`.
pub fn config(slapd: &Slapd) -> Directory {
    let quoted = |path: std::path::PathBuf| format!("{:?}", path.to_str().unwrap());
    toml::from_str(&format!(
        "name = \"main\"\nservers = [\"{}\"]\nroot = {}\nbind_dn = \"{}\"\nbind_password = {}\nbase = \"{}\"\n\
         user_filter = \"(&(objectClass=inetOrgPerson)(|(uid={{name}})(mail={{name}})))\"\n\
         managed_apple_id_attribute = \"employeeNumber\"\ndepartment_attribute = \"departmentNumber\"\n",
        slapd.ldaps(),
        quoted(slapd.ca()),
        slapd::SEARCHER,
        quoted(slapd.searcher_password()),
        slapd::PEOPLE,
    ))
    .unwrap()
}

pub fn walk(base: &str, depth: usize) -> Groups {
    Groups::Walk { base: base.into(), depth, member_attribute: "member".into() }
}

/// Loads the directory with a changed configuration.
pub fn changed(slapd: &Slapd, change: impl FnOnce(&mut Directory)) -> Ldap {
    let mut config = config(slapd);
    change(&mut config);
    Ldap::load(&config).unwrap()
}

pub async fn verdict(ldap: &Ldap, name: &str, password: &str) -> Result<Verdict, Unavailable> {
    ldap.verify(name, &SecretString::from(password)).await
}

#[track_caller]
pub fn proven(verdict: Result<Verdict, Unavailable>) -> Account {
    match verdict {
        Ok(Verdict::Proven(account)) => *account,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
pub fn denied(verdict: Result<Verdict, Unavailable>) -> Denial {
    match verdict {
        Ok(Verdict::Denied { denial, .. }) => denial,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
pub fn unavailable(verdict: Result<Verdict, Unavailable>) -> String {
    match verdict {
        Err(Unavailable(why)) => why,
        other => panic!("{other:?}"),
    }
}
