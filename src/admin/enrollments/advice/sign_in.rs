//! Advice for a person whose sign-in was refused, by the reason in the log.

use events::enrollment::{SignInRefusal, SingleSignOnFault};
use projections::enrollments::Reason;

const WHICH_ACCOUNT: &str = "Use your work or school account, not the Apple Account of the device.";

pub(crate) fn advice_for(reason: Reason) -> &'static [&'static str] {
    match reason {
        Reason::SignIn(reason) => by_password(reason),
        Reason::SingleSignOn(fault) => at_provider(fault),
    }
}

fn by_password(reason: SignInRefusal) -> &'static [&'static str] {
    match reason {
        SignInRefusal::UnknownName => {
            &["There is no account with the user name that was typed. Check the spelling.", WHICH_ACCOUNT]
        }
        SignInRefusal::WrongPassword => &[
            "The password was wrong. Type it again, or have it reset.",
            "Muster does not lock accounts. A directory may lock an account after several wrong attempts. In that case, this page says so.",
            WHICH_ACCOUNT,
        ],
        SignInRefusal::AccountLocked => &[
            "The directory has locked the account after wrong passwords. Have it unlocked there, or wait until the directory unlocks it.",
            "Until then, trying again does not help, even with the correct password.",
        ],
        SignInRefusal::AccountDisabled => {
            &["The account is disabled. The person who manages the accounts can enable it."]
        }
        SignInRefusal::AccountExpired => {
            &["The account has expired in the directory. The administrator of the directory can extend it."]
        }
        SignInRefusal::PasswordExpired | SignInRefusal::PasswordMustBeChanged => &[
            "The password is correct, but the directory requires a new one first. Change it on a computer of the organization, then sign in with the new one.",
        ],
        SignInRefusal::OutsideLogonHours => {
            &["The directory allows the account to sign in at certain hours only. Try again at that time."]
        }
        SignInRefusal::WorkstationNotPermitted => &[
            "The directory allows the account to sign in at certain computers only (userWorkstations). The administrator of the directory can add this server.",
        ],
        SignInRefusal::NotEntitled => {
            &["The account exists, but may not enroll devices. An administrator can allow it.", WHICH_ACCOUNT]
        }
        SignInRefusal::Throttled => &[
            "There were too many attempts. Wait a few minutes, then try again.",
            "Muster does not lock accounts. If a directory locked the account before, a refusal above says so.",
        ],
        SignInRefusal::DirectoryUnavailable => &[
            "The person’s password is not the problem: a directory does not respond. An administrator can see in the alarms which one. Try again in a few minutes.",
        ],
        SignInRefusal::AnotherPerson => {
            &["The device belongs to another person’s enrollment. Sign in with the account that it was enrolled with."]
        }
    }
}

fn at_provider(fault: SingleSignOnFault) -> &'static [&'static str] {
    match fault {
        SingleSignOnFault::ProviderRefused => &[
            "The identity provider refused the sign-in, or the person cancelled it. Try again. The provider’s sign-in log has the reason.",
        ],
        SingleSignOnFault::ProviderUnavailable => &[
            "The person’s password is not the problem: the identity provider does not respond. Try again in a few minutes.",
        ],
        SingleSignOnFault::Unsolicited | SingleSignOnFault::Replayed => &[
            "The identity provider’s response came too late or in another browser. Start again in Safari, do not go back, and finish within 15 minutes.",
        ],
        SingleSignOnFault::OutsideValidity => &[
            "The clocks of the identity provider and of this server differ. An administrator has to correct one of them.",
        ],
        SingleSignOnFault::StaleAuthentication => {
            &["The identity provider has to ask for the password again. Try again, and type it there."]
        }
        SingleSignOnFault::NotUnderstood
        | SingleSignOnFault::ForbiddenContent
        | SingleSignOnFault::Unsigned
        | SingleSignOnFault::SignatureInvalid
        | SingleSignOnFault::AlgorithmRefused
        | SingleSignOnFault::WrongIssuer
        | SingleSignOnFault::WrongAudience
        | SingleSignOnFault::WrongRecipient
        | SingleSignOnFault::WrongDestination
        | SingleSignOnFault::Incomplete
        | SingleSignOnFault::WrongNonce
        | SingleSignOnFault::EncryptionRefused
        | SingleSignOnFault::SubjectMissing => &[
            "The person cannot solve this: the identity provider’s response was rejected. An administrator can find the reason in the server’s log with the help code.",
        ],
    }
}
