//! Tests of the findings in settings.

use super::*;
use events::enrollment::Ownership;
use events::settings::{ProfileService, Terms};

const EXAMPLE: &str = include_str!("../../../docs/settings-example.toml");

fn example() -> Settings {
    toml::from_str(EXAMPLE).unwrap()
}

/// A directory `main` and an identity provider `school`.
fn identity() -> Identity {
    let text = r#"
        [[directory]]
        name = "main"
        servers = ["ldaps://dc1.school.example"]
        bind_dn = "cn=muster"
        bind_password = "directory.password"
        base = "dc=school,dc=example"

        [[saml]]
        name = "school"
        title = "School"
        metadata = "school.xml"
    "#;
    toml::from_str(text).unwrap()
}

fn found(settings: &Settings) -> Findings {
    check(settings, &identity(), &Settings::default())
}

/// Returns the findings in the example after `change`.
fn changed(change: impl FnOnce(&mut Settings)) -> Findings {
    let mut settings = example();
    change(&mut settings);
    found(&settings)
}

/// Asserts that there is exactly one error and that it contains `parts`.
#[track_caller]
fn wrong(change: impl FnOnce(&mut Settings), parts: &[&str]) {
    let Findings { wrong, .. } = changed(change);
    assert_eq!(wrong.len(), 1, "{wrong:#?}");
    parts.iter().for_each(|part| assert!(wrong[0].contains(part), "{part:?} is not in {:?}", wrong[0]));
}

/// Asserts that there are no errors and exactly one warning, which contains `parts`.
#[track_caller]
fn warned(change: impl FnOnce(&mut Settings), parts: &[&str]) {
    let Findings { wrong, warnings } = changed(change);
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(warnings.len(), 1, "{warnings:#?}");
    parts.iter().for_each(|part| assert!(warnings[0].contains(part), "{part:?} is not in {:?}", warnings[0]));
}

fn who(toml: &str) -> events::settings::Who {
    #[derive(serde::Deserialize)]
    struct Rule {
        who: events::settings::Who,
    }
    toml::from_str::<Rule>(&format!("who = {toml}")).unwrap().who
}

#[test]
fn the_default_settings_and_the_example_make_sense() {
    assert_eq!(found(&Settings::default()), Findings::default());
    assert_eq!(found(&example()), Findings::default());
}

#[test]
fn the_example_names_every_setting_and_explains_it() {
    let all = toml::Table::try_from(example()).unwrap();
    let defaults = toml::Table::try_from(Settings {
        self_service_url: Some(String::new()),
        help: Some(String::new()),
        ..Settings::default()
    })
    .unwrap();
    for key in defaults.keys() {
        assert!(all.contains_key(key), "{key} is not in the example");
        let at = EXAMPLE
            .find(&format!("\n{key}"))
            .or_else(|| EXAMPLE.find(&format!("[{key}")))
            .unwrap_or_else(|| panic!("{key}"));
        assert!(EXAMPLE[..at].contains('#'), "{key} is not explained");
    }
    let rule = toml::Table::try_from(&example().access[0]).unwrap();
    assert_eq!(rule.len(), 7, "the first rule of the example shows every key: {rule}");
}

#[test]
fn what_is_shown_can_be_applied_again_and_is_the_same() {
    for settings in [Settings::default(), example()] {
        let shown = written_settings(&settings).unwrap();
        assert_eq!(toml::from_str::<Settings>(&shown).unwrap(), settings, "{shown}");
    }
}

#[test]
fn the_example_s_lists_of_tables_can_be_appended_to_what_is_shown() {
    let shown = written_settings(&Settings::default()).unwrap();
    for list in ["shared_networks", "access", "staff_roles"] {
        let at = EXAMPLE.find(&format!("[[{list}]]")).unwrap();
        let table = EXAMPLE[at..].split("\n\n").next().unwrap();
        let appended = format!("{shown}\n{table}\n");
        assert!(toml::from_str::<Settings>(&appended).is_ok(), "{appended}");
    }
}

#[test]
fn the_known_languages_are_those_that_there_are_texts_in() {
    let texts = concat!(env!("CARGO_MANIFEST_DIR"), "/../../templates/texts");
    let names = std::fs::read_dir(texts).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut tags: Vec<String> = names.map(|name| name.trim_end_matches(".ftl").to_owned()).collect();
    tags.sort();
    assert_eq!(tags, LANGUAGES);
}

#[test]
fn each_setting_that_makes_no_sense_is_named() {
    wrong(|settings| settings.organization = "  ".into(), &["organization is empty", "give the name"]);
    wrong(|settings| settings.abandon_after_hours = 0, &["abandon_after_hours", "at least 1"]);
    wrong(|settings| settings.self_service_url = Some("http://apps.apple.com/".into()), &["self_service_url", "https"]);
    wrong(|settings| settings.self_service.store_id = Some(0), &["self_service.store_id is 0", "such as 1234567890"]);
    wrong(
        |settings| settings.self_service.licensed = [events::enrollment::Ownership::Personal].into(),
        &["self_service.licensed", "give the app's number"],
    );
    wrong(
        |settings| {
            settings.self_service.store_id = Some(7);
            settings.self_service_url = Some("https://apps.apple.com/de/app/self-service/id8?mt=8".into());
        },
        &["store_id is 7", "the app 8", "one app in both"],
    );
    for domain in ["@example.com", "example", "Example.com"] {
        wrong(
            |settings| settings.managed_apple_id_domains = [domain.to_owned()].into(),
            &["managed_apple_id_domains", domain, "such as example.com"],
        );
    }
    let klingon = || [("tlh".to_owned(), "nuqneH".to_owned())].into();
    wrong(|settings| settings.personal_description = klingon(), &["personal_description", "tlh", "de, en, ja"]);
    let Findings { wrong, .. } = found(&Settings { ownership_kinds: [].into(), ..Settings::default() });
    assert!(wrong[0].contains("ownership_kinds is empty"), "{wrong:?}");
}

#[test]
fn rules_have_names_that_differ_and_are_about_somebody() {
    wrong(|settings| settings.access[1].name = " ".into(), &["access rule 2", "name is empty"]);
    wrong(|settings| settings.access[1].name = "Staff".into(), &["access rule 2 (\"Staff\")", "must differ"]);
    wrong(|settings| settings.access[0].who = who("{ group = ' ' }"), &["access rule 1", "who.group is empty", "cn="]);
    wrong(
        |settings| settings.access[1].who = who("{ claim = { name = 'department', value = '' } }"),
        &["access rule 2", "who.claim needs"],
    );
    wrong(
        |settings| settings.access[0].provider = Some("mian".into()),
        &["access rule 1", "\"mian\"", "\"local\", \"main\" or \"school\""],
    );
    wrong(|settings| settings.access[0].provider = Some("local".into()), &["local accounts have no groups"]);
}

#[test]
fn a_rule_that_is_never_reached_is_refused() {
    wrong(|settings| settings.access.swap(1, 2), &["rule 3 (\"Suspended\") is never reached", "\"Everybody else\""]);
    wrong(
        |settings| settings.access[1].who = settings.access[2].who.clone(),
        &["(\"Everybody else\") is never reached"],
    );
    // A rule for everybody of one provider does not cover people of other providers.
    let of_school = |settings: &mut Settings| {
        settings.access[1] = AccessRuleOf { name: "School", provider: "school" }.rule();
    };
    assert_eq!(changed(of_school), Findings::default());
}

struct AccessRuleOf {
    name: &'static str,
    provider: &'static str,
}

impl AccessRuleOf {
    fn rule(self) -> events::settings::AccessRule {
        events::settings::AccessRule {
            name: self.name.into(),
            provider: Some(self.provider.into()),
            terms_required: false,
            ..example().access[2].clone()
        }
    }
}

#[test]
fn a_rule_can_be_kept_only_if_what_it_asks_for_is_there() {
    wrong(
        |settings| _ = settings.terms.remove(&Ownership::Institutional),
        &["rule 1 (\"Staff\") requires terms of use", "[terms.institutional]"],
    );
    wrong(|settings| settings.access[2].devices_per_person = Some(0), &["devices_per_person is 0", "enroll = []"]);
    let Findings { wrong, warnings } = changed(|settings| settings.ownership_kinds = [Ownership::Personal].into());
    assert!(wrong.is_empty(), "{wrong:?}");
    let told = "access rule 1 (\"Staff\") lets people enroll institutional devices, but ownership_kinds does not offer";
    assert!(warnings.iter().any(|warning| warning.contains(told)), "{warnings:?}");
}

#[test]
fn whom_no_rule_is_about_is_warned_of() {
    warned(|settings| _ = settings.access.pop(), &["no rule matches people who sign in with \"local\""]);
}

#[test]
fn limits_that_nothing_meets_are_refused() {
    let versions = |minimum: &str, maximum: &str| format!("minimum = '{minimum}'\nmaximum = '{maximum}'");
    let set = |text: String| {
        move |settings: &mut Settings| {
            _ = settings.limits.versions.insert(Ownership::Institutional, toml::from_str(&text).unwrap());
        }
    };
    wrong(set(versions("18.1", "17")), &["limits.versions.institutional", "minimum 18.1 is newer than maximum 17.0"]);
    assert_eq!(changed(set(versions("17.5", "17"))), Findings::default(), "17 includes all 17.x");
    for model in ["Mac", "iphone", "iPhone14,5x", "iPod", "", "iPhone,5"] {
        wrong(|settings| settings.limits.models = [model.to_owned()].into(), &["limits.models", "iPhone14,5"]);
    }
    for model in ["iPhone", "iPad13,", "iPhone14,5"] {
        assert_eq!(changed(|settings| settings.limits.models = [model.to_owned()].into()), Findings::default());
    }
    warned(|settings| settings.limits.models = ["iPhone1".to_owned()].into(), &["iPhone1", "comma"]);
    let personal = |settings: &mut Settings| {
        _ = settings.limits.versions.insert(Ownership::Personal, toml::from_str("minimum = '18'").unwrap());
    };
    warned(personal, &["limits.versions.personal.minimum", "only from Settings"]);
}

#[test]
fn terms_have_a_version_and_an_english_text_in_known_languages() {
    let set = |version: &str, text: &[(&str, &str)]| {
        let text = text.iter().map(|(tag, text)| ((*tag).to_owned(), (*text).to_owned())).collect();
        let terms = Terms { version: version.into(), text };
        move |settings: &mut Settings| _ = settings.terms.insert(Ownership::Personal, terms)
    };
    wrong(set(" ", &[("en", "x")]), &["terms.personal.version", "2026-09"]);
    wrong(set("1", &[("de", "x")]), &["terms.personal.text.en is missing"]);
    wrong(set("1", &[("en", "x"), ("de", " \n")]), &["terms.personal.text.de is empty"]);
    wrong(set("1", &[("en", "x"), ("tlh", "y")]), &["terms.personal.text", "tlh", "de, en, ja"]);
}

#[test]
fn a_text_that_changes_under_the_same_version_is_warned_of() {
    let mut after = example();
    after.terms.get_mut(&Ownership::Personal).unwrap().text.insert("en".into(), "Another text.".into());
    let findings = check(&after, &identity(), &example());
    assert!(findings.wrong.is_empty());
    assert!(findings.warnings[0].contains("terms.personal.text changed (en)"), "{findings:?}");
    after.terms.get_mut(&Ownership::Personal).unwrap().version = "2026-10".into();
    assert_eq!(check(&after, &identity(), &example()), Findings::default());
}

#[test]
fn somebody_can_always_sign_in_by_ways_that_there_are() {
    let off = events::settings::Ways::default;
    wrong(|settings| settings.sign_in.enrollment = off(), &["sign_in.enrollment enables no sign-in method"]);
    wrong(|settings| settings.sign_in.staff = off(), &["sign_in.staff enables no sign-in method"]);
    let enrollment = |list: fn(&mut events::settings::Ways) -> &mut Vec<String>, name: &str| {
        let name = name.to_owned();
        move |settings: &mut Settings| list(&mut settings.sign_in.enrollment).push(name)
    };
    wrong(
        enrollment(|ways| &mut ways.directories, "mian"),
        &["sign_in.enrollment.directories", "\"mian\"", "\"main\""],
    );
    wrong(enrollment(|ways| &mut ways.directories, "main"), &["is listed twice"]);
    wrong(enrollment(|ways| &mut ways.directories, "school"), &["belongs under single_sign_on"]);
    wrong(enrollment(|ways| &mut ways.single_sign_on, "main"), &["belongs under directories"]);
    wrong(enrollment(|ways| &mut ways.directories, "local"), &["local_accounts = true"]);
    let locked_out = |settings: &mut Settings| {
        settings.sign_in.staff.local_accounts = false;
        settings.staff_roles.clear();
    };
    wrong(locked_out, &["nobody could sign in at the console", "\"school\""]);
    warned(|settings| settings.staff_roles.clear(), &["no staff_roles rule gives people of \"school\" a role"]);
}

#[test]
fn roles_at_the_console_are_those_of_people_there() {
    use events::staff::Privilege;
    let console = "\"administrator\", \"auditor\" or \"help_desk\"";
    for role in [Privilege::Enroll, Privilege::EnrollForOthers, Privilege::ApiClient] {
        wrong(|settings| settings.staff_roles[0].roles = [role].into(), &["staff_roles rule 1", "not a role", console]);
        wrong(
            |settings| settings.second_factors.required_for = [role].into(),
            &["second_factors.required_for", console],
        );
    }
    wrong(|settings| settings.staff_roles[1].roles = [].into(), &["staff_roles rule 2 gives no role", console]);
    wrong(|settings| settings.staff_roles[0].provider = Some("local".into()), &["`muster user`"]);
    wrong(|settings| settings.staff_roles[0].provider = Some("x".into()), &["\"x\"", "\"main\" or \"school\""]);
    wrong(
        |settings| settings.staff_roles[0].who = who("{ group = '' }"),
        &["staff_roles rule 1", "who.group is empty"],
    );
    warned(|settings| settings.staff_roles[0].who = who("'everyone'"), &["everyone", "\"administrator\""]);
    warned(|settings| settings.staff_roles[0].provider = None, &["names no provider"]);
}

#[test]
fn what_changes_is_told_by_path_by_rule_and_by_line() {
    let before = example();
    let mut after = before.clone();
    after.help = None;
    after.sign_in.enrollment.local_accounts = false;
    after.limits.models = ["iPad".to_owned()].into();
    after.access[0].devices_per_person = None;
    after.access.remove(1);
    after.access.insert(0, AccessRuleOf { name: "School", provider: "school" }.rule());
    let terms = after.terms.get_mut(&Ownership::Personal).unwrap();
    terms.version = "2026-10".into();
    let text = terms.text["en"].replace("Keep a passcode.", "Keep a passcode of six digits.");
    terms.text.insert("en".into(), text);
    assert_eq!(difference(&before, &before).unwrap(), Vec::<String>::new());
    let told = difference(&before, &after).unwrap().join("\n");
    let wanted = r#"access["Staff"].devices_per_person: 3 -> (none)
access["Suspended"]: removed
access["School"]: new
  account_driven = true
  devices_per_person = 1
  enroll = ["personal"]
  provider = "school"
  who = "everyone"
access: the order is now "School", "Staff", "Everybody else"
help: "help@school.example, room 7" -> (none)
limits.models: ["iPad", "iPhone"] -> ["iPad"]
sign_in.enrollment.local_accounts: true -> false
terms.personal.text.en:
  - * Keep a passcode.
  + * Keep a passcode of six digits.
terms.personal.version: "2026-09" -> "2026-10""#;
    assert_eq!(told, wanted, "{told}");
}

#[test]
fn a_profile_service_that_asks_nobody_is_warned_of() {
    let nobody = |settings: &mut Settings| settings.ownership_kinds = [Ownership::Personal].into();
    warned(
        |settings| settings.profile_service = ProfileService { enabled: false, genuine_devices_only: true },
        &["profile_service.genuine_devices_only", "profile_service.enabled is false"],
    );
    let mut only_personal = Settings { profile_service: example().profile_service, ..Settings::default() };
    nobody(&mut only_personal);
    let Findings { wrong, warnings } = found(&only_personal);
    assert_eq!(wrong, Vec::<String>::new());
    assert!(warnings.iter().any(|warning| warning.starts_with("profile_service.enabled")), "{warnings:?}");
}

#[test]
fn a_shared_network_is_a_range_of_ones_own_with_people_in_it() {
    let network = |cidr: &str, people| events::settings::SharedNetwork { cidr: cidr.into(), people };
    for (networks, part) in [
        (vec![network("school", 900)], "not an IP address"),
        (vec![network("11.0.0.0/7", 900)], "bits beyond"),
        (vec![network("8.0.0.0/7", 900)], "the range is too wide"),
        (vec![network("2001::/16", 900)], "the range is too wide"),
        (vec![network("192.0.2.0/24", 0)], "from 1 to 100000"),
        (vec![network("192.0.2.0/24", 9), network("192.0.2.0/24", 9)], "twice"),
    ] {
        wrong(|settings| settings.shared_networks = networks, &[part]);
    }
}

#[test]
fn an_invitation_is_valid_for_days_and_reminds_a_few_times_before_it_expires() {
    let with = |change: fn(&mut events::settings::Invitations)| {
        let mut settings = Settings::default();
        change(&mut settings.invitations);
        found(&settings)
    };
    let wrong: [fn(&mut events::settings::Invitations); 5] = [
        |invitations| invitations.valid_days = 0,
        |invitations| invitations.remind_after_days = 3_651,
        |invitations| invitations.most_reminders = 21,
        |invitations| invitations.most_mails_per_hour = 0,
        |invitations| invitations.most_mails_per_hour = 100_001,
    ];
    for change in wrong {
        assert_eq!(with(change).wrong.len(), 1);
    }
    let late = with(|invitations| invitations.remind_after_days = 30);
    assert_eq!((late.wrong.len(), late.warnings.len()), (0, 1));
    let mut settings = Settings::default();
    settings.reenrollment.shred_after_days = 0;
    assert_eq!(found(&settings).wrong.len(), 1);
}
