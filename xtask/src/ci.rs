//! Every check, in order, and what came of each.

use std::time::{Duration, Instant};

use crate::outcome::{Failure, Outcome, Skipped};
use crate::verbs::{CHECKS, Verb};

pub(crate) fn run() -> Outcome {
    let (lines, failure) = run_all(CHECKS);
    println!("\n== summary");
    for line in lines {
        println!("{line}");
    }
    match failure {
        None => Ok(Vec::new()),
        Some(failure) => Err(failure),
    }
}

/// Runs these up to the first that fails. Every one of them gets its line.
fn run_all(checks: &[Verb]) -> (Vec<String>, Option<Failure>) {
    let mut lines = Vec::new();
    let mut failed: Option<(&str, Failure)> = None;
    for Verb { name, run, .. } in checks {
        if let Some((earlier, _)) = &failed {
            lines.push(format!("{name:<12} SKIPPED (not reached: {earlier} failed)"));
            continue;
        }
        println!("\n== {name}");
        let start = Instant::now();
        let outcome = run();
        let time = seconds(start.elapsed());
        println!("== {name} took {time}");
        match outcome {
            Ok(skips) => {
                // Of a verb that skipped itself, nothing ran.
                if let Some(all) = skips.iter().find(|skip| skip.what == *name) {
                    println!("{all}");
                    lines.push(format!("{name:<12} SKIPPED ({})", all.reason));
                    continue;
                }
                lines.push(format!("{name:<12} ok      {time:>8}"));
                for Skipped { what, reason } in skips {
                    println!("{what}: SKIPPED, {reason}");
                    lines.push(format!("  {what:<10} SKIPPED ({reason})"));
                }
            }
            Err(failure) => {
                lines.push(format!("{name:<12} FAILED  {time:>8}"));
                failed = Some((name, failure));
            }
        }
    }
    let failure = failed.map(|(name, failure)| Failure::new(format!("{name}: {failure}")));
    (lines, failure)
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verb(name: &'static str, run: fn() -> Outcome) -> Verb {
        Verb { name, about: "", run }
    }

    #[test]
    fn nothing_that_did_not_run_counts_as_passed() {
        let (lines, failure) = run_all(&[
            verb("first", || Ok(vec![Skipped { what: "half", reason: "no network".to_owned() }])),
            verb("whole", || Ok(vec![Skipped { what: "whole", reason: "no Python".to_owned() }])),
            verb("second", || Err(Failure::new("broken"))),
            verb("third", || panic!("is not to run")),
        ]);
        assert!(lines[0].starts_with("first        ok"), "{lines:?}");
        assert_eq!(lines[1], "  half       SKIPPED (no network)");
        assert_eq!(lines[2], "whole        SKIPPED (no Python)");
        assert!(lines[3].starts_with("second       FAILED"), "{lines:?}");
        assert_eq!(lines[4], "third        SKIPPED (not reached: second failed)");
        assert_eq!(failure.unwrap().to_string(), "second: broken");
    }
}
