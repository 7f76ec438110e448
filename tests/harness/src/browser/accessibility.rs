//! Checks pages with axe-core: they must not violate WCAG 2.1 A and AA.

use super::driver::{Browser, Engine};
use serde_json::Value;

/// The axe-core script, as npm installs it.
pub struct Axe(String);

const RUN: &str = "
    const done = arguments[arguments.length - 1];
    axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'] }).then(
        (results) => done(results.violations.map((one) => one.id + ': ' + one.help + ' ' +
            one.nodes.map((node) => node.target.join(' ') + ' ' + node.failureSummary).join(' | '))),
        (error) => done(['axe-core failed: ' + error]));";

impl Axe {
    /// Loads axe-core for a page that every engine shows. axe-core reads the document and its computed styles, which
    /// are the same in each engine. Therefore only Chromium checks these pages, once for each size and color scheme.
    pub fn of(engine: Engine, test: &str) -> Option<Axe> {
        match engine {
            Engine::Chromium => Axe::load(test),
            Engine::WebKit => None,
        }
    }

    /// Loads axe-core. Returns `None` if it is not installed, and reports that the check is left out.
    pub fn load(test: &str) -> Option<Axe> {
        let path = crate::tool("MUSTER_AXE", "node_modules/axe-core/axe.min.js");
        match std::fs::read_to_string(&path) {
            Ok(script) => Some(Axe(script)),
            Err(_) => {
                crate::left_out(&format!("{test} (axe-core)"), "axe-core is not installed; tests/run installs it");
                None
            }
        }
    }

    /// Fails with the list of violations if the shown page has any.
    pub async fn check(&self, browser: &Browser, name: &str) {
        browser.client.execute(&format!("{}; return 0", self.0), vec![]).await.expect("axe-core loads");
        let violations = browser.client.execute_async(RUN, vec![]).await.expect("axe-core runs");
        let Value::Array(violations) = violations else { panic!("axe-core returned {violations}") };
        assert!(violations.is_empty(), "{name}: {violations:#?}");
    }
}
