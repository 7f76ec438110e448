//! A real domain controller (Samba) for these tests. It has its own loopback address, because the ports of Active
//! Directory are fixed. One instance serves all tests of a process and ends with the process.

mod people;

use harness::directory::certificates;
use harness::left_out;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub const PEOPLE: &str = "OU=People,DC=example,DC=test";
pub const GROUPS: &str = "OU=Groups,DC=example,DC=test";
pub const SEARCHER: &str = "CN=searcher,OU=Apps,DC=example,DC=test";
pub const PASSWORD: &str = "C0rrect-Horse";
/// Number of wrong passwords after which the domain locks an account.
pub const LOCKED_AFTER: usize = 3;
const ADMINISTRATOR: &str = "EXAMPLE\\Administrator";
const ADMINISTRATOR_PASSWORD: &str = "Adm1n-Passw0rd";
const SAMBA: &str = "/usr/sbin/samba";
/// The Python for which Debian's Samba packages install their modules.
const PYTHON: &str = "/usr/bin/python3";
/// Maximum time until LDAPS accepts connections.
const START: Duration = Duration::from_secs(60);

/// A domain that runs until the process ends.
pub struct Samba {
    directory: TempDir,
    address: String,
    /// The standard input of this child ends with the test process, however that ends. Samba then ends, too.
    child: Child,
}

/// The result of the start is kept, so that a failed start is not repeated in each test.
static DOMAIN: OnceLock<Result<Samba, String>> = OnceLock::new();

/// Returns the domain, or `None` if it cannot run here. In that case, reports that the test is left out.
pub fn domain(test: &str) -> Option<&'static Samba> {
    let files = [SAMBA, PYTHON, "/usr/bin/samba-tool", "/usr/bin/ldapmodify", "/usr/share/samba/setup/provision.ldif"];
    if !files.iter().all(|file| Path::new(file).is_file()) {
        left_out(test, "samba-ad-dc, samba-ad-provision and ldap-utils are not installed");
        return None;
    }
    if !std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0) {
        left_out(test, "Samba's domain controller needs root");
        return None;
    }
    let domain = DOMAIN.get_or_init(|| {
        std::panic::catch_unwind(Samba::start).map_err(|why| {
            let text = why.downcast_ref::<String>().cloned();
            text.unwrap_or_else(|| "Samba does not start".into())
        })
    });
    Some(domain.as_ref().unwrap_or_else(|why| panic!("{why}")))
}

impl Samba {
    fn start() -> Samba {
        let directory = tempfile::tempdir().unwrap();
        let [_, second, third, fourth] = (0x7f00_0000 | std::process::id() & 0x00ff_ffff).to_be_bytes();
        let address = format!("127.{second}.{third}.{}", fourth.clamp(2, 254));
        certificates::make(directory.path(), &address);
        provision(directory.path(), &address);
        let child = serve(directory.path());
        let mut samba = Samba { directory, address, child };
        samba.wait();
        samba.fill();
        samba
    }

    pub fn ldaps(&self) -> String {
        format!("ldaps://{}", self.address)
    }

    pub fn ca(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    pub fn searcher_password(&self) -> PathBuf {
        self.directory.path().join("searcher.password")
    }

    fn wait(&mut self) {
        let begun = Instant::now();
        while std::net::TcpStream::connect((self.address.as_str(), 636)).is_err() {
            let ended = self.child.try_wait().unwrap().is_some();
            assert!(!ended && begun.elapsed() < START, "Samba does not start: {}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    fn fill(&self) {
        std::fs::write(self.searcher_password(), format!("{PASSWORD}\n")).unwrap();
        self.modify(&people::seed());
        let token = self.search("(sAMAccountName=Physics)", "primaryGroupToken");
        self.modify(&people::primary_group(&token));
        // LDAP clients cannot write the time of the last password change. Samba's own library can, with a control of
        // Samba.
        self.done(
            Command::new(PYTHON).args(["-c", people::MADE_LONG_AGO]).arg(self.configuration()).arg(self.database()),
        );
    }

    /// Changes entries (LDIF) as the domain's administrator.
    pub fn modify(&self, ldif: &str) {
        let file = self.directory.path().join("change.ldif");
        std::fs::write(&file, ldif).unwrap();
        self.done(self.as_administrator("ldapmodify").arg("-f").arg(&file));
    }

    fn search(&self, filter: &str, attribute: &str) -> String {
        let mut command = self.as_administrator("ldapsearch");
        let output = self.done(command.args(["-LLL", "-b", "DC=example,DC=test", filter, attribute]));
        let text = String::from_utf8(output.stdout).unwrap();
        let prefix = format!("{attribute}: ");
        text.lines().find_map(|line| line.strip_prefix(&prefix)).unwrap().to_owned()
    }

    fn as_administrator(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("LDAPTLS_CACERT", self.ca());
        command.args(["-x", "-H", &self.ldaps(), "-D", ADMINISTRATOR, "-w", ADMINISTRATOR_PASSWORD]);
        command
    }

    fn done(&self, command: &mut Command) -> Output {
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?}: {said}; Samba's log: {}", self.log());
        output
    }

    fn configuration(&self) -> PathBuf {
        configuration(self.directory.path())
    }

    fn database(&self) -> PathBuf {
        self.directory.path().join("domain/private/sam.ldb")
    }
}

fn configuration(directory: &Path) -> PathBuf {
    directory.join("domain/etc/smb.conf")
}

// Does not use extended attributes, because not every file system has them.
fn provision(directory: &Path, address: &str) {
    let output = Command::new("/usr/bin/samba-tool")
        .args(["domain", "provision", "--realm=EXAMPLE.TEST", "--domain=EXAMPLE", "--server-role=dc"])
        .args(["--dns-backend=SAMBA_INTERNAL", "--host-name=dc1"])
        .arg(format!("--adminpass={ADMINISTRATOR_PASSWORD}"))
        .arg(format!("--host-ip={address}"))
        .arg(format!("--targetdir={}", directory.join("domain").display()))
        // Samba ignores the loopback interface unless one of its addresses is given with the network prefix.
        .arg(format!("--option=interfaces={address}/8"))
        .arg("--option=bind interfaces only=yes")
        .arg(format!("--option=posix:eadb={}", directory.join("eadb.tdb").display()))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

// Runs only the LDAP service of the domain controller.
fn serve(directory: &Path) -> Child {
    let log = std::fs::File::create(directory.join("log")).unwrap();
    let file = |name: &str| directory.join(name).display().to_string();
    // The shell kills Samba when the shell's standard input ends, and waits for it, so that no process is left.
    let watch = "exec 3<&0; \"$@\" <&- & pid=$!; (cat <&3 >/dev/null; kill $pid 2>/dev/null) & wait $pid";
    Command::new("sh")
        .args(["-c", watch, "sh", SAMBA, "-F", "--no-process-group", "--debug-stdout", "-s"])
        .arg(configuration(directory))
        .arg("--option=server services=ldap")
        .arg("--option=prefork children=2")
        .arg(format!("--option=tls cafile={}", file("ca.pem")))
        .arg(format!("--option=tls certfile={}", file("server.pem")))
        .arg(format!("--option=tls keyfile={}", file("server.key")))
        .stdin(Stdio::piped())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap()
}
