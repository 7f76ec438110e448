//! A browser at the console, and records for it to show.

use crate::TestServer;
use events::device::{BodyHash, DeviceEvent, DeviceId, DeviceIdentifiers, InventoryValue, PushAddress};
use events::enrollment::{
    ChosenBy, DeviceFamily, EnrollmentEvent, IssuedCertificate, OsVersion, Ownership, Platform, SecretHash,
    ServedProfile, SignInMethodName,
};
use events::envelope::EventId;
use events::envelope::{Actor, ActorKind};
use events::log::Draft;
use events::person::{PersonAttributes, PersonEvent, PersonId};
use events::staff::{Privilege, StaffId};
use events::store::Expected;
use events::{Event, Personal, StreamName, Timestamp};
use futures_util::StreamExt as _;
use reqwest::header::{HeaderMap, ORIGIN};
use scraper::{Html, Selector};
use std::collections::BTreeMap;
use uuid::Uuid;

pub const PASSWORD: &str = "four plain words here";

/// A browser: keeps cookies, fills in forms, follows no redirects.
pub struct Browser {
    client: reqwest::Client,
    url: String,
}

/// The response to a request.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn location(&self) -> &str {
        self.headers.get("location").map_or("", |location| location.to_str().unwrap())
    }

    /// Returns the text of every element that matches `selector`.
    pub fn texts(&self, selector: &str) -> Vec<String> {
        let page = Html::parse_document(&self.body);
        let selector = Selector::parse(selector).unwrap();
        let found = page.select(&selector).map(|element| element.text().collect::<String>());
        found.map(|text| text.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    }

    /// Returns an attribute of the first element that matches `selector`.
    pub fn attribute(&self, selector: &str, name: &str) -> Option<String> {
        let page = Html::parse_document(&self.body);
        let element = page.select(&Selector::parse(selector).unwrap()).next()?;
        element.value().attr(name).map(str::to_owned)
    }

    /// Returns the hidden fields of the page's forms, each once.
    pub fn hidden(&self) -> Vec<(String, String)> {
        let page = Html::parse_document(&self.body);
        let mut fields: Vec<(String, String)> = Vec::new();
        for field in page.select(&Selector::parse("main input[type=hidden]").unwrap()) {
            let (name, value) = (field.value().attr("name").unwrap(), field.value().attr("value").unwrap_or_default());
            if fields.iter().all(|(known, _)| known != name) {
                fields.push((name.to_owned(), value.to_owned()));
            }
        }
        fields
    }

    pub fn csrf(&self) -> String {
        self.attribute("input[name=csrf]", "value").unwrap_or_default()
    }

    /// Returns the value of the console's cookie that this response sets.
    pub fn cookie(&self) -> Option<String> {
        let set = self.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
        set.filter_map(|cookie| cookie.strip_prefix("__Host-muster-console="))
            .map(|cookie| cookie.split(';').next().unwrap_or_default().to_owned())
            .next()
    }
}

impl Browser {
    pub fn new(server: &TestServer) -> Browser {
        let client = server.client_with_cookies();
        Browser { client, url: server.url() }
    }

    /// Adds a user with these privileges and signs them in.
    pub async fn signed_in(server: &TestServer, name: &str, privileges: &[Privilege]) -> Browser {
        server.add_user(name, PASSWORD, privileges).await;
        let browser = Browser::new(server);
        let answer = browser.sign_in(name, PASSWORD).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        assert!(answer.location().starts_with("/console"), "{}", answer.location());
        browser
    }

    pub async fn sign_in(&self, name: &str, password: &str) -> Answer {
        let csrf = self.get("/console/sign-in").await.csrf();
        self.post("/console/sign-in", &[("csrf", &csrf), ("user_name", name), ("password", password)]).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.get_with(path, HeaderMap::new()).await
    }

    /// Returns a file as it is.
    pub async fn download(&self, path: &str) -> (HeaderMap, Vec<u8>) {
        let response = self.client.get(format!("{}{path}", self.url)).send().await.unwrap();
        assert_eq!(response.status().as_u16(), 200, "{path}");
        let headers = response.headers().clone();
        (headers, response.bytes().await.unwrap().to_vec())
    }

    pub async fn get_with(&self, path: &str, headers: HeaderMap) -> Answer {
        answer(self.client.get(format!("{}{path}", self.url)).headers(headers)).await
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request = self.client.post(format!("{}{path}", self.url)).header(ORIGIN, &self.url);
        answer(request.form(fields)).await
    }

    /// Sends a form with a file.
    pub async fn upload(&self, path: &str, fields: &[(String, String)], file: Vec<u8>) -> Answer {
        let boundary = "----muster";
        let mut body = Vec::new();
        for (name, value) in fields {
            body.extend(
                format!("--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
                    .into_bytes(),
            );
        }
        let head = "content-disposition: form-data; name=\"file\"; filename=\"a.mobileconfig\"";
        body.extend(format!("--{boundary}\r\n{head}\r\n\r\n").into_bytes());
        body.extend(file);
        body.extend(format!("\r\n--{boundary}--\r\n").into_bytes());
        let request = self.client.post(format!("{}{path}", self.url)).header(ORIGIN, &self.url);
        let kind = format!("multipart/form-data; boundary={boundary}");
        answer(request.header("content-type", kind).body(body)).await
    }

    pub async fn post_from(&self, origin: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request = self.client.post(format!("{}{path}", self.url)).header(ORIGIN, origin);
        answer(request.header("sec-fetch-site", "cross-site").form(fields)).await
    }
}

async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answer { status, headers, body: response.text().await.unwrap() }
}

/// Appends an event with the time `at`.
pub async fn write(server: &TestServer, stream: &StreamName, at: Timestamp, event: impl Into<Event>) {
    let app = server.app();
    let draft = Draft {
        id: EventId::fresh(&app.platform.world),
        at,
        actor: Actor::new(ActorKind::System, "test"),
        source: None,
        correlation: Uuid::parse_str(stream.id()).unwrap_or_default(),
        causation: None,
        event: event.into(),
    };
    app.platform.log.append(stream, Expected::Any, vec![draft]).await.unwrap();
}

/// Adds a person's iPhone that enrolled by User Enrollment at `at`.
pub async fn enrolled(server: &TestServer, name: &str, at: Timestamp) -> DeviceId {
    let device = write_enrolled(server, name, at).await;
    server.caught_up().await;
    device
}

/// Adds two such iPhones of one person, one after the other.
pub async fn enrolled_twice(server: &TestServer, name: &str, at: Timestamp) -> (DeviceId, DeviceId) {
    let person = write_person(server, name, at).await;
    let (old, new) = (write_device(server, person, name, at).await, write_device(server, person, name, at).await);
    server.caught_up().await;
    (old, new)
}

/// Adds `count` such iPhones, each of a different person.
pub async fn enrolled_many(server: &TestServer, count: i64, from: Timestamp) {
    let one = |nth: i64| async move { write_enrolled(server, &format!("person{nth}"), from.plus_seconds(nth)).await };
    // Several at a time, so that they share the commits.
    futures_util::stream::iter(0..count).map(one).buffer_unordered(32).for_each(async |_| {}).await;
    server.caught_up().await;
}

async fn write_enrolled(server: &TestServer, name: &str, at: Timestamp) -> DeviceId {
    let person = write_person(server, name, at).await;
    write_device(server, person, name, at).await
}

async fn write_person(server: &TestServer, name: &str, at: Timestamp) -> PersonId {
    let person = PersonId(server.app().platform.world.random_uuid());
    let user_name = Personal::new(person.key(), name.to_owned());
    let attributes = PersonAttributes { user_name: Some(user_name), ..PersonAttributes::default() };
    let method = SignInMethodName::LocalAccount;
    let (account, keys, names) = ("00".into(), vec![], vec![]);
    let known = PersonEvent::PersonKnown { method, account, attributes, keys, names };
    write(server, &person.stream(), at, known).await;
    person
}

async fn write_device(server: &TestServer, person: PersonId, name: &str, at: Timestamp) -> DeviceId {
    let device = DeviceId(server.app().platform.world.random_uuid());
    let user_name = Personal::new(person.key(), name.to_owned());
    for event in walk(device, person, user_name) {
        write(server, &device.enrollment().stream(), at, event).await;
    }
    managed(server, device, person, at).await;
    device
}

/// The device of an enrollment authenticates and enrolls.
pub async fn managed(server: &TestServer, device: DeviceId, person: PersonId, at: Timestamp) {
    let authenticated = DeviceEvent::DeviceAuthenticated {
        person,
        identifiers: DeviceIdentifiers::UserEnrollment { enrollment_id: Personal::new(person.key(), "EID".into()) },
        certificate: "00".into(),
        topic: "com.apple.mgmt.External.1".into(),
        os_version: Some(OsVersion::new(17, 5)),
        build_version: Some("21F79".into()),
        product_name: Some("iPhone14,7".into()),
        body: BodyHash("00".into()),
    };
    write(server, &device.stream(), at, authenticated).await;
    let secret = |value: &str| Personal::new(device.key(), value.to_owned());
    let push = PushAddress { token: secret("cHVzaCB0b2tlbg=="), push_magic: secret("push magic"), unlock_token: None };
    write(server, &device.stream(), at, DeviceEvent::DeviceEnrolled { push, body: BodyHash("01".into()) }).await;
}

fn walk(device: DeviceId, person: PersonId, user_name: Personal<String>) -> Vec<EnrollmentEvent> {
    let method = SignInMethodName::LocalAccount;
    let profile = ServedProfile {
        kind: events::enrollment::EnrollmentKind::UserEnrollment,
        identifier: "com.example.mdm".into(),
        profile_uuid: device.0,
        identity_uuid: device.0,
        mdm_uuid: device.0,
        topic: "com.apple.mgmt.External.1".into(),
        server_url: "https://localhost/mdm/command".into(),
        check_in_url: "https://localhost/mdm/checkin".into(),
        scep_url: "https://localhost/scep".into(),
        access_rights: None,
        managed_apple_id: None,
        enrollment_mode: None,
        required_app_id: None,
        sign_message: None,
    };
    let challenge = SecretHash("02".into());
    let identity = IssuedCertificate {
        certificate: "AA==".into(),
        serial: "5F21".into(),
        fingerprint: "00".into(),
        key_hash: "00".into(),
        not_after: Timestamp(4_000_000_000_000_000),
    };
    vec![
        EnrollmentEvent::VisitOpened {
            session: SecretHash("00".into()),
            user_agent: Personal::new(device.enrollment().enrollment_key(), "Safari".to_owned()),
            platform: Platform { family: DeviceFamily::IPhone, version: Some(OsVersion::new(17, 5)) },
            language: "en".into(),
        },
        EnrollmentEvent::UserSignedIn {
            method,
            person,
            account: "00".into(),
            user_name,
            session: SecretHash("01".into()),
        },
        EnrollmentEvent::OwnershipChosen { ownership: Ownership::Personal, chosen_by: ChosenBy::User },
        EnrollmentEvent::MdmProfileServed {
            verified_by: None,
            profile,
            challenge: challenge.clone(),
            challenge_expires: Timestamp(4_000_000_000_000_000),
        },
        EnrollmentEvent::IdentityIssued { identity, transaction: "1".into(), challenge },
    ]
}

/// Reports a name for the device.
pub async fn renamed(server: &TestServer, device: DeviceId, name: &str, at: Timestamp) {
    let told = server.app().platform.device(device).await.unwrap().person.unwrap();
    let name = InventoryValue::Personal(Personal::new(told.key(), serde_json::Value::from(name)));
    let changes = BTreeMap::from([("DeviceName".to_owned(), name)]);
    write(server, &device.stream(), at, DeviceEvent::InventoryReported { changes }).await;
    server.caught_up().await;
}

pub async fn staff_id(server: &TestServer, user_name: &str) -> StaffId {
    let listed = staff::administration::list_accounts(&server.app().platform.log).await.unwrap();
    listed.into_iter().find(|listed| listed.user_name == user_name).unwrap().id
}

pub async fn act(browser: &Browser, id: StaffId, what: &str, fields: &[(&str, &str)]) -> Answer {
    let csrf = browser.get("/console/account").await.csrf();
    let fields: Vec<(&str, &str)> = fields.iter().copied().chain([("csrf", csrf.as_str())]).collect();
    browser.post(&format!("/console/staff/{id}/{what}"), &fields).await
}

/// Returns the text of the form and its hidden revision of the settings that the text is based on.
pub fn form(page: &Answer) -> (String, String) {
    let text = scraper::Html::parse_document(&page.body);
    let area = scraper::Selector::parse("textarea").unwrap();
    let text = text.select(&area).next().unwrap().text().collect();
    (text, page.attribute("input[name=over]", "value").unwrap())
}
