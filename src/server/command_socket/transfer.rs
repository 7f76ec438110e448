//! Transfers a file over the command socket in frames: the length of a frame as 4 bytes, big-endian, then that many
//! bytes. A frame of length 0 ends the file, so that a broken connection never looks like the end of a file.
//!
//! Both directions are bounded: the receiver takes the next frame when the file's reader has used the last ones.

use std::io::{self, Read};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;

/// Maximum length of a frame in bytes.
const FRAME: usize = 64 * 1024;

/// Number of frames that wait for the file's reader.
const WAITING: usize = 4;

/// How long a frame may take to arrive. A command that reads a pipe sends nothing while the pipe is silent, and until
/// the file ends no other import runs.
pub(super) const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// Why a file was not sent to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    #[error("cannot read the file: {0}")]
    File(io::Error),
    /// The receiver stopped, or it no longer wants the file.
    #[error("the connection to the server broke: {0}")]
    Connection(io::Error),
}

/// Sends a file and its end.
///
/// # Errors
/// The file cannot be read, or the connection broke. The receiver then sees a broken connection.
pub(crate) async fn send(mut file: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) -> Result<(), SendError> {
    let mut buffer = vec![0; FRAME];
    loop {
        let length = file.read(&mut buffer).await.map_err(SendError::File)?;
        // A frame is at most 64 KiB long.
        let head = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
        to.write_all(&head).await.map_err(SendError::Connection)?;
        to.write_all(&buffer[..length]).await.map_err(SendError::Connection)?;
        if length == 0 {
            return to.flush().await.map_err(SendError::Connection);
        }
    }
}

/// A file that is received, to be read on a blocking thread.
pub(crate) struct Incoming {
    frames: mpsc::Receiver<io::Result<Vec<u8>>>,
    frame: io::Cursor<Vec<u8>>,
    has_ended: bool,
}

/// Receives a file in the background. If nobody reads it any more, the rest of it is passed over, because a sender that
/// is cut off may lose the answer. A frame that takes longer than `patience` is an error.
pub(crate) fn receive(from: impl AsyncRead + Send + Unpin + 'static, patience: Duration) -> Incoming {
    let (sender, frames) = mpsc::channel(WAITING);
    tokio::spawn(take_frames(from, patience, sender));
    Incoming { frames, frame: io::Cursor::default(), has_ended: false }
}

// An error ends the frames without the empty one that ends the file.
async fn take_frames(mut from: impl AsyncRead + Unpin, patience: Duration, sender: mpsc::Sender<io::Result<Vec<u8>>>) {
    loop {
        let frame =
            tokio::time::timeout(patience, take_frame(&mut from)).await.unwrap_or_else(|_| Err(stalled(patience)));
        let is_last = frame.as_ref().map_or(true, Vec::is_empty);
        // Nobody may read the file any more.
        let _ = sender.send(frame).await;
        if is_last {
            return;
        }
    }
}

async fn take_frame(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let length = from.read_u32().await.map_err(|_| broken())?;
    let length = usize::try_from(length).ok().filter(|length| *length <= FRAME);
    let mut frame = vec![0; length.ok_or_else(broken)?];
    from.read_exact(&mut frame).await.map_err(|_| broken())?;
    Ok(frame)
}

impl Read for Incoming {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let length = Read::read(&mut self.frame, buffer)?;
            if length > 0 || buffer.is_empty() || self.has_ended {
                return Ok(length);
            }
            let frame = self.frames.blocking_recv().ok_or_else(broken)??;
            self.has_ended = frame.is_empty();
            self.frame = io::Cursor::new(frame);
        }
    }
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the connection broke before the end of the file")
}

fn stalled(patience: Duration) -> io::Error {
    let minutes = plural::counted(patience.as_secs() / 60, "minute");
    io::Error::new(io::ErrorKind::TimedOut, format!("nothing of it arrived for {minutes}, and other imports wait"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(incoming: Incoming) -> io::Result<Vec<u8>> {
        let mut incoming = incoming;
        let mut bytes = Vec::new();
        incoming.read_to_end(&mut bytes).map(|_| bytes)
    }

    async fn received(bytes: Vec<u8>) -> io::Result<Vec<u8>> {
        let incoming = receive(io::Cursor::new(bytes), PATIENCE);
        tokio::task::spawn_blocking(move || read(incoming)).await.unwrap()
    }

    #[tokio::test]
    async fn a_file_of_many_frames_arrives_unchanged() {
        let file: Vec<u8> = (0..3 * FRAME + 7).map(|nth| (nth % 251) as u8).collect();
        for file in [file, b"x".to_vec(), vec![]] {
            let (near, far) = tokio::io::duplex(1_000);
            let (sent, got) = tokio::join!(send(&file[..], near), async {
                let incoming = receive(far, PATIENCE);
                tokio::task::spawn_blocking(move || read(incoming)).await.unwrap()
            });
            sent.unwrap();
            assert!(got.unwrap() == file);
        }
    }

    #[tokio::test]
    async fn a_connection_that_ends_without_the_empty_frame_is_no_end_of_a_file() {
        let whole = [&[0, 0, 0, 3][..], b"abc", &[0, 0, 0, 0]].concat();
        assert_eq!(received(whole.clone()).await.unwrap(), b"abc");
        for length in 0..whole.len() {
            let error = received(whole[..length].to_vec()).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "after {length} bytes");
        }
    }

    #[tokio::test]
    async fn a_sender_that_falls_silent_ends_the_file_with_an_error_although_the_connection_stays() {
        for begun in [&[][..], &[0, 0], &[0, 0, 0, 9, 1], &[0, 0, 0, 1, 1]] {
            let (mut near, far) = tokio::io::duplex(1_000);
            near.write_all(begun).await.unwrap();
            let incoming = receive(far, Duration::from_millis(20));
            let read = tokio::task::spawn_blocking(move || read(incoming)).await.unwrap();
            let error = read.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{begun:?}: {error}");
            drop(near);
        }
        assert!(stalled(PATIENCE).to_string().contains("for 10 minutes"));
    }

    #[tokio::test]
    async fn a_frame_that_is_too_long_is_refused_before_it_is_read() {
        let error = received([0xff; 8].to_vec()).await.unwrap_err();
        assert!(error.to_string().contains("broke"), "{error}");
    }

    #[tokio::test]
    async fn a_sender_whose_file_is_no_longer_read_is_not_cut_off() {
        let (near, far) = tokio::io::duplex(1_000);
        drop(receive(far, PATIENCE));
        send(&vec![7; 20 * FRAME][..], near).await.unwrap();
    }

    #[tokio::test]
    async fn no_more_than_a_few_frames_wait_for_a_slow_reader() {
        let (near, far) = tokio::io::duplex(1_000);
        let incoming = receive(far, PATIENCE);
        let (file, mut rest) = tokio::io::duplex(10 * FRAME);
        rest.write_all(&vec![7; 10 * FRAME]).await.unwrap();
        drop(rest);
        let sending = tokio::spawn(send(file, near));
        // The waiting frames, one that is taken, and one that is sent: the channel is full before all ten.
        while incoming.frames.len() < WAITING {
            tokio::task::yield_now().await;
        }
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
        assert!(!sending.is_finished(), "the sender waits for the reader");
        let all = tokio::task::spawn_blocking(move || read(incoming)).await.unwrap().unwrap();
        assert_eq!(all.len(), 10 * FRAME);
        sending.await.unwrap().unwrap();
    }
}
