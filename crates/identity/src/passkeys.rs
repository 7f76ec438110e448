//! Passkeys (WebAuthn): a key in the person's device or in a hardware token, that signs for our address alone.
//!
//! Everything goes in and out as JSON: options to the browser, the answer from it, the state in between and the
//! credential, which are kept elsewhere.

use url::Url;
use uuid::Uuid;
use webauthn_rs::prelude::{
    CredentialID, Passkey, PasskeyAuthentication, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential, Webauthn, WebauthnBuilder,
};

/// Adds and proves passkeys for one address.
pub struct Passkeys {
    webauthn: Webauthn,
}

/// What is sent to the browser, and what has to be kept until its answer comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    pub options: String,
    pub state: String,
}

/// Whose passkey it is.
#[derive(Debug, Clone, Copy)]
pub struct Owner<'a> {
    pub id: Uuid,
    pub user_name: &'a str,
    pub display_name: &'a str,
}

/// A passkey that signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    pub passkey: Uuid,
    /// The credential, where its counter or its state of backup is another one now.
    pub credential: Option<String>,
}

/// The browser's answer is not believed, or not understood. For the log; the person is told to try again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the passkey is refused: {0}")]
pub struct PasskeyError(String);

fn refused(error: impl std::fmt::Display) -> PasskeyError {
    PasskeyError(error.to_string())
}

impl Passkeys {
    /// For the address that people type. `None` where it has no name: browsers keep no passkeys for bare IP addresses.
    pub fn new(public_url: &str, organization: &str) -> Option<Passkeys> {
        let url = Url::parse(public_url).ok()?;
        let webauthn = WebauthnBuilder::new(url.domain()?, &url).ok()?.rp_name(organization).build().ok()?;
        Some(Passkeys { webauthn })
    }

    /// Asks the browser for a new passkey; `existing` are those the person has, so that none is added twice.
    ///
    /// # Errors
    /// If a credential that is there is not understood.
    pub fn begin_adding(&self, owner: Owner<'_>, existing: &[&str]) -> Result<Begun, PasskeyError> {
        let existing: Vec<CredentialID> =
            existing.iter().map(|text| Ok(parse::<Passkey>(text)?.cred_id().clone())).collect::<Result<_, _>>()?;
        let begun =
            self.webauthn.start_passkey_registration(owner.id, owner.user_name, owner.display_name, Some(existing));
        let (options, state) = begun.map_err(refused)?;
        Ok(Begun { options: text(&options)?, state: text(&state)? })
    }

    /// The credential of the new passkey.
    ///
    /// # Errors
    /// If the answer is not one to `state`, or not for our address.
    pub fn finish_adding(&self, state: &str, answer: &str) -> Result<String, PasskeyError> {
        let answer: RegisterPublicKeyCredential = parse(answer)?;
        let state: PasskeyRegistration = parse(state)?;
        text(&self.webauthn.finish_passkey_registration(&answer, &state).map_err(refused)?)
    }

    /// Asks the browser for a signature of one of these passkeys.
    ///
    /// # Errors
    /// If there is none, or one is not understood.
    pub fn begin_proof(&self, credentials: &[(Uuid, &str)]) -> Result<Begun, PasskeyError> {
        if credentials.is_empty() {
            return Err(PasskeyError("there is none".into()));
        }
        let known: Vec<Passkey> = credentials.iter().map(|(_, text)| parse(text)).collect::<Result<_, _>>()?;
        let (options, state) = self.webauthn.start_passkey_authentication(&known).map_err(refused)?;
        Ok(Begun { options: text(&options)?, state: text(&state)? })
    }

    /// Which of these passkeys signed. The person was there and verified by the device: by face, finger or PIN.
    ///
    /// # Errors
    /// If the answer is not one to `state`, not for our address, or of none of these passkeys.
    pub fn finish_proof(
        &self,
        state: &str,
        answer: &str,
        credentials: &[(Uuid, &str)],
    ) -> Result<Proven, PasskeyError> {
        let answer: PublicKeyCredential = parse(answer)?;
        let state: PasskeyAuthentication = parse(state)?;
        let result = self.webauthn.finish_passkey_authentication(&answer, &state).map_err(refused)?;
        for (passkey, known) in credentials {
            let mut known: Passkey = parse(known)?;
            if let Some(changed) = known.update_credential(&result) {
                let credential = if changed { Some(text(&known)?) } else { None };
                return Ok(Proven { passkey: *passkey, credential });
            }
        }
        Err(PasskeyError("it was removed".into()))
    }
}

fn parse<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, PasskeyError> {
    serde_json::from_str(text).map_err(refused)
}

fn text(value: &impl serde::Serialize) -> Result<String, PasskeyError> {
    serde_json::to_string(value).map_err(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passkeys_need_an_address_with_a_name() {
        assert!(Passkeys::new("https://enroll.example.com:8443", "Example").is_some());
        assert!(Passkeys::new("https://localhost:8443", "Example").is_some());
        assert!(Passkeys::new("https://192.0.2.7", "Example").is_none());
    }

    #[test]
    fn each_request_has_a_challenge_of_its_own_and_asks_the_device_to_verify_the_person() {
        let passkeys = Passkeys::new("https://enroll.example.com", "Example").unwrap();
        let owner = Owner { id: Uuid::from_u128(1), user_name: "grace", display_name: "Grace" };
        let (one, other) = (passkeys.begin_adding(owner, &[]).unwrap(), passkeys.begin_adding(owner, &[]).unwrap());
        assert_ne!(one.options, other.options);
        assert!(one.options.contains(r#""userVerification":"required""#), "{}", one.options);
        assert!(one.options.contains(r#""id":"enroll.example.com""#), "{}", one.options);
    }

    #[test]
    fn an_answer_that_is_none_is_refused() {
        let passkeys = Passkeys::new("https://enroll.example.com", "Example").unwrap();
        let owner = Owner { id: Uuid::from_u128(1), user_name: "grace", display_name: "Grace" };
        let begun = passkeys.begin_adding(owner, &[]).unwrap();
        assert!(passkeys.finish_adding(&begun.state, "{}").is_err());
        assert!(passkeys.begin_proof(&[]).is_err());
    }
}
