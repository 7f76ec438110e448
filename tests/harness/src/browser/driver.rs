//! Drives real browsers by WebDriver: Chromium, and WebKit, which is Safari's engine. Each has its own driver process.

use crate::ports;
use crate::waiting::PATIENCE;
use fantoccini::{Client, ClientBuilder};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Chromium,
    WebKit,
}

/// User agent, window size, color scheme and language of a browser.
#[derive(Debug, Clone)]
pub struct Looks<'a> {
    pub user_agent: &'a str,
    pub width: u32,
    pub height: u32,
    pub dark: bool,
    /// WebKit ignores this value and requests the system's language.
    pub language: &'a str,
}

/// A browser with its driver (and, for WebKit, its display). All processes end on drop.
pub struct Browser {
    pub client: Client,
    _processes: Vec<Process>,
}

struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // The process may already have ended; both cases are correct.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const WEBKIT_BROWSERS: [&str; 2] =
    ["/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser", "/usr/lib/x86_64-linux-gnu/webkit2gtk-4.0/MiniBrowser"];

/// Returns the reason why this engine cannot be driven on this machine; `None` if it can.
pub fn missing(engine: Engine) -> Option<String> {
    let programs: &[&str] = match engine {
        Engine::Chromium => &["chromium", "chromedriver"],
        Engine::WebKit => &["WebKitWebDriver", "Xvfb"],
    };
    let lacking = programs.iter().find(|program| on_path(program).is_none());
    match (lacking, engine) {
        (Some(program), _) => Some(format!("{program} is not installed; tests/run installs it")),
        (None, Engine::WebKit) if mini_browser().is_none() => Some("WebKit's MiniBrowser is not installed".into()),
        _ => None,
    }
}

impl Browser {
    pub async fn start(engine: Engine, looks: &Looks<'_>) -> Browser {
        let (processes, port, capabilities) = match engine {
            Engine::Chromium => chromium(looks),
            Engine::WebKit => webkit(looks),
        };
        let Value::Object(capabilities) = capabilities else { unreachable!("capabilities are an object") };
        let address = format!("http://127.0.0.1:{port}");
        let until = Instant::now() + PATIENCE;
        let client = loop {
            match ClientBuilder::native().capabilities(capabilities.clone()).connect(&address).await {
                Ok(client) => break client,
                Err(error) => assert!(Instant::now() < until, "the {engine:?} driver starts no session: {error}"),
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        };
        if engine == Engine::WebKit {
            client.set_window_size(looks.width, looks.height).await.expect("the window can be resized");
        }
        Browser { client, _processes: processes }
    }

    pub async fn close(self) {
        self.client.close().await.expect("the session ends");
    }
}

fn chromium(looks: &Looks<'_>) -> (Vec<Process>, u16, Value) {
    let port = ports::free();
    let driver = spawn(Command::new("chromedriver").arg(format!("--port={port}")));
    let mut arguments = vec![
        "--headless=new".to_owned(),
        "--no-sandbox".into(),
        "--disable-gpu".into(),
        "--disable-quic".into(),
        "--no-first-run".into(),
        "--disable-background-networking".into(),
        "--disable-component-update".into(),
        "--disable-sync".into(),
        "--hide-scrollbars".into(),
        format!("--lang={}", looks.language),
        format!("--accept-lang={}", looks.language),
        format!("--user-agent={}", looks.user_agent),
    ];
    if looks.dark {
        arguments.push("--blink-settings=preferredColorScheme=0".into());
    }
    // A pixel ratio of 2 is for screenshots that people look at; it costs four times the work.
    let pixel_ratio = if std::env::var_os("MUSTER_SCREENSHOTS").is_some() { 2 } else { 1 };
    let capabilities = json!({
        "browserName": "chrome",
        "acceptInsecureCerts": true,
        "goog:chromeOptions": {
            "binary": on_path("chromium"),
            "args": arguments,
            "mobileEmulation": {
                "userAgent": looks.user_agent,
                "deviceMetrics": { "width": looks.width, "height": looks.height, "pixelRatio": pixel_ratio, "touch": true },
            },
        },
    });
    (vec![driver], port, capabilities)
}

fn webkit(looks: &Looks<'_>) -> (Vec<Process>, u16, Value) {
    let (display, xvfb) = display(looks);
    let port = ports::free();
    let mut command = Command::new("WebKitWebDriver");
    command.arg(format!("--port={port}")).env("DISPLAY", format!(":{display}"));
    command.env("LIBGL_ALWAYS_SOFTWARE", "1");
    command.env("WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS", "1");
    let driver = spawn(&mut command);
    let capabilities = json!({
        "acceptInsecureCerts": true,
        "webkitgtk:browserOptions": {
            "binary": mini_browser(),
            "args": ["--automation", format!("--user-agent={}", looks.user_agent)],
        },
    });
    (vec![driver, xvfb], port, capabilities)
}

// Xvfb chooses a free display itself and prints its number.
fn display(looks: &Looks<'_>) -> (u16, Process) {
    let screen = format!("{}x{}x24", looks.width.max(800), looks.height.max(1000));
    let mut child = Command::new("Xvfb")
        .args(["-displayfd", "1", "-screen", "0", &screen, "-nolisten", "tcp"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("Xvfb starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("Xvfb prints its display");
    (line.trim().parse().expect("the display is a number"), Process(child))
}

fn spawn(command: &mut Command) -> Process {
    Process(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the driver starts"))
}

fn mini_browser() -> Option<&'static str> {
    WEBKIT_BROWSERS.into_iter().find(|path| Path::new(path).exists())
}

fn on_path(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(program)).find(|path| path.is_file())
}
