//! People from a directory, against a real OpenLDAP server and a real domain controller of Active Directory (Samba).

mod accounts;
mod active_directory;
mod check;
mod console;
mod groups;
mod portal;
mod samba;
mod servers;
mod timing;
