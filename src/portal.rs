//! The portal that people walk through.
