//! Tests of the portal's pages in real browsers at phone size: the whole walk, the other pages, and accessibility.

mod access;
mod account;
mod beside;
mod invitations;
mod mailed;
mod previous;
mod walk;
