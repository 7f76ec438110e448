//! Hands each surface the services that it needs.

use crate::admin::Console;
use crate::app::App;
use crate::mdm::Mdm;
use crate::portal::Portal;
use crate::web::Web;
use actix_web::web::{Data, ServiceConfig};
use std::sync::Arc;

/// Makes the parts of `app` available to the handlers of all surfaces.
pub fn hand_out(app: &App, config: &mut ServiceConfig) {
    let web = Web {
        trusted_proxies: app.config.server.trusted_proxies.clone(),
        private_root: app.config.pki.tls_root.is_some(),
        connections: app.connections.clone(),
    };
    config.app_data(Data::new(Portal {
        platform: app.platform.clone(),
        settings: Arc::clone(&app.settings),
        sign_in: Arc::clone(&app.sign_in),
        devices: Arc::clone(&app.devices),
        enroll: Arc::clone(&app.enroll),
        invitations: Arc::clone(&app.invitations),
        web: web.clone(),
    }));
    config.app_data(Data::new(Mdm {
        platform: app.platform.clone(),
        settings: Arc::clone(&app.settings),
        sign_in: Arc::clone(&app.sign_in),
        devices: Arc::clone(&app.devices),
        enroll: Arc::clone(&app.enroll),
        web: web.clone(),
        client_cert_header: app.config.devices.client_cert_header,
        large_bodies: Arc::clone(&app.large_bodies),
        strangers: Arc::clone(&app.strangers),
    }));
    config.app_data(Data::new(Console {
        platform: app.platform.clone(),
        settings: Arc::clone(&app.settings),
        sign_in: Arc::clone(&app.sign_in),
        devices: Arc::clone(&app.devices),
        staff: Arc::clone(&app.staff),
        uploads: Arc::clone(&app.uploads),
        reenrollment: Arc::clone(&app.reenrollment),
        invitations: Arc::clone(&app.invitations),
        has_mail: app.mailer.is_configured(),
        web,
    }));
}
