//! Safari, as far as an enrollment needs it: follows links, sends forms, stores cookies, warns about untrusted
//! servers.

mod cookies;
mod page;

use crate::model::{Hardware, IosVersion};
use crate::trust::{self, Trust, TrustError};
use cookies::Jar;
use reqwest::{Method, Response, header};
use url::Url;

pub use page::{Button, Field, Form, Link, Page};

/// Result of a tap.
#[derive(Debug, Clone)]
pub enum Opened {
    Page(Box<Page>),
    /// A configuration profile, which iOS passes on to Settings.
    Profile(Vec<u8>),
    /// A redirect with this status to an address outside the web, for the app that opened the page.
    Left {
        status: u16,
        url: Url,
    },
}

/// Why Safari shows no page.
#[derive(Debug, thiserror::Error)]
pub enum SafariError {
    /// "This Connection Is Not Private".
    #[error("Safari cannot verify the identity of {0}")]
    UntrustedServer(String),
    #[error("Safari cannot open the page: {0}")]
    Unreachable(#[from] reqwest::Error),
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] TrustError),
    #[error("“{0}” is not an address")]
    Address(String),
    #[error("too many redirects, the last to {0}")]
    Redirects(Url),
    #[error("the page “{page}” has no {what}")]
    Missing { page: String, what: String },
    #[error("Safari refused the cookie {0}")]
    Cookie(String),
    #[error("the page cannot be shown: status {status}, {content_type}")]
    Unreadable { status: u16, content_type: String },
}

pub struct Safari {
    user_agent: String,
    /// `Accept-Language`.
    pub languages: String,
    /// Sends Sec-Fetch-* headers (from 16.4 on).
    fetch_metadata: bool,
    trust: Trust,
    /// Certificates that the user accepted despite the warning: host and fingerprint.
    exceptions: Vec<(String, Vec<u8>)>,
    /// Client for these servers; `None` before the first exception.
    reckless: Option<reqwest::Client>,
    jar: Jar,
    page: Option<Page>,
}

struct Navigation {
    method: Method,
    url: Url,
    body: Option<String>,
    from: Option<Url>,
}

impl Safari {
    /// Creates the Safari of a device with this iOS version, without cookies.
    pub fn of(hardware: &Hardware, ios: IosVersion, trust: Trust) -> Safari {
        let fetch_metadata = ios >= IosVersion { major: 16, minor: 4, patch: 0 };
        Safari::new(hardware.user_agent(), fetch_metadata, trust)
    }

    pub fn new(user_agent: String, fetch_metadata: bool, trust: Trust) -> Safari {
        Safari {
            user_agent,
            languages: "en-GB,en;q=0.9".into(),
            fetch_metadata,
            trust,
            exceptions: Vec::new(),
            reckless: None,
            jar: Jar::default(),
            page: None,
        }
    }

    /// The page on the screen.
    pub fn page(&self) -> Option<&Page> {
        self.page.as_ref()
    }

    /// Opens a typed address.
    ///
    /// # Errors
    /// Returns an error if no page can be shown.
    pub async fn open(&mut self, address: &str) -> Result<Opened, SafariError> {
        let url = Url::parse(address).map_err(|_| SafariError::Address(address.to_owned()))?;
        self.navigate(Navigation { method: Method::GET, url, body: None, from: None }).await
    }

    /// Reloads the page, as its `meta refresh` does.
    ///
    /// # Errors
    /// Returns an error if no page is shown.
    pub(crate) async fn reload(&mut self) -> Result<Opened, SafariError> {
        let page = self.shown()?;
        let url = page.refresh.as_ref().and_then(|refresh| refresh.url.clone()).unwrap_or_else(|| page.url.clone());
        self.navigate(Navigation { method: Method::GET, from: Some(page.url.clone()), url, body: None }).await
    }

    /// Taps a link.
    ///
    /// # Errors
    /// Returns an error if the page has no link with this id, or no page can be shown afterwards.
    pub async fn tap_link(&mut self, id: &str) -> Result<Opened, SafariError> {
        let page = self.shown()?;
        let link = page.link(id).ok_or_else(|| page.missing(format!("link “{id}”")))?;
        let navigation =
            Navigation { method: Method::GET, url: link.url.clone(), body: None, from: Some(page.url.clone()) };
        self.navigate(navigation).await
    }

    /// Fills in a form and taps its button.
    ///
    /// # Errors
    /// Returns an error if the page has no such form, field or choice, or no page can be shown afterwards.
    pub async fn send_form(&mut self, id: &str, answers: &[(&str, &str)]) -> Result<Opened, SafariError> {
        let page = self.shown()?;
        let form = page.form(id).ok_or_else(|| page.missing(format!("form “{id}”")))?.clone();
        self.send(&form, answers).await
    }

    /// Fills in the form that has all these fields, and taps its button.
    ///
    /// # Errors
    /// Returns the same errors as [`Safari::send_form`].
    pub async fn fill_in(&mut self, answers: &[(&str, &str)]) -> Result<Opened, SafariError> {
        let page = self.shown()?;
        let fitting = page.forms.iter().find(|form| answers.iter().all(|(name, _)| form.offers(name)));
        let form = fitting.ok_or_else(|| page.missing(format!("form for {} answers", answers.len())))?.clone();
        self.send(&form, answers).await
    }

    async fn send(&mut self, form: &Form, answers: &[(&str, &str)]) -> Result<Opened, SafariError> {
        let page = self.shown()?;
        let body = form.filled(answers).map_err(|what| page.missing(what))?;
        let from = Some(page.url.clone());
        let (method, url) = (form.method.clone(), form.action.clone());
        if method == Method::GET {
            let mut url = url;
            url.set_query(Some(&body));
            return self.navigate(Navigation { method, url, body: None, from }).await;
        }
        self.navigate(Navigation { method, url, body: Some(body), from }).await
    }

    /// "This Connection Is Not Private" › Show Details › visit this website: accepts this certificate for this
    /// server.
    ///
    /// # Errors
    /// Returns an error if the server cannot be reached.
    pub async fn proceed_in_spite_of_warning(&mut self, address: &str) -> Result<(), SafariError> {
        let url = Url::parse(address).map_err(|_| SafariError::Address(address.to_owned()))?;
        let reckless = trust::reckless()?;
        let response = reckless.get(url.clone()).header(header::USER_AGENT, &self.user_agent).send().await?;
        if let Some(fingerprint) = fingerprint(&response) {
            self.exceptions.retain(|(host, _)| *host != host_of(&url));
            self.exceptions.push((host_of(&url), fingerprint));
        }
        self.reckless = Some(reckless);
        Ok(())
    }

    fn shown(&self) -> Result<&Page, SafariError> {
        let nothing = || SafariError::Missing { page: "about:blank".into(), what: "content".into() };
        self.page.as_ref().ok_or_else(nothing)
    }

    async fn navigate(&mut self, mut navigation: Navigation) -> Result<Opened, SafariError> {
        for _ in 0..20 {
            let response = self.fetch(&navigation).await?;
            self.jar.take(&navigation.url, &response)?;
            let Some(next) = redirect(&navigation, &response) else {
                return self.show(navigation.url, response).await;
            };
            if next.url.scheme() != "https" && next.url.scheme() != "http" {
                return Ok(Opened::Left { status: response.status().as_u16(), url: next.url });
            }
            navigation = next;
        }
        Err(SafariError::Redirects(navigation.url))
    }

    // An exception applies to one certificate. If the server presents another one, Safari warns again, unless it is
    // trusted by then.
    async fn fetch(&self, navigation: &Navigation) -> Result<Response, SafariError> {
        let host = host_of(&navigation.url);
        if let (Some(reckless), Some((_, known))) = (&self.reckless, self.exceptions.iter().find(|(of, _)| *of == host))
        {
            let response = self.request(reckless, navigation).send().await?;
            if fingerprint(&response).as_ref() == Some(known) {
                return Ok(response);
            }
        }
        match self.request(&self.trust.client()?, navigation).send().await {
            Err(error) if trust::is_untrusted(&error) => Err(SafariError::UntrustedServer(host)),
            outcome => Ok(outcome?),
        }
    }

    fn request(&self, client: &reqwest::Client, navigation: &Navigation) -> reqwest::RequestBuilder {
        let mut request = client.request(navigation.method.clone(), navigation.url.clone());
        request = request.header(header::USER_AGENT, &self.user_agent).header(header::ACCEPT_LANGUAGE, &self.languages);
        request = request.header(header::ACCEPT, "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8");
        if let Some(cookies) = self.jar.header_for(&navigation.url) {
            request = request.header(header::COOKIE, cookies);
        }
        if let Some(from) = &navigation.from {
            request = request.header(header::REFERER, from.as_str());
        }
        if self.fetch_metadata {
            let same_site = navigation.from.as_ref().map_or("none", |from| site(from, &navigation.url));
            request = request.header("Sec-Fetch-Site", same_site).header("Sec-Fetch-Mode", "navigate");
            request = request.header("Sec-Fetch-Dest", "document");
        }
        match &navigation.body {
            None => request,
            Some(body) => {
                let origin = navigation.from.as_ref().unwrap_or(&navigation.url).origin().ascii_serialization();
                let request = request.header(header::ORIGIN, origin).body(body.clone());
                request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            }
        }
    }

    async fn show(&mut self, url: Url, response: Response) -> Result<Opened, SafariError> {
        let status = response.status().as_u16();
        let content_type = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_owned();
        let refresh = response.headers().get(header::REFRESH).and_then(|value| value.to_str().ok());
        let refresh = refresh.and_then(|value| page::parse_refresh(&url, value));
        let body = response.bytes().await?;
        if content_type.starts_with("application/x-apple-aspen-config") && status == 200 {
            return Ok(Opened::Profile(body.to_vec()));
        }
        if !content_type.starts_with("text/html") {
            return Err(SafariError::Unreadable { status, content_type });
        }
        let mut page = Page::read(url, status, &String::from_utf8_lossy(&body));
        page.refresh = page.refresh.or(refresh);
        self.page = Some(page.clone());
        Ok(Opened::Page(Box::new(page)))
    }
}

fn redirect(navigation: &Navigation, response: &Response) -> Option<Navigation> {
    let target = response.headers().get(header::LOCATION)?.to_str().ok()?;
    let url = navigation.url.join(target).ok()?;
    let keeps_method = match response.status().as_u16() {
        301..=303 => false,
        307 | 308 => true,
        _ => return None,
    };
    let (method, body) =
        if keeps_method { (navigation.method.clone(), navigation.body.clone()) } else { (Method::GET, None) };
    Some(Navigation { method, url, body, from: navigation.from.clone() })
}

fn site(from: &Url, to: &Url) -> &'static str {
    if from.origin() == to.origin() { "same-origin" } else { "cross-site" }
}

fn host_of(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default())
}

fn fingerprint(response: &Response) -> Option<Vec<u8>> {
    let certificate = trust::shown(response)?;
    Some(certificate.digest(openssl::hash::MessageDigest::sha256()).ok()?.to_vec())
}
