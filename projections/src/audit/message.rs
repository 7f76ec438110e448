//! The message of each event: the key of a sentence and its values. Pure.

mod invitation;
mod record;
mod staff;
#[cfg(test)]
mod tests;
mod words;

pub use record::{evidence_words, link_evidence};
pub use words::{attestation_refusal, faults, mail_failure, rejection, renewal_failure, supersession};

use events::Event;
use events::device::{CommandStatus, DeviceEvent, DeviceIdentifiers, MdmError, UnenrolledBy};
use events::enrollment::{ChosenBy, EnrollmentEvent, Ownership};
use events::person::{AccountEvent, PersonEvent};
use events::personal::Personal;
use events::settings::SettingsEvent;
use events::staff::{ExportFormat, StaffActivityEvent, UserNameEvent};
use events::system::{AssertionEvent, HardwareEvent, LogEvent, RefusalEvent, RequestEvent, SuppressedRefusals};
use std::collections::{BTreeMap, BTreeSet};

/// The message of an event, independent of language: a key, and values by name (`None`: erased).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Key of the sentence in `english.rs`, such as `visit-opened`.
    pub key: &'static str,
    pub values: BTreeMap<String, Option<String>>,
    /// The value `reason`, if it is one of a fixed list of texts.
    pub(super) reason: &'static str,
}

impl Message {
    pub(super) fn of(key: &'static str) -> Message {
        Message { key, values: BTreeMap::new(), reason: "" }
    }

    pub(super) fn with(mut self, name: &str, value: impl ToString) -> Message {
        self.values.insert(name.to_owned(), Some(value.to_string()));
        self
    }

    pub(super) fn personal(mut self, name: &str, value: &Personal<String>) -> Message {
        self.values.insert(name.to_owned(), value.shown().map(str::to_owned));
        self
    }

    /// Adds the value `reason`: one of a fixed list of texts. The audit trail finds events by its words.
    fn because(mut self, reason: &'static str) -> Message {
        self.reason = reason;
        self.with("reason", reason)
    }
}

/// Placeholder for the command in a sentence whose event only contains the id. The audit trail replaces it with the
/// name.
const SOME_COMMAND: &str = "A command";

/// Returns the message of an event.
pub fn message(event: &Event) -> Message {
    match event {
        Event::Log(event) => log(event),
        Event::Enrollment(event) => enrollment(event),
        Event::Device(event) => device(event),
        Event::Person(event) => person(event),
        Event::Account(event) => account(event),
        Event::Hardware(HardwareEvent::HardwareEnrolled { .. }) => Message::of("hardware-enrolled"),
        Event::Staff(event) => staff::message(event),
        Event::UserName(UserNameEvent::UserNameReserved { .. }) => Message::of("user-name-reserved"),
        Event::StaffActivity(event) => access(event),
        Event::Refusal(RefusalEvent::UnknownStaffRefused { provider: Some(provider), .. }) => {
            Message::of("vouched-staff-refused").with("provider", provider)
        }
        Event::Refusal(RefusalEvent::UnknownStaffRefused { provider: None, .. }) => {
            Message::of("unknown-staff-refused")
        }
        Event::Refusal(RefusalEvent::SetUpLinkRefused {}) => Message::of("set-up-link-refused"),
        Event::Refusal(RefusalEvent::InvitationCodeRefused {}) => Message::of("invitation-code-refused"),
        Event::Refusal(RefusalEvent::UnknownApiTokenRefused {}) => Message::of("unknown-api-token-refused"),
        Event::Refusal(RefusalEvent::ResponseRefused { provider, why }) => {
            Message::of("response-refused").with("provider", provider).because(words::fault(*why))
        }
        Event::Request(RequestEvent::SingleSignOnRequested { .. }) => Message::of("single-sign-on-requested"),
        Event::Assertion(AssertionEvent::AssertionUsed { provider }) => {
            Message::of("assertion-used").with("provider", provider)
        }
        Event::Refusal(RefusalEvent::DeviceRefused { why, product }) => Message::of("device-refused")
            .with("product", product.as_deref().unwrap_or("device"))
            .because(words::enrollment_refusal(*why)),
        Event::Refusal(RefusalEvent::IdentityRequestRefused { why }) => {
            Message::of("identity-request-refused").because(words::identity_refusal(*why))
        }
        Event::Refusal(RefusalEvent::DeviceRequestRefused { why, device }) => {
            let why = words::device_request_refusal(*why);
            let said = Message::of("device-request-refused").because(why);
            match device {
                Some(device) => said.with("reason", format!("{why} (device {device})")),
                None => said,
            }
        }
        Event::Refusal(RefusalEvent::RefusalsSuppressed(refusals)) => suppressed("refusals-suppressed", refusals),
        Event::Settings(SettingsEvent::SettingsChanged { changes, .. }) => {
            Message::of("settings-changed").with("names", list(changes.keys()))
        }
        Event::Record(event) => record::record(event),
        Event::Import(event) => record::import(event),
        Event::Successor(event) => record::successor(event),
        Event::Invitation(event) => invitation::invitation(event),
        Event::Code(event) => invitation::code(event),
        Event::Wave(event) => invitation::wave(event),
        Event::Migration(event) => invitation::migration(event),
    }
}

fn account(event: &AccountEvent) -> Message {
    match event {
        AccountEvent::AccountReserved { .. } => Message::of("account-reserved"),
        AccountEvent::AccountSignInRefused { reason, .. } => {
            Message::of("account-sign-in-refused").because(words::sign_in_refusal(*reason))
        }
        AccountEvent::AccountRefusalsSuppressed(refusals) => suppressed("account-refusals-suppressed", refusals),
    }
}

// The sources are personal; erased ones read “(erased)”.
fn suppressed(key: &'static str, refusals: &SuppressedRefusals) -> Message {
    let sources = refusals.sources.iter().map(|source| {
        let address = source.source.get().map_or("(erased)", String::as_str);
        format!("{address} ({})", source.count)
    });
    let others = (refusals.others > 0).then(|| format!("others ({})", refusals.others));
    let sources = sources.chain(others).collect::<Vec<_>>().join(", ");
    Message::of(key).with("count", refusals.count).with("sources", sources)
}

fn log(event: &LogEvent) -> Message {
    match event {
        LogEvent::LogCreated { .. } => Message::of("log-created"),
        LogEvent::EventVersionsRaised { versions } => {
            Message::of("versions-raised").with("types", list(versions.keys().map(String::as_str)))
        }
        LogEvent::KeysLost { names } => Message::of("keys-lost").with("count", names.len()),
        LogEvent::OlderLogAccepted { last, seen } => {
            Message::of("older-log-accepted").with("count", seen.0.saturating_sub(last.0)).with("last", last)
        }
        LogEvent::PublicUrlAccepted { new, old } if old.is_empty() => {
            Message::of("public-url-served").with("new", list(new.iter().map(String::as_str)))
        }
        LogEvent::PublicUrlAccepted { new, old } => Message::of("public-url-accepted")
            .with("new", list(new.iter().map(String::as_str)))
            .with("old", list(old.iter().map(String::as_str))),
    }
}

fn enrollment(event: &EnrollmentEvent) -> Message {
    match event {
        EnrollmentEvent::VisitOpened { platform, .. } => {
            let version = platform.version.map(|version| format!(" with version {version}")).unwrap_or_default();
            Message::of("visit-opened").with("family", platform.family.name()).with("version", version)
        }
        EnrollmentEvent::AccountDrivenBegun { mode, .. } => {
            Message::of("account-driven-begun").with("kind", words::mode_words(*mode))
        }
        EnrollmentEvent::VisitResumed { .. } => Message::of("visit-resumed"),
        EnrollmentEvent::UserSignedInAgain { method: by, .. } => {
            Message::of("signed-in-again").with("method", by.with_article())
        }
        EnrollmentEvent::SignInAgainAsked { why } => {
            Message::of("sign-in-again-asked").because(words::sign_in_again(*why))
        }
        EnrollmentEvent::AccessTokenIssued { .. } => Message::of("access-token-issued"),
        EnrollmentEvent::AuthorizationCodeIssued { .. } => Message::of("authorization-code-issued"),
        EnrollmentEvent::AccessTokenRefreshed { .. } => Message::of("access-token-refreshed"),
        EnrollmentEvent::MachineInformationReceived { signature, product, .. } => {
            Message::of("machine-information-received")
                .with("product", product.as_deref().unwrap_or("The device"))
                .with("signature", words::device_signature(*signature))
        }
        EnrollmentEvent::ManagedAppleIdAssigned { managed_apple_id } => {
            Message::of("managed-apple-id-assigned").personal("managed_apple_id", managed_apple_id)
        }
        EnrollmentEvent::SignInRefused { reason, .. } => {
            Message::of("sign-in-refused").because(words::sign_in_refusal(*reason))
        }
        EnrollmentEvent::UserSignedIn { user_name, method: by, .. } => {
            Message::of("signed-in").personal("user_name", user_name).with("method", by.with_article())
        }
        EnrollmentEvent::SingleSignOnBegun { provider, .. } => {
            Message::of("single-sign-on-begun").with("provider", provider)
        }
        EnrollmentEvent::SingleSignOnProven { provider, .. } => {
            Message::of("single-sign-on-proven").with("provider", provider)
        }
        EnrollmentEvent::SingleSignOnRefused { provider, why, .. } => {
            Message::of("single-sign-on-refused").with("provider", provider).because(words::fault(*why))
        }
        EnrollmentEvent::AssignmentOffered { .. } => Message::of("assignment-offered"),
        EnrollmentEvent::EnrollmentAssigned { user_name, .. } => {
            Message::of("enrollment-assigned").personal("user_name", user_name)
        }
        EnrollmentEvent::AssignmentDeclined {} => Message::of("assignment-declined"),
        EnrollmentEvent::AttributesReceived { provider, .. } => {
            Message::of("attributes-received").with("provider", provider)
        }
        EnrollmentEvent::AccessDecided { access } => match &access.rule {
            None if !access.untold.is_empty() => Message::of("access-unknown")
                .with("provider", &access.provider)
                .with("untold", words::untold(&access.untold)),
            Some(rule) => Message::of("access-decided").with("rule", rule).with("kinds", words::kinds(access)),
            None => Message::of("access-undecided"),
        },
        EnrollmentEvent::TermsRequested { version, .. } => Message::of("terms-requested").with("version", version),
        EnrollmentEvent::TermsAccepted { version, language, .. } => {
            Message::of("terms-accepted").with("version", version).with("language", language)
        }
        EnrollmentEvent::TermsDeclined { version, .. } => Message::of("terms-declined").with("version", version),
        EnrollmentEvent::FormRefused { why } => Message::of("form-refused").because(words::form_refusal(*why)),
        EnrollmentEvent::LanguageChosen { language } => Message::of("language-chosen").with("language", language),
        EnrollmentEvent::IdentityRefused { why } => {
            Message::of("identity-refused").because(words::identity_refusal(*why))
        }
        EnrollmentEvent::PreviousRecordFound { records, count } => {
            let evidence: BTreeSet<&str> =
                records.iter().flat_map(|found| &found.evidence).copied().map(words::evidence_name).collect();
            Message::of("previous-record-found").with("count", count).with("evidence", list(evidence))
        }
        EnrollmentEvent::ImportedRecordFound { count, .. } => Message::of("imported-record-found").with("count", count),
        EnrollmentEvent::PreviousRecordAnswered { answer, removed, .. } => {
            let key = match removed {
                Some(true) => "previous-record-answered-removed",
                Some(false) => "previous-record-answered-not-removed",
                None => "previous-record-answered",
            };
            Message::of(key).with("answer", record::answer_words(*answer))
        }
        EnrollmentEvent::PreviousRecordsNoted {} => Message::of("previous-records-noted"),
        EnrollmentEvent::OldManagementRemovalAgreed { .. } => Message::of("old-management-removal-agreed"),
        EnrollmentEvent::InvitationPresented { token, .. } => {
            Message::of("invitation-presented").with("token", invitation::token_words(*token))
        }
        EnrollmentEvent::OwnershipChosen { ownership, chosen_by } => match (chosen_by, ownership) {
            (ChosenBy::User, Ownership::Personal) => Message::of("personal-chosen"),
            (ChosenBy::User, Ownership::Institutional) => Message::of("institutional-chosen"),
            (ChosenBy::Policy, Ownership::Personal) => Message::of("personal-by-policy"),
            (ChosenBy::Policy, Ownership::Institutional) => Message::of("institutional-by-policy"),
        },
        EnrollmentEvent::CaProfileServed { .. } => Message::of("ca-profile-served"),
        EnrollmentEvent::CaInstallReported {} => Message::of("ca-install-reported"),
        EnrollmentEvent::CaStepSkipped {} => Message::of("ca-step-skipped"),
        EnrollmentEvent::ManagedAppleIdGiven { managed_apple_id } => {
            Message::of("managed-apple-id-given").personal("managed_apple_id", managed_apple_id)
        }
        EnrollmentEvent::ProfileServiceServed { .. } => Message::of("profile-service-served"),
        EnrollmentEvent::DeviceAttributesReported { signature, attributes, .. } => {
            Message::of("device-attributes-reported")
                .with("product", attributes.product.as_deref().unwrap_or("a device of unknown model"))
                .with("build", attributes.build_version.as_deref().unwrap_or("unknown"))
                .with("signature", words::device_signature(*signature))
        }
        EnrollmentEvent::VerificationProfileServed { .. } => Message::of("verification-profile-served"),
        EnrollmentEvent::VerificationIdentityIssued { identity, .. } => {
            Message::of("verification-identity-issued").with("serial", &identity.serial)
        }
        EnrollmentEvent::ProfileServiceRefused { why, .. } => {
            Message::of("profile-service-refused").because(words::profile_service_refusal(*why))
        }
        EnrollmentEvent::MdmProfileServed { profile, verified_by: Some(_), .. } => {
            Message::of("mdm-profile-served-to-verified").with("kind", profile.kind.name())
        }
        EnrollmentEvent::MdmProfileServed { profile, .. } => {
            Message::of("mdm-profile-served").with("kind", profile.kind.name())
        }
        EnrollmentEvent::IdentityIssued { identity, .. } => {
            Message::of("identity-issued").with("serial", &identity.serial)
        }
        EnrollmentEvent::IdentityRevoked { .. } => Message::of("identity-revoked"),
        EnrollmentEvent::EnrollmentRefused { why } => {
            Message::of("enrollment-refused").because(words::enrollment_refusal(*why))
        }
        EnrollmentEvent::EnrollmentAbandoned {} => Message::of("enrollment-abandoned"),
        EnrollmentEvent::SignedOut {} => Message::of("signed-out"),
    }
}

fn device(event: &DeviceEvent) -> Message {
    match event {
        DeviceEvent::DeviceAuthenticated { identifiers, os_version, product_name, .. } => {
            authenticated(identifiers, os_version.map(|version| version.to_string()), product_name.as_deref())
        }
        DeviceEvent::DeviceEnrolled { .. } => Message::of("device-enrolled"),
        DeviceEvent::PushTokenRenewed { .. } => Message::of("push-token-renewed"),
        DeviceEvent::IdentityRenewed { identity, .. } => {
            Message::of("identity-renewed").with("serial", &identity.serial)
        }
        DeviceEvent::IdentityRenewalRequested { .. } => Message::of("identity-renewal-requested"),
        DeviceEvent::DeviceReauthenticated { .. } => Message::of("device-reauthenticated"),
        DeviceEvent::IdentityRenewalCompleted { serial, .. } => {
            Message::of("identity-renewal-completed").with("serial", serial)
        }
        DeviceEvent::IdentityRenewalRefused { why } => {
            Message::of("identity-renewal-refused").because(words::identity_refusal(*why))
        }
        DeviceEvent::DeviceMessageRefused { why } => {
            Message::of("device-message-refused").because(words::message_refusal(*why))
        }
        DeviceEvent::IdentityRolledBack { serial, .. } => Message::of("identity-rolled-back").with("serial", serial),
        DeviceEvent::IdentityRenewalFailed { why } => {
            Message::of("identity-renewal-failed").because(words::renewal_failure(*why))
        }
        DeviceEvent::MdmCommandQueued { request_type, .. } => {
            Message::of("command-queued").with("request_type", request_type)
        }
        DeviceEvent::MdmCommandDelivered { .. } => Message::of("command-delivered").with("command", SOME_COMMAND),
        DeviceEvent::MdmCommandCancelled { .. } => Message::of("command-cancelled").with("command", SOME_COMMAND),
        DeviceEvent::MdmCommandExpired { .. } => Message::of("command-expired").with("command", SOME_COMMAND),
        DeviceEvent::ManagedAppReported { app, status, .. } => {
            Message::of("managed-app-reported").with("app", app).with("status", words::app_status(*status))
        }
        DeviceEvent::MdmCommandAnswered { rejection: Some(reason), .. } => {
            Message::of("app-rejected").with("command", SOME_COMMAND).because(words::rejection(*reason))
        }
        DeviceEvent::MdmCommandAnswered { status, errors, .. } => answered(*status, errors),
        DeviceEvent::MdmAnswerUnreadable { why, in_part, .. } => {
            let key = if *in_part { "answer-unreadable-in-part" } else { "answer-unreadable" };
            Message::of(key).with("command", SOME_COMMAND).with("reason", words::faults(why))
        }
        DeviceEvent::MdmResultTooLarge { bytes, .. } => {
            Message::of("result-too-large").with("command", SOME_COMMAND).with("bytes", bytes)
        }
        DeviceEvent::InventoryReported { changes } => {
            Message::of("inventory-reported").with("names", list(changes.keys().map(String::as_str)))
        }
        DeviceEvent::DeviceFieldsLeftOut { fields } => {
            Message::of("device-fields-left-out").with("fields", list(fields.iter().map(String::as_str)))
        }
        DeviceEvent::DeviceEventsSuppressed { count, events } => {
            let events: Vec<String> = events.iter().map(|(name, count)| format!("{name} ({count})")).collect();
            Message::of("device-events-suppressed").with("count", count).with("events", events.join(", "))
        }
        DeviceEvent::DeviceHeardFrom {} => Message::of("device-heard-from"),
        DeviceEvent::ContactWatchBegun { .. } => Message::of("contact-watch-begun"),
        DeviceEvent::DevicePushed { .. } => Message::of("device-pushed"),
        DeviceEvent::PushFailed { reason, .. } => Message::of("push-failed").with("reason", reason),
        DeviceEvent::DeviceCheckedOut { .. } => Message::of("device-checked-out"),
        DeviceEvent::DeviceUnenrolled { by: UnenrolledBy::Server } => Message::of("device-unenrolled"),
        DeviceEvent::DeviceSuperseded { evidence, .. } => {
            Message::of("device-superseded").with("evidence", words::supersession(*evidence))
        }
        DeviceEvent::DeviceRevived { .. } => Message::of("device-revived"),
        DeviceEvent::HardwareClaimNoted { count, .. } => Message::of("hardware-claim-noted").with("count", count),
        DeviceEvent::HardwareClaimDismissed { .. } => Message::of("hardware-claim-dismissed"),
        DeviceEvent::HardwareAttestationRequested { .. } => Message::of("hardware-attestation-requested"),
        DeviceEvent::HardwareAttested { .. } => Message::of("hardware-attested"),
        DeviceEvent::HardwareAttestationRefused { why, .. } => {
            Message::of("hardware-attestation-refused").because(words::attestation_refusal(*why))
        }
        DeviceEvent::RecordArchived {} => Message::of("record-archived"),
        DeviceEvent::RecordRestored {} => Message::of("record-restored"),
        DeviceEvent::EarlierViewsCleared { views, .. } => {
            Message::of("earlier-views-cleared").with("views", list(views.iter().map(|view| view.name())))
        }
    }
}

fn authenticated(identifiers: &DeviceIdentifiers, version: Option<String>, product: Option<&str>) -> Message {
    Message::of("device-authenticated")
        .with("kind", identifiers.kind().name())
        .with("version", version.as_deref().unwrap_or("of unknown version"))
        .with("product", product.unwrap_or("a device"))
}

fn answered(status: CommandStatus, errors: &[MdmError]) -> Message {
    let said = match status {
        CommandStatus::Acknowledged => Message::of("command-acknowledged"),
        CommandStatus::NotNow => Message::of("command-not-now"),
        CommandStatus::Error => failed("command-failed", errors),
        CommandStatus::CommandFormatError => failed("command-format-error", errors),
    };
    said.with("command", SOME_COMMAND)
}

// Without its text, an error reads as its domain and number.
fn failed(key: &'static str, errors: &[MdmError]) -> Message {
    Message::of(key).with("errors", words::errors(errors, Personal::shown))
}

fn person(event: &PersonEvent) -> Message {
    let named = |key, user_name: &Option<Personal<String>>| match user_name {
        Some(name) => Message::of(key).personal("user_name", name),
        None => Message::of(key).with("user_name", "no name"),
    };
    match event {
        PersonEvent::PersonKnown { attributes, .. } => named("person-known", &attributes.user_name),
        PersonEvent::PersonAttributesChanged { attributes } => named("person-changed", &attributes.user_name),
        PersonEvent::ManagedAppleIdLearned { .. } => Message::of("managed-apple-id-learned"),
        PersonEvent::TermsAcceptanceKept { version, .. } => {
            Message::of("terms-acceptance-kept").with("version", version)
        }
        PersonEvent::PersonKeysNoted { keys, names } => {
            Message::of("person-keys-noted").with("count", keys.len().max(names.len()))
        }
        PersonEvent::PersonRecordsResolved { .. } => Message::of("person-records-resolved"),
        PersonEvent::PersonErased {} => Message::of("person-erased"),
    }
}

fn access(event: &StaffActivityEvent) -> Message {
    match event {
        StaffActivityEvent::DeviceListViewed {} => Message::of("device-list-viewed"),
        StaffActivityEvent::DeviceViewed { .. } => Message::of("device-viewed"),
        StaffActivityEvent::AuditTrailViewed { filters } if filters.is_empty() => Message::of("audit-viewed"),
        StaffActivityEvent::AuditTrailViewed { filters } => {
            Message::of("audit-searched").with("filters", list(filters.iter().map(String::as_str)))
        }
        StaffActivityEvent::FunnelViewed { .. } => Message::of("funnel-viewed"),
        StaffActivityEvent::VisitListViewed { filters } if filters.is_empty() => Message::of("visits-viewed"),
        StaffActivityEvent::VisitListViewed { .. } => Message::of("visits-searched"),
        StaffActivityEvent::VisitViewed { .. } => Message::of("visit-viewed"),
        StaffActivityEvent::SettingsViewed {} => Message::of("settings-viewed"),
        StaffActivityEvent::AuditTrailExported { filters, format, rows } if filters.is_empty() => {
            exported(Message::of("audit-exported"), filters, *format, *rows)
        }
        StaffActivityEvent::AuditTrailExported { filters, format, rows } => {
            exported(Message::of("audit-part-exported"), filters, *format, *rows)
        }
        StaffActivityEvent::InventoryExported { filters, format, rows } if filters.is_empty() => {
            exported(Message::of("inventory-exported"), filters, *format, *rows)
        }
        StaffActivityEvent::InventoryExported { filters, format, rows } => {
            exported(Message::of("inventory-part-exported"), filters, *format, *rows)
        }
        StaffActivityEvent::ApiRead { resource, .. } => {
            Message::of("api-read").with("resource", words::resource(*resource))
        }
        StaffActivityEvent::StaffListViewed {} => Message::of("staff-list-viewed"),
        StaffActivityEvent::StaffViewed { .. } => Message::of("staff-viewed"),
        StaffActivityEvent::PreviousRecordListViewed {} => Message::of("previous-record-list-viewed"),
        StaffActivityEvent::PreviousRecordViewed { .. } => Message::of("previous-record-viewed"),
        StaffActivityEvent::ImportListViewed {} => Message::of("import-list-viewed"),
        StaffActivityEvent::LinkListViewed {} => Message::of("link-list-viewed"),
        StaffActivityEvent::PersonViewed { .. } => Message::of("person-viewed"),
        StaffActivityEvent::LineageExported { filters, format, rows } => {
            exported(Message::of("lineage-exported"), filters, *format, *rows)
        }
        StaffActivityEvent::PreviousRecordsExported { filters, format, rows } if filters.is_empty() => {
            exported(Message::of("records-exported"), filters, *format, *rows)
        }
        StaffActivityEvent::PreviousRecordsExported { filters, format, rows } => {
            exported(Message::of("records-part-exported"), filters, *format, *rows)
        }
        StaffActivityEvent::MigrationBoardViewed { filters } if filters.is_empty() => {
            Message::of("migration-board-viewed")
        }
        StaffActivityEvent::MigrationBoardViewed { filters } => {
            Message::of("migration-board-part-viewed").with("filters", list(filters.iter().map(String::as_str)))
        }
        StaffActivityEvent::MigrationBoardExported { filters, format, rows } if filters.is_empty() => {
            exported(Message::of("migration-board-exported"), filters, *format, *rows)
        }
        StaffActivityEvent::MigrationBoardExported { filters, format, rows } => {
            exported(Message::of("migration-board-part-exported"), filters, *format, *rows)
        }
        StaffActivityEvent::InvitationListViewed {} => Message::of("invitation-list-viewed"),
        StaffActivityEvent::InvitationViewed { .. } => Message::of("invitation-viewed"),
        StaffActivityEvent::InvitationsExported { format, rows, .. } => {
            exported(Message::of("invitations-exported"), &[], *format, *rows)
        }
        StaffActivityEvent::ActRefused { act, .. } => Message::of("act-refused").with("act", act),
        StaffActivityEvent::AccessRefused { act, .. } => Message::of("access-refused").with("act", act),
    }
}

fn exported(said: Message, filters: &[String], format: ExportFormat, rows: u64) -> Message {
    let filters = list(filters.iter().map(String::as_str));
    said.with("rows", rows).with("format", words::format(format)).with("filters", filters)
}

fn list<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().collect::<Vec<_>>().join(", ")
}
