//! First run: a link, printed once, with which the first administrator makes their account. There is no default account.
//!
//! The token names the stream. Only one link works at a time: the next one goes into the same stream while no account was
//! made with it, and so takes its place.

use crate::Staff;
use crate::administration::{check_display_name, reserve_name};
use decisions::staff::{Command, LocalAccount, NewAccount, Refusal, SetUpLink};
use events::Personal;
use events::enrollment::SecretHash;
use events::envelope::{Actor, ActorKind};
use events::staff::{Privilege, StaffId};
use events::store::ReadError;
use events::system::RefusalEvent;
use identity::password::{WeakPassword, check_new_password, hash_password};
use platform::PerformError;
use platform::context::Context;
use platform::named_secret::{self, Kind};
use platform::secrets::{Secrets, hash};
use secrecy::SecretString;
use std::collections::BTreeSet;
use std::net::IpAddr;
use uuid::Uuid;
use world::World;

/// A link works for so many seconds.
pub const LINK_SECONDS: i64 = 24 * 60 * 60;

/// A link that was made: what is stored of it, and what is printed.
pub struct NewLink {
    pub staff: StaffId,
    pub link: SetUpLink,
    pub token: String,
}

/// Who makes their account with a link, and what they chose.
pub struct FirstAdministrator {
    pub user_name: String,
    pub display_name: Option<String>,
    pub password: SecretString,
    pub source: Option<IpAddr>,
}

#[derive(Debug, thiserror::Error)]
pub enum SetUpError {
    /// Used, replaced, expired, or never one.
    #[error("the link does not work, or does not work any more; `muster user set-up-link` makes another")]
    Link,
    /// To be told in words.
    #[error("{0}")]
    Name(String),
    #[error(transparent)]
    Password(#[from] WeakPassword),
    #[error("{0}")]
    Broken(String),
}

impl From<ReadError> for SetUpError {
    fn from(error: ReadError) -> SetUpError {
        SetUpError::Broken(error.to_string())
    }
}

/// The account that the `nth` link of this installation is for.
pub fn staff_of(secrets: &Secrets, nth: usize) -> StaffId {
    let name = secrets.name("set-up", &[&nth.to_string()]);
    StaffId(Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()))
}

/// A fresh link.
pub fn new_link(world: &World, staff: StaffId) -> NewLink {
    let secret = world.secret();
    let link = SetUpLink { hash: hash(&secret), expires: world.now().plus_seconds(LINK_SECONDS) };
    NewLink { staff, link, token: named_secret::text(Kind::SetUp, staff.0, &secret) }
}

/// Where the link leads.
pub fn address(public_url: &str, token: &str) -> String {
    format!("{public_url}/console/set-up/{token}")
}

/// Makes a link; the one before it is worth nothing any more.
///
/// # Errors
/// If the log cannot be used.
pub async fn issue(service: &Staff, context: &Context) -> Result<String, SetUpError> {
    let (staff, _) = current(service).await?;
    let new = new_link(&service.platform.world, staff);
    let issued =
        service.platform.perform::<LocalAccount>(&staff.stream(), &Command::IssueSetUpLink(new.link), context).await;
    issued.map_err(|error| SetUpError::Broken(error.to_string()))?;
    Ok(address(&service.platform.public_url, &new.token))
}

/// Ends the link that is open, if any: an administrator was made in another way.
///
/// # Errors
/// If the log cannot be used.
pub async fn revoke(service: &Staff, context: &Context) -> Result<(), SetUpError> {
    let (staff, _) = current(service).await?;
    let revoked = service.platform.perform::<LocalAccount>(&staff.stream(), &Command::RevokeSetUpLink, context).await;
    revoked.map(drop).map_err(|error| SetUpError::Broken(error.to_string()))
}

// The first whose account was not made yet.
async fn current(service: &Staff) -> Result<(StaffId, LocalAccount), ReadError> {
    let mut nth = 0;
    loop {
        let staff = staff_of(&service.platform.secrets, nth);
        let (account, _) = service.platform.load::<LocalAccount>(&staff.stream()).await?;
        if !account.exists {
            return Ok((staff, account));
        }
        nth += 1;
    }
}

/// Whether the link of this token works.
///
/// # Errors
/// If it does not, or the log cannot be read.
pub async fn check(service: &Staff, token: &str) -> Result<(), SetUpError> {
    let (staff, secret) = parse(token).ok_or(SetUpError::Link)?;
    let (account, _) = service.platform.load::<LocalAccount>(&staff.stream()).await?;
    let link = account.open_link(&secret).map_err(|_| SetUpError::Link)?;
    if link.expires <= service.platform.world.now() { Err(SetUpError::Link) } else { Ok(()) }
}

fn parse(token: &str) -> Option<(StaffId, SecretHash)> {
    named_secret::parse(Kind::SetUp, token).map(|(staff, hash)| (StaffId(staff), hash))
}

/// Makes the first administrator's account.
///
/// # Errors
/// If the link does not work, or name or password will not do.
pub async fn set_up(service: &Staff, token: &str, first: FirstAdministrator) -> Result<(), SetUpError> {
    let source = first.source;
    let done = make(service, token, first).await;
    if let Err(SetUpError::Link) = done {
        let told = service.sign_in.tell_of_stranger(RefusalEvent::SetUpLinkRefused {}, source).await;
        told.map_err(|error| SetUpError::Broken(error.to_string()))?;
    }
    done
}

async fn make(service: &Staff, token: &str, first: FirstAdministrator) -> Result<(), SetUpError> {
    let (staff, secret) = parse(token).ok_or(SetUpError::Link)?;
    check(service, token).await?;
    check_display_name("the name that people read", first.display_name.as_deref()).map_err(SetUpError::Name)?;
    check_new_password(&first.user_name, &first.password)?;
    let actor = Actor::new(ActorKind::Visitor, staff);
    let context = Context::of(actor, first.source.map(|source| (source, staff.key())), service.platform.world.uuid());
    if reserve_name(service, &first.user_name, staff, &context).await.map_err(SetUpError::Name)? != staff {
        return Err(SetUpError::Name("there is a user of that name already".into()));
    }
    let world = service.platform.world.clone();
    let hashed = tokio::task::spawn_blocking(move || hash_password(&world, &first.password)).await;
    let sealed = |text: String| Personal::new(staff.key(), text);
    let account = NewAccount {
        user_name: sealed(first.user_name),
        password: sealed(hashed.map_err(|error| SetUpError::Broken(error.to_string()))?),
        privileges: BTreeSet::from([Privilege::Administrator]),
        display_name: first.display_name.map(sealed),
        mail: None,
        managed_apple_id: None,
    };
    let command = Command::SetUp { secret, now: service.platform.world.now(), account };
    match service.platform.perform::<LocalAccount>(&staff.stream(), &command, &context).await {
        Ok(_) => Ok(()),
        Err(PerformError::Refused(Refusal::LinkUnknown | Refusal::LinkExpired | Refusal::Exists)) => {
            Err(SetUpError::Link)
        }
        Err(error) => Err(SetUpError::Broken(error.to_string())),
    }
}
