//! A disk that is soon full.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A disk of one megabyte, in memory, for as long as this lives.
#[derive(Debug)]
pub struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    /// Mounts it over this folder, if this process may; says so if it may not.
    #[must_use]
    pub fn mount(folder: &Path) -> Option<Self> {
        let mount = ["-t", "tmpfs", "-o", "size=1m", "tmpfs"];
        let done = Command::new("mount").args(mount).arg(folder).output();
        if done.is_ok_and(|output| output.status.success()) {
            return Some(Self { folder: folder.to_owned() });
        }
        eprintln!("skipped: a small disk cannot be mounted here (it takes Linux, and root)");
        None
    }

    fn ballast(&self) -> PathBuf {
        self.folder.join("ballast")
    }

    /// Takes all the room that there is left.
    ///
    /// # Panics
    /// It does not become full.
    pub fn fill(&self) {
        let mut ballast = File::create(self.ballast()).expect("a file for the ballast");
        let full = (0..1024).find_map(|_| ballast.write_all(&[1; 4096]).err());
        assert!(full.is_some(), "a disk of one megabyte takes four");
    }

    /// Gives the room back.
    ///
    /// # Panics
    /// It was not full.
    pub fn free(&self) {
        std::fs::remove_file(self.ballast()).expect("the ballast");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.folder).output();
    }
}
