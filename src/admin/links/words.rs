//! Words for links.

use crate::admin::words::Chip;
use events::record::{LinkBand, Weighed};
use projections::audit::evidence_words;
use projections::links::LinkState;

pub(crate) fn state(state: LinkState) -> Chip {
    match state {
        LinkState::Proposed => Chip { label: "Proposed", class: "warn" },
        LinkState::Confirmed => Chip { label: "Confirmed", class: "ok" },
        LinkState::Rejected => Chip { label: "Rejected", class: "" },
        LinkState::Withdrawn => Chip { label: "Withdrawn", class: "" },
    }
}

/// Returns what the links of a state have in common; `None`: of any state.
pub(crate) fn explained(state: Option<LinkState>) -> &'static str {
    match state {
        Some(LinkState::Proposed) => {
            "Each device that was enrolled later probably took the place of the earlier record. Staff decide. The strongest evidence comes first."
        }
        Some(LinkState::Confirmed) => {
            "An administrator, or the settings, confirmed these links. The latest come first."
        }
        Some(LinkState::Rejected) => {
            "An administrator rejected these links: the device did not take the place of the record. The latest come first."
        }
        Some(LinkState::Withdrawn) => {
            "Muster proposed these links. Later facts contradicted them, or the import of the record was undone."
        }
        None => "Links in any state. The latest change comes first.",
    }
}

pub(crate) fn band(band: LinkBand) -> Chip {
    match band {
        LinkBand::Strong => Chip { label: "Strong", class: "ok" },
        LinkBand::Probable => Chip { label: "Probable", class: "" },
        LinkBand::Weak => Chip { label: "Weak", class: "muted" },
        LinkBand::None => Chip { label: "No longer proposed", class: "muted" },
    }
}

/// Returns the evidence as a sum, such as `same person +3, same model +2 = 5`.
pub(crate) fn sum(evidence: &[Weighed], score: i32) -> String {
    if evidence.is_empty() {
        return "nothing is known".to_owned();
    }
    // The total stays with its sign.
    format!("{} =\u{a0}{score}", evidence_words(evidence))
}

/// Returns the answer to the question whether the old record may be retired.
pub(crate) fn retired(is_proven: bool) -> Chip {
    if is_proven { Chip { label: "Yes", class: "ok" } } else { Chip { label: "Not proven", class: "" } }
}

/// Returns the answer to the question whether both are the same device.
pub(crate) fn same(is_proven: bool) -> Chip {
    if is_proven { Chip { label: "Proven", class: "ok" } } else { Chip { label: "Not proven", class: "" } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::Timestamp;
    use events::record::LinkEvidence;

    #[test]
    fn a_person_can_add_up_the_score() {
        let since = Timestamp::parse_rfc3339("2026-11-27T08:00:00Z").unwrap();
        let evidence = [
            (LinkEvidence::SamePerson {}, 3),
            (LinkEvidence::SameModel {}, 2),
            (LinkEvidence::Silent { since }, 2),
            (LinkEvidence::SilenceUnknown {}, 0),
        ]
        .map(|(evidence, points)| Weighed { evidence, points });
        assert_eq!(sum(&evidence[..3], 7), "same person +3, same model +2, silent since 2026-11-27 +2 =\u{a0}7");
        let against = [Weighed { evidence: LinkEvidence::OtherModel {}, points: -6 }];
        assert_eq!(sum(&against, -6), "another model -6 =\u{a0}-6");
        assert_eq!(sum(&evidence[3..], 0), "unknown whether silent =\u{a0}0");
        assert_eq!(sum(&[], 0), "nothing is known");
    }
}
