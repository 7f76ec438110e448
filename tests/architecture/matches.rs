//! Parses the `match` expressions of a source and returns the patterns of their arms.

/// Returns the arm patterns of each `match` in the code, and the line where the `match` begins.
pub fn matches(code: &str) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("match ") {
        let is_word = code[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric() && c != '_');
        if let (true, Some(body)) = (is_word, body(&code[at..])) {
            found.push((code[..at].lines().count(), arms(body)));
        }
    }
    found
}

/// Returns the code with aliases resolved: after `use DeviceEvent as E`, `E::` becomes `Event::`.
pub fn unaliased(code: &str) -> String {
    let aliases = code.split("Event as ").skip(1).filter_map(|rest| rest.split([';', ',', '}']).next());
    aliases.fold(code.to_owned(), |code, alias| code.replace(&format!("{}::", alias.trim()), "Event::"))
}

/// Returns the text between the braces of the `match` at the start of the text.
fn body(text: &str) -> Option<&str> {
    let mut depth = 0_i32;
    let opens = text.char_indices().find(|(_, c)| {
        depth += step(*c) - i32::from(*c == '{');
        (*c == '{' || *c == ';') && depth == 0
    })?;
    let inside = text[opens.0..].strip_prefix('{')?;
    let mut depth = 1_i32;
    let closes = inside.char_indices().find(|(_, c)| {
        depth += step(*c);
        depth == 0
    })?;
    Some(&inside[..closes.0])
}

fn arms(body: &str) -> Vec<String> {
    let (mut patterns, mut pattern, mut depth, mut in_pattern) = (Vec::new(), String::new(), 0_i32, true);
    let mut before = ' ';
    for c in body.chars() {
        depth += step(c);
        if in_pattern && depth == 0 && before == '=' && c == '>' {
            patterns.push(pattern.trim_end_matches('=').trim().to_owned());
            pattern.clear();
            in_pattern = false;
        } else if in_pattern {
            pattern.push(c);
        } else if depth == 0 && (c == ',' || c == '}') {
            in_pattern = true;
        }
        before = c;
    }
    patterns
}

fn step(c: char) -> i32 {
    match c {
        '(' | '[' | '{' => 1,
        ')' | ']' | '}' => -1,
        _ => 0,
    }
}

/// Returns the first pattern of a `match` over events that also matches events it does not name. A new event would be
/// handled by that arm without anyone deciding so.
pub fn catches_all_events(patterns: &[String]) -> Option<String> {
    let all = patterns.join("\n");
    if !names_an_event(&all) {
        return None;
    }
    patterns.iter().find_map(|pattern| {
        let without_guard = pattern.split(" if ").next().unwrap_or_default();
        let binds = without_guard.chars().all(|c| c.is_ascii_lowercase() || c == '_') && !without_guard.is_empty();
        let whole = without_guard.split('|').map(str::trim).find(|one| {
            // `Event::Device(_)`, if another arm matches specific events of the device.
            let aggregate = one.strip_suffix("(_)").filter(|rest| rest.contains("Event::"));
            aggregate.is_some_and(|aggregate| names_an_event(&all.replace(one, "")) && picks(&all, aggregate))
        });
        (binds || whole.is_some()).then(|| pattern.clone())
    })
}

fn names_an_event(patterns: &str) -> bool {
    patterns.split("Event::").skip(1).any(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))
}

// Returns whether a pattern names one of the aggregate's events: `Event::Device(DeviceEvent::…`.
fn picks(patterns: &str, aggregate: &str) -> bool {
    let named = |rest: &str| {
        let name: String = rest.trim_start().chars().take_while(|c| c.is_alphanumeric()).collect();
        name.ends_with("Event")
    };
    patterns.split(&format!("{aggregate}(")).skip(1).any(named)
}

#[test]
fn an_arm_that_takes_every_other_event_is_seen() {
    let caught = |code: &str| matches(code).iter().find_map(|(_, patterns)| catches_all_events(patterns));
    for code in [
        "match event { DeviceEvent::DeviceEnrolled { .. } => 1, _ => 2 }",
        "match (event, x) { (Event::Log(_), 1) => { 1 } _ => 2 }",
        "match event { StaffEvent::A {} => 1, other => other.f() }",
        "match event { StaffEvent::A {} => 1, _ if x == 1 => 3, StaffEvent::B {} => 2 }",
        "match &entry.event {\nEvent::Device(\n DeviceEvent::A { .. } | DeviceEvent::B { .. },\n) => 1, Event::Log(_) | Event::Device(_) => 2 }",
    ] {
        assert!(caught(code).is_some(), "{code}");
    }
    for code in [
        "match event { DeviceEvent::A { .. } => f(x, |_| 1), DeviceEvent::B {} => match y { 1 => 1, _ => 2 } }",
        "match event { Event::Device(event) => 1, Event::Log(_) => 2 }",
        "match event { Event::Log(LogEvent::A {} | LogEvent::B {}) => 1, Event::Device(_) => 2 }",
        "match number { 1 => DeviceEvent::A {}, _ => DeviceEvent::B {} }",
    ] {
        assert_eq!(caught(code), None, "{code}");
    }
}
