//! Events of a device that enrolls from Settings: access tokens, authorization codes and its description of itself.

use super::super::{AccessToken, AuthorizationCode, Enrollment, MachineInformation, RefreshToken};
use events::Timestamp;
use events::enrollment::{DeviceSignature, OsVersion, Refresh, SecretHash};

pub(super) fn issue_token(
    enrollment: &mut Enrollment,
    token: &SecretHash,
    issued: Timestamp,
    refresh: Option<&Refresh>,
) {
    let (hash, refreshable) = (token.clone(), refresh.is_some());
    enrollment.access_tokens.push(AccessToken { hash, issued, signed_in: issued, refreshable });
    // A device that sent its old token again between sign-in and this event now has a valid one.
    enrollment.sign_in_again = None;
    if let Some(Refresh { refresh_token, code }) = refresh {
        enrollment.refresh_tokens.push(RefreshToken { hash: refresh_token.clone(), issued });
        enrollment.codes.iter_mut().filter(|known| known.hash == *code).for_each(|known| known.used = true);
    }
}

pub(super) fn issue_code(enrollment: &mut Enrollment, code: &SecretHash, issued: Timestamp) {
    enrollment.codes.push(AuthorizationCode { hash: code.clone(), issued, used: false });
}

pub(super) fn refresh(enrollment: &mut Enrollment, token: &SecretHash, issued: Timestamp, refresh_token: &SecretHash) {
    let by = enrollment.refresh_tokens.iter().find(|known| known.hash == *refresh_token);
    let signed_in = by.map_or(issued, |by| by.issued);
    enrollment.access_tokens.push(AccessToken { hash: token.clone(), issued, signed_in, refreshable: true });
    enrollment.sign_in_again = None;
}

pub(super) fn receive(
    enrollment: &mut Enrollment,
    signature: DeviceSignature,
    product: &Option<String>,
    build_version: &Option<String>,
    os_version: Option<OsVersion>,
) {
    let (product, build_version) = (product.clone(), build_version.clone());
    enrollment.machine = Some(MachineInformation { signature, product, build_version, os_version });
}
