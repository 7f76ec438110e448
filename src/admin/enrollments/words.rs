//! Texts for steps, sign-in methods and durations, for the help desk.

use crate::admin::words::{Chip, NONE, capital, person};
use events::enrollment::{DeviceFamily, SignInMethodName};
use names::visible;
use projections::enrollments::{Enrollment, Named, State, Step};

/// Returns the name of a step.
pub(crate) fn step(step: Step) -> &'static str {
    match step {
        Step::SignIn => "Signing in",
        Step::ForWhom => "Entering who it is for",
        Step::PreviousRecords => "Reading about an earlier record",
        Step::Ownership => "Choosing the ownership",
        Step::Terms => "Accepting the terms of use",
        Step::CaProfile => "Installing the certificate",
        Step::ManagedAppleId => "Entering the Managed Apple ID",
        Step::MdmProfile => "Downloading the MDM profile",
        Step::Install => "Installing the MDM profile",
        Step::Connect => "Device connecting",
        Step::Enrolled => "Enrolled",
    }
}

pub(crate) fn state(state: State) -> Chip {
    match state {
        State::Open => Chip { label: "Open", class: "warn" },
        State::Enrolled => Chip { label: "Enrolled", class: "ok" },
        State::Refused => Chip { label: "Refused", class: "bad" },
        State::Abandoned => Chip { label: "Closed, no progress", class: "" },
        State::SignedOut => Chip { label: "Signed out", class: "" },
    }
}

/// Returns the name of a sign-in method; the name of a directory or identity provider is unchanged.
pub(crate) fn way(name: &str) -> String {
    SignInMethodName::parse(name).map_or_else(|| name.to_owned(), |method| capital(method.label()))
}

/// Returns the sign-in method of an enrollment, with its directory or identity provider.
pub(crate) fn signed_in_with(enrollment: &Enrollment) -> String {
    match (&enrollment.method, &enrollment.provider) {
        (Some(method), Some(provider)) => format!("{}, {provider}", way(method)),
        (Some(method), None) => way(method),
        (None, Some(provider)) => format!("At {provider}, not back yet"),
        (None, None) => NONE.to_owned(),
    }
}

/// Returns a person's display name and user name.
pub(crate) fn name(named: &Named) -> String {
    let (user_name, display_name) = (named.user_name.as_deref(), named.display_name.as_deref());
    match (visible::name(user_name), visible::name(display_name)) {
        (Some(user_name), Some(display_name)) => format!("{display_name} ({user_name})"),
        _ => person([user_name, display_name]),
    }
}

/// Returns the user of the device and, if it is another person, who enrolls it for them.
pub(crate) fn who(enrollment: &Enrollment) -> String {
    match (&enrollment.owner, &enrollment.signed_in) {
        (Some(owner), Some(signed_in)) if owner.person != signed_in.person => {
            format!("{}, by {}", name(owner), name(signed_in))
        }
        (Some(person), _) | (None, Some(person)) => name(person),
        (None, None) => "Nobody signed in".to_owned(),
    }
}

/// Returns device family and version, such as `iPhone, iOS 17.5`.
pub(crate) fn device(enrollment: &Enrollment) -> String {
    let family = enrollment.family.name();
    let system = match enrollment.family {
        DeviceFamily::IPhone => "iOS",
        DeviceFamily::IPad => "iPadOS",
    };
    match &enrollment.version {
        Some(version) => format!("{family}, {system} {version}"),
        None => family.to_owned(),
    }
}

/// Formats a duration in seconds with its two largest units.
pub(crate) fn lasting(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let both = |large: i64, large_unit: &str, small: i64, small_unit: &str| match small {
        0 => format!("{large} {large_unit}"),
        _ => format!("{large} {large_unit} {small} {small_unit}"),
    };
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => both(seconds / 60, "min", seconds % 60, "s"),
        3_600..86_400 => both(seconds / 3_600, "h", seconds % 3_600 / 60, "min"),
        _ => both(seconds / 86_400, "d", seconds % 86_400 / 3_600, "h"),
    }
}

#[cfg(test)]
mod tests {
    use super::lasting;

    #[test]
    fn a_length_of_time_is_said_in_its_two_largest_units() {
        for (seconds, said) in
            [(-3, "0 s"), (59, "59 s"), (60, "1 min"), (125, "2 min 5 s"), (3_660, "1 h 1 min"), (90_000, "1 d 1 h")]
        {
            assert_eq!(lasting(seconds), said);
        }
    }
}
