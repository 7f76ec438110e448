//! The simulated devices, in a separate process: they prepare their signatures first and then send.

use super::AT_ONCE;
use super::installation::{Speaker, Speakers};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{SslConnector, SslMethod};
use openssl::x509::X509;
use plist::Value;
use serde::{Deserialize, Serialize};
use simulator::messages::{self, Identifier, xml};
use simulator::signature::{Identity, Style, mdm_signature};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// An answer to the waiting command.
    Acknowledgement,
    /// A TokenUpdate with new values.
    CheckIn,
    /// Idle, without a waiting command.
    Poll,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Way {
    /// `Mdm-Signature`, over persistent connections.
    Signature,
    /// A new connection for each message, with the device's certificate.
    MutualTls,
}

/// The kind of messages to send, and the port.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct Turn {
    pub kind: Kind,
    pub way: Way,
    pub port: u16,
    /// The device that sends all messages, by its index. `None`: each device sends one.
    pub only: Option<usize>,
}

/// Number of messages of a single device.
const REPEATED: usize = 1_000;

#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct Sent {
    pub messages: usize,
    pub took: Duration,
    pub p50: Duration,
    pub p99: Duration,
}

struct Message {
    speaker: usize,
    request: Vec<u8>,
}

/// For each turn: prints `ready`, waits for the start, sends the messages, and prints the result.
pub async fn serve(file: &Path) {
    let known: Speakers = serde_json::from_slice(&std::fs::read(file).expect("the speakers")).expect("JSON");
    let client = Arc::new(Client::new(known));
    while let Ok(turn) = serde_json::from_str::<Turn>(&heard()) {
        let messages = Arc::new(client.prepare(turn));
        println!("\"ready\"");
        heard();
        let sent = Arc::clone(&client).send(turn, messages).await;
        println!("{}", serde_json::to_string(&sent).expect("JSON"));
    }
}

pub fn heard() -> String {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).expect("a line");
    line
}

struct Client {
    topic: String,
    connector: SslConnector,
    identities: Vec<Identity>,
    speakers: Vec<Speaker>,
}

impl Client {
    fn new(known: Speakers) -> Client {
        let keys: Vec<PKey<Private>> =
            known.keys.iter().map(|pem| PKey::private_key_from_pem(pem.as_bytes()).expect("a key")).collect();
        let identity = |speaker: &Speaker| {
            let der = STANDARD.decode(&speaker.certificate).expect("base64");
            Identity::new(X509::from_der(&der).expect("a certificate"), keys[speaker.key].clone())
        };
        let mut connector = SslConnector::builder(SslMethod::tls_client()).expect("TLS");
        connector.set_ca_file(known.tls_root).expect("a root");
        Client {
            topic: known.topic,
            connector: connector.build(),
            identities: known.speakers.iter().map(identity).collect(),
            speakers: known.speakers,
        }
    }

    /// The devices of a turn. A command can be answered only once, so half of the devices answer by signature and the
    /// other half in TLS.
    fn prepare(&self, turn: Turn) -> Vec<Message> {
        if let Some(speaker) = turn.only {
            return (0..REPEATED).map(|_| self.message(turn, speaker)).collect();
        }
        let half = self.speakers.len() / 2;
        let whose = match (turn.kind, turn.way) {
            (Kind::Acknowledgement, Way::Signature) => 0..half,
            (Kind::Acknowledgement, Way::MutualTls) => half..self.speakers.len(),
            _ => 0..self.speakers.len(),
        };
        let all: Vec<usize> = whose.collect();
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            let part = |part: &[usize]| part.iter().map(|speaker| self.message(turn, *speaker)).collect::<Vec<_>>();
            let parts: Vec<_> =
                all.chunks(all.len().div_ceil(threads)).map(|chunk| scope.spawn(move || part(chunk))).collect();
            parts.into_iter().flat_map(|part| part.join().expect("it is prepared")).collect()
        })
    }

    fn message(&self, turn: Turn, nth: usize) -> Message {
        let (speaker, identity) = (&self.speakers[nth], &self.identities[nth]);
        let identifier = Identifier::EnrollmentId(speaker.enrollment_id.clone());
        let (path, body) = match turn.kind {
            Kind::CheckIn => {
                let token = format!("{:?} {nth:>20}", turn.way);
                let magic = format!("{:?}", turn.way);
                let update = messages::token_update(&identifier, &self.topic, token.as_bytes(), &magic, None);
                ("/mdm/checkin", xml(&update))
            }
            Kind::Poll => ("/mdm/command", xml(&messages::idle(&identifier))),
            Kind::Acknowledgement => {
                let mut answer = messages::idle(&identifier);
                answer.insert("Status".into(), "Acknowledged".into());
                answer.insert("CommandUUID".into(), speaker.command.to_string().to_uppercase().into());
                answer.insert("SecurityInfo".into(), Value::Dictionary(plist::Dictionary::new()));
                ("/mdm/command", xml(&answer))
            }
        };
        let signature = match turn.way {
            Way::Signature => {
                let signature = mdm_signature(&body, identity, Style::REAL).expect("it is signed");
                format!("Mdm-Signature: {signature}\r\n")
            }
            Way::MutualTls => String::new(),
        };
        let head = format!(
            "PUT {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: MDM/1.0\r\nContent-Type: \
             application/x-apple-aspen-mdm\r\nContent-Length: {}\r\n{signature}\r\n",
            body.len()
        );
        Message { speaker: nth, request: [head.as_bytes(), &body].concat() }
    }

    async fn send(self: Arc<Client>, turn: Turn, messages: Arc<Vec<Message>>) -> Sent {
        let (begun, next) = (Instant::now(), Arc::new(AtomicUsize::new(0)));
        let mut senders = tokio::task::JoinSet::new();
        for _ in 0..AT_ONCE {
            let (client, messages, next) = (Arc::clone(&self), Arc::clone(&messages), Arc::clone(&next));
            senders.spawn(async move {
                let (mut took, mut connection) = (Vec::new(), None);
                while let Some(message) = messages.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let begun = Instant::now();
                    let kept = match connection.take() {
                        Some(kept) => kept,
                        None => client.connect(turn, message.speaker).await,
                    };
                    let kept = put(kept, &message.request).await;
                    took.push(begun.elapsed());
                    connection = (turn.way == Way::Signature).then_some(kept);
                }
                took
            });
        }
        let mut took: Vec<Duration> = senders.join_all().await.concat();
        let whole = begun.elapsed();
        took.sort();
        Sent { messages: took.len(), took: whole, p50: took[took.len() / 2], p99: took[took.len() * 99 / 100] }
    }

    async fn connect(&self, turn: Turn, speaker: usize) -> SslStream<TcpStream> {
        let mut ssl = self.connector.configure().and_then(|tls| tls.into_ssl("localhost")).expect("TLS");
        if turn.way == Way::MutualTls {
            ssl.set_certificate(&self.identities[speaker].certificate).expect("a certificate");
            ssl.set_private_key(&self.identities[speaker].key).expect("its key");
        }
        let stream = TcpStream::connect(("127.0.0.1", turn.port)).await.expect("a connection");
        stream.set_nodelay(true).expect("a connection");
        let mut stream = SslStream::new(ssl, stream).expect("TLS");
        Pin::new(&mut stream).connect().await.expect("TLS");
        stream
    }
}

/// Sends a request and reads the response, which must be 200 with an empty body.
async fn put(mut stream: SslStream<TcpStream>, request: &[u8]) -> SslStream<TcpStream> {
    stream.write_all(request).await.expect("the server reads it");
    let mut answer = Vec::new();
    while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = stream.read_buf(&mut answer).await.expect("an answer");
        assert!(read > 0, "the connection ended before an answer: {}", String::from_utf8_lossy(&answer));
    }
    let text = String::from_utf8_lossy(&answer).to_lowercase();
    assert!(text.starts_with("http/1.1 200") && text.contains("content-length: 0\r\n"), "{text}");
    stream
}
