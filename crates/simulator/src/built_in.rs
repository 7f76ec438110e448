//! The factory identity of a device, and the messages that it signs with it before it has an identity from a server.
//!
//! A simulator cannot have an identity from Apple. This one comes from a CA of the simulator that has the name, the
//! kind of key, the digests and even the expired validity period of Apple's CA. A server accepts it if it is
//! configured to.

use crate::chance;
use crate::device::Device;
use crate::messages;
use crate::signature::{self, Digest, Identity};
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::error::ErrorStack;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::x509::extension::BasicConstraints;
use openssl::x509::{X509, X509Name};
use std::sync::OnceLock;

/// 2007-04-16 to 2014-04-16, like "Apple iPhone Device CA".
const CA_DATES: (i64, i64) = (1_176_764_086, 1_397_688_886);
const YEAR: i64 = 365 * 24 * 60 * 60;

/// A CA that issues factory identities to devices.
pub struct DeviceCa {
    identity: Identity,
}

impl DeviceCa {
    /// Creates a CA with a new key and the name of Apple's CA.
    ///
    /// # Errors
    /// Returns an error if OpenSSL fails.
    pub fn new() -> Result<DeviceCa, ErrorStack> {
        let key = PKey::from_rsa(Rsa::generate(1024)?)?;
        let name = name(&[("C", "US"), ("O", "Apple Inc."), ("OU", "Apple iPhone"), ("CN", "Apple iPhone Device CA")])?;
        let mut certificate = X509::builder()?;
        certificate.set_version(2)?;
        certificate.set_subject_name(&name)?;
        certificate.set_issuer_name(&name)?;
        certificate.set_pubkey(&key)?;
        let serial = BigNum::from_u32(1)?.to_asn1_integer()?;
        certificate.set_serial_number(&serial)?;
        let (from, to) = (Asn1Time::from_unix(CA_DATES.0)?, Asn1Time::from_unix(CA_DATES.1)?);
        certificate.set_not_before(&from)?;
        certificate.set_not_after(&to)?;
        certificate.append_extension(BasicConstraints::new().critical().ca().build()?)?;
        certificate.sign(&key, Digest::Sha1.algorithm())?;
        Ok(DeviceCa { identity: Identity::new(certificate.build(), key) })
    }

    pub fn certificate(&self) -> &X509 {
        &self.identity.certificate
    }

    /// Issues an identity for one device, with an RSA key of `bits` bits (1024 in real devices) and a certificate
    /// signed with this digest. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// Returns an error if OpenSSL fails.
    pub fn issue(&self, common_name: &str, bits: u32, digest: Digest, now: i64) -> Result<Identity, ErrorStack> {
        let key = PKey::from_rsa(Rsa::generate(bits)?)?;
        let place = [("C", "US"), ("ST", "CA"), ("L", "Cupertino"), ("O", "Apple Inc."), ("OU", "iPhone")];
        let subject = name(&[&[("CN", common_name)], &place[..]].concat())?;
        let mut certificate = X509::builder()?;
        certificate.set_version(2)?;
        certificate.set_subject_name(&subject)?;
        certificate.set_issuer_name(self.identity.certificate.subject_name())?;
        certificate.set_pubkey(&key)?;
        let serial = BigNum::from_slice(&chance::bytes::<9>())?.to_asn1_integer()?;
        certificate.set_serial_number(&serial)?;
        let (from, to) = (Asn1Time::from_unix(now - YEAR)?, Asn1Time::from_unix(now + 2 * YEAR)?);
        certificate.set_not_before(&from)?;
        certificate.set_not_after(&to)?;
        certificate.sign(&self.identity.key, digest.algorithm())?;
        Ok(Identity::new(certificate.build(), key))
    }
}

/// The CA of all devices in this process that have no other one.
///
/// # Panics
/// Panics if OpenSSL fails.
pub fn device_ca() -> &'static DeviceCa {
    static CA: OnceLock<DeviceCa> = OnceLock::new();
    CA.get_or_init(|| DeviceCa::new().expect("OpenSSL makes a CA"))
}

fn name(parts: &[(&str, &str)]) -> Result<X509Name, ErrorStack> {
    let mut name = X509Name::builder()?;
    for (field, value) in parts {
        name.append_entry_by_text(field, value)?;
    }
    Ok(name.build())
}

/// The factory identity of a device, created at first use, and the certificates that the device sends with it.
#[derive(Default)]
pub struct BuiltIn(OnceLock<(Identity, Vec<X509>)>);

impl BuiltIn {
    /// A given identity with its chain.
    pub fn given(identity: Identity, chain: Vec<X509>) -> BuiltIn {
        BuiltIn((identity, chain).into())
    }
}

impl Device {
    /// Signs the content with the device's factory identity. The message contains the chain, as in iOS.
    ///
    /// # Errors
    /// Returns an error if OpenSSL cannot sign.
    pub fn sign_built_in(&self, content: &[u8]) -> Result<Vec<u8>, ErrorStack> {
        let (identity, chain) = self.identity_made_with()?;
        signature::attached(content, identity, chain, self.style)
    }

    /// Returns signed machine information (other/machineinfo.yaml), with which an account-driven enrollment begins.
    ///
    /// # Errors
    /// Returns an error if OpenSSL cannot sign.
    pub fn machine_info(&self, user_enrollment: bool) -> Result<Vec<u8>, ErrorStack> {
        self.sign_built_in(&messages::xml(&messages::machine_info(&self.hardware, user_enrollment, "en")))
    }

    fn identity_made_with(&self) -> Result<&(Identity, Vec<X509>), ErrorStack> {
        if let Some(made) = self.built_in.0.get() {
            return Ok(made);
        }
        // Real leaf certificates of 2024 have 1024 bits and are signed with SHA-256; older ones are signed with
        // SHA-1.
        let digest = if self.hardware.ios.major >= 15 { Digest::Sha256 } else { Digest::Sha1 };
        let identity = device_ca().issue(&chance::uuid(), 1024, digest, self.clock.now())?;
        Ok(self.built_in.0.get_or_init(|| (identity, vec![device_ca().certificate().clone()])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::KeyPool;
    use crate::model::{Family, Hardware, IosVersion};
    use crate::push_server::PushServer;
    use openssl::pkcs7::{Pkcs7, Pkcs7Flags};
    use openssl::stack::Stack;
    use openssl::x509::store::X509StoreBuilder;
    use plist::{Dictionary, Value};

    fn told(ios: IosVersion, user_enrollment: bool) -> Dictionary {
        let device = Device::new(Hardware::new(Family::IPhone, ios), KeyPool::fresh(), PushServer::nowhere());
        let message = Pkcs7::from_der(&device.machine_info(user_enrollment).unwrap()).unwrap();
        let (none, store) = (Stack::new().unwrap(), X509StoreBuilder::new().unwrap().build());
        let signers = message.signers(&none, Pkcs7Flags::empty()).unwrap();
        assert!(signers[0].verify(&device_ca().certificate().public_key().unwrap()).unwrap());
        assert_eq!(message.signed().unwrap().certificates().unwrap().len(), 2, "the message contains the whole chain");
        let mut content = Vec::new();
        message.verify(&none, &store, None, Some(&mut content), Pkcs7Flags::NOVERIFY | Pkcs7Flags::BINARY).unwrap();
        Value::from_reader_xml(&*content).unwrap().into_dictionary().unwrap()
    }

    #[test]
    fn a_personal_device_tells_no_identifier_of_its_hardware_and_its_version_from_seventeen_on() {
        let keys = |told: &Dictionary| {
            let mut keys: Vec<String> = told.keys().cloned().collect();
            keys.sort();
            keys.join(" ")
        };
        let old = told(IosVersion::new(16, 7), true);
        assert_eq!(keys(&old), "LANGUAGE PRODUCT VERSION");
        assert_eq!(keys(&told(IosVersion::new(17, 0), true)), "LANGUAGE OS_VERSION PRODUCT VERSION");
        let institutional = told(IosVersion::new(26, 0), false);
        assert_eq!(keys(&institutional), "IMEI LANGUAGE MEID OS_VERSION PRODUCT SERIAL UDID VERSION");
    }
}
