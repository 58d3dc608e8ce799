//! Bytes that strangers send, by the million: the targets of `fuzz/`, through cargo-fuzz.

use std::path::{Path, PathBuf};

use crate::cargo::Cargo;
use crate::outcome::{Failure, Outcome, Skipped};
use crate::workspace::Workspace;

/// How long each target runs if nobody says.
const SECONDS: u32 = 2;

/// An input that takes longer than this is a find: all of them take microseconds.
const SLOWEST: &str = "-timeout=5";

/// An input that takes more memory than this many megabytes, likewise.
const MOST_MEMORY: &str = "-rss_limit_mb=1024";

/// As long as a webhook can be.
const LONGEST: &str = "-max_len=65536";

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    seconds: u32,
    target: Option<String>,
}

impl Default for Wanted {
    fn default() -> Self {
        Self { seconds: SECONDS, target: None }
    }
}

impl Wanted {
    fn parse(words: &[&str]) -> Result<Self, Failure> {
        let usage = || Failure::new("usage: cargo xtask fuzz [--seconds N] [TARGET]");
        let mut wanted = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match *word {
                "--seconds" => {
                    let seconds = words.next().and_then(|number| number.parse().ok());
                    wanted.seconds = seconds.filter(|it| *it > 0).ok_or_else(usage)?;
                }
                target if !target.starts_with('-') && wanted.target.is_none() => {
                    wanted.target = Some(target.to_owned());
                }
                _ => return Err(usage()),
            }
        }
        Ok(wanted)
    }
}

/// Every target, for a few seconds each.
pub(crate) fn run() -> Outcome {
    run_with(&[])
}

/// The same, as these words want it.
pub(crate) fn run_with(words: &[&str]) -> Outcome {
    let wanted = Wanted::parse(words)?;
    let workspace = Workspace::load()?;
    let folder = workspace.root.join("fuzz");
    let targets = targets(&folder)?;
    let chosen: Vec<&String> =
        targets.iter().filter(|it| wanted.target.as_ref().is_none_or(|one| one == *it)).collect();
    if chosen.is_empty() {
        let known = targets.join(", ");
        return Err(Failure::new(format!("there is no such target; there are {known}")));
    }
    let tools = workspace.target.join("xtask").join("cargo-fuzz");
    if let Some(reason) = ensure_installed(&tools) {
        return Ok(vec![Skipped { what: "fuzz", reason }]);
    }
    for target in &chosen {
        fuzz(&workspace, &folder, &tools, target, wanted.seconds)?;
    }
    Ok(Vec::new())
}

fn fuzz(
    workspace: &Workspace,
    folder: &Path,
    tools: &Path,
    target: &str,
    seconds: u32,
) -> Result<(), Failure> {
    let found = workspace.target.join("fuzz").join("corpus").join(target);
    std::fs::create_dir_all(&found)
        .map_err(|error| Failure::new(format!("{}: {error}", found.display())))?;
    let text = |path: PathBuf| path.to_string_lossy().into_owned();
    let build = text(workspace.target.join("fuzz"));
    let (manifests, found) = (text(folder.to_owned()), text(found));
    let seeds = text(folder.join("seeds").join(target));
    let time = format!("-max_total_time={seconds}");
    cargo_fuzz(
        tools,
        // Our own code has no unsafe block. Without a sanitizer the build is shorter by half, and
        // what is looked for (a panic, an overflow of the stack, time, memory) is found as well.
        [
            "fuzz",
            "run",
            "--fuzz-dir",
            &manifests,
            "--target-dir",
            &build,
            "--sanitizer",
            "none",
            target,
            &found,
            &seeds,
            "--",
            &time,
            SLOWEST,
            MOST_MEMORY,
            LONGEST,
            "-verbosity=0",
            "-print_final_stats=1",
        ],
    )
    .run()
    .map_err(|failure| {
        Failure::new(format!("{target}: {failure}; what did it lies in fuzz/artifacts/{target}"))
    })
}

/// `cargo` with these words, knowing where cargo-fuzz was installed. The stable compiler takes the
/// flags that instrument a program only if it is told to.
fn cargo_fuzz<'a>(tools: &Path, words: impl IntoIterator<Item = &'a str>) -> Cargo {
    let mut path = vec![tools.join("bin")];
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let path = std::env::join_paths(path).unwrap_or_default();
    Cargo::new(words).quiet_env("PATH", &path).env("RUSTC_BOOTSTRAP", "1")
}

/// Why it cannot run here; `None` if it can.
fn ensure_installed(tools: &Path) -> Option<String> {
    if cargo_fuzz(tools, ["fuzz", "--version"]).probe().is_some() {
        return None;
    }
    if !cfg!(all(unix, any(target_arch = "x86_64", target_arch = "aarch64"))) {
        return Some("libFuzzer does not run on this machine".to_owned());
    }
    println!("cargo-fuzz is not installed: building it takes a minute, once");
    let root = tools.to_string_lossy();
    let install = ["install", "cargo-fuzz", "--version", "^0.13", "--locked", "--debug", "--root"];
    let installed = Cargo::new(install.into_iter().chain([&*root])).run();
    installed.err().map(|failure| format!("cargo-fuzz cannot be installed: {failure}"))
}

/// The targets, by their files.
fn targets(folder: &Path) -> Result<Vec<String>, Failure> {
    let folder = folder.join("targets");
    let broken = |error| Failure::new(format!("{}: {error}", folder.display()));
    let mut names = Vec::new();
    for file in std::fs::read_dir(&folder).map_err(broken)? {
        let path = file.map_err(broken)?.path();
        if path.extension().is_some_and(|end| end == "rs") {
            names.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
        }
    }
    names.sort_unstable();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_and_its_time_can_be_chosen() {
        let wanted = |words: &[&str]| Wanted::parse(words).ok();
        let of = |seconds, target: Option<&str>| {
            Some(Wanted { seconds, target: target.map(str::to_owned) })
        };
        assert_eq!(wanted(&[]), of(SECONDS, None));
        assert_eq!(wanted(&["config"]), of(SECONDS, Some("config")));
        assert_eq!(wanted(&["--seconds", "60", "config"]), of(60, Some("config")));
        assert_eq!(wanted(&["config", "--seconds", "60"]), of(60, Some("config")));
        for wrong in [&["--seconds"][..], &["--seconds", "0"], &["--fast"], &["one", "two"]] {
            assert_eq!(wanted(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn every_target_is_a_program_of_the_manifest_and_has_seeds() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let targets = targets(&folder).unwrap();
        assert!(!targets.is_empty());
        for target in &targets {
            assert!(manifest.contains(&format!("name = \"{target}\"")), "{target}");
            let seeds = std::fs::read_dir(folder.join("seeds").join(target)).unwrap();
            assert!(seeds.count() > 0, "{target}");
        }
        assert_eq!(manifest.matches("[[bin]]").count(), targets.len());
    }
}
