//! Renders every page in every state and every language.

mod pictures;

use super::about::AboutPage;
use super::account::HandOverPage;
use super::arrival::{DesktopPage, OtherBrowserPage, WhichDevicePage};
use super::before::{self, Before};
use super::ca_profile::{self, CaProfilePage};
use super::complete::CompletePage;
use super::earlier::{Listed, Removal};
use super::for_whom::ForWhomPage;
use super::invitation::{InvitationClosedPage, InvitationCodePage, InvitationPage};
use super::leaving::LeavingPage;
use super::managed_apple_id::ManagedAppleIdPage;
use super::mdm_profile::{self, MdmProfilePage, Way};
use super::ownership::OwnershipPage;
use super::previous::{self, Again, PreviousPage, Record};
use super::problem::Problem;
use super::render::{Frame, Page, Progress, TEMPLATES, render};
use super::sign_in::SignInPage;
use super::stopped::StoppedPage;
use super::terms::{Shown, TermsPage};
use super::texts::Language;
use super::visitor::bare_frame;
use crate::web::qr::Qr;
use decisions::device::Phase;
use devices::commands::self_service::SelfServiceOutcome;
use events::enrollment::{EnrollmentRefusal, OsVersion, Ownership};
use events::settings::Settings;
use scraper::{Html, Selector};
use sign_in::redirect::Offer;
use std::collections::BTreeSet;

fn settings() -> Settings {
    Settings { organization: "Ärzte & <Söhne>".into(), help: Some("help@example.com".into()), ..Settings::default() }
}

fn frame(language: Language, old: bool) -> Frame {
    Frame {
        csrf: Some("token".into()),
        progress: Some(Progress::new(2, 6)),
        signed_in_as: Some("ada <ada>".into()),
        ios15: if old { "no" } else { "yes" },
        ios18: if old { "no" } else { "yes" },
        // The person with the old device enrolls it for another person.
        account: (!old).then(|| "link".into()),
        by_account: !old,
        other: if old { "yes" } else { "no" },
        owner: if old { "bob <bob>".into() } else { String::new() },
        ..bare_frame(language, &settings(), Some("7KQ-3M2".into()))
    }
}

/// Renders a page in every language, for old and new versions of iOS.
fn all<P: Page>(pages: &[P], out: &mut Vec<(String, String)>) {
    for page in pages {
        for language in Language::ALL {
            for old in [true, false] {
                let html = render(&frame(language, old), page);
                let html = html.unwrap_or_else(|error| panic!("{} in {}: {error}", P::TEMPLATE, language.tag()));
                out.push((format!("{} ({})", P::TEMPLATE, language.tag()), html));
            }
        }
    }
}

/// Renders every possible content of a page and returns its template.
fn contents<P: Page>() -> &'static str {
    for nth in 0..P::count() {
        for frame in [frame(Language::English, false), bare_frame(Language::English, &settings(), None)] {
            let html = render(&frame, &P::nth(nth));
            let html = html.unwrap_or_else(|error| panic!("{}, content {nth}: {error}", P::TEMPLATE));
            assert!(!html.contains("<Söhne>"), "{}, content {nth}: not escaped", P::TEMPLATE);
        }
    }
    P::TEMPLATE
}

#[test]
fn every_content_of_every_page_is_rendered() {
    let rendered = [
        contents::<SignInPage>(),
        contents::<InvitationPage>(),
        contents::<InvitationCodePage>(),
        contents::<InvitationClosedPage>(),
        contents::<HandOverPage>(),
        contents::<LeavingPage>(),
        contents::<ForWhomPage>(),
        contents::<PreviousPage>(),
        contents::<OwnershipPage>(),
        contents::<TermsPage>(),
        contents::<CaProfilePage>(),
        contents::<ManagedAppleIdPage>(),
        contents::<MdmProfilePage>(),
        contents::<AboutPage>(),
        contents::<CompletePage>(),
        contents::<StoppedPage>(),
        contents::<DesktopPage>(),
        contents::<WhichDevicePage>(),
        contents::<OtherBrowserPage>(),
        contents::<super::problem::ProblemPage>(),
    ];
    let pages = TEMPLATES
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| !matches!(*name, "layout" | "help") && !name.starts_with("draw"));
    assert_eq!(rendered.into_iter().collect::<BTreeSet<_>>(), pages.collect());
}

fn invitation_pages(out: &mut Vec<(String, String)>) {
    let page = |(again, in_settings)| InvitationPage { token: "token".into(), again, in_settings };
    all(&[(false, false), (true, false), (true, true)].map(page), out);
    all(&[InvitationCodePage::sample()], out);
    let closed = |why: &&'static str| {
        let goes_on = *why == "invitation-other-person";
        InvitationClosedPage { why, asks: !goes_on, goes_on }
    };
    let reasons = InvitationClosedPage::REASONS;
    all(&reasons.iter().map(closed).collect::<Vec<_>>(), out);
}

fn problems() -> Vec<super::problem::ProblemPage> {
    let problems = [
        Problem::NotFound,
        Problem::Method,
        Problem::Bad,
        Problem::TooLarge,
        Problem::Forged,
        Problem::Link,
        Problem::AccountLink,
        Problem::Version,
        Problem::NoPush,
        Problem::Unavailable("x".into()),
        Problem::internal("x"),
    ];
    problems.iter().map(Problem::page).collect()
}

fn ca_pages() -> Vec<CaProfilePage> {
    let page = |(version, too_early)| CaProfilePage {
        taken: version == "11.4",
        steps: ca_profile::instructions(OsVersion::parse(version)),
        profile: "/enroll/profile/ca-x.mobileconfig".into(),
        certificate: "Example <Root>".into(),
        minutes: too_early,
        too_early,
    };
    [("10.2", false), ("10.3", true), ("11.4", false), ("17.5", true)].into_iter().map(page).collect()
}

fn mdm_pages() -> Vec<MdmProfilePage> {
    let page = |(way, version)| MdmProfilePage {
        personal: way == Way::UserEnrollment,
        taken: version == "17.5",
        steps: mdm_profile::instructions(way, OsVersion::parse(version)),
        profile: "/enroll/profile/mdm-x.mobileconfig".into(),
        minutes: way == Way::UserEnrollment,
        managed_apple_id: (way == Way::UserEnrollment).then(|| "ada@example.com".into()),
    };
    let (user, device, verified) = (Way::UserEnrollment, Way::DeviceEnrollment, Way::ProfileService);
    [
        (user, "13.1"),
        (user, "17.5"),
        (device, "10.3"),
        (device, "11.0"),
        (device, "18.1"),
        (verified, "26.1"),
        (device, "27.0"),
    ]
    .into_iter()
    .map(page)
    .collect()
}

fn maid_pages() -> Vec<ManagedAppleIdPage> {
    let page = |(problem, domains): (Option<&'static str>, &str)| ManagedAppleIdPage {
        value: "\"ada\"@example.com".into(),
        problem,
        domains: domains.into(),
    };
    let states =
        [(None, ""), (None, "@example.com"), (Some("maid-invalid"), ""), (Some("maid-domain"), "@example.com")];
    states.into_iter().map(page).collect()
}

fn complete_pages() -> Vec<CompletePage> {
    let phases = [
        Phase::Unknown,
        Phase::Authenticated,
        Phase::Enrolled,
        Phase::CheckedOut,
        Phase::Unenrolled,
        Phase::Superseded,
    ];
    let page = |phase| {
        let of = |still: bool, app: Option<String>| CompletePage::of(phase, !still, app);
        [of(false, None), CompletePage { personal: false, ..of(true, Some("https://apps.apple.com/x".into())) }]
    };
    let outcomes = [
        SelfServiceOutcome::Coming,
        SelfServiceOutcome::Prompting,
        SelfServiceOutcome::SignInToStore,
        SelfServiceOutcome::Installing,
        SelfServiceOutcome::ByTheirOwnDoing,
        SelfServiceOutcome::Installed,
        SelfServiceOutcome::Refused,
        SelfServiceOutcome::NotLicensed,
        SelfServiceOutcome::Failed,
    ];
    let followed = |outcome| {
        let mut page = CompletePage::of(Phase::Enrolled, true, None);
        page.follow(outcome, Some("https://apps.apple.com/x".into()));
        page
    };
    let waits = |left: &[Removal], by_account| CompletePage {
        causes: before::sorted(left, by_account, true),
        ..CompletePage::of(Phase::Unknown, true, None)
    };
    let compared = CompletePage {
        before: before(),
        more: Some(2),
        now: "Ada’s <iPhone>".into(),
        ..CompletePage::of(Phase::Enrolled, false, None)
    };
    let others = [waits(&[], false), waits(&[Removal::Account], true), compared];
    phases.into_iter().flat_map(page).chain(outcomes.map(followed)).chain(others).collect()
}

fn every_page() -> Vec<(String, String)> {
    let mut out = Vec::new();
    let sign_in = |refused, wait_minutes| SignInPage { refused, wait_minutes, password: true, ..SignInPage::default() };
    all(&[sign_in(false, None), sign_in(true, None), sign_in(false, Some(1)), sign_in(false, Some(7))], &mut out);
    let provider = |name: &str| Offer { name: name.into(), title: "School & <Söhne>".into() };
    let providers = vec![provider("school"), provider("company")];
    let with_providers = |not_through, password| SignInPage {
        not_through,
        password,
        providers: providers.clone(),
        ..SignInPage::default()
    };
    let nobody = SignInPage { nobody: true, ..SignInPage::default() };
    all(&[with_providers(false, true), with_providers(true, true), with_providers(true, false), nobody], &mut out);
    let by_account =
        |again| SignInPage { password: true, user_name: "\"ada\"@example.com".into(), again, ..SignInPage::default() };
    all(&[by_account(false), by_account(true)], &mut out);
    let invited = |wrong_code: Option<&'static str>| SignInPage {
        invited: wrong_code.is_none(),
        wrong_code,
        asks_for_code: wrong_code.is_some(),
        own_steps: &["stopped-account-open"],
        invitation_code: Some("7KQ-3M2".into()),
        user_name: "\"ada\"@example.com".into(),
        password: true,
        ..SignInPage::default()
    };
    all(&[None, Some("invitation-code-wrong"), Some("invitation-code-throttled")].map(invited), &mut out);
    all(&[HandOverPage {}], &mut out);
    let leaving =
        |out| LeavingPage { site: "id.example.com".into(), address: "https://id.example.com/?a=b&c".into(), out };
    all(&[leaving(false), leaving(true)], &mut out);
    all(&previous_pages(), &mut out);
    let ownership = |unanswered: bool| OwnershipPage {
        description: "<p>Your <em>own</em>.</p>".into(),
        description_lang: unanswered.then_some("en"),
        personal: true,
        institutional: !unanswered,
        unanswered,
    };
    all(&[ownership(false), ownership(true), OwnershipPage::default()], &mut out);
    all(&ca_pages(), &mut out);
    all(&maid_pages(), &mut out);
    all(&mdm_pages(), &mut out);
    let about = |chosen| AboutPage::of(chosen, &settings());
    all(&[about(None), about(Some(Ownership::Personal)), about(Some(Ownership::Institutional))], &mut out);
    all(&complete_pages(), &mut out);
    all(&stopped_pages(), &mut out);
    all(&for_whom_pages(), &mut out);
    all(&terms_pages(), &mut out);
    let address = || "https://enroll.example.com/enroll".to_owned();
    let desktop = |untrusted| DesktopPage {
        address: address(),
        qr: Qr::of(&address()).unwrap(),
        untrusted,
        invitation: untrusted.then(|| "token".into()),
    };
    all(&[desktop(false), desktop(true)], &mut out);
    all(&[None, Some("token".to_owned())].map(|invitation| WhichDevicePage { invitation }), &mut out);
    all(
        &[None, Some("token".to_owned())].map(|invitation| OtherBrowserPage { address: address(), invitation }),
        &mut out,
    );
    invitation_pages(&mut out);
    all(&problems(), &mut out);
    out
}

fn previous_pages() -> Vec<PreviousPage> {
    let record = |nth: u8, kind, ended| Record {
        id: format!("record-{nth}"),
        label: "Ada’s <iPhone>".into(),
        enrolled: "Enrolled in 2021 with <Jamf>".into(),
        kind,
        ended,
        ours: nth < 2,
        other: nth == 3,
        chosen: if nth == 1 { "this_device" } else { "" },
        offers: nth == 0,
        removing: match nth {
            1 => Some("previous-remove-waiting"),
            3 => Some("previous-remove-silent"),
            4 => Some("previous-remove-failed"),
            _ => None,
        },
    };
    let kinds = [
        Some("previous-kind-personal-profile"),
        Some("previous-kind-user"),
        Some("previous-kind-device"),
        Some("previous-kind-account"),
        None,
    ];
    let records: Vec<Record> = kinds.into_iter().zip(0..).map(|(kind, nth)| record(nth, kind, nth == 2)).collect();
    let page = |removal, again: Again, asks| PreviousPage {
        title: if asks { previous::ASKS } else { previous::TITLE },
        records: records.clone(),
        more: Some(65),
        steps: previous::steps(removal, again),
        certificate: again == Again::Page,
        asks,
        elsewhere: false,
        watches: asks && again != Again::Page,
        wrong: None,
    };
    let wrong = |why| PreviousPage { wrong: Some(why), ..page(Removal::Profile, Again::Page, false) };
    vec![
        wrong(previous::OTHER_FAMILY),
        wrong(previous::SEVERAL),
        page(Removal::PersonalProfile, Again::Page, false),
        page(Removal::Profile, Again::Page, true),
        page(Removal::Account, Again::Sheet, false),
        page(Removal::Either, Again::SheetWithCode, true),
        PreviousPage { steps: vec![], elsewhere: true, ..page(Removal::Either, Again::Page, false) },
        PreviousPage {
            steps: vec![],
            records: vec![record(1, None, true)],
            ..page(Removal::Either, Again::Page, false)
        },
    ]
}

fn before() -> Vec<Before> {
    let fates = ["linked", "ended", "check", "another", "gone"];
    let one = |fate: &str| Before {
        label: "Ada’s <iPhone>".into(),
        enrolled: "Enrolled in 2021 with <Jamf>".into(),
        kind: Some("previous-kind-personal-profile"),
        state: "complete-state-unknown",
        class: "",
        fate: Box::leak(format!("complete-fate-{fate}").into_boxed_str()),
    };
    fates.map(one).into()
}

fn stopped_pages() -> Vec<StoppedPage> {
    let version = || OsVersion::parse("12.4");
    let mut many = StoppedPage::of(EnrollmentRefusal::TooManyDevices, version(), Some("2".into()));
    many.devices = vec![Listed { label: "Ada’s <iPhone>".into(), since: Some("7 March 2026".into()) }];
    vec![
        StoppedPage::of(EnrollmentRefusal::VersionTooOld, version(), None),
        StoppedPage::of(EnrollmentRefusal::AccountDrivenOnly, version(), None),
        StoppedPage {
            account: Some("ada@appleid.example.com".into()),
            ..StoppedPage::of(EnrollmentRefusal::AccountDrivenOnly, version(), None)
        },
        StoppedPage::of(EnrollmentRefusal::AccountDrivenNotOffered, version(), None),
        StoppedPage::of(EnrollmentRefusal::WrongMode, version(), None),
        StoppedPage::of(EnrollmentRefusal::NotPermitted, version(), None),
        many,
        StoppedPage::of(EnrollmentRefusal::VersionBelowMinimum, version(), Some("16".into())),
        StoppedPage::of(EnrollmentRefusal::VersionBelowMinimum, None, None),
        StoppedPage::of(EnrollmentRefusal::VersionAboveMaximum, version(), Some("11".into())),
        StoppedPage::of(EnrollmentRefusal::VersionAboveMaximum, None, None),
        StoppedPage::of(EnrollmentRefusal::ModelNotPermitted, version(), Some("iPad".into())),
        StoppedPage::of(EnrollmentRefusal::NotGenuine, version(), None),
        StoppedPage::of(EnrollmentRefusal::OtherDevice, version(), None),
        StoppedPage::of(EnrollmentRefusal::RestrictedToOwner, version(), None),
        StoppedPage::of(EnrollmentRefusal::ModelNotPermitted, None, None),
    ]
}

fn for_whom_pages() -> Vec<ForWhomPage> {
    let page = |problem, for_oneself| ForWhomPage { value: "\"bob\"".into(), for_oneself, problem, minutes: 2 };
    vec![
        page(None, true),
        page(Some("for-whom-unknown"), false),
        page(Some("for-whom-unavailable"), true),
        page(Some("for-whom-throttled"), false),
        page(Some("for-whom-no-directory"), true),
    ]
}

fn terms_pages() -> Vec<TermsPage> {
    let shown = |lang: Option<&'static str>| Shown {
        version: "2026 <09>".into(),
        html: "<p>Be <em>kind</em>.</p>".into(),
        language: "en",
        lang,
        text_hash: "0".repeat(64),
    };
    vec![
        TermsPage { terms: Some(shown(None)), changed: false },
        TermsPage { terms: Some(shown(Some("en"))), changed: true },
        TermsPage { terms: None, changed: true },
    ]
}

#[test]
fn terms_in_another_language_than_the_page_say_which() {
    let html = render(&frame(Language::Japanese, false), &terms_pages()[1]).unwrap();
    let page = Html::parse_document(&html);
    assert_eq!(select(&page, "div[lang=en] em").len(), 1);
    let own = render(&frame(Language::English, false), &terms_pages()[0]).unwrap();
    assert!(select(&Html::parse_document(&own), "div[lang]").is_empty());
}

#[test]
fn each_limit_has_its_own_message_that_says_what_is_allowed() {
    let texts: Vec<String> = stopped_pages()
        .iter()
        .map(|page| {
            let html = render(&frame(Language::English, false), page).unwrap();
            let page = Html::parse_document(&html);
            select(&page, "main")[0].text().collect::<Vec<_>>().join(" ")
        })
        .collect();
    let told = |text: &str| texts.iter().filter(|page| page.contains(text)).count();
    assert_eq!(told("that {organization} allows"), 0);
    assert_eq!(told("allows you at a time: 2."), 1);
    assert_eq!(told("It must be 16 or newer."), 1);
    assert_eq!(told("The newest allowed version is 11."), 1);
    assert_eq!(told("enrolls only: iPad."), 1);
    assert_eq!(texts.iter().collect::<BTreeSet<_>>().len(), texts.len(), "all texts differ");
}

fn select<'a>(html: &'a Html, selector: &str) -> Vec<scraper::ElementRef<'a>> {
    html.select(&Selector::parse(selector).unwrap()).collect()
}

#[test]
fn every_page_renders_strictly_in_every_state_and_language() {
    let pages = every_page();
    let names: BTreeSet<&str> = pages.iter().map(|(name, _)| name.split(' ').next().unwrap()).collect();
    assert_eq!(names.len(), 20, "every template except the layout has samples");
    for (name, html) in &pages {
        assert!(html.starts_with("<!doctype html>"), "{name}");
        assert!(!html.contains("**"), "{name}: markup left over");
        assert!(!html.contains("{{") && !html.contains("{ $"), "{name}: placeholder left over");
        assert!(
            !html.contains("<Söhne>") && !html.contains("<ada>") && !html.contains("<iPhone>"),
            "{name}: not escaped"
        );
    }
}

#[test]
fn every_page_has_one_heading_a_title_a_main_part_and_its_language() {
    for (name, html) in every_page() {
        let page = Html::parse_document(&html);
        assert_eq!(select(&page, "h1").len(), 1, "{name}");
        assert_eq!(select(&page, "main").len(), 1, "{name}");
        let lang = select(&page, "html")[0].attr("lang").unwrap().to_owned();
        assert!(name.ends_with(&format!("({lang})")), "{name}");
        assert!(!select(&page, "title")[0].text().collect::<String>().starts_with(" ·"), "{name}");
    }
}

#[test]
fn no_page_has_scripts_or_styles_of_its_own() {
    for (name, html) in every_page() {
        let page = Html::parse_document(&html);
        assert_eq!(select(&page, "head script[src^='/assets/portal.js?'][defer]").len(), 1, "{name}");
        assert_eq!(select(&page, "script").len(), 1, "{name}");
        assert!(select(&page, "style, [style], [onclick], [onload], iframe, object, embed").is_empty(), "{name}");
    }
}

#[test]
fn every_form_posts_to_a_path_of_ours_with_its_token_and_every_field_has_a_label() {
    for (name, html) in every_page() {
        let page = Html::parse_document(&html);
        for form in select(&page, "form") {
            assert_eq!(form.attr("method"), Some("post"), "{name}");
            let is_ours = |action: &str| action.starts_with("/enroll/") || action == "/invitation/token";
            assert!(form.attr("action").is_some_and(is_ours), "{name}");
            let token = Selector::parse("input[name=csrf]").unwrap();
            assert_eq!(form.select(&token).count(), 1, "{name}");
        }
        for field in select(&page, "input:not([type=hidden])") {
            let id = field.attr("id").unwrap_or_else(|| panic!("{name}: a field without id"));
            assert_eq!(select(&page, &format!("label[for={id}]")).len(), 1, "{name}: {id}");
        }
    }
}

#[test]
fn ids_are_unique_on_every_page() {
    for (name, html) in every_page() {
        let page = Html::parse_document(&html);
        let ids: Vec<&str> = select(&page, "[id]").into_iter().filter_map(|element| element.attr("id")).collect();
        assert_eq!(ids.len(), ids.iter().collect::<BTreeSet<_>>().len(), "{name}: {ids:?}");
    }
}

#[test]
fn passwords_may_be_pasted_and_filled_in() {
    let html =
        render(&frame(Language::English, false), &SignInPage { password: true, ..SignInPage::default() }).unwrap();
    let page = Html::parse_document(&html);
    let password = select(&page, "#password")[0];
    assert_eq!(password.attr("autocomplete"), Some("current-password"));
    assert!(password.attr("onpaste").is_none());
}

#[test]
fn the_account_is_called_what_the_version_of_ios_calls_it() {
    let title = |old| {
        let html = render(&frame(Language::English, old), &maid_pages()[0]).unwrap();
        let page = Html::parse_document(&html);
        select(&page, "h1")[0].text().collect::<String>()
    };
    assert_eq!(title(true), "Your Managed Apple ID");
    assert_eq!(title(false), "Your Managed Apple Account");
}

#[test]
fn once_a_profile_was_taken_the_button_to_press_is_that_it_is_installed() {
    for (name, html) in every_page() {
        if !name.starts_with("ca_profile") && !name.starts_with("mdm_profile") {
            continue;
        }
        let page = Html::parse_document(&html);
        let class = |selector| select(&page, selector)[0].attr("class").unwrap().to_owned();
        let taken = html.find("id=\"continue\"") < html.find("id=\"profile\"");
        let (first, second) = ("button".to_owned(), "button second".to_owned());
        let wanted = if taken { (first, second) } else { (second, first) };
        assert_eq!((class("#continue button"), class("#profile")), wanted, "{name}");
    }
    let render = |page: &CaProfilePage| render(&frame(Language::English, false), page).unwrap();
    let taken: Vec<bool> = ca_pages().iter().map(|page| render(page).contains("Download the profile again")).collect();
    assert_eq!(taken, [false, false, true, false]);
}

#[test]
fn whoever_enrolled_a_device_of_the_organization_is_not_told_to_leave_at_will() {
    let told = |personal| {
        let page = CompletePage { personal, ..CompletePage::of(Phase::Enrolled, false, None) };
        let html = render(&frame(Language::English, false), &page).unwrap();
        (html.contains("leave at any time"), html.contains("before you remove the profile"), html.contains("help@"))
    };
    assert_eq!(told(true), (true, false, false));
    assert_eq!(told(false), (false, true, true));
    let about = |chosen| {
        let html = render(&frame(Language::English, false), &AboutPage::of(chosen, &settings())).unwrap();
        (html.contains("leave at any time"), html.contains("before you remove the profile"))
    };
    assert_eq!(about(None), (true, true));
    assert_eq!(about(Some(Ownership::Personal)), (true, false));
    assert_eq!(about(Some(Ownership::Institutional)), (false, true));
}

#[test]
fn nobody_is_promised_more_than_the_certificate_keeps() {
    for (language, promise) in
        [(Language::English, "gives nobody access"), (Language::German, "bekommt dadurch Zugriff")]
    {
        let html = render(&frame(language, false), &ca_pages()[0]).unwrap();
        assert!(!html.contains(promise), "{}", language.tag());
    }
}

#[test]
fn whoever_is_stuck_reads_where_help_is_and_can_tap_it() {
    let link = r#"<a href="mailto:help@example.com?subject&#x3D;Help%20code%207KQ-3M2">help@example.com</a>"#;
    let page = |html: &str| html.contains(link);
    let frame = frame(Language::English, false);
    let sign_in = |stuck| render(&frame, &SignInPage { stuck, password: true, ..SignInPage::default() }).unwrap();
    assert!(page(&sign_in(true)) && !page(&sign_in(false)), "{}", sign_in(true));
    for ca in ca_pages() {
        assert!(page(&render(&frame, &ca).unwrap()));
    }
    assert!(page(&render(&frame, &CompletePage::of(Phase::Authenticated, false, None)).unwrap()));
}
