//! Passkeys (WebAuthn): key pairs in a person's device or hardware token that sign only for this server's address.
//!
//! All inputs and outputs are JSON: the options for the browser, its answer, and the state and credential, which the
//! caller stores.

use url::Url;
use uuid::Uuid;
use webauthn_rs::prelude::{
    CredentialID, Passkey, PasskeyAuthentication, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential, Webauthn, WebauthnBuilder,
};

/// Registers and verifies passkeys for one address. Credentials, states and the browser's answers are JSON in the
/// format of the WebAuthn library.
pub struct Passkeys {
    webauthn: Webauthn,
}

/// Options to send to the browser, and the state to keep until its answer arrives. Both are JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    pub options: String,
    pub state: String,
}

/// The person a passkey belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Owner<'a> {
    pub id: Uuid,
    pub user_name: &'a str,
    pub display_name: &'a str,
}

/// A passkey that signed the challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    pub passkey: Uuid,
    /// The credential to store, if its counter or backup state changed.
    pub credential: Option<String>,
}

/// The browser's answer is invalid or cannot be parsed. For the log; the person sees a request to try again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the passkey was refused: {0}")]
pub struct PasskeyError(String);

fn refused(error: impl std::fmt::Display) -> PasskeyError {
    PasskeyError(error.to_string())
}

impl Passkeys {
    /// Creates the verifier for `public_url`. Returns `None` if the URL has no domain name: browsers store no
    /// passkeys for IP addresses.
    pub fn new(public_url: &str, organization: &str) -> Option<Passkeys> {
        let url = Url::parse(public_url).ok()?;
        let webauthn = WebauthnBuilder::new(url.domain()?, &url).ok()?.rp_name(organization).build().ok()?;
        Some(Passkeys { webauthn })
    }

    /// Begins the registration of a new passkey. `existing` are the person's credentials, so that no passkey is added
    /// twice.
    ///
    /// # Errors
    /// Returns an error if a stored credential cannot be parsed.
    pub fn begin_adding(&self, owner: Owner<'_>, existing: &[&str]) -> Result<Begun, PasskeyError> {
        let existing: Vec<CredentialID> =
            existing.iter().map(|text| Ok(parse::<Passkey>(text)?.cred_id().clone())).collect::<Result<_, _>>()?;
        let begun =
            self.webauthn.start_passkey_registration(owner.id, owner.user_name, owner.display_name, Some(existing));
        let (options, state) = begun.map_err(refused)?;
        Ok(Begun { options: text(&options)?, state: text(&state)? })
    }

    /// Verifies the browser's answer and returns the credential of the new passkey.
    ///
    /// # Errors
    /// Returns an error if the answer does not match `state` or was made for another address.
    pub fn finish_adding(&self, state: &str, answer: &str) -> Result<String, PasskeyError> {
        let answer: RegisterPublicKeyCredential = parse(answer)?;
        let state: PasskeyRegistration = parse(state)?;
        text(&self.webauthn.finish_passkey_registration(&answer, &state).map_err(refused)?)
    }

    /// Begins a sign-in with one of these passkeys.
    ///
    /// # Errors
    /// Returns an error if `credentials` is empty or one of them cannot be parsed.
    pub fn begin_proof(&self, credentials: &[(Uuid, &str)]) -> Result<Begun, PasskeyError> {
        if credentials.is_empty() {
            return Err(PasskeyError("the person has no passkey".into()));
        }
        let known: Vec<Passkey> = credentials.iter().map(|(_, text)| parse(text)).collect::<Result<_, _>>()?;
        let (options, state) = self.webauthn.start_passkey_authentication(&known).map_err(refused)?;
        Ok(Begun { options: text(&options)?, state: text(&state)? })
    }

    /// Returns which of these passkeys signed. The device verified that the person was present, by face, finger or
    /// PIN.
    ///
    /// # Errors
    /// Returns an error if the answer does not match `state`, was made for another address, or comes from none of
    /// these passkeys.
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
        Err(PasskeyError("it is no longer registered".into()))
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
