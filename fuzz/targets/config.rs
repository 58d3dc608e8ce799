//! A configuration file. The module is the daemon's own, which has no other way in than a file.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

#[allow(dead_code, unused_imports, reason = "the daemon's commands use the rest")]
#[path = "../../crates/cli/src/config/mod.rs"]
mod config;

static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = PathBuf::from("/dev/shm");
    let folder = if memory.is_dir() { memory } else { std::env::temp_dir() };
    folder.join(format!("offhook-fuzz-{}.toml", std::process::id()))
});

fuzz_target!(|data: &[u8]| {
    std::fs::write(&*FILE, data).expect("a file in memory");
    let loaded = config::load(Some(&FILE));
    let inspected = config::inspect(Some(&FILE));
    match (&loaded, &inspected) {
        (Ok(_), inspected) => {
            assert!(inspected.is_ok());
        }
        // What is told is told of the file's keys, and can be told.
        (Err(problems), _) => assert!(!problems.to_string().is_empty()),
    }
    let _ = config::load_client(Some(&FILE));
});
