//! A real identity provider (npm's `oidc-provider`) on its own port, and a browser that logs in there.

use harness::{TestServer, client_builder, left_out, tool};
use identity::config::OpenIdConnect;
use reqwest::Client;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use url::Url;

pub const SECRET: &str = "s3cret: known to two";

/// A provider's process. It ends when this value is dropped.
pub struct Provider {
    pub port: u16,
    redirects: Vec<String>,
    after_logout: Vec<String>,
    process: Option<Child>,
}

/// Returns the directory where npm installed it. Returns `None` if it is not installed, and reports that the test is
/// left out.
pub fn installed(test: &str) -> Option<PathBuf> {
    let folder = tool("MUSTER_OIDC_PROVIDER", "oidc/node_modules/oidc-provider");
    if folder.join("lib/index.js").is_file() {
        return Some(folder);
    }
    left_out(test, "oidc-provider is not installed; tests/run installs it");
    None
}

impl Provider {
    /// Describes a provider that is not running yet.
    pub fn at(port: u16) -> Provider {
        Provider { port, redirects: Vec::new(), after_logout: Vec::new(), process: None }
    }

    pub fn issuer(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Starts the provider with fresh keys, for this server, where the provider has the given `names`.
    pub fn start(&mut self, server: &TestServer, names: &[&str]) {
        let address = |surface: &str, name: &str| format!("{}/{surface}/sso/{name}/callback", server.url());
        self.redirects = names.iter().flat_map(|name| [address("enroll", name), address("console", name)]).collect();
        self.after_logout = ["enroll", "console"].map(|surface| format!("{}/{surface}/sign-in", server.url())).to_vec();
        self.run(false);
    }

    /// Stops the provider.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Restarts the provider with other keys. With `whole`, the ID token contains all claims.
    pub fn restart(&mut self, whole: bool) {
        self.stop();
        self.run(whole);
    }

    fn run(&mut self, whole: bool) {
        let folder = installed("single sign-on").unwrap();
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/sign_in/single_sign_on/provider.mjs");
        let mut command = Command::new("node");
        command.arg(script).env("MUSTER_OIDC_PROVIDER", folder).env("PORT", self.port.to_string());
        command.env("REDIRECTS", serde_json::to_string(&self.redirects).unwrap());
        command.env("AFTER_LOGOUT", serde_json::to_string(&self.after_logout).unwrap());
        if whole {
            command.env("EVERYTHING_IN_THE_TOKEN", "yes");
        }
        // Up to three attempts: one of thousands of starts on a busy machine was seen to hang before doing anything.
        let started = (0..3).find_map(|_| up(&mut command));
        self.process = Some(started.expect("oidc-provider does not start"));
    }
}

/// Starts the process. Returns `None` if it does not report within a minute that it is ready.
fn up(command: &mut Command) -> Option<Child> {
    let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let (said, heard) = mpsc::channel();
    let told = process.stdout.take().unwrap();
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = BufReader::new(told).read_line(&mut line);
        let _ = said.send(read.map(|_| line));
    });
    match heard.recv_timeout(Duration::from_secs(60)) {
        Ok(Ok(line)) if line.starts_with("up ") => Some(process),
        _ => {
            process.kill().unwrap();
            process.wait().unwrap();
            None
        }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Returns a provider's configuration as an administrator writes it.
pub fn configuration(name: &str, issuer: &str, secret: PathBuf) -> OpenIdConnect {
    let text = format!(
        r#"name = "{name}"
           title = "Example ID"
           issuer = "{issuer}"
           client_id = "muster"
           client_secret = {secret:?}
           scopes = ["profile", "email", "school"]
           managed_apple_id_claim = "managed_apple_id"
           claims = ["department"]"#
    );
    toml::from_str(&text).unwrap()
}

/// A browser at the provider, which remembers the login.
pub struct AtProvider {
    client: Client,
    home: Url,
}

impl AtProvider {
    pub fn new(server: &TestServer) -> AtProvider {
        let client = client_builder().cookie_store(true).build();
        AtProvider { client: client.unwrap(), home: server.url().parse().unwrap() }
    }

    /// Opens the address, logs in as `login` if asked, and returns. The result is path and query of the redirect to
    /// this server.
    pub async fn log_in(&self, address: &str, login: &str) -> String {
        self.go(address, &[("login", login)]).await
    }

    /// Opens the address and taps Cancel.
    pub async fn cancel(&self, address: &str) -> String {
        self.go(address, &[("cancel", "yes")]).await
    }

    async fn go(&self, address: &str, answer: &[(&str, &str)]) -> String {
        let mut url: Url = address.parse().unwrap();
        for _ in 0..12 {
            if url.origin() == self.home.origin() {
                return format!("{}?{}", url.path(), url.query().unwrap_or_default());
            }
            let mut response = self.client.get(url.clone()).send().await.unwrap();
            if response.status() == 200 {
                response = self.client.post(url.clone()).form(answer).send().await.unwrap();
            }
            let status = response.status();
            let Some(next) = response.headers().get("location") else {
                panic!("{} {status}: {}", url.path(), response.text().await.unwrap());
            };
            url = url.join(next.to_str().unwrap()).unwrap();
        }
        panic!("the provider redirects in a loop, last to {url}");
    }
}
