//! Templates of the certificates that this server issues, one for each [`Use`].

use openssl::asn1::{Asn1Integer, Asn1Time};
use openssl::bn::{BigNum, MsbOption};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKeyRef, Private, Public};
use openssl::x509::extension::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName, SubjectKeyIdentifier,
};
use openssl::x509::{X509, X509Builder, X509Extension, X509NameBuilder, X509Ref};
use std::net::IpAddr;

/// Certificates begin this much earlier, because the clocks of devices may be late.
const BACKDATED_SECONDS: i64 = 3_600;
const DAY_SECONDS: i64 = 86_400;

/// Purpose of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Signs certificates, none of which is a CA.
    Ca,
    /// SCEP: signs answers and receives encrypted requests (both usages, micromdm/scep#81).
    RegistrationAuthority,
    ProfileSigner,
    /// iOS 13 and later require SAN, this extended key usage and at most 825 days (support.apple.com HT210176).
    TlsServer,
    PushClient,
    DeviceIdentity,
}

/// A certificate to be signed.
pub(super) struct Template<'a> {
    pub purpose: Use,
    /// Short names and values, outermost first.
    pub subject: &'a [(&'a str, &'a str)],
    /// DNS names, IP addresses and URIs. A name with a colon that is not an IP address is a URI.
    pub alternative_names: &'a [String],
    /// Seconds since 1970.
    pub now: i64,
    /// Validity from `now` on, in days.
    pub days: u32,
}

impl Template<'_> {
    /// Signs the certificate with the issuer's key. Without an issuer, the certificate is self-signed with
    /// `signing_key`.
    pub(super) fn sign(
        &self,
        public_key: &PKeyRef<Public>,
        issuer: Option<&X509Ref>,
        signing_key: &PKeyRef<Private>,
    ) -> Result<X509, ErrorStack> {
        let mut builder = X509Builder::new()?;
        builder.set_version(2)?;
        let serial = serial_number()?;
        builder.set_serial_number(&serial)?;
        let mut subject = X509NameBuilder::new()?;
        for (name, value) in self.subject {
            subject.append_entry_by_text(name, value)?;
        }
        let subject = subject.build();
        builder.set_subject_name(&subject)?;
        builder.set_issuer_name(issuer.map_or(&*subject, |issuer| issuer.subject_name()))?;
        builder.set_pubkey(public_key)?;
        let not_before = Asn1Time::from_unix(self.now - BACKDATED_SECONDS)?;
        builder.set_not_before(&not_before)?;
        let not_after = Asn1Time::from_unix(self.not_after())?;
        builder.set_not_after(&not_after)?;
        for extension in self.purpose.extensions()? {
            builder.append_extension(extension)?;
        }
        let key_id = SubjectKeyIdentifier::new().build(&builder.x509v3_context(issuer, None))?;
        builder.append_extension(key_id)?;
        // A CA that the administrator provides may have no key identifier.
        if issuer.is_some_and(|issuer| issuer.subject_key_id().is_some()) {
            let authority = AuthorityKeyIdentifier::new().keyid(true).build(&builder.x509v3_context(issuer, None))?;
            builder.append_extension(authority)?;
        }
        if !self.alternative_names.is_empty() {
            let names = self.subject_alternative_name().build(&builder.x509v3_context(issuer, None))?;
            builder.append_extension(names)?;
        }
        builder.sign(signing_key, MessageDigest::sha256())?;
        Ok(builder.build())
    }

    /// Returns the expiry in seconds since 1970. It includes the backdating, so that the validity never exceeds 825
    /// days.
    pub(super) fn not_after(&self) -> i64 {
        self.now - BACKDATED_SECONDS + i64::from(self.days) * DAY_SECONDS
    }

    fn subject_alternative_name(&self) -> SubjectAlternativeName {
        let mut names = SubjectAlternativeName::new();
        for name in self.alternative_names {
            if name.parse::<IpAddr>().is_ok() {
                names.ip(name);
            } else if name.contains(':') {
                names.uri(name);
            } else {
                names.dns(name);
            }
        }
        names
    }
}

impl Use {
    fn extensions(self) -> Result<Vec<X509Extension>, ErrorStack> {
        let mut constraints = BasicConstraints::new();
        constraints.critical();
        let mut usage = KeyUsage::new();
        usage.critical().digital_signature();
        let mut extended = None;
        match self {
            Use::Ca => {
                constraints.ca().pathlen(0);
                usage.key_cert_sign().crl_sign();
            }
            Use::RegistrationAuthority => {
                usage.key_encipherment();
            }
            Use::ProfileSigner => {}
            Use::TlsServer => {
                usage.key_encipherment();
                extended = Some(ExtendedKeyUsage::new().server_auth().build()?);
            }
            Use::PushClient => extended = Some(ExtendedKeyUsage::new().client_auth().build()?),
            Use::DeviceIdentity => {
                usage.key_encipherment();
                extended = Some(ExtendedKeyUsage::new().client_auth().build()?);
            }
        }
        Ok([constraints.build()?, usage.build()?].into_iter().chain(extended).collect())
    }
}

// 127 random bits: positive in DER and unique.
fn serial_number() -> Result<Asn1Integer, ErrorStack> {
    let mut number = BigNum::new()?;
    number.rand(127, MsbOption::ONE, false)?;
    number.to_asn1_integer()
}
