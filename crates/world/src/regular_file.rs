//! Reads files that an operator names. Only regular files of limited size are read: opening never waits for the
//! writer of a named pipe, and a directory, device or socket is refused with a message that names its kind.

use rustix::fs::OFlags;
use std::fs::{File, FileType, OpenOptions};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Maximum size of a file in bytes. The bundle of all public CAs has a quarter of a MiB.
pub const LARGEST: u64 = 4 << 20;

/// Returns the content of a regular file of at most [`LARGEST`] bytes. Follows symbolic links.
///
/// # Errors
/// Returns an error if the file cannot be opened or read, is larger, or is not a regular file. The message names its
/// kind and what to do.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    content(open(path)?)
}

/// Like [`read`], for a file that is already open.
///
/// # Errors
/// Returns an error if the file cannot be read or is larger than [`LARGEST`].
pub fn content(file: File) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    // Reads one byte more, because the file may grow while it is read.
    file.take(LARGEST + 1).read_to_end(&mut content)?;
    if content.len() as u64 > LARGEST {
        let told = format!("it is larger than {} MiB: give the right file", LARGEST >> 20);
        return Err(io::Error::new(ErrorKind::FileTooLarge, told));
    }
    Ok(content)
}

/// Like [`read`], for a text file.
///
/// # Errors
/// Returns the same errors as [`read`], and `InvalidData` if the file is not UTF-8.
pub fn read_to_string(path: &Path) -> io::Result<String> {
    let no_text = |_| io::Error::new(ErrorKind::InvalidData, "it is not text in UTF-8: save it in that encoding");
    String::from_utf8(read(path)?).map_err(no_text)
}

/// Opens a regular file for reading.
///
/// # Errors
/// Returns an error if the file cannot be opened or is not a regular file.
pub fn open(path: &Path) -> io::Result<File> {
    // NONBLOCK: opening a named pipe does not wait. NOCTTY: a terminal does not become the controlling terminal of a
    // service.
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let opened = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path);
    // A socket cannot be opened (ENXIO). Its path shows what it is.
    let opened = opened.map_err(|error| match std::fs::metadata(path).map(|found| found.file_type()) {
        Ok(found) if !found.is_file() => refused(found),
        _ => error,
    });
    let file = opened?;
    // Checks the opened file, because the path may name another file by now.
    let found = file.metadata()?.file_type();
    if found.is_file() { Ok(file) } else { Err(refused(found)) }
}

fn refused(found: FileType) -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, format!("it is {}: give a regular file", kind(found)))
}

/// Returns the kind of a file that is not a regular one.
pub fn kind(found: FileType) -> &'static str {
    match found {
        _ if found.is_dir() => "a directory",
        _ if found.is_fifo() => "a named pipe (FIFO)",
        _ if found.is_socket() => "a socket",
        _ if found.is_symlink() => "a symbolic link",
        _ => "a device",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    #[test]
    fn only_a_regular_file_is_read_and_nothing_is_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let why = |path: &Path| read(path).unwrap_err().to_string();
        std::fs::write(path("text"), "content").unwrap();
        std::os::unix::fs::symlink(path("text"), path("link")).unwrap();
        assert_eq!(read_to_string(&path("link")).unwrap(), "content");
        let made = std::process::Command::new("mkfifo").arg(path("pipe")).status().unwrap();
        assert!(made.success());
        assert_eq!(why(&path("pipe")), "it is a named pipe (FIFO): give a regular file");
        let _listener = UnixListener::bind(path("socket")).unwrap();
        assert_eq!(why(&path("socket")), "it is a socket: give a regular file");
        assert_eq!(why(directory.path()), "it is a directory: give a regular file");
        assert_eq!(why(Path::new("/dev/zero")), "it is a device: give a regular file");
        assert_eq!(read(&path("none")).unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[test]
    fn a_file_is_read_up_to_the_limit() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("large");
        File::create(&path).unwrap().set_len(LARGEST).unwrap();
        assert_eq!(read(&path).unwrap().len() as u64, LARGEST);
        File::create(&path).unwrap().set_len(LARGEST + 1).unwrap();
        assert_eq!(read(&path).unwrap_err().to_string(), "it is larger than 4 MiB: give the right file");
    }

    #[test]
    fn a_link_is_told_from_what_it_leads_to() {
        let directory = tempfile::tempdir().unwrap();
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(directory.path(), &link).unwrap();
        assert_eq!(kind(std::fs::symlink_metadata(&link).unwrap().file_type()), "a symbolic link");
        assert_eq!(kind(std::fs::metadata(&link).unwrap().file_type()), "a directory");
    }
}
