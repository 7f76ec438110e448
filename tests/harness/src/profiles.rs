//! Configuration profiles that an administrator uploads.

/// Returns a profile with one payload.
pub fn profile(payload_type: &str, inside: &str) -> Vec<u8> {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><plist version=\"1.0\"><dict>
         <key>PayloadType</key><string>Configuration</string><key>PayloadVersion</key><integer>1</integer>
         <key>PayloadIdentifier</key><string>org.example.profile</string><key>PayloadUUID</key><string>1</string>
         <key>PayloadDisplayName</key><string>Example</string>
         <key>PayloadContent</key><array><dict><key>PayloadType</key><string>{payload_type}</string>{inside}
         <key>PayloadVersion</key><integer>1</integer><key>PayloadIdentifier</key><string>org.example.profile.1</string>
         <key>PayloadUUID</key><string>2</string></dict></array></dict></plist>"
    )
    .into_bytes()
}
