//! What the commands of `muster` say: their help, the closing text of `init`, findings, the status, errors.

use harness::binary::{muster, muster_at};
use harness::installation;
use std::path::Path;

/// A command and all that it said.
fn transcript(arguments: &[&str], said: harness::binary::Said) -> String {
    let mut text = format!("$ muster {}\n{}", arguments.join(" "), said.out);
    if !said.err.is_empty() {
        text.push_str(&format!("(standard error)\n{}", said.err));
    }
    text.push_str(&format!("(exit status {})\n\n", said.code.unwrap_or(-1)));
    text
}

fn at(config: &Path, arguments: &[&str], input: &str) -> String {
    transcript(arguments, muster_at(config, arguments, input))
}

/// The help of a command and of its subcommands.
fn help(command: &[&str]) -> String {
    let asked: Vec<&str> = command.iter().copied().chain(["--help"]).collect();
    let said = muster(&asked, "");
    let subcommands = subcommands(&said.out);
    let own = transcript(&asked, said);
    let of_one = |name: &String| help(&command.iter().copied().chain([name.as_str()]).collect::<Vec<_>>());
    subcommands.iter().filter(|_| !command.is_empty()).map(of_one).fold(own, |text, help| text + &help)
}

fn subcommands(help: &str) -> Vec<String> {
    let listed = help.split("\nCommands:\n").nth(1).unwrap_or_default().lines().take_while(|line| !line.is_empty());
    let names = listed.filter_map(|line| line.strip_prefix("  ")?.split(' ').next().filter(|name| !name.is_empty()));
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn the_help_of_every_command_says_what_was_reviewed() {
    let all = muster(&["--help"], "").out;
    let of_one = |name: String| {
        let text = help(&[&name]);
        (name, text)
    };
    let texts: Vec<(String, String)> = subcommands(&all).into_iter().map(of_one).collect();
    assert!(texts.len() > 10, "{all}");
    test_support::snapshots!("help", texts.into_iter().chain([("all".to_owned(), help(&[]))]));
}

#[tokio::test]
async fn commands_say_what_was_reviewed() {
    let (directory, config) = installation().await;
    let sound = std::fs::read_to_string(&config).unwrap();
    let made = directory.path().join("made");
    let init = [
        "init",
        made.to_str().unwrap(),
        "--public-url",
        "https://enroll.example.com",
        "--organization",
        "Example School",
        "--trial",
    ];
    let again = [&init[..], &[]].concat();
    let init = transcript(&init, muster(&init, ""));
    let good = at(&config, &["check-config"], "");
    // Nothing listens at port 1.
    let silent = config.with_file_name("silent.toml");
    std::fs::write(&silent, sound.replace("127.0.0.1:0", "127.0.0.1:1")).unwrap();
    let status = at(&silent, &["status"], "");

    let (bad, unreadable) = (config.with_file_name("bad.toml"), config.with_file_name("unreadable.toml"));
    let changes = [
        ("public_url = \"https://localhost:0\"", "public_url = \"http://localhost/enroll\""),
        ("[logging]", "[logging]\nfilter = \"muster=loud\"\n[former]"),
    ];
    let text = changes.iter().fold(sound.clone(), |text, (was, is)| text.replacen(was, is, 1));
    std::fs::write(&bad, text.split("[former]").next().unwrap()).unwrap();
    std::fs::write(&unreadable, sound.replacen("public_url", "public_ulr", 1)).unwrap();
    let bad = at(&bad, &["check-config"], "") + &at(&unreadable, &["check-config"], "");

    let nowhere = directory.path().join("nowhere.toml");
    let errors = [
        transcript(&again, muster(&again, "")),
        at(&nowhere, &["serve"], ""),
        at(&unreadable, &["serve"], ""),
        at(&config, &["user", "add", "ada"], "four plain words here\n"),
        at(&config, &["user", "add", "ada", "--enroll"], "password1\n"),
        at(&config, &["user", "add", "ada", "--enroll", "--mail", "ada"], "four plain words here\n"),
        at(&config, &["user", "disable", "eve"], ""),
        at(&config, &["settings", "apply", nowhere.to_str().unwrap()], ""),
        at(&config, &["push", "import", nowhere.to_str().unwrap()], ""),
        at(&config, &["health"], ""),
        at(&config, &["restore", nowhere.to_str().unwrap(), "--master-key", nowhere.to_str().unwrap()], ""),
        transcript(&["simulate", "--devices", "0"], muster(&["simulate", "--devices", "0"], "")),
        transcript(&["sreve"], muster(&["sreve"], "")),
    ];
    let users = [
        at(&config, &["user", "add", "ada", "--enroll", "--display-name", "Ada L."], "four plain words here\n"),
        at(&config, &["user", "add", "grace", "--admin"], "four plain words here\n"),
        at(&config, &["user", "disable", "ada"], ""),
        at(&config, &["user", "list"], ""),
        at(&config, &["access", "explain", "ada"], ""),
    ];
    let shown = at(&config, &["settings", "show"], "");
    let file = directory.path().join("settings.toml");
    std::fs::write(&file, "organization = \"New School\"\nownership_kinds = [\"personal\"]\n").unwrap();
    let applied = at(&config, &["settings", "apply", file.to_str().unwrap()], "");
    let copy = directory.path().join("copy");
    let kept = at(&config, &["backup", copy.to_str().unwrap()], "")
        + &at(&config, &["backup", "verify", copy.to_str().unwrap()], "")
        + &at(&config, &["replay"], "");
    let imports = imports(directory.path(), &config);
    test_support::snapshots!(
        "said",
        [
            ("init", init),
            ("import", imports),
            ("check-config-good", good),
            ("check-config-bad", bad),
            ("status-without-a-server", status),
            ("errors", errors.concat()),
            ("users", users.concat()),
            ("settings", shown + &applied),
            ("backup", kept),
        ]
    );
}

/// What the commands about imports say, from the presets to the list.
fn imports(directory: &Path, config: &Path) -> String {
    let write = |name: &str, text: &str| {
        let path = directory.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let jamf = "JSS Mobile Device ID,Serial Number,IMEI,Email Address,Last Enrollment,Room\n\
        1,F2LXAAAAAAAA,356938035643808,ada@school.example,03/04/2021,7\n\
        2,F2LXBBBBBBBB,,grace@school.example,09/13/2021,7\n\
        ,F2LXCCCCCCCC,,,,\n";
    let (export, other) = (write("export.csv", jamf), write("other.csv", "Name,Phone\nAda,iPhone\n"));
    let complete = write("complete.csv", &jamf.lines().take(2).collect::<Vec<_>>().join("\n"));
    let transcripts = [
        at(config, &["import", "list"], ""),
        at(config, &["import", "records", &export, "--dry-run"], ""),
        at(config, &["import", "records", &export], ""),
        at(config, &["import", "records", &complete, "--complete", "--json"], ""),
        at(config, &["import", "records", &other], ""),
        at(config, &["import", "list"], ""),
        transcript(&["import", "presets"], muster(&["import", "presets"], "")),
        transcript(&["import", "template"], muster(&["import", "template"], "")),
        transcript(
            &["import", "template", "--preset", "fleet"],
            muster(&["import", "template", "--preset", "fleet"], ""),
        ),
    ];
    transcripts.concat()
}
