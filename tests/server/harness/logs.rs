//! Everything the servers of this test process log, at the finest level, to be searched for what must not be there.

use std::io::Write;
use std::sync::{Mutex, Once, PoisonError};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static START: Once = Once::new();

struct Buffer;

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LINES.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
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

/// Starts to keep what is logged; a second call changes nothing.
pub fn capture() {
    START.call_once(|| {
        let filter = EnvFilter::new("debug,muster=trace,events=trace,projections=trace");
        tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(Buffer).init();
    });
}

/// What was logged so far.
pub fn so_far() -> String {
    String::from_utf8_lossy(&LINES.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
}
