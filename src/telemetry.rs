//! Logs and metrics: one name per thing, none of the secrets.
