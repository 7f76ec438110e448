//! Scenes: what the server writes when something happens. Each module says which.

pub(crate) mod commands;
pub(crate) mod console;
pub(crate) mod device;
pub(crate) mod failing;
pub(crate) mod house;
pub(crate) mod identity;
pub(crate) mod invitations;
pub(crate) mod records;
pub(crate) mod refusals;
pub(crate) mod renewal;
pub(crate) mod settings;
pub(crate) mod sign_in;
pub(crate) mod staff;
pub(crate) mod troubles;
pub(crate) mod visit;
