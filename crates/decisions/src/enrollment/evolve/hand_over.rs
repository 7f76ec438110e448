//! Events of a device that enrolls from Settings: access tokens, authorization codes and its description of itself.

use super::super::access_token::MOST_SIGN_INS;
use super::super::newest::keep_newest;
use super::super::{AuthorizationCode, Enrollment, MachineInformation};
use events::Timestamp;
use events::enrollment::{DeviceSignature, OsVersion, Refresh, SecretHash};

pub(super) fn issue_token(
    enrollment: &mut Enrollment,
    token: &SecretHash,
    issued: Timestamp,
    refresh: Option<&Refresh>,
) {
    enrollment.tokens.issue(token, issued, refresh);
    // A device that sent its old token again between sign-in and this event now has a valid one.
    enrollment.sign_in_again = None;
    if let Some(Refresh { refresh_token: _, code }) = refresh {
        enrollment.codes.iter_mut().filter(|known| known.hash == *code).for_each(|known| known.used = true);
    }
}

pub(super) fn issue_code(enrollment: &mut Enrollment, code: &SecretHash, issued: Timestamp) {
    enrollment.codes.push(AuthorizationCode { hash: code.clone(), issued, used: false });
    keep_newest(&mut enrollment.codes, MOST_SIGN_INS);
}

pub(super) fn refresh(enrollment: &mut Enrollment, token: &SecretHash, issued: Timestamp, refresh_token: &SecretHash) {
    enrollment.tokens.renew(token, issued, refresh_token);
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
