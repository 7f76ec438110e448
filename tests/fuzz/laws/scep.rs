//! Law for SCEP messages. In addition to the limits: a certificate is issued only for the key that signed the
//! request, regardless of the key that signed the message.

use super::honest::Honest;
use super::limits::hold;
use pki::Pki;
use pki::create::{Given, Plan, create};
use pki::scep::{RequestKind, SignedMessage, VerifyError, authority as server};
use simulator::certificate_request::{certification_request, self_signed, subject};
use simulator::scep::{Authority, Protection, authority, pki_message};
use simulator::signature::{Digest, Identity};
use std::sync::LazyLock;
use world::World;

/// First byte of an input: the rest is a message as it is sent.
pub const RAW: u8 = 0;
/// First byte of an input: the rest is a PKCS #10 request, which is enveloped for the test's registration authority
/// and signed by a stranger.
pub const REQUEST: u8 = 1;

pub fn scep(input: &[u8]) {
    match input.split_first() {
        Some((&RAW, message)) => {
            HONEST.costs_as_much_as(message);
            let _ = hold(input, || read(message));
        }
        Some((&REQUEST, request)) => {
            let stranger = &*STRANGER;
            let protection = Protection { digest: Digest::Sha256, aes: true };
            let made = pki_message(request, "19", &stranger.identity, &stranger.authority, protection);
            let Ok((message, _)) = made else { return };
            let (key_hash, challenge) = match hold(input, || read(&message)) {
                Ok(Asked { key_hash, kind: RequestKind::Enroll { challenge } }) => (key_hash, challenge),
                Ok(Asked { kind: RequestKind::Renew { .. }, .. }) => panic!("a stranger renews"),
                Err(_) => return,
            };
            let proven = key_that_signed(request).expect("an unsigned request is answered");
            assert_eq!(key_hash, proven, "a certificate for a key that did not sign the request");
            assert!(challenge.is_none_or(|challenge| challenge.len() <= request.len()));
        }
        _ => {}
    }
}

/// Returns the key of a request, if that key signed the request.
fn key_that_signed(request: &[u8]) -> Option<String> {
    let request = openssl::x509::X509Req::from_der(request).ok()?;
    let key = request.public_key().ok()?;
    let signed = request.verify(&key).ok()?;
    signed.then(|| Some(hex::encode(openssl::sha::sha256(&key.public_key_to_der().ok()?))))?
}
// Messages of a single length, because a request has no content of variable length.
static HONEST: Honest = Honest::new(
    |_| {
        let stranger = &*STRANGER;
        let name = subject(&[("CN".into(), "a stranger".into())]).expect("a name");
        let key = &stranger.identity.key;
        let request = certification_request(&name, Some("secret"), key, Digest::Sha256).expect("a request");
        let protection = Protection { digest: Digest::Sha256, aes: true };
        vec![pki_message(&request, "19", &stranger.identity, &stranger.authority, protection).expect("a message").0]
    },
    |message| {
        let _ = read(message);
    },
);

#[derive(Debug, PartialEq)]
struct Asked {
    key_hash: String,
    kind: RequestKind,
}

fn read(message: &[u8]) -> Result<Asked, String> {
    let signed = SignedMessage::verify(message).map_err(|why| match why {
        VerifyError::Unanswerable(why) => why.to_string(),
        VerifyError::Refused(refused) => format!("{:?}", refused.why),
    })?;
    let asked = signed.open(&STRANGER.pki).map_err(|refused| format!("{:?}", refused.why))?;
    Ok(Asked { key_hash: asked.key_hash, kind: asked.kind })
}

/// An unknown client, with the server to which it sends requests.
struct Stranger {
    pki: Pki,
    authority: Authority,
    identity: Identity,
}

static STRANGER: LazyLock<Stranger> = LazyLock::new(|| {
    let directory = tempfile::tempdir().expect("a directory");
    let hosts = ["localhost".to_owned()];
    let plan = Plan { organization: "Example School", hosts: &hosts, trial: true, given: Given::default() };
    let made = create(directory.path(), &plan, &World::system()).expect("keys are made");
    let pki = Pki::load(&made.files, made.push()).expect("they are loaded");
    let authority = authority(&server::certificates(&pki).expect("GetCACert")).expect("the answer can be parsed");
    // The key of the requests in the corpus. It belongs to nobody and is public.
    let pem = std::fs::read(super::corpus().join("stranger.key")).expect("the key can be read");
    let key = openssl::pkey::PKey::private_key_from_pem(&pem).expect("a key");
    let identity = self_signed(&subject(&[("CN".into(), "a stranger".into())]).expect("a name"), &key).expect("signed");
    Stranger { pki, authority, identity }
});
