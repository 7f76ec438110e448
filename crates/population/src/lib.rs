//! Generates an organization: its people, their devices, what happens to the devices over three years, and the truth.
//!
//! A consumer reads [`Happening`]s in the order of time, as a server would learn them. [`Truth`] says afterwards which
//! physical device each record and each enrollment was. Nothing in a happening requires the truth, and the truth does
//! not depend on any rule by which records are linked.
//!
//! The story: an organization migrates from an old product for device management to Muster. The old product is known
//! from exports only. [`Story`] names the circumstances of each enrollment, [`Shape`] has the rates with their reasons.
//!
//! People are generated in teams. Devices change hands within a team only, so that [`Teams`] yields one team after
//! another in bounded memory; [`Organization`] merges them in the order of time.

mod calendar;
mod career;
mod choosing;
mod contacts;
mod device;
mod digest;
mod draw;
mod enrolling;
mod handing;
mod happening;
mod ids;
mod invitations;
mod later;
mod leaving;
mod migration;
mod model;
mod names;
mod old_product;
mod organization;
mod person;
mod portal;
mod record;
mod replacing;
mod rows;
mod shape;
mod shared;
mod stage;
mod team;
mod truth;
mod version;

pub use calendar::{DAY, HOUR, MINUTE, date};
pub use device::{Device, Property};
pub use happening::{
    Answer, Browser, Delivery, Enrolled, Export, ExportRow, Happening, Hardware, InvitationUse, Kind, PushAnswer,
    Through, Way, What,
};
pub use ids::{AccountId, CodeId, DeviceId, EnrollmentId, InvitationId, OldRecord, OpeningId, PersonId, RecordId};
pub use model::{Family, Model};
pub use organization::Organization;
pub use person::{Account, Job, Names, Person};
pub use shape::{
    AnswerRates, Calendar, DeviceRates, ExportPlan, InvitationRates, LaterRates, LeavingRates, MigrationRates,
    PeopleRates, RecordRates, Shape,
};
pub use team::{Team, Teams};
pub use truth::{EnrollmentTruth, RecordTruth, Story, Truth};
pub use version::OsVersion;
