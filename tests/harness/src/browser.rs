//! Real browsers: pages looked at, and whole walks. Where a browser is missing its tests say so by name and are left out;
//! `tests/run` installs what they need.

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

/// A browser of this engine, or `None` with a word about the test that is left out.
pub async fn browser(engine: Engine, test: &str, looks: &Looks<'_>) -> Option<Browser> {
    if let Some(why) = driver::missing(engine) {
        crate::left_out(test, &why);
        return None;
    }
    Some(Browser::start(engine, looks).await)
}

/// What language the page says that it is in; `None` while none is shown.
pub async fn language_of(browser: &Browser) -> Option<String> {
    let language = browser.client.execute("return document.documentElement.lang", vec![]).await.ok()?;
    language.as_str().map(str::to_owned)
}

/// The first element that this selector finds, as soon as there is one.
pub async fn wait_for(browser: &Browser, css: &str) -> Element {
    seen(css, async || browser.client.find(Locator::Css(css)).await.ok()).await
}

/// The person chooses their language, unless the page is in it already.
pub async fn speak(browser: &Browser, language: &str) {
    if language_of(browser).await.as_deref() == Some(language) {
        return;
    }
    let button = format!("form.languages button[value={language}]");
    let button = browser.client.find(Locator::Css(&button)).await.expect("there is a button for the language");
    button.click().await.expect("it can be tapped");
    until(&format!("a page in {language}"), async || {
        is_loaded(browser).await && language_of(browser).await.as_deref() == Some(language)
    })
    .await;
}

/// No page is on its way: the driver does not wait for what a tap leads to.
pub async fn is_loaded(browser: &Browser) -> bool {
    let state = browser.client.execute("return document.readyState", vec![]).await;
    state.is_ok_and(|state| state == "complete")
}

/// Waits until a page is shown, whole, whose address before the query has this part.
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

/// Looks at the page that is shown, once it is there whole: keeps a picture where `MUSTER_SCREENSHOTS` names a folder;
/// nothing may be wider than the window, and axe-core finds no violation.
pub async fn look_at(browser: &Browser, axe: Option<&Axe>, name: &str) {
    until("the whole page", async || is_loaded(browser).await).await;
    if let Some(folder) = std::env::var_os("MUSTER_SCREENSHOTS").map(PathBuf::from) {
        std::fs::create_dir_all(&folder).expect("the folder can be made");
        let picture = browser.client.screenshot().await.expect("a picture is taken");
        std::fs::write(folder.join(format!("{name}.png")), picture).expect("the picture is kept");
    }
    let width = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
    let too_wide = browser.client.execute(width, vec![]).await.expect("the page is measured");
    assert!(too_wide.as_i64().is_some_and(|pixels| pixels <= 0), "{name} is {too_wide} pixels wider than the window");
    if let Some(axe) = axe {
        axe.check(browser, name).await;
    }
}
