//! Captures everything that the servers of this test process log, at the finest level. Tests search it for values that
//! must not be logged. The log is kept in a file, because in memory it would take a gigabyte for as long as the process
//! runs.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt as _;
use std::sync::{LazyLock, Mutex, Once, PoisonError};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

/// The file has no name, so it disappears with the process.
static LINES: LazyLock<Mutex<File>> = LazyLock::new(|| Mutex::new(tempfile::tempfile().unwrap()));
static START: Once = Once::new();

struct Buffer;

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LINES.lock().unwrap_or_else(PoisonError::into_inner).write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Buffer {
    type Writer = Buffer;

    fn make_writer(&'a self) -> Buffer {
        Buffer
    }
}

/// Starts to capture the log; a second call changes nothing.
pub fn capture() {
    START.call_once(|| {
        let layer = tracing_subscriber::fmt::layer().json().with_writer(Buffer);
        let layer = layer.with_filter(EnvFilter::new("trace"));
        tracing_subscriber::registry().with(layer).with(telemetry::discretion()).init();
    });
}

/// Returns the log so far.
pub fn so_far() -> String {
    let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    let mut bytes = vec![0; lines.metadata().unwrap().len() as usize];
    lines.read_exact_at(&mut bytes, 0).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}
