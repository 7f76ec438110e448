//! Settings › Profile Downloaded › Install: what a device does when its user installs a profile.

use crate::account::Tokens;
use crate::acts::{Act, Nobody, Watcher};
use crate::chance;
use crate::device::{Device, DeviceError};
use crate::management::Management;
use crate::messages::{self, Identifier};
use crate::profile::{MdmPayload, Profile, ScepPayload};
use crate::signature::Identity;
use crate::{scep, trust};
use std::time::Instant;

const CHECK_IN: &str = "application/x-apple-aspen-mdm-checkin";

impl Device {
    /// Installs the downloaded profile.
    ///
    /// # Errors
    /// Returns what the device would show; nothing is installed then.
    pub async fn install(&mut self) -> Result<Profile, DeviceError> {
        self.install_watched(&mut Nobody).await
    }

    /// Like [`Device::install`], with an observer.
    ///
    /// # Errors
    /// Returns the same errors as [`Device::install`].
    pub async fn install_watched(&mut self, watcher: &mut dyn Watcher) -> Result<Profile, DeviceError> {
        let mut profile = self.pending_profile()?;
        if let Some(service) = profile.service.take() {
            profile = self.fetch_over_the_air(&service, watcher).await?;
        }
        match (&profile.mdm, &profile.scep) {
            (Some(mdm), Some(scep)) => self.enroll(&profile, &mdm.clone(), &scep.clone(), None, watcher).await?,
            _ => self.install_certificates(&profile, watcher).await,
        }
        self.forget_pending();
        Ok(profile)
    }

    /// Installs a profile that was fetched with an access token instead of downloaded.
    pub(crate) async fn enroll_by_account(
        &mut self,
        profile: Profile,
        tokens: Tokens,
        watcher: &mut dyn Watcher,
    ) -> Result<(), DeviceError> {
        match (&profile.mdm, &profile.scep) {
            (Some(mdm), Some(scep)) => self.enroll(&profile, &mdm.clone(), &scep.clone(), Some(tokens), watcher).await,
            _ => Err(DeviceError::NoPendingProfile),
        }
    }

    async fn install_certificates(&mut self, profile: &Profile, watcher: &mut dyn Watcher) {
        watcher.before(Act::InstallCaProfile).await;
        let started = Instant::now();
        for certificate in &profile.certificates {
            self.trust.install(certificate.clone());
        }
        self.profiles.retain(|installed| installed.identifier != profile.identifier);
        self.profiles.push(profile.clone());
        watcher.after(Act::InstallCaProfile, started.elapsed(), &profile.display_name).await;
    }

    async fn enroll(
        &mut self,
        profile: &Profile,
        mdm: &MdmPayload,
        scep: &ScepPayload,
        tokens: Option<Tokens>,
        watcher: &mut dyn Watcher,
    ) -> Result<(), DeviceError> {
        if self.is_managed() {
            return Err(DeviceError::ManagedAlready);
        }
        self.check_server(mdm, watcher).await?;
        let identity = self.get_identity(scep, watcher).await?;
        let mut management = self.relationship(profile, mdm, scep, identity, tokens);
        self.announce(&management, watcher).await?;
        self.hand_over_token(&mut management, watcher).await?;
        self.management = Some(management);
        Ok(())
    }

    // "The server certificate for … is invalid": iOS reports this before it sends anything. Certificates in the
    // enrollment profile itself do not help; iOS must trust them before.
    async fn check_server(&self, mdm: &MdmPayload, watcher: &mut dyn Watcher) -> Result<(), DeviceError> {
        watcher.before(Act::CheckServer).await;
        let started = Instant::now();
        let url = &mdm.check_in_url;
        let untrusted = |why: String| DeviceError::UntrustedServer { url: url.clone(), why };
        let probe = self.trust.client()?.head(url).send().await;
        let answer = probe.map_err(|error| match trust::is_untrusted(&error) {
            true => untrusted("it is not signed by a root that this device trusts".into()),
            false => error.into(),
        })?;
        if let Some(certificate) = trust::shown(&answer) {
            trust::check_server_certificate(&certificate).map_err(untrusted)?;
        }
        watcher.after(Act::CheckServer, started.elapsed(), url).await;
        Ok(())
    }

    pub(crate) async fn get_identity(
        &self,
        scep: &ScepPayload,
        watcher: &mut dyn Watcher,
    ) -> Result<Identity, DeviceError> {
        watcher.before(Act::GetIdentity).await;
        let started = Instant::now();
        let identity = scep::enroll(&self.trust.client()?, scep, self.hardware.ios, &self.keys).await?;
        let told = scep::common_name(&identity.certificate).unwrap_or_default();
        watcher.after(Act::GetIdentity, started.elapsed(), &told).await;
        Ok(identity)
    }

    pub(crate) fn relationship(
        &self,
        profile: &Profile,
        mdm: &MdmPayload,
        scep: &ScepPayload,
        identity: Identity,
        tokens: Option<Tokens>,
    ) -> Management {
        let personal = mdm.managed_apple_id.as_ref().filter(|_| mdm.enrollment_mode.as_deref() != Some("ADDE"));
        let identifier = match personal {
            Some(_) => Identifier::EnrollmentId(chance::uuid()),
            None => Identifier::Udid(self.hardware.udid.clone()),
        };
        Management {
            push: self.push_server.connect(&mdm.topic),
            push_magic: chance::uuid(),
            profile: profile.clone(),
            mdm: mdm.clone(),
            scep: scep.clone(),
            identity,
            identifier,
            unsent: None,
            tokens,
            answers_as: None,
        }
    }

    pub(crate) async fn announce(&self, management: &Management, watcher: &mut dyn Watcher) -> Result<(), DeviceError> {
        watcher.before(Act::Authenticate).await;
        let started = Instant::now();
        let message = messages::authenticate(&self.hardware, &management.identifier, &management.mdm.topic);
        self.check_in(management, "Authenticate", &messages::xml(&message)).await?;
        watcher.after(Act::Authenticate, started.elapsed(), management.identifier.entry().0).await;
        Ok(())
    }

    pub(crate) async fn hand_over_token(
        &self,
        management: &mut Management,
        watcher: &mut dyn Watcher,
    ) -> Result<(), DeviceError> {
        watcher.before(Act::TokenUpdate).await;
        let started = Instant::now();
        let unlock_token = matches!(management.identifier, Identifier::Udid(_)).then(|| self.unlock_token.clone());
        let message = messages::token_update(
            &management.identifier,
            &management.mdm.topic,
            &management.push.token,
            &management.push_magic,
            unlock_token.as_deref(),
        );
        self.check_in(management, "TokenUpdate", &messages::xml(&message)).await?;
        watcher.after(Act::TokenUpdate, started.elapsed(), "").await;
        Ok(())
    }

    /// Sends a signed check-in message with `body` unchanged.
    ///
    /// # Errors
    /// Returns an error according to the server's answer.
    pub async fn check_in(&self, management: &Management, what: &str, body: &[u8]) -> Result<(), DeviceError> {
        let url = &management.mdm.check_in_url;
        let answer = self.send(management, url, CHECK_IN, body).await?;
        match answer.status {
            200 => Ok(()),
            _ => Err(self.refused(what, answer)),
        }
    }
}
