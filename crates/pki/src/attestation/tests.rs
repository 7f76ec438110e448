//! Tests with chains of every wrong form, created by the simulator, which shares no code with the verifier, and with
//! Apple's own root.

use super::*;
use events::device::plain_identifier;
use openssl::pkey::Private;
use openssl::x509::extension::BasicConstraints;
use simulator::attestation::{AttestationCa, Attested};
use std::sync::LazyLock;

const NOW: i64 = 1_790_000_000;
const NONCE: &[u8] = &[7; 32];
const HARDWARE: (&str, &str) = ("00008110-000A1B2C3D4E5F60", "F4GX1234ABCD");

static CA: LazyLock<AttestationCa> = LazyLock::new(|| AttestationCa::new().unwrap());

/// Apple's root and these certificates as roots.
fn roots(certificates: &[&X509Ref]) -> AttestationRoots {
    let file = tempfile::NamedTempFile::new().unwrap();
    let pem: Vec<u8> = certificates.iter().flat_map(|certificate| certificate.to_pem().unwrap()).collect();
    std::fs::write(file.path(), pem).unwrap();
    let files: Vec<PathBuf> = certificates.first().map(|_| file.path().to_owned()).into_iter().collect();
    AttestationRoots::load(&files).unwrap()
}

fn expected() -> Expected<'static> {
    Expected { nonce: NONCE, udid: HARDWARE.0, plain: plain_identifier, serial_number: Some(HARDWARE.1), unix: NOW }
}

fn attested() -> Attested<'static> {
    Attested { nonce: NONCE, udid: HARDWARE.0, serial_number: HARDWARE.1, made: NOW }
}

fn proves(chain: &[Vec<u8>]) -> Result<(), Unproven> {
    roots(&[CA.certificate()]).prove(chain, &expected())
}

#[test]
fn a_chain_to_a_trusted_root_with_the_nonce_and_the_hardware_proves_it() {
    let chain = CA.attest(&attested()).unwrap();
    assert_eq!(proves(&chain), Ok(()));
    let root = CA.certificate().to_der().unwrap();
    assert_eq!(proves(&[chain, vec![root]].concat()), Ok(()), "the chain may include the root");
    let spelled = Attested { udid: "00008110000a1b2c3d4e5f60", ..attested() };
    assert_eq!(proves(&CA.attest(&spelled).unwrap()), Ok(()), "dashes and upper and lower case may differ");
}

#[test]
fn apples_root_alone_trusts_no_chain_of_another_with_its_name() {
    let chain = CA.attest(&attested()).unwrap();
    let root = CA.certificate().to_der().unwrap();
    for chain in [chain.clone(), [chain, vec![root]].concat()] {
        assert_eq!(roots(&[]).prove(&chain, &expected()), Err(Unproven::ForeignRoot));
    }
}

#[test]
fn the_key_of_apples_root_has_the_identifier_that_apples_certificate_names() {
    let root = apple().unwrap();
    let key = root.key.ec_key().unwrap();
    let mut context = BigNumContext::new().unwrap();
    let form = openssl::ec::PointConversionForm::UNCOMPRESSED;
    let point = key.public_key().to_bytes(key.group(), form, &mut context).unwrap();
    let identifier = hex::encode(openssl::sha::sha1(&point));
    assert_eq!(identifier, "f36a4d019df26b81a55e5dbbe5086d56e2f9deba", "its subjectKeyIdentifier");
}

#[test]
fn the_root_that_apple_publishes_is_the_one_that_is_built_in() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/samples/apple-ca/apple-enterprise-attestation-root-ca.pem");
    let Ok(pem) = std::fs::read(path) else {
        return test_support::left_out("no certificates of Apple's in ../shared/samples/apple-ca");
    };
    let published = X509::from_pem(&pem).unwrap();
    let digest = published.digest(openssl::hash::MessageDigest::sha256()).unwrap();
    assert_eq!(hex::encode_upper(digest), "CCF59EF8FCB3017D97F8B5FA6FA90E7A3F9283F76B55AC6CF6EDA8B8B949F05B");
    let root = apple().unwrap();
    assert!(root.signed(&published) && root.key.public_eq(&published.public_key().unwrap()));
    // The built-in root verifies it like any other certificate, but it is not a leaf.
    let chain = [published.to_der().unwrap()];
    assert_eq!(roots(&[]).prove(&chain, &expected()), Err(Unproven::Malformed));
}

#[test]
fn another_nonce_proves_nothing_nor_does_the_hash_of_the_nonce_or_none() {
    let hash = openssl::sha::sha256(NONCE);
    for nonce in [&[8; 32][..], &hash, &NONCE[..31], b""] {
        assert_eq!(proves(&CA.attest(&Attested { nonce, ..attested() }).unwrap()), Err(Unproven::OtherNonce));
    }
    let without = [(UDID_TEXT, HARDWARE.0.as_bytes())];
    assert_eq!(proves(&CA.issue(&without, (NOW, NOW + 60)).unwrap()), Err(Unproven::OtherNonce));
}

const UDID_TEXT: &str = "1.2.840.113635.100.8.9.2";
const FRESHNESS_TEXT: &str = "1.2.840.113635.100.8.11.1";

#[test]
fn other_hardware_proves_nothing_and_neither_does_none() {
    for udid in ["00008110-000A1B2C3D4E5F61", ""] {
        assert_eq!(proves(&CA.attest(&Attested { udid, ..attested() }).unwrap()), Err(Unproven::OtherHardware));
    }
    let other = Attested { serial_number: "F4GX1234ABCE", ..attested() };
    assert_eq!(proves(&CA.attest(&other).unwrap()), Err(Unproven::OtherHardware));
    let without = [(FRESHNESS_TEXT, NONCE)];
    assert_eq!(proves(&CA.issue(&without, (NOW, NOW + 60)).unwrap()), Err(Unproven::OtherHardware));
    let blank = Attested { serial_number: "", ..attested() };
    assert_eq!(
        proves(&CA.attest(&blank).unwrap()),
        Ok(()),
        "an empty serial number means that Apple could not verify it"
    );
}

#[test]
fn a_value_that_stands_twice_says_nothing() {
    let twice = [(FRESHNESS_TEXT, NONCE), (FRESHNESS_TEXT, NONCE), (UDID_TEXT, HARDWARE.0.as_bytes())];
    assert_eq!(proves(&CA.issue(&twice, (NOW, NOW + 60)).unwrap()), Err(Unproven::Malformed));
}

#[test]
fn a_leaf_counts_within_its_time_alone() {
    let day = 86_400;
    for (made, verdict) in [
        (NOW - 89 * day, Ok(())),
        (NOW - 91 * day, Err(Unproven::OutOfTime)),
        (NOW + 60, Ok(())),
        (NOW + day, Err(Unproven::OutOfTime)),
    ] {
        assert_eq!(proves(&CA.attest(&Attested { made, ..attested() }).unwrap()), verdict, "{made}");
    }
}

#[test]
fn a_chain_with_a_gap_a_wrong_order_or_a_foreign_link_is_none() {
    let chain = CA.attest(&attested()).unwrap();
    let other = AttestationCa::new().unwrap();
    let foreign = other.intermediate().to_der().unwrap();
    assert_eq!(proves(&chain[..1]), Err(Unproven::ForeignRoot));
    assert_eq!(proves(&[chain[0].clone(), foreign]), Err(Unproven::ForeignRoot));
    assert_eq!(proves(&[chain[1].clone(), chain[0].clone()]), Err(Unproven::Malformed), "a CA is not a leaf");
    assert_eq!(proves(&[]), Err(Unproven::Malformed));
    assert_eq!(proves(&vec![chain[0].clone(); 5]), Err(Unproven::Malformed));
    assert_eq!(proves(&[vec![0x30; 5_000]]), Err(Unproven::Malformed));
    assert_eq!(proves(&[[&chain[0][..], b"more"].concat(), chain[1].clone()]), Err(Unproven::Malformed));
}

/// Creates a certificate with this key, with the given names, signed with SHA-256.
fn signed(
    key: &PKey<Private>,
    (issuer, by): (&openssl::x509::X509NameRef, &PKey<Private>),
    ca: Option<BasicConstraints>,
    values: &[(&str, &[u8])],
) -> X509 {
    let mut name = X509Name::builder().unwrap();
    name.append_entry_by_text("CN", &hex::encode(&key.public_key_to_der().unwrap()[60..80])).unwrap();
    let mut certificate = X509::builder().unwrap();
    certificate.set_version(2).unwrap();
    certificate.set_subject_name(&name.build()).unwrap();
    certificate.set_issuer_name(issuer).unwrap();
    certificate.set_pubkey(key).unwrap();
    certificate.set_not_before(&Asn1Time::from_unix(NOW - 60).unwrap()).unwrap();
    certificate.set_not_after(&Asn1Time::from_unix(NOW + 60).unwrap()).unwrap();
    if let Some(ca) = ca {
        certificate.append_extension(ca.build().unwrap()).unwrap();
    }
    for (oid, value) in values {
        let oid = openssl::asn1::Asn1Object::from_str(oid).unwrap();
        let value = openssl::asn1::Asn1OctetString::new_from_bytes(value).unwrap();
        certificate.append_extension(openssl::x509::X509Extension::new_from_der(&oid, false, &value).unwrap()).unwrap();
    }
    certificate.sign(by, openssl::hash::MessageDigest::sha256()).unwrap();
    certificate.build()
}

fn curve_key() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

#[test]
fn who_is_no_ca_or_may_sign_no_further_ca_attests_nothing() {
    let (root_key, middle_key, last_key, leaf_key) = (curve_key(), curve_key(), curve_key(), curve_key());
    let ca = || {
        let mut constraints = BasicConstraints::new();
        constraints.critical().ca();
        constraints
    };
    let nobody = X509Name::builder().unwrap().build();
    let root = signed(&root_key, (&nobody, &root_key), Some(ca()), &[]);
    let values = [(FRESHNESS_TEXT, NONCE), (UDID_TEXT, HARDWARE.0.as_bytes())];
    let verdict = |middle: Option<BasicConstraints>, last: Option<BasicConstraints>| {
        let middle = signed(&middle_key, (root.subject_name(), &root_key), middle, &[]);
        let last = signed(&last_key, (middle.subject_name(), &middle_key), last, &[]);
        let leaf = signed(&leaf_key, (last.subject_name(), &last_key), None, &values);
        let chain: Vec<Vec<u8>> = [leaf, last, middle].iter().map(|one| one.to_der().unwrap()).collect();
        roots(&[&root]).prove(&chain, &expected())
    };
    let ending = || {
        let mut constraints = ca();
        constraints.pathlen(0);
        constraints
    };
    assert_eq!(verdict(Some(ca()), Some(ending())), Ok(()));
    assert_eq!(verdict(Some(ending()), Some(ca())), Err(Unproven::ForeignRoot), "this CA may have no CA below it");
    assert_eq!(verdict(Some(ca()), None), Err(Unproven::ForeignRoot), "the last one is not a CA");
    assert_eq!(verdict(None, Some(ca())), Err(Unproven::ForeignRoot), "the first one is not a CA");
}
