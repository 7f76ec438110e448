//! What devices say: check-ins and answers to commands, each signed by the identity that we issued.

pub mod answer;
pub mod property_list;
pub mod signature;
