//! Our own packages, as their manifests describe them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::cargo::Cargo;
use crate::outcome::Failure;

/// The workspace.
#[derive(Clone, Debug)]
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    pub(crate) target: PathBuf,
    pub(crate) packages: Vec<Package>,
}

/// One package of ours.
#[derive(Clone, Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// The folder of its manifest.
    pub(crate) folder: PathBuf,
    pub(crate) published: bool,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) features: BTreeMap<String, Vec<String>>,
    /// `[package.metadata]`.
    pub(crate) metadata: Value,
}

/// One entry of a manifest's dependencies.
#[derive(Clone, Debug)]
pub(crate) struct Dependency {
    /// The package's own name, whatever it is renamed to.
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) optional: bool,
}

/// Which of the tables a dependency stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Normal,
    Build,
    Dev,
}

impl Workspace {
    /// The workspace around the current folder.
    pub(crate) fn load() -> Result<Self, Failure> {
        Self::ask(&[])
    }

    /// The one that this manifest belongs to.
    pub(crate) fn of(manifest: &Path) -> Result<Self, Failure> {
        Self::ask(&["--manifest-path", &manifest.to_string_lossy()])
    }

    fn ask(more: &[&str]) -> Result<Self, Failure> {
        let words = ["metadata", "--no-deps", "--format-version", "1"];
        let text = Cargo::new(words.into_iter().chain(more.iter().copied())).output()?;
        let json = serde_json::from_str(&text)
            .map_err(|error| Failure::new(format!("cargo's metadata is not JSON: {error}")))?;
        Self::read(&json).ok_or_else(|| Failure::new("cargo's metadata has an unknown shape"))
    }

    fn read(json: &Value) -> Option<Self> {
        Some(Self {
            root: json["workspace_root"].as_str()?.into(),
            target: json["target_directory"].as_str()?.into(),
            packages: json["packages"]
                .as_array()?
                .iter()
                .map(Package::read)
                .collect::<Option<_>>()?,
        })
    }

    /// The package of this name.
    pub(crate) fn package(&self, name: &str) -> Option<&Package> {
        self.packages.iter().find(|package| package.name == name)
    }
}

impl Package {
    fn read(json: &Value) -> Option<Self> {
        let features = json["features"].as_object()?.iter();
        Some(Self {
            name: json["name"].as_str()?.to_owned(),
            folder: Path::new(json["manifest_path"].as_str()?).parent()?.to_owned(),
            // `null`: anywhere; otherwise a list of registries, empty with `publish = false`.
            published: json["publish"].as_array().is_none_or(|registries| !registries.is_empty()),
            dependencies: json["dependencies"]
                .as_array()?
                .iter()
                .map(Dependency::read)
                .collect::<Option<_>>()?,
            features: features
                .map(|(name, enables)| Some((name.clone(), texts(enables)?)))
                .collect::<Option<_>>()?,
            metadata: json["metadata"].clone(),
        })
    }
}

impl Dependency {
    fn read(json: &Value) -> Option<Self> {
        let kind = match json["kind"].as_str() {
            None => Kind::Normal,
            Some("build") => Kind::Build,
            Some("dev") => Kind::Dev,
            Some(_) => return None,
        };
        let name = json["name"].as_str()?.to_owned();
        Some(Self { name, kind, optional: json["optional"].as_bool()? })
    }
}

/// A list of strings.
pub(crate) fn texts(json: &Value) -> Option<Vec<String>> {
    json.as_array()?.iter().map(|text| Some(text.as_str()?.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_are_read_as_cargo_prints_them() {
        let json = serde_json::json!({
            "workspace_root": "/w", "target_directory": "/w/target",
            "packages": [{
                "name": "a", "manifest_path": "/w/crates/a/Cargo.toml", "publish": null,
                "metadata": null, "features": { "default": ["b"], "b": ["dep:b"] },
                "dependencies": [
                    { "name": "b", "rename": "c", "kind": null, "optional": true },
                    { "name": "d", "rename": null, "kind": "dev", "optional": false },
                ],
            }, {
                "name": "x", "manifest_path": "/w/x/Cargo.toml", "publish": [],
                "metadata": null, "features": {}, "dependencies": [],
            }],
        });
        let workspace = Workspace::read(&json).unwrap();
        let a = workspace.package("a").unwrap();
        assert_eq!(a.folder, Path::new("/w/crates/a"));
        assert!(a.published);
        assert_eq!(a.features["b"], ["dep:b"]);
        let read: Vec<_> =
            a.dependencies.iter().map(|it| (it.name.as_str(), it.kind, it.optional)).collect();
        assert_eq!(read, [("b", Kind::Normal, true), ("d", Kind::Dev, false)]);
        assert!(!workspace.package("x").unwrap().published);
    }
}
