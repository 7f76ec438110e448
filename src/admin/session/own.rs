//! Access of a staff member to their own account only. The required stage of the sign-in is a type.

use super::{Staff, signed_in, wanted};
use crate::admin::problem::Problem;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use decisions::staff::Standing;
use futures_util::future::LocalBoxFuture;
use staff::own_account::OwnAccount;
use std::marker::PhantomData;
use std::sync::Arc;

/// Required stage of the sign-in.
pub(crate) trait Stage: 'static {
    fn admits(standing: Standing) -> bool;
}

/// The first factor was accepted.
pub(crate) struct AtTheDoor;

impl Stage for AtTheDoor {
    fn admits(_: Standing) -> bool {
        true
    }
}

/// Signed in completely, or setting up a required second factor. Staff who already have a factor must show it first:
/// otherwise another person could add theirs.
pub(crate) struct SettingUp;

impl Stage for SettingUp {
    fn admits(standing: Standing) -> bool {
        standing != Standing::Prove
    }
}

/// Signed in completely.
pub(crate) struct Inside;

impl Stage for Inside {
    fn admits(standing: Standing) -> bool {
        standing == Standing::Full
    }
}

/// A staff member with their own account.
pub(crate) struct Own<S = Inside> {
    pub staff: Staff,
    pub standing: Standing,
    pub account: OwnAccount,
    stage: PhantomData<S>,
}

impl<S: Stage> FromRequest for Own<S> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Own<S>, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let signed = signed_in(&request).await?;
            let standing = signed.resumed.standing;
            match standing {
                _ if S::admits(standing) => {}
                Standing::SetUp => return Err(Problem::SetUpFactor),
                _ => return Err(Problem::SecondFactor { next: wanted(&request) }),
            }
            let app = signed.staff.app.clone();
            let account = OwnAccount::new(Arc::clone(&app.staff), signed.key, signed.resumed, signed.staff.source);
            Ok(Own { staff: signed.staff, standing, account, stage: PhantomData })
        })
    }
}
