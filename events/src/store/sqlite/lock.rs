//! The advisory lock that prevents a second writer, and the detection of network file systems, which have no reliable
//! locks.

use super::open_error::{OpenError, file_error};
use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

const FILE: &str = "muster.lock";

/// The lock, while it is held. A crash releases it too.
pub(super) struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing alone could leave the lock with a child process that is being started and still holds the file.
        // Closing reports the same error as unlocking.
        let _ = self.0.unlock();
    }
}

/// Locks the log in `directory` for writing.
pub(super) fn take(directory: &Path) -> Result<Lock, OpenError> {
    let path = directory.join(FILE);
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(|error| file_error(&path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked(directory.to_owned())),
        Err(TryLockError::Error(error)) => Err(file_error(&path, error)),
    }
}

/// Returns the type of the network file system that contains `directory`. `None` for a local or unknown file system.
pub(super) fn network_file_system(directory: &Path) -> Option<String> {
    let device = std::fs::metadata(directory).ok()?.dev();
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    filesystem_of(&mounts, device).filter(|filesystem| is_network(filesystem)).map(str::to_owned)
}

// proc(5), mountinfo: `36 35 98:0 /root /mount options … - ext4 /dev/root …`; the third field is the device.
fn filesystem_of(mounts: &str, device: u64) -> Option<&str> {
    // The encoding of glibc's makedev(3).
    let major = ((device >> 32) & 0xffff_f000) | ((device >> 8) & 0xfff);
    let minor = ((device >> 12) & 0xffff_ff00) | (device & 0xff);
    let wanted = format!("{major}:{minor}");
    mounts.lines().find_map(|line| {
        let (mount, filesystem) = line.split_once(" - ")?;
        (mount.split(' ').nth(2)? == wanted).then(|| filesystem.split(' ').next())?
    })
}

fn is_network(filesystem: &str) -> bool {
    ["nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "gfs2", "fuse.sshfs", "fuse.glusterfs"]
        .contains(&filesystem)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n\
                          90 22 0:53 / /srv/share rw - nfs4 host:/share rw,vers=4.2\n";

    #[test]
    fn a_directory_on_nfs_is_told_from_one_on_a_disk() {
        assert_eq!(filesystem_of(MOUNTS, 53), Some("nfs4"));
        assert_eq!(filesystem_of(MOUNTS, 254 << 8), Some("ext4"));
        assert_eq!(filesystem_of(MOUNTS, 99), None);
        assert!(is_network("nfs4") && !is_network("ext4"));
    }

    #[test]
    fn a_device_has_its_numbers_as_glibc_packs_them() {
        let packed = |major: u64, minor: u64| {
            ((major & 0xffff_f000) << 32) | ((major & 0xfff) << 8) | ((minor & 0xffff_ff00) << 12) | (minor & 0xff)
        };
        for (major, minor) in [(0, 53), (254, 0), (259, 70_000), (0x1259, 0x23456), (0xfffff, 0xfffff)] {
            let mounts =
                format!("1 1 9:9 / /x rw - ext4 /dev/x rw\n2 1 {major}:{minor} / /a rw shared:1 - ceph a rw\n");
            assert_eq!(filesystem_of(&mounts, packed(major, minor)), Some("ceph"), "{major}:{minor}");
        }
    }

    #[test]
    fn the_lock_is_had_once_and_given_back() {
        let directory = tempfile::tempdir().unwrap();
        let held = take(directory.path()).unwrap();
        assert!(matches!(take(directory.path()), Err(OpenError::Locked(_))));
        drop(held);
        take(directory.path()).unwrap();
    }
}
