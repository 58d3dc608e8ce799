//! Can the store be opened, by us or by the daemon that has it?

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use offhook::manager::{CallStore, OpenError, SqliteStore};

use super::report::Report;
use crate::config::StoreUrl;

const ABOUT: &str = "store";

/// A larger store is not copied for a check.
const COPIED_AT_MOST: u64 = 1024 * 1024 * 1024;

/// How many live calls are read at once.
const PAGE: usize = 100;

pub(super) async fn check(url: &StoreUrl, report: &mut Report) {
    let StoreUrl::Sqlite(path) = url else {
        report.note(ABOUT, "memory: calls are forgotten when the daemon ends");
        return;
    };
    match look(path).await {
        Ok(what) => report.fine(ABOUT, what),
        Err(what) => report.fault(ABOUT, what),
    }
}

async fn look(path: &Path) -> Result<String, String> {
    let name = path.display();
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    if !folder.is_dir() {
        return Err(format!("the folder of {name} does not exist; create it"));
    }
    if let Some(owner) = owner(path) {
        return Ok(format!("{name} is held by the daemon ({owner}), which is fine"));
    }
    // A file without a name, gone before anybody could see it.
    if let Err(error) = tempfile::tempfile_in(folder) {
        return Err(format!("nothing can be written beside {name} ({error}); check the folder"));
    }
    let size = match std::fs::metadata(path) {
        Ok(found) => found.len(),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Ok(format!("{name} is not there yet; the daemon creates it"));
        }
        Err(error) => return Err(format!("{name} cannot be read: {error}")),
    };
    if let Err(error) = OpenOptions::new().read(true).append(true).open(path) {
        return Err(format!("{name} cannot be written ({error}); check its owner and mode"));
    }
    if size > COPIED_AT_MOST {
        return Ok(format!(
            "{name} can be read and written; it is too large to be tried on a copy"
        ));
    }
    let live = try_on_copy(path).await?;
    Ok(match live {
        0 => format!("{name} can be opened; no live calls"),
        1 => format!("{name} can be opened; 1 live call"),
        live => format!("{name} can be opened; {live} live calls"),
    })
}

/// Who holds the store. The lock is let go at once where nobody does.
fn owner(path: &Path) -> Option<String> {
    let mut lock = File::open(beside(path, ".lock")).ok()?;
    match lock.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {
            let mut owner = String::new();
            let _ = lock.read_to_string(&mut owner);
            Some(owner.trim().to_owned())
        }
        _ => None,
    }
}

/// What the daemon does when it starts, on a copy: to open a store is to write it.
async fn try_on_copy(path: &Path) -> Result<usize, String> {
    let failed = |error: std::io::Error| format!("{} cannot be tried: {error}", path.display());
    let folder = tempfile::tempdir().map_err(failed)?;
    let copy = folder.path().join("copy.db");
    std::fs::copy(path, &copy).map_err(failed)?;
    // What was committed last may stand in the log and not yet in the file.
    let log = beside(path, "-wal");
    if log.exists() {
        std::fs::copy(log, beside(&copy, "-wal")).map_err(failed)?;
    }
    let of_the_store =
        |text: String| text.replace(&copy.display().to_string(), &path.display().to_string());
    let store =
        SqliteStore::open(&copy).map_err(|error: OpenError| of_the_store(error.to_string()))?;
    let (mut live, mut last) = (0, None);
    loop {
        let page = store.load_live(last, PAGE).await;
        let page = page.map_err(|error| of_the_store(error.to_string()))?;
        live += page.iter().filter(|record| record.ended_at.is_none()).count();
        match page.last() {
            Some(record) => last = Some(record.id),
            None => return Ok(live),
        }
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}
