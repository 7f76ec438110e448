//! A person with a browser at the portal: keeps cookies, fills in the token of the last page, follows no redirects.

use crate::TestServer;
use events::enrollment::Ownership;
use events::staff::Privilege;
use reqwest::header::{
    ACCEPT_LANGUAGE, CONTENT_TYPE, COOKIE, HeaderMap, HeaderValue, LOCATION, SET_COOKIE, USER_AGENT,
};
use reqwest::{Client, Method};
use scraper::{Html, Selector};
use std::collections::BTreeMap;

pub const IPAD_AS_MAC: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                               Version/17.5 Safari/605.1.15";
pub const WINDOWS: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36";

pub const PASSWORD: &str = "four plain words here";

/// Starts a server that knows ada, who has the privilege to enroll.
pub async fn server() -> TestServer {
    let server = TestServer::start().await;
    server.add_user("ada", PASSWORD, &[Privilege::Enroll]).await;
    server
}

/// Returns the user agent of Safari on an iPhone with this version of iOS.
pub fn iphone(version: &str) -> String {
    let system = version.replace('.', "_");
    format!(
        "Mozilla/5.0 (iPhone; CPU iPhone OS {system} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
         Version/{version} Mobile/15E148 Safari/604.1"
    )
}

pub struct Guest {
    client: Client,
    base: String,
    user_agent: String,
    pub languages: String,
    pub cookies: BTreeMap<String, String>,
    /// `Set-Cookie` of the last response.
    pub set_cookies: Vec<String>,
    /// The CSRF token of the forms on the last page.
    pub csrf: String,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    /// Returns the target of a redirect.
    pub fn led_to(&self) -> Option<&str> {
        (self.status == 303).then(|| self.headers[LOCATION].to_str().unwrap())
    }

    /// Returns a header's value; empty if it is missing.
    pub fn header(&self, name: &str) -> String {
        self.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    }

    /// Returns the text of the progress, if the page has one.
    pub fn progress(&self) -> Option<String> {
        let page = Html::parse_document(&self.body);
        let selector = Selector::parse(".progress > p").unwrap();
        page.select(&selector).next().map(|text| text.text().collect::<String>().trim().to_owned())
    }

    /// Returns the return path in the language form of the page.
    pub fn back(&self) -> String {
        let page = Html::parse_document(&self.body);
        let selector = Selector::parse("form.languages input[name=back]").unwrap();
        page.select(&selector).next().and_then(|field| field.attr("value")).unwrap().to_owned()
    }

    /// Returns the target of the link with this id.
    pub fn link(&self, id: &str) -> String {
        let page = Html::parse_document(&self.body);
        let selector = Selector::parse(&format!("a#{id}")).unwrap();
        let link = page.select(&selector).next().unwrap_or_else(|| panic!("no link {id} in {}", self.body));
        link.attr("href").unwrap().to_owned()
    }
}

impl Guest {
    pub fn new(server: &TestServer, user_agent: &str) -> Guest {
        Guest::with(server.client(), server.url(), user_agent)
    }

    /// Creates a guest of a server that runs elsewhere.
    pub fn with(client: Client, base: String, user_agent: &str) -> Guest {
        Guest {
            client,
            base,
            user_agent: user_agent.to_owned(),
            languages: "en".into(),
            cookies: BTreeMap::new(),
            set_cookies: Vec::new(),
            csrf: String::new(),
        }
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.request(Method::GET, path, HeaderMap::new(), String::new()).await
    }

    pub async fn head(&mut self, path: &str) -> Answer {
        self.request(Method::HEAD, path, HeaderMap::new(), String::new()).await
    }

    /// Sends a form of the last page.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut headers = HeaderMap::new();
        headers.insert("sec-fetch-site", HeaderValue::from_static("same-origin"));
        headers.insert("origin", HeaderValue::from_str(&self.base).unwrap());
        self.post_with(path, fields, headers).await
    }

    /// Same as [`Guest::post`], with the test's own headers.
    pub async fn post_with(&mut self, path: &str, fields: &[(&str, &str)], mut headers: HeaderMap) -> Answer {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let body = {
            let mut body = url::form_urlencoded::Serializer::new(String::new());
            body.append_pair("csrf", &self.csrf).extend_pairs(fields).finish()
        };
        self.request(Method::POST, path, headers, body).await
    }

    pub async fn request(&mut self, method: Method, path: &str, mut headers: HeaderMap, body: String) -> Answer {
        headers.insert(USER_AGENT, HeaderValue::from_str(&self.user_agent).unwrap());
        headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_str(&self.languages).unwrap());
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            headers.insert(COOKIE, HeaderValue::from_str(&cookies.join("; ")).unwrap());
        }
        let request = self.client.request(method, format!("{}{path}", self.base)).headers(headers).body(body);
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = String::from_utf8_lossy(&response.bytes().await.unwrap()).into_owned();
        self.keep(&headers);
        if let Some(token) = token(&body) {
            self.csrf = token;
        }
        Answer { status, headers, body }
    }

    fn keep(&mut self, headers: &HeaderMap) {
        self.set_cookies = headers.get_all(SET_COOKIE).iter().map(|value| value.to_str().unwrap().to_owned()).collect();
        for cookie in &self.set_cookies {
            let (name, rest) = cookie.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            if cookie.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    pub async fn sign_in(&mut self, user_name: &str, password: &str) -> Answer {
        self.get("/enroll/sign-in").await;
        self.post("/enroll/sign-in", &[("user_name", user_name), ("password", password)]).await
    }

    /// Walks from the beginning to the page of the MDM profile.
    pub async fn walk_to_mdm(&mut self, ownership: Ownership) -> Answer {
        if ownership == Ownership::Personal {
            self.walk_to_managed_apple_id().await;
            self.post("/enroll/managed-apple-id", &[("managed_apple_id", "ada@example.com")]).await;
        } else {
            self.walk_past_ca("institutional").await;
        }
        self.get("/enroll/mdm").await
    }

    pub async fn walk_to_managed_apple_id(&mut self) {
        self.walk_past_ca("personal").await;
        self.get("/enroll/managed-apple-id").await;
    }

    async fn walk_past_ca(&mut self, ownership: &str) {
        assert_eq!(self.sign_in("ada", PASSWORD).await.status, 303);
        self.get("/enroll/ownership").await;
        self.post("/enroll/ownership", &[("ownership", ownership)]).await;
        let link = self.get("/enroll/ca").await.link("profile");
        assert_eq!(self.get(&link).await.status, 200);
        assert_eq!(self.post("/enroll/ca", &[]).await.status, 303);
    }
}

fn token(body: &str) -> Option<String> {
    let page = Html::parse_document(body);
    let token = page.select(&Selector::parse("input[name=csrf]").unwrap()).next()?.attr("value")?.to_owned();
    Some(token)
}
