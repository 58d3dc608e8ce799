//! Two runs side by side.

use super::{Better, Figure, Machine, Run, Spread, shown};

/// How each figure changed since a saved run. A figure that one of them lacks is named.
pub(crate) fn comparison(saved: &Run, now: &Run) -> String {
    let commit = saved.commit.as_deref().unwrap_or("an unknown commit");
    let mut text = format!("since {} ({commit})\n", saved.date);
    if saved.machine != now.machine {
        let [there, here] = [&saved.machine, &now.machine].map(machine);
        text.push_str(&format!("  ANOTHER MACHINE: that was {there}, this is {here}\n"));
    }
    text.push_str(&row(["", "saved", "now", "unit", "change", ""]));
    for figure in &now.figures {
        let before = saved.figures.iter().find(|it| it.is_same(figure));
        let (change, word) = match before {
            None => (String::new(), "not in the saved run"),
            Some(before) => change(before, figure),
        };
        let saved = before.map_or_else(|| "-".to_owned(), |it| shown(it.value));
        text.push_str(&row([
            &figure.name,
            &saved,
            &shown(figure.value),
            &figure.unit,
            &change,
            word,
        ]));
    }
    for gone in &saved.figures {
        if !now.figures.iter().any(|it| it.is_same(gone)) {
            let value = shown(gone.value);
            text.push_str(&row([&gone.name, &value, "-", &gone.unit, "", "not in this run"]));
        }
    }
    text.push_str("  noise: a value lies within the rounds of the other run\n");
    text
}

fn row([name, saved, now, unit, change, word]: [&str; 6]) -> String {
    let row = format!("  {name:<52} {saved:>8} {now:>8} {unit:<9} {change:>8}  {word}");
    format!("{}\n", row.trim_end())
}

fn machine(machine: &Machine) -> String {
    let cpu = machine.cpu.as_deref().unwrap_or("an unknown processor");
    format!("{} cores of {cpu}", machine.cores)
}

/// In per cent, and what to think of it.
fn change(before: &Figure, after: &Figure) -> (String, &'static str) {
    let (Some(old), Some(new)) = (before.value, after.value) else {
        return (String::new(), "unknown in one of them");
    };
    // Of nothing there is no per cent.
    let change = match (new - old) / old * 100.0 {
        change if change.is_finite() => format!("{change:+.1} %"),
        _ => String::new(),
    };
    let is_within = |value: f64, spread: Option<Spread>| {
        spread.map(|it| (it.lowest..=it.highest).contains(&value))
    };
    let word = match (is_within(new, before.spread), is_within(old, after.spread)) {
        _ if new == old => "the same",
        (Some(true), _) | (_, Some(true)) => "noise",
        (None, None) if is_better(old, new, after.better) => "better, or noise: of one round",
        (None, None) => "worse, or noise: of one round",
        _ if is_better(old, new, after.better) => "better",
        _ => "WORSE",
    };
    (change, word)
}

fn is_better(old: f64, new: f64, better: Better) -> bool {
    match better {
        Better::More => new > old,
        Better::Less => new < old,
    }
}

#[cfg(test)]
mod tests {
    use std::slice;

    use super::*;

    fn run(figures: &[Figure]) -> Run {
        let machine = Machine { cores: 2, cpu: Some("A Processor".to_owned()) };
        Run::of("2026-03-04T09:30:31Z".to_owned(), None, machine, figures.to_vec())
    }

    /// Without the heads and the last line.
    fn rows(saved: &[Figure], now: &[Figure]) -> Vec<String> {
        let text = comparison(&run(saved), &run(now));
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        let lines: Vec<String> = text.lines().skip(2).map(words).collect();
        lines[..lines.len() - 1].to_vec()
    }

    fn share(value: f64) -> Figure {
        Figure::more("share", "%", value).rounds([value - 1.0, value + 1.0])
    }

    #[test]
    fn a_change_within_the_rounds_is_noise_and_one_beyond_them_is_none() {
        assert_eq!(rows(&[share(40.0)], &[share(40.8)]), ["share 40.00 40.80 % +2.0 % noise"]);
        assert_eq!(rows(&[share(40.0)], &[share(44.0)]), ["share 40.00 44.00 % +10.0 % better"]);
        assert_eq!(rows(&[share(40.0)], &[share(36.0)]), ["share 40.00 36.00 % -10.0 % WORSE"]);
        let slow = |value: f64| Figure::less("p99", "ms", value).rounds([value, value + 0.5]);
        assert_eq!(rows(&[slow(4.0)], &[slow(6.0)]), ["p99 4.000 6.000 ms +50.0 % WORSE"]);
        assert_eq!(rows(&[slow(4.0)], &[slow(3.0)]), ["p99 4.000 3.000 ms -25.0 % better"]);
        // The rounds of either run are enough.
        let once = Figure::less("p99", "ms", 4.2);
        assert_eq!(rows(&[slow(4.0)], slice::from_ref(&once)), ["p99 4.000 4.200 ms +5.0 % noise"]);
        assert_eq!(rows(&[once], &[slow(4.0)]), ["p99 4.200 4.000 ms -4.8 % noise"]);
    }

    #[test]
    fn of_one_round_nothing_is_certain() {
        let memory = |value| Figure::less("memory", "MiB", value);
        let one = rows(&[memory(20.0)], &[memory(25.0)]);
        assert_eq!(one, ["memory 20.00 25.00 MiB +25.0 % worse, or noise: of one round"]);
        assert_eq!(rows(&[memory(0.0)], &[memory(0.0)]), ["memory 0.000 0.000 MiB the same"]);
        let from_none = rows(&[memory(0.0)], &[memory(3.0)]);
        assert_eq!(from_none, ["memory 0.000 3.000 MiB worse, or noise: of one round"]);
    }

    #[test]
    fn a_figure_that_is_missing_on_either_side_is_named() {
        let p99 = |unit, value| Figure::less("p99", unit, value);
        assert_eq!(rows(&[], &[p99("ms", 4.0)]), ["p99 - 4.000 ms not in the saved run"]);
        assert_eq!(rows(&[p99("ms", 4.0)], &[]), ["p99 4.000 - ms not in this run"]);
        let unknown = rows(&[p99("ms", f64::NAN)], &[p99("ms", 4.0)]);
        assert_eq!(unknown, ["p99 unknown 4.000 ms unknown in one of them"]);
        // Microseconds are not compared with milliseconds.
        let other = rows(&[p99("µs", 4000.0)], &[p99("ms", 4.0)]);
        assert_eq!(other, ["p99 - 4.000 ms not in the saved run", "p99 4000 - µs not in this run"]);
    }

    #[test]
    fn another_machine_is_said_aloud() {
        let here = run(&[]);
        let mut there = here.clone();
        assert!(!comparison(&there, &here).contains("ANOTHER MACHINE"));
        there.machine = Machine { cores: 8, cpu: None };
        let text = comparison(&there, &here);
        let aloud = "that was 8 cores of an unknown processor, this is 2 cores of A Processor";
        assert!(text.contains(aloud), "{text}");
    }
}
