//! A mapping that fits the columns of one file.

use super::{Columns, Fallback, LONGEST_SOURCE, Mapping, MappingError, OWN_SOURCE, Preset, listed};
use crate::dates::DateRules;
use crate::field::Field;
use crate::record::Kind;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What to read from each row of a file.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) source: String,
    pub(crate) preset: Option<Preset>,
    /// The columns that are read, as the file or the mapping writes them. A slot is an index in this list.
    pub(crate) slots: Vec<String>,
    /// The slots of each field.
    pub(crate) fields: BTreeMap<Field, Vec<usize>>,
    pub(crate) constants: BTreeMap<Field, String>,
    /// Translations of the values of a field, by the folded value in the file.
    pub(crate) values: BTreeMap<Field, HashMap<String, String>>,
    pub(crate) fallback: Vec<Fallback>,
    pub(crate) dates: DateRules,
}

/// Whether the names in `columns` are all that the file has. An object of JSON Lines may leave out some.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    AllColumns,
    SomeColumns,
}

/// Fits a mapping to the columns of a file.
///
/// # Errors
/// No preset fits the columns, or several do; the mapping names a column that the file does not have or has twice; no
/// column identifies the records; a constant or a translation is invalid.
pub(crate) fn resolve(mapping: &Mapping, columns: &[String], known: Known) -> Result<Plan, MappingError> {
    let file = File::new(columns, known);
    let preset = match mapping.preset {
        None if mapping.columns.is_empty() => Some(recognized(&file)?),
        preset => preset,
    };
    let mut plan = Plan {
        source: source(mapping, preset)?,
        preset,
        slots: Vec::new(),
        fields: BTreeMap::new(),
        constants: constants(mapping)?,
        values: translations(mapping, preset)?,
        fallback: mapping.fallback_id.clone().unwrap_or_else(|| fallback(preset)),
        dates: DateRules { order: mapping.date_order, zone: mapping.zone, excel: mapping.excel_dates },
    };
    for (field, names) in preset.map(|preset| preset.table().columns).unwrap_or_default() {
        if !mapping.columns.contains_key(field) && !plan.constants.contains_key(field) {
            names.iter().filter(|name| file.has(name)).try_for_each(|name| plan.add(&file, *field, name))?;
        }
    }
    for (field, names) in &mapping.columns {
        names.names().iter().try_for_each(|name| plan.add(&file, *field, name))?;
    }
    plan.check_id(&file)?;
    Ok(plan)
}

// The columns of the file by their folded names.
struct File<'a> {
    columns: &'a [String],
    known: Known,
    folded: HashMap<String, Vec<usize>>,
}

impl<'a> File<'a> {
    fn new(columns: &'a [String], known: Known) -> File<'a> {
        let mut folded: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, column) in columns.iter().enumerate() {
            folded.entry(names::folded(column)).or_default().push(at);
        }
        File { columns, known, folded }
    }

    fn has(&self, name: &str) -> bool {
        self.folded.contains_key(&names::folded(name))
    }

    fn listed(&self) -> String {
        listed(self.columns)
    }
}

impl Plan {
    fn add(&mut self, file: &File<'_>, field: Field, name: &str) -> Result<(), MappingError> {
        let column = match file.folded.get(&names::folded(name)).map(Vec::as_slice) {
            Some([at]) => file.columns[*at].clone(),
            None if file.known == Known::SomeColumns && field != Field::SourceId => name.to_owned(),
            None => {
                return Err(MappingError::NoColumn { field, column: names::quoted(name), columns: file.listed() });
            }
            Some(several) => {
                let count = several.len();
                let (column, columns) = (names::quoted(name), file.listed());
                return Err(MappingError::RepeatedColumn { field, column, count, columns });
            }
        };
        let slot = self.slots.iter().position(|known| *known == column).unwrap_or_else(|| {
            self.slots.push(column);
            self.slots.len() - 1
        });
        let slots = self.fields.entry(field).or_default();
        if !slots.contains(&slot) {
            slots.push(slot);
        }
        Ok(())
    }

    fn check_id(&self, file: &File<'_>) -> Result<(), MappingError> {
        let has = |field: Field| self.fields.contains_key(&field);
        if has(Field::SourceId) || self.fallback.iter().any(|fallback| has(fallback.field())) {
            return Ok(());
        }
        let hint = self.preset.map(|preset| preset.table().hint).unwrap_or_default().to_owned();
        Err(MappingError::NoSourceId { hint, columns: file.listed() })
    }
}

fn recognized(file: &File<'_>) -> Result<Preset, MappingError> {
    let folded: BTreeSet<String> = file.folded.keys().cloned().collect();
    let fitting: Vec<Preset> = Preset::ALL.into_iter().filter(|preset| preset.fits(&folded)).collect();
    match fitting[..] {
        [preset] => Ok(preset),
        [] => Err(MappingError::NoPreset { columns: file.listed() }),
        _ => {
            let presets = fitting.iter().map(|preset| preset.name()).collect::<Vec<_>>().join(", ");
            Err(MappingError::SeveralPresets { presets, columns: file.listed() })
        }
    }
}

fn source(mapping: &Mapping, preset: Option<Preset>) -> Result<String, MappingError> {
    let product = preset.map(|preset| preset.table().product);
    let source = mapping.source.as_deref().or(product).map(str::trim).filter(|source| !source.is_empty());
    let source = source.ok_or(MappingError::NoSource)?;
    let length = source.chars().count();
    if length > LONGEST_SOURCE {
        return Err(MappingError::LongSource { length });
    }
    if names::folded(source) == names::folded(OWN_SOURCE) {
        return Err(MappingError::OwnSource);
    }
    match names::visible::wrong_in_line(source) {
        Some(why) => Err(MappingError::UnusableSource { why }),
        None => Ok(source.to_owned()),
    }
}

fn fallback(preset: Option<Preset>) -> Vec<Fallback> {
    preset.map(|preset| preset.table().fallback.to_vec()).unwrap_or_default()
}

fn constants(mapping: &Mapping) -> Result<BTreeMap<Field, String>, MappingError> {
    for (field, value) in &mapping.constants {
        if mapping.columns.get(field).map(Columns::names).is_some_and(|names| !names.is_empty()) {
            return Err(MappingError::ColumnAndConstant { field: *field });
        }
        if field.is_of_one_device() {
            return Err(MappingError::ConstantIdentifier { field: *field });
        }
        if *field == Field::Kind {
            check_kind("constants.kind", value)?;
        }
    }
    Ok(mapping.constants.clone())
}

fn translations(
    mapping: &Mapping,
    preset: Option<Preset>,
) -> Result<BTreeMap<Field, HashMap<String, String>>, MappingError> {
    let mut all: BTreeMap<Field, HashMap<String, String>> = BTreeMap::new();
    for (value, kind) in preset.map(|preset| preset.table().kinds).unwrap_or_default() {
        all.entry(Field::Kind).or_default().insert(names::folded(value), kind.name().to_owned());
    }
    for (field, values) in &mapping.values {
        for (from, to) in values {
            if *field == Field::Kind && !to.is_empty() {
                check_kind(&format!("values.kind.{}", names::quoted(from)), to)?;
            }
            all.entry(*field).or_default().insert(names::folded(from), to.clone());
        }
    }
    Ok(all)
}

fn check_kind(place: &str, value: &str) -> Result<(), MappingError> {
    let wrong = || MappingError::NotAKind { place: place.to_owned(), value: names::quoted(value) };
    Kind::parse(value).map(|_| ()).ok_or_else(wrong)
}
