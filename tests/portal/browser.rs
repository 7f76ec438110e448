//! The pages of the portal in real browsers at phone size: the whole walk, and what stands beside it; accessibility.

mod access;
mod account;
mod beside;
mod walk;
