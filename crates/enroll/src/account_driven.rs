//! Account-driven enrollment: what a device that signs in with a work or school account is told, step by step (Apple,
//! "Implementing the simple authentication user-enrollment flow").
//!
//! It finds us by the discovery document of its person's domain and asks for its profile without saying who it is. It is sent
//! to our pages with a [`link`] that names the enrollment which comes of it, so that nothing has to be kept before somebody has sent a
//! form. There the person signs in; the device takes an access token home and asks again with it: [`serve`]. From then on
//! it shows the token with every message: [`authorize`]. Where the settings say so it takes a code home instead, and redeems that:
//! [`grant`].

pub mod authorize;
pub mod discovery;
pub mod grant;
pub mod link;
pub mod serve;
