//! Links of invitations: `<public_url>/invitation/<id>.<generation>.<secret>`. The secret is a tag of id and generation
//! with a key of the installation. A link of an earlier generation is genuine, so a page can say that it was replaced.

use crate::Invitations;
use decisions::invitation::Shown;
use events::invitation::InvitationId;
use platform::secrets::Secrets;
use uuid::Uuid;

const PURPOSE: &str = "invitation-link";

impl Invitations {
    /// Returns the link of a generation of an invitation.
    pub fn link(&self, invitation: InvitationId, generation: u32) -> String {
        let token = token(&self.platform.secrets, invitation, generation);
        format!("{}/invitation/{token}", self.platform.public_url)
    }
}

fn token(secrets: &Secrets, invitation: InvitationId, generation: u32) -> String {
    let (id, generation) = (invitation.to_string(), generation.to_string());
    let secret = secrets.tag(PURPOSE, &[&id, &generation]);
    format!("{id}.{generation}.{secret}")
}

/// Returns the invitation that a token names, and what the token shows: `Link(None)` if its secret is wrong. `None`:
/// the text is no token.
pub(crate) fn parse(secrets: &Secrets, text: &str) -> Option<(InvitationId, Shown)> {
    let mut parts = text.split('.');
    let (id, number, secret) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let invitation = InvitationId(Uuid::parse_str(id).ok()?);
    let generation: u32 = number.parse().ok()?;
    // Only the canonical spelling has a tag.
    let is_canonical = invitation.to_string() == id && generation.to_string() == number;
    let is_genuine = secrets.is_tag(secret, PURPOSE, &[id, number]);
    is_canonical.then_some((invitation, Shown::Link(is_genuine.then_some(generation))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::personal::keys::MasterKey;

    const ID: InvitationId = InvitationId(Uuid::from_u128(7));

    fn secrets() -> Secrets {
        Secrets::derive(&MasterKey::from_bytes([7; 32]))
    }

    #[test]
    fn a_link_is_read_as_it_was_written() {
        let secrets = secrets();
        assert_eq!(parse(&secrets, &token(&secrets, ID, 3)), Some((ID, Shown::Link(Some(3)))));
    }

    #[test]
    fn a_changed_secret_belongs_to_no_generation() {
        let secrets = secrets();
        let [first, second] = [0, 1].map(|generation| token(&secrets, ID, generation));
        let of_the_other = second.replace(&format!("{ID}.1."), &format!("{ID}.0."));
        for wrong in [format!("{first}A"), format!("{ID}.0."), of_the_other] {
            assert_eq!(parse(&secrets, &wrong), Some((ID, Shown::Link(None))), "{wrong}");
        }
        let other = Secrets::derive(&MasterKey::from_bytes([8; 32]));
        assert_eq!(parse(&other, &first), Some((ID, Shown::Link(None))));
    }

    #[test]
    fn another_text_is_no_link() {
        let genuine = token(&secrets(), ID, 0);
        let upper = genuine.replace(&ID.to_string(), &ID.to_string().to_uppercase().replace('0', "A"));
        for text in ["", "a.b.c", &format!("{genuine}.x"), &genuine.replace(".0.", ".00."), &upper.replace('A', "a ")] {
            assert_eq!(parse(&secrets(), text), None, "{text}");
        }
    }
}
