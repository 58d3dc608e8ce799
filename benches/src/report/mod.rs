//! What a run found: figures beside what is promised, as a table, a file and a comparison.
//!
//! # The file
//!
//! One JSON object. Fields that a reader does not know are to be ignored.
//!
//! | field | what it is |
//! |---|---|
//! | `format` | 1; the next number is for what a reader of this one would misread |
//! | `date` | when the run ended, RFC 3339, UTC |
//! | `commit` | the hash, with `-dirty` behind it if files differ; null if git does not tell |
//! | `machine` | its `cores`, and the `cpu` model, null where the system does not tell it |
//! | `figures` | a list, in the order of the table |
//!
//! A figure has a `name`, a `value` (null if the system does not tell what it needs), its `unit`,
//! what is `better` (`more` or `less`), the `spread` (`lowest` and `highest` of the rounds of this
//! run; null if there was one), the `limit` that is promised and the `goal` that is aimed at (null
//! where there is none).

mod comparison;
mod file;
mod table;

use serde::{Deserialize, Serialize};

pub(crate) use comparison::comparison;
pub(crate) use file::{default_path, load, machine, present_commit, save};
pub(crate) use table::table;

/// The `format` that is written and read.
const FORMAT: u32 = 1;

/// A run, as it is saved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) format: u32,
    pub(crate) date: String,
    pub(crate) commit: Option<String>,
    pub(crate) machine: Machine,
    pub(crate) figures: Vec<Figure>,
}

impl Run {
    pub(crate) const fn of(
        date: String,
        commit: Option<String>,
        machine: Machine,
        figures: Vec<Figure>,
    ) -> Self {
        Self { format: FORMAT, date, commit, machine, figures }
    }
}

/// What the figures depend on most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) cores: usize,
    pub(crate) cpu: Option<String>,
}

/// One figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Figure {
    pub(crate) name: String,
    pub(crate) value: Option<f64>,
    pub(crate) unit: String,
    pub(crate) better: Better,
    pub(crate) spread: Option<Spread>,
    pub(crate) limit: Option<f64>,
    pub(crate) goal: Option<f64>,
}

/// What one wants of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Better {
    More,
    Less,
}

/// How far the rounds of a run lie apart.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spread {
    pub(crate) lowest: f64,
    pub(crate) highest: f64,
}

impl Figure {
    /// More of it is better. A value that is no number is not known.
    pub(crate) fn more(name: impl Into<String>, unit: &str, value: f64) -> Self {
        Self {
            name: name.into(),
            value: Some(value).filter(|it| it.is_finite()),
            unit: unit.to_owned(),
            better: Better::More,
            spread: None,
            limit: None,
            goal: None,
        }
    }

    /// Less of it is better.
    pub(crate) fn less(name: impl Into<String>, unit: &str, value: f64) -> Self {
        Self { better: Better::Less, ..Self::more(name, unit, value) }
    }

    /// What each round alone came to.
    pub(crate) fn rounds(mut self, rounds: impl IntoIterator<Item = f64>) -> Self {
        let rounds: Vec<f64> = rounds.into_iter().filter(|it| it.is_finite()).collect();
        let lowest = rounds.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = rounds.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        self.spread = (rounds.len() > 1).then_some(Spread { lowest, highest });
        self
    }

    /// What the project promises.
    pub(crate) const fn limit(mut self, limit: f64) -> Self {
        self.limit = Some(limit);
        self
    }

    /// What it aims at.
    pub(crate) const fn goal(mut self, goal: f64) -> Self {
        self.goal = Some(goal);
        self
    }

    /// Whether two runs can be compared by it.
    fn is_same(&self, other: &Self) -> bool {
        self.name == other.name && self.unit == other.unit
    }
}

/// Four digits, as far as there are some behind the point; more of them would be chance.
fn shown(value: Option<f64>) -> String {
    let Some(value) = value else { return "unknown".to_owned() };
    let digits = match value.abs() {
        1000.0.. => 0,
        100.0.. => 1,
        10.0.. => 2,
        _ => 3,
    };
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_shown_with_four_digits() {
        let texts = [1.04849, 41.2677, 312.44, 20_480.6, 0.0].map(|it| shown(Some(it)));
        assert_eq!(texts, ["1.048", "41.27", "312.4", "20481", "0.000"]);
        assert_eq!(shown(None), "unknown");
    }

    #[test]
    fn what_the_system_does_not_tell_is_no_figure() {
        let figure = Figure::less("server", "µs", f64::NAN).rounds([f64::NAN, 3.0]);
        assert_eq!((figure.value, figure.spread), (None, None));
        let figure = Figure::less("server", "µs", 4.0).rounds([5.0, f64::NAN, 3.0]);
        assert_eq!(figure.spread, Some(Spread { lowest: 3.0, highest: 5.0 }));
    }
}
