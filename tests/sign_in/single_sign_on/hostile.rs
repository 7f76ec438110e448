//! An identity provider that answers whatever a test wants, unlike any real one. It has no login: the test returns
//! with a code at once.

use actix_web::dev::ServerHandle;
use actix_web::http::header::LOCATION;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcKey};
use openssl::ecdsa::EcdsaSig;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::sign::Signer;
use openssl::ssl::{SslAcceptor, SslFiletype, SslMethod};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};
use world::World;

/// The provider's answers, and what it was asked.
#[derive(Default)]
pub struct Script {
    pub metadata: Value,
    pub keys: Value,
    pub tokens: Value,
    pub token_status: u16,
    pub person: Value,
    /// Content type of the key set. `None` means JSON.
    pub keys_type: Option<&'static str>,
    /// A path that is redirected to another one.
    pub moved: Option<&'static str>,
    pub asked: BTreeMap<String, usize>,
    /// Form that came with the last code.
    pub form: String,
}

pub struct Hostile {
    pub issuer: String,
    script: Arc<Mutex<Script>>,
    handle: ServerHandle,
}

/// Keys for all tests. They are shared because generating keys is slow.
pub struct Keys {
    pub rsa: PKey<Private>,
    pub foreign: PKey<Private>,
    pub ec: EcKey<Private>,
}

pub static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let rsa = || PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    Keys { rsa: rsa(), foreign: rsa(), ec: EcKey::generate(&group).unwrap() }
});

/// How a token is signed.
pub enum With<'a> {
    Rsa(&'a PKey<Private>, MessageDigest),
    Ec,
    Secret(&'a [u8]),
    Nothing,
}

/// An ID token before it is signed.
pub struct Token {
    pub header: Value,
    pub claims: Value,
}

impl Token {
    pub fn signed(&self, with: With<'_>) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", part(&self.header), part(&self.claims));
        let signature = match with {
            With::Rsa(key, digest) => {
                let mut signer = Signer::new(digest, key).unwrap();
                signer.sign_oneshot_to_vec(text.as_bytes()).unwrap()
            }
            With::Ec => {
                let digest = openssl::sha::sha256(text.as_bytes());
                let signature = EcdsaSig::sign(&digest, &KEYS.ec).unwrap();
                [signature.r(), signature.s()].map(|number| number.to_vec_padded(32).unwrap()).concat()
            }
            With::Secret(secret) => {
                let key = PKey::hmac(secret).unwrap();
                Signer::new(MessageDigest::sha256(), &key).unwrap().sign_oneshot_to_vec(text.as_bytes()).unwrap()
            }
            With::Nothing => vec![],
        };
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// Signs the token like an honest provider.
    pub fn honest(&self) -> String {
        self.signed(With::Rsa(&KEYS.rsa, MessageDigest::sha256()))
    }
}

fn number(number: &openssl::bn::BigNumRef) -> String {
    URL_SAFE_NO_PAD.encode(number.to_vec())
}

/// Returns the public part of an RSA key as a JWK.
pub fn rsa_key(name: &str, key: &PKey<Private>) -> Value {
    let rsa = key.rsa().unwrap();
    json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": name, "n": number(rsa.n()), "e": number(rsa.e()) })
}

pub fn ec_key(name: &str) -> Value {
    let (mut x, mut y) = (BigNum::new().unwrap(), BigNum::new().unwrap());
    let mut context = BigNumContext::new().unwrap();
    KEYS.ec.public_key().affine_coordinates(KEYS.ec.group(), &mut x, &mut y, &mut context).unwrap();
    let padded = |number: &BigNum| URL_SAFE_NO_PAD.encode(number.to_vec_padded(32).unwrap());
    json!({ "kty": "EC", "crv": "P-256", "use": "sig", "kid": name, "x": padded(&x), "y": padded(&y) })
}

/// Returns the time in seconds since 1970.
pub fn now() -> i64 {
    World::system().now().0 / 1_000_000
}

impl Hostile {
    /// Starts the provider without TLS. It is honest until a test changes it.
    pub async fn start() -> Hostile {
        Hostile::start_with(None).await
    }

    /// Starts the provider with TLS, with this certificate for `localhost` and its key.
    pub async fn start_with(tls: Option<(&Path, &Path)>) -> Hostile {
        let script = Arc::new(Mutex::new(Script::default()));
        let shared = web::Data::from(Arc::clone(&script));
        let server = HttpServer::new(move || App::new().app_data(shared.clone()).default_service(web::to(answer)))
            .workers(1)
            .disable_signals();
        let server = match tls {
            None => server.bind(("127.0.0.1", 0)).unwrap(),
            Some((certificate, key)) => {
                let mut acceptor = SslAcceptor::mozilla_intermediate(SslMethod::tls()).unwrap();
                acceptor.set_certificate_chain_file(certificate).unwrap();
                acceptor.set_private_key_file(key, SslFiletype::PEM).unwrap();
                server.bind_openssl(("127.0.0.1", 0), acceptor).unwrap()
            }
        };
        let (address, scheme) = (server.addrs()[0], server.addrs_with_scheme()[0].1);
        let name = if tls.is_some() { "localhost".to_owned() } else { address.ip().to_string() };
        let issuer = format!("{scheme}://{name}:{}", address.port());
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        let hostile = Hostile { issuer, script, handle };
        hostile.change(|script| {
            script.metadata = hostile.metadata();
            script.keys = json!({ "keys": [rsa_key("one", &KEYS.rsa), ec_key("two")] });
            script.token_status = 200;
            script.person = json!({ "sub": "4711" });
        });
        hostile
    }

    fn metadata(&self) -> Value {
        let at = |path: &str| format!("{}{path}", self.issuer);
        json!({
            "issuer": self.issuer, "authorization_endpoint": at("/auth"), "token_endpoint": at("/token"),
            "jwks_uri": at("/jwks"), "userinfo_endpoint": at("/person"), "response_types_supported": ["code"],
            "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
        })
    }

    pub fn change(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.script.lock().unwrap());
    }

    /// Returns a parameter of the form that came with the last code.
    pub fn was_sent(&self, name: &str) -> Option<String> {
        super::parameter(&format!("?{}", self.script.lock().unwrap().form), name)
    }

    /// Returns how often a path was requested.
    pub fn asked(&self, path: &str) -> usize {
        self.script.lock().unwrap().asked.get(path).copied().unwrap_or_default()
    }

    /// Returns an honest provider's token for a request with this nonce.
    pub fn token(&self, nonce: &str) -> Token {
        Token {
            header: json!({ "alg": "RS256", "kid": "one", "typ": "JWT" }),
            claims: json!({
                "iss": self.issuer, "aud": "muster", "sub": "4711", "nonce": nonce, "iat": now(), "exp": now() + 300,
                "preferred_username": "eve", "groups": ["guests"], "managed_apple_id": "eve@example.test",
                "department": "Chemistry",
            }),
        }
    }

    /// Answers the next code with this ID token.
    pub fn will_answer(&self, id_token: String) {
        self.change(|script| {
            script.tokens = json!({ "access_token": "at", "token_type": "Bearer", "id_token": id_token });
        });
    }

    pub async fn stop(self) {
        self.handle.stop(false).await;
    }
}

async fn answer(script: web::Data<Mutex<Script>>, request: HttpRequest, form: String) -> HttpResponse {
    let mut script = script.lock().unwrap();
    let path = request.path().to_owned();
    *script.asked.entry(path.clone()).or_default() += 1;
    if script.moved == Some(path.as_str()) {
        return HttpResponse::Found().insert_header((LOCATION, format!("{path}-elsewhere"))).finish();
    }
    let status = if path == "/token" { script.token_status } else { 200 };
    let body = match path.trim_end_matches("-elsewhere") {
        "/.well-known/openid-configuration" => &script.metadata,
        "/jwks" => &script.keys,
        "/token" => {
            script.form = form;
            &script.tokens
        }
        "/person" => &script.person,
        _ => return HttpResponse::NotFound().finish(),
    };
    match script.keys_type.filter(|_| path == "/jwks") {
        Some(kind) => HttpResponse::Ok().content_type(kind).body(body.to_string()),
        None => HttpResponse::build(status.try_into().unwrap()).json(body),
    }
}
