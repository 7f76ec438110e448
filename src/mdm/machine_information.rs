//! What a device says of itself before anybody signed in on it (other/machineinfo.yaml): a property list, signed with the
//! identity that it was made with.

use super::{Answer, unavailable};
use crate::app::App;
use crate::enrollment::visit::MachineInformation;
use actix_web::web::{self, Bytes};
use events::enrollment::OsVersion;
use plist::Dictionary;

/// Longer than any model or build that there is.
const LONGEST: usize = 64;

/// Reads it. A signature that proves nothing is a finding, to be recorded; a message that cannot be read is an error.
pub(super) async fn read(app: &App, body: Bytes) -> Result<MachineInformation, Answer> {
    let reader = app.clone();
    let message = web::block(move || reader.device_message(&body)).await.map_err(unavailable)?;
    let message = message.map_err(|error| {
        tracing::warn!(%error, "a device's machine information is refused");
        Answer::BadRequest
    })?;
    let fields = message.fields;
    Ok(MachineInformation {
        signature: message.signature,
        product: text(&fields, "PRODUCT"),
        build_version: text(&fields, "VERSION"),
        os_version: os_version(&fields),
    })
}

fn text(fields: &Dictionary, key: &str) -> Option<String> {
    let text = fields.get(key)?.as_string()?;
    (1..=LONGEST).contains(&text.len()).then(|| text.to_owned())
}

// `OS_VERSION` comes from iOS 17 on; before, the build tells the version's first number.
fn os_version(fields: &Dictionary) -> Option<OsVersion> {
    let told = text(fields, "OS_VERSION").and_then(|version| OsVersion::parse(&version));
    told.or_else(|| text(fields, "VERSION").and_then(|build| of_build(&build)))
}

/// iOS 15 has builds that begin with 19, and so on; 26 follows on 18, its builds begin with 23.
fn of_build(build: &str) -> Option<OsVersion> {
    let digits: String = build.chars().take_while(char::is_ascii_digit).collect();
    let year: u16 = digits.parse().ok()?;
    let major = if year >= 23 { year.checked_add(3)? } else { year.checked_sub(4)? };
    Some(OsVersion::new(major, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(entries: &[(&str, &str)]) -> Option<OsVersion> {
        os_version(&entries.iter().map(|(key, value)| ((*key).to_owned(), plist::Value::from(*value))).collect())
    }

    #[test]
    fn the_version_is_told_or_follows_from_the_build() {
        assert_eq!(told(&[("OS_VERSION", "18.2.1"), ("VERSION", "22C161")]), OsVersion::parse("18.2.1"));
        assert_eq!(told(&[("VERSION", "19A346")]), OsVersion::parse("15.0"));
        assert_eq!(told(&[("VERSION", "22C161")]), OsVersion::parse("18"));
        assert_eq!(told(&[("VERSION", "23A300")]), OsVersion::parse("26"));
        assert_eq!((told(&[("VERSION", "beta")]), told(&[])), (None, None));
    }
}
