//! An invitation read from the log, so that erased data is gone from it at once.

use crate::admin::problem::Problem;
use crate::admin::session::Staff;
use decisions::Aggregate as _;
use decisions::invitation::{Invitation, Issued, Standing};
use events::invitation::{InvitationDelivery, InvitationEvent, InvitationId, MailFailure, RecipientDetails};
use events::{Entry, Event, Timestamp};
use names::visible;

/// Maximum number of events of an invitation: its aggregate limits links, codes, refusals and failures.
const MOST_EVENTS: usize = 2_000;

/// An invitation, and what led to it.
pub(crate) struct Folded {
    pub id: InvitationId,
    pub invitation: Invitation,
    pub issued: Issued,
    pub entries: Vec<Entry>,
}

/// Why the mail with the valid link was not sent.
pub(crate) struct NotSent {
    pub why: MailFailure,
    pub code: Option<u16>,
    /// Muster does not try again.
    pub is_final: bool,
}

/// Returns an invitation.
///
/// # Errors
/// Returns an error if there is no such invitation, or the event log cannot be read.
pub(crate) async fn folded(staff: &Staff, id: InvitationId) -> Result<Folded, Problem> {
    let entries = staff.events_of(&id.stream(), MOST_EVENTS).await?;
    let invitation = events(&entries).fold(Invitation::default(), Invitation::evolve);
    let issued = invitation.issued.clone().ok_or(Problem::NotFound)?;
    Ok(Folded { id, invitation, issued, entries })
}

fn events(entries: &[Entry]) -> impl DoubleEndedIterator<Item = &InvitationEvent> {
    entries.iter().filter_map(|entry| if let Event::Invitation(event) = &entry.event { Some(event) } else { None })
}

impl Folded {
    /// Returns name and mail address of the recipient; `None` if they were erased.
    pub(crate) fn recipient(&self) -> Option<&RecipientDetails> {
        self.issued.recipient.details.get()
    }

    /// Returns the name or the mail address of the recipient.
    pub(crate) fn title(&self) -> String {
        let Some(details) = self.recipient() else { return "(erased)".to_owned() };
        let names = [details.full_name.as_deref(), details.mail.as_deref()];
        names.into_iter().find_map(visible::name).unwrap_or_else(|| "a person without a name".to_owned())
    }

    pub(crate) fn is_open(&self, now: Timestamp) -> bool {
        self.invitation.standing(now) == Standing::Open
    }

    /// Returns whether it can be sent again: an expired one can.
    pub(crate) fn can_be_renewed(&self) -> bool {
        self.invitation.used.is_none() && !self.invitation.is_revoked
    }

    /// Returns why the last attempt to send the mail with the valid link failed; `None` if it was sent, or not tried.
    pub(crate) fn not_sent(&self) -> Option<NotSent> {
        if self.issued.delivery != InvitationDelivery::Mail {
            return None;
        }
        let current = self.invitation.generation;
        for event in events(&self.entries).rev() {
            if let InvitationEvent::InvitationSent { generation } = event
                && *generation == current
            {
                return None;
            }
            if let InvitationEvent::InvitationNotSent { generation, why, code, is_final } = event
                && *generation == current
            {
                return Some(NotSent { why: *why, code: *code, is_final: *is_final });
            }
        }
        None
    }
}
