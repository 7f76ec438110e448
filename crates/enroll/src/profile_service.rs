//! Device Enrollment with a Profile Service: an institutional device reports its attributes before it gets the MDM
//! profile. It signs them with the identity that was installed when it was made (Apple's "Over-the-Air Profile Delivery
//! and Configuration").
//!
//! The device sends two requests to the same URL, which differ only in the certificate that signed them. With the first
//! it answers the challenge and gets a profile that contains only a SCEP payload for a verification identity. With the
//! second, signed by that identity, it gets the MDM profile.
//!
//! The MDM profile contains its own identity payload, because `IdentityCertificateUUID` can only refer to a payload of
//! the same profile. A device is therefore always managed by the identity that the log records for its MDM profile. The
//! verification identity is valid for nothing else and expires within a day.

mod answer;
mod ask;

pub use answer::ProfileServiceError;
