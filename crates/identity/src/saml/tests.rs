#[expect(unreachable_pub, reason = "the tests of the server include this file too")]
mod corpus;
#[expect(unreachable_pub, reason = "the tests of the server include this file too")]
mod forge;

use super::*;
use crate::Fault;
use crate::config;
use corpus::attacks;
use forge::*;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;
use world::ManualClock;

const NOW: Timestamp = Timestamp(1_800_000_000_000_000);
const HERE: &str = "https://enroll.example.test";

struct Trial {
    directory: TempDir,
    idp: Idp,
    own: Idp,
    serial: Cell<usize>,
}

impl Trial {
    fn new() -> Trial {
        let trial =
            Trial { directory: TempDir::new().unwrap(), idp: Idp::new(), own: Idp::new(), serial: Cell::new(0) };
        trial.write("idp.xml", &trial.idp.metadata());
        trial.write("own.pem", &String::from_utf8(trial.own.certificate.to_pem().unwrap()).unwrap());
        trial.write("own.key", &String::from_utf8(trial.own.key.private_key_to_pem_pkcs8().unwrap()).unwrap());
        trial
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn config(&self) -> config::Saml {
        let path = self.directory.path().display();
        toml::from_str(&format!("name = \"school\"\ntitle = \"Example School\"\nmetadata = \"{path}/idp.xml\""))
            .unwrap()
    }

    fn saml_with(&self, change: impl Fn(&mut config::Saml)) -> Saml {
        let mut config = self.config();
        let path = |name: &str| Some(self.directory.path().join(name));
        (config.decryption_certificate, config.decryption_key) = (path("own.pem"), path("own.key"));
        change(&mut config);
        Saml::load(&config, HERE).unwrap()
    }

    fn saml(&self) -> Saml {
        self.saml_with(|_| {})
    }

    fn facts(&self) -> Facts {
        self.serial.set(self.serial.get() + 1);
        Facts {
            audience: format!("{HERE}/saml/school/metadata"),
            consumer: format!("{HERE}/enroll/sso/school/acs"),
            request: "_request".into(),
            now: NOW.0 / 1_000_000,
            serial: self.serial.get(),
            encrypt_to: Some(self.own.certificate.clone()),
        }
    }
}

fn verify(saml: &Saml, document: &str) -> Result<Verified, Refused> {
    saml.verify(&field(document), saml.portal_consumer(), NOW)
}

#[test]
fn every_attack_is_refused_for_what_it_is_and_nothing_is_ever_fetched() {
    let trial = Trial::new();
    let saml = trial.saml();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let trap = listener.local_addr().unwrap().to_string();
    let attacks = attacks(&trial.idp, &|| trial.facts(), &trap);
    let mut wrong = Vec::new();
    for attack in &attacks {
        match saml.verify(&attack.field, saml.portal_consumer(), NOW) {
            Ok(_) => wrong.push(format!("{} was BELIEVED", attack.name)),
            Err(refused) if format!("{:?}", refused.disbelief.fault) != attack.fault => {
                wrong.push(format!("{}: {:?}, not {}", attack.name, refused.disbelief, attack.fault));
            }
            Err(refused) => assert!(!refused.disbelief.detail.is_empty(), "{}", attack.name),
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), attacks.len(), wrong.join("\n"));
    assert!(attacks.len() > 100, "{} attacks", attacks.len());
    assert!(listener.accept().is_err(), "something was fetched");
}

#[test]
fn a_good_answer_is_believed_however_it_is_signed() {
    let trial = Trial::new();
    let saml = trial.saml();
    let facts = trial.facts();
    for (how, document) in [
        ("assertion", trial.idp.with_signed_assertion(&facts)),
        ("response", trial.idp.with_signed_response(&facts)),
        ("both", trial.idp.with_both_signed(&facts)),
    ] {
        let verified = verify(&saml, &document).unwrap_or_else(|refused| panic!("{how}: {refused:?}"));
        assert_eq!(verified.in_response_to.as_deref(), Some("_request"), "{how}");
        assert_eq!(verified.assertion_id, facts.assertion_id());
        let account = verified.account;
        assert_eq!((account.provider.as_str(), account.issuer.as_str()), ("school", ISSUER));
        assert_eq!((account.subject.as_str(), account.user_name.as_str()), ("alice", "alice@example.test"));
        assert_eq!(account.mail.as_deref(), Some("alice@example.test"));
        assert_eq!(account.groups, BTreeSet::from(["enroll".to_owned(), "staff".to_owned()]));
        assert_eq!(verified.authenticated_at, NOW);
    }
}

#[test]
fn an_assertion_encrypted_with_oaep_and_gcm_in_a_signed_response_is_read() {
    let trial = Trial::new();
    let saml = trial.saml();
    let so = Encryption::default;
    let sha256 = Some("http://www.w3.org/2001/04/xmlenc#sha256");
    let mgf256 = Some("http://www.w3.org/2009/xmlenc11#mgf1sha256");
    for encryption in [
        so(),
        Encryption { data: AES128_GCM, ..so() },
        Encryption { digest: sha256, ..so() },
        Encryption { key: OAEP11, digest: sha256, mask: mgf256, ..so() },
        Encryption { beside: true, ..so() },
    ] {
        let document = trial.idp.with_encrypted(&trial.facts(), &encryption);
        let verified = verify(&saml, &document).unwrap_or_else(|refused| panic!("{encryption:?}: {refused:?}"));
        assert_eq!(verified.account.subject, "alice");
    }
}

#[test]
fn an_encrypted_assertion_without_a_key_of_ours_is_refused_with_what_to_change() {
    let trial = Trial::new();
    let saml = trial.saml_with(|config| (config.decryption_certificate, config.decryption_key) = (None, None));
    let document = trial.idp.with_encrypted(&trial.facts(), &Encryption::default());
    let refused = verify(&saml, &document).unwrap_err();
    assert_eq!(refused.disbelief.fault, Fault::EncryptionRefused);
    assert!(refused.disbelief.detail.contains("switch encryption off at the provider"), "{}", refused.disbelief);
    let document = trial.idp.with_encrypted(&trial.facts(), &Encryption { data: AES128_CBC, ..Encryption::default() });
    let refused = verify(&trial.saml(), &document).unwrap_err();
    assert!(refused.disbelief.detail.contains("aes128-cbc; let the provider use AES-GCM"), "{}", refused.disbelief);
}

#[test]
fn an_answer_for_the_console_does_not_open_the_portal() {
    let trial = Trial::new();
    let saml = trial.saml();
    let facts = Facts { consumer: saml.console_consumer().to_owned(), ..trial.facts() };
    let document = trial.idp.with_both_signed(&facts);
    assert!(saml.verify(&field(&document), saml.console_consumer(), NOW).is_ok());
    assert_eq!(verify(&saml, &document).unwrap_err().disbelief.fault, Fault::WrongDestination);
}

#[test]
fn while_a_provider_changes_its_key_answers_of_both_keys_are_believed() {
    let trial = Trial::new();
    let next = Idp::new();
    trial.write("idp.xml", &metadata(&[&trial.idp.certificate, &next.certificate]));
    let saml = trial.saml();
    for idp in [&trial.idp, &next] {
        assert!(verify(&saml, &idp.with_both_signed(&trial.facts())).is_ok());
    }
    assert_eq!(
        verify(&saml, &Idp::new().with_both_signed(&trial.facts())).unwrap_err().disbelief.fault,
        Fault::SignatureInvalid
    );
}

#[test]
fn a_key_counts_however_old_its_certificate_and_whoever_issued_it() {
    // The forge's own certificates expired in 2021. This one also has another issuer.
    let trial = Trial::new();
    let authority = Idp::new();
    let mut builder = openssl::x509::X509::builder().unwrap();
    builder.set_subject_name(trial.idp.certificate.subject_name()).unwrap();
    let mut issuer = openssl::x509::X509Name::builder().unwrap();
    issuer.append_entry_by_text("CN", "Example CA").unwrap();
    builder.set_issuer_name(&issuer.build()).unwrap();
    builder.set_pubkey(&trial.idp.key).unwrap();
    builder.set_not_before(trial.idp.certificate.not_before()).unwrap();
    builder.set_not_after(trial.idp.certificate.not_after()).unwrap();
    builder.sign(&authority.key, openssl::hash::MessageDigest::sha256()).unwrap();
    trial.write("idp.xml", &metadata(&[&builder.build()]));
    assert!(verify(&trial.saml(), &trial.idp.with_both_signed(&trial.facts())).is_ok());
}

#[test]
fn a_refused_answer_uses_up_nothing_of_a_good_one() {
    let trial = Trial::new();
    let saml = trial.saml();
    let facts = trial.facts();
    let good = trial.idp.with_signed_assertion(&facts);
    assert!(verify(&saml, &good.replace(">staff<", ">admins<")).is_err());
    assert!(verify(&saml, &good).is_ok());
    // Accepting an ID only once is the job of the log: the library holds no list, which a restart would empty.
    assert!(verify(&saml, &good).is_ok());
}

#[test]
fn what_nobody_asked_for_is_believed_only_where_that_is_switched_on() {
    let trial = Trial::new();
    let facts = trial.facts();
    let unasked = |text: String| text.replace("InResponseTo=\"_request\" ", "");
    let assertion = trial.idp.signed(&unasked(facts.assertion()), &facts.assertion_id(), &Signing::default());
    let document = unasked(facts.response(&assertion));
    assert_eq!(verify(&trial.saml(), &document).unwrap_err().disbelief.fault, Fault::Unsolicited);
    let allowing = trial.saml_with(|config| config.allow_unsolicited = true);
    assert_eq!(verify(&allowing, &document).unwrap().in_response_to, None);
    // An answer with only a part of the references to a request is not an unsolicited answer.
    let dangling = facts.response(&assertion);
    assert_eq!(verify(&allowing, &dangling).unwrap_err().disbelief.fault, Fault::Unsolicited);
}

#[test]
fn a_transient_name_takes_an_attribute_that_stays() {
    let trial = Trial::new();
    let facts = trial.facts();
    let transient = facts.assertion().replace("nameid-format:persistent", "nameid-format:transient").replace(
        "<saml:Attribute Name=\"mail\">",
        "<saml:Attribute FriendlyName=\"uid\" Name=\"urn:oid:0.9.2342.19200300.100.1.1\"><saml:AttributeValue>alice-1</saml:AttributeValue></saml:Attribute><saml:Attribute Name=\"mail\">",
    );
    let signed = trial.idp.signed(&transient, &facts.assertion_id(), &Signing::default());
    let document = facts.response(&signed);
    assert_eq!(verify(&trial.saml(), &document).unwrap_err().disbelief.fault, Fault::SubjectMissing);
    let by_attribute = trial.saml_with(|config| {
        config.subject_attribute = Some("uid".into());
        config.user_name_attribute = Some("mail".into());
        config.claims = vec!["groups".into(), "department".into()];
    });
    let account = verify(&by_attribute, &document).unwrap().account;
    assert_eq!((account.subject.as_str(), account.user_name.as_str()), ("alice-1", "alice@example.test"));
    assert_eq!(account.claims.keys().collect::<Vec<_>>(), ["groups"]);
    // With several values it is unknown which one is the person.
    let two = trial.saml_with(|config| config.subject_attribute = Some("groups".into()));
    assert_eq!(verify(&two, &document).unwrap_err().disbelief.fault, Fault::SubjectMissing);
}

#[test]
fn clocks_may_differ_by_a_minute() {
    let trial = Trial::new();
    let saml = trial.saml();
    let field = field(&trial.idp.with_both_signed(&trial.facts()));
    let at = |seconds: i64| saml.verify(&field, saml.portal_consumer(), NOW.plus_seconds(seconds));
    assert!(at(-59).is_ok() && at(359).is_ok());
    for seconds in [-62, 361] {
        assert_eq!(at(seconds).unwrap_err().disbelief.fault, Fault::OutsideValidity, "{seconds}");
    }
}

#[test]
fn a_refusal_tells_which_request_it_claims_to_answer_and_nothing_of_the_person() {
    let trial = Trial::new();
    let document = trial.idp.with_signed_assertion(&trial.facts()).replace(">alice<", ">mallory<");
    let refused = verify(&trial.saml(), &document).unwrap_err();
    assert_eq!(refused.in_response_to.as_deref(), Some("_request"));
    assert!(!refused.disbelief.detail.contains("mallory"), "{}", refused.disbelief);
}

#[test]
fn metadata_is_refused_where_nothing_could_be_verified_with_it() {
    let trial = Trial::new();
    let good = trial.idp.metadata();
    let weak = PKey::from_rsa(openssl::rsa::Rsa::generate(1024).unwrap()).unwrap();
    let weak = metadata(&[&certificate(&weak)]);
    for (text, says) in [
        (metadata(&[]), "no signing certificate"),
        (good.replace("use=\"signing\"", "use=\"encryption\""), "no signing certificate"),
        (weak, "1024 bits"),
        (good.replace("IDPSSODescriptor", "AttributeAuthorityDescriptor"), ""),
        (good.replace("HTTP-Redirect", "HTTP-POST"), "HTTP-Redirect"),
        (good.replace("https://idp.example.test/sso", "http://idp.example.test/sso"), "not https"),
        (
            format!(
                "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\">{good}{good}</md:EntitiesDescriptor>"
            ),
            "2 identity providers",
        ),
        (format!("<!DOCTYPE x>{good}"), "cannot be parsed as XML"),
        ("<html/>".into(), ""),
        (String::new(), "cannot be parsed as XML"),
    ] {
        let path = trial.write("idp.xml", &text);
        let error = Saml::load(&trial.config(), HERE).err().unwrap_or_else(|| panic!("{text} was taken"));
        assert!(error.contains(says) && error.contains(&path.display().to_string()), "{error}");
    }
}

// Typical files of administrators: each contains one identity provider and is parsed as that one.
#[test]
fn metadata_is_read_in_whatever_shape_it_was_saved() {
    let trial = Trial::new();
    let good = trial.idp.metadata();
    let utf16 = |text: &str, mark: [u8; 2], of: fn(u16) -> [u8; 2]| {
        let units = text.encode_utf16().flat_map(of);
        mark.into_iter().chain(units).collect::<Vec<u8>>()
    };
    let declared = format!("<?xml version=\"1.0\" encoding=\"utf-16\"?>\n{good}");
    let around = |inside: &str| {
        format!(
            "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" Name=\"realm\">{inside}</md:EntitiesDescriptor>"
        )
    };
    let sp = "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"https://sp.example.test\"><md:SPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"><md:AssertionConsumerService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"https://sp.example.test/\" index=\"0\"/></md:SPSSODescriptor></md:EntityDescriptor>";
    let armoured = good
        .replace("X509Certificate>MII", "X509Certificate>-----BEGIN CERTIFICATE-----\nMII")
        .replace("</ds:X509Certificate>", "\n-----END CERTIFICATE-----</ds:X509Certificate>");
    assert!(armoured.contains("BEGIN CERTIFICATE"));
    for (shape, bytes) in [
        ("one in EntitiesDescriptor", around(&good).into_bytes()),
        ("one next to a service provider", around(&format!("{sp}{good}")).into_bytes()),
        ("UTF-16, little end first", utf16(&declared, [0xFF, 0xFE], u16::to_le_bytes)),
        ("UTF-16, big end first", utf16(&declared, [0xFE, 0xFF], u16::to_be_bytes)),
        ("UTF-8 with a mark", [b"\xEF\xBB\xBF", good.as_bytes()].concat()),
        ("armoured", armoured.into_bytes()),
    ] {
        std::fs::write(trial.directory.path().join("idp.xml"), bytes).unwrap();
        let saml = Saml::load(&trial.config(), HERE).unwrap_or_else(|error| panic!("{shape}: {error}"));
        let verified = verify(&saml, &trial.idp.with_both_signed(&trial.facts()));
        assert!(verified.is_ok(), "{shape}: {verified:?}");
    }
}

#[test]
fn a_weak_key_beside_a_good_one_is_passed_over_and_told() {
    let trial = Trial::new();
    let weak = PKey::from_rsa(openssl::rsa::Rsa::generate(1024).unwrap()).unwrap();
    trial.write("idp.xml", &metadata(&[&certificate(&weak), &trial.idp.certificate]));
    assert!(verify(&trial.saml(), &trial.idp.with_both_signed(&trial.facts())).is_ok());
    let findings = check(&trial.config(), HERE, NOW);
    let finding = findings.iter().find(|finding| finding.code == "saml-key-passed-over").unwrap();
    assert!(finding.wrong.contains("1024 bits"), "{finding}");
    let forged = Idp { certificate: certificate(&weak), key: weak };
    assert!(verify(&trial.saml(), &forged.with_both_signed(&trial.facts())).is_err());
}

#[test]
fn an_opaque_name_is_never_the_name_that_is_shown() {
    let trial = Trial::new();
    let facts = trial.facts();
    let shown = |format: &str, change: &dyn Fn(String) -> String| {
        let assertion =
            change(facts.assertion().replace("urn:oasis:names:tc:SAML:2.0:nameid-format:persistent", format));
        let signed = trial.idp.signed(&assertion, &facts.assertion_id(), &Signing::default());
        verify(&trial.saml(), &facts.response(&signed)).unwrap().account.user_name
    };
    let persistent = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
    let bare =
        |text: String| text.replace("Name=\"mail\"", "Name=\"other\"").replace("Name=\"displayName\"", "Name=\"x\"");
    assert_eq!(shown(persistent, &|text| text), "alice@example.test");
    assert_eq!(shown(persistent, &bare), "school");
    assert_eq!(shown("urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress", &bare), "alice");
}

#[test]
fn a_wrong_clock_is_named_as_the_cause() {
    let trial = Trial::new();
    let saml = trial.saml();
    let field = field(&trial.idp.with_both_signed(&trial.facts()));
    let refused = saml.verify(&field, saml.portal_consumer(), NOW.plus_seconds(4_000)).unwrap_err();
    assert!(refused.disbelief.detail.contains("4000 seconds behind this server's clock"), "{}", refused.disbelief);
}

#[test]
fn metadata_out_of_date_lets_nobody_in() {
    let trial = Trial::new();
    let dated = trial.idp.metadata().replace("entityID=", "validUntil=\"2027-01-15T08:00:00Z\" entityID=");
    trial.write("idp.xml", &dated);
    let saml = trial.saml();
    let world = |now| World::at(Arc::new(ManualClock::at(now)));
    let (before, after) = (Timestamp(1_799_999_999_000_000), Timestamp(1_800_000_000_000_000));
    assert!(saml.begin(&world(before), saml.portal_consumer()).is_ok());
    assert!(saml.begin(&world(after), saml.portal_consumer()).unwrap_err().contains("2027-01-15"));
    let refused = verify(&saml, &trial.idp.with_both_signed(&trial.facts())).unwrap_err();
    assert_eq!(refused.disbelief.fault, Fault::ProviderUnavailable);
    let codes = |now| codes_of(&check(&trial.config(), HERE, now));
    assert_eq!(codes(after), ["saml-metadata-expired"]);
    assert_eq!(codes(before), ["saml-metadata-expires-soon"]);
    assert_eq!(codes(before.plus_seconds(-40 * 86_400)), Vec::<&str>::new());
}

// The note with the address of our metadata is always there.
fn codes_of(findings: &[findings::Finding]) -> Vec<&'static str> {
    let codes = findings.iter().map(|finding| finding.code);
    codes.filter(|code| *code != "saml-metadata-address").collect()
}

#[test]
fn check_config_says_what_is_wrong_about_a_provider() {
    let trial = Trial::new();
    let path = |name: &str| Some(trial.directory.path().join(name));
    let other = String::from_utf8(Idp::new().key.private_key_to_pem_pkcs8().unwrap()).unwrap();
    trial.write("other.key", &other);
    let codes = |change: &dyn Fn(&mut config::Saml)| {
        let mut config = trial.config();
        change(&mut config);
        codes_of(&check(&config, HERE, NOW))
    };
    let findings = check(&trial.config(), HERE, NOW);
    assert_eq!(findings[0].code, "saml-metadata-address");
    assert!(findings[0].mend.ends_with("https://enroll.example.test/saml/school/metadata"), "{}", findings[0]);
    assert_eq!(codes(&|_| {}), Vec::<&str>::new());
    assert_eq!(codes(&|config| config.allow_unsolicited = true), ["saml-unsolicited-allowed"]);
    assert_eq!(codes(&|config| config.metadata = "/nowhere".into()), ["saml-metadata-unusable"]);
    assert_eq!(codes(&|config| config.signing_key = path("own.key")), ["saml-key-pair-unusable"]);
    let mismatched = |config: &mut config::Saml| {
        (config.decryption_certificate, config.decryption_key) = (path("own.pem"), path("other.key"));
    };
    assert_eq!(codes(&mismatched), ["saml-key-pair-unusable"]);
    trial.write(
        "idp.xml",
        &trial
            .idp
            .metadata()
            .replace("<md:IDPSSODescriptor ", "<md:IDPSSODescriptor WantAuthnRequestsSigned=\"true\" "),
    );
    assert_eq!(codes(&|_| {}), ["saml-requests-unsigned"]);
}

fn query(url: &str) -> std::collections::BTreeMap<String, String> {
    url::Url::parse(url).unwrap().query_pairs().into_owned().collect()
}

fn inflated(encoded: &str) -> String {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(encoded).unwrap();
    String::from_utf8(gamlastan::bindings::deflate::deflate_decompress(&bytes).unwrap()).unwrap()
}

#[test]
fn a_request_is_random_tells_nothing_and_is_signed_if_there_is_a_key() {
    let trial = Trial::new();
    let world = World::at(Arc::new(ManualClock::at(NOW)));
    let plain = trial.saml();
    let begun = [0; 2].map(|_| plain.begin(&world, plain.portal_consumer()).unwrap());
    assert_ne!(begun[0].request_id, begun[1].request_id);
    assert!(begun[0].request_id.len() >= 33 && begun[0].request_id.starts_with('_'), "{}", begun[0].request_id);
    let parameters = query(&begun[0].url);
    assert_eq!(parameters.keys().collect::<Vec<_>>(), ["SAMLRequest"]);
    let request = inflated(&parameters["SAMLRequest"]);
    for part in [begun[0].request_id.as_str(), plain.portal_consumer(), &plain.entity_id, "2027-01-15T08:00:00Z"] {
        assert!(request.contains(part), "{part} is not in {request}");
    }
    let path = |name: &str| Some(trial.directory.path().join(name));
    let signing =
        trial.saml_with(|config| (config.signing_certificate, config.signing_key) = (path("own.pem"), path("own.key")));
    let url = signing.begin(&world, signing.console_consumer()).unwrap().url;
    let (signed, signature) = url.split_once('?').unwrap().1.rsplit_once("&Signature=").unwrap();
    assert!(signed.ends_with("&SigAlg=http%3A%2F%2Fwww.w3.org%2F2001%2F04%2Fxmldsig-more%23rsa-sha256"), "{signed}");
    use base64::Engine as _;
    let signature = query(&format!("https://x/?s={signature}"))["s"].clone();
    let signature = base64::engine::general_purpose::STANDARD.decode(signature).unwrap();
    let public = trial.own.certificate.public_key().unwrap();
    let mut verifier = openssl::sign::Verifier::new(openssl::hash::MessageDigest::sha256(), &public).unwrap();
    assert!(verifier.verify_oneshot(&signature, signed.as_bytes()).unwrap());
}

#[test]
fn our_metadata_names_both_consumers_and_only_the_keys_there_are() {
    let trial = Trial::new();
    let path = |name: &str| Some(trial.directory.path().join(name));
    let bare = trial.saml_with(|config| (config.decryption_certificate, config.decryption_key) = (None, None));
    let both = |saml: &Saml| saml.metadata(&[saml.portal_consumer(), saml.console_consumer()]);
    let text = both(&bare);
    assert!(!text.contains("KeyDescriptor") && text.contains("AuthnRequestsSigned=\"false\""), "{text}");
    let full =
        trial.saml_with(|config| (config.signing_certificate, config.signing_key) = (path("own.pem"), path("own.key")));
    let text = both(&full);
    let document = gamlastan::xml::parse_secure_metadata(&text).unwrap();
    use gamlastan::metadata::types::entity_descriptor::EntityDescriptorRef;
    let entity = gamlastan::xml::parse_saml::<EntityDescriptorRef<'_>>(&document).unwrap().to_owned();
    assert_eq!(entity.entity_id, "https://enroll.example.test/saml/school/metadata");
    let role = &entity.sp_sso_descriptors()[0];
    let consumers: Vec<_> =
        role.assertion_consumer_services.iter().map(|one| (one.index, one.endpoint.location.as_str())).collect();
    assert_eq!(consumers, [(0, full.portal_consumer()), (1, full.console_consumer())]);
    let own = trial.own.certificate.to_der().unwrap();
    assert_eq!((role.signing_certificates_der(), role.encryption_certificates_der()), (vec![own.clone()], vec![own]));
    assert!(text.contains("WantAssertionsSigned=\"true\"") && text.contains("AuthnRequestsSigned=\"true\""));
}
