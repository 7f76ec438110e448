//! The console of the real server as a browser sees it, and the API for programs: access, the permissions of each
//! role, recorded events, contents of pages.

#![expect(unreachable_pub, reason = "a test binary has no API: `pub` only leads out of a module")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod acts;
mod api;
mod browser;
mod commands;
mod enrollments;
mod exports;
mod factors;
mod facts;
mod imports;
mod invitations;
mod links;
mod migration;
mod names;
mod pages;
mod portal_preview;
mod profiles;
mod sessions;
mod settings;
mod snapshots;
mod staff;
