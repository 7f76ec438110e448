//! Admits authenticated staff to the console, and checks their session and account at each request.

use crate::Staff;
use decisions::access;
use decisions::staff::{
    Command, External, LocalAccount, ReserveUserName, Standing, UserName, Vouched, needs_second_factor, standing,
    works_at_console,
};
use events::enrollment::{SignInMethodName, SignInRefusal};
use events::envelope::{Actor, ActorKind};
use events::settings::Settings;
use events::staff::{Privilege, StaffId};
use events::store::ReadError;
use events::{Personal, StreamName};
use identity::{Account, Unavailable};
use platform::context::Context;
use platform::secrets;
use sign_in::staff_sessions::{Beginning, Session, SessionError};
use sign_in::{Proof, SignInError, claimant, granted_to, record_unknown_staff, refuse_staff, staff_account_name};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use uuid::Uuid;

/// The request with which a person signs in to the console.
#[derive(Debug, Clone)]
pub struct StaffEntrance {
    pub source: IpAddr,
    /// Browser and system as text, such as “Safari on macOS”.
    pub browser: String,
    /// Value of the console's cookie before the sign-in. If it is the key of a session, that session ends.
    pub replaced: Option<String>,
}

/// Result of a sign-in at the console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StaffAdmission {
    /// A session began. The console's cookie must contain `key`. The next page asks for further proofs, if required.
    In { key: String, roles: BTreeSet<Privilege> },
    /// The account has no role or is disabled. The answer must be the same as for a wrong password. The refusal is
    /// recorded.
    Refused,
}

#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// A session with the current state of its account.
#[derive(Debug, Clone)]
pub struct Resumed {
    pub session: Session,
    pub account: Arc<LocalAccount>,
    pub standing: Standing,
    /// Whether the settings require a second factor of this account.
    pub factor_required: bool,
}

/// Signs in an authenticated person at the console, with their current roles.
///
/// # Errors
/// Returns an error if `sessions.db` or the log cannot be read or written.
pub async fn admit_staff(
    service: &Staff,
    proof: &Proof,
    entrance: StaffEntrance,
) -> Result<StaffAdmission, SignInError> {
    let settings = service.settings.current().await?;
    let id = match &proof.local {
        Some((id, _)) => *id,
        None => match known(service, proof, &settings, &entrance).await? {
            Some(id) => id,
            None => return Ok(StaffAdmission::Refused),
        },
    };
    let (account, _) = service.platform.load::<LocalAccount>(&id.stream()).await?;
    if account.disabled || !works_at_console(&account.privileges) {
        let reason = if account.disabled { SignInRefusal::AccountDisabled } else { SignInRefusal::NotEntitled };
        refuse(service, id, proof.method, reason, entrance.source).await?;
        return Ok(StaffAdmission::Refused);
    }
    begin(service, id, account, proof.method, &settings, entrance).await
}

async fn begin(
    service: &Staff,
    id: StaffId,
    account: Arc<LocalAccount>,
    method: SignInMethodName,
    settings: &Settings,
    entrance: StaffEntrance,
) -> Result<StaffAdmission, SignInError> {
    let entered = standing(&account, &settings.second_factors, method, false) == Standing::Full;
    let beginning = Beginning {
        id: service.platform.world.uuid(),
        staff: id,
        method,
        source: Some(entrance.source.to_string()),
        browser: entrance.browser,
        rests_on: rests_on(settings, account.external.is_some()),
        entered,
        replaced: entrance.replaced,
    };
    let context = staff_context(id, Some(entrance.source), beginning.id);
    let command = if entered { Command::SignIn { method } } else { Command::ProveFirst { method } };
    service.platform.perform::<LocalAccount>(&id.stream(), &command, &context).await?;
    let begun = service.sign_in.staff_sessions.begin(&service.platform.world, beginning).await;
    let key = begun.map_err(|error| SignInError::Unavailable(Unavailable(error.to_string())))?;
    Ok(StaffAdmission::In { key, roles: account.privileges.clone() })
}

/// Finds or creates the staff account of a person whom a directory or identity provider authenticated, and updates its
/// roles from the role rules of the settings. An account is created only if the rules give the person a role. `None` if
/// the person is refused.
async fn known(
    service: &Staff,
    proof: &Proof,
    settings: &Settings,
    entrance: &StaffEntrance,
) -> Result<Option<StaffId>, SignInError> {
    let account = &proof.account;
    let claimant = claimant(account);
    let privileges = access::roles(&settings.staff_roles, &claimant);
    let name = staff_account_name(&service.platform.secrets, proof.method, &account.issuer, &account.subject);
    let stream = StreamName::of("username", name);
    let (reserved, _) = service.platform.load::<UserName>(&stream).await?;
    if reserved.account.is_none() && !works_at_console(&privileges) {
        let reason = SignInRefusal::NotEntitled;
        let untold = access::roles_untold(&settings.staff_roles, &claimant);
        if !untold.is_empty() {
            tracing::warn!(
                provider = account.provider,
                ?untold,
                "refused at the console: the role rules need groups or claims that the provider did not report; \
                 docs/signing-in.md, \"Groups that do not come\", says what to do"
            );
        }
        record_unknown_staff(&service.sign_in, proof.method, reason, account, entrance.source).await?;
        return Ok(None);
    }
    let fresh = StaffId(service.platform.world.random_uuid());
    let correlation = service.platform.world.uuid();
    let context = |id| staff_context(id, Some(entrance.source), correlation);
    let reserve = ReserveUserName { account: reserved.account.unwrap_or(fresh) };
    let id = match service.platform.perform::<UserName>(&stream, &reserve, &context(reserve.account)).await {
        Ok(performed) => performed.state.account.unwrap_or(reserve.account),
        // Another request of the same person reserved the name first.
        Err(platform::PerformError::Refused(_)) => {
            service.platform.load::<UserName>(&stream).await?.0.account.unwrap_or(reserve.account)
        }
        Err(error) => return Err(error.into()),
    };
    let vouched = vouched(id, proof.method, account, privileges);
    service.platform.perform::<LocalAccount>(&id.stream(), &Command::Know(vouched), &context(id)).await?;
    Ok(Some(id))
}

fn vouched(id: StaffId, method: SignInMethodName, account: &Account, privileges: BTreeSet<Privilege>) -> Vouched {
    let sealed = |value: &String| Personal::new(id.key(), value.clone());
    Vouched {
        external: External { method, provider: account.provider.clone() },
        user_name: sealed(&account.user_name),
        display_name: account.display_name.as_ref().map(sealed),
        mail: account.mail.as_ref().map(sealed),
        privileges,
    }
}

async fn refuse(
    service: &Staff,
    id: StaffId,
    method: SignInMethodName,
    reason: SignInRefusal,
    source: IpAddr,
) -> Result<(), SignInError> {
    if granted_to(&service.sign_in, id, source) {
        refuse_staff(&service.sign_in, id, Command::RefuseSignIn { method, reason }, source).await?;
    }
    Ok(())
}

/// Returns the session with this key and the current state of its account, so that a removed role has an effect at
/// once. `None` if the session has ended, the account is disabled, or the person must sign in again because settings
/// changed.
///
/// # Errors
/// Returns an error if `sessions.db` or the log cannot be read or written.
pub async fn resume(service: &Staff, key: &str) -> Result<Option<Resumed>, ResumeError> {
    let Some(session) = service.sign_in.staff_sessions.resume(service.platform.world.now(), key).await? else {
        return Ok(None);
    };
    let (account, _) = service.platform.load::<LocalAccount>(&session.staff.stream()).await?;
    if account.disabled {
        service.sign_in.staff_sessions.end_all(session.staff, None).await?;
        return Ok(None);
    }
    let settings = service.settings.current().await?;
    let factors = &settings.second_factors;
    let standing = standing(&account, factors, session.method, session.second);
    let unfounded = session.rests_on != rests_on(&settings, account.external.is_some());
    // The settings require less than at the first proof, so the sign-in is complete now, but it was never recorded. The
    // person must sign in again.
    let unfinished = standing == Standing::Full && !session.entered;
    if unfounded || unfinished {
        service.sign_in.staff_sessions.end(key).await?;
        return Ok(None);
    }
    let factor_required = needs_second_factor(&account, factors, session.method);
    Ok(Some(Resumed { session, account, standing, factor_required }))
}

// Returns a fingerprint of the settings that a session depends on. The role rules are evaluated only at sign-in,
// because the groups are known only then. If the rules or the sign-in methods change, the person must sign in again.
// The roles of a local account are read with each request, so its session depends only on whether local accounts may
// sign in.
fn rests_on(settings: &Settings, external: bool) -> String {
    if !external {
        return if settings.sign_in.staff.local_accounts { String::new() } else { "nothing".to_owned() };
    }
    let rules = serde_json::to_string(&(&settings.staff_roles, &settings.sign_in.staff)).unwrap_or_default();
    secrets::hash(&rules).0
}

/// Returns the context of events that a member of the staff causes. `correlation` is the id of their session.
pub fn staff_context(id: StaffId, source: Option<IpAddr>, correlation: Uuid) -> Context {
    Context::of(Actor::new(ActorKind::Staff, id), source.map(|source| (source, id.key())), correlation)
}
