//! Device Enrollment by Profile Service: an institutional device says what it is, signed with the identity it was made with,
//! before it gets the MDM profile (Apple's "Over-the-Air Profile Delivery and Configuration").
//!
//! The device asks twice at the same address. First it answers the challenge and gets a profile with nothing but a way to
//! an identity of ours; then, by that identity, it gets the MDM profile. The two differ only by which certificate signed. The
//! MDM profile brings an identity of its own: `IdentityCertificateUUID` can only name a payload of the same profile, and so
//! the identity by which a device is managed is always the one that the log says was issued for its MDM profile. The one it
//! was verified by opens nothing else and ends within a day.

mod answer;
mod ask;

pub use answer::ProfileServiceError;
