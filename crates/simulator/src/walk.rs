//! A person with a device who follows the steps of the portal: reads each page, does what it asks for, and
//! continues.

use crate::acts::{Act, Watcher};
use crate::device::{Device, DeviceError};
use crate::model::{Family, IosVersion};
use crate::profile::Profile;
use crate::safari::{Opened, Page, Safari, SafariError};
use std::fmt;
use std::time::{Duration, Instant};
use url::Url;

/// The person and their answers.
#[derive(Debug, Clone)]
pub struct Person {
    pub user_name: String,
    pub password: String,
    pub ownership: Ownership,
    /// Typed if the page has no prefilled value.
    pub managed_apple_id: String,
    /// Whether the person follows the instructions about Certificate Trust Settings.
    pub switches_on_trust: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ownership {
    Personal,
    Institutional,
}

impl Ownership {
    fn answer(self) -> &'static str {
        match self {
            Ownership::Personal => "personal",
            Ownership::Institutional => "institutional",
        }
    }
}

impl fmt::Display for Ownership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.answer())
    }
}

/// Where the enrollment ended.
#[derive(Debug, Clone)]
pub enum Ending {
    /// The last page says that the device is enrolled.
    Enrolled(Page),
    /// The portal refers the person elsewhere: there is nothing to tap.
    Directed(Page),
}

#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    #[error("while the person wanted to {act}: {error}")]
    Safari {
        act: Act,
        #[source]
        error: SafariError,
    },
    #[error("while the device wanted to {act}: {error}")]
    Device {
        act: Act,
        #[source]
        error: DeviceError,
    },
    #[error("while the person wanted to {act}, the page said: {text}")]
    Refused { act: Act, text: String },
    /// Detected before anything is installed.
    #[error(
        "the portal offers only {offered} enrollment, but the person wants a {wanted} device: the setting ownership_kinds, or the \
         access rule that matches this person, allows only {offered} devices"
    )]
    OtherOwnership { offered: Ownership, wanted: Ownership },
    #[error("the portal leads in circles: the page “{title}” came repeatedly")]
    Circles { title: String },
    #[error("the portal led to {url}, where Safari has no page")]
    Left { url: Url },
    #[error("the page does not show that the device is enrolled: {0}")]
    NotNoticed(String),
}

/// Maximum number of pages of an enrollment.
const MOST_PAGES: usize = 24;

pub struct Walk {
    pub person: Person,
    pub device: Device,
    pub safari: Safari,
    /// User name of the person the device is for, if it is another person.
    pub enrolls_for: Option<String>,
    /// Value of the answer about every earlier device of the person; `None`: the questions are left open.
    pub says_of_earlier: Option<&'static str>,
    /// Agrees that Muster removes the management of every earlier device for which the page offers it, and then waits.
    pub lets_remove: bool,
    /// If the portal gives no choice, refuses to install a profile of the other ownership.
    pub insists_on_ownership: bool,
}

impl Walk {
    pub fn new(person: Person, device: Device) -> Walk {
        let safari = Safari::of(&device.hardware, device.hardware.ios, device.trust.clone());
        Walk {
            person,
            device,
            safari,
            enrolls_for: None,
            says_of_earlier: None,
            lets_remove: false,
            insists_on_ownership: false,
        }
    }

    /// Walks all steps, beginning with the enrollment URL.
    ///
    /// # Errors
    /// Returns the first error.
    pub async fn run(&mut self, address: &str, watcher: &mut dyn Watcher) -> Result<Ending, WalkError> {
        let mut page = self.arrive(address, watcher).await?;
        for _ in 0..MOST_PAGES {
            page = match self.next(&page, watcher).await? {
                Next::Page(page) => page,
                Next::Ending(ending) => return Ok(ending),
                Next::Left { url, .. } => return Err(WalkError::Left { url }),
            };
        }
        Err(WalkError::Circles { title: page.title })
    }

    /// Opens the address. Proceeds if Safari warns about the server.
    ///
    /// # Errors
    /// Returns an error if no page is shown.
    pub async fn arrive(&mut self, address: &str, watcher: &mut dyn Watcher) -> Result<Page, WalkError> {
        watcher.before(Act::OpenPortal).await;
        let started = Instant::now();
        let mut opened = self.safari.open(address).await;
        if let Err(SafariError::UntrustedServer(host)) = &opened {
            let told = host.clone();
            let failed = |error| WalkError::Safari { act: Act::ProceedInSpiteOfWarning, error };
            self.safari.proceed_in_spite_of_warning(address).await.map_err(failed)?;
            watcher.after(Act::ProceedInSpiteOfWarning, started.elapsed(), &told).await;
            opened = self.safari.open(address).await;
        }
        let page = self.page(Act::OpenPortal, opened)?;
        watcher.after(Act::OpenPortal, started.elapsed(), &page.title).await;
        Ok(page)
    }

    /// Does what a page asks for.
    ///
    /// # Errors
    /// Returns an error if that is not possible.
    pub async fn next(&mut self, page: &Page, watcher: &mut dyn Watcher) -> Result<Next, WalkError> {
        let person = self.person.clone();
        let answer = |name: &str| page.asks_for(name);
        if answer("user_name") {
            let answers = [("user_name", person.user_name.as_str()), ("password", person.password.as_str())];
            return self.fill_in(Act::SignIn, &answers, watcher).await;
        }
        if answer("for_user") {
            return match self.enrolls_for.clone() {
                Some(other) => self.fill_in(Act::SayForWhom, &[("for_user", other.as_str())], watcher).await,
                None => self.send("oneself", Act::SayForWhom, &[], watcher).await,
            };
        }
        if answer("text_hash") {
            return self.fill_in(Act::AcceptTerms, &[], watcher).await;
        }
        if answer("device") {
            return self.fill_in(Act::AnswerDeviceQuestion, &[("device", "ipad")], watcher).await;
        }
        if answer("ownership") {
            return self.fill_in(Act::ChooseOwnership, &[("ownership", person.ownership.answer())], watcher).await;
        }
        if answer("managed_apple_id") {
            // People do not change a value that the organization prefilled.
            let typed = [("managed_apple_id", person.managed_apple_id.as_str())];
            let answers = if page.prefilled("managed_apple_id").is_some() { &[][..] } else { &typed[..] };
            return self.fill_in(Act::GiveManagedAppleId, answers, watcher).await;
        }
        if page.link("profile").is_some() {
            return self.take_profile(watcher).await;
        }
        self.finish(page, watcher).await
    }

    async fn fill_in(
        &mut self,
        act: Act,
        answers: &[(&str, &str)],
        watcher: &mut dyn Watcher,
    ) -> Result<Next, WalkError> {
        self.send("continue", act, answers, watcher).await
    }

    async fn send(
        &mut self,
        form: &str,
        act: Act,
        answers: &[(&str, &str)],
        watcher: &mut dyn Watcher,
    ) -> Result<Next, WalkError> {
        let before = self.safari.page().map(|page| page.url.path().to_owned());
        let next = self.submit(form, act, answers, watcher).await?;
        // If the same page is shown again, the answer was not accepted; the page says why.
        match next {
            Next::Page(page) if !answers.is_empty() && Some(page.url.path()) == before.as_deref() => {
                Err(WalkError::Refused { act, text: page.text })
            }
            next => Ok(next),
        }
    }

    async fn submit(
        &mut self,
        form: &str,
        act: Act,
        answers: &[(&str, &str)],
        watcher: &mut dyn Watcher,
    ) -> Result<Next, WalkError> {
        watcher.before(act).await;
        let started = Instant::now();
        let sent = self.safari.send_form(form, answers).await;
        let told = answers.first().map_or("", |(_, value)| value);
        if let Ok(Opened::Left { status, url }) = sent {
            watcher.after(act, started.elapsed(), told).await;
            return Ok(Next::Left { status, url });
        }
        let page = self.page(act, sent)?;
        watcher.after(act, started.elapsed(), told).await;
        Ok(Next::Page(page))
    }

    // The page asks about earlier devices, and after that perhaps whether the old management is removed. It is.
    async fn note_earlier(&mut self, page: &Page, watcher: &mut dyn Watcher) -> Result<Next, WalkError> {
        let act = Act::NotePreviousRecords;
        let is_asked = page.asks_for("removed");
        let fields = || page.form("continue").into_iter().flat_map(|form| &form.fields);
        let mut answers: Vec<(String, &str)> = Vec::new();
        if let Some(answer) = self.says_of_earlier.filter(|_| !is_asked) {
            let asked = fields().filter(|field| field.kind == "radio" && field.value == answer);
            answers.extend(asked.map(|field| (field.name.clone(), answer)));
        }
        if self.lets_remove {
            let offered = fields().filter(|field| field.name.starts_with("remove-"));
            answers.extend(offered.map(|field| (field.name.clone(), "yes")));
        }
        if self.lets_remove || !answers.is_empty() {
            let answers: Vec<(&str, &str)> = answers.iter().map(|(name, answer)| (name.as_str(), *answer)).collect();
            return self.submit("continue", act, &answers, watcher).await;
        }
        let removed = if is_asked { &[("removed", "yes")][..] } else { &[] };
        self.fill_in(act, removed, watcher).await
    }

    // Downloads the profile, installs it in Settings, returns and taps the button.
    async fn take_profile(&mut self, watcher: &mut dyn Watcher) -> Result<Next, WalkError> {
        let of_mdm = self.safari.page().is_some_and(|page| page.url.path().ends_with("/mdm"));
        let (download, report) = if of_mdm {
            (Act::DownloadMdmProfile, Act::ReportMdmProfile)
        } else {
            (Act::DownloadCaProfile, Act::ReportCaProfile)
        };
        self.download(download, watcher).await?;
        let act = if of_mdm { Act::GetIdentity } else { Act::InstallCaProfile };
        let failed = |error| WalkError::Device { act, error };
        self.device.install_watched(watcher).await.map_err(failed)?;
        if !of_mdm && self.person.switches_on_trust {
            watcher.before(Act::SwitchOnTrust).await;
            self.device.trust.switch_on();
            watcher.after(Act::SwitchOnTrust, Duration::ZERO, "").await;
        }
        self.fill_in(report, &[], watcher).await
    }

    async fn download(&mut self, act: Act, watcher: &mut dyn Watcher) -> Result<(), WalkError> {
        watcher.before(act).await;
        let started = Instant::now();
        match self.safari.tap_link("profile").await.map_err(|error| WalkError::Safari { act, error })? {
            Opened::Page(page) => return Err(WalkError::Refused { act, text: page.text }),
            Opened::Profile(file) => self.device.download(file),
            Opened::Left { url, .. } => return Err(WalkError::Left { url }),
        }
        let profile = self.device.pending_profile().map_err(|error| WalkError::Device { act, error })?;
        if act == Act::DownloadMdmProfile && self.insists_on_ownership {
            self.wanted(&profile)?;
        }
        watcher.after(act, started.elapsed(), &profile.display_name).await;
        Ok(())
    }

    // Before iOS 13.1, devices have no User Enrollment, so their profile does not distinguish the two kinds.
    fn wanted(&self, profile: &Profile) -> Result<(), WalkError> {
        if self.device.hardware.ios < IosVersion::new(13, 1) {
            return Ok(());
        }
        let wanted = self.person.ownership;
        let is_personal = profile.mdm.as_ref().is_some_and(|mdm| mdm.managed_apple_id.is_some());
        let offered = if is_personal { Ownership::Personal } else { Ownership::Institutional };
        if offered == wanted { Ok(()) } else { Err(WalkError::OtherOwnership { offered, wanted }) }
    }

    // The page has no question and no profile: it has a button to continue, is the last one, or refers elsewhere.
    async fn finish(&mut self, page: &Page, watcher: &mut dyn Watcher) -> Result<Next, WalkError> {
        if page.url.path().ends_with("/complete") {
            return self.see_completion(watcher).await;
        }
        if page.form("continue").is_some() {
            return self.note_earlier(page, watcher).await;
        }
        Ok(Next::Ending(Ending::Directed(page.clone())))
    }

    // The page reloads itself until the server knows that the device is enrolled. A person waits for a while.
    async fn see_completion(&mut self, watcher: &mut dyn Watcher) -> Result<Next, WalkError> {
        let act = Act::SeeCompletion;
        watcher.before(act).await;
        let started = Instant::now();
        let reloaded = self.safari.reload().await;
        let mut page = self.page(act, reloaded)?;
        // The enrollment is complete when the link back to the instructions is gone. The person need not wait for
        // later steps.
        while page.refresh.is_some() && page.link("instructions").is_some() {
            if started.elapsed() > Duration::from_secs(20) {
                return Err(WalkError::NotNoticed(page.text));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
            let reloaded = self.safari.reload().await;
            page = self.page(act, reloaded)?;
        }
        // If the enrollment ended without a device, the page offers to begin again.
        if page.form("again").is_some() {
            return Err(WalkError::Refused { act, text: page.text });
        }
        watcher.after(act, started.elapsed(), &page.title).await;
        Ok(Next::Ending(Ending::Enrolled(page)))
    }

    fn page(&self, act: Act, opened: Result<Opened, SafariError>) -> Result<Page, WalkError> {
        match opened.map_err(|error| WalkError::Safari { act, error })? {
            Opened::Page(page) if page.status >= 400 => Err(WalkError::Refused { act, text: page.text }),
            Opened::Page(page) => Ok(*page),
            Opened::Left { url, .. } => Err(WalkError::Left { url }),
            Opened::Profile(_) => {
                let error = SafariError::Unreadable { status: 200, content_type: "a configuration profile".into() };
                Err(WalkError::Safari { act, error })
            }
        }
    }
}

/// Result of a page.
#[derive(Debug, Clone)]
pub enum Next {
    Page(Page),
    Ending(Ending),
    /// A redirect with this status left the web, to an address that only the app that opened the page understands.
    Left {
        status: u16,
        url: Url,
    },
}

/// Creates the hardware of a device from its family and iOS version, such as `17.5`.
pub fn hardware(family: Family, ios: &str) -> Result<crate::model::Hardware, String> {
    Ok(crate::model::Hardware::new(family, ios.parse()?))
}
