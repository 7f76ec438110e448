//! The state of an enrollment after an event. Every event gives a state.

use super::{
    AccessToken, Assignment, AuthorizationCode, CaStep, End, Enrollment, Identity, MachineInformation, Opened,
    ProfileService, RefreshToken, ReportedDevice, Serving, SignedIn, SingleSignOn, TermsStep, Verification,
};
use events::enrollment::{EnrollmentEvent, Evidence, Refresh, SecretHash, SignInRefusal, SingleSignOnFault};

pub(super) fn evolve(mut enrollment: Enrollment, event: &EnrollmentEvent) -> Enrollment {
    match event {
        EnrollmentEvent::VisitOpened { session, platform, language, user_agent: _ } => {
            enrollment.session = Some(session.clone());
            enrollment.opened = Some(Opened { platform: *platform, language: language.clone() });
        }
        EnrollmentEvent::AccountDrivenBegun { mode, state } => {
            enrollment.account_driven = Some(*mode);
            enrollment.authorization.clone_from(state);
        }
        EnrollmentEvent::VisitResumed { session, begun, state, user_agent: _ } => {
            enrollment.authorization.clone_from(state);
            enrollment.session = Some(session.clone());
            enrollment.resumed = Some(*begun);
            enrollment.single_sign_on = None;
        }
        EnrollmentEvent::UserSignedInAgain { method, session } => {
            enrollment.session = Some(session.clone());
            let at = enrollment.single_sign_on.take().filter(|waiting| waiting.method == *method);
            enrollment.signed_in_at = at.map(|waiting| waiting.provider);
            enrollment.sign_in_again = None;
        }
        EnrollmentEvent::AccessTokenIssued { token, issued, refresh } => {
            let refreshable = refresh.is_some();
            let (hash, issued_at) = (token.clone(), *issued);
            enrollment.access_tokens.push(AccessToken { hash, issued: issued_at, signed_in: issued_at, refreshable });
            // A device that sent its old token again between sign-in and this event now has a valid one.
            enrollment.sign_in_again = None;
            if let Some(Refresh { refresh_token, code }) = refresh {
                enrollment.refresh_tokens.push(RefreshToken { hash: refresh_token.clone(), issued: *issued });
                enrollment.codes.iter_mut().filter(|known| known.hash == *code).for_each(|known| known.used = true);
            }
        }
        EnrollmentEvent::AuthorizationCodeIssued { code, issued } => {
            enrollment.codes.push(AuthorizationCode { hash: code.clone(), issued: *issued, used: false });
        }
        EnrollmentEvent::AccessTokenRefreshed { token, issued, refresh_token } => {
            let by = enrollment.refresh_tokens.iter().find(|known| known.hash == *refresh_token);
            let signed_in = by.map_or(*issued, |by| by.issued);
            enrollment.access_tokens.push(AccessToken {
                hash: token.clone(),
                issued: *issued,
                signed_in,
                refreshable: true,
            });
            enrollment.sign_in_again = None;
        }
        EnrollmentEvent::MachineInformationReceived { signature, product, build_version, os_version } => {
            enrollment.machine = Some(MachineInformation {
                signature: *signature,
                product: product.clone(),
                build_version: build_version.clone(),
                os_version: *os_version,
            });
        }
        EnrollmentEvent::SignInAgainAsked { why } => enrollment.sign_in_again = Some(*why),
        EnrollmentEvent::LanguageChosen { language } => {
            enrollment.told.language();
            if let Some(opened) = &mut enrollment.opened {
                opened.language.clone_from(language);
            }
        }
        EnrollmentEvent::FormRefused { why } => enrollment.told.form(*why),
        EnrollmentEvent::IdentityRefused { why } => enrollment.told.identity(*why),
        EnrollmentEvent::SignInRefused {
            reason: reason @ (SignInRefusal::AnotherPerson | SignInRefusal::NotEntitled),
            account: Some(account),
            ..
        } => enrollment.told.sign_in(*reason, account),
        EnrollmentEvent::TermsDeclined { .. } | EnrollmentEvent::SignInRefused { .. } => {}
        EnrollmentEvent::SingleSignOnBegun { method, provider, request } => {
            enrollment.single_sign_on = Some(SingleSignOn {
                method: *method,
                provider: provider.clone(),
                request: request.clone(),
                proven: None,
            });
        }
        EnrollmentEvent::SingleSignOnProven { account, .. } => {
            if let Some(waiting) = &mut enrollment.single_sign_on {
                waiting.proven = Some(account.clone());
            }
        }
        // A response that was not requested does not end the wait for the requested one; otherwise a link could end it.
        EnrollmentEvent::SingleSignOnRefused { why: SingleSignOnFault::Unsolicited, .. } => {}
        EnrollmentEvent::SingleSignOnRefused { .. } => enrollment.single_sign_on = None,
        EnrollmentEvent::AssignmentOffered { for_oneself } => {
            enrollment.assignment = Assignment::Asked { for_oneself: *for_oneself };
        }
        EnrollmentEvent::EnrollmentAssigned { method, person, account, user_name } => {
            enrollment.assignment = Assignment::To(SignedIn {
                method: *method,
                person: *person,
                account: account.clone(),
                user_name: user_name.clone(),
            });
        }
        EnrollmentEvent::AssignmentDeclined {} => enrollment.assignment = Assignment::Oneself,
        EnrollmentEvent::AttributesReceived { .. } => {}
        EnrollmentEvent::AccessDecided { access } => enrollment.access = Some(access.clone()),
        EnrollmentEvent::TermsRequested { version, .. } => {
            enrollment.terms = TermsStep::Asked { version: version.clone() };
        }
        EnrollmentEvent::TermsAccepted { version, .. } => {
            enrollment.terms = TermsStep::Accepted { version: version.clone() };
        }
        EnrollmentEvent::UserSignedIn { method, person, account, user_name, session } => {
            enrollment.session = Some(session.clone());
            let at = enrollment.single_sign_on.take().filter(|waiting| waiting.method == *method);
            enrollment.signed_in_at = at.map(|waiting| waiting.provider);
            enrollment.signed_in = Some(SignedIn {
                method: *method,
                person: *person,
                account: account.clone(),
                user_name: user_name.clone(),
            });
        }
        // Found from the device's attributes: the person is no longer asked to read about it.
        EnrollmentEvent::PreviousRecordFound { records, .. }
            if records.iter().any(|found| found.evidence.contains(&Evidence::SameHardware)) => {}
        EnrollmentEvent::PreviousRecordFound { records, count } => {
            enrollment.previous.nearest.extend(records.iter().cloned());
            enrollment.previous.count += count;
        }
        EnrollmentEvent::PreviousRecordsNoted {} => enrollment.previous_noted = true,
        EnrollmentEvent::OwnershipChosen { ownership, .. } => enrollment.ownership = Some(*ownership),
        // Serving the profile again after the report does not reset the report.
        EnrollmentEvent::CaProfileServed { .. } => {
            enrollment.told.profile();
            if enrollment.ca == CaStep::Pending {
                enrollment.ca = CaStep::Served;
            }
        }
        EnrollmentEvent::CaInstallReported {} => enrollment.ca = CaStep::Reported,
        EnrollmentEvent::CaStepSkipped {} => enrollment.ca = CaStep::Skipped,
        EnrollmentEvent::ManagedAppleIdGiven { managed_apple_id } => {
            enrollment.told.managed_apple_id();
            enrollment.managed_apple_id = Some(managed_apple_id.clone());
        }
        EnrollmentEvent::ManagedAppleIdAssigned { managed_apple_id } => {
            enrollment.managed_apple_id = Some(managed_apple_id.clone());
        }
        EnrollmentEvent::ProfileServiceServed { challenge, challenge_expires, service: _ } => {
            enrollment.told.profile();
            enrollment.profile_services.push(ProfileService {
                challenge: challenge.clone(),
                challenge_expires: *challenge_expires,
                device: None,
                refusals: vec![],
            });
        }
        EnrollmentEvent::DeviceAttributesReported { challenge, signature, certificate, attributes } => {
            if let Some(service) = service(&mut enrollment, challenge) {
                service.device = Some(ReportedDevice {
                    signature: *signature,
                    certificate: certificate.clone(),
                    attributes: attributes.clone(),
                });
            }
        }
        EnrollmentEvent::VerificationProfileServed { service, challenge, challenge_expires, .. } => {
            enrollment.verifications.push(Verification {
                service: service.clone(),
                challenge: challenge.clone(),
                challenge_expires: *challenge_expires,
                identity: None,
            });
        }
        EnrollmentEvent::VerificationIdentityIssued { identity, challenge, transaction: _ } => {
            let issued_by = |verification: &&mut Verification| verification.challenge == *challenge;
            if let Some(verification) = enrollment.verifications.iter_mut().find(issued_by) {
                verification.identity = Some(identity.clone());
            }
        }
        EnrollmentEvent::ProfileServiceRefused { challenge, why } => {
            if let Some(service) = service(&mut enrollment, challenge) {
                service.refusals.push(*why);
            }
        }
        EnrollmentEvent::MdmProfileServed { profile, challenge, challenge_expires, verified_by } => {
            enrollment.told.profile();
            enrollment.servings.push(Serving {
                profile: profile.clone(),
                challenge: challenge.clone(),
                challenge_expires: *challenge_expires,
                verified_by: verified_by.clone(),
                dead: false,
            });
        }
        EnrollmentEvent::IdentityIssued { identity, transaction, challenge } => {
            let serving = enrollment.servings.iter().find(|serving| serving.challenge == *challenge).cloned();
            enrollment.servings.iter_mut().for_each(|serving| serving.dead = true);
            enrollment.identity = serving.map(|serving| Identity {
                certificate: identity.clone(),
                transaction: transaction.clone(),
                challenge: challenge.clone(),
                profile: serving.profile,
                verified: serving.verified_by.and_then(|by| enrollment.verified(&by)).cloned(),
            });
        }
        EnrollmentEvent::IdentityRevoked { fingerprint } => {
            enrollment.identity =
                enrollment.identity.take().filter(|identity| identity.certificate.fingerprint != *fingerprint);
        }
        EnrollmentEvent::EnrollmentRefused { why } => enrollment.end = Some(End::Refused(*why)),
        EnrollmentEvent::EnrollmentAbandoned {} => enrollment.end = Some(End::Abandoned),
        EnrollmentEvent::SignedOut {} => enrollment.session = None,
    }
    enrollment
}

fn service<'a>(enrollment: &'a mut Enrollment, challenge: &SecretHash) -> Option<&'a mut ProfileService> {
    enrollment.profile_services.iter_mut().find(|service| service.challenge == *challenge)
}
