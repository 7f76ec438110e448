//! The (i) page: what the organization can and cannot see and do, for each kind of enrollment.

use super::render::{Back, Page};
use super::visitor::{Answered, Visitor};
use crate::web::content::content;
use events::enrollment::Ownership;
use events::settings::Settings;
use serde::Serialize;

#[derive(Debug, Clone, Serialize)]
pub(crate) struct AboutPage {
    pub kinds: Vec<KindOfEnrollment>,
    /// The page covers personal devices, which their user can remove from management.
    pub own: bool,
    /// The page covers devices of the organization, where the organization decides about removal.
    pub managed: bool,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct KindOfEnrollment {
    pub heading: &'static str,
    pub cannot: &'static [&'static str],
    pub can: &'static [&'static str],
}

impl Page for AboutPage {
    const TEMPLATE: &'static str = "about";

    fn back(&self) -> Back {
        Back::About
    }
}

content!(AboutPage { kinds among [vec![PERSONAL, INSTITUTIONAL], vec![]], own, managed });

// What Apple's schema permits for each kind of enrollment (`userenrollment` in mdm/commands/*.yaml), as keys of texts
// in everyday words.
const PERSONAL: KindOfEnrollment = KindOfEnrollment {
    heading: "about-personal",
    cannot: &["cannot-read", "cannot-locate", "cannot-apps", "cannot-identify", "cannot-erase"],
    can: &["can-model", "can-work-apps", "can-passcode", "can-remove-own"],
};
const INSTITUTIONAL: KindOfEnrollment = KindOfEnrollment {
    heading: "about-institutional",
    cannot: &["cannot-read", "cannot-locate"],
    can: &["can-identify", "can-model", "can-all-apps", "can-restrict", "can-lock"],
};

pub(crate) async fn show(visitor: Visitor) -> Answered {
    let chosen = visitor.session.as_ref().and_then(|session| session.enrollment.ownership);
    visitor.page(&AboutPage::of(chosen, &visitor.settings))
}

impl AboutPage {
    /// Returns the page for the chosen kind, or for all offered kinds if none is chosen yet.
    pub(crate) fn of(chosen: Option<Ownership>, settings: &Settings) -> AboutPage {
        let shown = |ownership: &Ownership| chosen.is_none_or(|chosen| chosen == *ownership);
        let kind = |ownership: &Ownership| match ownership {
            Ownership::Personal => PERSONAL,
            Ownership::Institutional => INSTITUTIONAL,
        };
        let speaks_of = |ownership| settings.ownership_kinds.contains(&ownership) && shown(&ownership);
        let (own, managed) = (speaks_of(Ownership::Personal), speaks_of(Ownership::Institutional));
        let kinds = settings.ownership_kinds.iter().filter(|ownership| shown(ownership)).map(kind).collect();
        AboutPage { kinds, own, managed }
    }
}
