//! Adds API clients and issues new tokens for them.

use super::accounts::{account_of, existing};
use super::{Answer, Token, operator};
use crate::Staff;
use crate::naming::{check_display_name, check_name};
use decisions::staff::{Command, LocalAccount, Refusal};
use events::Personal;
use events::staff::StaffId;
use platform::PerformError;
use sign_in::new_token;

/// Adds an API client. Its token is contained only in the answer.
pub(crate) async fn add(service: &Staff, user_name: String, display_name: Option<String>) -> Result<Answer, String> {
    check_name(&user_name)?;
    check_display_name("--display-name", display_name.as_deref())?;
    let client = account_of(service, &user_name).await?;
    let (token, hash) = new_token(&service.sign_in, client);
    let said = format!("{user_name} may read data through the API with this token, which is shown only once");
    let sealed = |value: String| Personal::new(client.key(), value);
    let command =
        Command::AddApiClient { user_name: sealed(user_name), display_name: display_name.map(sealed), token: hash };
    perform(service, client, &command).await?;
    Ok(Answer::TokenIssued { said, token: Token(token) })
}

/// Issues a new token. The earlier token is no longer valid.
pub(crate) async fn rotate(service: &Staff, user_name: &str) -> Result<Answer, String> {
    let client = existing(service, user_name).await?;
    let (token, hash) = new_token(&service.sign_in, client);
    perform(service, client, &Command::IssueApiToken { token: hash }).await?;
    let said = format!("{user_name} has a new token, which is shown only once; the earlier token no longer works");
    Ok(Answer::TokenIssued { said, token: Token(token) })
}

async fn perform(service: &Staff, client: StaffId, command: &Command) -> Result<(), String> {
    match service.platform.perform::<LocalAccount>(&client.stream(), command, &operator(service)).await {
        Ok(_) => Ok(()),
        Err(PerformError::Refused(Refusal::Exists)) => {
            Err("there is a user of that name already; `muster user list` shows them".into())
        }
        Err(PerformError::Refused(Refusal::Disabled)) => {
            Err("the account is disabled; run `muster user enable` first".into())
        }
        Err(PerformError::Refused(Refusal::NoApiClient)) => {
            Err("this is the account of a person, not of a program; `muster user add NAME --api` adds a program".into())
        }
        Err(error) => Err(error.to_string()),
    }
}
