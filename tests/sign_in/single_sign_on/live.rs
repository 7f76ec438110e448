//! `muster check-config --live` queries the providers and explains what is wrong.

use super::hostile::Hostile;
use harness::binary::{Said, muster_at};
use harness::installation;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Runs the command for an installation whose provider has this issuer.
async fn ask(config: &Path, issuer: &str) -> Said {
    let secret = config.with_file_name("client-secret");
    std::fs::write(&secret, "s3cret\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&secret, mode).unwrap();
    let text = std::fs::read_to_string(config).unwrap();
    let text = text.split("[[identity.").next().unwrap().to_owned();
    let provider = format!(
        "\n[[identity.openid_connect]]\nname = \"school\"\ntitle = \"Example ID\"\nissuer = \"{issuer}\"\n\
         client_id = \"muster\"\nclient_secret = \"client-secret\"\n"
    );
    let file: PathBuf = config.with_file_name("with-provider.toml");
    std::fs::write(&file, text + &provider).unwrap();
    tokio::task::spawn_blocking(move || muster_at(&file, &["check-config", "--live"], "")).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn check_config_asks_providers_and_says_what_is_wrong() {
    let (_directory, config) = installation().await;
    let hostile = Hostile::start().await;
    hostile.change(|script| (script.token_status, script.tokens) = (400, json!({ "error": "invalid_grant" })));
    let said = ask(&config, &hostile.issuer).await.expect_success();
    assert!(said.contains(&format!("identity provider school: {} answers and has 2 keys", hostile.issuer)), "{said}");
    assert!(said.contains("identity provider school: it accepts the client secret"), "{said}");
    assert_eq!(hostile.asked("/token"), 1);
    assert!(said.contains("/enroll/sso/school/callback") && said.contains("/console/sso/school/callback"), "{said}");

    let slash = ask(&config, &format!("{}/", hostile.issuer)).await;
    assert_eq!(slash.code, Some(1), "{slash:?}");
    assert!(slash.out.contains(&format!("write issuer = \"{}\"", hostile.issuer)), "{slash:?}");

    hostile.change(|script| script.metadata["jwks_uri"] = json!("http://192.0.2.1/keys"));
    let plain = ask(&config, &hostile.issuer).await;
    assert!(plain.out.contains("its jwks_uri is http://192.0.2.1/keys, which is not an https address"), "{plain:?}");

    let issuer = hostile.issuer.clone();
    hostile.stop().await;
    let down = ask(&config, &issuer).await;
    assert_eq!(down.code, Some(1), "{down:?}");
    assert!(down.out.contains("it cannot be reached") && down.out.contains("refused"), "{down:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn check_config_finds_a_wrong_client_secret_and_scopes_that_bring_no_groups() {
    let (_directory, config) = installation().await;
    let hostile = Hostile::start().await;
    hostile.change(|script| {
        script.token_status = 401;
        script.tokens = json!({ "error": "invalid_client", "error_description": "Wrong \u{7}secret" });
        script.metadata["scopes_supported"] = json!(["openid", "profile", "groups"]);
        script.metadata["claims_supported"] = json!(["sub", "roles"]);
    });
    let said = ask(&config, &hostile.issuer).await;
    assert_eq!(said.code, Some(1), "{said:?}");
    for told in [
        "it rejects the client_id with this client secret: \"invalid_client\"",
        "\"Wrong secret\"",
        "it does not offer the scope \"email\"",
        "it offers a scope \"groups\", which is not requested",
        "it does not list the claim \"groups\"",
    ] {
        assert!(said.out.contains(told), "{told}: {said:?}");
    }
    hostile.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn check_config_says_when_a_provider_needs_a_root() {
    let (_directory, config) = installation().await;
    let pki = |name: &str| config.with_file_name("pki").join(name);
    let hostile = Hostile::start_with(Some((&pki("tls.pem"), &pki("tls.key")))).await;
    let said = ask(&config, &hostile.issuer).await;
    assert!(said.out.contains("name that CA in root"), "{said:?}");
    hostile.stop().await;
}
