//! The alarms: every kind of fault that an operator should look at, with its label in `muster_alarms_total`.

/// One line for each alarm, in the order of the labels. `docs/operating.md` says for each what to do; a test compares.
macro_rules! alarms {
    ($($(#[$what:meta])* $name:ident = $label:literal,)*) => {
        /// Something an operator should look at. [`crate::Metrics::alarm`] counts it; the log says more.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Alarm {
            $($(#[$what])* $name,)*
        }

        impl Alarm {
            /// All of them: each is exported as 0 from the first scrape, so that an increase can be seen.
            pub const ALL: &[Alarm] = &[$(Alarm::$name,)*];

            /// Value of the metric's label `alarm`.
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
    /// An event of the log is not what was written: its stream is refused.
    CorruptEvent = "corrupt-event",
    /// `projections.db` or `sessions.db` is damaged.
    DatabaseDamaged = "database-damaged",
    /// A device causes more events than its budget permits.
    DeviceOverBudget = "device-over-budget",
    /// A device speaks whose record had ended for another record of the same hardware.
    DeviceRevived = "device-revived",
    /// A directory cannot be asked.
    DirectoryUnavailable = "directory-unavailable",
    /// The disk of the log is nearly full, or full within a day.
    DiskNearlyFull = "disk-nearly-full",
    /// A device said the UDID of another managed record, without proof.
    HardwareClaimed = "hardware-claimed",
    /// The profile of an enrolled device cannot be made again.
    IdentityNotRenewable = "identity-not-renewable",
    /// Without room for more connections, those of an identity that holds most were ended.
    IdentityOverConnections = "identity-over-connections",
    /// A key in `keys.db`, or the whole file, is damaged: what it sealed cannot be read.
    KeyDamaged = "key-damaged",
    /// A page of `events.db` is damaged; it may hold several events.
    LogPageDamaged = "log-page-damaged",
    /// The log ends before what `projections.db` had read of it.
    LogSetBack = "log-set-back",
    /// The reader that counts events stopped at one that it cannot read.
    LogUnreadable = "log-unreadable",
    /// A command answer cannot be parsed, nor repaired.
    MdmAnswerUnreadable = "mdm-answer-unreadable",
    /// A command answer is longer than what is read.
    MdmResultTooLarge = "mdm-result-too-large",
    /// Without room for more connections, those of strangers were ended, or newcomers turned away.
    NoRoomForConnections = "no-room-for-connections",
    /// The projections stopped at an event that they cannot read.
    ProjectionsStopped = "projections-stopped",
    /// An identity provider cannot be asked, or cannot be used as it is configured.
    ProviderUnavailable = "provider-unavailable",
    /// Apple's push service refuses our certificate.
    PushCertificateRefused = "push-certificate-refused",
    /// Apple's push service refuses our request as malformed.
    PushRequestRefused = "push-request-refused",
    /// The push certificate is for another topic than the device's.
    PushTopicRefused = "push-topic-refused",
    /// Refusals of strangers were answered, and could not be written down, since a stream or key is damaged.
    RefusalsNotWritten = "refusals-not-written",
    /// The TLS certificate expired: devices and people cannot reach the server.
    TlsCertificateExpired = "tls-certificate-expired",
    /// Devices refuse the TLS certificate, or will from OS 27 on.
    TlsCertificateUnfit = "tls-certificate-unfit",
    /// A certificate of our CA names a device that the log does not know.
    ValidCertificateWithoutStream = "valid-certificate-without-stream",
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
