//! The Self Service app, which the last page of an enrollment offers: decides what a device is offered, and reads how
//! far its installation is.

use super::asked;
use super::build::{self, AppName};
use decisions::device::{CommandState, Device, QueuedCommand};
use events::device::{AppStatus, CommandStatus, RejectionReason};
use events::enrollment::Ownership;
use events::settings::Settings;
use plist::{Dictionary, Value};

/// How a device can get the app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Offer {
    /// No app is configured.
    Nothing,
    /// The person gets it from the App Store, at this address. A personal device without a licence cannot install an
    /// app by command.
    Link(String),
    /// The server sends a command, and the device prompts for the app. `licensed` as for [`build::install_app`].
    Install { store_id: u64, licensed: bool },
}

/// Result of the command that installs the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SelfServiceOutcome {
    /// The command is about to be queued or is not finished.
    Coming,
    /// The device asks the person for permission.
    Prompting,
    /// The App Store asks for an Apple ID.
    SignInToStore,
    Installing,
    /// The App Store already installs the app, because the person requested it. The server does not learn the result.
    ByTheirOwnDoing,
    Installed,
    /// The person refused or removed the app.
    Refused,
    NotLicensed,
    Failed,
}

/// Returns what the settings offer to a device of this ownership. An unknown ownership counts as personal.
pub fn offer(settings: &Settings, ownership: Option<Ownership>) -> Offer {
    let ownership = ownership.unwrap_or(Ownership::Personal);
    let licensed = settings.self_service.licensed.contains(&ownership);
    match settings.self_service.store_id {
        Some(store_id) if licensed || ownership == Ownership::Institutional => Offer::Install { store_id, licensed },
        _ => link(settings).map_or(Offer::Nothing, Offer::Link),
    }
}

/// Returns the address of the app: the configured one, else its page in the App Store.
pub fn link(settings: &Settings) -> Option<String> {
    let by_number = || settings.self_service.store_id.map(|id| format!("https://apps.apple.com/app/id{id}"));
    settings.self_service_url.clone().or_else(by_number)
}

/// Returns the commands for an offer in order, each with the name of the effect that queues it.
pub fn commands(offer: &Offer, organization: &str) -> Vec<(&'static str, Dictionary)> {
    let Offer::Install { store_id, licensed } = offer else { return vec![] };
    vec![
        ("tell-organization", build::organization_info(organization)),
        ("offer-self-service", build::install_app(&AppName::Store(*store_id), *licensed)),
    ]
}

/// Returns the result. `Coming` if the command is not in the log yet.
pub fn outcome(device: &Device, store_id: u64) -> SelfServiceOutcome {
    let mut asked = device.commands.iter().rev().filter(|command| installs(command, store_id));
    // The app was requested again during its installation: the earlier command determines the result.
    let again = |command: &&QueuedCommand| command.rejection == Some(RejectionReason::AppAlreadyQueued);
    let mut of_now = asked.clone().take_while(|command| command.status != CommandState::Ended);
    let Some(command) = of_now.find(|command| !again(command)).or_else(|| asked.next()) else {
        return SelfServiceOutcome::Coming;
    };
    match command.status {
        CommandState::Queued | CommandState::Delivered | CommandState::Deferred => SelfServiceOutcome::Coming,
        // This command belongs to an earlier management. The command of the current one is about to be queued.
        CommandState::Ended => SelfServiceOutcome::Coming,
        // The command will not be sent. The person can still use the App Store.
        CommandState::Cancelled | CommandState::Expired => SelfServiceOutcome::Failed,
        CommandState::Answered => answered(command, device),
    }
}

fn answered(command: &QueuedCommand, device: &Device) -> SelfServiceOutcome {
    use AppStatus as S;
    if let Some(reason) = command.rejection {
        return rejected(reason);
    }
    let Some(status) = command.app.as_ref().and_then(|app| device.apps.get(app)) else {
        let taken = command.answer == Some(CommandStatus::Acknowledged);
        return if taken { SelfServiceOutcome::Coming } else { SelfServiceOutcome::Failed };
    };
    match status {
        S::Queued | S::Unknown => SelfServiceOutcome::Coming,
        S::Prompting | S::PromptingForManagement | S::PromptingForUpdate => SelfServiceOutcome::Prompting,
        S::PromptingForLogin | S::PromptingForUpdateLogin => SelfServiceOutcome::SignInToStore,
        S::ValidatingPurchase | S::ValidatingUpdate | S::Redeeming | S::Updating | S::Installing => {
            SelfServiceOutcome::Installing
        }
        S::Managed | S::UserInstalledApp | S::UpdateRejected => SelfServiceOutcome::Installed,
        S::UserRejected | S::ManagementRejected | S::ManagedButUninstalled => SelfServiceOutcome::Refused,
        S::NeedsRedemption => SelfServiceOutcome::NotLicensed,
        S::Failed => SelfServiceOutcome::Failed,
    }
}

fn rejected(reason: RejectionReason) -> SelfServiceOutcome {
    use RejectionReason as R;
    match reason {
        R::AppAlreadyInstalled => SelfServiceOutcome::Installed,
        R::AppAlreadyQueued => SelfServiceOutcome::ByTheirOwnDoing,
        // The licence is not assigned to the person or the device.
        R::PurchaseMethodNotSupported | R::PurchaseMethodNotSupportedInMultiUser => SelfServiceOutcome::NotLicensed,
        R::AppStoreDisabled | R::CouldNotVerifyAppID | R::ManagementChangeNotSupported => SelfServiceOutcome::Failed,
        R::NotAnApp | R::NotSupported | R::Other => SelfServiceOutcome::Failed,
    }
}

fn installs(command: &QueuedCommand, store_id: u64) -> bool {
    command.request_type == "InstallApplication"
        && asked(command).and_then(|asked| asked.get("iTunesStoreID").and_then(Value::as_unsigned_integer))
            == Some(store_id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::device::{CommandId, CommandPayload, Priority};
    use simulator::messages::xml;
    use uuid::Uuid;

    const STORE_ID: u64 = 7;

    fn after(status: CommandState, rejection: Option<RejectionReason>) -> SelfServiceOutcome {
        outcome(&Device { commands: vec![command(status, rejection)], ..Device::default() }, STORE_ID)
    }

    fn command(status: CommandState, rejection: Option<RejectionReason>) -> QueuedCommand {
        let asked = xml(&build::install_app(&AppName::Store(STORE_ID), true));
        QueuedCommand {
            id: CommandId(Uuid::from_u128(1)),
            request_type: "InstallApplication".into(),
            payload: CommandPayload::Plain(String::from_utf8(asked).unwrap()),
            forgotten: None,
            unenrolls: false,
            priority: Priority::Normal,
            expires: None,
            status,
            delivered: true,
            put_off: 0,
            answer: None,
            app: None,
            rejection,
        }
    }

    #[test]
    fn given_no_command_or_one_of_the_management_before_then_the_app_is_about_to_come() {
        assert_eq!(outcome(&Device::default(), STORE_ID), SelfServiceOutcome::Coming);
        assert_eq!(after(CommandState::Ended, Some(RejectionReason::NotSupported)), SelfServiceOutcome::Coming);
    }

    #[test]
    fn given_a_command_that_was_called_off_or_expired_then_the_app_does_not_come() {
        for status in [CommandState::Cancelled, CommandState::Expired] {
            assert_eq!(after(status, None), SelfServiceOutcome::Failed);
        }
    }

    #[test]
    fn given_an_app_that_was_sent_again_while_it_was_on_its_way_then_the_first_command_tells_how_it_stands() {
        let again = command(CommandState::Answered, Some(RejectionReason::AppAlreadyQueued));
        let first = QueuedCommand {
            answer: Some(CommandStatus::Acknowledged),
            app: Some("com.example.app".into()),
            ..command(CommandState::Answered, None)
        };
        let apps = [("com.example.app".to_owned(), AppStatus::Managed)].into();
        let device = Device { commands: vec![first, again.clone()], apps, ..Device::default() };
        assert_eq!(outcome(&device, STORE_ID), SelfServiceOutcome::Installed);
        let of_before = QueuedCommand { status: CommandState::Ended, ..device.commands[0].clone() };
        let device = Device { commands: vec![of_before, again], ..device };
        assert_eq!(outcome(&device, STORE_ID), SelfServiceOutcome::ByTheirOwnDoing, "not of the management before");
    }

    #[test]
    fn given_a_rejection_then_the_person_is_told_what_it_means_for_them() {
        use RejectionReason as R;
        let cases = [
            (R::AppAlreadyInstalled, SelfServiceOutcome::Installed),
            (R::AppAlreadyQueued, SelfServiceOutcome::ByTheirOwnDoing),
            (R::PurchaseMethodNotSupported, SelfServiceOutcome::NotLicensed),
            (R::Other, SelfServiceOutcome::Failed),
        ];
        for (reason, expected) in cases {
            assert_eq!(after(CommandState::Answered, Some(reason)), expected, "{reason:?}");
        }
    }
}
