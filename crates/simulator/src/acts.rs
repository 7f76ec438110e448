//! Acts of a person and their device, and observers of these acts.

use async_trait::async_trait;
use std::fmt;
use std::time::Duration;

/// One act of an enrollment, in the order of the steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Act {
    /// Settings asks the domain of an account for its server.
    Discover,
    OpenPortal,
    ProceedInSpiteOfWarning,
    AnswerDeviceQuestion,
    SignIn,
    SayForWhom,
    NotePreviousRecords,
    ChooseOwnership,
    AcceptTerms,
    DownloadCaProfile,
    InstallCaProfile,
    SwitchOnTrust,
    ReportCaProfile,
    GiveManagedAppleId,
    DownloadMdmProfile,
    /// The device fetches it itself, with the access token.
    FetchMdmProfile,
    /// The device sends its attributes and gets an identity with which it requests the MDM profile.
    BeVerified,
    /// The device checks the server before it installs an MDM profile.
    CheckServer,
    GetIdentity,
    Authenticate,
    TokenUpdate,
    ReportMdmProfile,
    SeeCompletion,
    /// The push server woke the device.
    WakeUp,
    AnswerCommands,
}

impl Act {
    /// Name of the step that the act belongs to (docs/glossary.md, "Steps of an enrollment").
    pub fn step(self) -> &'static str {
        match self {
            Act::Discover | Act::OpenPortal | Act::ProceedInSpiteOfWarning | Act::AnswerDeviceQuestion => "arrival",
            Act::SignIn | Act::SayForWhom | Act::NotePreviousRecords => "sign-in",
            Act::ChooseOwnership => "ownership",
            Act::AcceptTerms => "terms of use",
            Act::DownloadCaProfile | Act::InstallCaProfile | Act::SwitchOnTrust | Act::ReportCaProfile => "certificate",
            Act::GiveManagedAppleId => "account",
            Act::DownloadMdmProfile
            | Act::FetchMdmProfile
            | Act::BeVerified
            | Act::CheckServer
            | Act::GetIdentity
            | Act::Authenticate => "profile",
            Act::TokenUpdate | Act::ReportMdmProfile | Act::SeeCompletion | Act::WakeUp | Act::AnswerCommands => {
                "completion"
            }
        }
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Act::Discover => "find the server of an account",
            Act::OpenPortal => "open the enrollment URL",
            Act::ProceedInSpiteOfWarning => "proceed despite the warning",
            Act::AnswerDeviceQuestion => "say that this is an iPad",
            Act::SignIn => "sign in",
            Act::SayForWhom => "say who the device is for",
            Act::NotePreviousRecords => "note the previous records",
            Act::ChooseOwnership => "choose the ownership",
            Act::AcceptTerms => "accept the terms of use",
            Act::DownloadCaProfile => "download the CA profile",
            Act::InstallCaProfile => "install the CA profile",
            Act::SwitchOnTrust => "enable trust in it",
            Act::ReportCaProfile => "report the CA profile",
            Act::GiveManagedAppleId => "give the Managed Apple ID",
            Act::DownloadMdmProfile => "download the MDM profile",
            Act::FetchMdmProfile => "fetch the MDM profile",
            Act::BeVerified => "be verified by a Profile Service",
            Act::CheckServer => "check the server",
            Act::GetIdentity => "get an identity by SCEP",
            Act::Authenticate => "Authenticate",
            Act::TokenUpdate => "TokenUpdate",
            Act::ReportMdmProfile => "report the MDM profile",
            Act::SeeCompletion => "see the completion page",
            Act::WakeUp => "be woken by the push server",
            Act::AnswerCommands => "answer commands",
        })
    }
}

/// An observer: it prints the acts, measures them, or stops the server in between.
#[async_trait]
pub trait Watcher: Send {
    /// Called before the act.
    async fn before(&mut self, _act: Act) {}

    /// Called after the act, with a short description of its result.
    async fn after(&mut self, _act: Act, _took: Duration, _told: &str) {}
}

/// An observer that does nothing.
pub struct Nobody;

impl Watcher for Nobody {}
