//! Parses what a browser reports in its `User-Agent`. The result is a claim: only `Authenticate` tells the device's
//! real values.

use events::enrollment::{DeviceFamily, OsVersion, Platform};

/// Kind of browser that opened the portal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Browser {
    /// Safari on an iPhone or iPad: the only browser that can pass a profile to Settings.
    Safari(Platform),
    /// Another browser or an in-app browser on an iPhone or iPad.
    OtherOnIos(Platform),
    /// Safari that reports a Mac. An iPad reports the same, and so does an iPhone that requests the desktop site.
    MacSafari(Option<OsVersion>),
    Other,
}

/// Names that other browsers and apps on iOS put into their user agents.
const OTHERS: [&str; 22] = [
    "CriOS/",
    "FxiOS/",
    "EdgiOS/",
    "OPiOS/",
    "OPT/",
    "OPX/",
    "Brave/",
    "DuckDuckGo/",
    "Ddg/",
    "YaBrowser/",
    "Vivaldi/",
    "Focus/",
    "Klar/",
    "GSA/",
    "FBAN/",
    "FBAV/",
    "Instagram",
    "Line/",
    "MicroMessenger/",
    "Snapchat",
    "UCBrowser/",
    "Ecosia",
];

impl Browser {
    /// Classifies a `User-Agent` header.
    pub(crate) fn of(user_agent: &str) -> Browser {
        let family = if user_agent.contains("iPad") {
            Some(DeviceFamily::IPad)
        } else if user_agent.contains("iPhone") || user_agent.contains("iPod") {
            Some(DeviceFamily::IPhone)
        } else {
            None
        };
        // An in-app browser sends no `Version/` and often no `Safari/`.
        let is_safari = user_agent.contains("Safari/")
            && user_agent.contains("Version/")
            && !OTHERS.iter().any(|other| user_agent.contains(other));
        match family {
            Some(family) if is_safari => Browser::Safari(Platform { family, version: version(user_agent) }),
            Some(family) => Browser::OtherOnIos(Platform { family, version: version(user_agent) }),
            None if is_safari && user_agent.contains("Macintosh") => Browser::MacSafari(version(user_agent)),
            None => Browser::Other,
        }
    }

    /// Returns the version of iOS or iPadOS, if known.
    pub(crate) fn version(self) -> Option<OsVersion> {
        match self {
            Browser::Safari(platform) | Browser::OtherOnIos(platform) => platform.version,
            // The version is only used for devices that install a profile, and those are no Macs.
            Browser::MacSafari(version) => version.map(ipados),
            Browser::Other => None,
        }
    }

    /// Applies the person's answer to "Is this an iPad?".
    #[must_use]
    pub(crate) fn answered(self, answer: Option<Answer>) -> Browser {
        let mobile = |family, version| Browser::Safari(Platform { family, version });
        match (self, answer) {
            (Browser::MacSafari(version), Some(Answer::IPad)) => mobile(DeviceFamily::IPad, version.map(ipados)),
            (Browser::MacSafari(version), Some(Answer::IPhone)) => mobile(DeviceFamily::IPhone, version),
            (Browser::MacSafari(_), Some(Answer::Mac)) => Browser::Other,
            (browser, _) => browser,
        }
    }
}

/// Answer to the question which device it is, asked if Safari reports a Mac.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    IPad,
    IPhone,
    Mac,
}

impl Answer {
    const ALL: [Answer; 3] = [Answer::IPad, Answer::IPhone, Answer::Mac];

    pub(crate) fn parse(text: &str) -> Option<Answer> {
        Answer::ALL.into_iter().find(|answer| answer.as_str() == text)
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Answer::IPad => "ipad",
            Answer::IPhone => "iphone",
            Answer::Mac => "mac",
        }
    }
}

// Safari reports two versions; the greater one is right. From iOS 26 on the system version is frozen and `Version/` is
// right. Up to iOS 13 `Version/` lags behind (13.0.1 in iOS 13.1, 12.1 in iOS 12.4) and the system version is right.
fn version(user_agent: &str) -> Option<OsVersion> {
    let after = |mark: &str, point: char| {
        let rest = &user_agent[user_agent.find(mark)? + mark.len()..];
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != point).unwrap_or(rest.len());
        OsVersion::parse(&rest[..end].replace(point, "."))
    };
    after("Version/", '.').max(after(" OS ", '_'))
}

// iPadOS began with 13.1, and its Safari reports only 13.0.1 there.
fn ipados(version: OsVersion) -> OsVersion {
    if version.major == 13 { version.max(OsVersion::new(13, 1)) } else { version }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn iphone(system: &str, tail: &str) -> String {
        format!(
            "Mozilla/5.0 (iPhone; CPU iPhone OS {system} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) {tail}"
        )
    }

    fn safari(family: DeviceFamily, major: u16, minor: u16) -> Browser {
        Browser::Safari(Platform { family, version: Some(OsVersion::new(major, minor)) })
    }

    const IPADOS: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                          Version/17.5 Safari/605.1.15";

    #[test]
    fn a_system_version_that_is_frozen_is_not_believed() {
        let of =
            |system, version| Browser::of(&iphone(system, &format!("Version/{version} Mobile/15E148 Safari/604.1")));
        assert_eq!(of("17_5", "17.5"), safari(DeviceFamily::IPhone, 17, 5));
        assert_eq!(of("18_6", "26.0"), safari(DeviceFamily::IPhone, 26, 0));
        let ipad = iphone("12_4", "Version/12.1 Mobile/15E148 Safari/604.1").replace("iPhone;", "iPad;");
        assert_eq!(Browser::of(&ipad), safari(DeviceFamily::IPad, 12, 4));
    }

    #[test]
    fn up_to_ios_13_safaris_own_version_lags_behind_and_the_systems_is_believed() {
        let of =
            |system, version| Browser::of(&iphone(system, &format!("Version/{version} Mobile/15E148 Safari/604.1")));
        assert_eq!(of("13_1", "13.0.1"), safari(DeviceFamily::IPhone, 13, 1));
        let ipad = Browser::MacSafari(OsVersion::parse("13.0.1")).answered(Some(Answer::IPad));
        assert_eq!(ipad, safari(DeviceFamily::IPad, 13, 1));
    }

    #[test]
    fn other_browsers_and_the_insides_of_apps_are_told_apart() {
        for tail in [
            "CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1",
            "FxiOS/127.0 Mobile/15E148 Safari/605.1.15",
            "Version/17.0 EdgiOS/126.0 Mobile/15E148 Safari/604.1",
            "Version/17.5 Mobile/15E148 DuckDuckGo/7 Safari/605.1.15",
            "Version/17.5 Brave/1 Mobile/15E148 Safari/604.1",
            "OPiOS/16.0 Mobile/15E148 Safari/9537.53",
            "Mobile/15E148",
            "Mobile/15E148 [FBAN/FBIOS;FBAV/465.0]",
        ] {
            let platform = Platform { family: DeviceFamily::IPhone, version: Some(OsVersion::new(17, 5)) };
            assert_eq!(Browser::of(&iphone("17_5", tail)), Browser::OtherOnIos(platform), "{tail}");
        }
    }

    #[test]
    fn a_safari_that_says_macintosh_may_be_an_ipad_once_the_person_says_so() {
        let browser = Browser::of(IPADOS);
        assert_eq!(browser, Browser::MacSafari(Some(OsVersion::new(17, 5))));
        assert_eq!(browser.answered(Some(Answer::IPad)), safari(DeviceFamily::IPad, 17, 5));
        assert_eq!(browser.answered(Some(Answer::IPhone)), safari(DeviceFamily::IPhone, 17, 5));
        assert_eq!(browser.answered(Some(Answer::Mac)), Browser::Other);
    }

    #[test]
    fn everything_else_is_a_desktop() {
        for agent in [
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36",
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36",
            "curl/8.0",
            "",
        ] {
            assert_eq!(Browser::of(agent), Browser::Other, "{agent}");
            // The answer only applies to Safari, because no other browser can install a profile.
            assert_eq!(Browser::of(agent).answered(Some(Answer::IPad)), Browser::Other);
        }
    }

    #[test]
    fn a_version_is_found_where_only_the_system_tells_it() {
        assert_eq!(version("iPhone OS 10_3_3 like"), Some(OsVersion { major: 10, minor: 3, patch: 3 }));
        assert_eq!(version("nothing"), None);
    }
}
