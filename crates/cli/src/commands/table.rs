//! Aligned columns, and times as people say them.

use jiff::{SignedDuration, Timestamp};

use crate::output;

/// Rows under a head, each column as wide as its widest cell.
pub(super) fn render(head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([head[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<String> =
            cells.zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        padded.join("  ").trim_end().to_owned()
    };
    let head = line(&mut head.iter().copied());
    let mut lines = vec![output::paint(output::colour(), "2", &head)];
    lines.extend(rows.iter().map(|row| line(&mut row.iter().map(String::as_str))));
    lines.join("\n")
}

/// `12 s ago`, `3 min ago`: how long a moment in RFC 3339 is past.
pub(super) fn ago(moment: &str, now: Timestamp) -> String {
    let Ok(moment) = moment.parse::<Timestamp>() else { return "-".to_owned() };
    match now.duration_since(moment).max(SignedDuration::ZERO).as_secs() {
        seconds @ 0..120 => format!("{seconds} s ago"),
        seconds @ 120..7200 => format!("{} min ago", seconds / 60),
        seconds @ 7200..172_800 => format!("{} h ago", seconds / 3600),
        seconds => format!("{} d ago", seconds / 86_400),
    }
}

/// A moment in RFC 3339 without the part of a second.
pub(super) fn to_the_second(moment: &str) -> String {
    match moment.parse::<Timestamp>() {
        Ok(moment) => moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        Err(_) => moment.to_owned(),
    }
}

/// `+1.50 s`: how long after a beginning.
pub(super) fn since(beginning: Timestamp, at: Timestamp) -> String {
    format!("+{:.2} s", at.duration_since(beginning).as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::ago;

    #[test]
    fn times_are_told_in_the_unit_that_fits() {
        let now = "2026-03-01T12:00:00Z".parse().unwrap();
        for (moment, expected) in [
            ("2026-03-01T11:59:48Z", "12 s ago"),
            ("2026-03-01T11:57:00Z", "3 min ago"),
            ("2026-03-01T07:00:00Z", "5 h ago"),
            ("2026-02-20T12:00:00Z", "9 d ago"),
            ("2026-03-01T12:00:05Z", "0 s ago"),
            ("never", "-"),
        ] {
            assert_eq!(ago(moment, now), expected);
        }
    }
}
