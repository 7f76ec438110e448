//! Cards with QR codes of a wave, to be printed and handed over.

use super::members::{handed_out, open_after};
use crate::admin::invitations::words::{parse_wave, wave_href};
use crate::admin::pages::show;
use crate::admin::problem::Problem;
use crate::admin::query::{Parameters, Query, read};
use crate::admin::render::view;
use crate::admin::session::{Invites, May};
use crate::admin::words::UNNAMED;
use crate::web::content::content;
use crate::web::qr::Qr;
use actix_web::{HttpResponse, web};
use events::Timestamp;
use events::invitation::InvitationDelivery;
use events::staff::{ExportFormat, StaffActivityEvent};
use names::visible;
use serde::{Deserialize, Serialize};

/// Maximum number of cards on one page.
const CARDS: usize = 200;

/// Place of the last record of the previous page.
#[derive(Deserialize)]
pub(crate) struct After {
    after: Option<String>,
}

#[derive(Serialize)]
struct PrintPage {
    name: String,
    href: String,
    /// Language tag of the cards.
    language: String,
    told: Told,
    cards: Vec<Card>,
    next: Option<String>,
    first: Option<String>,
}

view!(wave_print, Menu, PrintPage { name, href, language, told, cards, next, first });

/// The texts of a card, in the language of the wave.
#[derive(Serialize)]
struct Told {
    what: String,
    code: &'static str,
    until: &'static str,
    qr: &'static str,
}

content!(Told { what, code, until, qr });

#[derive(Serialize)]
struct Card {
    name: String,
    code: String,
    qr: Option<Qr>,
    /// The last day, such as `2026-12-24`.
    until: String,
}

content!(Card { name, code, qr, until });

/// Shows the cards of up to 200 records.
///
/// # Errors
/// Returns an error if there is no such wave, its links are not handed over, or the event log or the projections are
/// unavailable.
pub(crate) async fn page(
    staff: May<Invites>,
    path: web::Path<String>,
    address: Parameters<After>,
) -> Result<HttpResponse, Problem> {
    let Parameters(After { after }, _) = address;
    let after = read("after", after.as_deref(), |text| {
        text.parse::<u64>().map_err(|_| Problem::Bad("It must be the number of a place in the wave."))
    })?;
    let (wave, now) = (parse_wave(&path)?, staff.now());
    let row = handed_out(&staff, wave, &[InvitationDelivery::ByHand]).await?;
    let found = open_after(staff.projections(), wave, after, CARDS, now).await;
    let found = found.map_err(|error| staff.broken(error))?;
    let rows = found.open.len() as u64;
    staff.record(StaffActivityEvent::InvitationsExported { wave, format: ExportFormat::Csv, rows }).await?;
    let credentials = staff.credentials();
    let mut cards = Vec::new();
    for row in &found.open {
        let code = credentials.code(row.invitation, row.generation).await.map_err(|error| staff.broken(error))?;
        let names = [row.full_name.as_deref(), row.mail.as_deref()];
        let name = names.into_iter().find_map(visible::name).unwrap_or_else(|| UNNAMED.to_owned());
        let qr = Qr::of(&credentials.link(row.invitation, row.generation));
        cards.push(Card { name, code, qr, until: day(row.expires) });
    }
    let href = wave_href(wave);
    let print = format!("{href}/print");
    let page = PrintPage {
        told: told(&row.language, &staff.settings().await?.organization),
        language: row.language,
        next: found.next.map(|next| Query::default().with("after", Some(&next.to_string())).href(&print)),
        first: after.map(|_| print.clone()),
        name: row.name,
        href,
        cards,
    };
    show(&format!("Cards of {}", page.name), "again", &staff, &page)
}

// Returns the day as mails have it, such as `2026-12-24`.
fn day(at: Timestamp) -> String {
    at.to_rfc3339().chars().take(10).collect()
}

fn told(language: &str, organization: &str) -> Told {
    match language {
        "de" => Told {
            what: format!("Melde dein iPhone oder iPad bei {organization} an: Scanne den Code mit der Kamera."),
            code: "Oder gib diesen Code ein:",
            until: "Nur für dich, bis",
            qr: "QR-Code mit dem Link",
        },
        "ja" => Told {
            what: format!("iPhone または iPad を {organization} に登録してください。カメラでコードを読み取ります。"),
            code: "または、次のコードを入力してください：",
            until: "ご本人のみ有効、期限：",
            qr: "リンクの QR コード",
        },
        _ => Told {
            what: format!("Enroll your iPhone or iPad with {organization}: scan the code with the camera."),
            code: "Or type this code:",
            until: "For you only, until",
            qr: "QR code with the link",
        },
    }
}
