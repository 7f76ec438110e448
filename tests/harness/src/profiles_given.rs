//! The profiles that a simulated device is given on its way, for a test that looks at their text.

use plist::{Dictionary, Value};
use simulator::inspection::Given;
use simulator::model::Hardware;
use simulator::profile;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// By the serial numbers of devices, of those alone that a test asked for.
static KEPT: Mutex<BTreeMap<String, Vec<Dictionary>>> = Mutex::new(BTreeMap::new());

/// Keeps the profiles that this device is given from now on.
pub fn keep(hardware: &Hardware) {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner).insert(hardware.serial_number.clone(), Vec::new());
}

/// The profiles that the device was given since, as XML, in the order in which they came, each with a line above it.
pub fn of(hardware: &Hardware) -> String {
    let kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let mut text = String::new();
    for (nth, profile) in kept[&hardware.serial_number].iter().enumerate() {
        let mut xml = Vec::new();
        Value::Dictionary(profile.clone()).to_writer_xml(&mut xml).unwrap();
        text.push_str(&format!("profile {}\n{}\n\n", nth + 1, String::from_utf8(xml).unwrap()));
    }
    text
}

pub(crate) fn note(given: &Given<'_>) {
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(profiles) = kept.get_mut(&given.to.serial_number) {
        profiles.extend(profile_in(given));
    }
}

fn profile_in(given: &Given<'_>) -> Option<Dictionary> {
    match given.content_type.split(';').next()? {
        "application/x-apple-aspen-config" => Some(profile::open(given.body).ok()?.0),
        "application/xml" => {
            let envelope = Value::from_reader_xml(given.body).ok()?.into_dictionary()?;
            let file = envelope.get("Command")?.as_dictionary()?.get("Payload")?.as_data()?;
            Some(profile::open(file).ok()?.0)
        }
        _ => None,
    }
}
