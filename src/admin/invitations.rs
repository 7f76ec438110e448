//! Invitations to enroll: the list, the form for a new one, one invitation, and what staff do with it.

mod change;
mod file;
mod folded;
mod list;
mod new;
mod page;
pub(crate) mod words;

use super::query::ReadWhole as _;
use crate::web::methods::Read as _;
use actix_web::web;

pub(crate) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/invitations").read(list::list).post(new::issue))
        .service(web::resource("/invitations/new").read(new::page))
        .service(web::resource("/invitations/{invitation}").read(page::page))
        .service(web::resource("/invitations/{invitation}/renew").post(change::renew))
        .service(web::resource("/invitations/{invitation}/revoke").read_whole(change::ask).post(change::revoke))
        .service(web::resource("/invitations/{invitation}/profile").read_whole(file::profile))
        .service(web::resource("/invitations/{invitation}/install").post(change::install));
}
