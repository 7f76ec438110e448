//! The English sentences of the audit trail. For another language, add a table like this one.

use std::collections::BTreeMap;

/// All keys with their English sentences.
const ENGLISH: &[(&str, &str)] = &[
    ("log-created", "The log was created"),
    (
        "older-log-accepted",
        "The log was set back to position {last}: {count|later event|later events} or more accepted as lost",
    ),
    ("keys-lost", "{count|key was|keys were} accepted as lost: data sealed with them can no longer be read"),
    ("versions-raised", "New event versions were enabled: {types}"),
    ("public-url-served", "Started to serve devices at {new}"),
    (
        "public-url-accepted",
        "Started to serve devices at {new}; the operator confirmed that the address of enrolled devices leads here too: {old}",
    ),
    ("visit-opened", "Began to enroll an {family}{version}"),
    ("account-driven-begun", "Began in Settings with a work or school account: {kind}"),
    ("visit-resumed", "Came from Settings to sign in again"),
    ("signed-in-again", "Signed in again with {method}"),
    ("sign-in-again-asked", "The device was asked to have its person sign in again: {reason}"),
    ("access-token-issued", "An access token was issued to the device"),
    ("authorization-code-issued", "An authorization code was issued to the device"),
    ("access-token-refreshed", "The device refreshed its access token; its person is still permitted"),
    ("machine-information-received", "{product} requested its profile; its signature is {signature}"),
    ("managed-apple-id-assigned", "The account provided the Managed Apple ID {managed_apple_id}"),
    ("sign-in-refused", "Sign-in refused: {reason}"),
    ("signed-in", "Signed in as {user_name} with {method}"),
    ("single-sign-on-begun", "Went to {provider} to sign in"),
    ("single-sign-on-proven", "{provider} confirmed the sign-in"),
    ("single-sign-on-refused", "The response of {provider} was rejected: {reason}"),
    ("single-sign-on-requested", "A request to an identity provider was recorded"),
    ("assertion-used", "An assertion of {provider} was used"),
    ("response-refused", "A response of {provider} that belongs to no enrollment or session was rejected: {reason}"),
    ("assignment-offered", "Was asked who the device is for"),
    ("enrollment-assigned", "Enrolls the device for {user_name}"),
    ("assignment-declined", "Enrolls the device for themselves"),
    ("attributes-received", "{provider} provided groups and claims"),
    ("access-decided", "The access rule “{rule}” applies: may enroll {kinds}"),
    ("access-unknown", "Access rules could not decide: {provider} did not provide {untold}"),
    ("access-undecided", "No access rule matches this person"),
    ("terms-requested", "Asked to accept the terms of use, version {version}"),
    ("terms-accepted", "Accepted the terms of use, version {version}, read in “{language}”"),
    ("terms-declined", "Declined the terms of use, version {version}"),
    ("form-refused", "A form was refused: {reason}"),
    ("language-chosen", "Chose the language “{language}” for the pages"),
    ("identity-refused", "The device was refused an identity: {reason}"),
    ("identity-renewal-refused", "The device was refused a renewed identity: {reason}"),
    ("identity-request-refused", "A request for an identity was refused: {reason}"),
    ("device-request-refused", "A request of an unknown device was refused: {reason}"),
    ("device-message-refused", "A message of the device was refused: {reason}"),
    (
        "terms-acceptance-kept",
        "The acceptance of the terms of use, version {version}, was stored for later enrollments",
    ),
    ("previous-record-found", "Earlier records that are still active: {count} ({evidence})"),
    ("imported-record-found", "Records of other products that belong to the person: {count}"),
    ("previous-record-answered", "Said about an earlier record: {answer}"),
    ("previous-record-answered-removed", "Said about an earlier record: {answer}, and that its management is removed"),
    (
        "previous-record-answered-not-removed",
        "Said about an earlier record: {answer}, and continued without saying that its management is removed",
    ),
    ("previous-records-noted", "Read about the earlier records and continued"),
    ("personal-chosen", "Chose a personal device"),
    ("institutional-chosen", "Chose a device of the organization"),
    ("personal-by-policy", "Personal device, as determined by the settings"),
    ("institutional-by-policy", "Device of the organization, as determined by the settings"),
    ("ca-profile-served", "CA profile sent"),
    ("ca-install-reported", "Reported the CA profile as installed"),
    ("ca-step-skipped", "CA profile skipped, as determined by the settings"),
    ("managed-apple-id-given", "Entered the Managed Apple ID {managed_apple_id}"),
    ("profile-service-served", "The device was asked to identify itself before it gets the MDM profile"),
    (
        "device-attributes-reported",
        "The device identified itself: {product}, build {build}; its signature is {signature}",
    ),
    ("verification-profile-served", "Verification profile sent"),
    ("verification-identity-issued", "Verification identity issued, serial {serial}"),
    ("profile-service-refused", "The device was not verified: {reason}"),
    ("mdm-profile-served-to-verified", "MDM profile sent to the verified device, for {kind}"),
    ("mdm-profile-served", "MDM profile sent, for {kind}"),
    ("identity-issued", "Identity issued, serial {serial}"),
    ("identity-revoked", "An unused identity was revoked"),
    ("enrollment-refused", "Enrollment refused: {reason}"),
    ("enrollment-abandoned", "Closed after a period without activity"),
    ("signed-out", "Signed out of the portal"),
    ("device-authenticated", "The MDM profile is being installed on {product}, iOS {version}, by {kind}"),
    ("device-enrolled", "Device enrolled"),
    ("push-token-renewed", "The device renewed its push token"),
    ("identity-renewal-requested", "Identity renewal started: the enrollment profile is sent again"),
    ("identity-renewed", "Another identity issued, serial {serial}"),
    ("device-reauthenticated", "The device is installing its enrollment profile again"),
    ("identity-renewal-completed", "Identity renewed: the device uses serial {serial}"),
    ("identity-rolled-back", "The device returned to an earlier identity, serial {serial}"),
    ("identity-renewal-failed", "The identity was not renewed: {reason}"),
    ("command-queued", "{request_type} queued"),
    ("command-delivered", "{command} was delivered"),
    ("command-acknowledged", "{command} was acknowledged"),
    ("command-not-now", "{command} was deferred: the device answered “not now”"),
    ("command-failed", "{command} failed: {errors}"),
    ("command-format-error", "{command} was not understood by the device: {errors}"),
    ("answer-unreadable", "The answer to {command} could not be read: {reason}"),
    ("answer-unreadable-in-part", "Part of the answer to {command} could not be read and was omitted: {reason}"),
    ("result-too-large", "{command} was answered with {bytes|byte|bytes}: too large to keep"),
    ("command-cancelled", "{command} was cancelled"),
    ("command-expired", "{command} expired before the device answered"),
    ("managed-app-reported", "The app {app} is {status}"),
    ("app-rejected", "{command}: the device rejected the app: {reason}"),
    ("inventory-reported", "Reported {names}"),
    ("device-fields-left-out", "The device reported values over the size limit, which were not stored: {fields}"),
    (
        "device-events-suppressed",
        "The device exceeded its budget: {count|event was|events were} counted but not recorded: {events}",
    ),
    ("contact-watch-begun", "The next contact is recorded, because a later enrollment may be this device"),
    ("device-heard-from", "Heard from again"),
    ("device-pushed", "The device was woken"),
    ("push-failed", "The device could not be woken: {reason}"),
    ("device-checked-out", "The MDM profile was removed on the device"),
    ("device-unenrolled", "Unenrolled"),
    ("device-superseded", "The record ended: the same hardware is managed as another record ({evidence})"),
    ("device-revived", "The device made contact after its record was superseded: the record continues"),
    ("hardware-claim-noted", "The device claims the hardware of other records: {count}"),
    ("hardware-claim-dismissed", "Decided that the records with the same UDID are different devices"),
    ("hardware-attestation-requested", "An attestation of the hardware was requested"),
    ("hardware-attested", "Apple attested the hardware"),
    ("hardware-attestation-refused", "The hardware was not attested: {reason}"),
    ("record-archived", "Record archived"),
    ("record-restored", "Record restored"),
    ("person-known", "Person added: {user_name}"),
    ("person-changed", "The attributes of {user_name} changed"),
    ("managed-apple-id-learned", "The Managed Apple ID was stored for later enrollments"),
    ("person-erased", "A person was erased"),
    ("person-keys-noted", "Values by which previous records find this person were noted: {count}"),
    ("person-records-resolved", "The owners of previous records were resolved; more follow"),
    ("account-reserved", "An account was linked to a person"),
    ("hardware-enrolled", "A hardware identifier was linked to a device"),
    ("staff-added", "Local account {user_name} added, with {privileges}"),
    ("external-staff-known", "{user_name} uses the console with {method} of {provider}"),
    ("api-client-added", "API client {user_name} added"),
    ("api-token-issued", "An API token was issued; it replaces the earlier one"),
    ("api-token-refused", "API access refused: {reason}"),
    ("unknown-api-token-refused", "API access refused: unknown token"),
    ("staff-disabled", "Account disabled"),
    ("staff-enabled", "Account enabled"),
    ("password-changed", "Password changed"),
    ("privileges-changed", "Privileges changed from {before} to {after}"),
    ("set-up-link-issued", "A link to set up the first account was printed"),
    ("set-up-link-revoked", "The link to set up the first account was revoked"),
    ("first-factor-proven", "Passed the first factor with {method}; a second factor was requested"),
    ("staff-signed-in", "Signed in to the console with {method}"),
    ("staff-sign-in-refused", "Sign-in to the console refused: {reason}"),
    ("staff-signed-out", "Signed out of the console"),
    ("staff-session-ended", "A session at the console was ended"),
    ("staff-sessions-ended", "The sessions at the console were ended"),
    ("password-confirmed", "The password was entered again to confirm a change"),
    ("password-confirmation-refused", "The password entered to confirm a change was refused: {reason}"),
    ("passkey-added", "Passkey “{label}” added"),
    ("passkey-used", "A passkey was used {purpose}"),
    ("passkey-removed", "A passkey was removed"),
    ("one-time-codes-added", "One-time codes were set up"),
    ("one-time-code-used", "A one-time code was used {purpose}"),
    ("one-time-codes-removed", "One-time codes were removed"),
    ("recovery-codes-made", "{count|recovery code was|recovery codes were} shown"),
    ("recovery-code-used", "A recovery code was used to sign in"),
    ("recovery-codes-removed", "The recovery codes were removed"),
    ("second-factor-refused", "The second factor was refused: {factor}, {reason}"),
    ("user-name-reserved", "A user name was reserved"),
    ("device-list-viewed", "Viewed the list of devices"),
    ("device-viewed", "Viewed a device"),
    ("previous-record-list-viewed", "Viewed the list of previous records"),
    ("previous-record-viewed", "Viewed a previous record"),
    ("import-list-viewed", "Viewed the imports of previous records"),
    ("link-list-viewed", "Viewed the links of re-enrollments"),
    ("person-viewed", "Viewed the devices and records of a person"),
    ("lineage-exported", "Exported devices, records and links of a person: {rows|row|rows} as {format}, by {filters}"),
    ("records-exported", "Exported the list of previous records: {rows|record|records} as {format}"),
    ("records-part-exported", "Exported {rows|previous record|previous records} as {format}, by {filters}"),
    ("audit-viewed", "Viewed the audit trail"),
    ("audit-searched", "Searched the audit trail by {filters}"),
    ("funnel-viewed", "Viewed the enrollment funnel"),
    ("visits-viewed", "Viewed the list of enrollments"),
    ("visits-searched", "Searched the enrollments"),
    ("visit-viewed", "Viewed an enrollment"),
    ("settings-viewed", "Viewed the settings"),
    ("audit-exported", "Exported the whole audit trail: {rows|event|events} as {format}"),
    ("audit-part-exported", "Exported {rows|event|events} of the audit trail as {format}, by {filters}"),
    ("inventory-exported", "Exported the list of devices: {rows|record|records} as {format}"),
    ("inventory-part-exported", "Exported {rows|record|records} of devices as {format}, by {filters}"),
    ("api-read", "Read {resource} through the API"),
    ("staff-list-viewed", "Viewed the list of staff"),
    ("staff-viewed", "Viewed a staff account"),
    ("access-refused", "Tried to {act} without the required role: refused"),
    ("act-refused", "Tried to {act}: not possible"),
    ("set-up-link-refused", "A link to set up the first account was refused"),
    ("invitation-code-refused", "Code of an invitation refused: it leads to no invitation"),
    ("vouched-staff-refused", "Sign-in to the console refused: a person from {provider} has no role here"),
    ("unknown-staff-refused", "Sign-in to the console with an unknown name refused"),
    ("device-refused", "Account-driven enrollment was refused ({product}): {reason}"),
    (
        "refusals-suppressed",
        "{count|more refusal was|more refusals were} counted but not recorded one by one: from {sources}",
    ),
    ("account-sign-in-refused", "Sign-in refused at the portal: {reason}"),
    (
        "account-refusals-suppressed",
        "{count|more refused sign-in|more refused sign-ins} with this account counted: from {sources}",
    ),
    ("staff-refusals-suppressed", "{count|more refusal|more refusals} of this account counted: from {sources}"),
    ("settings-changed", "Settings changed: {names}"),
    ("previous-record-imported", "A record of {source} was imported: {model}, enrolled as {kind}"),
    ("previous-record-changed", "A later import changed the previous record: {fields}"),
    ("previous-record-owner-keys-changed", "A later import changed how the owner of the previous record is found"),
    ("previous-record-missing", "The source no longer has the previous record"),
    ("previous-record-returned", "The source has the previous record again"),
    ("previous-record-import-undone", "An import of the previous record was undone"),
    ("previous-record-owner-resolved", "The previous record belongs to {owner}"),
    (
        "link-proposed",
        "Link between the earlier record and the enrolled device proposed ({band}): {evidence} = {score}",
    ),
    ("link-withdrawn", "Link between the earlier record and the enrolled device withdrawn: {evidence} = {score}"),
    ("silence-asked", "Whether the old management was heard from since the enrollment: {silence}"),
    ("link-confirmed", "Link between the earlier record and the enrolled device confirmed: {proof}"),
    ("link-rejected", "Link between the earlier record and the enrolled device rejected"),
    ("link-undone", "Decision about the link between the earlier record and the enrolled device undone"),
    ("successor-reserved", "The place of the earlier record was reserved"),
    ("successor-released", "The place of the earlier record is free again"),
    ("import-begun", "Began to import records of {source}"),
    ("complete-import-begun", "Began to import all records of {source}"),
    (
        "import-finished",
        "Imported records: {new} new, {changed} changed, {unchanged} unchanged, {missing} no longer there, {bad} set aside, {erased} of erased people",
    ),
    ("import-undone", "The import was undone"),
    ("invitation-issued", "Invited a person to enroll, {delivery}, until {until}"),
    ("invitation-issued-for-record", "Invited the owner of an earlier record to enroll, {delivery}, until {until}"),
    ("invitation-sent-again", "Made a new link for the invitation, valid until {until}"),
    ("invitation-reminded", "A reminder became due: a new link for the invitation, valid until {until}"),
    ("invitation-sent", "The mail server accepted the invitation"),
    ("invitation-not-sent", "The invitation could not be sent and is tried again: {reason}"),
    ("invitation-given-up", "The invitation could not be sent: {reason}"),
    ("invitation-opened", "Opened the invitation with {token}"),
    ("invitation-code-issued", "The page of the invitation showed a code, valid until {until}"),
    ("invitation-used", "Used the invitation with {token}"),
    ("invitation-refused", "The invitation was refused: {reason}"),
    ("invitation-revoked", "Revoked the invitation"),
    ("invitation-expired", "The invitation expired"),
    ("invitation-presented", "Showed an invitation with {token}"),
    ("code-reserved", "A code was given to an invitation"),
    ("wave-begun", "Began the wave of invitations “{name}”: {hourly} an hour, until {deadline}"),
    ("wave-records-added", "Added {count|record|records} to the wave of invitations"),
    ("wave-record-skipped", "Invited nobody for a record: {reason}"),
    ("wave-paused", "Paused the wave of invitations"),
    ("wave-resumed", "Resumed the wave of invitations"),
    ("wave-deadline-passed", "The deadline of the wave of invitations passed: {open|record is|records are} not done"),
    ("wave-ended", "Ended the wave of invitations"),
    ("migration-closed", "Closed the migration of {source}"),
    ("migration-reopened", "Reopened the migration"),
    (
        "migration-records-shredded",
        "Destroyed the personal details of {count|record|records} whose owner never enrolled",
    ),
    ("migration-exception-made", "Excepted the earlier record from the migration: {reason}"),
    ("migration-exception-ended", "Ended the exception of the earlier record"),
    ("record-note-added", "Noted about the earlier record: {note}"),
    ("retirement-notified", "The owner was told that the earlier record was retired"),
    ("retirement-not-notified", "The owner could not be told that the earlier record was retired: {reason}"),
    ("previous-record-shredded", "The personal details of the earlier record were destroyed"),
    ("old-management-removal-agreed", "Permitted the removal of the earlier management"),
    ("earlier-views-cleared", "Hid parts of the earlier record from administrators: {views}"),
    ("migration-board-viewed", "Viewed the migration board"),
    ("migration-board-part-viewed", "Viewed the migration board, by {filters}"),
    ("migration-board-exported", "Exported the migration board: {rows|record|records} as {format}"),
    (
        "migration-board-part-exported",
        "Exported {rows|record|records} of the migration board as {format}, by {filters}",
    ),
    ("invitation-list-viewed", "Viewed the list of invitations"),
    ("invitation-viewed", "Viewed an invitation"),
    ("invitations-exported", "Exported {rows|invitation|invitations} with their links as {format}"),
    ("import-questions-answered", "Open questions whether old devices are silent were answered anew; more follow"),
];

/// Returns the English sentence. Erased values read “(erased)”. `{count|event was|events were}` is a number followed by
/// the words for one or for several.
pub fn english(key: &str, values: &BTreeMap<String, Option<String>>) -> String {
    let Some((_, sentence)) = ENGLISH.iter().find(|(known, _)| *known == key) else {
        return key.to_owned();
    };
    let mut text = String::new();
    let mut rest = *sentence;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        text.push_str(before);
        let (name, words) = name.split_once('|').unwrap_or((name, ""));
        let value = values.get(name).and_then(Option::as_deref).unwrap_or("(erased)");
        text.push_str(value);
        if let Some((one, several)) = words.split_once('|') {
            text.push(' ');
            text.push_str(if value == "1" { one } else { several });
        }
        rest = after;
    }
    text.push_str(rest);
    text
}

/// Returns the fixed words of a sentence, in lower case, without its values.
pub(super) fn template(key: &str) -> String {
    let sentence = ENGLISH.iter().find(|(known, _)| *known == key).map_or("", |(_, sentence)| sentence);
    let fixed = |part: &str| match part.split_once('}') {
        Some((value, after)) => format!("{} {after}", value.split_once('|').map_or("", |(_, words)| words)),
        None => part.to_owned(),
    };
    sentence.split('{').map(fixed).collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::message::Message;
    use events::{KeyName, Personal};
    use std::collections::HashSet;

    #[test]
    fn every_key_has_one_sentence() {
        let keys: HashSet<&str> = ENGLISH.iter().map(|(key, _)| *key).collect();
        assert_eq!(keys.len(), ENGLISH.len());
        for source in [include_str!("message.rs"), include_str!("message/staff.rs")] {
            let used = source.split("Message::of(\"").skip(1).filter_map(|rest| rest.split('"').next());
            for key in used.filter(|key| !key.contains(' ')) {
                assert!(keys.contains(key), "no sentence for {key}");
            }
        }
    }

    #[test]
    fn one_of_something_is_no_plural() {
        let said = |count: &str| {
            let message = Message::of("keys-lost").with("count", count);
            english(message.key, &message.values)
        };
        assert!(said("1").starts_with("1 key was accepted"), "{}", said("1"));
        assert!(said("12").starts_with("12 keys were accepted"), "{}", said("12"));
    }

    #[test]
    fn a_sentence_names_its_values_and_says_erased_where_one_is_gone() {
        let name = Personal::new(KeyName("person-1".into()), "ada".to_owned());
        let said = Message::of("signed-in").personal("user_name", &name).with("method", "a local account");
        assert_eq!(english(said.key, &said.values), "Signed in as ada with a local account");

        let erased: Personal<String> = serde_json::from_str(r#"{"$erased": {"key": "person-1"}}"#).unwrap();
        let said = Message::of("signed-in").personal("user_name", &erased).with("method", "a local account");
        assert_eq!(english(said.key, &said.values), "Signed in as (erased) with a local account");

        let lost: Personal<String> = serde_json::from_str(r#"{"$lost": {"key": "person-1"}}"#).unwrap();
        let said = Message::of("signed-in").personal("user_name", &lost).with("method", "a local account");
        assert_eq!(english(said.key, &said.values), "Signed in as (key lost) with a local account");
    }
}
