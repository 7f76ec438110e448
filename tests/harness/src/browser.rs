//! Real browsers: checks of single pages, and whole walks. If a browser is missing, its tests are left out and reported
//! by name; `tests/run` installs what they need.

pub mod accessibility;
pub mod console;
pub mod driver;
pub mod walk;

use crate::waiting::{seen, sought, until};
pub use accessibility::Axe;
pub use driver::{Browser, Engine, Looks};
use fantoccini::Locator;
use fantoccini::elements::Element;
use std::path::PathBuf;

pub const PHONE: (u32, u32) = (390, 844);
pub const DESK: (u32, u32) = (1280, 900);

/// Starts a browser with this engine. Returns `None` if the engine is missing, and reports that the test is left out.
pub async fn browser(engine: Engine, test: &str, looks: &Looks<'_>) -> Option<Browser> {
    if let Some(why) = driver::missing(engine) {
        crate::left_out(test, &why);
        return None;
    }
    Some(Browser::start(engine, looks).await)
}

/// Returns the language that the page declares; `None` if no page is shown.
pub async fn language_of(browser: &Browser) -> Option<String> {
    let language = browser.client.execute("return document.documentElement.lang", vec![]).await.ok()?;
    language.as_str().map(str::to_owned)
}

/// Waits for the first element that matches this selector.
pub async fn wait_for(browser: &Browser, css: &str) -> Element {
    seen(css, async || browser.client.find(Locator::Css(css)).await.ok()).await
}

/// Selects a language on the page, unless the page already has it.
pub async fn speak(browser: &Browser, language: &str) {
    if language_of(browser).await.as_deref() == Some(language) {
        return;
    }
    let button = format!("form.languages button[value={language}]");
    let button = browser.client.find(Locator::Css(&button)).await.expect("the page has a button for the language");
    button.click().await.expect("the button can be clicked");
    until(&format!("a page in {language}"), async || {
        is_loaded(browser).await && language_of(browser).await.as_deref() == Some(language)
    })
    .await;
}

/// Returns true if the page is completely loaded. The driver does not wait for the page that a tap leads to.
pub async fn is_loaded(browser: &Browser) -> bool {
    let state = browser.client.execute("return document.readyState", vec![]).await;
    state.is_ok_and(|state| state == "complete")
}

/// Waits until a completely loaded page is shown whose URL, without the query, contains `part`.
pub async fn arrive(browser: &Browser, part: &str) {
    let there = async || {
        let there =
            browser.client.current_url().await.is_ok_and(|url| url.as_str().split('?').next().unwrap().contains(part));
        (there && is_loaded(browser).await).then_some(())
    };
    if sought(there).await.is_none() {
        let (url, source) = (browser.client.current_url().await.unwrap(), browser.client.source().await.unwrap());
        panic!("{url} is shown, not {part}: {source}");
    }
}

/// Checks the page when it is completely loaded: nothing is wider than the window, and axe-core finds no violation. If
/// `MUSTER_SCREENSHOTS` names a folder, a screenshot is stored there.
pub async fn look_at(browser: &Browser, axe: Option<&Axe>, name: &str) {
    until("the completely loaded page", async || is_loaded(browser).await).await;
    if let Some(folder) = std::env::var_os("MUSTER_SCREENSHOTS").map(PathBuf::from) {
        std::fs::create_dir_all(&folder).expect("the folder can be created");
        let picture = browser.client.screenshot().await.expect("the browser takes a screenshot");
        std::fs::write(folder.join(format!("{name}.png")), picture).expect("the screenshot is stored");
    }
    let width = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
    let too_wide = browser.client.execute(width, vec![]).await.expect("the page is measured");
    assert!(too_wide.as_i64().is_some_and(|pixels| pixels <= 0), "{name} is {too_wide} pixels wider than the window");
    if let Some(axe) = axe {
        axe.check(browser, name).await;
    }
}
