//! The certificates: identity CA, SCEP, profiles.
