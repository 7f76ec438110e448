//! The messages of invitations, their waves, and migrations.

use super::{Message, words};
use events::invitation::{
    CodeEvent, InvitationDelivery, InvitationEvent, InvitationRefusal, InvitationToken, RenewalCause, WaveEvent,
};
use events::migration::MigrationEvent;

pub(super) fn invitation(event: &InvitationEvent) -> Message {
    match event {
        InvitationEvent::InvitationIssued { record, delivery, expires, .. } => {
            let key = if record.is_some() { "invitation-issued-for-record" } else { "invitation-issued" };
            Message::of(key).with("delivery", delivery_words(*delivery)).with("until", words::date(*expires))
        }
        InvitationEvent::InvitationRenewed { cause: RenewalCause::SentAgain, expires, .. } => {
            Message::of("invitation-sent-again").with("until", words::date(*expires))
        }
        InvitationEvent::InvitationRenewed { cause: RenewalCause::Reminder, expires, .. } => {
            Message::of("invitation-reminded").with("until", words::date(*expires))
        }
        InvitationEvent::InvitationSent { .. } => Message::of("invitation-sent"),
        InvitationEvent::InvitationNotSent { why, code, is_final, .. } => {
            let key = if *is_final { "invitation-given-up" } else { "invitation-not-sent" };
            let code = code.map_or_else(String::new, |code| format!(" ({code})"));
            Message::of(key).with("reason", format!("{}{code}", words::mail_failure(*why)))
        }
        InvitationEvent::InvitationOpened { token, .. } => {
            Message::of("invitation-opened").with("token", token_words(*token))
        }
        InvitationEvent::InvitationCodeIssued { expires, .. } => {
            Message::of("invitation-code-issued").with("until", expires.to_rfc3339())
        }
        InvitationEvent::InvitationUsed { token, .. } => {
            Message::of("invitation-used").with("token", token_words(*token))
        }
        InvitationEvent::InvitationRefused { why, .. } => {
            Message::of("invitation-refused").because(refusal_words(*why))
        }
        InvitationEvent::InvitationRevoked {} => Message::of("invitation-revoked"),
        InvitationEvent::InvitationExpired {} => Message::of("invitation-expired"),
    }
}

pub(super) fn code(event: &CodeEvent) -> Message {
    match event {
        CodeEvent::CodeReserved { .. } => Message::of("code-reserved"),
    }
}

pub(super) fn wave(event: &WaveEvent) -> Message {
    match event {
        WaveEvent::WaveBegun { name, most_per_hour, deadline, .. } => Message::of("wave-begun")
            .with("name", name)
            .with("hourly", most_per_hour)
            .with("deadline", words::date(*deadline)),
        WaveEvent::WaveRecordsAdded { records } => Message::of("wave-records-added").with("count", records.len()),
        WaveEvent::WaveRecordSkipped { why, .. } => Message::of("wave-record-skipped").because(why.name()),
        WaveEvent::WavePaused {} => Message::of("wave-paused"),
        WaveEvent::WaveResumed {} => Message::of("wave-resumed"),
        WaveEvent::WaveDeadlinePassed { open } => Message::of("wave-deadline-passed").with("open", open),
        WaveEvent::WaveEnded {} => Message::of("wave-ended"),
    }
}

pub(super) fn migration(event: &MigrationEvent) -> Message {
    match event {
        MigrationEvent::MigrationClosed { source } => Message::of("migration-closed").with("source", source),
        MigrationEvent::MigrationReopened {} => Message::of("migration-reopened"),
        MigrationEvent::MigrationRecordsShredded { count, .. } => {
            Message::of("migration-records-shredded").with("count", count)
        }
    }
}

fn delivery_words(delivery: InvitationDelivery) -> &'static str {
    match delivery {
        InvitationDelivery::Mail => "by mail",
        InvitationDelivery::ByHand => "handed over by staff",
        InvitationDelivery::WebClip => "as a Web Clip on the device",
    }
}

pub(super) fn token_words(token: InvitationToken) -> &'static str {
    match token {
        InvitationToken::Link => "its link",
        InvitationToken::Code => "its code",
        InvitationToken::DeviceCode => "a code from its page",
    }
}

fn refusal_words(why: InvitationRefusal) -> &'static str {
    match why {
        InvitationRefusal::Replaced => "a newer link replaced it",
        InvitationRefusal::Expired => "it has expired",
        InvitationRefusal::Revoked => "it was revoked",
        InvitationRefusal::Used => "it was used",
        InvitationRefusal::OtherPerson => "it is for another person",
    }
}
