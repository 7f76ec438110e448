//! Apple's attestation of a device's hardware: requests it from devices, and verifies the answers.

use crate::Devices;
use crate::commands::{QueueError, asked, attestable, build, payload};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use decisions::device::{Attestation, Command, Device, QueuedCommand};
use events::device::{AttestationRefusal, CommandId, DeviceId, DeviceIdentifiers, plain_identifier};
use events::person::PersonId;
use events::personal::Personal;
use pki::attestation::{AttestationRoots, Expected, Unproven};
use platform::PerformError;
use platform::Performed;
use platform::context::Context;
use plist::Dictionary;

/// Property that the device is asked for.
const QUERY: &str = "DevicePropertiesAttestation";

impl Devices {
    /// Asks the device for an attestation with a new random nonce. Returns `None` if the device's kind of enrollment,
    /// version or access rights do not permit it. A device is asked at most once in seven days; a call within them
    /// queues nothing.
    ///
    /// # Errors
    /// Returns an error if the command is rejected or cannot be encoded, or if the log cannot be read or written.
    pub async fn request_attestation(
        &self,
        device: DeviceId,
        id: CommandId,
        context: &Context,
    ) -> Result<Option<Performed<Device>>, QueueError> {
        let state = self.platform.device(device).await.map_err(PerformError::Read)?;
        let command = build::device_attestation(self.platform.world.random());
        if !attestable(&state) {
            return Ok(None);
        }
        self.would_take(device, &command).await?;
        let payload = payload(&command, "DeviceInformation", device)?;
        let request = Command::RequestAttestation { id, payload, now: self.platform.world.now() };
        Ok(Some(self.platform.perform::<Device>(&device.stream(), &request, context).await?))
    }
}

/// Verifies the attestation in the acknowledged answer to a command. Returns `None` if the command did not ask for one.
/// Uses much CPU time: do not call it on the async runtime's threads.
pub fn proven(
    roots: &AttestationRoots,
    queued: &QueuedCommand,
    answer: &Dictionary,
    state: &Device,
    (person, unix): (PersonId, i64),
) -> Option<Attestation> {
    let nonce = asked(queued)?.get("DeviceAttestationNonce")?.as_data()?.to_vec();
    let Some(DeviceIdentifiers::DeviceEnrollment { udid, serial_number, .. }) = &state.identifiers else {
        return Some(Attestation::Refused(AttestationRefusal::OtherHardware));
    };
    let Some(chain) = chain(answer) else { return Some(Attestation::Refused(AttestationRefusal::NotGiven)) };
    let serial_number = serial_number.as_ref().and_then(Personal::get).map(String::as_str);
    let expected = Expected { nonce: &nonce, udid: udid.text(), plain: plain_identifier, serial_number, unix };
    Some(match roots.prove(&chain, &expected) {
        Ok(()) => {
            let chain = chain.iter().map(|certificate| STANDARD.encode(certificate)).collect();
            Attestation::Proven(Personal::new(person.key(), chain))
        }
        Err(why) => Attestation::Refused(refusal(why)),
    })
}

fn refusal(why: Unproven) -> AttestationRefusal {
    match why {
        Unproven::Malformed => AttestationRefusal::Malformed,
        Unproven::ForeignRoot => AttestationRefusal::ForeignRoot,
        Unproven::OutOfTime => AttestationRefusal::OutOfTime,
        Unproven::OtherNonce => AttestationRefusal::OtherNonce,
        Unproven::OtherHardware => AttestationRefusal::OtherHardware,
    }
}

// Returns the certificates, or `None` if there are none. An entry that is not a certificate is found when the chain is
// verified.
fn chain(answer: &Dictionary) -> Option<Vec<Vec<u8>>> {
    let told = answer.get("QueryResponses")?.as_dictionary()?.get(QUERY)?.as_array()?;
    let certificates = told.iter().map(|one| one.as_data().unwrap_or_default().to_vec());
    Some(certificates.collect::<Vec<_>>()).filter(|chain: &Vec<_>| !chain.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use plist::Value;

    #[test]
    fn an_answer_without_a_chain_gives_none() {
        let answer = |told: Option<Value>| {
            let responses: Dictionary = told.map(|told| (QUERY.to_owned(), told)).into_iter().collect();
            Dictionary::from_iter([("QueryResponses".to_owned(), Value::Dictionary(responses))])
        };
        for told in [None, Some(Value::Array(vec![])), Some("no".into())] {
            assert_eq!(chain(&answer(told.clone())), None, "{told:?}");
        }
        let mixed = Value::Array(vec![Value::Data(vec![1]), "no data".into()]);
        assert_eq!(chain(&answer(Some(mixed))), Some(vec![vec![1], vec![]]));
    }
}
