//! Formats the log of one enrollment as a short numbered list for support engineers.

use events::device::{CommandStatus, DeviceEvent, DeviceId, UnenrolledBy};
use events::enrollment::{ChosenBy, DeviceSignature, EnrollmentEvent, Evidence, Platform};
use events::envelope::{ActorKind, EventId};
use events::log::{Entry, Log};
use events::store::ReadError;
use events::{Event, device::CommandId};
use names::visible::visible_line;
use plural::counted;
use projections::audit::faults;
use serde::Serialize;
use std::collections::HashMap;

/// Returns the list, one line per event: the portal enrollment and the device's history together, in the order of the
/// log.
///
/// # Errors
/// Returns an error if a stream cannot be read.
pub async fn of_device(log: &Log, device: DeviceId) -> Result<Vec<String>, ReadError> {
    let mut entries = log.read(&device.enrollment().stream()).await?;
    entries.extend(log.read(&device.stream()).await?);
    entries.sort_by_key(|entry| entry.position);
    Ok(lines(&entries))
}

fn lines(entries: &[Entry]) -> Vec<String> {
    let context = Context::of(entries);
    let names: Vec<String> = entries.iter().map(|entry| entry.event.to_parts().0).collect();
    let width = names.iter().map(String::len).max().unwrap_or_default();
    let line = |(nth, (entry, name)): (usize, (&Entry, &String))| {
        let told = [context.sentence(&entry.event), context.cause(entry)].into_iter().flatten().collect::<Vec<_>>();
        let told = told.join(", ").replace(['\n', '\r', '\t'], " ");
        format!("{:>2}  {name:<width$}  {}", nth + 1, visible_line(&told)).trim_end().to_owned()
    };
    entries.iter().zip(&names).enumerate().map(line).collect()
}

/// Data from other entries that a line needs.
struct Context {
    user_name: Option<String>,
    numbers: HashMap<EventId, usize>,
    commands: HashMap<CommandId, String>,
}

impl Context {
    fn of(entries: &[Entry]) -> Context {
        let user_name = entries.iter().find_map(|entry| {
            let Event::Enrollment(EnrollmentEvent::UserSignedIn { user_name, .. }) = &entry.event else { return None };
            Some(user_name.shown().unwrap_or("an erased person").to_owned())
        });
        let command = |entry: &Entry| {
            let Event::Device(DeviceEvent::MdmCommandQueued { command, request_type, .. }) = &entry.event else {
                return None;
            };
            Some((*command, request_type.clone()))
        };
        Context {
            user_name,
            numbers: entries.iter().enumerate().map(|(nth, entry)| (entry.id, nth + 1)).collect(),
            commands: entries.iter().filter_map(command).collect(),
        }
    }

    // Only an effect names its cause; an action of a person or device needs none.
    fn cause(&self, entry: &Entry) -> Option<String> {
        if entry.actor.kind != ActorKind::System {
            return None;
        }
        let number = self.numbers.get(&entry.causation?)?;
        Some(format!("by reaction to {number}"))
    }

    fn sentence(&self, event: &Event) -> Option<String> {
        match event {
            Event::Enrollment(event) => self.enrollment_sentence(event),
            Event::Device(event) => self.device_sentence(event),
            Event::Log(_) | Event::Person(_) | Event::Account(_) | Event::Hardware(_) | Event::Staff(_) => None,
            Event::UserName(_) | Event::StaffActivity(_) | Event::Refusal(_) | Event::Request(_) => None,
            Event::Invitation(_) | Event::Code(_) | Event::Wave(_) | Event::Migration(_) => None,
            Event::Assertion(_) | Event::Settings(_) | Event::Record(_) | Event::Import(_) | Event::Successor(_) => {
                None
            }
        }
    }

    fn who(&self) -> &str {
        self.user_name.as_deref().unwrap_or("nobody")
    }

    fn enrollment_sentence(&self, event: &EnrollmentEvent) -> Option<String> {
        use EnrollmentEvent as E;
        Some(match event {
            E::VisitOpened { platform, language, .. } => format!("{}, in {language}", platform_words(platform)),
            E::AccountDrivenBegun { mode, .. } => mode.as_str().into(),
            E::UserSignedInAgain { method, .. } => format!("{} via {}", self.who(), method.label()),
            E::SignInAgainAsked { why } => word(why),
            E::MachineInformationReceived { signature, product, .. } => {
                format!("{}, {}", product.as_deref().unwrap_or("unnamed hardware"), signature_words(*signature))
            }
            E::AuthorizationCodeIssued { .. } | E::AccessTokenRefreshed { .. } => return None,
            E::VisitResumed { .. } | E::AccessTokenIssued { .. } | E::ManagedAppleIdAssigned { .. } => return None,
            E::SignInRefused { reason, .. } => word(reason),
            E::UserSignedIn { method, .. } => format!("{} via {}", self.who(), method.label()),
            E::SingleSignOnBegun { provider, .. } | E::SingleSignOnProven { provider, .. } => provider.clone(),
            E::SingleSignOnRefused { provider, why, .. } => format!("{provider}: {}", word(why)),
            E::EnrollmentAssigned { user_name, .. } => user_name.shown().unwrap_or("an erased person").to_owned(),
            E::AttributesReceived { provider, .. } => provider.clone(),
            E::AccessDecided { access } => access.rule.clone().unwrap_or_else(|| "no rule".into()),
            E::TermsRequested { version, .. } | E::TermsAccepted { version, .. } => format!("version {version}"),
            E::TermsDeclined { version, .. } => format!("version {version}"),
            E::FormRefused { why } => word(why),
            E::IdentityRefused { why } => word(why),
            E::LanguageChosen { language } => language.clone(),
            E::AssignmentOffered { .. } | E::AssignmentDeclined {} => return None,
            E::PreviousRecordFound { records, count } => {
                let evidence: Vec<_> = records.iter().flat_map(|found| &found.evidence).map(evidence_words).collect();
                if *count == 1 { evidence.join(", ") } else { format!("{count} records") }
            }
            E::OwnershipChosen { ownership, chosen_by } => {
                let by = if *chosen_by == ChosenBy::User { self.who() } else { "the settings" };
                format!("{}, by {by}", ownership.as_str())
            }
            E::DeviceAttributesReported { attributes, signature, .. } => {
                let product = attributes.product.as_deref().unwrap_or("unnamed hardware");
                format!("{product}, {}", signature_words(*signature))
            }
            E::ProfileServiceRefused { why, .. } => word(why),
            E::ProfileServiceServed { .. } | E::VerificationProfileServed { .. } => return None,
            E::VerificationIdentityIssued { .. } => return None,
            E::MdmProfileServed { profile, .. } => profile.kind.name().into(),
            E::EnrollmentRefused { why } => word(why),
            E::IdentityIssued { .. } | E::IdentityRevoked { .. } | E::PreviousRecordsNoted {} => return None,
            E::ImportedRecordFound { count, .. } => format!("{count} of other products"),
            E::PreviousRecordAnswered { answer, .. } => word(answer),
            E::OldManagementRemovalAgreed { .. } => return None,
            E::InvitationPresented { token, .. } => token.as_str().replace('_', " "),
            E::CaProfileServed { .. } | E::CaInstallReported {} | E::CaStepSkipped {} => return None,
            E::ManagedAppleIdGiven { .. } | E::EnrollmentAbandoned {} | E::SignedOut {} => return None,
        })
    }

    fn device_sentence(&self, event: &DeviceEvent) -> Option<String> {
        use DeviceEvent as E;
        Some(match event {
            E::DeviceAuthenticated { product_name, os_version, .. } => {
                let product = product_name.clone().unwrap_or_else(|| "unnamed hardware".into());
                os_version.map_or(product.clone(), |version| format!("{product}, iOS {version}"))
            }
            E::DeviceReauthenticated { os_version, .. } => os_version.map(|version| format!("iOS {version}"))?,
            E::IdentityRenewalFailed { why } => word(why),
            E::IdentityRenewalRefused { why } => word(why),
            E::DeviceMessageRefused { why } => word(why),
            E::IdentityRenewalRequested { .. } | E::IdentityRenewalCompleted { .. } => return None,
            E::IdentityRolledBack { .. } => return None,
            E::MdmCommandQueued { request_type, .. } => request_type.clone(),
            E::MdmCommandDelivered { command }
            | E::MdmCommandCancelled { command }
            | E::MdmCommandExpired { command } => self.name_of(*command),
            E::ManagedAppReported { app, status, .. } => format!("{app}: {}", status.as_str()),
            E::MdmCommandAnswered { command, status, .. } => {
                format!("{}: {}", self.name_of(*command), status_words(*status))
            }
            E::MdmAnswerUnreadable { command, why, .. } => {
                format!("{}: {}", self.name_of(*command), faults(why))
            }
            E::MdmResultTooLarge { bytes, .. } => format!("{bytes} bytes"),
            E::DeviceFieldsLeftOut { fields } => fields.iter().cloned().collect::<Vec<_>>().join(", "),
            E::DeviceEventsSuppressed { count, .. } => counted(*count, "event"),
            E::InventoryReported { changes } => counted(changes.len(), "value"),
            E::PushFailed { status, reason, .. } => match status {
                Some(status) => format!("{status} {reason}"),
                None => reason.clone(),
            },
            E::DeviceUnenrolled { by: UnenrolledBy::Server } => "by us".into(),
            E::DeviceEnrolled { .. } | E::PushTokenRenewed { .. } | E::IdentityRenewed { .. } => return None,
            E::ContactWatchBegun { .. } => return None,
            E::DeviceHeardFrom {} | E::DevicePushed { .. } | E::DeviceCheckedOut { .. } => return None,
            E::DeviceSuperseded { evidence, .. } => evidence.as_str().replace('_', " "),
            E::HardwareClaimNoted { count, .. } => format!("{count} other records"),
            E::HardwareAttestationRefused { why, .. } => why.as_str().replace('_', " "),
            E::DeviceRevived { .. } | E::HardwareClaimDismissed { .. } => return None,
            E::HardwareAttestationRequested { .. } | E::HardwareAttested { .. } => return None,
            E::RecordArchived {} | E::RecordRestored {} | E::EarlierViewsCleared { .. } => return None,
        })
    }

    fn name_of(&self, command: CommandId) -> String {
        self.commands.get(&command).cloned().unwrap_or_else(|| "a command that was never queued".into())
    }
}

/// Returns the name of a reason in the log, with spaces.
fn word(reason: &impl Serialize) -> String {
    let name = serde_json::to_value(reason).ok();
    name.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default().replace('_', " ")
}

fn platform_words(platform: &Platform) -> String {
    let family = platform.family.name();
    platform.version.map_or_else(|| family.to_owned(), |version| format!("{family} with iOS {version}"))
}

fn evidence_words(evidence: &Evidence) -> &'static str {
    match evidence {
        Evidence::SamePerson => "same person",
        Evidence::SameFamily => "same family",
        Evidence::SameHardware => "same UDID",
    }
}

fn signature_words(signature: DeviceSignature) -> &'static str {
    match signature {
        DeviceSignature::Genuine => "genuine",
        DeviceSignature::UnknownIssuer => "of an unknown issuer",
        DeviceSignature::Invalid => "signature invalid",
    }
}

fn status_words(status: CommandStatus) -> &'static str {
    match status {
        CommandStatus::Acknowledged => "Acknowledged",
        CommandStatus::Error => "Error",
        CommandStatus::CommandFormatError => "CommandFormatError",
        CommandStatus::NotNow => "NotNow",
    }
}
