//! A connection over TLS on which a test says each byte itself, or nothing.

use super::TestServer;
use super::waiting::PATIENCE;
use openssl::ssl::{SslConnector, SslMethod};
use openssl::x509::X509;
use std::net::SocketAddr;
use std::pin::Pin;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_openssl::SslStream;

pub struct Connection(SslStream<TcpStream>);

impl Connection {
    pub async fn to(server: &TestServer) -> Connection {
        Connection::at(server.running().address, &server.tls_root()).await
    }

    pub async fn at(address: SocketAddr, root: &[u8]) -> Connection {
        let mut connector = SslConnector::builder(SslMethod::tls_client()).unwrap();
        connector.cert_store_mut().add_cert(X509::from_pem(root).unwrap()).unwrap();
        let ssl = connector.build().configure().unwrap().into_ssl("localhost").unwrap();
        let tcp = TcpStream::connect(address).await.unwrap();
        let mut connection = SslStream::new(ssl, tcp).unwrap();
        Pin::new(&mut connection).connect().await.unwrap();
        Connection(connection)
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
        self.0.flush().await.unwrap();
    }

    /// The head of the next answer and its body, of the length that it says; empty where the connection ended instead.
    pub async fn answer(&mut self) -> String {
        let mut read = Vec::new();
        let whole = |read: &[u8]| {
            let text = String::from_utf8_lossy(read).to_lowercase();
            let (head, body) = text.split_once("\r\n\r\n")?;
            let length = head.split_once("content-length: ").and_then(|(_, rest)| rest.lines().next()?.parse().ok());
            (body.len() >= length.unwrap_or(0)).then_some(())
        };
        while whole(&read).is_none() {
            let mut bytes = [0; 4096];
            match timeout(PATIENCE, self.0.read(&mut bytes)).await.unwrap() {
                Ok(0) | Err(_) => break,
                Ok(count) => read.extend_from_slice(&bytes[..count]),
            }
        }
        String::from_utf8(read).unwrap()
    }

    /// Waits until the other side has ended the connection; what it says before is not looked at.
    pub async fn ended(&mut self) {
        let mut bytes = [0; 4096];
        while matches!(timeout(PATIENCE, self.0.read(&mut bytes)).await.unwrap(), Ok(count) if count > 0) {}
    }
}
