//! The test's own OpenLDAP server on the loopback interface. It runs unprivileged, with TLS and with people.

mod people;

use super::certificates;
use crate::waiting::PATIENCE;
use crate::{left_out, ports};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const SLAPD: &str = "/usr/sbin/slapd";
const MODULES: &str = "/usr/lib/ldap";
/// Debian's user id of `nobody`, which owns no files.
const NOBODY: u32 = 65_534;

pub const PEOPLE: &str = "ou=people,dc=example,dc=test";
pub const GROUPS: &str = "ou=groups,dc=example,dc=test";
pub const SEARCHER: &str = "cn=searcher,ou=apps,dc=example,dc=test";
/// Has no limit on the size of search results.
pub const PATIENT_SEARCHER: &str = "cn=patient,ou=apps,dc=example,dc=test";
pub const SEARCHER_PASSWORD: &str = "the searcher's own secret";
const ADMINISTRATOR: &str = "cn=admin,dc=example,dc=test";
const ADMINISTRATOR_PASSWORD: &str = "the administrator's";
pub const PASSWORD: &str = "correct horse battery";
/// Number of groups of the person who is a member of every group in `ou=many`.
pub const MANY: usize = 600;

/// The template that every server is copied from, because creating it is slow.
struct Pattern {
    directory: TempDir,
    /// The address that the referral entry points to. A client that follows the referral connects to it.
    elsewhere: TcpListener,
}

static PATTERN: OnceLock<Pattern> = OnceLock::new();

/// A server that runs until it is dropped.
pub struct Slapd {
    directory: TempDir,
    plain: u16,
    tls: u16,
    child: Option<Child>,
}

/// Returns true if slapd is installed; otherwise reports that the test is left out.
pub fn is_here(test: &str) -> bool {
    let here = [SLAPD, "/usr/bin/ldapmodify"].iter().all(|file| Path::new(file).is_file());
    if !here {
        left_out(test, "slapd and ldap-utils are not installed");
    }
    here
}

impl Slapd {
    pub fn start() -> Slapd {
        let pattern = PATTERN.get_or_init(pattern);
        let directory = tempfile::tempdir().unwrap();
        copy(pattern.directory.path(), directory.path());
        Slapd::start_in(directory)
    }

    /// Starts a server with an additional access rule in front of the others.
    pub fn start_with(access: &str) -> Slapd {
        let mut slapd = Slapd::start();
        slapd.pause();
        let path = slapd.directory.path().join("slapd.conf");
        let configuration = std::fs::read_to_string(&path).unwrap();
        let first = "access to attrs=userPassword";
        std::fs::write(path, configuration.replace(first, &format!("{access}\n{first}"))).unwrap();
        slapd.go_on();
        slapd
    }

    /// Starts a server that has the attribute `memberOf` in its schema but does not maintain it: the module is loaded,
    /// the overlay is not.
    pub fn start_keeping_no_member_of() -> Slapd {
        let mut slapd = Slapd::start();
        slapd.pause();
        let path = slapd.directory.path().to_owned();
        let configuration = std::fs::read_to_string(path.join("slapd.conf")).unwrap();
        std::fs::write(path.join("slapd.conf"), configuration.replace("overlay memberof\n", "")).unwrap();
        std::fs::remove_dir_all(path.join("db")).unwrap();
        std::fs::create_dir(path.join("db")).unwrap();
        fill(&path);
        if is_root() {
            own(&path);
        }
        slapd.go_on();
        slapd.modify(&people::groups());
        slapd
    }

    fn start_in(directory: TempDir) -> Slapd {
        let [plain, tls] = [ports::free(), ports::free()];
        configure(directory.path());
        let mut slapd = Slapd { directory, plain, tls, child: None };
        slapd.go_on();
        slapd
    }

    /// Starts the server at the same ports.
    pub fn go_on(&mut self) {
        let path = self.directory.path();
        let listen = format!("ldap://127.0.0.1:{}/ ldaps://127.0.0.1:{}/", self.plain, self.tls);
        let log = std::fs::OpenOptions::new().create(true).append(true).open(path.join("log")).unwrap();
        // The shell's standard input closes when this process ends, for any reason; the shell then ends slapd.
        let watch = "exec 3<&0; \"$@\" <&- & pid=$!; (cat <&3 >/dev/null; kill $pid 2>/dev/null) & wait $pid";
        let mut command = Command::new("sh");
        command.args(["-c", watch, "sh", SLAPD, "-d", "stats", "-h", &listen, "-f"]).arg(path.join("slapd.conf"));
        if is_root() {
            command.args(["-u", "nobody", "-g", "nogroup"]);
        }
        let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        self.child = Some(child);
        let begun = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", self.tls)).is_err() {
            assert!(begun.elapsed() < PATIENCE, "slapd does not start: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Stops the server; connections to it are lost.
    pub fn pause(&mut self) {
        if let Some(mut child) = self.child.take() {
            // The shell ends slapd when its input ends, and waits for it.
            drop(child.stdin.take());
            child.wait().unwrap();
        }
    }

    pub fn ldaps(&self) -> String {
        format!("ldaps://127.0.0.1:{}", self.tls)
    }

    /// The address for StartTLS.
    pub fn ldap(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.plain)
    }

    pub fn ca(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// A CA that issued no certificate here.
    pub fn other_ca(&self) -> PathBuf {
        self.directory.path().join("other-ca.pem")
    }

    pub fn searcher_password(&self) -> PathBuf {
        self.directory.path().join("searcher.password")
    }

    /// Returns slapd's log: every operation, no passwords.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap()
    }

    /// Counts the attempts to bind as this DN.
    pub fn binds_of(&self, dn: &str) -> usize {
        let wanted = format!("BIND dn=\"{dn}\" method=");
        self.log().matches(&wanted).count()
    }

    /// Changes entries, in LDIF, as the administrator.
    pub fn modify(&self, ldif: &str) {
        let file = self.directory.path().join("change.ldif");
        std::fs::write(&file, ldif).unwrap();
        let output = Command::new("ldapmodify")
            .env("LDAPTLS_CACERT", self.ca())
            .args(["-x", "-H", &self.ldaps(), "-D", ADMINISTRATOR, "-w", ADMINISTRATOR_PASSWORD, "-f"])
            .arg(&file)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Returns true if a client followed the referral since the last call.
    pub fn was_referral_followed() -> bool {
        PATTERN.get().is_some_and(|pattern| pattern.elsewhere.accept().is_ok())
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        self.pause();
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

fn pattern() -> Pattern {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    certificates::make(path, "127.0.0.1");
    std::fs::write(path.join("searcher.password"), format!("{SEARCHER_PASSWORD}\n")).unwrap();
    std::fs::set_permissions(path.join("searcher.password"), std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::create_dir(path.join("db")).unwrap();
    configure(path);
    std::fs::write(path.join("seed.ldif"), people::seed(elsewhere.local_addr().unwrap().port())).unwrap();
    fill(path);
    // Groups are added over LDAP, because `slapd -T add` does not maintain memberOf.
    let mut slapd = Slapd::start_in(directory);
    slapd.modify(&people::groups());
    slapd.pause();
    let directory = std::mem::replace(&mut slapd.directory, tempfile::tempdir().unwrap());
    std::fs::remove_file(directory.path().join("log")).unwrap();
    Pattern { directory, elsewhere }
}

// Loads the seed into an empty database.
fn fill(path: &Path) {
    let mut add = Command::new(SLAPD);
    add.args(["-T", "add", "-q", "-f"]).arg(path.join("slapd.conf")).arg("-l").arg(path.join("seed.ldif"));
    let added = add.output().unwrap();
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
}

// The configuration contains absolute paths, so it is written for each directory. All files belong to the user that
// slapd runs as.
fn configure(path: &Path) {
    let text = CONFIGURATION
        .replace("{modules}", MODULES)
        .replace("{here}", path.to_str().unwrap())
        .replace("{administrator}", ADMINISTRATOR)
        .replace("{administrator_password}", ADMINISTRATOR_PASSWORD)
        .replace("{searcher}", SEARCHER)
        .replace("{patient}", PATIENT_SEARCHER);
    std::fs::write(path.join("slapd.conf"), text).unwrap();
    if is_root() {
        own(path);
    }
}

fn own(path: &Path) {
    std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    if path.is_dir() {
        std::fs::read_dir(path).unwrap().for_each(|entry| own(&entry.unwrap().path()));
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir(&to).unwrap();
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

// With `allow bind_anon_dn`, a bind with a name and no password succeeds, as in Active Directory.
const CONFIGURATION: &str = r#"include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath {modules}
moduleload back_mdb
moduleload memberof
moduleload refint
moduleload ppolicy
pidfile {here}/slapd.pid
argsfile {here}/slapd.args
TLSCACertificateFile {here}/ca.pem
TLSCertificateFile {here}/server.pem
TLSCertificateKeyFile {here}/server.key
TLSVerifyClient never
security simple_bind=128
allow bind_anon_dn
sizelimit 50
database mdb
maxsize 67108864
dbnosync
suffix "dc=example,dc=test"
rootdn "{administrator}"
rootpw "{administrator_password}"
directory {here}/db
index objectClass,uid,mail,member eq
limits dn.exact="{patient}" size=unlimited
overlay memberof
overlay refint
refint_attributes member memberOf
overlay ppolicy
ppolicy_default "cn=default,ou=policies,dc=example,dc=test"
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{searcher}" read by dn.exact="{patient}" read by self read by * none
"#;
