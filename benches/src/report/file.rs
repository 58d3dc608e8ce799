//! A run on a disk, and what it says of where it ran.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

use jiff::Timestamp;
use serde::Deserialize;

use super::{FORMAT, Machine, Run};

/// Writes a run, and the folders on the way to it.
pub(crate) fn save(run: &Run, path: &Path) -> Result<(), Box<dyn Error>> {
    let named = |error: std::io::Error| format!("{}: {error}", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(named)?;
    }
    let text = serde_json::to_string_pretty(run)?;
    std::fs::write(path, text + "\n").map_err(named)?;
    Ok(())
}

/// Reads one.
pub(crate) fn load(path: &Path) -> Result<Run, Box<dyn Error>> {
    let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    parse(&bytes).map_err(|error| format!("{}: {error}", path.display()).into())
}

fn parse(bytes: &[u8]) -> Result<Run, String> {
    #[derive(Deserialize)]
    struct Format {
        format: u32,
    }
    let damaged = |error| format!("not a saved run: {error}");
    let Format { format } = serde_json::from_slice(bytes).map_err(damaged)?;
    if format != FORMAT {
        return Err(format!("saved in format {format}, and this program knows {FORMAT}"));
    }
    serde_json::from_slice(bytes).map_err(damaged)
}

/// Beside the folder that this program was built in, under the time of the run: in `target/bench/`.
pub(crate) fn default_path(now: Timestamp) -> Result<PathBuf, Box<dyn Error>> {
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(2).ok_or("this program lies in no target folder")?;
    let name = now.strftime("%Y-%m-%dT%H-%M-%SZ.json").to_string();
    Ok(target.join("bench").join(name))
}

/// This machine.
pub(crate) fn machine() -> std::io::Result<Machine> {
    let cores = std::thread::available_parallelism()?.get();
    let cpu = std::fs::read_to_string("/proc/cpuinfo").ok().as_deref().and_then(cpu_model);
    Ok(Machine { cores, cpu })
}

fn cpu_model(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// What is checked out here, if git tells it.
pub(crate) fn present_commit() -> Option<String> {
    let words = ["describe", "--always", "--dirty", "--exclude=*", "--abbrev=40"];
    let output = Command::new("git").args(words).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Figure;

    const SAVED: &str = r#"{
  "format": 1,
  "date": "2026-03-04T09:30:31Z",
  "commit": null,
  "machine": {
    "cores": 2,
    "cpu": "A Processor"
  },
  "figures": [
    {
      "name": "webhooks: share",
      "value": 41.5,
      "unit": "%",
      "better": "more",
      "spread": {
        "lowest": 40.0,
        "highest": 43.25
      },
      "limit": 40.0,
      "goal": 50.0
    },
    {
      "name": "memory",
      "value": null,
      "unit": "MiB",
      "better": "less",
      "spread": null,
      "limit": null,
      "goal": null
    }
  ]
}
"#;

    fn run() -> Run {
        let share = Figure::more("webhooks: share", "%", 41.5).limit(40.0).goal(50.0);
        let figures =
            vec![share.rounds([40.0, 41.5, 43.25]), Figure::less("memory", "MiB", f64::NAN)];
        let machine = Machine { cores: 2, cpu: Some("A Processor".to_owned()) };
        Run::of("2026-03-04T09:30:31Z".to_owned(), None, machine, figures)
    }

    #[test]
    fn a_run_is_saved_in_the_documented_shape_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bench/run.json");
        save(&run(), &path).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), SAVED);
        assert_eq!(load(&path).unwrap(), run());
    }

    #[test]
    fn what_is_damaged_newer_or_not_there_is_an_error_that_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.json");
        let refused = || {
            let error = load(&path).unwrap_err().to_string();
            error.strip_prefix(&format!("{}: ", path.display())).map(str::to_owned).unwrap()
        };
        assert!(!refused().is_empty(), "it is not there");
        let newer = SAVED.replace(r#""format": 1"#, r#""format": 2"#);
        for (text, reason) in [
            (newer.as_str(), "saved in format 2, and this program knows 1"),
            (&SAVED[..100], "not a saved run: EOF"),
            (&SAVED.replace("41.5", "1e999"), "not a saved run: number out of range"),
            (&SAVED.replace("more", "much"), "not a saved run: unknown variant `much`"),
            ("{}", "not a saved run: missing field `format`"),
            ("", "not a saved run: EOF"),
        ] {
            std::fs::write(&path, text).unwrap();
            assert!(refused().starts_with(reason), "{}", refused());
        }
    }

    #[test]
    fn the_processor_is_named_where_the_system_tells_it() {
        let told = "processor\t: 0\nmodel name\t: A Processor 9000\nflags\t: fpu\n";
        assert_eq!(cpu_model(told).as_deref(), Some("A Processor 9000"));
        assert_eq!(cpu_model("processor\t: 0\n"), None);
    }
}
