//! Models of iPhone and iPad: identifiers, marketing names, and how common each one is.

use crate::calendar::{DAY, date};
use crate::draw::Draw;

/// A family of devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    Phone,
    Tablet,
}

/// A model. Several identifiers have the same marketing name.
#[derive(Debug, PartialEq)]
pub struct Model {
    /// Apple's identifier (`ProductName` of an `Authenticate` message), for example iPhone14,5.
    pub identifier: &'static str,
    /// The name in the shop, in ASCII, for example iPhone 13.
    pub marketing_name: &'static str,
    pub family: Family,
    /// Day of the first sale, in seconds since 1970.
    pub(crate) released: i64,
    /// Major version at the first sale.
    pub(crate) first_major: u8,
    /// Last major version that runs on it.
    pub(crate) last_major: u8,
    /// Relative number of devices sold.
    popularity: u8,
}

const fn phone(
    identifier: &'static str,
    marketing_name: &'static str,
    released: (i64, i64),
    majors: (u8, u8),
    popularity: u8,
) -> Model {
    let released = date(released.0, released.1, 22);
    let (first_major, last_major) = majors;
    Model { identifier, marketing_name, family: Family::Phone, released, first_major, last_major, popularity }
}

const fn tablet(
    identifier: &'static str,
    marketing_name: &'static str,
    released: (i64, i64),
    majors: (u8, u8),
    popularity: u8,
) -> Model {
    let model = phone(identifier, marketing_name, released, majors, popularity);
    Model { family: Family::Tablet, ..model }
}

/// 27 as the last version means: newer than the horizon. The standard models sell most, as in Apple's reports.
static MODELS: [Model; 35] = [
    phone("iPhone10,4", "iPhone 8", (2017, 9), (11, 16), 5),
    phone("iPhone10,1", "iPhone 8", (2017, 9), (11, 16), 2),
    phone("iPhone10,6", "iPhone X", (2017, 11), (11, 16), 4),
    phone("iPhone11,8", "iPhone XR", (2018, 10), (12, 18), 8),
    phone("iPhone11,2", "iPhone XS", (2018, 9), (12, 18), 4),
    phone("iPhone12,1", "iPhone 11", (2019, 9), (13, 26), 12),
    phone("iPhone12,3", "iPhone 11 Pro", (2019, 9), (13, 26), 4),
    phone("iPhone12,8", "iPhone SE (2nd generation)", (2020, 4), (13, 26), 8),
    phone("iPhone13,2", "iPhone 12", (2020, 10), (14, 27), 11),
    phone("iPhone13,1", "iPhone 12 mini", (2020, 11), (14, 27), 3),
    phone("iPhone13,3", "iPhone 12 Pro", (2020, 10), (14, 27), 4),
    phone("iPhone14,5", "iPhone 13", (2021, 9), (15, 27), 14),
    phone("iPhone14,4", "iPhone 13 mini", (2021, 9), (15, 27), 3),
    phone("iPhone14,2", "iPhone 13 Pro", (2021, 9), (15, 27), 5),
    phone("iPhone14,6", "iPhone SE (3rd generation)", (2022, 3), (15, 27), 9),
    phone("iPhone14,7", "iPhone 14", (2022, 9), (16, 27), 9),
    phone("iPhone15,2", "iPhone 14 Pro", (2022, 9), (16, 27), 6),
    phone("iPhone15,3", "iPhone 14 Pro Max", (2022, 9), (16, 27), 4),
    phone("iPhone15,4", "iPhone 15", (2023, 9), (17, 27), 12),
    phone("iPhone16,1", "iPhone 15 Pro", (2023, 9), (17, 27), 8),
    phone("iPhone16,2", "iPhone 15 Pro Max", (2023, 9), (17, 27), 5),
    phone("iPhone17,3", "iPhone 16", (2024, 9), (18, 27), 12),
    phone("iPhone17,1", "iPhone 16 Pro", (2024, 9), (18, 27), 8),
    phone("iPhone17,2", "iPhone 16 Pro Max", (2024, 9), (18, 27), 5),
    phone("iPhone17,5", "iPhone 16e", (2025, 2), (18, 27), 8),
    phone("iPhone18,3", "iPhone 17", (2025, 9), (26, 27), 14),
    phone("iPhone18,1", "iPhone 17 Pro", (2025, 9), (26, 27), 8),
    phone("iPhone18,2", "iPhone 17 Pro Max", (2025, 9), (26, 27), 5),
    phone("iPhone18,4", "iPhone Air", (2025, 9), (26, 27), 2),
    tablet("iPad12,1", "iPad (9th generation)", (2021, 9), (15, 27), 12),
    tablet("iPad12,2", "iPad (9th generation)", (2021, 9), (15, 27), 4),
    tablet("iPad13,18", "iPad (10th generation)", (2022, 10), (16, 27), 10),
    tablet("iPad13,16", "iPad Air (5th generation)", (2022, 3), (15, 27), 5),
    tablet("iPad13,4", "iPad Pro (11-inch) (3rd generation)", (2021, 5), (14, 27), 4),
    tablet("iPad15,7", "iPad (A16)", (2025, 3), (18, 27), 8),
];

impl Model {
    /// Draws the model of a device that is bought at an instant. Recent models sell most; models of over four years
    /// are sold refurbished or passed on in families.
    pub(crate) fn bought(family: Family, time: i64, draw: &mut Draw) -> &'static Self {
        let weight = |model: &Self| {
            let age = (time - model.released) / (365 * DAY);
            let demand = match age {
                _ if model.family != family || model.released > time => 0.0,
                0 => 4.0,
                1 => 2.0,
                2 | 3 => 1.0,
                _ => 0.1,
            };
            demand * f64::from(model.popularity)
        };
        &MODELS[draw.weighted(MODELS.iter().map(weight))]
    }
}
