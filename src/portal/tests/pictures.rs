//! Pictures in instructions: what to tap is framed and named, each instruction leads to the next, and pages stay
//! small.

use super::*;

#[test]
fn each_instruction_that_ends_outside_of_the_page_has_a_picture_that_says_what_to_tap() {
    // Instructions without a picture, because nothing of iOS is tapped: come back, sign in on our page, be redirected
    // to another page.
    let without = ["ca-come-back", "mdm-come-back", "stopped-account-page", "ca-tap-continue", "mdm-tap-continue"];
    let ca = ca_pages().into_iter().flat_map(|page| page.steps);
    let mdm = mdm_pages().into_iter().flat_map(|page| page.steps);
    let settings = StoppedPage::of(EnrollmentRefusal::AccountDrivenOnly, None, None).steps.iter().copied();
    let steps: BTreeSet<&str> = ca.chain(mdm).chain(settings).collect();
    assert!(steps.len() > 15, "{steps:?}");
    for language in Language::ALL {
        for step in &steps {
            let page = CaProfilePage { steps: vec![step], ..ca_pages().remove(1) };
            let html = render(&frame(language, false), &page).unwrap();
            let parsed = Html::parse_document(&html);
            let labels: Vec<&str> =
                select(&parsed, ".draw[role=img]").iter().map(|draw| draw.attr("aria-label").unwrap()).collect();
            assert_eq!(labels.is_empty(), without.contains(step), "{step} ({}): {labels:?}", language.tag());
            let taps = select(&parsed, ".draw .tap").len();
            assert_eq!(taps, labels.len(), "{step}: one thing to tap in each picture");
        }
    }
}

#[test]
fn no_page_is_larger_than_30_kib() {
    for (name, html) in every_page() {
        assert!(html.len() < 30 * 1024, "{name}: {} bytes", html.len());
    }
}

#[test]
fn the_certificate_step_leads_from_one_instruction_to_the_next_and_back() {
    for page in ca_pages() {
        let html = render(&frame(Language::English, false), &page).unwrap();
        let parsed = Html::parse_document(&html);
        let screens = select(&parsed, "ol.screens > li");
        let ids: Vec<&str> = screens.iter().map(|screen| screen.attr("id").unwrap()).collect();
        assert_eq!(ids, page.steps);
        for (nth, screen) in screens.iter().enumerate() {
            let go = Selector::parse(".go a").unwrap();
            let links = screen.select(&go).map(|link| link.attr("href").unwrap().to_owned());
            let beside = |place: Option<usize>| Some(format!("#{}", ids.get(place?)?));
            let expected: Vec<String> =
                [beside(nth.checked_sub(1)), beside(Some(nth + 1))].into_iter().flatten().collect();
            assert_eq!(links.collect::<Vec<_>>(), expected);
        }
    }
}
