//! What Apple's schema permits, by version of iOS and kind of enrollment.
