//! Bulk commands, and commands that cannot be undone: the list that was shown, the confirmation, and the text of each
//! page in between.

use super::*;
use events::Event;
use harness::desk::enrolled_many;
use harness::devices::now;
use world::{ManualClock, World};

#[actix_web::test]
async fn letters_of_an_identifier_find_nobody_elses_device_and_a_person_is_a_filter_of_its_own() {
    let server = TestServer::start().await;
    let (ada, _) = (enrolled(&server, "ada", now()).await, enrolled(&server, "adalbert", now()).await);
    let other = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    server.caught_up().await;
    let id = other.id.to_string();
    let browser = administrator(&server).await;
    let rehearsed = async |which: (&str, &str)| {
        let page = browser.get("/console/commands/lock").await;
        let tried = post(&browser, "/console/commands/lock/try", &fields(&page, &[which])).await;
        (tried.texts("tbody th a").len(), tried.body)
    };
    // Parts of another device's identifier that could also be a user name: from the middle, and from the start.
    for part in [&id[10..15], &id[..7], &id[9..23]] {
        let (found, body) = rehearsed(("ids", part)).await;
        assert!(found == 0 && body.contains(&format!("<code>{part}</code>")), "{part}: {body}");
        let listed = browser.get(&format!("/console/devices?q={part}")).await;
        assert!(!listed.body.contains(&id), "{part} found {id}");
        assert_eq!(rehearsed(("person", part)).await.0, 0);
    }
    for whole in [&id[..8], &id[..], &id.to_uppercase()] {
        let (found, body) = rehearsed(("ids", whole)).await;
        assert!(found == 1 && body.contains(&id), "{whole}: {body}");
        assert!(browser.get(&format!("/console/devices?q={whole}")).await.body.contains(&id), "{whole}");
    }
    let two = format!("{id}\n{ada}, 0000-nobody");
    let (found, body) = rehearsed(("ids", &two)).await;
    assert!(found == 2 && body.contains("<code>0000-nobody</code>"), "{body}");
    let (found, body) = rehearsed(("person", "ADA")).await;
    assert!(found == 1 && body.contains(&ada.to_string()), "only ada's device, not adalbert's: {body}");
    assert_eq!(browser.get("/console/devices?person=ada").await.texts("tbody tr").len(), 1);
    server.stop().await;
}

#[actix_web::test]
async fn many_devices_get_what_was_rehearsed_for_them_and_a_list_that_nobody_was_shown_is_not_believed() {
    let server = TestServer::start().await;
    let (first, second) = (enrolled(&server, "ada", now()).await, enrolled(&server, "bob", now()).await);
    let browser = administrator(&server).await;
    let rehearse = async |verb: &str| {
        let page = browser.get(&format!("/console/commands/{verb}")).await;
        post(&browser, &format!("/console/commands/{verb}/try"), &fields(&page, &[ALL, ("question", "profiles")])).await
    };
    let tried = rehearse("lock").await;
    assert_eq!(tried.texts("h1"), ["2 would accept it"], "{}", tried.body);
    let batch = tried.attribute("input[name=batch]", "value").unwrap();
    let do_it = async |verb: &str, page: &Answer, change: &[(&str, &str)]| {
        let mut form = fields(page, &[]);
        form.retain(|(name, _)| change.iter().all(|(changed, _)| changed != name));
        form.extend(change.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        post(&browser, &format!("/console/commands/{verb}/do"), &form).await
    };
    let shorter = batch.replacen(&first.to_string(), &second.to_string(), 1);
    for forged in [shorter.as_str(), "", "x.y.z", &batch[1..]] {
        let refused = do_it("lock", &tried, &[("batch", forged)]).await;
        assert!(refused.status == 409 && refused.body.contains("Nothing was done"), "{forged}: {}", refused.body);
    }
    // The list is not valid for another command, another text or another form.
    assert_eq!(do_it("ask", &rehearse("ask").await, &[("batch", &batch)]).await.status, 409);
    assert_eq!(do_it("lock", &tried, &[("message", "Other words")]).await.status, 409);
    assert_eq!(do_it("lock", &tried, &[("request", "0190aaaa-0000-7000-8000-000000000001")]).await.status, 409);

    // In the meantime one device leaves, and another enrolls that was not in the list.
    let left = DeviceEvent::DeviceUnenrolled { by: events::device::UnenrolledBy::Server };
    write(&server, &second.stream(), now(), left).await;
    let third = enrolled(&server, "cleo", now()).await;
    let done = do_it("lock", &tried, &[]).await;
    assert_eq!(done.texts("h1"), ["Queued for 1, 1 refused"], "{}", done.body);
    let record = browser.get(&format!("/console/devices/{first}")).await;
    assert!(record.body.contains("DeviceLock"), "a page that follows the action shows it: {}", record.body);
    let told = done.texts("tbody tr");
    assert!(told.iter().any(|line| line.contains("changed after the list was shown")), "{told:?}");
    let locked = async |device: events::device::DeviceId| {
        let log = server.log_of(&device.stream()).await;
        log.iter().any(|entry| entry.event.to_parts().0 == "MdmCommandQueued" && entry.actor.kind == ActorKind::Staff)
    };
    assert_eq!((locked(first).await, locked(second).await, locked(third).await), (true, false, false));
    server.stop().await;
}

/// Sends the password that a confirmation page asks for.
async fn prove(browser: &Browser, asked: &Answer) -> Answer {
    assert_eq!((asked.status, asked.texts("h1")), (200, vec!["Confirm it’s you".to_owned()]), "{}", asked.body);
    post(browser, "/console/confirm/password", &fields(asked, &[("password", harness::desk::PASSWORD)])).await
}

/// Submits the form of a page unchanged.
async fn go_on(browser: &Browser, page: &Answer) -> Answer {
    assert!(page.body.contains("Nothing has been done yet"), "{}", page.body);
    let action = page.attribute("main form", "action").unwrap();
    post(browser, &action, &fields(page, &[])).await
}

#[actix_web::test]
async fn what_cannot_be_undone_takes_a_proof_of_the_last_minutes_one_for_the_whole_batch() {
    let clock = std::sync::Arc::new(ManualClock::at(now()));
    let server = TestServer::start_with(World::at(clock.clone()), |_| {}).await;
    let devices = [
        TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await,
        TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await,
    ];
    server.caught_up().await;
    let browser = administrator(&server).await;
    let device = format!("/console/devices/{}", devices[0].id);
    let mut rehearsed = Vec::new();
    for verb in ["erase", "clear-passcode", "unenroll"] {
        let many = format!("/console/commands/{verb}");
        let form = fields(&browser.get(&many).await, &[ALL]);
        let tried = post(&browser, &format!("{many}/try"), &form).await;
        rehearsed.push((verb, many, form, tried));
    }
    let erase = browser.get(&format!("{device}/commands/erase")).await;
    let name = erase.texts("label[for=confirm] strong")[0].clone();
    clock.advance_seconds(6 * 60);
    let page = browser.get(&device).await;
    let leads = |answer: Answer, next: &str| {
        let next: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
        assert_eq!((answer.status, answer.location()), (303, &*format!("/console/confirm?next={next}")));
    };
    let asks = |answer: Answer, named: &[&str]| {
        assert_eq!((answer.status, answer.texts("h1")), (200, vec!["Confirm it’s you".to_owned()]), "{}", answer.body);
        let about = answer.texts(".about").concat();
        assert!(named.iter().all(|name| about.contains(name)), "{named:?}: {about}");
    };
    let ids = devices.each_ref().map(|device| device.id.to_string()[..13].to_owned());
    for (verb, many, form, tried) in &rehearsed {
        leads(browser.get(many).await, many);
        asks(post(&browser, &format!("{many}/try"), form).await, &["Rehearse", "that you choose afterwards"]);
        let phrase = format!("{verb} 2");
        let answer = post(&browser, &format!("{many}/do"), &fields(tried, &[("confirm", &phrase)])).await;
        asks(answer, &["on 2", &ids[0], &ids[1]]);
    }
    for verb in ["erase", "clear-passcode"] {
        let one = format!("{device}/commands/{verb}");
        leads(browser.get(&one).await, &one);
        let asked = browser.get(&format!("/console/confirm?next={one}")).await;
        assert!(asked.texts(".about").concat().contains(&ids[0]), "{}", asked.body);
        asks(post(&browser, &one, &fields(&erase, &[("confirm", &name)])).await, &[&ids[0]]);
    }
    asks(post(&browser, &format!("{device}/unenroll"), &fields(&page, &[])).await, &["Unenroll", &ids[0]]);
    // Commands that can be undone need no confirmation.
    assert_eq!(browser.get("/console/commands/lock").await.status, 200);
    for device in &devices {
        assert_eq!(queued(&server, device).await, Vec::<String>::new());
    }

    let confirm = browser.get("/console/confirm?next=%2Fconsole%2Fcommands%2Fclear-passcode").await;
    assert!(confirm.texts(".about").concat().contains("Clear the passcode"), "{}", confirm.body);
    let proven = prove(&browser, &confirm).await;
    assert_eq!((proven.status, proven.location()), (303, "/console/commands/clear-passcode"));
    let page = browser.get("/console/commands/clear-passcode").await;
    let tried = post(&browser, "/console/commands/clear-passcode/try", &fields(&page, &[ALL])).await;
    let form = fields(&tried, &[("confirm", "clear-passcode 2")]);
    let done = post(&browser, "/console/commands/clear-passcode/do", &form).await;
    assert_eq!(done.texts("h1"), ["Queued for 2"], "{}", done.body);
    server.stop().await;
}

#[actix_web::test]
async fn after_the_proof_the_very_list_that_was_frozen_goes_on_and_every_page_between_says_that_nothing_was_done() {
    let clock = std::sync::Arc::new(ManualClock::at(now()));
    let server = TestServer::start_with(World::at(clock.clone()), |_| {}).await;
    let ours = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    let other = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    server.caught_up().await;
    let browser = administrator(&server).await;
    let page = browser.get("/console/commands/erase").await;
    let tried = post(&browser, "/console/commands/erase/try", &fields(&page, &[("ids", &ours.id.to_string())])).await;
    assert!(
        tried.texts("h1") == ["1 would accept it"] && tried.body.contains("valid for 15 minutes"),
        "{}",
        tried.body
    );
    clock.advance_seconds(6 * 60);
    let asked = post(&browser, "/console/commands/erase/do", &fields(&tried, &[("confirm", "erase 1")])).await;
    assert!(asked.body.contains("Nothing has been done yet"), "{}", asked.body);
    let about = asked.texts(".about").concat();
    assert!(about.contains("Erase on 1") && about.contains(&ours.id.to_string()[..13]), "{about}");
    // A wrong password keeps the pending command.
    let wrong = fields(&asked, &[("password", "not these words")]);
    let wrong = post(&browser, "/console/confirm/password", &wrong).await;
    assert!(wrong.status == 401 && wrong.texts(".about").concat().contains("Erase on 1"), "{}", wrong.body);
    let other_way = post(&browser, "/console/confirm", &fields(&wrong, &[])).await;
    let proven = prove(&browser, &other_way).await;
    assert_eq!((proven.status, proven.texts("h1")), (200, vec!["Erase on 1".to_owned()]), "{}", proven.body);
    assert!(proven.texts("ul.about").concat().contains(&ours.id.to_string()[..13]), "{}", proven.body);
    assert_eq!(queued(&server, &ours).await, Vec::<String>::new(), "the confirmation alone queues nothing");
    let done = go_on(&browser, &proven).await;
    assert_eq!((done.status, done.texts("h1")), (200, vec!["Queued for 1".to_owned()]), "{}", done.body);
    assert_eq!(queued(&server, &ours).await, ["EraseDevice"]);
    assert_eq!(queued(&server, &other).await, Vec::<String>::new());

    // A confirmation does not extend the validity of the list.
    let page = browser.get("/console/commands/unenroll").await;
    let tried = post(&browser, "/console/commands/unenroll/try", &fields(&page, &[ALL])).await;
    clock.advance_seconds(6 * 60);
    let asked = post(&browser, "/console/commands/unenroll/do", &fields(&tried, &[("confirm", "unenroll 2")])).await;
    clock.advance_seconds(10 * 60);
    let late = go_on(&browser, &prove(&browser, &asked).await).await;
    assert_eq!((late.status, late.texts("h1").concat().contains("Nothing was done")), (409, true), "{}", late.body);
    let again = post(&browser, &late.attribute("main form", "action").unwrap(), &fields(&late, &[])).await;
    assert_eq!(again.texts("h1"), ["2 would accept it"], "a new rehearsal with the same selection: {}", again.body);
    assert_eq!(queued(&server, &other).await, Vec::<String>::new());
    server.stop().await;
}

#[actix_web::test]
async fn after_the_proof_an_act_on_one_device_goes_on_with_what_its_form_said() {
    let clock = std::sync::Arc::new(ManualClock::at(now()));
    let server = TestServer::start_with(World::at(clock.clone()), |_| {}).await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    server.caught_up().await;
    let browser = administrator(&server).await;
    let path = format!("/console/devices/{}", device.id);
    for (act, command) in
        [("commands/clear-passcode", "ClearPasscode"), ("unenroll", "RemoveProfile"), ("commands/erase", "EraseDevice")]
    {
        let page = browser.get(&format!("{path}/commands/erase")).await;
        let name = page.texts("label[for=confirm] strong")[0].clone();
        clock.advance_seconds(6 * 60);
        let asked = post(&browser, &format!("{path}/{act}"), &fields(&page, &[("confirm", &name)])).await;
        let proven = prove(&browser, &asked).await;
        assert!(!queued(&server, &device).await.iter().any(|queued| queued == command));
        let done = go_on(&browser, &proven).await;
        assert!(done.status == 303 && done.location().starts_with(&path), "{act}: {}", done.body);
        let page = browser.get(done.location()).await;
        assert!(page.texts("main > .done").concat().contains(&format!("{command} is queued")), "{}", page.body);
        assert_eq!(queued(&server, &device).await.last().map(String::as_str), Some(command));
    }
    server.stop().await;
}

#[actix_web::test]
async fn nothing_filled_in_never_means_all_devices_and_blanks_are_an_error() {
    let server = TestServer::start().await;
    let (ada, _) = (enrolled(&server, "ada", now()).await, enrolled(&server, "bob", now()).await);
    let browser = administrator(&server).await;
    let page = browser.get("/console/commands/lock").await;
    let tried =
        async |which: &[(&str, &str)]| post(&browser, "/console/commands/lock/try", &fields(&page, which)).await;
    for (which, said) in [
        (&[][..], "or choose all enrolled devices"),
        (&[("which", "these"), ("person", ""), ("ids", ""), ("kind", "")], "or choose all enrolled devices"),
        (&[("which", "these"), ("person", "   ")], "The field for the person contains only spaces"),
        (&[("which", "all"), ("person", "   ")], "The field for the person contains only spaces"),
        (&[("ids", " \r\n , ")], "ids contains only spaces"),
        (&[("named", "\t"), ("person", "ada")], "model contains only spaces"),
        (&[("which", "all"), ("person", "ada")], "not both"),
    ] {
        let refused = tried(which).await;
        assert_eq!((refused.status, refused.texts("tbody tr").len()), (400, 0), "{which:?}: {}", refused.body);
        let alert = refused.texts("[role=alert]").concat();
        assert!(alert.contains(said) && alert.contains("Nothing was done"), "{which:?}: {alert}");
        assert_eq!(refused.texts("nav[aria-label=Main]").len(), 1, "the form is shown again");
    }
    let both = tried(&[("which", "all"), ("person", "ada")]).await;
    assert_eq!(both.attribute("#person", "value").as_deref(), Some("ada"), "the input is kept");
    assert_eq!(tried(&[ALL]).await.texts("h1"), ["2 would accept it"]);
    let one = tried(&[("which", "these"), ("person", "ada")]).await;
    assert!(one.texts("h1") == ["1 would accept it"] && one.body.contains(&ada.to_string()[..13]), "{}", one.body);
    assert_eq!(tried(&[("which", "these"), ("kind", "user")]).await.texts("h1"), ["2 would accept it"]);
    server.stop().await;
}

#[actix_web::test]
async fn the_frozen_list_tells_devices_of_one_name_apart_and_a_wrong_phrase_does_not_lose_it() {
    let server = TestServer::start().await;
    let device = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    let twin = TestDevice::enrolled(&server, EnrollmentKind::DeviceEnrollment).await;
    let personal = TestDevice::enrolled(&server, EnrollmentKind::UserEnrollment).await;
    let noted = DeviceEvent::HardwareClaimNoted { others: vec![device.id], count: 1 };
    write(&server, &twin.id.stream(), now(), noted).await;
    server.caught_up().await;
    let browser = administrator(&server).await;
    let page = browser.get("/console/commands/erase").await;
    let tried = post(&browser, "/console/commands/erase/try", &fields(&page, &[ALL])).await;
    let lines = tried.texts("tbody tr");
    for one in [&device, &twin] {
        let id = one.id.to_string();
        let line = lines.iter().find(|line| line.contains(&id[..13])).unwrap_or_else(|| panic!("{id}: {lines:?}"));
        assert!(line.contains("Hardware claim"), "{line}");
        assert!(line.contains("F5JM992LF193 · id"), "{line}");
    }
    let line = lines.iter().find(|line| line.contains(&personal.id.to_string()[..13])).unwrap();
    assert!(line.contains("No: EraseDevice is not for User Enrollment") && !line.contains("Hardware claim"), "{line}");

    for typed in ["erase 3", ""] {
        let wrong = post(&browser, "/console/commands/erase/do", &fields(&tried, &[("confirm", typed)])).await;
        assert_eq!((wrong.status, wrong.texts("tbody tr").len()), (409, 2), "{}", wrong.body);
        assert_eq!(wrong.attribute("#confirm", "aria-describedby").as_deref(), Some("wrong"));
        assert!(
            wrong.texts("#wrong").concat().contains("Nothing was done. To continue, type “erase 2”"),
            "{}",
            wrong.body
        );
        assert_eq!(wrong.texts("nav[aria-label=Main]").len(), 1);
        if typed.is_empty() {
            let done = post(&browser, "/console/commands/erase/do", &fields(&wrong, &[("confirm", "erase 2")])).await;
            assert_eq!(done.texts("h1"), ["Queued for 2"], "{}", done.body);
        }
    }
    let one = format!("/console/devices/{}/commands/erase", device.id);
    let page = browser.get(&one).await;
    let wrong = post(&browser, &one, &fields(&page, &[("confirm", "another")])).await;
    assert!(wrong.status == 409 && wrong.texts("#wrong").concat().contains("Nothing was erased"), "{}", wrong.body);
    assert_eq!(wrong.hidden().last(), page.hidden().last(), "the request ID is unchanged");
    server.stop().await;
}

#[actix_web::test]
async fn more_devices_than_one_rehearsal_takes_are_done_one_rehearsal_after_the_other() {
    let server = TestServer::start().await;
    let count = 503;
    enrolled_many(&server, count, now()).await;
    let browser = administrator(&server).await;
    let page = browser.get("/console/commands/ask").await;
    let tried =
        post(&browser, "/console/commands/ask/try", &fields(&page, &[("named", "iPhone"), ("question", "profiles")]))
            .await;
    assert_eq!(tried.texts("h1"), ["500 would accept it"]);
    let done = post(&browser, "/console/commands/ask/do", &fields(&tried, &[])).await;
    assert_eq!(done.texts("h1"), ["Queued for 500"]);
    let next = post(&browser, "/console/commands/ask/try", &fields(&done, &[])).await;
    assert_eq!(next.texts("h1"), ["3 would accept it"], "{}", next.body);
    let done = post(&browser, "/console/commands/ask/do", &fields(&next, &[])).await;
    assert_eq!(done.texts("h1"), ["Queued for 3"]);
    assert_eq!(done.attribute("main input[type=hidden][name=after]", "value"), None, "no devices are left");
    let queued = server.events_of("device").await.into_iter().filter(|event| {
        matches!(event, Event::Device(DeviceEvent::MdmCommandQueued { request_type, .. }) if request_type == "ProfileList")
    });
    assert!(queued.count() >= usize::try_from(count).unwrap());
    server.stop().await;
}
