//! Local accounts as owners of records. They are compared like the accounts of a directory.

use super::Value;
use super::search::{Keys, LocalAccounts, Sources};
use crate::{AT_ONCE, ImportError, Imports, all};
use decisions::record::Search;
use decisions::staff::LocalAccount;
use events::enrollment::SignInMethodName;
use events::record::OwnerKey;
use events::staff::Privilege;
use identity::LOCAL;
use projections::staff::{self, Member};
use sign_in::{local_account, owner_keys};
use std::collections::BTreeSet;

/// Maximum number of local accounts that are compared. If there are more, their records stay unresolved until somebody
/// signs in.
const MOST: usize = 1_000;

impl Imports {
    pub(super) async fn local_accounts(
        &self,
        records: &[&[Value]],
        keys: &mut Keys,
        sources: &mut Sources,
    ) -> Result<(), ImportError> {
        let sought = records.iter().copied().flatten().filter(|value| value.key.provider == LOCAL);
        let sought: BTreeSet<&str> = sought.map(|value| value.key.hmac.as_str()).collect();
        if sought.is_empty() {
            return Ok(());
        }
        let accounts = match sources.local.take() {
            Some(accounts) => accounts,
            None => self.read_local_accounts().await?,
        };
        if let LocalAccounts::Known(accounts) = &accounts {
            keys.searched.extend(sought.iter().map(|hmac| ((*hmac).to_owned(), Search::Complete)));
            let has_one = |keys: &[OwnerKey]| keys.iter().any(|key| sought.contains(key.hmac.as_str()));
            let found = accounts.iter().filter(|(_, keys)| has_one(keys)).map(|(listed, _)| listed.clone());
            self.take(found.collect(), keys).await?;
        }
        sources.local = Some(accounts);
        Ok(())
    }

    async fn read_local_accounts(&self) -> Result<LocalAccounts, ImportError> {
        let mut members = staff::all(&self.platform.projections).await?;
        members.retain(is_a_persons);
        if members.len() > MOST {
            return Ok(LocalAccounts::TooMany);
        }
        let works = members.into_iter().map(|Member { id, .. }| async move {
            let (account, _) = self.platform.load::<LocalAccount>(&id.stream()).await?;
            let listed = local_account(id, LocalAccount::clone(&account));
            let keys = owner_keys(&self.platform.secrets, &listed.account);
            Ok::<_, ImportError>((listed, keys))
        });
        Ok(LocalAccounts::Known(all(works.collect(), AT_ONCE).await?))
    }
}

fn is_a_persons(member: &Member) -> bool {
    let is_local = member.method == SignInMethodName::LocalAccount && member.provider.is_none();
    is_local && !member.privileges.contains(&Privilege::ApiClient)
}
