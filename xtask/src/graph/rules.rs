//! Who may know whom. The picture of these rules is in ARCHITECTURE.md.

use crate::workspace::Package;
use Role::{
    Bench, Carrier, Cli, Conformance, Core, Facade, Manager, Provider, Server, Simulation, Tests,
    Xtask,
};

/// The part that a package of ours plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Core,
    Provider,
    Manager,
    Server,
    Carrier,
    Conformance,
    Facade,
    Cli,
    Tests,
    Bench,
    Simulation,
    Xtask,
}

/// The packages that there is one of. What else stands in `crates/` is a provider, so that a new
/// one is held to the rules without a line here.
pub(super) const NAMED: &[(&str, Role)] = &[
    ("offhook-core", Core),
    ("offhook-manager", Manager),
    ("offhook-server", Server),
    ("offhook-carrier", Carrier),
    ("offhook-conformance", Conformance),
    ("offhook", Facade),
    ("offhook-cli", Cli),
    ("offhook-tests", Tests),
    ("offhook-bench", Bench),
    ("offhook-simulation", Simulation),
    ("xtask", Xtask),
];

/// The part of this package, if it has one.
pub(crate) fn role(package: &Package) -> Option<Role> {
    if let Some((_, role)) = NAMED.iter().find(|(name, _)| *name == package.name) {
        return Some(*role);
    }
    let short = package.name.strip_prefix("offhook-")?;
    package.folder.ends_with(format!("crates/{short}")).then_some(Provider)
}

/// Which packages of ours a package may name in its manifest.
pub(super) struct Arrow {
    pub(super) from: Role,
    pub(super) to: &'static [Role],
    /// Its tests (`[dev-dependencies]`) may have these too.
    pub(super) tests_also: &'static [Role],
    pub(super) why: &'static str,
}

pub(super) const ARROWS: &[Arrow] = &[
    Arrow {
        from: Core,
        to: &[],
        tests_also: &[],
        why: "core is the vocabulary that all others share",
    },
    Arrow {
        from: Provider,
        to: &[Core],
        tests_also: &[Conformance, Carrier],
        why: "a provider is usable alone and knows neither the manager nor another provider",
    },
    Arrow {
        from: Manager,
        to: &[Core],
        tests_also: &[Conformance],
        why: "the manager knows providers by their trait only",
    },
    Arrow {
        from: Server,
        to: &[Manager, Core],
        tests_also: &[Conformance],
        why: "the server reaches calls through the manager, whoever carries them",
    },
    Arrow {
        from: Carrier,
        to: &[],
        tests_also: &[],
        why: "an emulator that shares code with what it tests agrees with its mistakes",
    },
    Arrow {
        from: Conformance,
        to: &[Core, Manager, Carrier],
        tests_also: &[],
        why: "a suite that every provider passes is written against none",
    },
    Arrow {
        from: Facade,
        to: &[Core, Manager, Provider],
        tests_also: &[Carrier, Conformance],
        why: "the facade re-exports the library, not the daemon",
    },
    Arrow {
        from: Cli,
        to: &[Core, Provider, Manager, Server, Carrier, Facade],
        tests_also: &[Conformance],
        why: "the product assembles all but what tests it",
    },
    Arrow {
        from: Tests,
        to: &[Core, Provider, Manager, Server, Carrier, Conformance, Facade, Cli],
        tests_also: &[],
        why: "the tests assemble everything but the tools",
    },
    Arrow {
        from: Bench,
        to: &[Core, Provider, Manager, Server, Facade],
        tests_also: &[],
        why: "what is measured is the product without its tools",
    },
    Arrow {
        from: Simulation,
        to: &[Core, Provider, Manager, Carrier],
        tests_also: &[],
        why: "a simulation has the pure parts of the product, and brings the rest itself",
    },
    Arrow {
        from: Xtask,
        to: &[],
        tests_also: &[],
        why: "what checks the house must not be built from it",
    },
];

/// Crates of others that a package may not name in any table of its manifest.
pub(super) struct Ban {
    pub(super) from: Role,
    pub(super) crates: &'static [&'static str],
    pub(super) why: &'static str,
}

pub(super) const BANS: &[Ban] = &[
    Ban {
        from: Manager,
        crates: &["reqwest", "hyper", "hyper-util", "axum", "ureq", "curl", "isahc"],
        why: "requests to a carrier are the provider's",
    },
    Ban {
        from: Manager,
        crates: &[
            "aws-lc-rs",
            "blake2",
            "blake3",
            "constant_time_eq",
            "digest",
            "ed25519",
            "ed25519-dalek",
            "hmac",
            "md-5",
            "native-tls",
            "openssl",
            "ring",
            "rsa",
            "rustls",
            "rustls-platform-verifier",
            "sha1",
            "sha2",
            "sha3",
            "subtle",
        ],
        why: "signatures are verified by the provider",
    },
];

/// Packages that stay here: a published one depends on none of them.
pub(super) const UNPUBLISHED: &[Role] = &[Conformance, Tests, Bench, Simulation, Xtask];

/// The packages whose default features are empty and whose dependencies on ours are each one's
/// choice, but for these.
pub(super) const CHOSEN: &[(Role, &[Role])] = &[(Facade, &[Core])];
