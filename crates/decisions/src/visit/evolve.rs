//! The state of a visit after an event. Every event gives a state.

use super::{
    AccessToken, Assignment, AuthorizationCode, CaStep, End, Identity, MachineInformation, Opened, ProfileService,
    RefreshToken, ReportedDevice, Serving, SignedIn, SingleSignOn, TermsStep, Verification, Visit,
};
use events::enrollment::{EnrollmentEvent, Evidence, Refresh, SecretHash, SignInRefusal, SingleSignOnFault};

pub(super) fn evolve(mut visit: Visit, event: &EnrollmentEvent) -> Visit {
    match event {
        EnrollmentEvent::VisitOpened { session, platform, language, user_agent: _ } => {
            visit.session = Some(session.clone());
            visit.opened = Some(Opened { platform: *platform, language: language.clone() });
        }
        EnrollmentEvent::AccountDrivenBegun { mode, state } => {
            visit.account_driven = Some(*mode);
            visit.authorization.clone_from(state);
        }
        EnrollmentEvent::VisitResumed { session, begun, state, user_agent: _ } => {
            visit.authorization.clone_from(state);
            visit.session = Some(session.clone());
            visit.resumed = Some(*begun);
            visit.single_sign_on = None;
        }
        EnrollmentEvent::UserSignedInAgain { method, session } => {
            visit.session = Some(session.clone());
            let at = visit.single_sign_on.take().filter(|waiting| waiting.method == *method);
            visit.signed_in_at = at.map(|waiting| waiting.provider);
            visit.sign_in_again = None;
        }
        EnrollmentEvent::AccessTokenIssued { token, issued, refresh } => {
            let refreshable = refresh.is_some();
            let (hash, issued_at) = (token.clone(), *issued);
            visit.access_tokens.push(AccessToken { hash, issued: issued_at, signed_in: issued_at, refreshable });
            // A device that sent its old token again between sign-in and this event now has a valid one.
            visit.sign_in_again = None;
            if let Some(Refresh { refresh_token, code }) = refresh {
                visit.refresh_tokens.push(RefreshToken { hash: refresh_token.clone(), issued: *issued });
                visit.codes.iter_mut().filter(|known| known.hash == *code).for_each(|known| known.used = true);
            }
        }
        EnrollmentEvent::AuthorizationCodeIssued { code, issued } => {
            visit.codes.push(AuthorizationCode { hash: code.clone(), issued: *issued, used: false });
        }
        EnrollmentEvent::AccessTokenRefreshed { token, issued, refresh_token } => {
            let by = visit.refresh_tokens.iter().find(|known| known.hash == *refresh_token);
            let signed_in = by.map_or(*issued, |by| by.issued);
            visit.access_tokens.push(AccessToken {
                hash: token.clone(),
                issued: *issued,
                signed_in,
                refreshable: true,
            });
            visit.sign_in_again = None;
        }
        EnrollmentEvent::MachineInformationReceived { signature, product, build_version, os_version } => {
            visit.machine = Some(MachineInformation {
                signature: *signature,
                product: product.clone(),
                build_version: build_version.clone(),
                os_version: *os_version,
            });
        }
        EnrollmentEvent::SignInAgainAsked { why } => visit.sign_in_again = Some(*why),
        EnrollmentEvent::LanguageChosen { language } => {
            visit.told.language();
            if let Some(opened) = &mut visit.opened {
                opened.language.clone_from(language);
            }
        }
        EnrollmentEvent::FormRefused { why } => visit.told.form(*why),
        EnrollmentEvent::IdentityRefused { why } => visit.told.identity(*why),
        EnrollmentEvent::SignInRefused {
            reason: reason @ (SignInRefusal::AnotherPerson | SignInRefusal::NotEntitled),
            account: Some(account),
            ..
        } => visit.told.sign_in(*reason, account),
        EnrollmentEvent::TermsDeclined { .. } | EnrollmentEvent::SignInRefused { .. } => {}
        EnrollmentEvent::SingleSignOnBegun { method, provider, request } => {
            visit.single_sign_on = Some(SingleSignOn {
                method: *method,
                provider: provider.clone(),
                request: request.clone(),
                proven: None,
            });
        }
        EnrollmentEvent::SingleSignOnProven { account, .. } => {
            if let Some(waiting) = &mut visit.single_sign_on {
                waiting.proven = Some(account.clone());
            }
        }
        // A response that was not requested does not end the wait for the requested one; otherwise a link could end it.
        EnrollmentEvent::SingleSignOnRefused { why: SingleSignOnFault::Unsolicited, .. } => {}
        EnrollmentEvent::SingleSignOnRefused { .. } => visit.single_sign_on = None,
        EnrollmentEvent::AssignmentOffered { for_oneself } => {
            visit.assignment = Assignment::Asked { for_oneself: *for_oneself };
        }
        EnrollmentEvent::EnrollmentAssigned { method, person, account, user_name } => {
            visit.assignment = Assignment::To(SignedIn {
                method: *method,
                person: *person,
                account: account.clone(),
                user_name: user_name.clone(),
            });
        }
        EnrollmentEvent::AssignmentDeclined {} => visit.assignment = Assignment::Oneself,
        EnrollmentEvent::AttributesReceived { .. } => {}
        EnrollmentEvent::AccessDecided { access } => visit.access = Some(access.clone()),
        EnrollmentEvent::TermsRequested { version, .. } => {
            visit.terms = TermsStep::Asked { version: version.clone() };
        }
        EnrollmentEvent::TermsAccepted { version, .. } => {
            visit.terms = TermsStep::Accepted { version: version.clone() };
        }
        EnrollmentEvent::UserSignedIn { method, person, account, user_name, session } => {
            visit.session = Some(session.clone());
            let at = visit.single_sign_on.take().filter(|waiting| waiting.method == *method);
            visit.signed_in_at = at.map(|waiting| waiting.provider);
            visit.signed_in = Some(SignedIn {
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
            visit.previous.nearest.extend(records.iter().cloned());
            visit.previous.count += count;
        }
        EnrollmentEvent::PreviousRecordsNoted {} => visit.previous_noted = true,
        EnrollmentEvent::OwnershipChosen { ownership, .. } => visit.ownership = Some(*ownership),
        // Serving the profile again after the report does not reset the report.
        EnrollmentEvent::CaProfileServed { .. } => {
            visit.told.profile();
            if visit.ca == CaStep::Pending {
                visit.ca = CaStep::Served;
            }
        }
        EnrollmentEvent::CaInstallReported {} => visit.ca = CaStep::Reported,
        EnrollmentEvent::CaStepSkipped {} => visit.ca = CaStep::Skipped,
        EnrollmentEvent::ManagedAppleIdGiven { managed_apple_id } => {
            visit.told.managed_apple_id();
            visit.managed_apple_id = Some(managed_apple_id.clone());
        }
        EnrollmentEvent::ManagedAppleIdAssigned { managed_apple_id } => {
            visit.managed_apple_id = Some(managed_apple_id.clone());
        }
        EnrollmentEvent::ProfileServiceServed { challenge, challenge_expires, service: _ } => {
            visit.told.profile();
            visit.profile_services.push(ProfileService {
                challenge: challenge.clone(),
                challenge_expires: *challenge_expires,
                device: None,
                refusals: vec![],
            });
        }
        EnrollmentEvent::DeviceAttributesReported { challenge, signature, certificate, attributes } => {
            if let Some(service) = service(&mut visit, challenge) {
                service.device = Some(ReportedDevice {
                    signature: *signature,
                    certificate: certificate.clone(),
                    attributes: attributes.clone(),
                });
            }
        }
        EnrollmentEvent::VerificationProfileServed { service, challenge, challenge_expires, .. } => {
            visit.verifications.push(Verification {
                service: service.clone(),
                challenge: challenge.clone(),
                challenge_expires: *challenge_expires,
                identity: None,
            });
        }
        EnrollmentEvent::VerificationIdentityIssued { identity, challenge, transaction: _ } => {
            let issued_by = |verification: &&mut Verification| verification.challenge == *challenge;
            if let Some(verification) = visit.verifications.iter_mut().find(issued_by) {
                verification.identity = Some(identity.clone());
            }
        }
        EnrollmentEvent::ProfileServiceRefused { challenge, why } => {
            if let Some(service) = service(&mut visit, challenge) {
                service.refusals.push(*why);
            }
        }
        EnrollmentEvent::MdmProfileServed { profile, challenge, challenge_expires, verified_by } => {
            visit.told.profile();
            visit.servings.push(Serving {
                profile: profile.clone(),
                challenge: challenge.clone(),
                challenge_expires: *challenge_expires,
                verified_by: verified_by.clone(),
                dead: false,
            });
        }
        EnrollmentEvent::IdentityIssued { identity, transaction, challenge } => {
            let serving = visit.servings.iter().find(|serving| serving.challenge == *challenge).cloned();
            visit.servings.iter_mut().for_each(|serving| serving.dead = true);
            visit.identity = serving.map(|serving| Identity {
                certificate: identity.clone(),
                transaction: transaction.clone(),
                challenge: challenge.clone(),
                profile: serving.profile,
                verified: serving.verified_by.and_then(|by| visit.verified(&by)).cloned(),
            });
        }
        EnrollmentEvent::IdentityRevoked { fingerprint } => {
            visit.identity = visit.identity.take().filter(|identity| identity.certificate.fingerprint != *fingerprint);
        }
        EnrollmentEvent::EnrollmentRefused { why } => visit.end = Some(End::Refused(*why)),
        EnrollmentEvent::EnrollmentAbandoned {} => visit.end = Some(End::Abandoned),
        EnrollmentEvent::SignedOut {} => visit.session = None,
    }
    visit
}

fn service<'a>(visit: &'a mut Visit, challenge: &SecretHash) -> Option<&'a mut ProfileService> {
    visit.profile_services.iter_mut().find(|service| service.challenge == *challenge)
}
