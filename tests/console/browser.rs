//! The pages of the console in real browsers, at a desk and on a phone; accessibility.

mod console;
mod passkeys;
