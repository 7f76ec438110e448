//! What everybody at the console may do: with their own account, and nothing else.

use super::{Staff, signed_in};
use crate::admin::problem::Problem;
use crate::app::own_account::OwnAccount;
use crate::enrollment::staff::Standing;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;

/// Somebody who gave their first proof at least, and their own account.
pub struct Own {
    pub staff: Staff,
    pub standing: Standing,
    pub account: OwnAccount,
}

impl FromRequest for Own {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Own, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let signed = signed_in(&request).await?;
            let standing = signed.resumed.standing;
            let app = signed.staff.app.clone();
            let account = OwnAccount::new(app, signed.key, signed.resumed, signed.staff.source);
            Ok(Own { staff: signed.staff, standing, account })
        })
    }
}
