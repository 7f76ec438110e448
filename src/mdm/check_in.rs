//! `PUT /mdm/checkin`: Authenticate, TokenUpdate, CheckOut, and the other check-in messages (mdm/checkin/*.yaml).

use super::answer::Answer;
use super::body;
use super::claim::Claimed;
use super::message::{self, BadField};
use super::{bearer, heard, identified, revival, unavailable};
use crate::mdm::Mdm;
use actix_web::web::{Bytes, Data, Payload};
use actix_web::{HttpRequest, web};
use connections::room::Identity;
use decisions::Aggregate as _;
use decisions::device::{Command, Device, Refusal};
use decisions::enrollment::{self, Enrollment};
use devices::ByDeviceError;
use devices::identify::Known;
use events::device::{BodyHash, MessageRefusal};
use events::enrollment::EnrollmentRefusal;
use platform::PerformError;
use plist::Dictionary;
use std::net::IpAddr;

/// Limit for the body, in bytes. The largest check-in seen has a few KiB, most of it the unlock token.
const MAX_BODY: usize = 64 * 1024;

pub(crate) fn routes(config: &mut web::ServiceConfig) {
    config.route("/checkin", web::put().to(check_in));
}

async fn check_in(request: HttpRequest, payload: Payload, app: Data<Mdm>) -> Answer {
    take(&request, payload, &app).await.unwrap_or_else(|answer| answer)
}

async fn take(request: &HttpRequest, payload: Payload, app: &Mdm) -> Result<Answer, Answer> {
    let source = crate::web::source(request, &app.web.trusted_proxies);
    // The body is read before the header is checked: an unread body breaks the connection.
    let body = body::whole(app, payload, MAX_BODY, source).await?;
    let claimed = super::claimed(app, request, source).await?;
    // The certificate is resolved first, so that a body is hashed only for known devices.
    let mut known = identified(app, claimed.certificate(), source).await?;
    let body = super::signed(app, &known, proven(claimed, body).await, source).await?;
    crate::web::has_proven(&app.web, request, Identity::Device(known.device, known.person));
    let property_list::Reading { fields, left_out, broken, .. } = property_list::read(&body);
    if let Some(error) = broken {
        tracing::warn!(device.id = %known.device, %error, "cannot parse a check-in");
        return Err(super::refuse_message(app, &known, MessageRefusal::NotUnderstood, source).await);
    }
    if !left_out.is_empty() {
        tracing::warn!(device.id = %known.device, ?left_out, "ignored unreadable values of a check-in; accepted the rest");
    }
    // CheckOut needs no access token: a device sends it once and must be able to leave. CheckOut also never revives a
    // record.
    if !message::text(&fields, "MessageType").is_ok_and(|kind| kind == "CheckOut") {
        known = revival::by_contact(app, known, (&fields, &body), source).await?;
        bearer::check(app, &known, request, source).await?;
    }
    let message = Message { app, known: &known, fields: &fields, body: &body, source };
    let answer = match message.take().await {
        Ok(answer) => answer,
        Err(No::Answer(answer)) => return Err(answer),
        Err(No::Refused(why)) => return Err(super::refuse_message(app, &known, why, source).await),
    };
    heard::from(app, &known, source).await;
    Ok(answer)
}

async fn proven(claimed: Claimed, body: Bytes) -> Result<Bytes, Answer> {
    Claimed::verifying(body.len(), move || claimed.verify(&body).map(|()| body))
        .await
        .map_err(unavailable)?
        .map_err(super::refuse_signature)
}

struct Message<'a> {
    app: &'a Mdm,
    known: &'a Known,
    fields: &'a Dictionary,
    body: &'a [u8],
    source: Option<IpAddr>,
}

/// Reason why a check-in is not accepted.
enum No {
    /// The message is refused; the refusal must be recorded.
    Refused(MessageRefusal),
    /// The response is final; there is nothing to record.
    Answer(Answer),
}

impl From<Answer> for No {
    fn from(answer: Answer) -> No {
        No::Answer(answer)
    }
}

impl From<MessageRefusal> for No {
    fn from(why: MessageRefusal) -> No {
        No::Refused(why)
    }
}

impl From<BadField> for No {
    fn from(field: BadField) -> No {
        tracing::warn!(field = field.0, "a check-in lacks a required field, or the field has the wrong type");
        No::Refused(MessageRefusal::NotUnderstood)
    }
}

impl Message<'_> {
    async fn take(&self) -> Result<Answer, No> {
        let message_type = message::text(self.fields, "MessageType")?;
        let known =
            ["Authenticate", "TokenUpdate", "CheckOut", "DeclarativeManagement", "GetToken", "UserAuthenticate"];
        let name = known.into_iter().find(|known| *known == message_type);
        self.app.platform.metrics.check_in(name.unwrap_or("other"));
        if message::is_of_a_user(self.fields) && matches!(message_type, "Authenticate" | "TokenUpdate" | "CheckOut") {
            return self.of_a_user(message_type);
        }
        match message_type {
            "Authenticate" => self.noting_left_out(self.authenticate().await?).await,
            "TokenUpdate" => self.noting_left_out(self.token_update().await?).await,
            "CheckOut" => self.check_out().await,
            // This server never enables declarative management, so there is nothing to fetch.
            "DeclarativeManagement" => Ok(self.is_this_device().map(|()| Answer::NotFound)?),
            // The server offers no token service (`com.apple.mdm.token` is not in ServerCapabilities): 400, as the
            // schema says.
            "GetToken" => Err(Answer::BadRequest.into()),
            // 410 means "no user authentication". iOS has no such users.
            "UserAuthenticate" => Ok(self.is_this_device().map(|()| Answer::Gone)?),
            _ => {
                tracing::warn!(device.id = %self.known.device, "a check-in has an unknown MessageType");
                Err(MessageRefusal::NotUnderstood.into())
            }
        }
    }

    // Accepted without effect, because the device would repeat a refused message. A user never sends Authenticate, so
    // that one gets 400.
    fn of_a_user(&self, message_type: &str) -> Result<Answer, No> {
        self.is_this_device()?;
        tracing::info!(device.id = %self.known.device, message_type, "ignored a user-channel message: it does not change the device");
        if message_type == "Authenticate" { Err(Answer::BadRequest.into()) } else { Ok(Answer::Ok) }
    }

    async fn authenticate(&self) -> Result<Answer, No> {
        self.topic()?;
        let (arrived, intended) = (message::kind(self.fields)?, self.known.profile.kind);
        if arrived != intended {
            return self.refuse(EnrollmentRefusal::WrongMode).await;
        }
        if self.is_other_than_verified().await? {
            return self.refuse(EnrollmentRefusal::OtherDevice).await;
        }
        if let Some(why) = super::limits::refusal(self.app, self.known, self.fields).await? {
            return self.refuse(why).await;
        }
        let text = |key| message::short(self.fields, key).ok().map(str::to_owned);
        let body = self.hash();
        let command = Command::Authenticate {
            person: self.known.person,
            intended,
            identifiers: message::identifiers(self.fields, self.known.person)?,
            certificate: self.known.fingerprint.clone(),
            topic: self.known.profile.topic.clone(),
            os_version: message::os_version(self.fields),
            build_version: text("BuildVersion"),
            product_name: text("ProductName"),
            body: body.clone(),
        };
        self.perform(&command, &body).await
    }

    // Returns whether another device was verified before the profile was served.
    async fn is_other_than_verified(&self) -> Result<bool, Answer> {
        let enrollment = self.app.platform.enrollment(self.known.device.enrollment()).await.map_err(unavailable)?;
        let identified_by = self.known.credentials.identity().map(|identity| &identity.fingerprint);
        let identity = enrollment.identity.as_ref().filter(|now| Some(&now.certificate.fingerprint) == identified_by);
        let identity = identity.ok_or_else(|| unavailable("the enrollment issued another identity meanwhile"))?;
        let udid = message::text(self.fields, "UDID").unwrap_or_default();
        Ok(identity.verified.as_ref().is_some_and(|verified| !verified.may_be(udid, &self.known.state)))
    }

    // Refuses an enrollment whose device does not match it or is not allowed. The hardware details that the device sent
    // are not stored.
    async fn refuse(&self, why: EnrollmentRefusal) -> Result<Answer, No> {
        // Refusing the enrollment revokes its identity certificate. A properly enrolled device still needs this
        // certificate, so only the message is refused.
        let device_enrolled = self.known.state.lives_by_its_identity(self.app.platform.world.now());
        if device_enrolled {
            return Err(announced(why).into());
        }
        tracing::warn!(device.id = %self.known.device, ?why, "refused an enrollment");
        let refuse = enrollment::Command::Refuse { why, device_enrolled };
        let stream = self.known.device.enrollment().stream();
        let refused = self
            .app
            .sign_in
            .record_or_count::<Enrollment>(&stream, &refuse, &self.known.context(self.source), self.source)
            .await;
        match refused {
            Ok(_) => Err(Answer::Forbidden.into()),
            Err(PerformError::Refused(_)) => Err(announced(why).into()),
            Err(error) => Err(unavailable(error).into()),
        }
    }

    async fn token_update(&self) -> Result<Answer, No> {
        self.topic()?;
        let kind = message::kind(self.fields)?;
        let body = self.hash();
        let command = Command::TokenUpdate {
            identifiers: message::identifiers(self.fields, self.known.person)?,
            push: message::push_address(self.fields, kind, self.known.device)?,
            certificate: self.known.fingerprint.clone(),
            body: body.clone(),
        };
        self.perform(&command, &body).await
    }

    // A device sends CheckOut once, and its identity proves the sender, so a missing topic is accepted. A different
    // topic belongs to another management and is refused.
    async fn check_out(&self) -> Result<Answer, No> {
        if self.fields.contains_key("Topic") {
            self.topic()?;
        }
        self.is_this_device()?;
        let body = self.hash();
        self.perform(&Command::CheckOut { body: body.clone() }, &body).await
    }

    fn hash(&self) -> BodyHash {
        message::body_hash(&self.known.fingerprint, self.body)
    }

    // `body`: the hash of the message.
    async fn perform(&self, command: &Command, body: &BodyHash) -> Result<Answer, No> {
        let decided = self.known.state.decide(command).is_ok_and(|events| !events.is_empty());
        let is_possible = decided && self.known.state.seen.may_have_forgotten_check_in(body);
        if super::is_old_repetition(self.app, self.known, body, is_possible).await? {
            return Ok(Answer::Ok);
        }
        let context = self.known.context(self.source);
        let stream = self.known.device.stream();
        let device = self.known.device;
        match self
            .app
            .devices
            .perform_by_device::<Device>(device, &stream, self.known.loaded(), command, &context)
            .await
        {
            Ok(_) => Ok(Answer::Ok),
            Err(ByDeviceError::Perform(PerformError::Refused(refusal))) => Err(refused(&refusal).into()),
            // Never 200 for a message that is not stored. The device repeats it, and after the next budget refill the
            // newest one is accepted.
            Err(ByDeviceError::Spent) => Err(Answer::Unavailable.into()),
            Err(ByDeviceError::Perform(error)) => Err(unavailable(error).into()),
        }
    }

    // Records the fields that were too long to keep. The message is accepted without them.
    async fn noting_left_out(&self, answer: Answer) -> Result<Answer, No> {
        super::note_left_out(self.app, self.known, message::left_out(self.fields), self.source).await?;
        Ok(answer)
    }

    fn topic(&self) -> Result<(), No> {
        if message::text(self.fields, "Topic")? == self.known.profile.topic {
            return Ok(());
        }
        Err(MessageRefusal::OtherTopic.into())
    }

    // See [`super::is_this_device`]: before the first Authenticate any identifiers are accepted.
    fn is_this_device(&self) -> Result<(), MessageRefusal> {
        super::is_this_device(self.known, self.fields)
    }
}

fn refused(refusal: &Refusal) -> MessageRefusal {
    match refusal {
        Refusal::NotAuthenticated | Refusal::NotEnrolled(_) => MessageRefusal::NotAuthenticated,
        Refusal::Ended(_) => MessageRefusal::Ended,
        Refusal::WrongMode { .. } => MessageRefusal::WrongMode,
        _ => MessageRefusal::OtherDevice,
    }
}

// Maps an enrollment refusal to the message refusal for a device that is already enrolled.
fn announced(why: EnrollmentRefusal) -> MessageRefusal {
    match why {
        EnrollmentRefusal::WrongMode => MessageRefusal::WrongMode,
        EnrollmentRefusal::OtherDevice => MessageRefusal::OtherDevice,
        _ => MessageRefusal::NotPermitted,
    }
}
