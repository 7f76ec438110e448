//! APNs: wakes devices.
