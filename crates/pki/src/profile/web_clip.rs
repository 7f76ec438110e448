//! Profile with a Web Clip, which puts a link on the Home Screen of one device (com.apple.webClip.managed).

use super::payload::{Envelope, https};
use super::{ProfileError, Texts};
use plist::Value;
use uuid::Uuid;

/// Profile with the link of one invitation. The management that installs it removes it at its end.
#[derive(Debug, Clone, Copy)]
pub struct WebClipProfile<'a> {
    pub texts: Texts<'a>,
    /// `PayloadIdentifier` in reverse DNS notation. A profile with the same identifier is replaced.
    pub identifier: &'a str,
    pub profile_uuid: Uuid,
    /// `URL`: must begin with `https://`.
    pub url: &'a str,
    /// Name on the Home Screen.
    pub label: &'a str,
}

impl WebClipProfile<'_> {
    /// Returns the profile as XML, for [`Pki::sign_profile`](crate::Pki::sign_profile). The link opens in Safari, not
    /// as a full-screen web app, which has cookies of its own and cannot install profiles. It has no
    /// `TargetDeviceType`, because management installs it. The person can remove the link.
    ///
    /// # Errors
    /// Returns an error if the URL does not begin with `https://`.
    pub fn xml(&self) -> Result<Vec<u8>, ProfileError> {
        https(self.url)?;
        let envelope =
            Envelope { texts: self.texts, identifier: self.identifier, uuid: self.profile_uuid, names_target: false };
        let uuid = Uuid::new_v5(&self.profile_uuid, b"web-clip");
        let mut clip = envelope.payload("com.apple.webClip.managed", "web-clip", uuid, self.label);
        clip.insert("URL".into(), self.url.into());
        clip.insert("Label".into(), self.label.into());
        clip.insert("FullScreen".into(), false.into());
        clip.insert("IsRemovable".into(), true.into());
        envelope.close(vec![Value::Dictionary(clip)])
    }
}
