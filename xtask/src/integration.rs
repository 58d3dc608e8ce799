//! Does the assembled product do its main job, on each provider there is?

use serde_json::{Deserializer, Value};

use crate::cargo::Cargo;
use crate::graph::providers;
use crate::outcome::{Failure, Outcome};
use crate::workspace::Workspace;

pub(crate) fn run() -> Outcome {
    let workspace = Workspace::load()?;
    let providers = providers(&workspace);
    if providers.is_empty() {
        return Err(Failure::new("there is no provider crate to run the demo on"));
    }
    for provider in providers {
        let name = provider.name.trim_start_matches("offhook-");
        let build = ["run", "--release", "--package", "offhook-cli", "--"];
        let demo = ["demo", "--json", "--provider", name];
        let report = Cargo::new(build.into_iter().chain(demo)).output()?;
        let values = values(&report)
            .map_err(|failure| Failure::new(format!("the demo on {name}: {failure}")))?;
        println!("the demo on {name} ended well and reported {values} JSON value(s)");
    }
    Ok(Vec::new())
}

/// How many JSON values a report has. An exit code of 0 and nothing said is no demo.
fn values(report: &str) -> Result<usize, Failure> {
    let values = Deserializer::from_str(report).into_iter::<Value>();
    let values = values
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Failure::new(format!("its report is not JSON: {error}")))?;
    if values.is_empty() { Err(Failure::new("it reported nothing")) } else { Ok(values.len()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_json_and_says_something() {
        assert_eq!(values("{\"at\": 1}\n{\"at\": 2}\n").unwrap(), 2);
        assert_eq!(values("[\n  1\n]\n").unwrap(), 1);
        assert!(values("").is_err());
        assert!(values("done\n").is_err());
    }
}
