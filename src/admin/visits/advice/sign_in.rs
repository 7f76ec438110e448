//! Advice for a person whose sign-in was refused, by the reason in the log.

use events::enrollment::{SignInRefusal, SingleSignOnFault};
use projections::visits::Reason;

const WHICH_ACCOUNT: &str = "Use the account of your work or school, not the Apple Account of the device.";

pub fn tell(reason: Reason) -> &'static [&'static str] {
    match reason {
        Reason::SignIn(reason) => by_password(reason),
        Reason::SingleSignOn(fault) => at_provider(fault),
    }
}

fn by_password(reason: SignInRefusal) -> &'static [&'static str] {
    match reason {
        SignInRefusal::UnknownName => {
            &["There is no account of the name that was typed. Check how it is written.", WHICH_ACCOUNT]
        }
        SignInRefusal::WrongPassword => &[
            "The password was wrong. Type it once more, or have it reset.",
            "Muster locks no account. A directory may, after several wrong tries: then this page says so.",
            WHICH_ACCOUNT,
        ],
        SignInRefusal::AccountLocked => &[
            "The directory has locked the account after wrong passwords. Have it unlocked there, or wait until the directory unlocks it.",
            "Trying again before that does not help, even with the right password.",
        ],
        SignInRefusal::AccountDisabled => &["The account is disabled. Whoever manages the accounts can enable it."],
        SignInRefusal::AccountExpired => {
            &["The account has expired in the directory. Whoever manages the directory can extend it."]
        }
        SignInRefusal::PasswordExpired | SignInRefusal::PasswordMustBeChanged => &[
            "The password is right, but the directory wants a new one first. Change it at a computer of the organization, then sign in with the new one.",
        ],
        SignInRefusal::OutsideLogonHours => {
            &["The directory lets the account sign in at certain hours only. Try again then."]
        }
        SignInRefusal::WorkstationNotPermitted => &[
            "The directory lets the account sign in at certain computers only (userWorkstations). Whoever manages the directory can add this server.",
        ],
        SignInRefusal::NotEntitled => {
            &["The account is known, and may not enroll devices. An administrator can permit it.", WHICH_ACCOUNT]
        }
        SignInRefusal::Throttled => &[
            "There were too many tries. Wait for a few minutes, then try again.",
            "Muster locks no account. A directory may have locked it before: then a refusal above says so.",
        ],
        SignInRefusal::DirectoryUnavailable => &[
            "It is not the person’s password: a directory does not answer. An administrator sees which in the alarms. Try again in a few minutes.",
        ],
        SignInRefusal::AnotherPerson => {
            &["The device belongs to somebody else’s enrollment. Sign in with the account that it was enrolled with."]
        }
    }
}

fn at_provider(fault: SingleSignOnFault) -> &'static [&'static str] {
    match fault {
        SingleSignOnFault::ProviderRefused => &[
            "The identity provider said no, or the person cancelled there. Try again; the provider’s own sign-in log has the reason.",
        ],
        SingleSignOnFault::ProviderUnavailable => {
            &["It is not the person’s password: the identity provider does not answer. Try again in a few minutes."]
        }
        SingleSignOnFault::Unsolicited | SingleSignOnFault::Replayed => &[
            "The answer of the identity provider came too late, or in another browser. Begin again in Safari, without going back, within 15 minutes.",
        ],
        SingleSignOnFault::OutsideValidity => &[
            "The clocks of the identity provider and of this server differ. An administrator has to correct one of them.",
        ],
        SingleSignOnFault::StaleAuthentication => {
            &["The identity provider has to ask for the password anew. Try again, and type it there."]
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
            "The person can do nothing: the identity provider’s answer was not believed. An administrator finds what is wrong in the server’s log, by the help code.",
        ],
    }
}
