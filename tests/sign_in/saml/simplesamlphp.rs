//! SimpleSAMLphp as packaged by Debian, run by PHP's own web server on its own port as an unprivileged user. Includes
//! a browser that logs in there.

use super::forge;
use harness::waiting::sought;
use harness::{TestServer, left_out, ports, tool};
use reqwest::Client;
use scraper::{Html, Selector};
use serde_json::Value;
use std::net::TcpStream;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// Debian's user `nobody`.
const NOBODY: u32 = 65_534;
const FILES: [(&str, &str); 4] = [
    ("config.php", include_str!("simplesamlphp/config.php")),
    ("authsources.php", include_str!("simplesamlphp/authsources.php")),
    ("router.php", include_str!("simplesamlphp/router.php")),
    ("metadata/saml20-idp-hosted.php", include_str!("simplesamlphp/metadata/saml20-idp-hosted.php")),
];

/// A running provider. It ends when this value is dropped.
pub struct SimpleSaml {
    port: u16,
    www: PathBuf,
    directory: TempDir,
    process: Child,
}

/// Returns the directory where `tests/run` installed it. Returns `None` if it is not installed, and reports that the
/// test is left out.
fn installed(test: &str) -> Option<PathBuf> {
    let www = tool("MUSTER_SIMPLESAMLPHP", "simplesamlphp").join("usr/share/simplesamlphp/www");
    let php = Command::new("php").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if www.join("index.php").is_file() && php.is_ok_and(|status| status.success()) {
        return Some(www);
    }
    left_out(test, "SimpleSAMLphp or PHP is not installed; tests/run installs both");
    None
}

// Returns whether an unprivileged user can reach the path.
fn reachable(path: &Path) -> bool {
    path.ancestors().all(|folder| folder.metadata().is_ok_and(|folder| folder.permissions().mode() & 0o001 != 0))
}

impl SimpleSaml {
    /// Starts the provider with its own keys. Returns `None` if it is not installed.
    pub async fn start(test: &str) -> Option<SimpleSaml> {
        let www = installed(test)?;
        let directory = tempfile::tempdir().unwrap();
        let home = directory.path();
        for folder in ["metadata", "tmp"] {
            std::fs::create_dir(home.join(folder)).unwrap();
        }
        for (name, text) in FILES {
            std::fs::write(home.join(name), text).unwrap();
        }
        let idp = forge::Idp::new();
        std::fs::write(home.join("idp.pem"), idp.certificate.to_pem().unwrap()).unwrap();
        std::fs::write(home.join("idp.key"), idp.key.private_key_to_pem_pkcs8().unwrap()).unwrap();
        let port = ports::free();
        let mut command = Command::new("php");
        command.args(["-d", "error_reporting=0", "-S", &format!("127.0.0.1:{port}"), "-t"]).arg(&www);
        command.arg(home.join("router.php")).env("SIMPLESAMLPHP_CONFIG_DIR", home).env("IDP_PORT", port.to_string());
        let log = std::fs::File::create(home.join("log")).unwrap();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        if std::fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0)
            && reachable(&www)
        {
            for path in [home.to_owned(), home.join("tmp"), home.join("idp.key")] {
                chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
            }
            command.uid(NOBODY).gid(NOBODY);
        }
        let process = command.spawn().unwrap();
        let idp = SimpleSaml { port, www, directory, process };
        idp.behaves(&serde_json::json!({}));
        idp.wait().await;
        Some(idp)
    }

    async fn wait(&self) {
        let begun = sought(async || TcpStream::connect(("127.0.0.1", self.port)).ok()).await;
        assert!(begun.is_some(), "PHP does not start: {}", self.log());
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    pub fn entity_id(&self) -> String {
        format!("http://127.0.0.1:{}/idp", self.port)
    }

    /// Returns the provider's metadata document.
    pub async fn metadata(&self) -> String {
        let address = format!("http://127.0.0.1:{}/saml2/idp/metadata.php?output=xml", self.port);
        let text = reqwest::get(address).await.unwrap().text().await.unwrap();
        assert!(text.contains("<md:IDPSSODescriptor"), "{text}\n{}", self.log());
        text
    }

    /// Sets what the provider signs and encrypts from now on.
    pub fn behaves(&self, how: &Value) {
        std::fs::write(self.directory.path().join("variant.json"), how.to_string()).unwrap();
    }

    /// Gives the provider this server's metadata document, as an administrator does, changed by `change`.
    pub async fn knows(&self, server: &TestServer, change: impl Fn(String) -> String) {
        let address = format!("{}/saml/school/metadata", server.url());
        let text = server.client().get(address).send().await.unwrap().text().await.unwrap();
        std::fs::write(self.directory.path().join("sp.xml"), change(text)).unwrap();
    }

    /// Opens the address and logs in. Returns the address to which the last page posts, and the posted field.
    pub async fn log_in(&self, onward: &str, user: &str) -> (String, String) {
        let client = Client::builder().cookie_store(true).build().unwrap();
        let mut response = client.get(onward).send().await.unwrap();
        for _ in 0..3 {
            let url = response.url().clone();
            let form = Form::of(&response.text().await.unwrap());
            let Some(mut form) = form else { panic!("no form at {url}: {}", self.log()) };
            if let Some(field) = form.take("SAMLResponse") {
                return (form.action, field);
            }
            for (name, value) in [("username", user.to_owned()), ("password", format!("{user}-password"))] {
                form.take(name);
                form.fields.push((name.into(), value));
            }
            let action = url.join(&form.action).unwrap();
            response = client.post(action).form(&form.fields).send().await.unwrap();
        }
        panic!("{user} cannot log in: {}", self.log());
    }

    /// Encrypts an assertion with the library that SimpleSAMLphp uses, with a cipher that SimpleSAMLphp itself does
    /// not use.
    pub fn encrypted(&self, assertion: &str, certificate: &Path, cipher: &str) -> String {
        use std::io::Write as _;
        let loader = self.www.join("../vendor/autoload.php");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sign_in/saml/simplesamlphp/encrypt.php");
        let mut command = Command::new("php");
        command.args(["-d", "error_reporting=0"]).arg(script).args([&loader, certificate]).arg(cipher);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        process.stdin.take().unwrap().write_all(assertion.as_bytes()).unwrap();
        let output = process.wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.starts_with("<saml:EncryptedAssertion"), "{text}");
        text
    }

    /// Returns whether the provider refuses the request at this address.
    pub async fn refuses(&self, onward: &str) -> bool {
        let client = Client::builder().cookie_store(true).build().unwrap();
        let page = client.get(onward).send().await.unwrap().text().await.unwrap();
        !page.contains("name=\"password\"") && !page.contains("SAMLResponse")
    }
}

impl Drop for SimpleSaml {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The form of a page.
struct Form {
    action: String,
    fields: Vec<(String, String)>,
}

impl Form {
    fn of(page: &str) -> Option<Form> {
        let page = Html::parse_document(page);
        let (form, input) = (Selector::parse("form[method=post]").unwrap(), Selector::parse("input[name]").unwrap());
        let form = page.select(&form).next()?;
        let field = |input: scraper::ElementRef<'_>| {
            let value = input.attr("value").unwrap_or_default();
            Some((input.attr("name")?.to_owned(), value.to_owned()))
        };
        let action = form.attr("action").unwrap_or_default().to_owned();
        Some(Form { action, fields: form.select(&input).filter_map(field).collect() })
    }

    fn take(&mut self, name: &str) -> Option<String> {
        let place = self.fields.iter().position(|(field, _)| field == name)?;
        Some(self.fields.swap_remove(place).1)
    }
}
