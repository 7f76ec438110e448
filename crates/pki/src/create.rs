//! Creates the certificates and keys of a new installation, or checks the ones that the administrator provides.

mod given;

use super::files::{PkiError, write_new};
use super::template::{Template, Use};
use super::{Pki, TOPIC_PREFIX};
use crate::{PkiFiles, PushFiles};
pub use given::{Given, Pair};
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::{X509, X509Ref};
use std::path::{Path, PathBuf};
use world::World;

const KEY_BITS: u32 = 2048;
const TEN_YEARS: u32 = 3_650;
/// iOS 13 and later reject TLS certificates that are valid for more than 825 days.
const TLS_DAYS: u32 = 820;
const PUSH_DAYS: u32 = 365;
/// X.520 limits names to 64 characters.
const LONGEST_NAME: usize = 64;

/// Input of `init`.
pub struct Plan<'a> {
    /// Organization in the certificates' subjects, such as `Example School`.
    pub organization: &'a str,
    /// DNS names and IP addresses for the TLS certificate, if one is created.
    pub hosts: &'a [String],
    /// Create a private TLS root, a TLS certificate and a push certificate from a private root. Only for trials and
    /// the demo: Apple's push service and unmodified iPhones reject them.
    pub trial: bool,
    /// Files that exist already.
    pub given: Given,
}

/// The created files.
pub struct Made {
    pub files: PkiFiles,
    pub push_certificate: Option<PathBuf>,
    pub push_key: Option<PathBuf>,
    /// Files for a private push server; only in trials.
    pub push_server: Option<PushServerFiles>,
}

/// Certificates of a private push server.
#[derive(Debug, Clone)]
pub struct PushServerFiles {
    /// Root that signed both the server's certificate and the push certificate.
    pub root: PathBuf,
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Made {
    /// Returns the files of the push certificate.
    pub fn push(&self) -> PushFiles<'_> {
        PushFiles { certificate: self.push_certificate.as_deref(), key: self.push_key.as_deref() }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    #[error(transparent)]
    File(#[from] PkiError),
    #[error("OpenSSL could not make a key or certificate: {0}")]
    OpenSsl(#[from] ErrorStack),
    #[error(
        "there is no TLS certificate: give the server's own certificate and key (--tls-certificate, --tls-key), \
         or create a trial (--trial) with a private root that people must install and trust"
    )]
    NoTls,
}

/// Creates the missing files in `directory`, which is created with access for the owner only, and then loads all
/// files once.
///
/// # Errors
/// Returns an error if a provided file is unsuitable, a new file cannot be written, or there is no TLS certificate and
/// no trial is requested.
pub fn create(directory: &Path, plan: &Plan<'_>, world: &World) -> Result<Made, CreateError> {
    let now = world.now().0.div_euclid(1_000_000);
    plan.given.check(now)?;
    if plan.given.tls.is_none() && !plan.trial {
        return Err(CreateError::NoTls);
    }
    prepare(directory)?;
    let maker = Maker { directory, organization: plan.organization, now };
    let ca = match &plan.given.identity_ca {
        Some(pair) => Authority::read(pair)?,
        None => maker.authority("identity-ca", "device identity CA")?,
    };
    let ra = match &plan.given.registration_authority {
        Some(pair) => pair.clone(),
        None => {
            let name = maker.named("SCEP registration authority");
            maker.leaf("scep", Use::RegistrationAuthority, &[("CN", &name)], &[], &ca)?
        }
    };
    let tls = maker.tls(plan)?;
    let signer = match &plan.given.profile_signer {
        Some(pair) => pair.clone(),
        // Issued by the root that people install first, so that iOS shows the second profile as "Verified".
        None => {
            let issuer = tls.root.as_ref().unwrap_or(&ca);
            maker.leaf("profile-signer", Use::ProfileSigner, &[("CN", &maker.named("profiles"))], &[], issuer)?
        }
    };
    let push = maker.push(plan, world)?;
    let made = Made {
        files: PkiFiles {
            identity_ca_certificate: ca.pair.certificate,
            identity_ca_key: ca.pair.key,
            registration_authority_certificate: ra.certificate,
            registration_authority_key: ra.key,
            profile_signer_certificate: signer.certificate,
            profile_signer_key: signer.key,
            tls_certificate: tls.pair.certificate,
            tls_key: tls.pair.key,
            tls_root: tls.root.map(|root| root.pair.certificate).or_else(|| plan.given.tls_root.clone()),
            attestation_roots: vec![],
        },
        push_certificate: push.pair.as_ref().map(|pair| pair.certificate.clone()),
        push_key: push.pair.map(|pair| pair.key),
        push_server: push.server,
    };
    Pki::load(&made.files, made.push())?;
    Ok(made)
}

fn prepare(directory: &Path) -> Result<(), PkiError> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|error| {
        PkiError::new(directory, format!("cannot be created ({error})"), "use a directory that can be written to")
    })
}

/// A CA with its key and its files.
struct Authority {
    pair: Pair,
    certificate: X509,
    key: PKey<Private>,
}

impl Authority {
    fn read(pair: &Pair) -> Result<Authority, PkiError> {
        let credential = pair.read()?;
        Ok(Authority { pair: pair.clone(), certificate: credential.certificate, key: credential.key })
    }
}

struct Tls {
    pair: Pair,
    root: Option<Authority>,
}

struct PushMade {
    pair: Option<Pair>,
    server: Option<PushServerFiles>,
}

struct Maker<'a> {
    directory: &'a Path,
    organization: &'a str,
    now: i64,
}

impl Maker<'_> {
    fn tls(&self, plan: &Plan<'_>) -> Result<Tls, CreateError> {
        if let Some(pair) = &plan.given.tls {
            return Ok(Tls { pair: pair.clone(), root: None });
        }
        let root = self.authority("tls-root", "server root")?;
        let name = plan.hosts.first().map_or("localhost", String::as_str);
        let pair = self.leaf("tls", Use::TlsServer, &[("CN", name)], plan.hosts, &root)?;
        Ok(Tls { pair, root: Some(root) })
    }

    fn push(&self, plan: &Plan<'_>, world: &World) -> Result<PushMade, CreateError> {
        if plan.given.push.is_some() || !plan.trial {
            return Ok(PushMade { pair: plan.given.push.clone(), server: None });
        }
        let root = self.authority("push-root", "trial push root")?;
        let id = world.random_uuid().to_string();
        let (topic, name) = (format!("{TOPIC_PREFIX}External.{id}"), format!("APSP:{id}"));
        let subject = [("UID", topic.as_str()), ("CN", name.as_str())];
        let pair = self.leaf("push", Use::PushClient, &subject, &[], &root)?;
        let hosts = ["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
        let server = self.leaf("push-server", Use::TlsServer, &[("CN", "localhost")], &hosts, &root)?;
        let server = PushServerFiles { root: root.pair.certificate, certificate: server.certificate, key: server.key };
        Ok(PushMade { pair: Some(pair), server: Some(server) })
    }

    // Name of a certificate. People see it where iOS asks them to trust the certificate, so it begins with the
    // organization.
    fn named(&self, what: &str) -> String {
        let room = LONGEST_NAME - what.len() - 1;
        let organization: String = self.organization.chars().take(room).collect();
        match organization.trim() {
            "" => format!("Muster {what}"),
            organization => format!("{organization} {what}"),
        }
    }

    fn authority(&self, file: &str, what: &str) -> Result<Authority, CreateError> {
        let (pair, certificate, key) = self.make(file, Use::Ca, &[("CN", &self.named(what))], &[], None)?;
        Ok(Authority { pair, certificate, key })
    }

    fn leaf(
        &self,
        file: &str,
        purpose: Use,
        subject: &[(&str, &str)],
        names: &[String],
        issuer: &Authority,
    ) -> Result<Pair, CreateError> {
        Ok(self.make(file, purpose, subject, names, Some((&issuer.certificate, &issuer.key)))?.0)
    }

    fn make(
        &self,
        file: &str,
        purpose: Use,
        subject: &[(&str, &str)],
        names: &[String],
        issuer: Option<(&X509Ref, &PKey<Private>)>,
    ) -> Result<(Pair, X509, PKey<Private>), CreateError> {
        let key = PKey::from_rsa(Rsa::generate(KEY_BITS)?)?;
        let public = PKey::public_key_from_der(&key.public_key_to_der()?)?;
        let organization: String = self.organization.chars().take(LONGEST_NAME).collect();
        let named = (!organization.is_empty()).then_some(("O", organization.as_str()));
        let subject: Vec<_> = named.into_iter().chain(subject.iter().copied()).collect();
        let days = match purpose {
            Use::TlsServer => TLS_DAYS,
            Use::PushClient => PUSH_DAYS,
            _ => TEN_YEARS,
        };
        let template = Template { purpose, subject: &subject, alternative_names: names, now: self.now, days };
        let certificate = template.sign(&public, issuer.map(|(of, _)| of), issuer.map_or(&key, |(_, key)| key))?;
        let pair = Pair {
            certificate: self.directory.join(format!("{file}.pem")),
            key: self.directory.join(format!("{file}.key")),
        };
        write_new(&pair.key, &key.private_key_to_pem_pkcs8()?, 0o600)?;
        write_new(&pair.certificate, &certificate.to_pem()?, 0o644)?;
        Ok((pair, certificate, key))
    }
}

#[cfg(test)]
mod tests;
