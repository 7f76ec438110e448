//! The people in the directory and their groups.

use super::{GROUPS, MANY, PASSWORD, PATIENT_SEARCHER, PEOPLE, SEARCHER, SEARCHER_PASSWORD};
use std::fmt::Write as _;

pub(crate) fn seed(elsewhere: u16) -> String {
    let mut ldif = String::from(
        "dn: dc=example,dc=test\nobjectClass: dcObject\nobjectClass: organization\no: Example\ndc: example\n",
    );
    for unit in ["people", "apps", "groups", "many", "policies"] {
        write!(ldif, "\ndn: ou={unit},dc=example,dc=test\nobjectClass: organizationalUnit\nou: {unit}\n").unwrap();
    }
    for dn in [SEARCHER, PATIENT_SEARCHER] {
        let name = dn.split(['=', ',']).nth(1).unwrap();
        write!(
            ldif,
            "\ndn: {dn}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: {name}\n\
             userPassword: {SEARCHER_PASSWORD}\n"
        )
        .unwrap();
    }
    ldif.push_str(
        "\ndn: cn=default,ou=policies,dc=example,dc=test\nobjectClass: device\nobjectClass: pwdPolicy\ncn: default\n\
         pwdAttribute: userPassword\npwdLockout: TRUE\npwdMaxFailure: 5\npwdLockoutDuration: 0\n",
    );
    for (rdn, uid, more) in PERSONS {
        write!(
            ldif,
            "\ndn: {rdn},{PEOPLE}\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {uid} of Example School\nsn: {uid}\n\
             userPassword: {PASSWORD}\n{more}"
        )
        .unwrap();
        if rdn.starts_with("cn=") {
            let value = rdn.trim_start_matches("cn=").replace('\\', "");
            writeln!(ldif, "cn: {value}").unwrap();
        }
    }
    write!(
        ldif,
        "\ndn: ou=elsewhere,{PEOPLE}\nobjectClass: referral\nobjectClass: extensibleObject\nou: elsewhere\n\
         ref: ldap://127.0.0.1:{elsewhere}/ou=elsewhere,{PEOPLE}\n"
    )
    .unwrap();
    ldif
}

/// A DN with all characters that a filter and a DN must escape.
const ADA: &str = "cn=Lovelace\\, Ada (Countess)*,ou=people,dc=example,dc=test";

/// First part of the DN, user name, additional attributes.
const PERSONS: [(&str, &str, &str); 9] = [
    (
        "cn=Lovelace\\, Ada (Countess)*",
        "ada",
        "mail: ada@example.test\nemployeeNumber: ada@school.example\ndepartmentNumber: Physics\ndepartmentNumber: Chemistry\n\
         jpegPhoto:: /9j/AAE=\n",
    ),
    ("uid=alan", "alan", "mail: alan@example.test\n"),
    ("uid=odd*(name)", "odd*(name)", ""),
    ("uid=twin", "twin", ""),
    ("uid=twin+sn=other", "twin", "sn: other\n"),
    ("uid=joiner", "joiner", ""),
    ("uid=dreamer", "dreamer", ""),
    ("uid=victim", "victim", "mail: victim@example.test\n"),
    ("uid=grace", "grace", "employeeNumber: grace@school.example\n"),
];

// Groups: level1 to level4, each a member of the next; a circle of two; one with a star in its name; many with the same
// member.
pub(crate) fn groups() -> String {
    let mut ldif = String::new();
    let mut group = |name: &str, base: &str, members: &[String]| {
        write!(ldif, "dn: cn={name},{base}\nchangetype: add\nobjectClass: groupOfNames\ncn: {name}\n").unwrap();
        members.iter().for_each(|member| writeln!(ldif, "member: {member}").unwrap());
        ldif.push('\n');
    };
    let person = |name: &str| format!("uid={name},{PEOPLE}");
    let of = |name: &str| format!("cn={name},{GROUPS}");
    group("level1", GROUPS, &[ADA.to_owned()]);
    group("level2", GROUPS, &[of("level1")]);
    group("level3", GROUPS, &[of("level2")]);
    group("level4", GROUPS, &[of("level3")]);
    group("staff (all)*", GROUPS, &[ADA.to_owned(), person("grace")]);
    group("round", GROUPS, &[person("dreamer"), of("about")]);
    group("about", GROUPS, &[of("round")]);
    for nth in 0..MANY {
        group(&format!("many{nth:03}"), "ou=many,dc=example,dc=test", &[person("joiner")]);
    }
    ldif
}
