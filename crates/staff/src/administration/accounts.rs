//! Adds, changes and lists local accounts and accounts of the staff.

use super::{Act, Answer, NewUser, act, operator};
use crate::Staff;
use crate::naming::{check_display_name, check_name, reserve_name};
use crate::set_up;
use decisions::staff::{Command, LocalAccount, NewAccount, Refusal};
use events::log::Log;
use events::personal::Personal;
use events::staff::{Privilege, StaffId};
use events::{Event, StreamName};
use identity::password::{check_new_password, hash_password};
use names::is_address;
use platform::user_names;
use serde::Serialize;
use std::collections::BTreeSet;
use uuid::Uuid;

/// Adds a local account: first reserves its name, then adds the account. A crash between the two leaves a reserved name
/// without an account. In this case the account is added under the id that the name was reserved for.
pub(crate) async fn add(service: &Staff, user: NewUser) -> Result<Answer, String> {
    check(&user)?;
    let account = account_of(service, &user.user_name).await?;
    let administrates = user.privileges.contains(&Privilege::Administrator);
    let password = {
        let (world, password) = (service.platform.world.clone(), user.secret());
        tokio::task::spawn_blocking(move || hash_password(&world, &password)).await.map_err(text)?
    };
    let said = format!("{} may {}", user.user_name, may(&user.privileges));
    match service
        .platform
        .perform::<LocalAccount>(&account.stream(), &command(account, user, password), &operator(service))
        .await
    {
        Ok(_) => {
            // There is an administrator now, so the set-up link must no longer create one.
            if administrates {
                set_up::revoke(service, &operator(service)).await.map_err(text)?;
            }
            Ok(Answer::done(said))
        }
        Err(platform::PerformError::Refused(Refusal::Exists)) => {
            Err("there is a user of that name already; `muster user list` shows them".into())
        }
        Err(error) => Err(error.to_string()),
    }
}

/// Returns the account that a name is reserved for, and reserves it if it is free.
pub(super) async fn account_of(service: &Staff, user_name: &str) -> Result<StaffId, String> {
    reserve_name(service, user_name, StaffId(service.platform.world.random_uuid()), &operator(service)).await
}

fn check(user: &NewUser) -> Result<(), String> {
    check_name(&user.user_name)?;
    check_display_name("--display-name", user.display_name.as_deref())?;
    if user.privileges.is_empty() {
        let options = "--enroll, --enroll-for-others, --admin, --auditor, --help-desk";
        return Err(format!("say what the user may do: one or more of {options}; or --api for a program"));
    }
    for (option, address) in [("--mail", &user.mail), ("--managed-apple-id", &user.managed_apple_id)] {
        if let Some(address) = address.as_deref().filter(|address| !is_address(address)) {
            return Err(format!("{option} {address:?} is not an address such as ada@school.example"));
        }
    }
    check_new_password(&user.user_name, &user.secret()).map_err(text)
}

fn command(account: StaffId, user: NewUser, password: String) -> Command {
    let sealed = |value: String| Personal::new(account.key(), value);
    Command::Add(NewAccount {
        user_name: sealed(user.user_name),
        password: sealed(password),
        privileges: user.privileges,
        display_name: user.display_name.map(sealed),
        mail: user.mail.map(sealed),
        managed_apple_id: user.managed_apple_id.map(sealed),
    })
}

/// Performs an action on the account with this name.
pub(crate) async fn do_to(service: &Staff, user_name: &str, what: Act) -> Result<Answer, String> {
    let account = existing(service, user_name).await?;
    let done = match &what {
        Act::Disable => "is disabled".to_owned(),
        Act::Enable => "is enabled".to_owned(),
        Act::SetRoles(privileges) => format!("may {}", may(privileges)),
        Act::SetPassword(_) => "has a new password".to_owned(),
        Act::RemoveFactors => "has no second factor".to_owned(),
        Act::EndSession(_) | Act::EndSessions => "is signed out".to_owned(),
    };
    let already = act(service, account, what, &operator(service)).await.map_err(text)?.is_none();
    Ok(Answer::done(format!("{user_name} {done}{}", if already { " already" } else { "" })))
}

// Finds a local account by its name, or a member of the staff from a directory or identity provider by their name
// there. If several have this name, the id that `muster user list` shows identifies one.
pub(super) async fn existing(service: &Staff, user_name: &str) -> Result<StaffId, String> {
    if let Some(account) = user_names::account_named(&service.platform, user_name).await.map_err(text)? {
        return Ok(account);
    }
    let is_it = |listed: &Listed| listed.user_name == user_name || listed.id.to_string() == user_name;
    let found: Vec<Listed> = list_accounts(&service.platform.log).await?.into_iter().filter(is_it).collect();
    match &found[..] {
        [] => Err(format!("there is no user {user_name:?}; `muster user list` shows all users")),
        [one] => Ok(one.id),
        _ => Err(format!("several users are called {user_name:?}; give the id that `muster user list` shows")),
    }
}

/// An account as `muster user list` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    pub id: StaffId,
    /// The directory or identity provider of the account. `None` for a local account.
    pub provider: Option<String>,
    pub user_name: String,
    pub display_name: String,
    pub privileges: BTreeSet<Privilege>,
    pub disabled: bool,
}

/// Reads all accounts from the log, sorted by name.
///
/// # Errors
/// Returns an error if the log cannot be read.
pub async fn list_accounts(log: &Log) -> Result<Vec<Listed>, String> {
    let mut accounts = std::collections::BTreeMap::<StreamName, LocalAccount>::new();
    let mut after = None;
    loop {
        let page = log.store().read_all(after, 1_000).await.map_err(text)?;
        let Some(last) = page.last() else { break };
        after = Some(last.position);
        let staff = page.into_iter().filter(|recorded| recorded.stream.category() == "staff").collect();
        let viewed = log.view(staff).await;
        viewed.error.map_or(Ok(()), |error| Err(text(error)))?;
        for entry in viewed.entries {
            if let Event::Staff(event) = entry.event {
                let account = accounts.entry(entry.stream).or_default();
                *account = decisions::Aggregate::evolve(std::mem::take(account), &event);
            }
        }
    }
    let mut listed: Vec<Listed> = accounts.into_iter().filter_map(listed).collect();
    listed.sort_by(|a, b| a.user_name.cmp(&b.user_name));
    Ok(listed)
}

// A stream that contains only a set-up link is not an account yet.
fn listed((stream, account): (StreamName, LocalAccount)) -> Option<Listed> {
    let text = |value: Option<Personal<String>>| match value {
        Some(value) => value.shown().unwrap_or_default().to_owned(),
        None => String::new(),
    };
    Some(Listed {
        id: StaffId(Uuid::parse_str(stream.id()).ok().filter(|_| account.exists)?),
        provider: account.external.map(|external| external.provider),
        user_name: text(account.user_name),
        display_name: text(account.display_name),
        privileges: account.privileges,
        disabled: account.disabled,
    })
}

/// Describes privileges as a list that completes “may …”.
pub fn may(privileges: &BTreeSet<Privilege>) -> String {
    let words: Vec<&str> = privileges
        .iter()
        .map(|privilege| match privilege {
            Privilege::Enroll => "enroll devices",
            Privilege::EnrollForOthers => "enroll devices for others",
            Privilege::Administrator => "use the console as administrator",
            Privilege::Auditor => "use the console as auditor",
            Privilege::HelpDesk => "use the console as help desk",
            Privilege::ApiClient => "read data through the API",
        })
        .collect();
    words.join(", ")
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
