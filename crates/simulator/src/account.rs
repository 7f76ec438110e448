//! Settings › General › VPN & Device Management › Sign In to Work or School Account: how a device finds its server,
//! lets its person sign in there and gets its profile (Apple, "Implementing the simple authentication user-enrollment
//! flow").

mod challenge;
mod code;
mod discovery;

use crate::acts::{Act, Watcher};
use crate::device::{Device, DeviceError};
use crate::inspection::{self, Given};
use crate::profile;
use crate::safari::{Opened, Safari, SafariError};
use crate::walk::{Next, Walk, WalkError};
pub use challenge::{Challenge, OAuth2, read as read_challenge};
pub use code::Tokens;
pub use discovery::{DiscoveryError, Hop, Server, find_server};
use std::time::{Duration, Instant};
use url::Url;

/// Maximum number of pages. No sign-in has as many, so more mean an endless loop.
const MOST_PAGES: usize = 20;

/// How the sign-in from Settings ended, if the device had no error.
#[expect(clippy::large_enum_variant, reason = "one is made at a sign-in and gone")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignedIn {
    /// With an access token.
    Token(Tokens),
    /// At a page that leads no further; contains its text.
    Stopped(String),
}

/// Why an enrollment from Settings fails, from the device's point of view.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    #[error(transparent)]
    Discovery(#[from] DiscoveryError),
    #[error("the server answered the first request with status {status} instead of 401: the enrollment is cancelled")]
    NotAsked { status: u16 },
    #[error("the server did not say how to sign in: {0}")]
    Challenge(String),
    #[error("the server answered the token with status {status} and {content_type:?}: the enrollment is cancelled")]
    NoProfile { status: u16, content_type: String },
    #[error("signing in ended at {0}, which the device does not recognize")]
    Elsewhere(Url),
    #[error("signing in ended with status {0} instead of 308")]
    NotPermanent(u16),
    #[error("the code was not redeemed: {0}")]
    NotGranted(String),
    #[error("signing in stopped at a page: {0}")]
    Stopped(String),
    #[error(transparent)]
    Walk(#[from] WalkError),
    #[error(transparent)]
    Device(#[from] DeviceError),
    #[error("the server cannot be reached: {0}")]
    Unreachable(#[from] reqwest::Error),
}

impl Walk {
    /// Types a work or school account in Settings and completes the enrollment. The account is `user@domain`; in the
    /// simulator the domain may have a port.
    ///
    /// # Errors
    /// Returns the first error.
    pub async fn enroll_with_account(
        &mut self,
        identifier: &str,
        watcher: &mut dyn Watcher,
    ) -> Result<(), AccountError> {
        let server = self.discover(identifier, watcher).await?;
        let information = self.device.machine_info(server.version == "mdm-byod").map_err(DeviceError::from)?;
        let asked = self.device.ask_for_profile(&server.base_url, &information, None).await?;
        let challenge = asked.challenge()?;
        match self.sign_in(&challenge, Some(identifier), watcher).await? {
            SignedIn::Stopped(text) => Err(AccountError::Stopped(text)),
            SignedIn::Token(tokens) => self.take_home(&server, &information, tokens, watcher).await,
        }
    }

    async fn discover(&self, identifier: &str, watcher: &mut dyn Watcher) -> Result<Server, AccountError> {
        watcher.before(Act::Discover).await;
        let started = Instant::now();
        let client = self.device.trust.client().map_err(DeviceError::from)?;
        let (family, mut hops) = (self.device.hardware.family.name(), Vec::new());
        let found = find_server(&client, identifier, family, &mut hops).await;
        for Hop { content_type, body, .. } in &hops {
            inspection::show(&Given { to: &self.device.hardware, user_enrollment: None, content_type, body });
        }
        let server = found?;
        watcher.after(Act::Discover, started.elapsed(), server.base_url.as_str()).await;
        Ok(server)
    }

    /// Opens the sheet of Settings, which has Safari's cookies, and signs in up to the tokens.
    ///
    /// # Errors
    /// Returns an error if a page cannot be shown or the sheet ends at an unexpected address.
    pub async fn sign_in(
        &mut self,
        challenge: &Challenge,
        identifier: Option<&str>,
        watcher: &mut dyn Watcher,
    ) -> Result<SignedIn, AccountError> {
        match challenge {
            Challenge::AsWeb(url) => {
                let mut url = url.clone();
                if let Some(identifier) = identifier {
                    url.query_pairs_mut().append_pair("user-identifier", identifier);
                }
                match self.sheet(&url, watcher).await? {
                    Sheet::Stopped(text) => Ok(SignedIn::Stopped(text)),
                    Sheet::Left(back) => token_of(&back).map(|token| SignedIn::Token(Tokens::lasting(token))),
                }
            }
            Challenge::OAuth2(way) => self.sign_in_by_code(way, identifier, watcher).await,
        }
    }

    // Continues until a 308 redirect leaves the web.
    async fn sheet(&mut self, url: &Url, watcher: &mut dyn Watcher) -> Result<Sheet, AccountError> {
        let opened = self.safari.open(url.as_str()).await;
        let mut page = match opened.map_err(|error| WalkError::Safari { act: Act::SignIn, error })? {
            Opened::Page(page) if page.status >= 400 => return Ok(Sheet::Stopped(page.text)),
            Opened::Page(page) => *page,
            Opened::Left { status, url } => return left(status, url),
            Opened::Profile(_) => return Err(AccountError::Elsewhere(url.clone())),
        };
        for _ in 0..MOST_PAGES {
            page = match self.next(&page, watcher).await {
                Ok(Next::Page(page)) => page,
                Ok(Next::Left { status, url }) => return left(status, url),
                Ok(Next::Ending(_)) => return Ok(Sheet::Stopped(page.text)),
                Err(WalkError::Refused { text, .. }) => return Ok(Sheet::Stopped(text)),
                Err(error) => return Err(error.into()),
            };
        }
        Err(WalkError::Circles { title: page.title }.into())
    }

    async fn take_home(
        &mut self,
        server: &Server,
        information: &[u8],
        tokens: Tokens,
        watcher: &mut dyn Watcher,
    ) -> Result<(), AccountError> {
        watcher.before(Act::FetchMdmProfile).await;
        let started = Instant::now();
        let asked = self.device.ask_for_profile(&server.base_url, information, Some(&tokens.access)).await?;
        let file = asked.profile()?;
        watcher.after(Act::FetchMdmProfile, started.elapsed(), &server.version).await;
        self.device.install_by_account(&file, &server.version, tokens, watcher).await?;
        Ok(())
    }

    /// Lets the person sign in again because the server asked for it. The device then has a new token, or none.
    ///
    /// # Errors
    /// Returns the errors of [`Walk::sign_in`], and an error if the device is not managed.
    pub async fn sign_in_again(
        &mut self,
        challenge: &Challenge,
        watcher: &mut dyn Watcher,
    ) -> Result<SignedIn, AccountError> {
        let signed_in = self.sign_in(challenge, None, watcher).await?;
        if let SignedIn::Token(tokens) = &signed_in {
            let management = self.device.management_mut().ok_or(DeviceError::NotManaged)?;
            management.tokens = Some(tokens.clone());
        }
        Ok(signed_in)
    }

    /// Deletes all cookies, as happens after weeks.
    pub fn forget_cookies(&mut self) {
        let ios = self.device.hardware.ios;
        self.safari = Safari::of(&self.device.hardware, ios, self.device.trust.clone());
    }
}

enum Sheet {
    /// At a page that leads no further; contains its text.
    Stopped(String),
    /// At an address that only Settings understands.
    Left(Url),
}

fn left(status: u16, url: Url) -> Result<Sheet, AccountError> {
    if status == 308 { Ok(Sheet::Left(url)) } else { Err(AccountError::NotPermanent(status)) }
}

fn token_of(url: &Url) -> Result<String, AccountError> {
    let ours = url.scheme() == "apple-remotemanagement-user-login" && url.host_str() == Some("authentication-results");
    let token = url.query_pairs().find(|(name, _)| name == "access-token").map(|(_, token)| token.into_owned());
    token.filter(|_| ours).ok_or_else(|| AccountError::Elsewhere(url.clone()))
}

/// Answer of a server to a device's request for its profile.
pub struct Asked {
    pub status: u16,
    pub content_type: String,
    pub authenticate: Option<String>,
    pub body: Vec<u8>,
}

impl Asked {
    /// Returns where to sign in.
    ///
    /// # Errors
    /// Returns an error if the server does not ask for it, or in a way that the device does not know.
    pub fn challenge(&self) -> Result<Challenge, AccountError> {
        if self.status != 401 {
            return Err(AccountError::NotAsked { status: self.status });
        }
        let header =
            self.authenticate.as_deref().ok_or_else(|| AccountError::Challenge("no WWW-Authenticate".into()))?;
        read_challenge(header).map_err(AccountError::Challenge)
    }

    fn profile(self) -> Result<Vec<u8>, AccountError> {
        if self.status == 200 && self.content_type.starts_with("application/x-apple-aspen-config") {
            return Ok(self.body);
        }
        Err(AccountError::NoProfile { status: self.status, content_type: self.content_type })
    }
}

impl Device {
    /// Requests a profile with signed machine information, and with a token if there is one.
    ///
    /// # Errors
    /// Returns an error if the server cannot be reached.
    pub async fn ask_for_profile(
        &self,
        base_url: &Url,
        information: &[u8],
        token: Option<&str>,
    ) -> Result<Asked, DeviceError> {
        // iOS 15 sends the same bytes with the content type of a form.
        let content_type = match self.hardware.ios.major {
            ..=15 => "application/x-www-form-urlencoded",
            _ => "application/pkcs7-signature",
        };
        let request = self.trust.client()?.post(base_url.clone()).header("Content-Type", content_type);
        let request = request.header("User-Agent", "DeviceManagementClient/1.0").body(information.to_vec());
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let answer = request.timeout(Duration::from_secs(60)).send().await?;
        let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (content_type, authenticate) = (inspection::content_type(&answer), header("WWW-Authenticate"));
        let (status, body) = (answer.status().as_u16(), answer.bytes().await?.to_vec());
        let given = Given { to: &self.hardware, user_enrollment: None, content_type: &content_type, body: &body };
        inspection::show(&given);
        Ok(Asked { status, content_type, authenticate, body })
    }

    /// Installs the profile that was fetched with the token. `version` is the version in the discovery document.
    ///
    /// # Errors
    /// Returns what the device would show; nothing is installed then.
    pub async fn install_by_account(
        &mut self,
        file: &[u8],
        version: &str,
        tokens: Tokens,
        watcher: &mut dyn Watcher,
    ) -> Result<(), DeviceError> {
        let (dictionary, signed) = profile::open(file)?;
        let profile = profile::check_by_account(dictionary, signed, self.hardware.ios, version)?;
        self.enroll_by_account(profile, tokens, watcher).await
    }
}

impl From<SafariError> for AccountError {
    fn from(error: SafariError) -> AccountError {
        AccountError::Walk(WalkError::Safari { act: Act::SignIn, error })
    }
}
