//! Laws for `Mdm-Signature` and for messages that devices sign with their factory identity. In addition to the
//! limits: no signer is credited with content that they did not sign. The corpora contain messages that are known to
//! be signed; their keys no longer exist.

use super::honest::{Honest, SIGNERS};
use super::limits::hold;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use muster::mdm::signature::Claimed;
use pki::device_cas::DeviceCas;
use pki::device_signed::{self, Signature};
use pki::fingerprint;
use simulator::signature::{self, Digest, Identity, Style};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// The contents that the holder of each certificate signed, by the certificate's fingerprint.
type Known = BTreeMap<String, BTreeSet<Vec<u8>>>;

/// A body and a header: the body's length in two bytes, the body, and the header's CMS before base64. With the length
/// 0xffff there is no body, and the rest is the header unchanged.
pub fn mdm_signature(input: &[u8]) {
    if let Some(sent) = as_sent(input) {
        HONEST_BODIES.costs_as_much_as(&sent);
    }
    if let Some((certificate, body)) = accepted(input, |input, read| hold(input, read)) {
        believed_body(&certificate, body);
    }
}

/// Checks a body that was accepted as signed.
///
/// # Panics
///
/// Panics if the certificate is one of the corpus and its holder did not sign this body.
pub fn believed_body(certificate: &str, body: &[u8]) {
    believed(&SIGNED_BODIES, certificate, body);
}

/// Splits an input of [`mdm_signature`] into body and header.
pub fn detached(input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = input.split_first_chunk::<2>()?;
    let length = usize::from(u16::from_be_bytes(*length));
    if length == 0xffff { Some((&[], rest)) } else { rest.split_at_checked(length) }
}

// Returns the header as it is in the request.
fn header(input: &[u8]) -> Option<Vec<u8>> {
    let (_, header) = detached(input)?;
    Some(if input.starts_with(&[0xff; 2]) { header.to_vec() } else { STANDARD.encode(header).into_bytes() })
}

// Returns the body's length in two bytes, the body, and the header as it is in the request. The law's own encoding
// costs the server nothing.
fn as_sent(input: &[u8]) -> Option<Vec<u8>> {
    let (body, _) = detached(input)?;
    let length = u16::try_from(body.len()).ok()?.to_be_bytes();
    Some([&length[..], body, &header(input)?].concat())
}

type Verdict = Result<(String, bool), String>;

// Returns the accepted signer and body, if the signature is accepted. `hold` reads the input.
fn accepted(input: &[u8], hold: fn(&[u8], &dyn Fn() -> Verdict) -> Verdict) -> Option<(String, &[u8])> {
    let (body, header) = (detached(input)?.0, header(input)?);
    let verdict = hold(input, &|| match Claimed::from_header(&header) {
        Ok(claimed) => Ok((fingerprint(claimed.certificate()), claimed.verify(body).is_ok())),
        Err(why) => Err(format!("{why:?}")),
    });
    verdict.ok().and_then(|(certificate, fits)| fits.then_some((certificate, body)))
}

/// Machine information, and the answer to a Profile Service.
pub fn device_message(input: &[u8]) {
    HONEST_CONTENTS.costs_as_much_as(input);
    let verdict = hold(input, || {
        let message = device_signed::open(input, &CAS).map_err(|why| format!("{why:?}"))?;
        let told = format!("{:?}", property_list::parse(&message.content));
        Ok::<_, String>((fingerprint(&message.signer), message.signature, message.content, told))
    });
    if let Ok((certificate, Signature::Genuine | Signature::UnknownIssuer, content, _)) = &verdict {
        believed(&SIGNED_CONTENTS, certificate, content);
    }
    if let Ok((certificate, Signature::Genuine, ..)) = &verdict {
        assert!(SIGNED_CONTENTS.contains_key(certificate), "a certificate is genuine although the CA never issued it");
    }
}

// The form that is parsed last and hashed most.
const STYLE: Style = Style { digest: Digest::Sha256, signed_attributes: true, indefinite: true };

static HONEST_BODIES: Honest = Honest::new(
    |length| {
        let body = vec![b' '; length.min(0xfffe)];
        let written = |identity: &Identity| {
            let cms = signature::detached(&body, identity, STYLE).expect("signed");
            let length = u16::try_from(body.len()).expect("it is short").to_be_bytes();
            [&length[..], &body, &cms].concat()
        };
        SIGNERS.iter().filter_map(|identity| as_sent(&written(identity))).collect()
    },
    |sent| {
        let (body, header) = detached(sent).expect("it has a length");
        let _ = Claimed::from_header(header).map(|claimed| claimed.verify(body).is_ok());
    },
);

static HONEST_CONTENTS: Honest = Honest::new(
    |length| {
        let content = vec![b' '; length];
        SIGNERS.iter().map(|identity| signature::attached(&content, identity, &[], STYLE).expect("signed")).collect()
    },
    |input| {
        let _ = device_signed::open(input, &CAS);
    },
);

fn believed(known: &Known, certificate: &str, content: &[u8]) {
    let signed = known.get(certificate).is_none_or(|signed| signed.contains(content));
    assert!(
        signed,
        "the holder of {certificate} is credited with {:?}, which they did not sign",
        String::from_utf8_lossy(content)
    );
}

/// The CA of the devices in the corpus, in addition to Apple's.
static CAS: LazyLock<DeviceCas> =
    LazyLock::new(|| DeviceCas::load(&[super::corpus().join("device_ca.pem")]).expect("a CA"));

static SIGNED_BODIES: LazyLock<Known> = LazyLock::new(|| {
    let mut known = Known::new();
    for input in signed_in("mdm_signature") {
        let (certificate, body) = accepted(&input, |_, read| read()).expect("a message of the corpus is signed");
        known.entry(certificate).or_default().insert(body.to_vec());
    }
    known
});

static SIGNED_CONTENTS: LazyLock<Known> = LazyLock::new(|| {
    let mut known = Known::new();
    for input in signed_in("device_message") {
        let message = device_signed::open(&input, &CAS).expect("a message of the corpus can be opened");
        assert_eq!(message.signature, Signature::Genuine, "a message of the corpus is signed");
        known.entry(fingerprint(&message.signer)).or_default().insert(message.content);
    }
    known
});

/// Returns the messages of a corpus that are known to be signed.
fn signed_in(target: &str) -> Vec<Vec<u8>> {
    let files =
        std::fs::read_dir(super::corpus().join(target)).expect("a corpus").map(|file| file.expect("a file").path());
    let signed =
        files.filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("signed-")));
    let signed: Vec<Vec<u8>> = signed.map(|path| std::fs::read(path).expect("the message can be read")).collect();
    assert!(!signed.is_empty(), "the corpus of {target} has signed messages");
    signed
}
