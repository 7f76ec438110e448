//! The measured queries.

use super::fleet::{self, NOW, scattered, serial, user_name};
use super::print_times;
use crate::Projections;
use crate::devices::{self, DeviceFilter, DeviceSort, Direction, Part, State};
use crate::enrollments::{self, Dimension, FunnelFilter};
use crate::renewals::{self, Standing};
use events::Timestamp;
use events::enrollment::{EnrollmentKind, OsVersion, Ownership};
use std::time::Instant;

const DAY: i64 = 86_400;

fn ago(days: i64) -> Timestamp {
    NOW.plus_seconds(-days * DAY)
}

/// Measures `work` for several seeds.
async fn timed<T>(name: &str, runs: u64, work: impl AsyncFn(u64) -> T) {
    let mut times = Vec::new();
    for seed in 0..runs {
        let begun = Instant::now();
        work(seed).await;
        times.push(begun.elapsed());
    }
    print_times(name, times);
}

/// A filter for each of several runs.
type Filters = Box<dyn Fn(u64) -> DeviceFilter>;

fn filters(number: u64) -> Vec<(&'static str, Filters)> {
    let of = move |n: u64| scattered(n + 17) % number;
    let all = DeviceFilter::default;
    vec![
        ("no filter", Box::new(move |_| all())),
        ("state enrolled", Box::new(move |_| DeviceFilter { state: Some(State::Enrolled), ..all() })),
        ("state checked out", Box::new(move |_| DeviceFilter { state: Some(State::CheckedOut), ..all() })),
        ("state installing (none)", Box::new(move |_| DeviceFilter { state: Some(State::Installing), ..all() })),
        ("kind", Box::new(move |_| DeviceFilter { kind: Some(EnrollmentKind::UserEnrollment), ..all() })),
        ("ownership", Box::new(move |_| DeviceFilter { ownership: Some(Ownership::Institutional), ..all() })),
        ("rare model", Box::new(move |_| DeviceFilter { models: vec!["iPod9,1".into()], ..all() })),
        ("common model", Box::new(move |_| DeviceFilter { models: vec!["iPad".into()], ..all() })),
        ("ios below 16", Box::new(move |_| DeviceFilter { os_below: Some(OsVersion::new(16, 0)), ..all() })),
        ("ios from 20", Box::new(move |_| DeviceFilter { os_from: Some(OsVersion::new(20, 0)), ..all() })),
        ("person", Box::new(move |n| DeviceFilter { person: Some(fleet::person(of(n))), ..all() })),
        ("user name", Box::new(move |n| DeviceFilter { user_name: Some(user_name(of(n))), ..all() })),
        ("last contact before 30 days", Box::new(move |_| DeviceFilter { seen_before: Some(ago(30)), ..all() })),
        (
            "enrolled in a month",
            Box::new(move |n| DeviceFilter {
                enrolled_from: Some(ago(500 + n as i64)),
                enrolled_before: Some(ago(470 + n as i64)),
                ..all()
            }),
        ),
        ("identity due", Box::new(move |_| DeviceFilter { identity: Some((Standing::Due, NOW)), ..all() })),
        ("identity expired", Box::new(move |_| DeviceFilter { identity: Some((Standing::Expired, NOW)), ..all() })),
        ("serial number", Box::new(move |n| DeviceFilter { text: Some(serial(of(n) / 3 * 3)), ..all() })),
        ("text that some have", Box::new(move |_| DeviceFilter { text: Some("hedy".into()), ..all() })),
        ("text that none has", Box::new(move |_| DeviceFilter { text: Some("zzzz".into()), ..all() })),
        (
            "checked out, rare model, old",
            Box::new(move |_| DeviceFilter {
                state: Some(State::CheckedOut),
                models: vec!["iPad7,11".into()],
                os_below: Some(OsVersion::new(17, 0)),
                ..all()
            }),
        ),
        (
            "checked out and seen today (common, never together)",
            Box::new(move |_| DeviceFilter {
                state: Some(State::CheckedOut),
                enrolled_from: Some(ago(300)),
                seen_from: Some(ago(1)),
                ..all()
            }),
        ),
    ]
}

pub(super) async fn measure(projections: &Projections, number: u64) {
    for (name, filter) in filters(number) {
        for sort in DeviceSort::ALL {
            let title = format!("list: {name}, by {}", sort.as_str());
            timed(&title, 20, async |seed| {
                let direction = Direction::ALL[(seed % 2) as usize];
                let filter = DeviceFilter { sort, direction: Some(direction), ..filter(seed) };
                devices::list(projections, filter, 50).await.unwrap()
            })
            .await;
        }
        if filter(0).identity.is_none() && filter(0).seen_before.is_none() && filter(0).seen_from.is_none() {
            timed(&format!("as of: {name}"), 20, async |seed| {
                let at = ago(i64::try_from(scattered(seed) % 1_000).unwrap());
                devices::list(projections, DeviceFilter { as_of: Some(at), ..filter(seed) }, 50).await.unwrap()
            })
            .await;
        }
        timed(&format!("facets: {name}"), 10, async |seed| devices::facets(projections, filter(seed)).await.unwrap())
            .await;
    }
    for (name, days) in [("a day", 1), ("a week", 7), ("30 days", 30), ("a year", 365), ("three years", 1_090)] {
        timed(&format!("difference over {name}"), 5, async |_| {
            devices::difference(projections, ago(days), NOW).await.unwrap()
        })
        .await;
        for part in [Part::Appeared, Part::Left, Part::Changed, Part::Field("os_version".into())] {
            timed(&format!("difference over {name}, first page, {part:?}"), 5, async |_| {
                devices::differing(projections, (ago(days), NOW), part.clone(), None, 50).await.unwrap()
            })
            .await;
        }
    }
    let of = |seed: u64| fleet::device(scattered(seed) % number);
    timed("timeline", 200, async |seed| devices::timeline(projections, of(seed), None, 100).await.unwrap()).await;
    timed("history of a field", 200, async |seed| {
        devices::history(projections, of(seed), "os_version".into(), None, 100).await.unwrap()
    })
    .await;
    timed("renewals: counts", 50, async |_| renewals::counts(projections, NOW).await.unwrap()).await;
    timed("renewals: due", 50, async |_| renewals::due(projections, NOW, 20, 100).await.unwrap()).await;
    let period = || FunnelFilter { from: Some(ago(90)), ..FunnelFilter::default() };
    timed("funnel over 90 days", 20, async |_| enrollments::funnel(projections, period()).await.unwrap()).await;
    timed("funnel over 3 years", 5, async |_| enrollments::funnel(projections, FunnelFilter::default()).await.unwrap())
        .await;
    for dimension in [Dimension::Version, Dimension::Language, Dimension::Provider] {
        timed(&format!("groups over 90 days by {dimension:?}"), 20, async |_| {
            enrollments::groups(projections, period(), dimension).await.unwrap()
        })
        .await;
    }
    timed("stuck", 20, async |_| enrollments::stuck(projections, NOW, 20).await.unwrap()).await;
}
