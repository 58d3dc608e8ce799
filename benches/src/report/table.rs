//! The figures of a run, one a line.

use super::{Better, Figure, shown};

/// All figures beside the limit and the goal. Nothing fails by them.
pub(crate) fn table(figures: &[Figure]) -> String {
    let mut text = row(["", "value", "unit", "better", "limit", "goal", "", "(its rounds)"]);
    for figure in figures {
        let rounds = figure.spread.map_or_else(String::new, |it| {
            format!("({} to {})", shown(Some(it.lowest)), shown(Some(it.highest)))
        });
        text.push_str(&row([
            &figure.name,
            &shown(figure.value),
            &figure.unit,
            match figure.better {
                Better::More => "more",
                Better::Less => "less",
            },
            &bound(figure, figure.limit),
            &bound(figure, figure.goal),
            verdict(figure),
            &rounds,
        ]));
    }
    text
}

fn row([name, value, unit, better, limit, goal, verdict, rounds]: [&str; 8]) -> String {
    let row = format!(
        "  {name:<52} {value:>8} {unit:<9} {better:<6} {limit:<6} {goal:<6} {verdict:<12} {rounds}"
    );
    format!("{}\n", row.trim_end())
}

fn bound(figure: &Figure, bound: Option<f64>) -> String {
    let sign = match figure.better {
        Better::More => '≥',
        Better::Less => '≤',
    };
    bound.map_or_else(String::new, |bound| format!("{sign} {bound}"))
}

/// By the value as it was measured, not as it is shown.
fn verdict(figure: &Figure) -> &'static str {
    let reaches = |bound: Option<f64>| {
        figure.value.zip(bound).map(|(value, bound)| match figure.better {
            Better::More => value >= bound,
            Better::Less => value <= bound,
        })
    };
    match (reaches(figure.limit), reaches(figure.goal)) {
        (Some(false), _) => "NOT HELD",
        (_, Some(true)) => "goal reached",
        (Some(true), _) => "held",
        (None, _) => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_stands_beside_limit_and_goal_and_says_what_is_better() {
        let share = Figure::more("webhooks: share", "%", 41.2677).limit(40.0).goal(50.0);
        let text = table(&[share.rounds([40.1, 43.0]), Figure::less("memory", "MiB", 25.25)]);
        let lines: Vec<Vec<&str>> =
            text.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(
            lines[0].join(" "),
            "webhooks: share 41.27 % more ≥ 40 ≥ 50 held (40.10 to 43.00)"
        );
        assert_eq!(lines[1].join(" "), "memory 25.25 MiB less");
    }

    #[test]
    fn rounding_holds_no_limit() {
        let ratio = |value| Figure::less("verify: twilio", "times", value).limit(1.3).goal(1.1);
        assert!(table(&[ratio(1.30001)]).contains("1.300 times"));
        let share = |value| Figure::more("share", "%", value).limit(40.0).goal(50.0);
        let verdicts = [ratio(1.30001), ratio(1.3), ratio(1.1), share(39.999), share(50.0)];
        assert_eq!(
            verdicts.map(|figure| verdict(&figure)),
            ["NOT HELD", "held", "goal reached", "NOT HELD", "goal reached"]
        );
    }

    #[test]
    fn of_what_is_not_known_nothing_is_said() {
        let server = Figure::less("server", "µs", f64::NAN).limit(25.0);
        assert_eq!(verdict(&server), "");
        assert!(table(&[server]).contains("unknown µs"));
    }
}
