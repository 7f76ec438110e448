//! What a person and their device do, one act at a time, and those who watch them do it.

use async_trait::async_trait;
use std::fmt;
use std::time::Duration;

/// One act on the way, in the order of the steps.
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
    /// By the device itself, with the access token.
    FetchMdmProfile,
    /// The device says what it is, and gets an identity by which it asks for the MDM profile.
    BeVerified,
    /// The device's check of the server before it installs an MDM profile.
    CheckServer,
    GetIdentity,
    Authenticate,
    TokenUpdate,
    ReportMdmProfile,
    SeeCompletion,
    /// The push server called.
    WakeUp,
    AnswerCommands,
}

impl Act {
    /// The name of the step that it belongs to (docs/glossary.md, "Steps of an enrollment").
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
            Act::ProceedInSpiteOfWarning => "proceed in spite of the warning",
            Act::AnswerDeviceQuestion => "say that this is an iPad",
            Act::SignIn => "sign in",
            Act::SayForWhom => "say for whom the device is",
            Act::NotePreviousRecords => "note the previous records",
            Act::ChooseOwnership => "choose the ownership",
            Act::AcceptTerms => "accept the terms of use",
            Act::DownloadCaProfile => "download the CA profile",
            Act::InstallCaProfile => "install the CA profile",
            Act::SwitchOnTrust => "switch on its trust",
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

/// Somebody who watches: tells of it, measures it, or pulls the server's plug.
#[async_trait]
pub trait Watcher: Send {
    /// It is about to happen.
    async fn before(&mut self, _act: Act) {}

    /// It happened, with what can be said of it.
    async fn after(&mut self, _act: Act, _took: Duration, _told: &str) {}
}

/// Nobody watches.
pub struct Nobody;

impl Watcher for Nobody {}
