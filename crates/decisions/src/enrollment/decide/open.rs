//! The step before the first form: the stream does not exist yet.

use super::super::{Begun, Command};
use super::Decision;
use events::enrollment::EnrollmentEvent;

pub(super) fn decide(command: &Command) -> Option<Decision> {
    let Command::Open { session, user_agent, platform, language, account_driven } = command else { return None };
    let mut happened = vec![EnrollmentEvent::VisitOpened {
        session: session.clone(),
        user_agent: user_agent.clone(),
        platform: *platform,
        language: language.clone(),
    }];
    let begun = account_driven.clone();
    happened.extend(begun.map(|Begun { mode, state }| EnrollmentEvent::AccountDrivenBegun { mode, state }));
    Some(Ok(happened))
}
