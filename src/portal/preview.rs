//! Preview of the portal's pages with sample data, for staff and the demo. It only renders templates: it appends no
//! events, sets no cookies, and its forms cannot be sent.

use super::about::AboutPage;
use super::account::HandOverPage;
use super::arrival::{DesktopPage, OtherBrowserPage, WhichDevicePage};
use super::before;
use super::browser::Browser;
use super::ca_profile::{self, CaProfilePage};
use super::complete::CompletePage;
use super::description;
use super::earlier::Removal;
use super::for_whom::ForWhomPage;
use super::invitation::{InvitationClosedPage, InvitationCodePage, InvitationPage};
use super::leaving::LeavingPage;
use super::managed_apple_id::ManagedAppleIdPage;
use super::mdm_profile::{self, MdmProfilePage, Way};
use super::ownership::OwnershipPage;
use super::previous::{self, PreviousPage, Record};
use super::problem::{Problem, ProblemPage};
use super::render::{Frame, Page, Progress, render};
use super::sign_in::SignInPage;
use super::stopped::StoppedPage;
use super::terms::{Shown, TermsPage};
use super::texts::{Argument, Language};
use super::visitor::bare_frame;
use crate::portal::Portal;
use crate::web::qr::Qr;
use actix_web::http::header::ContentType;
use actix_web::{HttpResponse, web};
use decisions::device::Phase;
use enroll::preview;
use events::enrollment::{DeviceFamily, EnrollmentRefusal, OsVersion, Ownership, Platform};
use events::settings::Settings;
use serde::Deserialize;

/// Query parameters: which page to show, for which device.
#[derive(Debug, Deserialize)]
pub(crate) struct Wish {
    page: String,
    family: String,
    version: String,
    language: String,
}

/// Device, language and settings that the preview assumes.
struct Sample<'a> {
    app: &'a Portal,
    settings: &'a Settings,
    platform: Platform,
    version: OsVersion,
    language: Language,
}

/// Renders the requested page.
///
/// # Errors
/// Returns an error if the link has expired or is invalid, if a parameter is unknown, if the settings cannot be read,
/// or if the template cannot be rendered.
pub(crate) async fn show(
    app: web::Data<Portal>,
    token: web::Path<String>,
    wish: web::Query<Wish>,
) -> Result<HttpResponse, Problem> {
    if !preview::permits(&app.platform, &token) {
        return Err(Problem::Link);
    }
    let named = |family: &DeviceFamily| family.name() == wish.family;
    let family = DeviceFamily::ALL.into_iter().find(named).ok_or(Problem::NotFound)?;
    let version = OsVersion::parse(&wish.version).ok_or(Problem::NotFound)?;
    let language = Language::parse(&wish.language).ok_or(Problem::NotFound)?;
    let settings = app.settings.current().await?;
    let platform = Platform { family, version: Some(version) };
    let sample = Sample { app: &app, settings: &settings, platform, version, language };
    Ok(HttpResponse::Ok().content_type(ContentType::html()).body(sample.html(&wish.page)?))
}

impl Sample<'_> {
    fn html(&self, page: &str) -> Result<String, Problem> {
        let version = Some(self.version);
        match page {
            "desktop" => {
                let address = self.address();
                let qr = Qr::of(&address).ok_or(Problem::internal("the address is too long for a QR code"))?;
                self.bare(&DesktopPage { address, qr, untrusted: self.app.web.private_root, invitation: None })
            }
            "which-device" => self.bare(&WhichDevicePage { invitation: None }),
            "other-browser" => self.bare(&OtherBrowserPage { address: self.address(), invitation: None }),
            "leaving" => {
                let address = "https://id.example.com/".to_owned();
                self.bare(&LeavingPage { site: "id.example.com".into(), address, out: false })
            }
            "for-whom" => self.signed_in(1, &ForWhomPage { for_oneself: true, ..ForWhomPage::default() }),
            "previous" => self.signed_in(1, &self.previous()),
            "ownership" => self.step(2, &self.ownership()),
            "terms" => self.step(2, &self.terms()),
            "ca" => self.step(3, &self.ca()),
            "managed-apple-id" => {
                self.step(4, &ManagedAppleIdPage { value: String::new(), problem: None, domains: String::new() })
            }
            "mdm" => self.step(5, &self.mdm(Way::UserEnrollment)),
            "mdm-institutional" => self.step(5, &self.mdm(Way::DeviceEnrollment)),
            "waiting" => self.step(6, &self.waiting()),
            "enrolled" => {
                self.step(6, &CompletePage::of(Phase::Enrolled, false, self.settings.self_service_url.clone()))
            }
            "invitation" | "invitation-again" => {
                let again = page == "invitation-again";
                self.bare(&InvitationPage { token: String::new(), again, in_settings: false })
            }
            "invitation-code" => self.bare(&InvitationCodePage::sample()),
            "invitation-expired" => {
                self.bare(&InvitationClosedPage { why: "invitation-expired", asks: true, goes_on: false })
            }
            "not-invited" => {
                self.signed_in(1, &InvitationClosedPage { why: "invitation-other-person", asks: false, goes_on: true })
            }
            "hand-over" => self.bare(&HandOverPage {}),
            "stopped" => self.bare(&StoppedPage::of(EnrollmentRefusal::AccountDrivenOnly, version, None)),
            "stopped-permitted" => self.bare(&StoppedPage::of(EnrollmentRefusal::NotPermitted, version, None)),
            "stopped-unknown" => self.bare(&StoppedPage::of(EnrollmentRefusal::AccessUnknown, version, None)),
            "about" => self.bare(&AboutPage::of(None, self.settings)),
            "problem" => self.bare(&Problem::internal("a sample").page()),
            page => self.step(1, &self.sign_in(page)?),
        }
    }

    fn address(&self) -> String {
        format!("{}/enroll", self.app.platform.public_url)
    }

    fn bare<P: Page>(&self, page: &P) -> Result<String, Problem> {
        self.framed(page, None, None)
    }

    fn step<P: Page>(&self, now: usize, page: &P) -> Result<String, Problem> {
        match now {
            1 => self.framed(page, Some(Progress::new(now, 6)), None),
            now => self.signed_in(now, page),
        }
    }

    fn signed_in<P: Page>(&self, now: usize, page: &P) -> Result<String, Problem> {
        self.framed(page, Some(Progress::new(now, 6)), Some("ada".to_owned()))
    }

    fn framed<P: Page>(
        &self,
        page: &P,
        progress: Option<Progress>,
        signed_in_as: Option<String>,
    ) -> Result<String, Problem> {
        let help_code = (signed_in_as.is_some() || P::TEMPLATE == ProblemPage::TEMPLATE).then(|| "7KQ-3M2".to_owned());
        let since = |major| if self.version >= OsVersion::new(major, 0) { "yes" } else { "no" };
        let frame = Frame {
            device: self.platform.family.name(),
            ios15: since(15),
            ios18: since(18),
            progress,
            signed_in_as,
            // The forms are rendered, but the page's content security policy blocks sending them.
            csrf: Some(String::new()),
            ..bare_frame(self.language, self.settings, help_code)
        };
        render(&frame, page).map_err(Problem::internal)
    }

    fn sign_in(&self, page: &str) -> Result<SignInPage, Problem> {
        let offered = SignInPage::offered(self.app, self.settings, Browser::Safari(self.platform));
        let again = SignInPage { stuck: true, ..offered.clone() };
        match page {
            "sign-in" => Ok(offered),
            "sign-in-invited" => Ok(SignInPage { invited: true, ..offered }),
            "sign-in-refused" => Ok(SignInPage { refused: true, ..again }),
            "sign-in-throttled" => Ok(SignInPage { wait_minutes: Some(2), ..again }),
            "sign-in-change-password" => Ok(SignInPage { change_password: true, ..again }),
            "sign-in-not-now" => Ok(SignInPage { not_now: true, ..again }),
            "sign-in-too-late" => Ok(SignInPage { too_late: true, ..again }),
            _ => Err(Problem::NotFound),
        }
    }

    fn previous(&self) -> PreviousPage {
        let text = |name: &str, value: &str| (name.to_owned(), Argument::Text(value.to_owned()));
        let imported = vec![text("source", "Jamf Pro"), text("year", "2021")];
        let record = Record {
            id: "sample".into(),
            label: "iPhone 13".into(),
            enrolled: self.language.plain("previous-imported", imported).unwrap_or_default(),
            kind: Some("previous-kind-personal-profile"),
            ended: false,
            ours: false,
            other: false,
            chosen: "",
            offers: false,
            removing: None,
        };
        PreviousPage {
            title: previous::TITLE,
            records: vec![record],
            more: None,
            steps: previous::steps(Removal::PersonalProfile, previous::Again::Page),
            certificate: !self.settings.skip_ca_profile,
            asks: false,
            elsewhere: false,
            watches: false,
            wrong: None,
        }
    }

    fn waiting(&self) -> CompletePage {
        let causes = before::sorted(&[Removal::PersonalProfile], false, !self.settings.skip_ca_profile);
        CompletePage { causes, ..CompletePage::of(Phase::Unknown, false, None) }
    }

    fn ownership(&self) -> OwnershipPage {
        let (description, description_lang) = description::personal(self.settings, self.language.tag());
        let offers = |ownership| self.settings.ownership_kinds.contains(&ownership);
        let (personal, institutional) = (offers(Ownership::Personal), offers(Ownership::Institutional));
        OwnershipPage { description, description_lang, personal, institutional, unanswered: false }
    }

    fn terms(&self) -> TermsPage {
        let language = self.language.tag();
        let shown = self.settings.terms.values().next().and_then(|terms| Shown::of(terms, language, language));
        TermsPage { terms: shown, changed: false }
    }

    fn ca(&self) -> CaProfilePage {
        CaProfilePage {
            steps: ca_profile::instructions(Some(self.version)),
            taken: false,
            profile: String::new(),
            certificate: ca_profile::name_of_root(self.app, self.settings),
            minutes: self.version >= ca_profile::FIRST_DOWNLOADED,
            too_early: false,
        }
    }

    fn mdm(&self, way: Way) -> MdmProfilePage {
        let personal = way == Way::UserEnrollment;
        MdmProfilePage {
            personal,
            taken: false,
            steps: mdm_profile::instructions(way, Some(self.version)),
            profile: String::new(),
            minutes: self.version >= ca_profile::FIRST_DOWNLOADED,
            managed_apple_id: personal.then(|| "ada@appleid.example.com".into()),
        }
    }
}
