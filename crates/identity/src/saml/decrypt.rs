//! Decryption of assertions with OpenSSL: RSA-OAEP and AES-GCM, and nothing else.
//!
//! AES-CBC and RSA 1.5 reveal the plain text to an attacker who may send many altered answers (XML Encryption 1.1,
//! 6.1.1; SAML Core E93). Answers are decrypted only after their outer signature was verified.

use super::tree::{DSIG, Tree, XENC};
use crate::{Disbelief, Fault};
use base64::Engine as _;
use gamlastan::xml::NodeId;
use openssl::encrypt::Decrypter;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Padding;
use openssl::symm::{Cipher, decrypt_aead};

const XENC11: &str = "http://www.w3.org/2009/xmlenc11#";
/// A nonce of 96 bits comes before the encrypted text and a tag of 128 bits after it (XML Encryption 1.1, 5.2.4).
const NONCE: usize = 12;
const TAG: usize = 16;

fn refused(detail: impl Into<String>) -> Disbelief {
    Disbelief::new(Fault::EncryptionRefused, detail)
}

// One message for every failure with a key: the failed step would reveal information to an attacker.
fn failed() -> Disbelief {
    refused("the assertion cannot be decrypted: the provider must encrypt it to the certificate in our metadata")
}

/// Decrypts the content of an `EncryptedAssertion`.
pub(crate) fn assertion(tree: &Tree<'_>, encrypted: NodeId, key: Option<&PKey<Private>>) -> Result<String, Disbelief> {
    let key = key.ok_or_else(|| {
        refused("the assertion is encrypted, and no decryption_key is configured: switch encryption off at the provider, or configure a key and give the provider the metadata of this server again")
    })?;
    let data = tree.only(encrypted, XENC, "EncryptedData")?;
    let cipher = match method(tree, data)? {
        "http://www.w3.org/2009/xmlenc11#aes128-gcm" => Cipher::aes_128_gcm(),
        "http://www.w3.org/2009/xmlenc11#aes192-gcm" => Cipher::aes_192_gcm(),
        "http://www.w3.org/2009/xmlenc11#aes256-gcm" => Cipher::aes_256_gcm(),
        other => {
            let other: String = other.chars().take(100).filter(|c| c.is_ascii_graphic()).collect();
            return Err(refused(format!(
                "the assertion is encrypted with {other}; let the provider use AES-GCM ({XENC11}aes256-gcm) and RSA-OAEP, or switch encryption off there"
            )));
        }
    };
    let content_key = unwrap(tree, key_element(tree, encrypted, data)?, key)?;
    let bytes = cipher_value(tree, data)?;
    if content_key.len() != cipher.key_len() || bytes.len() < NONCE + TAG {
        return Err(failed());
    }
    let (nonce, rest) = bytes.split_at(NONCE);
    let (body, tag) = rest.split_at(rest.len() - TAG);
    let plain = decrypt_aead(cipher, &content_key, Some(nonce), &[], body, tag).map_err(|_| failed())?;
    String::from_utf8(plain).map_err(|_| failed())
}

fn method<'t>(tree: &'t Tree<'_>, of: NodeId) -> Result<&'t str, Disbelief> {
    let method = tree.only(of, XENC, "EncryptionMethod")?;
    Ok(tree.attribute(method, "Algorithm").unwrap_or_default())
}

// The encrypted key is in the KeyInfo of the data or next to the data. There must be exactly one.
fn key_element(tree: &Tree<'_>, encrypted: NodeId, data: NodeId) -> Result<NodeId, Disbelief> {
    let infos = tree.children_named(data, DSIG, "KeyInfo").into_iter();
    let mut keys: Vec<NodeId> = infos.flat_map(|info| tree.children_named(info, XENC, "EncryptedKey")).collect();
    keys.extend(tree.children_named(encrypted, XENC, "EncryptedKey"));
    match keys[..] {
        [one] => Ok(one),
        _ => Err(refused(format!("the assertion has {} encrypted keys instead of one", keys.len()))),
    }
}

fn unwrap(tree: &Tree<'_>, element: NodeId, key: &PKey<Private>) -> Result<Vec<u8>, Disbelief> {
    let mut decrypter = Decrypter::new(key).map_err(|_| failed())?;
    let algorithm = method(tree, element)?;
    let (digest, mask) = match algorithm {
        "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p" => (digest(tree, element)?, MessageDigest::sha1()),
        "http://www.w3.org/2009/xmlenc11#rsa-oaep" => (digest(tree, element)?, mask(tree, element)?),
        _ => {
            let detail = "the assertion's key is not encrypted with RSA-OAEP; let the provider use RSA-OAEP \
                          (http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p)";
            return Err(refused(detail));
        }
    };
    let wrapped = cipher_value(tree, element)?;
    let mut set = || {
        decrypter.set_rsa_padding(Padding::PKCS1_OAEP)?;
        decrypter.set_rsa_oaep_md(digest)?;
        decrypter.set_rsa_mgf1_md(mask)?;
        let mut key = vec![0; decrypter.decrypt_len(&wrapped)?];
        let length = decrypter.decrypt(&wrapped, &mut key)?;
        key.truncate(length);
        Ok::<_, openssl::error::ErrorStack>(key)
    };
    set().map_err(|_| failed())
}

// SHA-1 is the default of the standard. It is safe in OAEP, which does not depend on collision resistance.
fn digest(tree: &Tree<'_>, element: NodeId) -> Result<MessageDigest, Disbelief> {
    let method = tree.only(element, XENC, "EncryptionMethod")?;
    let given = tree.children_named(method, DSIG, "DigestMethod");
    match given.first().and_then(|given| tree.attribute(*given, "Algorithm")) {
        None | Some("http://www.w3.org/2000/09/xmldsig#sha1") => Ok(MessageDigest::sha1()),
        Some("http://www.w3.org/2001/04/xmlenc#sha256") => Ok(MessageDigest::sha256()),
        Some("http://www.w3.org/2001/04/xmlenc#sha512") => Ok(MessageDigest::sha512()),
        Some(_) => Err(refused("RSA-OAEP is used with a digest other than SHA-1, SHA-256 and SHA-512")),
    }
}

fn mask(tree: &Tree<'_>, element: NodeId) -> Result<MessageDigest, Disbelief> {
    let method = tree.only(element, XENC, "EncryptionMethod")?;
    let given = tree.children_named(method, XENC11, "MGF");
    match given.first().and_then(|given| tree.attribute(*given, "Algorithm")) {
        None | Some("http://www.w3.org/2009/xmlenc11#mgf1sha1") => Ok(MessageDigest::sha1()),
        Some("http://www.w3.org/2009/xmlenc11#mgf1sha256") => Ok(MessageDigest::sha256()),
        Some("http://www.w3.org/2009/xmlenc11#mgf1sha512") => Ok(MessageDigest::sha512()),
        Some(_) => Err(refused("RSA-OAEP is used with a mask other than those of SHA-1, SHA-256 and SHA-512")),
    }
}

// Only a CipherValue is accepted: a CipherReference would have to be fetched.
fn cipher_value(tree: &Tree<'_>, element: NodeId) -> Result<Vec<u8>, Disbelief> {
    let data = tree.only(element, XENC, "CipherData")?;
    let value = tree.only(data, XENC, "CipherValue")?;
    let compact: Vec<u8> = tree.text(value).bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    base64::engine::general_purpose::STANDARD.decode(compact).map_err(|_| failed())
}
