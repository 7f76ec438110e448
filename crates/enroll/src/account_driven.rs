//! Account-driven enrollment: the answers to a device that signs in with a work or school account (Apple, "Implementing
//! the simple authentication user-enrollment flow").
//!
//! 1. The device finds the server by the [`discovery`] document of the domain and requests its profile without a token.
//! 2. The server sends it to the portal with a [`link`] that contains the id of the new enrollment. Therefore nothing
//!    needs to be stored before a person submits a form.
//! 3. The person signs in. The device gets an access token and requests the profile again with it: [`serve`]. With
//!    `apple-oauth2` the device gets a code and exchanges it for tokens first: [`grant`].
//! 4. The device sends the access token with every message: [`authorize`].

pub mod authorize;
pub mod discovery;
pub mod grant;
pub mod link;
pub mod serve;
