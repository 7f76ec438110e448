//! Sign-in with directory accounts, against a real OpenLDAP server and a real Active Directory domain controller
//! (Samba).

mod accounts;
mod active_directory;
mod check;
mod console;
mod groups;
pub mod owners;
mod portal;
mod samba;
mod servers;
mod timing;
