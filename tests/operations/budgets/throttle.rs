//! Tests the throttle for people who share an address with a client that guesses passwords.

use super::{behind_a_proxy, console, from, is_let_in, portal};
use events::settings::SharedNetwork;
use events::staff::Privilege;
use harness::TestServer;
use harness::desk::PASSWORD;
use harness::guest::{Guest, iphone};

const SCHOOL: &str = "203.0.113.66";
const WRONG: &str = "a wrong password";

/// Sends sixty failed sign-ins: five for each of eleven names, and one for each of five names.
async fn guess_from(server: &TestServer, address: &str) {
    let often = (0..55).map(|nth| format!("often {}", nth % 11));
    let once = (0..5).map(|nth| format!("once {nth}"));
    let tries = often.chain(once).map(|name| async move { portal(server, address, &name, WRONG).await.status });
    let statuses = futures_util::future::join_all(tries).await;
    assert!(statuses.iter().all(|status| *status == 401), "{statuses:?}");
}

async fn again(guest: &mut Guest, name: &str, password: &str) -> u16 {
    guest.get("/enroll/sign-in").await;
    guest.post_with("/enroll/sign-in", &[("user_name", name), ("password", password)], from(SCHOOL)).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn a_school_behind_one_address_gets_in_while_somebody_guesses_there_and_guessing_survives_a_restart() {
    let (mut server, _) = behind_a_proxy().await;
    for name in ["ada", "bob"] {
        server.add_user(name, PASSWORD, &[Privilege::Enroll]).await;
    }
    server.add_user("root", PASSWORD, &[Privilege::Administrator]).await;
    let mut ada = Guest::new(&server, &iphone("17.5"));
    assert_eq!(again(&mut ada, "ada", WRONG).await, 401);
    let known =
        |guest: &Guest| guest.set_cookies.iter().find(|cookie| cookie.starts_with("__Host-muster-known=")).cloned();
    assert_eq!(known(&ada), None, "the cookie is set only after a right password");
    assert_eq!(again(&mut ada, "ada", PASSWORD).await, 303);
    let cookie = known(&ada).unwrap();
    for attribute in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/", "Max-Age=7776000"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    let value = cookie.split(['=', ';']).nth(1).unwrap().to_owned();

    guess_from(&server, SCHOOL).await;
    assert_eq!(portal(&server, SCHOOL, "once 0", WRONG).await.status, 429, "a name that failed before has to wait");
    assert_eq!(portal(&server, SCHOOL, "bob", PASSWORD).await.status, 303, "a first-time browser has one attempt");
    assert_eq!(portal(&server, SCHOOL, "bob", PASSWORD).await.status, 429, "only one attempt per minute");
    assert!(is_let_in(&server, SCHOOL, "root").await, "the console has its own count");

    // Ada failed a moment ago. Only the cookie of her browser lets her sign in: under her name only, and for a limited
    // number of failures.
    assert_eq!(portal(&server, SCHOOL, "ada", PASSWORD).await.status, 429);
    let with_cookie = async |name: &str, value: &str, password: &str| {
        let mut guest = Guest::new(&server, &iphone("17.5"));
        guest.cookies.insert("__Host-muster-known".into(), value.into());
        again(&mut guest, name, password).await
    };
    assert_eq!(with_cookie("once 1", &value, WRONG).await, 429, "the cookie is not valid for another name");
    assert_eq!(with_cookie("ada", &value.replace('.', "0."), PASSWORD).await, 429, "an altered cookie is not valid");
    assert_eq!(with_cookie("ada", &value, PASSWORD).await, 303);
    for _ in 0..10 {
        assert_eq!(with_cookie("ada", &value, WRONG).await, 401);
    }
    assert_eq!(with_cookie("ada", &value, PASSWORD).await, 429, "after ten failures the cookie has no effect");

    server.restart().await;
    assert_eq!(portal(&server, SCHOOL, "once 2", WRONG).await.status, 429);
    let network = SharedNetwork { cidr: "203.0.113.0/24".into(), people: 900 };
    server.settings(|settings| settings.shared_networks = vec![network]).await;
    assert_eq!(
        portal(&server, SCHOOL, "once 2", WRONG).await.status,
        401,
        "a network of many people may have more failures"
    );
    assert_eq!(console(&server, SCHOOL, "root", WRONG).await, 401);
    server.stop().await;
}
