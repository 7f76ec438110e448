//! People: how they sign in, what their provider states about them, and from where they come.

use crate::dice::Dice;
use crate::secrets::{LOCAL, Secrets};
use events::enrollment::SignInMethodName;
use events::person::{PersonAttributes, PersonId};
use events::record::{NameKey, OwnerAttribute, OwnerKey};
use events::staff::StaffId;
use events::{KeyName, Personal};
use population::Names;

/// An identity provider of the organization.
pub(crate) struct Provider {
    pub(crate) method: SignInMethodName,
    pub(crate) name: &'static str,
    pub(crate) issuer: &'static str,
}

const PROVIDERS: [Provider; 4] = [
    Provider { method: SignInMethodName::LocalAccount, name: LOCAL, issuer: LOCAL },
    Provider { method: SignInMethodName::Directory, name: "campus", issuer: "ldaps://ldap.example.org" },
    Provider {
        method: SignInMethodName::OpenIdConnect,
        name: "cloud",
        issuer: "https://login.example.com/8a5bb6a0-9b0e-4c6e-a8a1-3f6a35d7d9e1/v2.0",
    },
    Provider { method: SignInMethodName::Saml, name: "federation", issuer: "https://idp.example.org/saml2" },
];

/// Languages of visits, the common ones several times.
const LANGUAGES: [&str; 8] = ["de", "de", "de", "de", "en", "en", "en", "ja"];

/// Seconds for which a source address stays the same.
const LEASE: i64 = 90 * 86_400;

/// An account with its person and its present names.
#[derive(Debug, Clone)]
pub(crate) struct Who {
    seed: u64,
    /// Number of the account in the population.
    pub(crate) account: u32,
    /// Number of the team, whose members share provider and building.
    pub(crate) team: u32,
    pub(crate) person: PersonId,
    pub(crate) names: Names,
}

impl Who {
    pub(crate) fn new(seed: u64, team: u32, account: u32, names: Names) -> Who {
        let person = PersonId(Dice::of(&[seed, u64::from(account), 1]).uuid());
        Who { seed, account, team, person, names }
    }

    /// A stream of random values of this person. `purpose`: of this stream alone.
    pub(crate) fn dice(&self, purpose: u64) -> Dice {
        Dice::of(&[self.seed, u64::from(self.account), purpose])
    }

    pub(crate) fn key(&self) -> KeyName {
        self.person.key()
    }

    /// The provider of the team.
    pub(crate) fn provider(&self) -> &'static Provider {
        // One team in twelve has local accounts, eight have the directory.
        let nth = match Dice::of(&[self.seed, u64::from(self.team), 2]).below(12) {
            0 => 0,
            1..=8 => 1,
            9 | 10 => 2,
            _ => 3,
        };
        &PROVIDERS[nth]
    }

    /// The local account, if the team has such.
    pub(crate) fn staff(&self) -> StaffId {
        StaffId(self.dice(3).uuid())
    }

    /// The issuer's permanent identifier of the person.
    pub(crate) fn subject(&self) -> String {
        match self.provider().method {
            SignInMethodName::LocalAccount => self.staff().to_string(),
            SignInMethodName::Directory => self.dice(4).uuid().to_string(),
            SignInMethodName::OpenIdConnect => self.dice(4).base64::<30>(),
            SignInMethodName::Saml => format!("{}@federation.example.org", self.dice(4).hash().split_at(26).0),
        }
    }

    /// The id of the `account-` stream.
    pub(crate) fn account_name(&self, secrets: &Secrets) -> String {
        let provider = self.provider();
        secrets.account(provider.method, provider.issuer, &self.subject())
    }

    pub(crate) fn user_name(&self) -> Personal<String> {
        Personal::new(self.key(), self.names.user_name.to_string())
    }

    pub(crate) fn managed_apple_id(&self) -> Personal<String> {
        Personal::new(self.key(), format!("{}@appleid.example.org", self.names.user_name))
    }

    /// Whether the provider states the Managed Apple ID: directories and OpenID Connect do.
    pub(crate) fn states_managed_apple_id(&self) -> bool {
        matches!(self.provider().method, SignInMethodName::Directory | SignInMethodName::OpenIdConnect)
    }

    pub(crate) fn attributes(&self) -> PersonAttributes {
        let sealed = |text: &str| Some(Personal::new(self.key(), text.to_owned()));
        PersonAttributes {
            user_name: sealed(&self.names.user_name),
            display_name: sealed(&self.names.full_name),
            mail: sealed(&self.names.mail),
            managed_apple_id: self.states_managed_apple_id().then(|| self.managed_apple_id()),
        }
    }

    /// The keys by which records find this person, and by which records may name them.
    pub(crate) fn owner_keys(&self, secrets: &Secrets) -> (Vec<OwnerKey>, Vec<NameKey>) {
        let values = [(OwnerAttribute::UserName, &self.names.user_name), (OwnerAttribute::Mail, &self.names.mail)];
        let keys = values.iter().filter_map(|(of, value)| secrets.owner_key(self.provider().name, *of, value));
        let names = values.iter().filter_map(|(_, value)| secrets.name_key(value));
        (keys.collect(), names.collect())
    }

    pub(crate) fn department(&self) -> &'static str {
        const DEPARTMENTS: [&str; 8] =
            ["Physics", "Chemistry", "History", "Library", "Finance", "Nursing", "Surgery", "Facilities"];
        Dice::of(&[self.seed, u64::from(self.team), 5]).pick::<&str>(&DEPARTMENTS)
    }

    pub(crate) fn language(&self) -> &'static str {
        self.dice(6).pick::<&str>(&LANGUAGES)
    }

    /// The source address at an instant in microseconds since 1970: that of the campus or of the home, which the
    /// provider changes now and then.
    pub(crate) fn address(&self, at: i64, dice: &mut Dice) -> String {
        if dice.chance(400) {
            let mut campus = Dice::of(&[self.seed, u64::from(self.team), 7]);
            return format!("192.0.{}.{}", campus.below(4), 1 + campus.below(254));
        }
        let lease = (at / 1_000_000 + self.dice(8).between(0, LEASE)) / LEASE;
        let mut home = Dice::of(&[self.seed, u64::from(self.account), 9, lease as u64]);
        if home.chance(300) {
            return format!("2001:db8:{:x}:{:x}::{:x}", home.below(65_536), home.below(65_536), 1 + home.below(65_535));
        }
        let network = *home.pick(&[24u64, 46, 77, 84, 87, 91, 93, 109, 178, 188, 212, 217]);
        format!("{network}.{}.{}.{}", home.below(256), home.below(256), 1 + home.below(254))
    }
}
