//! The sentences of the audit trail in English. Other languages add a table beside this one.

use std::collections::BTreeMap;

/// Every key, with its sentence in English.
const ENGLISH: &[(&str, &str)] = &[
    ("log-created", "The log was created"),
    (
        "older-log-accepted",
        "The log was set back to position {last}: {count|later event|later events} or more accepted as lost",
    ),
    ("keys-lost", "{count|key was|keys were} accepted as lost: what was sealed under them cannot be read any more"),
    ("versions-raised", "New versions of events were allowed: {types}"),
    ("public-url-served", "Started to answer devices at {new}"),
    (
        "public-url-accepted",
        "Started to answer devices at {new}; the address that enrolled devices hold leads here too, as the operator said: {old}",
    ),
    ("visit-opened", "Began to enroll an {family}{version}"),
    ("account-driven-begun", "Came from Settings, signing in with a work or school account: {kind}"),
    ("visit-resumed", "Came from Settings to sign in once more"),
    ("signed-in-again", "Signed in once more with {method}"),
    ("sign-in-again-asked", "The device was told to have its person sign in again: {reason}"),
    ("access-token-issued", "An access token was handed to the device"),
    ("authorization-code-issued", "A code for an access token was handed to the device"),
    ("access-token-refreshed", "The device got another access token; its person still may"),
    ("machine-information-received", "{product} asked for its profile; its signature is {signature}"),
    ("managed-apple-id-assigned", "The Managed Apple ID {managed_apple_id} came with the account"),
    ("sign-in-refused", "Sign-in refused: {reason}"),
    ("signed-in", "Signed in as {user_name} with {method}"),
    ("single-sign-on-begun", "Went to {provider} to sign in"),
    ("single-sign-on-proven", "{provider} answered who this is"),
    ("single-sign-on-refused", "The answer of {provider} was refused: {reason}"),
    ("single-sign-on-requested", "A request to an identity provider was noted"),
    ("assertion-used", "An assertion of {provider} was used"),
    ("response-refused", "An answer of {provider} that belongs to nobody was refused: {reason}"),
    ("assignment-offered", "Was asked for whom the device is"),
    ("enrollment-assigned", "Enrolls the device for {user_name}"),
    ("assignment-declined", "Enrolls a device of their own"),
    ("attributes-received", "{provider} told groups and claims"),
    ("access-decided", "The access rule “{rule}” decides: may enroll {kinds}"),
    ("access-unknown", "Access rules could not decide: {provider} did not tell {untold}"),
    ("access-undecided", "No access rule is about this person"),
    ("terms-requested", "Asked to accept the terms of use, version {version}"),
    ("terms-accepted", "Accepted the terms of use, version {version}, read in “{language}”"),
    ("terms-declined", "Declined the terms of use, version {version}"),
    ("form-refused", "A form was refused: {reason}"),
    ("language-chosen", "Reads the pages in “{language}”"),
    ("identity-refused", "The device got no identity: {reason}"),
    ("identity-renewal-refused", "The device got no renewed identity: {reason}"),
    ("identity-request-refused", "A request for an identity was refused: {reason}"),
    ("device-request-refused", "A request of an unknown device was refused: {reason}"),
    ("device-message-refused", "A message of the device was refused: {reason}"),
    ("terms-acceptance-kept", "Accepting the terms of use, version {version}, was kept for next time"),
    ("previous-record-found", "Earlier records that are still active: {count} ({evidence})"),
    ("previous-records-noted", "Read about the earlier records and went on"),
    ("personal-chosen", "Chose a personal device"),
    ("institutional-chosen", "Chose an institutional device"),
    ("personal-by-policy", "Taken as a personal device, as the settings say"),
    ("institutional-by-policy", "Taken as an institutional device, as the settings say"),
    ("ca-profile-served", "CA profile sent"),
    ("ca-install-reported", "Reported the CA profile as installed"),
    ("ca-step-skipped", "CA profile skipped, as the settings say"),
    ("managed-apple-id-given", "Gave the Managed Apple ID {managed_apple_id}"),
    ("profile-service-served", "The device was asked to say what it is before it gets the MDM profile"),
    (
        "device-attributes-reported",
        "The device told what it is: {product}, build {build}; its signature is {signature}",
    ),
    ("verification-profile-served", "A profile with an identity to be verified by was sent"),
    ("verification-identity-issued", "An identity to be verified by was issued, serial {serial}"),
    ("profile-service-refused", "The device was not verified: {reason}"),
    ("mdm-profile-served-to-verified", "MDM profile sent to the device that was verified, for {kind}"),
    ("mdm-profile-served", "MDM profile sent, for {kind}"),
    ("identity-issued", "Identity issued, serial {serial}"),
    ("identity-revoked", "An unused identity was revoked"),
    ("enrollment-refused", "Enrollment refused: {reason}"),
    ("enrollment-abandoned", "Closed for lack of progress"),
    ("signed-out", "Signed out of the portal"),
    ("device-authenticated", "The MDM profile is being installed on {product}, iOS {version}, by {kind}"),
    ("device-enrolled", "Device enrolled"),
    ("push-token-renewed", "The device said anew where it is woken"),
    ("identity-renewal-requested", "The identity is to be renewed: the enrollment profile is sent anew"),
    ("identity-renewed", "Another identity issued, serial {serial}"),
    ("device-reauthenticated", "The device is installing its enrollment profile anew"),
    ("identity-renewal-completed", "Identity renewed: the device uses serial {serial}"),
    ("identity-rolled-back", "The device went back to an identity that it had before, serial {serial}"),
    ("identity-renewal-failed", "The identity was not renewed: {reason}"),
    ("command-queued", "{request_type} queued"),
    ("command-delivered", "{command} was delivered"),
    ("command-acknowledged", "{command} was acknowledged"),
    ("command-not-now", "{command} has to wait: the device answered “not now”"),
    ("command-failed", "{command} failed: {errors}"),
    ("command-format-error", "{command} was not understood by the device: {errors}"),
    ("answer-unreadable", "The answer to {command} could not be read: {reason}"),
    ("answer-unreadable-in-part", "Part of the answer to {command} could not be read and was left out: {reason}"),
    ("result-too-large", "{command} was answered with {bytes|byte|bytes}: too large to keep"),
    ("command-cancelled", "{command} was cancelled"),
    ("command-expired", "{command} expired before the device answered"),
    ("managed-app-reported", "The app {app} is {status}"),
    ("app-rejected", "{command}: the device did not take the app: {reason}"),
    ("inventory-reported", "Reported {names}"),
    ("device-fields-left-out", "The device told more than is kept: left out {fields}"),
    (
        "device-events-suppressed",
        "The device used up its budget: {count|event was|events were} counted, not written: {events}",
    ),
    ("device-heard-from", "Heard from again after a long silence"),
    ("device-pushed", "The device was woken"),
    ("push-failed", "The device could not be woken: {reason}"),
    ("device-checked-out", "The MDM profile was removed on the device"),
    ("device-unenrolled", "Unenrolled"),
    ("device-superseded", "The record ended: the same hardware is managed as another record ({evidence})"),
    ("device-revived", "The device spoke after its record had ended for another one: the record goes on"),
    ("hardware-claim-noted", "The device claims the hardware of other records: {count}"),
    ("hardware-claim-dismissed", "Decided that the records of the same UDID are different devices"),
    ("hardware-attestation-requested", "An attestation of the hardware was asked for"),
    ("hardware-attested", "Apple attested the hardware"),
    ("hardware-attestation-refused", "The attestation of the hardware proves nothing: {reason}"),
    ("record-archived", "Record archived"),
    ("record-restored", "Record restored"),
    ("person-known", "A person became known: {user_name}"),
    ("person-changed", "What is known about {user_name} changed"),
    ("managed-apple-id-learned", "The Managed Apple ID was kept for next time"),
    ("person-erased", "A person was erased"),
    ("account-reserved", "An account was linked to a person"),
    ("hardware-enrolled", "A hardware identifier was linked to a device"),
    ("staff-added", "Local account {user_name} added, with {privileges}"),
    ("external-staff-known", "{user_name} works at the console with {method} of {provider}"),
    ("api-client-added", "Program {user_name} added, to read by the API"),
    ("api-token-issued", "A token for the API was issued; an earlier one ended"),
    ("api-token-refused", "Reading by the API refused: {reason}"),
    ("unknown-api-token-refused", "Reading by the API refused: the token names no program"),
    ("staff-disabled", "Account disabled"),
    ("staff-enabled", "Account enabled"),
    ("password-changed", "Password changed"),
    ("privileges-changed", "Privileges changed from {before} to {after}"),
    ("set-up-link-issued", "A link to set up the first account was printed"),
    ("set-up-link-revoked", "The link to set up the first account was revoked"),
    ("first-factor-proven", "Proved themselves with {method}; a second factor was asked for"),
    ("staff-signed-in", "Signed in to the console with {method}"),
    ("staff-sign-in-refused", "Sign-in to the console refused: {reason}"),
    ("staff-signed-out", "Signed out of the console"),
    ("staff-session-ended", "A session at the console was ended"),
    ("staff-sessions-ended", "The sessions at the console were ended"),
    ("password-confirmed", "The password was given again to confirm a change"),
    ("password-confirmation-refused", "The password given to confirm a change was refused: {reason}"),
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
    ("audit-viewed", "Viewed the audit trail"),
    ("audit-searched", "Searched the audit trail by {filters}"),
    ("funnel-viewed", "Viewed how far people get"),
    ("visits-viewed", "Viewed the list of visits"),
    ("visits-searched", "Searched the visits"),
    ("visit-viewed", "Viewed a visit"),
    ("settings-viewed", "Viewed the settings"),
    ("audit-exported", "Exported the whole audit trail: {rows|event|events} as {format}"),
    ("audit-part-exported", "Exported {rows|event|events} of the audit trail as {format}, by {filters}"),
    ("inventory-exported", "Exported the list of devices: {rows|record|records} as {format}"),
    ("inventory-part-exported", "Exported {rows|record|records} of devices as {format}, by {filters}"),
    ("api-read", "Read {resource} by the API"),
    ("staff-list-viewed", "Viewed the list of staff"),
    ("staff-viewed", "Viewed an account of the staff"),
    ("access-refused", "Wanted to {act} without the role for it: refused"),
    ("act-refused", "Wanted to {act}: not possible"),
    ("set-up-link-refused", "A link to set up the first account was refused"),
    ("vouched-staff-refused", "Sign-in to the console refused: {provider} vouches for somebody who has no role here"),
    ("unknown-staff-refused", "Sign-in to the console under an unknown name refused"),
    ("device-refused", "A {product} that would enroll by account was refused: {reason}"),
    (
        "refusals-suppressed",
        "{count|more refusal was|more refusals were} counted, not written one by one: from {sources}",
    ),
    ("account-sign-in-refused", "Sign-in refused at the portal: {reason}"),
    (
        "account-refusals-suppressed",
        "{count|more refused sign-in|more refused sign-ins} with this account counted: from {sources}",
    ),
    ("staff-refusals-suppressed", "{count|more refusal|more refusals} of this account counted: from {sources}"),
    ("settings-changed", "Settings changed: {names}"),
];

/// The sentence in English. Values that are erased read “(erased)”. `{count|event was|events were}` is a number with the words for one and
/// for several.
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
