//! Previous records: devices as other products knew them. The list, and the page of one record.

mod deletable;
mod export;
mod folded;
mod page;
pub(crate) mod words;

pub(crate) use deletable::deletable;
pub(crate) use export::export;
pub(crate) use folded::{Folded, folded};
pub(crate) use page::page;

use super::cleared::{self, Reader};
use super::devices::{Choice, Export};
use super::imports::{self, parse_import};
use super::pages::show;
use super::problem::Problem;
use super::query::{Parameters, Query, filled, read};
use super::render::view;
use super::session::{ExportsRecords, ImportsRecords, May, SeesRecords, is_permitted};
use super::words::{Chip, Day, NONE, capital};
use crate::web::content::content;
use actix_web::HttpResponse;
use events::Timestamp;
use events::record::{PreviousKind, RecordId};
use events::staff::StaffActivityEvent;
use names::visible;
use projections::records::{self as previous, OwnerOutcome, RecordFilter, RecordRow, Retired};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub(crate) const PATH: &str = "/console/records";

const EXPORT: &str = "/console/records/export";

const DELETABLE: &str = "/console/records/deletable";

/// Records per page.
const PAGE: usize = 50;

/// Filters as query parameters.
#[derive(Deserialize)]
pub(crate) struct Filters {
    q: Option<String>,
    source: Option<String>,
    kind: Option<String>,
    owner: Option<String>,
    missing: Option<String>,
    retired: Option<String>,
    import: Option<String>,
    after: Option<String>,
}

#[derive(Serialize)]
struct RecordsPage {
    q: String,
    sources: Vec<Choice>,
    kinds: Vec<Choice>,
    owners: Vec<Choice>,
    missing: Vec<Choice>,
    retired: Vec<Choice>,
    /// Id of the import whose records are shown; empty for all.
    import: String,
    import_href: Option<String>,
    filtered: bool,
    may_import: bool,
    records: Vec<Line>,
    exports: Vec<Export>,
    /// Address of the file of records that can be deleted at the chosen source.
    deletable: Option<String>,
    older: Option<String>,
    newest: Option<String>,
}

view!(
    records as records_page,
    Menu,
    RecordsPage {
        q,
        sources,
        kinds,
        owners,
        missing,
        retired,
        import,
        import_href,
        filtered,
        may_import,
        records,
        exports,
        deletable,
        older,
        newest
    }
);

/// A record as a row of a list.
#[derive(Serialize)]
struct Line {
    href: String,
    label: String,
    model: Option<String>,
    person: String,
    owner: Chip,
    kind: String,
    source: String,
    serial: String,
    last_contact: Option<Day>,
    missing: bool,
    retired: bool,
}

content!(Line { href, label, model, person, owner, kind, source, serial, last_contact, missing, retired });

/// Shows the list.
///
/// # Errors
/// Returns an error if a filter is invalid, or the event log or the projections are unavailable.
pub(crate) async fn list(staff: May<SeesRecords>, address: Parameters<Filters>) -> Result<HttpResponse, Problem> {
    let Parameters(filters, _) = address;
    let filtered = !filters.query().is_empty();
    let filters = filters.without_retired();
    let filter = filters.parse()?;
    staff.record(StaffActivityEvent::PreviousRecordListViewed {}).await?;
    let query = filters.query();
    let continued = filter.after.is_some();
    let import_href = filter.import.map(imports::href);
    let sources = previous::sources(staff.projections()).await.map_err(|error| staff.broken(error))?;
    let found = previous::list(staff.projections(), filter, PAGE).await.map_err(|error| staff.broken(error))?;
    let now = staff.now();
    let page = RecordsPage {
        q: filters.q.clone().unwrap_or_default(),
        sources: filters.sources(&sources),
        kinds: filters.kinds(),
        owners: filters.owners(),
        missing: filters.missing(),
        retired: filters.retired(),
        import: filters.import.clone().unwrap_or_default(),
        import_href,
        filtered,
        may_import: is_permitted::<ImportsRecords>(&staff.roles),
        records: found
            .records
            .into_iter()
            .map(|record| line(&cleared::record(&Reader::Staff(&staff.roles), record), now))
            .collect(),
        exports: match is_permitted::<ExportsRecords>(&staff.roles) {
            true => Export::all(&query, EXPORT),
            false => Vec::new(),
        },
        deletable: filters.deletable().filter(|_| is_permitted::<ExportsRecords>(&staff.roles)),
        older: found.next.map(|next| query.clone().with("after", Some(&next.to_string())).href(PATH)),
        newest: continued.then(|| query.href(PATH)),
    };
    show("Previous records", "again", &staff, &page)
}

impl Filters {
    /// Returns the projection's filter.
    ///
    /// # Errors
    /// Returns an error that names the invalid filter.
    pub(crate) fn parse(&self) -> Result<RecordFilter, Problem> {
        let kind = read("kind", self.kind.as_deref(), |word| {
            PreviousKind::parse(word).ok_or(Problem::Bad("There is no such kind of enrollment."))
        })?;
        let owner = read("owner", self.owner.as_deref(), |word| {
            OwnerOutcome::parse(word).ok_or(Problem::Bad("There is no such outcome."))
        })?;
        let missing = read("missing", self.missing.as_deref(), |word| match word {
            "yes" => Ok(true),
            "no" => Ok(false),
            _ => Err(Problem::Bad("It must be “yes”, “no” or left out.")),
        })?;
        let retired = read("retired", self.retired.as_deref(), |word| match word {
            "no" => Ok(Some(Retired::No)),
            "yes" => Ok(Some(Retired::Yes)),
            "proven" => Ok(Some(Retired::Proven)),
            "all" => Ok(None),
            _ => Err(Problem::Bad("It must be “no”, “yes”, “proven”, “all” or left out.")),
        })?
        .flatten();
        let import = read("import", self.import.as_deref(), parse_import)?;
        let after = read("after", self.after.as_deref(), parse_record)?;
        let [text, source] = [&self.q, &self.source].map(|text| filled(text.as_deref()).map(str::to_owned));
        Ok(RecordFilter { text, source, kind, owner, missing, retired, import, after })
    }

    /// Returns the filters of an export or API request for its event. Search texts are left out because they may be
    /// personal.
    pub(crate) fn names_and_values(&self) -> Vec<String> {
        let told = |(name, value): &(&'static str, String)| match *name {
            "q" => (*name).to_owned(),
            name => format!("{name}={value}"),
        };
        self.query().iter().map(told).collect()
    }

    // The page hides retired records unless it is asked for them. An import is shown whole.
    fn without_retired(self) -> Filters {
        let is_asked = filled(self.retired.as_deref()).is_some() || filled(self.import.as_deref()).is_some();
        let retired = if is_asked { self.retired } else { Some("no".to_owned()) };
        Filters { retired, ..self }
    }

    // Only of one source, because the file is for one product.
    fn deletable(&self) -> Option<String> {
        let source = filled(self.source.as_deref()).filter(|_| self.retired.as_deref() == Some("proven"))?;
        Some(Query::default().with("source", Some(source)).href(DELETABLE))
    }

    fn query(&self) -> Query {
        Query::default()
            .with("q", self.q.as_deref())
            .with("source", self.source.as_deref())
            .with("kind", self.kind.as_deref())
            .with("owner", self.owner.as_deref())
            .with("missing", self.missing.as_deref())
            .with("retired", self.retired.as_deref())
            .with("import", self.import.as_deref())
    }

    fn sources(&self, known: &[String]) -> Vec<Choice> {
        let chosen = self.source.as_deref();
        let all = known.iter().map(|source| Choice::new(source, source, chosen));
        std::iter::once(Choice::new("", "Any", chosen)).chain(all).collect()
    }

    fn kinds(&self) -> Vec<Choice> {
        let chosen = self.kind.as_deref();
        let all = PreviousKind::ALL.map(|kind| Choice::new(kind.as_str(), &capital(kind.name()), chosen));
        std::iter::once(Choice::new("", "Any", chosen)).chain(all).collect()
    }

    fn owners(&self) -> Vec<Choice> {
        let chosen = self.owner.as_deref();
        let all = OwnerOutcome::ALL.map(|owner| Choice::new(owner.as_str(), words::owner(owner).label, chosen));
        std::iter::once(Choice::new("", "Any", chosen)).chain(all).collect()
    }

    fn retired(&self) -> Vec<Choice> {
        let choices = [("no", "No"), ("yes", "Retired"), ("proven", "Safe to delete there"), ("all", "Any")];
        choices.map(|(value, label)| Choice::new(value, label, self.retired.as_deref())).into()
    }

    fn missing(&self) -> Vec<Choice> {
        let choices = [("", "Any"), ("no", "Still there"), ("yes", "No longer there")];
        choices.map(|(value, label)| Choice::new(value, label, self.missing.as_deref())).into()
    }
}

/// Returns the address of a record's page.
pub(crate) fn href(record: RecordId) -> String {
    format!("{PATH}/{record}")
}

/// Parses a record id from an address.
pub(crate) fn parse_record(text: &str) -> Result<RecordId, Problem> {
    Uuid::parse_str(text).map(RecordId).map_err(|_| Problem::NotFound)
}

fn owner(record: &RecordRow) -> Chip {
    match record.owner.as_deref() {
        Some(cleared::HIDDEN) => Chip { label: "Hidden", class: "" },
        word => words::owner(word.and_then(OwnerOutcome::parse).unwrap_or(OwnerOutcome::Unresolved)),
    }
}

fn line(record: &RecordRow, now: Timestamp) -> Line {
    let models = [record.model_name.as_deref(), record.product_name.as_deref()];
    let label = words::label(record.device_name.as_deref(), models, record.record);
    let model = models.into_iter().find_map(visible::name).filter(|model| *model != label);
    let kind = PreviousKind::parse(&record.kind).map_or(NONE.to_owned(), |kind| capital(kind.name()));
    Line {
        href: href(record.record),
        label,
        model,
        person: words::given(record.user_name.as_deref(), record.is_erased),
        owner: owner(record),
        kind,
        source: record.source.clone(),
        serial: words::given(record.serial_number.as_deref(), record.is_erased),
        last_contact: record.last_contact.map(|at| Day::of(at, now)),
        missing: record.is_missing,
        retired: record.is_retired,
    }
}
