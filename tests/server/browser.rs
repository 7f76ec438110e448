//! The pages in real browsers at phone size: the whole walk, the console, accessibility. Where a browser is missing its
//! tests say so by name and are left out; `tests/run` installs what they need.

mod access;
mod accessibility;
mod beside;
mod console;
pub mod driver;
mod passkeys;
mod single_sign_on;
mod walk;

use accessibility::Axe;
use driver::{Browser, Engine, Looks};
use std::path::PathBuf;

pub const PHONE: (u32, u32) = (390, 844);
pub const DESK: (u32, u32) = (1280, 900);

/// A browser of this engine, or `None` with a word about the test that is left out.
pub async fn browser(engine: Engine, test: &str, looks: &Looks<'_>) -> Option<Browser> {
    if let Some(why) = driver::missing(engine) {
        crate::harness::left_out(test, &why);
        return None;
    }
    Some(Browser::start(engine, looks).await)
}

/// Looks at the page that is shown: keeps a picture where `MUSTER_SCREENSHOTS` names a folder; nothing may be wider than
/// the window, and axe-core finds no violation.
pub async fn look_at(browser: &Browser, axe: Option<&Axe>, name: &str) {
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
