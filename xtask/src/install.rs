//! Installs programs of other languages from their registries, each list in a folder of its own.

use std::path::{Path, PathBuf};

use crate::outcome::Failure;
use crate::program::Program;

/// The oldest Node that runs Twilio's SDK. It asks for 20, and does all that we ask of it with
/// Debian 12's 18 as well, where npm warns and goes on.
const OLDEST_NODE: u32 = 18;

/// What came of it.
pub(crate) enum Installed {
    /// What runs a script that uses the packages.
    Ready(PathBuf),
    /// This machine lacks something, or reaches no registry.
    Not(String),
}

/// The packages of this list, in a virtual environment.
pub(crate) fn python(list: &Path, folder: &Path) -> Result<Installed, Failure> {
    let is_here = has_python() || may_install() && apt_get(&["python3-venv"]) && has_python();
    if !is_here {
        return Ok(Installed::Not("python3 with its venv module is not here".to_owned()));
    }
    let interpreter = folder.join("bin").join("python");
    if !is_installed(folder, &read(list)?) {
        clear(folder)?;
    }
    let install = || {
        let venv = Program::new("python3").args(["-m", "venv"]).arg(folder);
        let pip = ["-m", "pip", "install", "--disable-pip-version-check", "--quiet"];
        let packages = Program::new(&interpreter).args(pip).arg("--requirement").arg(list);
        [venv, packages].map(|it| it.env("PIP_NO_INPUT", "1"))
    };
    if let Some(reason) = once(folder, &read(list)?, install)? {
        return Ok(Installed::Not(reason));
    }
    Ok(Installed::Ready(interpreter))
}

/// The packages of these sources' lock file.
pub(crate) fn node(sources: &Path, folder: &Path) -> Result<Installed, Failure> {
    let mut missing = missing_of_node();
    if missing.is_some() && may_install() && apt_get(&["nodejs", "npm"]) {
        missing = missing_of_node();
    }
    if let Some(reason) = missing {
        return Ok(Installed::Not(reason));
    }
    let names = ["package.json", "package-lock.json"];
    let lists = [read(&sources.join(names[0]))?, read(&sources.join(names[1]))?];
    if !is_installed(folder, &lists.concat()) {
        clear(folder)?;
        for (name, list) in names.iter().zip(&lists) {
            write(&folder.join(name), list)?;
        }
    }
    let quiet = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    let install = || [Program::new("npm").args(quiet).within(folder)];
    if let Some(reason) = once(folder, &lists.concat(), install)? {
        return Ok(Installed::Not(reason));
    }
    Ok(Installed::Ready("node".into()))
}

/// Runs what installs this list, unless that is done. The reason, if no registry was reached.
fn once<const COUNT: usize>(
    folder: &Path,
    list: &str,
    install: impl FnOnce() -> [Program; COUNT],
) -> Result<Option<String>, Failure> {
    if is_installed(folder, list) {
        return Ok(None);
    }
    for program in install() {
        let ran = program.run()?;
        if !ran.success {
            print!("{}", ran.text);
            let place = folder.file_name().unwrap_or_default().to_string_lossy();
            if is_unreachable(&ran.text) {
                return Ok(Some(format!("the registry of {place} packages was not reached")));
            }
            return Err(Failure::new(format!("the {place} packages could not be installed")));
        }
    }
    write(&folder.join(STAMP), list)?;
    Ok(None)
}

/// Written last, with the list that was installed.
const STAMP: &str = "installed";

fn is_installed(folder: &Path, list: &str) -> bool {
    std::fs::read_to_string(folder.join(STAMP)).is_ok_and(|installed| installed == list)
}

/// Whether an installer failed for want of a network. Anything else is a fault: a version that is
/// not there, a package that is not what the lock file says.
fn is_unreachable(text: &str) -> bool {
    let signs = [
        // What pip says when no index answered at all.
        "(from versions: none)",
        "NewConnectionError",
        "NameResolutionError",
        "ConnectTimeoutError",
        "ReadTimeoutError",
        "ProxyError",
        "EAI_AGAIN",
        "ENOTFOUND",
        "ECONNREFUSED",
        "ECONNRESET",
        "ENETUNREACH",
        "ETIMEDOUT",
    ];
    signs.iter().any(|sign| text.contains(sign))
}

fn has_python() -> bool {
    // Debian has the module without what it needs.
    answer("python3", &["-c", "import venv, ensurepip"]).is_some()
}

/// What the Node SDK lacks here.
fn missing_of_node() -> Option<String> {
    let node = answer("node", &["--version"]);
    unfit(node.as_deref())
        .or_else(|| answer("npm", &["--version"]).is_none().then(|| "npm is not here".to_owned()))
}

/// Why this version of Node does not do.
fn unfit(version: Option<&str>) -> Option<String> {
    match version {
        None => Some("node is not here".to_owned()),
        Some(version) if major(version).is_none_or(|major| major < OLDEST_NODE) => {
            Some(format!("the SDK takes Node {OLDEST_NODE} or newer, and {version} is here"))
        }
        Some(_) => None,
    }
}

/// Nobody's own machine is changed.
fn may_install() -> bool {
    std::env::var_os("CI").is_some_and(|value| value == "true")
        && answer("id", &["-u"]).as_deref() == Some("0")
        && answer("apt-get", &["--version"]).is_some()
}

fn apt_get(packages: &[&str]) -> bool {
    let install = [&["install", "--yes", "--no-install-recommends"], packages].concat();
    [&["update"][..], &install].into_iter().all(|words| {
        let program = Program::new("apt-get").args(words.iter().copied());
        match program.env("DEBIAN_FRONTEND", "noninteractive").run() {
            Ok(ran) => {
                print!("{}", ran.text);
                ran.success
            }
            Err(_) => false,
        }
    })
}

/// What a program answers, if it is here and succeeds.
fn answer(name: &str, words: &[&str]) -> Option<String> {
    let ran = Program::new(name).args(words.iter().copied()).run().ok()?;
    ran.success.then(|| ran.text.trim().to_owned())
}

/// 20 of `v20.11.1`.
fn major(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|error| Failure::new(format!("{} cannot be read: {error}", path.display())))
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text)
        .map_err(|error| Failure::new(format!("{} cannot be written: {error}", path.display())))
}

/// An empty folder, whatever was there.
fn clear(folder: &Path) -> Result<(), Failure> {
    let cleared = match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => std::fs::create_dir_all(folder),
    };
    cleared.map_err(|error| Failure::new(format!("{} cannot be made: {error}", folder.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_missing_network_is_a_reason_to_skip() {
        assert!(is_unreachable("npm error code EAI_AGAIN\nnpm error errno EAI_AGAIN"));
        assert!(is_unreachable("Retrying after connection broken by 'NewConnectionError(...)'"));
        assert!(is_unreachable("a version that satisfies twilio==9.13.0 (from versions: none)"));
        assert!(!is_unreachable("that satisfies twilio==0.0.9 (from versions: 9.12.0, 9.13.0)"));
        assert!(!is_unreachable("npm error code EINTEGRITY"));
    }

    #[test]
    fn a_version_of_node_is_read() {
        assert_eq!(major("v20.11.1"), Some(20));
        assert_eq!(major("20"), None);
        assert_eq!(major(""), None);
    }

    #[test]
    fn debians_node_does_and_an_older_one_says_what_is_missing() {
        assert_eq!(unfit(Some("v18.20.4")), None);
        assert_eq!(unfit(None).as_deref(), Some("node is not here"));
        let older = unfit(Some("v16.20.2")).unwrap_or_default();
        assert!(older.contains("18 or newer") && older.contains("v16.20.2"), "{older}");
    }
}
