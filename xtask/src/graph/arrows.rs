//! Holds manifests against the rules.

use crate::graph::rules::{ARROWS, BANS, CHOSEN, NAMED, Role, UNPUBLISHED, role};
use crate::workspace::{Dependency, Kind, Package, Workspace};

/// Each way in which these manifests break a rule.
pub(super) fn faults(workspace: &Workspace) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, _) in NAMED {
        if workspace.package(name).is_none() {
            faults.push(format!("{name} has rules but is not in the workspace"));
        }
    }
    for package in &workspace.packages {
        let Some(role) = role(package) else {
            faults
                .push(format!("{} has no rules: give it its part in graph/rules.rs", package.name));
            continue;
        };
        faults.extend(towards_ours(workspace, package, role));
        faults.extend(towards_others(package, role));
        faults.extend(choices(workspace, package, role));
        if package.published && UNPUBLISHED.contains(&role) {
            faults.push(format!("{} is to say `publish = false`", package.name));
        }
    }
    faults
}

/// The arrows between our packages.
fn towards_ours(workspace: &Workspace, package: &Package, role: Role) -> Vec<String> {
    let mut faults = Vec::new();
    let Some(arrow) = ARROWS.iter().find(|arrow| arrow.from == role) else {
        return vec![format!("{} has no arrows in graph/rules.rs", package.name)];
    };
    for (dependency, to) in ours(workspace, package) {
        let (name, on) = (&package.name, &dependency.name);
        let Some(to_role) = self::role(to) else { continue };
        let for_tests = dependency.kind == Kind::Dev;
        if !(arrow.to.contains(&to_role) || for_tests && arrow.tests_also.contains(&to_role)) {
            let table = table(dependency.kind);
            faults.push(format!("{name} has {on} in its {table}: {}", arrow.why));
        }
        if package.published && !for_tests && UNPUBLISHED.contains(&to_role) {
            faults.push(format!("{name} is published and depends on {on}, which is not"));
        }
    }
    faults
}

/// The crates of others that it may not know.
fn towards_others(package: &Package, role: Role) -> Vec<String> {
    let mut faults = Vec::new();
    for ban in BANS.iter().filter(|ban| ban.from == role) {
        for dependency in &package.dependencies {
            if ban.crates.contains(&dependency.name.as_str()) {
                let (name, on) = (&package.name, &dependency.name);
                let table = table(dependency.kind);
                faults.push(format!("{name} has {on} in its {table}: {}", ban.why));
            }
        }
    }
    faults
}

/// What a package's user is to choose.
fn choices(workspace: &Workspace, package: &Package, role: Role) -> Vec<String> {
    let mut faults = Vec::new();
    let Some((_, fixed)) = CHOSEN.iter().find(|(chosen, _)| *chosen == role) else {
        return faults;
    };
    let name = &package.name;
    if package.features.get("default").is_some_and(|default| !default.is_empty()) {
        faults.push(format!("{name} has default features: which provider is its user's choice"));
    }
    for (dependency, to) in ours(workspace, package) {
        let is_fixed = self::role(to).is_some_and(|role| fixed.contains(&role));
        if dependency.kind == Kind::Normal && !dependency.optional && !is_fixed {
            let on = &dependency.name;
            faults.push(format!("{name} has {on} in any case: it is to be optional"));
        }
    }
    faults
}

/// The dependencies of this package on packages of ours.
fn ours<'a>(
    workspace: &'a Workspace,
    package: &'a Package,
) -> impl Iterator<Item = (&'a Dependency, &'a Package)> {
    let it = package.dependencies.iter();
    it.filter_map(|dependency| Some((dependency, workspace.package(&dependency.name)?)))
}

fn table(kind: Kind) -> &'static str {
    match kind {
        Kind::Normal => "dependencies",
        Kind::Build => "build-dependencies",
        Kind::Dev => "dev-dependencies",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A house as it should be, with two providers.
    fn house() -> Workspace {
        let mut packages = vec![
            package("offhook-core", "crates/core", &["serde", "reqwest"]),
            package("offhook-twilio", "crates/twilio", &["offhook-core", "hmac"]),
            package("offhook-plivo", "crates/plivo", &["offhook-core", "hmac"]),
            package("offhook-manager", "crates/manager", &["offhook-core", "rusqlite"]),
            package("offhook-server", "crates/server", &["offhook-manager", "offhook-core"]),
            package("offhook-carrier", "crates/carrier", &["hmac"]),
            package("offhook-conformance", "crates/conformance", &["offhook-core"]),
            package("offhook", "crates/offhook", &["offhook-core"]),
            package("offhook-cli", "crates/cli", &["offhook", "offhook-server", "offhook-carrier"]),
            package("offhook-tests", "tests", &["offhook-cli", "offhook-conformance"]),
            package("offhook-bench", "benches", &["offhook-manager", "offhook-server"]),
            package("offhook-simulation", "crates/simulation", &["offhook-manager"]),
            package("xtask", "xtask", &["serde_json"]),
        ];
        for package in &mut packages {
            let unpublished = ["conformance", "tests", "bench", "simulation"];
            let short = package.name.strip_prefix("offhook-").unwrap_or_default();
            package.published = package.name != "xtask" && !unpublished.contains(&short);
        }
        let mut house =
            Workspace { root: "/house".into(), target: "/house/target".into(), packages };
        for chosen in ["offhook-twilio", "offhook-plivo", "offhook-manager"] {
            depend(&mut house, "offhook", chosen, Kind::Normal);
            last(&mut house, "offhook").optional = true;
        }
        depend(&mut house, "offhook-twilio", "offhook-conformance", Kind::Dev);
        depend(&mut house, "offhook-manager", "offhook-conformance", Kind::Dev);
        house
    }

    fn package(name: &str, folder: &str, on: &[&str]) -> Package {
        let dependency = |name: &&str| Dependency {
            name: (*name).to_owned(),
            kind: Kind::Normal,
            optional: false,
        };
        Package {
            name: name.to_owned(),
            folder: std::path::Path::new("/house").join(folder),
            published: true,
            dependencies: on.iter().map(dependency).collect(),
            features: std::iter::once(("default".to_owned(), Vec::new())).collect(),
            metadata: serde_json::Value::Null,
        }
    }

    fn named<'a>(house: &'a mut Workspace, name: &str) -> &'a mut Package {
        house.packages.iter_mut().find(|package| package.name == name).unwrap()
    }

    fn last<'a>(house: &'a mut Workspace, name: &str) -> &'a mut Dependency {
        named(house, name).dependencies.last_mut().unwrap()
    }

    fn depend(house: &mut Workspace, from: &str, to: &str, kind: Kind) {
        let dependency = Dependency { name: to.to_owned(), kind, optional: false };
        named(house, from).dependencies.push(dependency);
    }

    #[test]
    fn a_house_that_is_right_passes() {
        assert_eq!(faults(&house()), [""; 0]);
    }

    #[test]
    fn each_arrow_that_must_not_be_is_a_fault() {
        use Kind::{Build, Dev, Normal};
        for (from, to, kind) in [
            ("offhook-core", "offhook-manager", Normal),
            ("offhook-core", "offhook-carrier", Build),
            ("offhook-core", "offhook-conformance", Dev),
            ("offhook-twilio", "offhook-plivo", Normal),
            ("offhook-twilio", "offhook-plivo", Dev),
            ("offhook-twilio", "offhook-manager", Normal),
            ("offhook-twilio", "offhook-manager", Dev),
            ("offhook-twilio", "offhook-carrier", Normal),
            ("offhook-manager", "offhook-twilio", Normal),
            ("offhook-manager", "offhook-twilio", Dev),
            ("offhook-manager", "offhook-server", Normal),
            ("offhook-manager", "offhook-conformance", Build),
            ("offhook-manager", "reqwest", Normal),
            ("offhook-manager", "reqwest", Dev),
            ("offhook-manager", "sha2", Normal),
            ("offhook-manager", "ring", Build),
            ("offhook-server", "offhook-twilio", Normal),
            ("offhook-server", "offhook-plivo", Dev),
            ("offhook-server", "offhook", Normal),
            ("offhook-carrier", "offhook-core", Normal),
            ("offhook-carrier", "offhook-core", Dev),
            ("offhook-carrier", "offhook-twilio", Dev),
            ("offhook-conformance", "offhook-twilio", Normal),
            ("offhook", "offhook-server", Normal),
            ("offhook-cli", "offhook-conformance", Normal),
            ("offhook-cli", "offhook-tests", Dev),
            ("offhook-tests", "xtask", Normal),
            ("offhook-cli", "offhook-simulation", Dev),
            ("offhook-simulation", "offhook-server", Normal),
            ("offhook-simulation", "offhook-conformance", Dev),
            ("xtask", "offhook-core", Normal),
        ] {
            let mut house = house();
            depend(&mut house, from, to, kind);
            // An optional dependency is a dependency; this also keeps the facade's own rule out.
            last(&mut house, from).optional = true;
            let text = faults(&house).join("\n");
            let wanted = format!("{from} has {to} in its {}: ", table(kind));
            assert!(text.contains(&wanted), "{wanted}\nis not in\n{text}");
        }
    }

    #[test]
    fn each_other_rule_is_a_fault_when_broken() {
        type Break = fn(&mut Workspace);
        let breaks: [(Break, &str); 8] = [
            (
                |house| depend(house, "offhook-server", "offhook-conformance", Kind::Normal),
                "offhook-server is published and depends on offhook-conformance, which is not",
            ),
            (
                |house| named(house, "offhook-conformance").published = true,
                "offhook-conformance is to say `publish = false`",
            ),
            (
                |house| named(house, "offhook-tests").published = true,
                "offhook-tests is to say `publish = false`",
            ),
            (
                |house| last(house, "offhook").optional = false,
                "offhook has offhook-manager in any case",
            ),
            (
                |house| {
                    let default = vec!["twilio".to_owned()];
                    named(house, "offhook").features.insert("default".to_owned(), default);
                },
                "offhook has default features",
            ),
            (
                |house| named(house, "offhook-server").name = "offhook-serve".to_owned(),
                "offhook-server has rules but is not in the workspace",
            ),
            (
                |house| house.packages.push(package("helpers", "crates/helpers", &[])),
                "helpers has no rules",
            ),
            (
                |house| {
                    let on = ["offhook-core", "offhook-manager"];
                    house.packages.push(package("offhook-vonage", "crates/vonage", &on));
                },
                "offhook-vonage has offhook-manager in its dependencies: a provider is usable alone",
            ),
        ];
        for (broken, wanted) in breaks {
            let mut house = house();
            broken(&mut house);
            let text = faults(&house).join("\n");
            assert!(text.contains(wanted), "{wanted}\nis not in\n{text}");
        }
    }

    #[test]
    fn every_part_has_its_arrows() {
        for (name, role) in NAMED {
            assert_eq!(ARROWS.iter().filter(|arrow| arrow.from == *role).count(), 1, "{name}");
        }
        assert!(ARROWS.iter().any(|arrow| arrow.from == Role::Provider));
    }
}
