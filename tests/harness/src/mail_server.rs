//! The test's own mail server on the loopback interface (aiosmtpd), with TLS under the test's own CA.

use crate::certificates::{Made, Wanted};
use crate::left_out;
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use tempfile::TempDir;

const SCRIPT: &str = include_str!("mail_server/server.py");
/// Debian's Python has Debian's package; the other one may have aiosmtpd from PyPI.
const PYTHONS: [&str; 2] = ["/usr/bin/python3", "python3"];

/// Name with which a client authenticates.
pub const USER_NAME: &str = "muster";
pub const PASSWORD: &str = "the mail server's own secret";

struct Certificates {
    ca: Made,
    other_ca: Made,
    /// For `localhost`.
    own: Made,
    /// For another name.
    misnamed: Made,
}

static CERTIFICATES: OnceLock<Certificates> = OnceLock::new();

/// A mail that the server has taken.
#[derive(Debug, Clone)]
pub struct Taken {
    /// The envelope sender.
    pub from: String,
    /// The recipients of the envelope.
    pub to: Vec<String>,
    /// Parameters of MAIL FROM.
    pub options: Vec<String>,
    /// Headers and text as they were sent, with CRLF.
    pub text: String,
    /// Headers as Python decodes them.
    pub headers: Vec<(String, String)>,
    /// Text as Python decodes it.
    pub body: String,
    pub encrypted: bool,
    pub authenticated: bool,
    /// Name with which the client introduced itself.
    pub hello: String,
}

/// A server that runs until it is dropped.
pub struct MailServer {
    directory: TempDir,
    port: u16,
    child: Child,
}

/// Returns true if aiosmtpd is installed; otherwise reports that the test is left out.
pub fn is_here(test: &str) -> bool {
    let here = python().is_some();
    if !here {
        left_out(test, "Python with aiosmtpd (python3-aiosmtpd) is not installed");
    }
    here
}

fn python() -> Option<&'static str> {
    static PYTHON: OnceLock<Option<&str>> = OnceLock::new();
    let has_it = |python: &&str| {
        let mut command = Command::new(python);
        command.args(["-c", "import aiosmtpd"]).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    *PYTHON.get_or_init(|| PYTHONS.into_iter().find(has_it))
}

impl Taken {
    /// Returns the link of an invitation.
    pub fn link(&self) -> &str {
        let line = self.body.lines().find(|line| line.contains("/invitation/"));
        line.unwrap_or_else(|| panic!("no link: {}", self.body)).trim()
    }
}

impl MailServer {
    /// Starts a server. The options are those of `mail_server/server.py`.
    pub fn start(options: &[&str]) -> MailServer {
        MailServer::start_as(&certificates().own, options)
    }

    /// Starts a server whose certificate is for another name.
    pub fn start_misnamed(options: &[&str]) -> MailServer {
        MailServer::start_as(&certificates().misnamed, options)
    }

    fn start_as(own: &Made, options: &[&str]) -> MailServer {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        own.write(path, "server");
        certificates().ca.write(path, "ca");
        certificates().other_ca.write(path, "other-ca");
        std::fs::create_dir(path.join("mails")).unwrap();
        std::fs::write(path.join("transcript"), "").unwrap();
        std::fs::write(path.join("password"), format!("{PASSWORD}\n")).unwrap();
        std::fs::set_permissions(path.join("password"), std::fs::Permissions::from_mode(0o600)).unwrap();
        let log = std::fs::File::create(path.join("log")).unwrap();
        let mut command = Command::new(python().expect("`is_here` was asked"));
        command.args(["-c", SCRIPT]).arg(path).args(options);
        // The script ends when its standard input closes, for any reason.
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said = || std::fs::read_to_string(path.join("log")).unwrap();
        let port = line.trim().parse().unwrap_or_else(|_| panic!("the mail server does not start: {}", said()));
        MailServer { directory, port, child }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn ca(&self) -> PathBuf {
        self.path().join("ca.pem")
    }

    /// A CA that issued no certificate here.
    pub fn other_ca(&self) -> PathBuf {
        self.path().join("other-ca.pem")
    }

    /// File with the right password. The test may change it.
    pub fn password(&self) -> PathBuf {
        self.path().join("password")
    }

    /// Returns the keys of a section `[mail]` that uses this server with its CA, and others after them.
    pub fn keys(&self, more: &str) -> String {
        let (port, ca) = (self.port, self.ca());
        let from = "Example School <muster@school.example>";
        format!("host = 'localhost'\nport = {port}\nfrom = '{from}'\nca_file = '{}'\n{more}\n", ca.display())
    }

    /// Returns the keys with credentials that the server accepts.
    pub fn login(&self) -> String {
        format!("user_name = '{USER_NAME}'\npassword_file = '{}'", self.password().display())
    }

    /// Returns the mails in the order in which they arrived.
    pub fn mails(&self) -> Vec<Taken> {
        let entries = std::fs::read_dir(self.path().join("mails")).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<PathBuf> =
            entries.filter(|path| path.extension().is_some_and(|kind| kind == "json")).collect();
        files.sort();
        files.iter().map(|file| taken(&serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap())).collect()
    }

    /// Returns each line that clients sent, after `tls ` or `clear `. Lines inside TLS contain passwords in base64.
    pub fn transcript(&self) -> String {
        std::fs::read_to_string(self.path().join("transcript")).unwrap()
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn certificates() -> &'static Certificates {
    CERTIFICATES.get_or_init(|| {
        let ca = Wanted::new("CA of a mail server", None).make();
        let other_ca = Wanted::new("Another CA", None).make();
        let own = Wanted::new("localhost", Some(&ca)).make();
        let misnamed = Wanted::new("mail.elsewhere.test", Some(&ca)).make();
        Certificates { ca, other_ca, own, misnamed }
    })
}

impl Taken {
    /// Returns the header with this name; the test fails if there is none or several.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        let found: Vec<&str> =
            self.headers.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_str()).collect();
        assert_eq!(found.len(), 1, "{name}: {:?}", self.headers);
        found[0]
    }
}

fn taken(mail: &Value) -> Taken {
    let text = |key: &str| mail[key].as_str().unwrap().to_owned();
    let texts = |key: &str| {
        let texts = mail[key].as_array().unwrap().iter();
        texts.map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    Taken {
        from: text("from"),
        to: texts("to"),
        options: texts("options"),
        text: text("text"),
        headers: mail["headers"].as_array().unwrap().iter().map(header).collect(),
        body: text("body"),
        encrypted: mail["encrypted"].as_bool().unwrap(),
        authenticated: mail["authenticated"].as_bool().unwrap(),
        hello: text("hello"),
    }
}

fn header(pair: &Value) -> (String, String) {
    (pair[0].as_str().unwrap().to_owned(), pair[1].as_str().unwrap().to_owned())
}
