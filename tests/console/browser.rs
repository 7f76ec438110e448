//! The pages of the console in real browsers, in desktop and phone sizes; accessibility.

mod console;
mod imports;
mod links;
mod passkeys;
