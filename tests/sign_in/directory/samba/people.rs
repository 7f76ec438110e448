//! Entries of the domain: one account for each reason of refusal, and nested groups.

use super::{GROUPS, LOCKED_AFTER, PASSWORD, PEOPLE};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// All entries. The primary group of ada and the password age of `old` are set later.
pub fn seed() -> String {
    let units = ["People", "Groups", "Apps"]
        .map(|name| format!("dn: OU={name},DC=example,DC=test\nchangetype: add\nobjectClass: organizationalUnit\n\n"));
    let never = STANDARD.encode([0; 21]);
    let people = [
        user("searcher", "OU=Apps,DC=example,DC=test", ""),
        user("ada", PEOPLE, "displayName: Ada Lovelace\nmail: ada@example.test\ndepartment: Physics\n"),
        user("alan", PEOPLE, ""),
        user("barred", PEOPLE, ""),
        user("locked", PEOPLE, ""),
        user("old", PEOPLE, ""),
        user("must", PEOPLE, "pwdLastSet: 0\n"),
        user("gone", PEOPLE, "accountExpires: 132000000000000000\n"),
        user("hours", PEOPLE, &format!("logonHours:: {never}\n")),
        user("elsewhere", PEOPLE, "userWorkstations: ANOTHER-PC\n"),
        user("disabled", PEOPLE, "").replace("userAccountControl: 512", "userAccountControl: 514"),
    ];
    let groups = [
        group("Staff", &format!("CN=ada,{PEOPLE}")),
        group("Teaching", &format!("CN=Staff,{GROUPS}")),
        group("Physics", &format!("CN=ada,{PEOPLE}")),
        group("Science", &format!("CN=Physics,{GROUPS}")),
        group("Caretakers", &format!("CN=alan,{PEOPLE}")),
    ];
    let lockout = format!(
        "dn: DC=example,DC=test\nchangetype: modify\nreplace: lockoutThreshold\nlockoutThreshold: {LOCKED_AFTER}\n\n"
    );
    [units.concat(), people.concat(), groups.concat(), lockout].concat()
}

/// Makes the group with this `primaryGroupToken` ada's primary group, which removes it from her `memberOf`.
pub fn primary_group(token: &str) -> String {
    format!("dn: CN=ada,{PEOPLE}\nchangetype: modify\nreplace: primaryGroupID\nprimaryGroupID: {token}\n")
}

/// Sets the password date of `old` to 2012, directly in the domain's database. Arguments: paths of `smb.conf` and of
/// the database. The control is `DSDB_CONTROL_PASSWORD_BYPASS_LAST_SET_OID`.
pub const MADE_LONG_AGO: &str = r#"
import ldb, sys
from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB

configuration = LoadParm()
configuration.load(sys.argv[1])
domain = SamDB(url=sys.argv[2], session_info=system_session(), lp=configuration)
change = ldb.Message(ldb.Dn(domain, "CN=old,OU=People,DC=example,DC=test"))
change["pwdLastSet"] = ldb.MessageElement("130000000000000000", ldb.FLAG_MOD_REPLACE, "pwdLastSet")
domain.modify(change, ["local_oid:1.3.6.1.4.1.7165.4.3.12:0"])
"#;

fn user(name: &str, below: &str, more: &str) -> String {
    let quoted: Vec<u8> = format!("\"{PASSWORD}\"").encode_utf16().flat_map(u16::to_le_bytes).collect();
    format!(
        "dn: CN={name},{below}\nchangetype: add\nobjectClass: user\nsAMAccountName: {name}\n\
         userPrincipalName: {name}@example.test\nunicodePwd:: {}\nuserAccountControl: 512\n{more}\n",
        STANDARD.encode(quoted)
    )
}

fn group(name: &str, member: &str) -> String {
    format!("dn: CN={name},{GROUPS}\nchangetype: add\nobjectClass: group\nsAMAccountName: {name}\nmember: {member}\n\n")
}
