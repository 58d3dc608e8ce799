//! Does the documentation build without a warning?

use crate::cargo::Cargo;
use crate::outcome::Outcome;

pub(crate) fn run() -> Outcome {
    // The binary and the facade are both called `offhook`, and so would their pages be. The
    // binary's come first, so that the library's are what remains to be read.
    document(&["--package", "offhook-cli"])?;
    document(&["--workspace", "--exclude", "offhook-cli"])?;
    Ok(Vec::new())
}

fn document(packages: &[&str]) -> Result<(), crate::outcome::Failure> {
    let how = ["--no-deps", "--all-features"];
    Cargo::new(["doc"].into_iter().chain(packages.iter().copied()).chain(how))
        .env("RUSTDOCFLAGS", "-D warnings")
        .run()
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    /// All Rust files below a folder, what was built left out.
    fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if path.file_name().is_some_and(|name| name != "target") {
                    sources(&path, found);
                }
            } else if path.extension().is_some_and(|it| it == "rs") {
                found.push(path);
            }
        }
    }

    #[test]
    fn every_test_that_security_names_is_there_by_that_name() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let text = std::fs::read_to_string(root.join("SECURITY.md")).unwrap();
        let mut paths = Vec::new();
        for folder in ["crates", "tests"] {
            sources(&root.join(folder), &mut paths);
        }
        let code: String =
            paths.into_iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
        let quoted: Vec<&str> = text.split('`').skip(1).step_by(2).collect();
        let (mut tests, mut files) = (0, 0);
        for words in quoted {
            let is_name = words
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
            if words.contains('/') {
                assert!(root.join(words).exists(), "SECURITY.md names {words}, which is not there");
                files += 1;
            } else if is_name && words.matches('_').count() > 2 {
                let declared = format!("fn {words}(");
                assert!(code.contains(&declared), "SECURITY.md names {words}, which is no test");
                tests += 1;
            }
        }
        assert!(tests > 40 && files > 40, "{tests} tests, {files} files");
    }
}
