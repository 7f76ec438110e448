//! A managed device: it requests commands when the push server wakes it, answers them, and ends management when the
//! server ends it.

#[cfg(test)]
mod samples;

use crate::account::{self, Tokens};
use crate::acts::{Act, Nobody, Watcher};
use crate::device::{Device, DeviceError};
use crate::inspection::{self, Given};
use crate::messages::{self, Identifier};
use crate::profile::{MdmPayload, Profile, ScepPayload};
use crate::push_server::PushConnection;
use crate::signature::{self, Identity};
use crate::{renewal, scep};
use plist::Dictionary;
use std::time::{Duration, Instant};

const COMMANDS: &str = "application/x-apple-aspen-mdm; charset=UTF-8";

/// The state of one management relationship on the device.
#[derive(Debug)]
pub struct Management {
    /// The enrollment profile.
    pub profile: Profile,
    pub mdm: MdmPayload,
    pub scep: ScepPayload,
    pub identity: Identity,
    pub identifier: Identifier,
    pub push: PushConnection,
    pub push_magic: String,
    /// A result that the server has not accepted yet. It is sent again until the server answers 200.
    pub(crate) unsent: Option<Dictionary>,
    /// Account-driven enrollments only: sent with every message.
    pub tokens: Option<Tokens>,
    /// The identity that signs the next answer, if it is another one.
    pub(crate) answers_as: Option<Identity>,
}

/// A received command and the status of the answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Handled {
    pub command_uuid: String,
    pub request_type: String,
    pub status: String,
    /// A test script answered: nothing was done.
    pub scripted: bool,
    pub command: Dictionary,
}

/// Answer of a server.
#[derive(Debug, Clone)]
pub struct ServerAnswer {
    pub status: u16,
    /// `WWW-Authenticate`.
    pub challenge: Option<String>,
    pub body: Vec<u8>,
}

impl Device {
    /// Sends a message with its signature, or over a connection that presents the identity, and returns the answer,
    /// whatever its status.
    ///
    /// # Errors
    /// Returns an error if the server cannot be reached or the message cannot be signed.
    pub async fn send(
        &self,
        management: &Management,
        url: &str,
        content_type: &str,
        body: &[u8],
    ) -> Result<ServerAnswer, DeviceError> {
        let identity = management.answers_as.as_ref().unwrap_or(&management.identity);
        let request = if management.mdm.sign_message {
            let signature = signature::mdm_signature(body, identity, self.style)?;
            self.trust.client()?.put(url).header("Mdm-Signature", signature)
        } else {
            self.trust.client_of(identity)?.put(url)
        };
        let request = match &management.tokens {
            Some(tokens) => request.bearer_auth(&tokens.access),
            None => request,
        };
        let request = request.header("Content-Type", content_type).header("User-Agent", "MDM/1.0");
        let answer = request.body(body.to_vec()).send().await?;
        let status = answer.status().as_u16();
        let challenge = answer.headers().get("WWW-Authenticate").and_then(|value| value.to_str().ok());
        let challenge = challenge.map(str::to_owned);
        let content_type = inspection::content_type(&answer);
        let body = answer.bytes().await?.to_vec();
        let user_enrollment = Some(matches!(management.identifier, Identifier::EnrollmentId(_)));
        inspection::show(&Given { to: &self.hardware, user_enrollment, content_type: &content_type, body: &body });
        Ok(ServerAnswer { status, challenge, body })
    }

    /// Converts an answer other than 200 to the error that it means for the device.
    pub(crate) fn refused(&self, what: &str, answer: ServerAnswer) -> DeviceError {
        let ServerAnswer { status, challenge, body } = answer;
        let body = String::from_utf8_lossy(&body).into_owned();
        // A 401 without a challenge ends management. With one, it asks an account-driven enrollment to sign in again.
        if let Some(challenge) = challenge.filter(|_| status == 401) {
            return match account::read_challenge(&challenge) {
                Ok(challenge) => DeviceError::SignInAgain { challenge: Box::new(challenge) },
                Err(why) => DeviceError::Refused { what: what.into(), status, body: why },
            };
        }
        let unrecognized = status == 403 && body.contains("com.apple.unrecognized.device");
        if status == 401 || (unrecognized && self.hardware.ios.major >= 17) {
            return DeviceError::Unenrolled { what: what.into(), status };
        }
        DeviceError::Refused { what: what.into(), status, body }
    }

    /// Waits until the push server sends this relationship's PushMagic. Notifications with another one are ignored.
    ///
    /// # Errors
    /// Returns an error if no notification comes in time.
    pub async fn wait_for_push(&mut self, patience: Duration) -> Result<(), DeviceError> {
        let management = self.management.as_mut().ok_or(DeviceError::NotManaged)?;
        let called = async {
            while let Some(magic) = management.push.next().await {
                if magic == management.push_magic {
                    return true;
                }
            }
            false
        };
        match tokio::time::timeout(patience, called).await {
            Ok(true) => Ok(()),
            _ => Err(DeviceError::NotWoken(patience.as_secs())),
        }
    }

    /// Waits to be woken, then answers all commands.
    ///
    /// # Errors
    /// Returns an error if no notification comes, or as [`Device::poll`].
    pub async fn serve_once(&mut self, patience: Duration) -> Result<Vec<Handled>, DeviceError> {
        self.serve_once_watched(patience, &mut Nobody).await
    }

    /// Like [`Device::serve_once`], with an observer.
    ///
    /// # Errors
    /// Returns the same errors as [`Device::serve_once`].
    pub async fn serve_once_watched(
        &mut self,
        patience: Duration,
        watcher: &mut dyn Watcher,
    ) -> Result<Vec<Handled>, DeviceError> {
        watcher.before(Act::WakeUp).await;
        let started = Instant::now();
        self.wait_for_push(patience).await?;
        watcher.after(Act::WakeUp, started.elapsed(), "").await;
        watcher.before(Act::AnswerCommands).await;
        let started = Instant::now();
        let handled = self.poll().await?;
        let told: Vec<String> = handled.iter().map(|one| format!("{}: {}", one.request_type, one.status)).collect();
        watcher.after(Act::AnswerCommands, started.elapsed(), &told.join(", ")).await;
        Ok(handled)
    }

    /// Requests commands and answers them until there are no more.
    ///
    /// # Errors
    /// Returns an error if the server cannot be reached or refuses. After a 401 without a challenge, the MDM profile
    /// is gone.
    pub async fn poll(&mut self) -> Result<Vec<Handled>, DeviceError> {
        let mut management = self.management.take().ok_or(DeviceError::NotManaged)?;
        let mut handled = Vec::new();
        let outcome = self.converse(&mut management, &mut handled).await;
        let ended = matches!(outcome, Ok(true) | Err(DeviceError::Unenrolled { .. }));
        if !ended {
            self.management = Some(management);
        }
        outcome.map(|_| handled)
    }

    // Returns true if the server had the enrollment profile removed.
    async fn converse(&mut self, management: &mut Management, handled: &mut Vec<Handled>) -> Result<bool, DeviceError> {
        let mut message = management.unsent.take().unwrap_or_else(|| messages::idle(&management.identifier));
        loop {
            let url = management.mdm.server_url.clone();
            let answer = self.send(management, &url, COMMANDS, &messages::xml(&message)).await;
            let body = match answer {
                Ok(ServerAnswer { status: 200, body, .. }) => body,
                Ok(answer) => {
                    let refused = self.refused("a request for commands", answer);
                    management.unsent = message.contains_key("CommandUUID").then_some(message);
                    return Err(refused);
                }
                Err(error) => {
                    management.unsent = message.contains_key("CommandUUID").then_some(message);
                    return Err(error);
                }
            };
            management.answers_as = None;
            if body.is_empty() {
                return Ok(false);
            }
            message = self.obey(management, &body, handled).await?;
            if self.removes_itself(management, handled) {
                self.send(management, &url, COMMANDS, &messages::xml(&message)).await?;
                self.say_goodbye(management).await;
                return Ok(true);
            }
            if self.erased {
                // An erased device sends no CheckOut.
                self.send(management, &url, COMMANDS, &messages::xml(&message)).await?;
                return Ok(true);
            }
        }
    }

    async fn obey(
        &mut self,
        management: &mut Management,
        body: &[u8],
        handled: &mut Vec<Handled>,
    ) -> Result<Dictionary, DeviceError> {
        let (uuid, command) = read_command(body)?;
        let request_type = command.get("RequestType").and_then(plist::Value::as_string).unwrap_or_default().to_owned();
        let comes_anew = match request_type.as_str() {
            "InstallProfile" if !self.script.has(&request_type) => renewal::mdm_profile(&command),
            _ => None,
        };
        let (mut answer, scripted) = match comes_anew {
            Some(profile) => (self.renew(management, profile).await, false),
            None => self.answer(management, &request_type, &command),
        };
        let (key, id) = management.identifier.entry();
        answer.insert(key.into(), id.into());
        answer.insert("CommandUUID".into(), uuid.clone().into());
        let status = answer.get("Status").and_then(plist::Value::as_string).unwrap_or_default().to_owned();
        handled.push(Handled { command_uuid: uuid, request_type, status, scripted, command });
        Ok(answer)
    }

    fn removes_itself(&self, management: &Management, handled: &[Handled]) -> bool {
        handled.last().is_some_and(|last| {
            let identifier = last.command.get("Identifier").and_then(plist::Value::as_string);
            last.request_type == "RemoveProfile"
                && last.status == "Acknowledged"
                && !last.scripted
                && identifier == Some(management.profile.identifier.as_str())
        })
    }

    /// Removes the MDM profile, as the user can in Settings. `CheckOut` is tried once, if the profile asks for it.
    ///
    /// # Errors
    /// Returns an error if the device is not managed.
    pub async fn remove_mdm_profile(&mut self) -> Result<(), DeviceError> {
        let management = self.management.take().ok_or(DeviceError::NotManaged)?;
        self.say_goodbye(&management).await;
        Ok(())
    }

    async fn say_goodbye(&self, management: &Management) {
        if management.mdm.check_out_when_removed {
            let message = messages::check_out(&management.identifier, &management.mdm.topic);
            // One attempt without a guarantee: management is over, whatever the result.
            let _ = self.check_in(management, "CheckOut", &messages::xml(&message)).await;
        }
    }

    /// Sends `TokenUpdate` again with another PushMagic: a new relationship with the push service.
    ///
    /// # Errors
    /// Returns an error according to the server's answer.
    pub async fn renew_push_token(&mut self) -> Result<(), DeviceError> {
        let mut management = self.management.take().ok_or(DeviceError::NotManaged)?;
        management.push = self.push_server.connect(&management.mdm.topic);
        management.push_magic = crate::chance::uuid();
        let message = messages::token_update(
            &management.identifier,
            &management.mdm.topic,
            &management.push.token,
            &management.push_magic,
            None,
        );
        let outcome = self.check_in(&management, "TokenUpdate", &messages::xml(&message)).await;
        self.management = Some(management);
        outcome
    }

    /// Renews the identity with SCEP, signed with the old identity.
    ///
    /// # Errors
    /// Returns an error according to the server's answer. The old identity is then kept.
    pub async fn renew_identity(&mut self) -> Result<(), DeviceError> {
        let management = self.management.as_ref().ok_or(DeviceError::NotManaged)?;
        let key = self.keys.take(management.scep.key_size).await?;
        let http = self.trust.client()?;
        let renewed = scep::renew(&http, &management.scep, self.hardware.ios, &management.identity, key).await?;
        if let Some(management) = &mut self.management {
            management.identity = renewed;
        }
        Ok(())
    }
}

fn read_command(body: &[u8]) -> Result<(String, Dictionary), DeviceError> {
    let wrong = |why: &str| DeviceError::Command(why.to_owned());
    let value: plist::Value =
        plist::from_bytes(body).map_err(|error| DeviceError::Command(format!("not a property list: {error}")))?;
    let envelope = value.into_dictionary().ok_or_else(|| wrong("not a dictionary"))?;
    let uuid = envelope.get("CommandUUID").and_then(plist::Value::as_string).ok_or_else(|| wrong("no CommandUUID"))?;
    let command = envelope.get("Command").and_then(plist::Value::as_dictionary).ok_or_else(|| wrong("no Command"))?;
    Ok((uuid.to_owned(), command.clone()))
}
