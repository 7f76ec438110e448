//! Prints a result.

use super::judge::{Judgement, Share};
use events::record::LinkBand;

const BANDS: [LinkBand; 4] = [LinkBand::None, LinkBand::Weak, LinkBand::Probable, LinkBand::Strong];

pub fn print(what: &str, result: &Judgement) {
    println!("{what}: {} enrollments", result.enrollments);
    println!("{:<34} {:>9} {:>9} {:>9} {:>9}", "", "none", "weak", "probable", "strong");
    let cells = |cell: &dyn Fn(LinkBand) -> String| BANDS.map(|band| format!("{:>9}", cell(band))).join(" ");
    let known: u64 = result.recall.values().sum();
    let links = |band: LinkBand| result.precision.get(&band).copied().unwrap_or_default();
    println!("{:<34} {}", "links", cells(&|band| links(band).of.to_string()));
    println!("{:<34} {}", "of them right", cells(&|band| percent(links(band))));
    let recall = |band: &LinkBand| Share { of: known, are: result.recall.get(band).copied().unwrap_or_default() };
    println!("{:<34} {}", "known records, by their true link", cells(&|band| percent(recall(&band))));
    for (story, of) in &result.stories {
        let band = |band: LinkBand| of.known.get(&band).map_or_else(String::new, u64::to_string);
        let name = format!("{story:?}");
        println!(
            "  {name:<26} {:>5} {}   wrong {:>4}, ever {:>4}",
            of.enrollments,
            cells(&band),
            of.wrong,
            of.ever_wrong
        );
    }
    print_shares(result);
}

pub fn print_confirmed(what: &str, result: &Judgement) {
    let Share { of, are } = result.confirmed;
    println!(
        "{what}: {of} automatic confirmations, {} wrong, precision {:.5}, lower bound {:.5}; {} of {} that meet the \
         conditions ({})",
        of - are,
        result.confirmed.rate(),
        result.confirmed.lower_bound(),
        result.confirmable.are,
        result.confirmable.of,
        percent(result.confirmable)
    );
    for (story, count) in &result.wrongly_confirmed {
        println!("  {count} wrong of {story:?}");
    }
}

fn print_shares(result: &Judgement) {
    print_confirmed("  automatic", result);
    let shares = [
        ("true record among the first three", result.among_three),
        ("true record first", result.first),
        ("new devices with a probable or strong link", result.new),
        ("new devices that ever had one", result.new_ever),
        ("shown records of somebody else", result.shown),
    ];
    for (what, share) in shares {
        println!("{what:<46} {:>6} of {:>6} {:>9}", share.are, share.of, percent(share));
    }
}

fn percent(share: Share) -> String {
    if share.of == 0 { "-".into() } else { format!("{:.2} %", 100.0 * share.rate()) }
}
