//! Prints each action of an enrollment as it happens, with its step.

use super::say;
use async_trait::async_trait;
use simulator::acts::{Act, Watcher};
use simulator::model::Family;
use std::fmt::Display;
use std::time::Duration;

pub(crate) struct Teller {
    /// First name of the person.
    person: &'static str,
    device: &'static str,
}

impl Teller {
    pub(crate) fn new(person: &'static str, family: Family) -> Teller {
        Teller { person, device: family.name() }
    }

    /// Prints something that belongs to a step but is no act of the simulator.
    pub(crate) fn tell(&self, act: Act, words: impl Display) {
        say(format_args!("  {:<12}  {words}", act.step()));
    }

    fn words(&self, act: Act, told: &str) -> String {
        let (person, device) = (self.person, self.device);
        match act {
            Act::Discover => format!("types the account in Settings; its domain names the server: {told}"),
            Act::OpenPortal => format!("opens the enrollment URL in Safari: “{told}”"),
            Act::ProceedInSpiteOfWarning => {
                format!("Safari cannot verify the identity of {told}; {person} proceeds to the website")
            }
            Act::AnswerDeviceQuestion => {
                format!("Safari identifies itself as a Macintosh; {person} says that it is an {device}")
            }
            Act::SignIn => format!("signs in as {told}"),
            Act::SayForWhom => format!("says who will use the {device}: {told}"),
            Act::NotePreviousRecords => match told {
                "this_device" => format!("says: it is this {device}"),
                "yes" => "says: it is removed".into(),
                _ => "reads about her earlier device and continues".into(),
            },
            Act::ChooseOwnership => format!("chooses: {told}"),
            Act::AcceptTerms => "reads the terms of use and accepts them".into(),
            Act::DownloadCaProfile => format!("taps Allow: “{told}” is downloaded"),
            Act::InstallCaProfile => "in Settings: Install, Install, Done".into(),
            Act::SwitchOnTrust => "switches the root on in Certificate Trust Settings".into(),
            Act::ReportCaProfile => "is back in Safari: “I have installed it”".into(),
            Act::GiveManagedAppleId if told.is_empty() => "confirms the Managed Apple ID that is filled in".into(),
            Act::GiveManagedAppleId => format!("enters her Managed Apple ID {told}"),
            Act::DownloadMdmProfile => format!("taps Allow: “{told}” is downloaded"),
            Act::FetchMdmProfile => format!("the {device} fetches its profile with the token of that sign-in ({told})"),
            Act::BeVerified => format!("the {device} sends its attributes and gets “{told}”"),
            Act::CheckServer => format!("taps Enroll My {device}; the {device} trusts the server"),
            Act::GetIdentity => format!("the {device} gets its identity by SCEP: {told}"),
            Act::Authenticate => format!("the {device} sends Authenticate with its {told}"),
            Act::TokenUpdate => format!("the {device} sends its push token: it is enrolled"),
            Act::ReportMdmProfile => "is back in Safari".into(),
            Act::SeeCompletion => format!("the page updates by itself: “{told}”"),
            Act::WakeUp => format!("the push server wakes the {device}"),
            Act::AnswerCommands => format!("the {device} answers {told}"),
        }
    }
}

#[async_trait]
impl Watcher for Teller {
    async fn after(&mut self, act: Act, _took: Duration, told: &str) {
        self.tell(act, self.words(act, told));
    }
}
