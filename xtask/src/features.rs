//! Does each feature set that somebody would choose compile, alone?
//!
//! A build of the workspace unifies the features of all packages and hides what one of them
//! forgot to ask for, so each set is checked with `--package`.

use crate::cargo::Cargo;
use crate::outcome::{Failure, Outcome};
use crate::workspace::Workspace;

/// A choice of features.
struct Set {
    name: &'static str,
    package: &'static str,
    default: bool,
    features: &'static [&'static str],
}

/// The sets that are checked. There is no powerset: each row is a use that we promise.
#[rustfmt::skip]
const SETS: &[Set] = &[
    Set { name: "core alone",               package: "offhook-core",    default: false, features: &[] },
    Set { name: "core with its client",     package: "offhook-core",    default: false, features: &["http"] },
    Set { name: "twilio, own transport",    package: "offhook-twilio",  default: false, features: &[] },
    Set { name: "twilio",                   package: "offhook-twilio",  default: true,  features: &[] },
    Set { name: "plivo, own transport",     package: "offhook-plivo",   default: false, features: &[] },
    Set { name: "plivo",                    package: "offhook-plivo",   default: true,  features: &[] },
    Set { name: "telnyx, own transport",    package: "offhook-telnyx",  default: false, features: &[] },
    Set { name: "telnyx",                   package: "offhook-telnyx",  default: true,  features: &[] },
    Set { name: "manager in memory",        package: "offhook-manager", default: false, features: &[] },
    Set { name: "manager with SQLite",      package: "offhook-manager", default: true,  features: &[] },
    Set { name: "facade, nothing chosen",   package: "offhook",         default: true,  features: &[] },
    Set { name: "facade, twilio",           package: "offhook",         default: false, features: &["twilio"] },
    Set { name: "facade, plivo",            package: "offhook",         default: false, features: &["plivo"] },
    Set { name: "facade, telnyx",           package: "offhook",         default: false, features: &["telnyx"] },
    Set { name: "facade, twilio and telnyx", package: "offhook",        default: false, features: &["twilio", "telnyx"] },
    Set { name: "facade, plivo and telnyx", package: "offhook",         default: false, features: &["plivo", "telnyx"] },
    Set { name: "facade, twilio and plivo", package: "offhook",         default: false, features: &["twilio", "plivo"] },
    Set { name: "facade, the manager",      package: "offhook",         default: false, features: &["manager"] },
    Set { name: "facade, provider and manager",             package: "offhook",         default: false, features: &["twilio", "manager"] },
    Set { name: "facade, telnyx and SQLite", package: "offhook",         default: false, features: &["telnyx", "sqlite"] },
    Set { name: "facade, everything",       package: "offhook",         default: false, features: &["full"] },
];

pub(crate) fn run() -> Outcome {
    Failure::of(&unlisted(&Workspace::load()?, SETS))?;
    for set in SETS {
        println!("-- {}", set.name);
        Cargo::new(set.words().iter().map(String::as_str))
            .run()
            .map_err(|failure| Failure::new(format!("{}: {failure}", set.name)))?;
    }
    Ok(Vec::new())
}

impl Set {
    fn words(&self) -> Vec<String> {
        let mut words = vec!["check".to_owned(), "--package".to_owned(), self.package.to_owned()];
        if !self.default {
            words.push("--no-default-features".to_owned());
        }
        if !self.features.is_empty() {
            words.extend(["--features".to_owned(), self.features.join(",")]);
        }
        words
    }
}

/// Features that no set turns on. Without this the list would fall behind the manifests.
fn unlisted(workspace: &Workspace, sets: &[Set]) -> Vec<String> {
    let mut faults = Vec::new();
    for package in &workspace.packages {
        let sets = || sets.iter().filter(|set| set.package == package.name);
        let by_default = package.features.get("default").map_or(&[][..], Vec::as_slice);
        for feature in package.features.keys().filter(|feature| *feature != "default") {
            let listed = sets().any(|set| {
                set.features.contains(&feature.as_str())
                    || set.default && by_default.contains(feature)
            });
            if !listed {
                let name = &package.name;
                faults.push(format!("no set in features.rs has {name}'s feature `{feature}`"));
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Package;

    #[test]
    fn a_set_is_a_command_on_one_package() {
        let set = Set { name: "", package: "a", default: false, features: &["b", "c"] };
        let wanted = ["check", "--package", "a", "--no-default-features", "--features", "b,c"];
        assert_eq!(set.words(), wanted);
        let set = Set { name: "", package: "a", default: true, features: &[] };
        assert_eq!(set.words(), ["check", "--package", "a"]);
    }

    #[test]
    fn a_feature_in_no_set_is_a_fault() {
        let features = [("default", vec!["b".to_owned()]), ("b", vec![]), ("c", vec![])];
        let package = Package {
            name: "a".to_owned(),
            folder: "/a".into(),
            published: true,
            dependencies: Vec::new(),
            features: features.map(|(name, enables)| (name.to_owned(), enables)).into(),
            metadata: serde_json::Value::Null,
        };
        let workspace = Workspace { root: "/".into(), target: "/".into(), packages: vec![package] };
        let default = || Set { name: "", package: "a", default: true, features: &[] };
        assert_eq!(
            unlisted(&workspace, &[default()]),
            ["no set in features.rs has a's feature `c`"]
        );
        let with_c = Set { name: "", package: "a", default: false, features: &["c"] };
        assert_eq!(unlisted(&workspace, &[default(), with_c]), [""; 0]);
    }
}
