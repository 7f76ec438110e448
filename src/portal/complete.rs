//! The completion page. It reloads by itself until the device has enrolled.

use super::before::{Before, Cause, before, causes};
use super::earlier::label;
use super::mdm_profile::MdmProfilePage;
use super::problem::Problem;
use super::render::{Back, Page};
use super::steps;
use super::visitor::{Answered, Session, Visitor};
use crate::web::content::content;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::web;
use decisions::device::Phase;
use decisions::enrollment::Step;
use devices::commands::self_service::{self, Offer, SelfServiceOutcome};
use events::enrollment::Ownership;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize)]
pub(crate) struct CompletePage {
    pub title: &'static str,
    pub lead: &'static str,
    pub waiting: bool,
    pub refreshing: bool,
    pub enrolled: bool,
    /// The person can remove the device from management.
    pub personal: bool,
    pub ended: bool,
    /// Address of the app in the App Store, set once the device is enrolled.
    pub self_service: Option<String>,
    /// Text key for the state of the app that the device is offered.
    pub app: Option<&'static str>,
    /// The state of the app will still change.
    pub app_pending: bool,
    /// Why the installation may fail, the most probable cause first.
    pub causes: Vec<Cause>,
    /// The person's earlier records.
    pub before: Vec<Before>,
    /// Number of further earlier records.
    pub more: Option<u64>,
    /// Name of the enrolled device.
    pub now: String,
    /// Text key for the kind of this enrollment.
    pub now_kind: &'static str,
}

impl Page for CompletePage {
    const TEMPLATE: &'static str = "complete";

    // A device that has not enrolled is still at the MDM profile step. A person who goes back to the instructions sees
    // the same progress.
    fn progress_step(&self) -> &'static str {
        if self.waiting { MdmProfilePage::TEMPLATE } else { Self::TEMPLATE }
    }

    fn back(&self) -> Back {
        if self.refreshing { Back::Complete } else { Back::CompleteStill }
    }
}

content!(CompletePage {
    title among ["complete-title-waiting"],
    lead among ["complete-lead-enrolled"],
    waiting,
    refreshing,
    enrolled,
    personal,
    ended,
    self_service,
    app among [Some("app-installed"), None],
    app_pending,
    causes,
    before,
    more,
    now,
    now_kind among [PERSONAL, INSTITUTIONAL],
});

const PERSONAL: &str = "previous-kind-user";
const INSTITUTIONAL: &str = "previous-kind-device";

/// `?still`: the person turned automatic reloading off.
#[derive(Deserialize)]
pub(crate) struct Still {
    still: Option<String>,
}

/// Seconds until the page reloads.
const REFRESH: &str = "5";

pub(crate) async fn show(visitor: Visitor, query: web::Query<Still>) -> Answered {
    // A person who enrolled from Settings can open this page too, because the sheet in Settings closed without a last
    // page.
    let session = visitor.signed_in()?;
    let step = session.enrollment.step();
    if !matches!(step, Step::MdmProfile | Step::HandOver) || !session.enrollment.profile_was_taken() {
        return Err(Problem::Elsewhere(steps::path(step)));
    }
    let device = visitor.app.platform.device(session.id.device()).await?;
    let ownership = session.enrollment.ownership;
    let link = match self_service::offer(&visitor.settings, ownership) {
        Offer::Link(link) => Some(link),
        Offer::Nothing | Offer::Install { .. } => None,
    };
    let mut page = CompletePage {
        personal: ownership == Some(Ownership::Personal),
        ..CompletePage::of(device.phase, query.still.is_none(), link)
    };
    if device.phase == Phase::Unknown {
        page.causes = causes(&visitor, session).await;
    }
    if page.enrolled {
        page.compare(&visitor, session).await;
    }
    if let (Offer::Install { store_id, .. }, true) = (self_service::offer(&visitor.settings, ownership), page.enrolled)
    {
        page.follow(self_service::outcome(&device, store_id), self_service::link(&visitor.settings));
    }
    let mut response = visitor.page(&page)?;
    // The header has the effect of <meta http-equiv="refresh">. The element itself fails WCAG 2.2.1 as axe-core checks
    // it; here the person can turn reloading off. A timer also survives while Safari is suspended behind Settings; a
    // held connection does not.
    if (page.waiting || page.app_pending) && page.refreshing {
        response.headers_mut().insert(HeaderName::from_static("refresh"), HeaderValue::from_static(REFRESH));
    }
    Ok(response)
}

impl CompletePage {
    pub(crate) fn of(phase: Phase, refreshing: bool, self_service: Option<String>) -> CompletePage {
        let (title, lead) = match phase {
            Phase::Unknown => ("complete-title-waiting", "complete-lead-waiting"),
            Phase::Authenticated => ("complete-title-installing", "complete-lead-installing"),
            Phase::Enrolled => ("complete-title-enrolled", "complete-lead-enrolled"),
            Phase::CheckedOut | Phase::Unenrolled | Phase::Superseded => {
                ("complete-title-ended", "complete-lead-ended")
            }
        };
        let enrolled = phase == Phase::Enrolled;
        CompletePage {
            title,
            lead,
            waiting: matches!(phase, Phase::Unknown | Phase::Authenticated),
            refreshing,
            enrolled,
            personal: true,
            ended: matches!(phase, Phase::CheckedOut | Phase::Unenrolled | Phase::Superseded),
            self_service: self_service.filter(|_| enrolled),
            app: None,
            app_pending: false,
            causes: vec![],
            before: vec![],
            more: None,
            now: String::new(),
            now_kind: PERSONAL,
        }
    }

    // Shows the earlier records beside the new device.
    async fn compare(&mut self, visitor: &Visitor, session: &Session) {
        (self.before, self.more) = before(visitor, session).await;
        if self.before.is_empty() {
            return;
        }
        let device = session.id.device();
        let namings = projections::devices::namings(&visitor.app.platform.projections, vec![device]).await;
        // The inventory may not have the device yet.
        let name = namings.ok().and_then(|mut namings| namings.remove(&device)).and_then(label);
        self.now = name.unwrap_or_else(|| visitor.device().to_owned());
        self.now_kind = if self.personal { PERSONAL } else { INSTITUTIONAL };
    }

    /// Shows the state of the app. If the device did not install it, the page links to the App Store instead.
    pub(crate) fn follow(&mut self, outcome: SelfServiceOutcome, link: Option<String>) {
        let (text, pending) = match outcome {
            SelfServiceOutcome::Coming => ("app-coming", true),
            SelfServiceOutcome::Prompting => ("app-prompting", true),
            SelfServiceOutcome::SignInToStore => ("app-sign-in", true),
            SelfServiceOutcome::Installing => ("app-installing", true),
            SelfServiceOutcome::ByTheirOwnDoing => ("app-by-their-own-doing", false),
            SelfServiceOutcome::Installed => ("app-installed", false),
            SelfServiceOutcome::Refused => ("app-refused", false),
            SelfServiceOutcome::NotLicensed => ("app-not-licensed", false),
            SelfServiceOutcome::Failed => ("app-failed", false),
        };
        (self.app, self.app_pending) = (Some(text), pending);
        let other_way = matches!(
            outcome,
            SelfServiceOutcome::Refused | SelfServiceOutcome::NotLicensed | SelfServiceOutcome::Failed
        );
        self.self_service = link.filter(|_| other_way);
    }
}
