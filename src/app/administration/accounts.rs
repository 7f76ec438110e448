//! Local accounts: added, switched off and on, listed.

use super::{Answer, NewUser, operator};
use crate::app::App;
use crate::enrollment::staff::{Command, LocalAccount, NewAccount, Refusal, ReserveUserName, UserName};
use crate::identity::password::{check_new_password, hash_password};
use events::log::Log;
use events::personal::Personal;
use events::staff::{Privilege, StaffId};
use events::{Event, StreamName};
use std::collections::BTreeSet;

/// The stream that reserves a user name, whatever its capitals.
fn name_stream(app: &App, user_name: &str) -> StreamName {
    StreamName::of("username", app.secrets.name("username", &[&user_name.to_lowercase()]))
}

/// Reserves the name first, then adds the account. A name without an account is what a crash between the two leaves
/// behind: the account is then added under the id that the name was reserved for.
pub async fn add(app: &App, user: NewUser) -> Result<Answer, String> {
    check(&user)?;
    let account = account_of(app, &user.user_name).await?;
    let password = {
        let (world, password) = (app.world.clone(), user.secret());
        tokio::task::spawn_blocking(move || hash_password(&world, &password)).await.map_err(text)?
    };
    let said = format!("{} may {}", user.user_name, may(&user.privileges));
    match app.perform::<LocalAccount>(&account.stream(), &command(account, user, password), &operator(app)).await {
        Ok(_) => Ok(Answer::done(said)),
        Err(crate::app::PerformError::Refused(Refusal::Exists)) => {
            Err("there is a user of that name already; `muster user list` shows them".into())
        }
        Err(error) => Err(error.to_string()),
    }
}

/// The account that a name is reserved for, from now on if it was not.
pub(super) async fn account_of(app: &App, user_name: &str) -> Result<StaffId, String> {
    let name = name_stream(app, user_name);
    match app.load::<UserName>(&name).await.map_err(text)?.0.account {
        Some(account) => Ok(account),
        None => reserve(app, &name, StaffId(app.world.random_uuid())).await,
    }
}

// Whoever reserves first wins; the loser of a race goes on with the winner's id and is told that the account exists.
async fn reserve(app: &App, name: &StreamName, fresh: StaffId) -> Result<StaffId, String> {
    match app.perform::<UserName>(name, &ReserveUserName { account: fresh }, &operator(app)).await {
        Ok(_) => Ok(fresh),
        Err(error) => app.load::<UserName>(name).await.map_err(text)?.0.account.ok_or_else(|| error.to_string()),
    }
}

/// What is wrong with a user name.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() || name.chars().count() > 128 || name.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err("a user name has 1 to 128 characters, none of them blank".into());
    }
    Ok(())
}

fn check(user: &NewUser) -> Result<(), String> {
    let name = &user.user_name;
    check_name(name)?;
    if user.privileges.is_empty() {
        let options = "--enroll, --enroll-for-others, --admin, --auditor, --help-desk";
        return Err(format!("say what the user may do: {options}, or several of them; or --api, for a program"));
    }
    for (option, address) in [("--mail", &user.mail), ("--managed-apple-id", &user.managed_apple_id)] {
        if let Some(address) = address.as_deref().filter(|address| !is_address(address)) {
            return Err(format!(
                "{option} {address:?} is no address: it reads name@domain, such as ada@school.example"
            ));
        }
    }
    check_new_password(name, &user.secret()).map_err(text)
}

/// Whether somebody could have such an address: finds what was mistyped, not what does not exist.
fn is_address(text: &str) -> bool {
    let Some((name, domain)) = text.split_once('@') else { return false };
    let blank = text.chars().any(|c| c.is_control() || c.is_whitespace());
    let labels = !domain.contains('@') && domain.contains('.') && domain.split('.').all(|label| !label.is_empty());
    !blank && !name.is_empty() && labels && text.len() <= 254
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    Off,
    On,
}

/// The account of this name.
pub(super) async fn existing(app: &App, user_name: &str) -> Result<StaffId, String> {
    let nobody = || format!("there is no user {user_name:?}; `muster user list` shows them");
    app.load::<UserName>(&name_stream(app, user_name)).await.map_err(text)?.0.account.ok_or_else(nobody)
}

/// Ends what the account may do, or brings it back.
pub async fn switch(app: &App, user_name: &str, switch: Switch) -> Result<Answer, String> {
    let account = existing(app, user_name).await?;
    let (command, word) = match switch {
        Switch::Off => (Command::Disable, "disabled"),
        Switch::On => (Command::Enable, "enabled"),
    };
    let performed = app.perform::<LocalAccount>(&account.stream(), &command, &operator(app)).await.map_err(text)?;
    let already = if performed.events.is_empty() { " already" } else { "" };
    Ok(Answer::done(format!("{user_name} is {word}{already}")))
}

/// A local account as `muster user list` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub user_name: String,
    pub display_name: String,
    pub privileges: BTreeSet<Privilege>,
    pub disabled: bool,
}

/// All local accounts by name, from the log itself.
///
/// # Errors
/// If the log cannot be read.
pub async fn list_accounts(log: &Log) -> Result<Vec<Listed>, String> {
    let mut accounts = std::collections::BTreeMap::<StreamName, LocalAccount>::new();
    let mut after = None;
    loop {
        let page = log.store().read_all(after, 1_000).await.map_err(text)?;
        let Some(last) = page.last() else { break };
        after = Some(last.position);
        let staff = page.into_iter().filter(|recorded| recorded.stream.category() == "staff").collect();
        for entry in log.open(staff).await.map_err(text)? {
            if let Event::Staff(event) = entry.event {
                let account = accounts.entry(entry.stream).or_default();
                *account = crate::enrollment::Aggregate::evolve(std::mem::take(account), &event);
            }
        }
    }
    let mut listed: Vec<Listed> = accounts.into_values().map(listed).collect();
    listed.sort_by(|a, b| a.user_name.cmp(&b.user_name));
    Ok(listed)
}

fn listed(account: LocalAccount) -> Listed {
    let text = |value: Option<Personal<String>>| value.map(|value| value.text().to_owned()).unwrap_or_default();
    Listed {
        user_name: text(account.user_name),
        display_name: text(account.display_name),
        privileges: account.privileges,
        disabled: account.disabled,
    }
}

/// What these privileges mean, in words.
pub fn may(privileges: &BTreeSet<Privilege>) -> String {
    let words: Vec<&str> = privileges
        .iter()
        .map(|privilege| match privilege {
            Privilege::Enroll => "enroll devices",
            Privilege::EnrollForOthers => "enroll devices for others",
            Privilege::Administrator => "administer at the console",
            Privilege::Auditor => "audit at the console",
            Privilege::HelpDesk => "help people at the console",
            Privilege::ApiClient => "read by the API",
        })
        .collect();
    words.join(", ")
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
