//! Alarms: the kinds of fault that an operator should look at, each with its label in `muster_alarms_total`.

/// Declares one variant per alarm, in the order of the labels. `docs/operating.md` says what to do for each; a test
/// checks that all are listed.
macro_rules! alarms {
    ($($(#[$what:meta])* $name:ident = $label:literal,)*) => {
        /// A fault that an operator should look at. [`crate::Metrics::alarm`] counts it; a log line has the
        /// details.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Alarm {
            $($(#[$what])* $name,)*
        }

        impl Alarm {
            /// All alarms. Each is exported as 0 from the first scrape, so that an increase is visible.
            pub const ALL: &[Alarm] = &[$(Alarm::$name,)*];

            /// Returns the value of the metric's label `alarm`.
            pub fn label(self) -> &'static str {
                match self {
                    $(Alarm::$name => $label,)*
                }
            }
        }
    };
}

alarms! {
    /// A device answered CommandFormatError.
    CommandFormatError = "command-format-error",
    /// An event in the log differs from what was written: its stream cannot be used.
    CorruptEvent = "corrupt-event",
    /// A file of the projections, `sessions.db` or `states.db` is damaged.
    DatabaseDamaged = "database-damaged",
    /// A device causes more events than its budget permits.
    DeviceOverBudget = "device-over-budget",
    /// A device whose record had ended in favor of another record of the same hardware contacted the server.
    DeviceRevived = "device-revived",
    /// A directory (LDAP) cannot be queried.
    DirectoryUnavailable = "directory-unavailable",
    /// The disk of the log is nearly full, or will be full within a day.
    DiskNearlyFull = "disk-nearly-full",
    /// A device claims the UDID of another managed record without proof.
    HardwareClaimed = "hardware-claimed",
    /// The profile of an enrolled device cannot be generated again, so its identity certificate cannot be renewed.
    IdentityNotRenewable = "identity-not-renewable",
    /// There was no room for more connections, so connections of the identity with the most connections were ended.
    IdentityOverConnections = "identity-over-connections",
    /// A key in `keys.db`, or the whole file, is damaged: the data that it sealed cannot be read.
    KeyDamaged = "key-damaged",
    /// A page of `events.db` is damaged. It may contain several events.
    LogPageDamaged = "log-page-damaged",
    /// The log ends before the position that the projections had already read, or has another event there.
    LogSetBack = "log-set-back",
    /// The reader that counts events cannot read the log.
    LogUnreadable = "log-unreadable",
    /// A mail was not sent: the mail server refused it, or cannot be used.
    MailNotSent = "mail-not-sent",
    /// A command answer can be neither parsed nor repaired.
    MdmAnswerUnreadable = "mdm-answer-unreadable",
    /// A command answer exceeds the size limit.
    MdmResultTooLarge = "mdm-result-too-large",
    /// There was no room for more connections, so unauthenticated connections were ended or new ones refused.
    NoRoomForConnections = "no-room-for-connections",
    /// The projections stopped at an event that they cannot read.
    ProjectionsStopped = "projections-stopped",
    /// An identity provider cannot be reached, or cannot be used with its configuration.
    ProviderUnavailable = "provider-unavailable",
    /// Apple's push service rejects the push certificate.
    PushCertificateRefused = "push-certificate-refused",
    /// Apple's push service rejects a request as malformed.
    PushRequestRefused = "push-request-refused",
    /// The push certificate is for a different topic than the device's.
    PushTopicRefused = "push-topic-refused",
    /// Refusals of unknown clients were answered but could not be recorded, because a stream or key is damaged.
    RefusalsNotWritten = "refusals-not-written",
    /// Old management was removed some days ago, and the owners have not enrolled.
    RemovedNotEnrolled = "removed-not-enrolled",
    /// The TLS certificate has expired: devices and people cannot reach the server.
    TlsCertificateExpired = "tls-certificate-expired",
    /// Devices reject the TLS certificate, or will reject it from OS 27 on.
    TlsCertificateUnfit = "tls-certificate-unfit",
    /// A certificate issued by this server's CA names a device that is not in the log.
    ValidCertificateWithoutStream = "valid-certificate-without-stream",
    /// The deadline of a wave of invitations passed, and some of its records are not done.
    WaveDeadlinePassed = "wave-deadline-passed",
}

#[cfg(test)]
mod tests {
    use super::Alarm;

    #[test]
    fn labels_are_in_order_and_differ() {
        let labels: Vec<&str> = Alarm::ALL.iter().map(|alarm| alarm.label()).collect();
        assert!(labels.is_sorted_by(|one, next| one < next), "{labels:?}");
    }
}
