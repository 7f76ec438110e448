//! A TLS connection on which a test controls each byte that is sent.

use crate::TestServer;
use crate::waiting::PATIENCE;
use openssl::ssl::{SslConnector, SslMethod};
use openssl::x509::X509;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_openssl::SslStream;

pub struct Connection(SslStream<Wire>);

impl Connection {
    pub async fn to(server: &TestServer) -> Connection {
        Connection::at(server.running().address, &server.tls_root()).await
    }

    /// Same as [`Connection::to`], from this source address.
    pub async fn from(source: IpAddr, server: &TestServer) -> Connection {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(source, 0)).unwrap();
        Connection::over(socket.connect(server.running().address).await.unwrap(), &server.tls_root()).await
    }

    pub async fn at(address: SocketAddr, root: &[u8]) -> Connection {
        Connection::over(TcpStream::connect(address).await.unwrap(), root).await
    }

    async fn over(tcp: TcpStream, root: &[u8]) -> Connection {
        let mut connector = SslConnector::builder(SslMethod::tls_client()).unwrap();
        connector.cert_store_mut().add_cert(X509::from_pem(root).unwrap()).unwrap();
        let ssl = connector.build().configure().unwrap().into_ssl("localhost").unwrap();
        let mut connection = SslStream::new(ssl, Wire { tcp, kept: None }).unwrap();
        Pin::new(&mut connection).connect().await.unwrap();
        Connection(connection)
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
        self.0.flush().await.unwrap();
    }

    /// Sends each piece in its own TLS record, all records in one write. Of the last record, only the first
    /// `of_the_last` bytes are sent.
    pub async fn send_at_once(&mut self, pieces: &[&[u8]], of_the_last: usize) {
        self.0.get_mut().kept = Some(Vec::new());
        let mut begun = 0;
        for piece in pieces {
            begun = self.0.get_ref().kept.as_ref().unwrap().len();
            self.send(piece).await;
        }
        let wire = self.0.get_mut();
        let kept = wire.kept.take().unwrap();
        wire.tcp.write_all(&kept[..begun + of_the_last]).await.unwrap();
    }

    /// Returns the head of the next response and its body, of the length that the head declares. The result is empty if
    /// the connection ended instead.
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

    /// Waits until the other side has ended the connection, and ignores what it sends before.
    pub async fn ended(&mut self) {
        let mut bytes = [0; 4096];
        while matches!(timeout(PATIENCE, self.0.read(&mut bytes)).await.unwrap(), Ok(count) if count > 0) {}
    }
}

/// The transport below TLS. It buffers the bytes while `kept` is set.
struct Wire {
    tcp: TcpStream,
    kept: Option<Vec<u8>>,
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.kept {
            Some(kept) => {
                kept.extend_from_slice(bytes);
                Poll::Ready(Ok(bytes.len()))
            }
            None => Pin::new(&mut self.tcp).poll_write(context, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(context)
    }
}
