//! Model, iOS version and identifiers of a simulated iPhone or iPad.

use crate::chance;
use std::fmt;
use std::str::FromStr;

/// A version of iOS or iPadOS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IosVersion {
    pub major: u32,
    pub minor: u32,
    pub patch: u32,
}

impl IosVersion {
    pub const fn new(major: u32, minor: u32) -> IosVersion {
        IosVersion { major, minor, patch: 0 }
    }

    /// Returns the build, such as `21F79`: the number of the year, a letter for the minor version, and a number.
    pub fn build(self) -> String {
        let letter = char::from_u32('A' as u32 + self.minor.min(25)).unwrap_or('A');
        // Version 26 follows version 18.
        let year = if self.major >= 26 { self.major - 3 } else { self.major + 4 };
        format!("{year}{letter}{}", 79 + self.patch)
    }
}

impl fmt::Display for IosVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        if self.patch > 0 { write!(f, ".{}", self.patch) } else { Ok(()) }
    }
}

impl FromStr for IosVersion {
    type Err = String;

    fn from_str(text: &str) -> Result<IosVersion, String> {
        let wrong = || format!("{text:?} is not a version of iOS; write it as 17.5");
        let numbers: Result<Vec<u32>, _> = text.split('.').map(str::parse).collect();
        match numbers.map_err(|_| wrong())?[..] {
            [major] => Ok(IosVersion::new(major, 0)),
            [major, minor] => Ok(IosVersion::new(major, minor)),
            [major, minor, patch] => Ok(IosVersion { major, minor, patch }),
            _ => Err(wrong()),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    IPhone,
    IPad,
}

impl Family {
    /// The name as Apple writes it.
    pub fn name(self) -> &'static str {
        match self {
            Family::IPhone => "iPhone",
            Family::IPad => "iPad",
        }
    }
}

/// A device's hardware, with its factory identifiers.
#[derive(Debug, Clone)]
pub struct Hardware {
    pub family: Family,
    pub ios: IosVersion,
    /// `ProductName`, such as `iPhone14,5`.
    pub product: &'static str,
    /// `ModelName`.
    pub marketing_name: &'static str,
    pub udid: String,
    pub serial_number: String,
    /// iPhones only: simulated iPads have no SIM.
    pub imei: Option<String>,
    /// `IsSupervised`: Apple Configurator supervises a device before it enrolls.
    pub supervised: bool,
}

impl Hardware {
    /// Creates hardware that can run `ios`.
    pub fn new(family: Family, ios: IosVersion) -> Hardware {
        let recent = ios >= IosVersion::new(15, 0);
        let (product, marketing_name) = match (family, recent) {
            (Family::IPhone, true) => ("iPhone14,5", "iPhone 13"),
            (Family::IPhone, false) => ("iPhone8,1", "iPhone 6s"),
            (Family::IPad, true) => ("iPad13,1", "iPad Air"),
            (Family::IPad, false) => ("iPad7,5", "iPad"),
        };
        Hardware {
            family,
            ios,
            product,
            marketing_name,
            udid: udid(recent),
            serial_number: chance::text("0123456789CDFGHJKLMNPQRTVWXY", if recent { 10 } else { 12 }),
            imei: (family == Family::IPhone).then(|| format!("35 {} {} 1", digits(6), digits(6))),
            supervised: false,
        }
    }

    /// Returns Safari's User-Agent. Until iOS 14, `Version/` lags behind the system. From iPadOS 13 on, an iPad
    /// identifies itself as a Macintosh. From iOS 26 on, the system's version is frozen and only `Version/` shows the
    /// real one.
    pub fn user_agent(&self) -> String {
        let version = safari_version(self.ios);
        let webkit = "AppleWebKit/605.1.15 (KHTML, like Gecko)";
        if self.family == Family::IPad && self.ios.major >= 13 {
            let mac = "Macintosh; Intel Mac OS X 10_15_7";
            return format!("Mozilla/5.0 ({mac}) {webkit} Version/{version} Safari/605.1.15");
        }
        let shown = if self.ios.major >= 26 { IosVersion::new(18, 6) } else { self.ios };
        let system = shown.to_string().replace('.', "_");
        let machine = match self.family {
            Family::IPhone => format!("iPhone; CPU iPhone OS {system}"),
            Family::IPad => format!("iPad; CPU OS {system}"),
        };
        format!("Mozilla/5.0 ({machine} like Mac OS X) {webkit} Version/{version} Mobile/15E148 Safari/604.1")
    }
}

fn safari_version(ios: IosVersion) -> String {
    match (ios.major, ios.minor) {
        (13, 0 | 1) => "13.0.1".into(),
        (13, 2) => "13.0.3".into(),
        (13, 3) => "13.0.5".into(),
        (13, 4 | 5) => "13.1".into(),
        (13, _) => "13.1.2".into(),
        (12, 0 | 1) => "12.0".into(),
        (12, _) => "12.1.2".into(),
        (major @ ..=11, _) => format!("{major}.0"),
        _ => ios.to_string(),
    }
}

fn udid(recent: bool) -> String {
    if recent {
        format!("00008110-{}", chance::text("0123456789ABCDEF", 16))
    } else {
        chance::text("0123456789abcdef", 40)
    }
}

fn digits(length: usize) -> String {
    chance::text("0123456789", length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(family: Family, ios: &str) -> String {
        Hardware::new(family, ios.parse().unwrap()).user_agent()
    }

    #[test]
    fn an_iphone_names_its_system_and_its_safari() {
        let told = agent(Family::IPhone, "17.5");
        assert!(told.contains("iPhone; CPU iPhone OS 17_5 like Mac OS X") && told.contains("Version/17.5 Mobile/"));
        assert!(
            agent(Family::IPhone, "13.1")
                .contains("OS 13_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/13.0.1")
        );
    }

    #[test]
    fn a_newer_iphone_freezes_its_system() {
        let told = agent(Family::IPhone, "26.1");
        assert!(told.contains("iPhone OS 18_6") && told.contains("Version/26.1"), "{told}");
    }

    #[test]
    fn an_ipad_says_macintosh_from_thirteen_on() {
        assert!(agent(Family::IPad, "12.4").contains("(iPad; CPU OS 12_4"));
        let told = agent(Family::IPad, "17.5");
        assert!(told.contains("Macintosh") && !told.contains("iPad") && told.contains("Version/17.5 Safari"), "{told}");
    }

    #[test]
    fn versions_are_read_and_compared() {
        assert!("13.1".parse::<IosVersion>().unwrap() < "18".parse().unwrap());
        assert!("new".parse::<IosVersion>().is_err());
    }
}
