//! The state of an enrollment after an event. Every event gives a state.
//!
//! The match lists every event, grouped by step. It has no wildcard, so the compiler reports an event that is missing.

mod admission;
mod hand_over;
mod profile_service;
mod profiles;
mod sign_in;
mod single_sign_on;

use super::{Assignment, CaStep, End, Enrollment, TermsStep};
use events::enrollment::EnrollmentEvent as Event;

pub(super) fn evolve(mut enrollment: Enrollment, event: &Event) -> Enrollment {
    apply(&mut enrollment, event);
    enrollment
}

fn apply(enrollment: &mut Enrollment, event: &Event) {
    match event {
        // The first form and sign-in.
        Event::VisitOpened { session, platform, language, user_agent: _ } => {
            sign_in::open(enrollment, session, *platform, language);
        }
        Event::AccountDrivenBegun { mode, state } => sign_in::begin_in_settings(enrollment, *mode, state),
        Event::SignInRefused { reason, account, .. } => sign_in::refuse(enrollment, *reason, account.as_deref()),
        Event::UserSignedIn { method, person, account, user_name, session } => {
            sign_in::sign_in(enrollment, session, *method, *person, account, user_name);
        }
        Event::SingleSignOnBegun { method, provider, request } => {
            single_sign_on::begin(enrollment, *method, provider, request);
        }
        Event::SingleSignOnProven { account, .. } => single_sign_on::prove(enrollment, account),
        Event::SingleSignOnRefused { why, .. } => single_sign_on::refuse(enrollment, *why),

        // Repeated sign-in.
        Event::SignInAgainAsked { why } => enrollment.sign_in_again = Some(*why),
        Event::VisitResumed { session, begun, state, user_agent: _ } => {
            sign_in::resume(enrollment, session, *begun, state);
        }
        Event::UserSignedInAgain { method, session } => sign_in::sign_in_again(enrollment, session, *method),

        // The owner of the device, their permissions and their earlier records.
        Event::AssignmentOffered { for_oneself } => admission::ask_for_whom(enrollment, *for_oneself),
        Event::EnrollmentAssigned { method, person, account, user_name } => {
            admission::assign(enrollment, *method, *person, account, user_name);
        }
        Event::AssignmentDeclined {} => enrollment.assignment = Assignment::Oneself,
        Event::AttributesReceived { .. } => {}
        Event::AccessDecided { access } => enrollment.access = Some(access.clone()),
        Event::PreviousRecordFound { records, count } => admission::find(enrollment, records, *count),
        Event::ImportedRecordFound { records, count } => admission::find_imports(enrollment, records, *count),
        Event::PreviousRecordAnswered { record, answer, removed: _ } => {
            enrollment.answers.insert(*record, *answer);
        }
        Event::PreviousRecordsNoted {} => enrollment.previous_noted = true,
        Event::OldManagementRemovalAgreed { record } => {
            enrollment.removals_agreed.insert(*record);
        }
        Event::InvitationPresented { invitation, token: _ } => {
            enrollment.repeats.invitation();
            enrollment.invitation = Some(*invitation);
        }

        // Ownership and terms.
        Event::OwnershipChosen { ownership, .. } => enrollment.ownership = Some(*ownership),
        Event::TermsRequested { version, .. } => enrollment.terms = TermsStep::Asked { version: version.clone() },
        Event::TermsAccepted { version, .. } => enrollment.terms = TermsStep::Accepted { version: version.clone() },
        Event::TermsDeclined { .. } => {}

        // CA profile and Managed Apple ID.
        Event::CaProfileServed { .. } => profiles::serve_ca(enrollment),
        Event::CaInstallReported {} => enrollment.ca = CaStep::Reported,
        Event::CaStepSkipped {} => enrollment.ca = CaStep::Skipped,
        Event::ManagedAppleIdGiven { managed_apple_id } => profiles::give(enrollment, managed_apple_id),
        Event::ManagedAppleIdAssigned { managed_apple_id } => profiles::assign(enrollment, managed_apple_id),

        // Profile Service and verification profile.
        Event::ProfileServiceServed { challenge, challenge_expires, service: _ } => {
            profile_service::serve(enrollment, challenge, *challenge_expires);
        }
        Event::DeviceAttributesReported { challenge, signature, certificate, attributes } => {
            profile_service::report(enrollment, challenge, *signature, certificate, attributes);
        }
        Event::ProfileServiceRefused { challenge, why } => profile_service::refuse(enrollment, challenge, *why),
        Event::VerificationProfileServed { service, challenge, challenge_expires, .. } => {
            profile_service::verify(enrollment, service, challenge, *challenge_expires);
        }
        Event::VerificationIdentityIssued { identity, challenge, transaction: _ } => {
            profile_service::issue(enrollment, identity, challenge);
        }

        // Hand-over in Settings.
        Event::AccessTokenIssued { token, issued, refresh } => {
            hand_over::issue_token(enrollment, token, *issued, refresh.as_ref());
        }
        Event::AuthorizationCodeIssued { code, issued } => hand_over::issue_code(enrollment, code, *issued),
        Event::AccessTokenRefreshed { token, issued, refresh_token } => {
            hand_over::refresh(enrollment, token, *issued, refresh_token);
        }
        Event::MachineInformationReceived { signature, product, build_version, os_version } => {
            hand_over::receive(enrollment, *signature, product, build_version, *os_version);
        }

        // MDM profile and identity.
        Event::MdmProfileServed { profile, challenge, challenge_expires, verified_by } => {
            profiles::serve_mdm(enrollment, profile, challenge, *challenge_expires, verified_by);
        }
        Event::IdentityIssued { identity, transaction, challenge } => {
            profiles::issue(enrollment, identity, transaction, challenge);
        }
        Event::IdentityRevoked { fingerprint } => profiles::revoke(enrollment, fingerprint),

        // Any step.
        Event::LanguageChosen { language } => choose_language(enrollment, language),
        Event::FormRefused { why } => enrollment.repeats.form(*why),
        Event::IdentityRefused { why } => enrollment.repeats.identity(*why),
        Event::SignedOut {} => enrollment.session = None,
        Event::EnrollmentRefused { why } => enrollment.end = Some(End::Refused(*why)),
        Event::EnrollmentAbandoned {} => enrollment.end = Some(End::Abandoned),
    }
}

fn choose_language(enrollment: &mut Enrollment, language: &str) {
    enrollment.repeats.language();
    if let Some(opened) = &mut enrollment.opened {
        opened.language = language.to_owned();
    }
}
