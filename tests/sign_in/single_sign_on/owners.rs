//! Owners of previous records: people of a real identity provider, which cannot be asked about them before they sign
//! in.

use super::{SCHOOL, guest, school, school_with, sign_in};
use crate::directory::owners::{Line, import, owner, people, record, shown_to};
use events::record::{OwnerCounts, RecordOwner};
use world::World;

const LINES: [Line<'_>; 3] =
    [("1", "", "Alice@example.test", ""), ("2", "", "bob@example.test", ""), ("3", "bob", "", "")];

fn rules() -> [String; 2] {
    [format!("mail={SCHOOL}:mail"), format!("user_name={SCHOOL}:user_name")]
}

#[tokio::test(flavor = "multi_thread")]
async fn records_stay_unresolved_until_somebody_signs_in_with_an_address_that_the_provider_verified() {
    let Some((server, _provider)) = school("owners-single-sign-on").await else { return };
    let [mail, user_name] = rules();
    let finished = import(&server, &[&mail, &user_name], &LINES).await;
    assert_eq!(finished.owners, Some(OwnerCounts { unresolved: 3, ..OwnerCounts::default() }));
    assert_eq!(owner(&server, "1").await, None);
    sign_in(&server, &mut guest(&server), "alice").await;
    sign_in(&server, &mut guest(&server), "bob").await;
    let (alice, bob) = (people(&server, "alice").await[0], people(&server, "bob").await[0]);
    assert_eq!(shown_to(&server, alice).await, [record(&server, "1")]);
    assert_eq!(shown_to(&server, bob).await, [record(&server, "3")], "his address is not verified, his name is stated");
    assert_eq!(owner(&server, "2").await, None);
    // Another account has the same user name and address.
    sign_in(&server, &mut guest(&server), "mallory").await;
    let mallory = people(&server, "alice").await[1];
    assert_eq!((shown_to(&server, alice).await, shown_to(&server, mallory).await), (vec![], vec![]));
    assert_eq!(owner(&server, "1").await, Some(RecordOwner::Several {}));
    let finished = import(&server, &[&mail], &[("4", "", "alice@example.test", "")]).await;
    assert_eq!(finished.owners, Some(OwnerCounts { several: 1, ..OwnerCounts::default() }));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attribute_that_the_configuration_names_finds_the_records_of_a_person_who_signed_in_before() {
    let change = |config: &mut identity::config::OpenIdConnect| {
        config.employee_number_claim = Some("managed_apple_id".into());
    };
    let Some((server, _provider)) = school_with("owners-single-sign-on-claims", World::system(), change).await else {
        return;
    };
    sign_in(&server, &mut guest(&server), "alice").await;
    let rule = format!("employee_number={SCHOOL}:employee_number");
    let finished = import(&server, &[&rule], &[("1", "", "", "ALICE@appleid.example.test"), ("2", "", "", "7")]).await;
    assert_eq!(finished.owners, Some(OwnerCounts { unique: 1, unresolved: 1, ..OwnerCounts::default() }));
    let alice = people(&server, "alice").await[0];
    assert_eq!(shown_to(&server, alice).await, [record(&server, "1")]);
    server.stop().await;
}
