//! A record of the old product.

use crate::ids::RecordId;
use crate::person::Names;

/// A record of the old product.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) id: RecordId,
    pub(crate) unit: usize,
    /// Index of the management in the device's history.
    pub(crate) management: usize,
    /// The owner according to the old product.
    pub(crate) owner: Option<Names>,
    /// The owner's new names, which the product took over at an instant.
    pub(crate) renamed: Option<(i64, Names)>,
    /// When the product learned that the device left.
    pub(crate) marked: Option<i64>,
    pub(crate) deleted: Option<i64>,
    pub(crate) has: Columns,
}

/// The cells of a record that are filled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Columns {
    pub(crate) serial: bool,
    pub(crate) udid: bool,
    pub(crate) os: bool,
    pub(crate) last_contact: bool,
    pub(crate) enrolled: bool,
    pub(crate) full_name: bool,
    pub(crate) user_name: bool,
    pub(crate) mail: bool,
}

impl Record {
    /// The owner according to the old product at an instant.
    pub(crate) fn owner_at(&self, time: i64) -> Option<&Names> {
        match &self.renamed {
            Some((since, names)) if *since <= time => Some(names),
            _ => self.owner.as_ref(),
        }
    }
}
