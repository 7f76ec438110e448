//! The event types that are never generated.

/// Each type with the reason. A test compares this list with the types of `events`.
pub const NEVER: [(&str, &str); 7] = [
    ("LogCreated", "`muster init` writes it, and a directory for tests has one from its creation"),
    ("SetUpLinkIssued", "`muster init` writes it"),
    ("SetUpLinkRevoked", "the link of `muster init` stays open for who looks at the histories with the console"),
    ("EventVersionsRaised", "all events are of the newest versions from the start"),
    ("KeysLost", "the generated keys are complete"),
    ("OlderLogAccepted", "the log is not restored"),
    ("PublicUrlAccepted", "the server writes it when it starts with another address"),
];
