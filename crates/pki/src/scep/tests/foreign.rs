//! Tests with tools that share no code with this crate: the `openssl` command opens an answer, strongSwan's `pki`
//! requests certificates. Each test reports that it is left out if the tool is not installed.

use super::client::{Asks, Client};
use super::*;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Mutex;

fn run(program: &str, arguments: &[&str]) -> Option<Output> {
    Command::new(program).args(arguments).output().ok()
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn the_openssl_command_verifies_an_answer_and_finds_the_certificate_in_it() {
    if run("openssl", &["version"]).is_none() {
        test_support::left_out("the openssl command is not installed");
        return;
    }
    let client = Client::new();
    let request = request(&client.message(&Asks::default()));
    let issued = issue(&request, World::system().uuid());
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: Vec<u8>| {
        let path = directory.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let answer = file("answer", succeed(&request, &issued));
    let key = file("key", client.key.private_key_to_pem_pkcs8().unwrap());
    let certificate = file("certificate", client.certificate.to_pem().unwrap());
    let (envelope, content) = (directory.path().join("envelope"), directory.path().join("content"));
    let ca = &testing::files().files.identity_ca_certificate;
    let done = |arguments: &[&str]| {
        let output = run("openssl", arguments).unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let (answer, envelope, content) = (path(&answer), path(&envelope), path(&content));
    done(&["cms", "-verify", "-binary", "-inform", "DER", "-in", answer, "-CAfile", path(ca), "-out", envelope]);
    let (key, certificate) = (path(&key), path(&certificate));
    done(&[
        "cms",
        "-decrypt",
        "-inform",
        "DER",
        "-in",
        envelope,
        "-inkey",
        key,
        "-recip",
        certificate,
        "-out",
        content,
    ]);
    let printed = done(&["pkcs7", "-inform", "DER", "-in", content, "-print_certs"]);
    let found = openssl::x509::X509::stack_from_pem(&printed).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].to_der().unwrap(), issued.certificate.to_der().unwrap());
}

/// Capabilities for strongSwan 5.9.8. It has an error in its parser of GetCACaps and continues only if every
/// capability is present.
const EVERYTHING: &str = "AES\nDES3\nSHA-1\nSHA-224\nSHA-256\nSHA-384\nSHA-512\nGetNextCACert\nPOSTPKIOperation\n\
                          SCEPStandard\nRenewal\nUpdate\n";

/// A minimal web server, so that only the protocol is tested.
struct Server {
    address: SocketAddr,
    /// The requested operations, in order.
    asked: std::sync::Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(device: Uuid) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Server { address: listener.local_addr().unwrap(), asked: Default::default() };
        let asked = server.asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let _ = serve(stream.unwrap(), device, &asked);
            }
        });
        server
    }

    fn url(&self) -> String {
        format!("http://{}/scep", self.address)
    }
}

fn serve(mut stream: TcpStream, device: Uuid, asked: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let target = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let header = header.trim().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if header == "expect: 100-continue" {
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let (kind, answer) = answer_to(&target, &body, device, asked);
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n", answer.len())?;
    stream.write_all(b"Connection: close\r\n\r\n")?;
    stream.write_all(&answer)
}

fn answer_to(target: &str, body: &[u8], device: Uuid, asked: &Mutex<Vec<String>>) -> (&'static str, Vec<u8>) {
    let pki = testing::pki();
    if target.contains("GetCACaps") {
        return (authority::CAPABILITIES_TYPE, EVERYTHING.into());
    }
    if target.contains("GetCACert") {
        return (authority::CERTIFICATES_TYPE, authority::certificates(pki).unwrap());
    }
    let request = request(body);
    asked.lock().unwrap().push(format!("{:?}", request.kind));
    let refused = matches!(&request.kind, RequestKind::Enroll { challenge } if challenge.as_deref() != Some("right"));
    let answer = if refused {
        answer::fail(pki, &World::system(), &request.exchange, FailInfo::BadRequest).unwrap()
    } else {
        succeed(&request, &issue(&request, device))
    };
    (authority::MESSAGE_TYPE, answer)
}

/// Runs strongSwan's `pki` with the arguments of every call: the server's URL and the trusted certificates.
fn strongswan(url: &str, key: &Path, more: &[&str]) -> Output {
    let files = &testing::files().files;
    let (ca, ra) = (path(&files.identity_ca_certificate), path(&files.registration_authority_certificate));
    let mut arguments = vec!["--scep", "--url", url, "--in", path(key), "--dn", "CN=strongSwan", "--outform", "pem"];
    arguments.extend(["--cacert-enc", ra, "--cacert-sig", ra, "--cacert", ca]);
    arguments.extend(more);
    run("pki", &arguments).unwrap()
}

#[test]
fn strongswan_gets_a_certificate_with_every_cipher_and_digest_and_renews_it() {
    let installed = run("pki", &["--scep", "--help"]);
    if !installed.is_some_and(|output| String::from_utf8_lossy(&output.stdout).contains("strongSwan")) {
        test_support::left_out("strongSwan's pki is not installed");
        return;
    }
    let device = World::system().uuid();
    let server = Server::start(device);
    let directory = tempfile::tempdir().unwrap();
    let key = directory.path().join("key.pem");
    std::fs::write(&key, Client::new().key.private_key_to_pem_pkcs8().unwrap()).unwrap();
    let mut got = Vec::new();
    for cipher in ["aes", "des3"] {
        for digest in ["sha256", "sha512", "sha1"] {
            let asked = ["--password", "right", "--cipher", cipher, "--digest", digest];
            let output = strongswan(&server.url(), &key, &asked);
            let said = String::from_utf8_lossy(&output.stderr);
            let certificate = openssl::x509::X509::from_pem(&output.stdout);
            let certificate = certificate.unwrap_or_else(|_| panic!("{cipher}, {digest}: {said}"));
            assert_eq!(testing::pki().device_of(&certificate), Some(device));
            got = output.stdout;
        }
    }
    let old = directory.path().join("old.pem");
    std::fs::write(&old, got).unwrap();
    let new_key = directory.path().join("new.pem");
    std::fs::write(&new_key, Client::new().key.private_key_to_pem_pkcs8().unwrap()).unwrap();
    let renewed = strongswan(&server.url(), &new_key, &["--cert", path(&old), "--key", path(&key)]);
    let certificate = openssl::x509::X509::from_pem(&renewed.stdout);
    let certificate = certificate.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&renewed.stderr)));
    assert_eq!(testing::pki().device_of(&certificate), Some(device));
    assert!(server.asked.lock().unwrap().last().unwrap().starts_with("Renew"));

    let refused = strongswan(&server.url(), &key, &["--password", "wrong"]);
    assert!(!refused.status.success() && refused.stdout.is_empty());
    let said = String::from_utf8_lossy(&refused.stderr).to_lowercase();
    assert!(said.contains("badrequest") || said.contains("bad request") || said.contains("not permitted"), "{said}");
}
