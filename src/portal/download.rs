//! Serves the profiles. Each delivery is an event that is written before the profile is sent.

use super::problem::Problem;
use super::profile_link::{Kind, ProfileLink};
use super::visitor::{Answered, Session, Visitor};
use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use decisions::enrollment::{Command, FIRST_ACCOUNT_DRIVEN_ONLY, FIRST_USER_ENROLLMENT, Step};
use devices::enrollment_profile::{CHALLENGE_SECONDS, Recipient, names_target, reverse_dns};
use enroll::may_go_on;
use events::enrollment::{EnrollmentKind, OsVersion};
use pki::fingerprint;
use pki::profile::{CONTENT_TYPE, CaProfile, Texts};
use platform::secrets::hash;

pub(crate) async fn profile(request: HttpRequest, token: web::Path<String>, visitor: Visitor) -> Answered {
    let app = &visitor.app;
    let link = ProfileLink::parse(&token, &app.platform.secrets, &app.platform.world).ok_or(Problem::Link)?;
    let enrollment = app.platform.enrollment(link.enrollment).await?;
    let at_step = match link.kind {
        Kind::Ca => matches!(enrollment.step(), Step::CaProfile | Step::ManagedAppleId | Step::MdmProfile),
        Kind::Mdm => enrollment.step() == Step::MdmProfile,
    };
    if !at_step || !may_go_on(&app.enroll, &enrollment).await? {
        return Err(Problem::Link);
    }
    // A HEAD request gets no profile, so no delivery is recorded.
    if request.method() == Method::HEAD {
        return Ok(HttpResponse::Ok().content_type(CONTENT_TYPE).finish());
    }
    let session = Session::of_link(link.enrollment, enrollment);
    let signed = match link.kind {
        Kind::Ca => ca(&visitor, &session).await?,
        Kind::Mdm => mdm(&visitor, &session).await?,
    };
    Ok(HttpResponse::Ok().content_type(CONTENT_TYPE).body(signed))
}

async fn ca(visitor: &Visitor, session: &Session) -> Result<Vec<u8>, Problem> {
    let app = &visitor.app;
    let profile_uuid = app.platform.world.random_uuid();
    let anchors = app.devices.pki.trust_anchors();
    let ca_fingerprint = anchors.first().map(|anchor| fingerprint(anchor)).ok_or(Problem::internal("no CA"))?;
    let identifier = format!("{}.muster.ca", reverse_dns(&app.platform.public_url));
    let display_name = format!("{} · CA", visitor.settings.organization);
    let texts = Texts {
        organization: &visitor.settings.organization,
        display_name: &display_name,
        description: "Lets this device trust the enrollment server.",
    };
    let profile =
        CaProfile { texts, identifier: &identifier, profile_uuid, names_target: names_target(version(session)) };
    let xml = profile.xml(&app.devices.pki).map_err(Problem::internal)?;
    let signed = app.devices.sign_profile(xml).await.map_err(Problem::internal)?;
    serve(visitor, session, &Command::ServeCaProfile { profile_uuid, ca_fingerprint }).await?;
    Ok(signed)
}

async fn mdm(visitor: &Visitor, session: &Session) -> Result<Vec<u8>, Problem> {
    let app = &visitor.app;
    let kind = session.enrollment.kind().ok_or(Problem::Link)?;
    check_version(visitor, kind)?;
    app.devices.pki.push_topic().ok_or(Problem::NoPush)?;
    if kind == EnrollmentKind::DeviceEnrollment && visitor.settings.profile_service.enabled {
        return profile_service(visitor, session).await;
    }
    let device = visitor.device_of(session).await?;
    let to = Recipient {
        id: session.id,
        enrollment: &session.enrollment,
        version: version(session),
        build: None,
        verified_by: None,
        device_enrolled: device.lives_by_its_identity(app.platform.world.now()),
    };
    let (signed, command) = app.devices.prepare_profile(to, &visitor.settings).await.map_err(Problem::internal)?;
    serve(visitor, session, &command).await?;
    Ok(signed)
}

// Serves the Profile Service profile: the device first reports what it is. Only that device gets the MDM profile
// (`enroll::profile_service`).
async fn profile_service(visitor: &Visitor, session: &Session) -> Result<Vec<u8>, Problem> {
    let app = &visitor.app;
    let (service, secret) = (app.enroll.new_profile_service(session.id), app.platform.world.secret());
    let organization = &visitor.settings.organization;
    let xml = app.enroll.profile_service_xml(session.id, &service, organization, &secret);
    let signed = app.devices.sign_profile(xml.map_err(Problem::internal)?).await.map_err(Problem::internal)?;
    let device = visitor.device_of(session).await?;
    let command = Command::ServeProfileService {
        service,
        challenge: hash(&secret),
        challenge_expires: app.platform.world.now().plus_seconds(CHALLENGE_SECONDS),
        device_enrolled: device.lives_by_its_identity(app.platform.world.now()),
    };
    serve(visitor, session, &command).await?;
    Ok(signed)
}

// Profile-based User Enrollment must not reach a version of iOS that would turn it into a full Device Enrollment. The
// enrollment was checked when the kind was chosen; this checks the browser that downloads the profile. The enrollment
// stays unchanged whichever browser opened the link, so that another person's browser cannot end the enrollment. A
// client that reports no version gets the profile, because Settings may fetch it itself; that device is checked again
// when it reports what it is.
fn check_version(visitor: &Visitor, kind: EnrollmentKind) -> Result<(), Problem> {
    let takes = FIRST_USER_ENROLLMENT..FIRST_ACCOUNT_DRIVEN_ONLY;
    match visitor.version() {
        Some(version) if kind == EnrollmentKind::UserEnrollment && !takes.contains(&version) => Err(Problem::Version),
        _ => Ok(()),
    }
}

async fn serve(visitor: &Visitor, session: &Session, command: &Command) -> Result<(), Problem> {
    visitor.perform_counted(session, command).await.map(drop)
}

fn version(session: &Session) -> Option<OsVersion> {
    session.enrollment.opened.as_ref().and_then(|opened| opened.platform.version)
}
