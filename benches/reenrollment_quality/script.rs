//! The order of what is replayed: the happenings, and what the server learned before it learned that they belong
//! together.
//!
//! A happening tells some facts at its end that a server meets earlier: a browser session that opened an invitation and
//! later brought the enrollment, a second phone that signed in meanwhile, and an answer at the portal. The script puts
//! the first two at their instants. Nothing here uses the truth.

use population::{
    AccountId, Answer, CodeId, Enrolled, EnrollmentId, Happening, InvitationId, OpeningId, Through, What,
};
use std::collections::HashMap;

/// What is replayed at an instant.
pub struct Step {
    pub time: i64,
    pub act: Act,
}

pub enum Act {
    Told(What),
    /// The person of the account signed in from another phone, which is not enrolled.
    OtherPhoneSignedIn {
        account: AccountId,
        enrollment: EnrollmentId,
    },
}

/// What the happenings say about each other.
#[derive(Default)]
pub struct Connections {
    /// The enrollment whose browser session opened the page.
    pub sessions: HashMap<OpeningId, EnrollmentId>,
    /// The invitation that was opened.
    pub opened: HashMap<OpeningId, InvitationId>,
    /// The answer of the person at the portal. The portal asks before the device is enrolled, in the visit that brings
    /// the enrollment; the generator has a later visit. So the answer is looked up here and written before the
    /// enrollment.
    pub answers: HashMap<EnrollmentId, Answer>,
    /// When a page showed a code, or was opened, or an invitation issued.
    shown: HashMap<CodeId, i64>,
    opened_at: HashMap<OpeningId, i64>,
    issued_at: HashMap<InvitationId, i64>,
}

impl Connections {
    fn note(&mut self, Happening { time, what }: &Happening) {
        match what {
            What::InvitationIssued { invitation, .. } => {
                self.issued_at.insert(*invitation, *time);
            }
            What::InvitationOpened { opening, invitation, .. } => {
                self.opened.insert(*opening, *invitation);
                self.opened_at.insert(*opening, *time);
            }
            What::CodeShown { code, .. } => {
                self.shown.insert(*code, *time);
            }
            What::PortalAnswered { enrollment, answer, .. } => {
                self.answers.insert(*enrollment, *answer);
            }
            What::Enrolled(enrolled) => {
                if let Some(Through::Browser { opening }) = enrolled.invitation.map(|used| used.through) {
                    self.sessions.insert(opening, enrolled.enrollment);
                }
            }
            What::AccountOpened { .. } | What::AccountClosed { .. } | What::PersonRenamed { .. } => {}
            What::ExportImported(_) | What::Restored { .. } | What::Contact { .. } | What::OsUpdated { .. } => {}
            What::CheckedOut { .. } | What::PushAnswered { .. } => {}
        }
    }

    // In the middle between the page, the code or the letter, and the enrollment.
    fn other_phone(&self, enrolled: &Enrolled, time: i64) -> Option<Step> {
        let used = enrolled.invitation.filter(|used| used.other_phone_signed_in)?;
        let begun = match used.through {
            Through::Browser { opening } => self.opened_at.get(&opening),
            Through::Code { code, .. } => self.shown.get(&code).or(self.issued_at.get(&used.invitation)),
        };
        let (account, enrollment) = (enrolled.account, enrolled.enrollment);
        Some(Step { time: begun? + (time - begun?) / 2, act: Act::OtherPhoneSignedIn { account, enrollment } })
    }
}

/// Puts the happenings in the order in which they are replayed.
pub fn write(happenings: Vec<Happening>) -> (Vec<Step>, Connections) {
    let mut connections = Connections::default();
    happenings.iter().for_each(|happening| connections.note(happening));
    let mut steps = Vec::with_capacity(happenings.len());
    for Happening { time, what } in happenings {
        if let What::Enrolled(enrolled) = &what {
            steps.extend(connections.other_phone(enrolled, time));
        }
        steps.push(Step { time, act: Act::Told(what) });
    }
    // Stable: what happens at one instant keeps its order.
    steps.sort_by_key(|step| step.time);
    (steps, connections)
}
