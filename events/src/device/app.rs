//! Status of managed apps on a device, and reasons why a device rejects an app.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Status of a managed app (mdm/commands/application.managed.list.yaml, `Status`; application.install.yaml, `State`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AppStatus {
    Queued,
    NeedsRedemption,
    Redeeming,
    Prompting,
    PromptingForLogin,
    ValidatingPurchase,
    PromptingForUpdate,
    PromptingForUpdateLogin,
    PromptingForManagement,
    ValidatingUpdate,
    Updating,
    Installing,
    Managed,
    ManagedButUninstalled,
    /// The device does not know the status, or reported an unknown value.
    Unknown,
    UserInstalledApp,
    UserRejected,
    UpdateRejected,
    ManagementRejected,
    Failed,
}

impl AppStatus {
    /// Parses the value that devices report; `None` for an unknown value.
    pub fn parse(text: &str) -> Option<AppStatus> {
        serde_json::from_value(Value::from(text)).ok()
    }

    /// Returns whether the status is final: the app is installed or was rejected.
    pub fn is_settled(self) -> bool {
        use AppStatus as S;
        match self {
            S::Managed | S::ManagedButUninstalled | S::UserInstalledApp | S::UserRejected | S::UpdateRejected => true,
            S::ManagementRejected | S::Failed | S::NeedsRedemption => true,
            S::Queued | S::Redeeming | S::Prompting | S::PromptingForLogin | S::ValidatingPurchase => false,
            S::PromptingForUpdate | S::PromptingForUpdateLogin | S::PromptingForManagement => false,
            S::ValidatingUpdate | S::Updating | S::Installing | S::Unknown => false,
        }
    }

    pub fn as_str(self) -> &'static str {
        use AppStatus as S;
        match self {
            S::Queued => "Queued",
            S::NeedsRedemption => "NeedsRedemption",
            S::Redeeming => "Redeeming",
            S::Prompting => "Prompting",
            S::PromptingForLogin => "PromptingForLogin",
            S::ValidatingPurchase => "ValidatingPurchase",
            S::PromptingForUpdate => "PromptingForUpdate",
            S::PromptingForUpdateLogin => "PromptingForUpdateLogin",
            S::PromptingForManagement => "PromptingForManagement",
            S::ValidatingUpdate => "ValidatingUpdate",
            S::Updating => "Updating",
            S::Installing => "Installing",
            S::Managed => "Managed",
            S::ManagedButUninstalled => "ManagedButUninstalled",
            S::Unknown => "Unknown",
            S::UserInstalledApp => "UserInstalledApp",
            S::UserRejected => "UserRejected",
            S::UpdateRejected => "UpdateRejected",
            S::ManagementRejected => "ManagementRejected",
            S::Failed => "Failed",
        }
    }

    /// Returns whether the app is installed and managed.
    pub fn is_managed(self) -> bool {
        use AppStatus as S;
        match self {
            S::Managed | S::PromptingForUpdate | S::PromptingForUpdateLogin | S::ValidatingUpdate => true,
            S::Updating | S::UpdateRejected => true,
            S::Queued | S::NeedsRedemption | S::Redeeming | S::Prompting | S::PromptingForLogin => false,
            S::ValidatingPurchase | S::Installing | S::ManagedButUninstalled | S::Unknown => false,
            S::UserInstalledApp | S::UserRejected | S::PromptingForManagement | S::ManagementRejected => false,
            S::Failed => false,
        }
    }
}

/// Why a device rejects an app (mdm/commands/application.install.yaml, `RejectionReason`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RejectionReason {
    AppAlreadyInstalled,
    AppAlreadyQueued,
    AppStoreDisabled,
    CouldNotVerifyAppID,
    ManagementChangeNotSupported,
    NotAnApp,
    NotSupported,
    /// Also any unknown value, since foreign text is not stored.
    Other,
    PurchaseMethodNotSupported,
    PurchaseMethodNotSupportedInMultiUser,
}

impl RejectionReason {
    /// Parses the value that devices report.
    pub fn parse(text: &str) -> RejectionReason {
        serde_json::from_value(Value::from(text)).unwrap_or(RejectionReason::Other)
    }
}
