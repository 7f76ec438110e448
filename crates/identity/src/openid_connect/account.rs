//! The account of a verified token: the issuer's permanent identifier, and the attributes that the configuration
//! maps.

use super::Provider;
use super::exchange::Tokens;
use super::token::Claims;
use crate::config::{Absent, OpenIdConnect};
use crate::{Absence, Account, Disbelief, Fault, Identifier, Identifiers, Untold, unnamed};
use openidconnect::http::{Method, Request, header};
use serde_json::Value;
use std::collections::BTreeSet;
use world::Timestamp;

/// Claim with the mail address (OpenID Connect Core §5.1).
const MAIL: &str = "email";

/// The configured claim names.
pub(crate) struct Mapping {
    user_name: String,
    groups: String,
    managed_apple_id: Option<String>,
    user_principal_name: Option<String>,
    employee_number: Option<String>,
    mail_is_verified: bool,
    further: Vec<String>,
    absent_groups: Absent,
    absent_claims: Absent,
}

impl Mapping {
    pub(crate) fn of(config: &OpenIdConnect) -> Mapping {
        Mapping {
            user_name: config.user_name_claim.clone(),
            groups: config.groups_claim.clone(),
            managed_apple_id: config.managed_apple_id_claim.clone(),
            user_principal_name: config.user_principal_name_claim.clone(),
            employee_number: config.employee_number_claim.clone(),
            mail_is_verified: config.mail_is_verified,
            further: config.claims.clone(),
            absent_groups: config.absent_groups,
            absent_claims: config.absent_claims,
        }
    }

    fn is_complete_in(&self, claims: &Claims) -> bool {
        let wanted = [&self.user_name, &self.groups].into_iter().chain(&self.managed_apple_id).chain(&self.further);
        let wanted = wanted.chain(&self.user_principal_name).chain(&self.employee_number);
        wanted.into_iter().all(|name| claims.contains_key(name))
    }
}

/// Returns the account for verified claims. Asks the userinfo endpoint if claims are missing.
pub(crate) async fn of(
    provider: &Provider,
    mut claims: Claims,
    tokens: &Tokens,
    now: Timestamp,
) -> Result<Account, Disbelief> {
    let subject = claims.get("sub").and_then(Value::as_str).filter(|subject| !subject.is_empty());
    let subject = subject.ok_or_else(|| Disbelief::new(Fault::SubjectMissing, "the ID token has no sub"))?.to_owned();
    let mut elsewhere = Elsewhere::default();
    claims.iter().for_each(|(name, value)| elsewhere.note(name, value));
    // Many providers send most claims only there (OpenID Connect Core §5.4).
    if !provider.mapping.is_complete_in(&claims) {
        for (name, value) in more(provider, tokens, &subject, now).await? {
            elsewhere.note(&name, &value);
            claims.entry(name).or_insert(value);
        }
    }
    let text = |name: &str| values(claims.get(name)).0.into_iter().next();
    let mapping = &provider.mapping;
    let values_of = |name: &str, absent| values_of(claims.get(name), elsewhere.has(name), absent);
    let (groups, groups_untold) = values_of(&mapping.groups, mapping.absent_groups);
    let mut untold = Untold { groups: groups_untold, ..Untold::default() };
    let further = untold.claims(&mapping.further, |name| values_of(name, mapping.absent_claims));
    // An address that the provider marks as unverified is ignored.
    let mail = text(MAIL).filter(|_| claims.get("email_verified") != Some(&Value::Bool(false)));
    let identifiers = identifiers(mapping, &claims);
    Ok(Account {
        identifiers,
        provider: provider.config.name.clone(),
        issuer: provider.config.issuer.clone(),
        user_name: text(&mapping.user_name)
            .or_else(|| mail.clone())
            .or_else(|| text("name"))
            .unwrap_or_else(|| unnamed(&provider.config.name, "user_name_claim")),
        display_name: text("name"),
        mail,
        managed_apple_id: mapping.managed_apple_id.as_deref().and_then(text),
        groups,
        claims: further,
        untold,
        subject,
    })
}

// An address is no identifier unless the provider vouches for it: in many products, people change theirs.
fn identifiers(mapping: &Mapping, claims: &Claims) -> Identifiers {
    let is_verified = match claims.get("email_verified") {
        Some(marked) => *marked == Value::Bool(true),
        None => mapping.mail_is_verified,
    };
    let named = [
        (Identifier::UserName, Some(mapping.user_name.as_str())),
        (Identifier::UserPrincipalName, mapping.user_principal_name.as_deref()),
        (Identifier::Mail, Some(MAIL)),
        (Identifier::EmployeeNumber, mapping.employee_number.as_deref()),
    ];
    let mut identifiers = Identifiers::default();
    for (identifier, name) in named.into_iter().filter_map(|(identifier, name)| Some((identifier, name?))) {
        if name != MAIL || is_verified {
            identifiers.add(identifier, values(claims.get(name)).0);
        }
    }
    identifiers
}

/// Claims that are available only at another address (OpenID Connect Core §5.6.2). If there are too many groups for
/// one token, Entra ID writes such a reference or sets `hasgroups`. A reference that cannot be parsed may be about
/// any claim.
#[derive(Default)]
struct Elsewhere {
    /// In lower case.
    names: BTreeSet<String>,
    /// `_claim_names` is not an object.
    unread: bool,
    sources: bool,
}

impl Elsewhere {
    fn note(&mut self, name: &str, value: &Value) {
        match (name, value) {
            ("_claim_names", Value::Object(claims)) => {
                self.names.extend(claims.keys().map(|name| name.to_lowercase()));
            }
            ("hasgroups", Value::Bool(false) | Value::Null) | ("_claim_names" | "_claim_sources", Value::Null) => {}
            ("hasgroups", _) => {
                self.names.insert("groups".to_owned());
            }
            ("_claim_names", _) => self.unread = true,
            ("_claim_sources", _) => self.sources = true,
            _ => {}
        }
    }

    fn has(&self, name: &str) -> bool {
        let is_unnamed = self.unread || (self.sources && self.names.is_empty());
        is_unnamed || self.names.contains(&name.to_lowercase())
    }
}

// Returns the values of a claim and, if there may be more, the reason why they are missing.
fn values_of(claim: Option<&Value>, elsewhere: bool, absent: Absent) -> (BTreeSet<String>, Option<Absence>) {
    let (values, unread) = values(claim);
    let silent = unread || (claim.is_none_or(Value::is_null) && absent == Absent::Unknown);
    let why = if elsewhere { Some(Absence::Elsewhere) } else { silent.then_some(Absence::Silent) };
    (values, why)
}

// If the provider does not answer here, the groups are unknown, and the sign-in fails: guessing them could admit the
// wrong person.
async fn more(provider: &Provider, tokens: &Tokens, subject: &str, now: Timestamp) -> Result<Claims, Disbelief> {
    let known = provider.known.get(provider, now).await?;
    let Some(address) = &known.metadata.userinfo_endpoint else { return Ok(Claims::new()) };
    let unfit = |why: String| Disbelief::new(Fault::ProviderUnavailable, format!("its userinfo endpoint: {why}"));
    let access = tokens.access.as_ref().ok_or_else(|| unfit("the provider sent no access token for it".into()))?;
    let request = Request::builder()
        .method(Method::GET)
        .uri(address.as_str())
        .header(header::ACCEPT, "application/json")
        .header(header::AUTHORIZATION, format!("Bearer {}", access.secret()));
    let request = request.body(Vec::new()).map_err(|_| unfit("its address or the token is malformed".into()))?;
    let answer = provider.http.send(request).await.map_err(|error| unfit(error.to_string()))?;
    if !answer.status().is_success() {
        return Err(unfit(format!("it returned {}", answer.status())));
    }
    let claims: Claims = serde_json::from_slice(answer.body())
        .map_err(|_| unfit("its answer is not a JSON object; signed answers are not supported".into()))?;
    // Otherwise the claims of another person could be combined with this person's token (§5.3.2).
    if claims.get("sub").and_then(Value::as_str) != Some(subject) {
        return Err(Disbelief::new(Fault::SubjectMissing, "the userinfo endpoint returned another subject"));
    }
    Ok(claims)
}

// Returns the values of a claim, which is one value or a list, and whether it contains something that cannot be read
// as text.
fn values(claim: Option<&Value>) -> (BTreeSet<String>, bool) {
    let plain = |value: &Value| match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    };
    let all = match claim {
        Some(Value::Array(list)) => list.as_slice(),
        Some(Value::Null) | None => &[],
        Some(one) => std::slice::from_ref(one),
    };
    let read: BTreeSet<String> = all.iter().filter_map(plain).filter(|text| !text.is_empty()).collect();
    (read, all.iter().any(|value| plain(value).is_none()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn identified(mail_is_verified: bool, claims: Value) -> Vec<(Identifier, String)> {
        let mapping = Mapping {
            user_name: "preferred_username".into(),
            groups: "groups".into(),
            managed_apple_id: None,
            user_principal_name: Some("upn".into()),
            employee_number: Some("number".into()),
            mail_is_verified,
            further: vec![],
            absent_groups: Absent::None,
            absent_claims: Absent::None,
        };
        let Value::Object(claims) = claims else { panic!("an object") };
        let identifiers = identifiers(&mapping, &claims);
        identifiers.iter().map(|(identifier, value)| (identifier, value.to_owned())).collect()
    }

    #[test]
    fn only_what_the_provider_states_under_the_configured_names_identifies_the_owner_of_records() {
        let claims = json!({ "name": "Ada", "preferred_username": "ada", "upn": "ada@x", "number": 7, "mail": "a@x" });
        let expected = [
            (Identifier::UserName, "ada".to_owned()),
            (Identifier::UserPrincipalName, "ada@x".to_owned()),
            (Identifier::EmployeeNumber, "7".to_owned()),
        ];
        assert_eq!(identified(true, claims), expected);
        assert_eq!(identified(true, json!({ "name": "ada" })), [], "the name to show is no user name");
    }

    #[test]
    fn a_mail_address_identifies_only_if_the_provider_vouches_for_it() {
        let with = |verified: Value| json!({ "email": "ada@x", "email_verified": verified });
        let mail = [(Identifier::Mail, "ada@x".to_owned())];
        assert_eq!(identified(false, with(json!(true))), mail);
        assert_eq!(identified(true, json!({ "email": "ada@x" })), mail);
        for (vouches, claims) in [
            (true, with(json!(false))),
            (true, with(json!("true"))),
            (true, with(json!(null))),
            (false, json!({ "email": "ada@x" })),
        ] {
            assert_eq!(identified(vouches, claims.clone()), [], "{claims}");
        }
    }

    fn groups(claims: Value, absent: Absent) -> (usize, Option<Absence>) {
        let Value::Object(claims) = claims else { panic!("an object") };
        let mut elsewhere = Elsewhere::default();
        claims.iter().for_each(|(name, value)| elsewhere.note(name, value));
        let (values, why) = values_of(claims.get("groups"), elsewhere.has("groups"), absent);
        (values.len(), why)
    }

    #[test]
    fn groups_that_do_not_come_are_not_known_unless_the_provider_leaves_out_an_empty_list() {
        assert_eq!(groups(json!({ "groups": ["a", "b"] }), Absent::Unknown), (2, None));
        assert_eq!(groups(json!({ "groups": "a" }), Absent::Unknown), (1, None));
        assert_eq!(groups(json!({ "groups": [] }), Absent::Unknown), (0, None));
        for absent in [json!({}), json!({ "groups": null })] {
            assert_eq!(groups(absent.clone(), Absent::Unknown), (0, Some(Absence::Silent)));
            assert_eq!(groups(absent, Absent::None), (0, None));
        }
    }

    #[test]
    fn groups_that_cannot_be_read_are_not_known() {
        for absent in [Absent::Unknown, Absent::None] {
            assert_eq!(groups(json!({ "groups": [{ "id": "a" }, "b"] }), absent), (1, Some(Absence::Silent)));
            assert_eq!(groups(json!({ "groups": { "a": true } }), absent), (0, Some(Absence::Silent)));
        }
    }

    #[test]
    fn too_many_groups_for_one_token_are_never_known() {
        let entra = json!({
            "_claim_names": { "groups": "src1" },
            "_claim_sources": { "src1": { "endpoint": "https://graph.example.com/users/1/getMemberObjects" } },
        });
        for absent in [Absent::Unknown, Absent::None] {
            assert_eq!(groups(entra.clone(), absent), (0, Some(Absence::Elsewhere)));
            for unusual in [
                json!({ "hasgroups": true }),
                json!({ "hasgroups": "true" }),
                json!({ "hasgroups": 1 }),
                json!({ "_claim_names": ["groups"] }),
                json!({ "_claim_names": { "Groups": "src1" } }),
                json!({ "_claim_sources": { "src1": { "endpoint": "https://graph.example.com/" } } }),
            ] {
                assert_eq!(groups(unusual.clone(), absent), (0, Some(Absence::Elsewhere)), "{unusual}");
            }
        }
        for other in
            [json!({ "hasgroups": false }), json!({ "_claim_names": { "address": "src1" }, "_claim_sources": {} })]
        {
            assert_eq!(groups(other, Absent::None), (0, None));
        }
    }
}
