//! Staff invite people in real browsers: the empty lists, the forms, an invitation with its QR code, a wave with its
//! rehearsal, the cards to print, the mails.

use super::Sight;
use crate::invitations::waves::begun as begun_in;
use crate::invitations::{LIST, WAVES, invite, issued, person, records};
use events::invitation::{InvitationDelivery, WaveId};
use harness::browser::{DESK, Engine, PHONE};
use invitations::Invitee;
use uuid::Uuid;

/// A large desk.
const WIDE: (u32, u32) = (1_440, 900);
/// A name without a place to break it.
const LONG: &str = "adalovelaceofthedepartmentofanalyticalengines";

async fn look_around(engine: Engine, test: &'static str, size: (u32, u32), dark: bool) {
    let Some(sight) = Sight::begin(engine, test, size, dark).await else { return };
    let (server, helper) = (&sight.server, &sight.helper);
    sight.look(LIST, "Nobody has been invited yet", "invitations-empty").await;
    sight.look(WAVES, "There is no wave yet", "waves-empty").await;
    sight.look(&format!("{LIST}/new"), "How does the person get it?", "invitation-new").await;
    sight.look(&format!("{WAVES}/new"), "Ids of the records", "wave-new").await;
    sight.look("/console/mails?language=ja", "invitations.mails.reminder.ja", "mails").await;

    let ada = person(server, LONG).await;
    let records = records(server, helper, &[LONG, "grace", "eve"], ada).await;
    let refused = invite(helper, "", &[("mail", "ada")]).await;
    assert_eq!(refused.status, 409);
    let done = invite(helper, &format!("?person={ada}"), &[]).await;
    sight.look(done.location(), "is issued", "invitation").await;
    let bound = issued(server, Invitee::Record(records[0]), None, InvitationDelivery::WebClip).await;
    sight.look(&format!("{LIST}/{bound}"), "Do not hand over this link", "invitation-bound").await;
    sight.look(&format!("{LIST}/{bound}/revoke"), "Revoke this invitation?", "invitation-revoke").await;
    sight.look(&format!("{LIST}/new?record={}", records[1]), "the owner of", "invitation-new-record").await;
    sight.look(LIST, "Web Clip", "invitations").await;
    sight.look(&format!("{LIST}?state=used"), "No invitation matches", "invitations-none").await;

    let wave = begun(&sight, &records).await;
    issued(server, Invitee::Record(records[1]), Some(wave), InvitationDelivery::ByHand).await;
    issued(server, Invitee::Record(records[2]), Some(wave), InvitationDelivery::ByHand).await;
    let page = format!("{WAVES}/{wave}");
    sight.look(&page, "Cards to print", "wave").await;
    sight.look(&format!("{page}/print"), "Scanne den Code mit der Kamera", "wave-print").await;
    sight.look(&format!("{page}/end"), "End this wave?", "wave-end").await;
    sight.look(WAVES, "Paused", "waves").await;
    sight.look(&format!("{LIST}?wave={wave}"), "Only invitations of the wave", "invitations-of-wave").await;
    sight.end().await;
}

/// Rehearses a wave in the browser, and begins it in the paused state without.
async fn begun(sight: &Sight, records: &[events::record::RecordId]) -> WaveId {
    let ids: Vec<String> = records.iter().map(ToString::to_string).chain([Uuid::from_u128(7).to_string()]).collect();
    sight.open(&format!("{WAVES}/new")).await;
    sight.fill("textarea", &ids.join(" ")).await;
    sight.fill("#name", "Grade 7 of the department of analytical engines").await;
    sight.click("button.primary").await;
    sight.wait_for("dl.totals").await;
    sight.look_here("wave-rehearsal").await;
    begun_in(&sight.server, records, InvitationDelivery::ByHand).await
}

#[tokio::test(flavor = "multi_thread")]
async fn invitations_in_chromium_at_a_desk() {
    look_around(Engine::Chromium, "invitations-desk", WIDE, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invitations_in_chromium_at_a_desk_in_the_dark() {
    look_around(Engine::Chromium, "invitations-desk-dark", WIDE, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invitations_in_chromium_on_a_phone_in_the_dark() {
    look_around(Engine::Chromium, "invitations-phone-dark", PHONE, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invitations_in_webkit_at_a_desk() {
    look_around(Engine::WebKit, "invitations-webkit", DESK, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invitations_in_webkit_on_a_phone() {
    look_around(Engine::WebKit, "invitations-webkit-phone", PHONE, false).await;
}
