//! What may not be printed whole.

/// How many digits a phone number has at least: a local one, without its area code.
const SHORTEST: usize = 7;

/// So many digits with nothing but spaces between them are a number even in two groups; `400 21211`
/// is a status and a code.
const LONG: usize = 9;

/// Masks whatever may be a phone number in a text that somebody else wrote (a carrier's error
/// message, say), so that it may be logged: seven or more digits, also with spaces, hyphens, dots
/// and parentheses between them.
///
/// Dates, UUIDs and ids of 32 hexadecimal digits stay, since those who look for a fault need them.
///
/// ```
/// use offhook_core::mask_numbers;
///
/// assert_eq!(
///     mask_numbers("The 'To' number +15550001234 is not valid (code 21211)"),
///     "The 'To' number +15•••••••34 is not valid (code 21211)",
/// );
/// assert_eq!(mask_numbers("+1 (555) 000-1234"), "+1 (5••) •••-••34");
/// assert_eq!(mask_numbers("since 2026-03-01 12:00:00"), "since 2026-03-01 12:00:00");
/// ```
#[must_use]
pub fn mask_numbers(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    let mut in_word = false;
    while let Some(first) = rest.chars().next() {
        let known =
            if in_word { 0 } else { id_length(rest).or_else(|| date_length(rest)).unwrap_or(0) };
        let (taken, is_number) = if known > 0 {
            (known, false)
        } else {
            match number_length(rest) {
                Some(length) => (length, true),
                None => (digits_length(rest).max(first.len_utf8()), false),
            }
        };
        let (piece, after) = rest.split_at(taken);
        if is_number {
            push_masked(&mut masked, piece);
        } else {
            masked.push_str(piece);
        }
        in_word = piece.chars().next_back().is_some_and(|last| last.is_ascii_alphanumeric());
        rest = after;
    }
    masked
}

/// The length of what a text begins with, if that may be a phone number.
fn number_length(text: &str) -> Option<usize> {
    let (mut end, mut digits, mut groups) = (0, 0, 0);
    let mut only_spaces = true;
    // What stands before the digits shows that they are a number.
    let mut at = text.bytes().take(2).take_while(|byte| matches!(byte, b'+' | b'(')).count();
    let is_marked = at > 0;
    loop {
        let group = digits_length(&text[at..]);
        // A date behind a number is none of its digits.
        if group == 0 || groups > 0 && date_length(&text[at..]).is_some() {
            break;
        }
        (end, digits, groups) = (at + group, digits + group, groups + 1);
        let gap = gap_length(&text[end..]);
        if gap == 0 {
            break;
        }
        only_spaces &= text[end..end + gap].chars().all(char::is_whitespace);
        at = end + gap;
    }
    // What stands between the groups tells a number from numbers that stand side by side.
    let is_one = groups == 1 || is_marked || groups > 2 || digits >= LONG || !only_spaces;
    (digits >= SHORTEST && is_one).then_some(end)
}

/// The length of what separates two groups of a number: one or two characters. A dot or a hyphen
/// with a space behind it ends a clause.
fn gap_length(text: &str) -> usize {
    let is_gap = |character: char| {
        character.is_whitespace() && character != '\n'
            || matches!(character, '-' | '.' | '(' | ')' | '\u{2010}'..='\u{2013}')
    };
    let mut characters = text.chars();
    let Some(first) = characters.next().filter(|first| is_gap(*first)) else { return 0 };
    match characters.next() {
        Some(second) if second.is_ascii_digit() => first.len_utf8(),
        Some(second) if is_gap(second) && (first == ')' || second == '(') => {
            first.len_utf8() + second.len_utf8()
        }
        _ => 0,
    }
}

fn digits_length(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

/// The length of the id that a text begins with: a UUID, or 32 hexadecimal digits with or without
/// two capitals that tell their kind.
fn id_length(text: &str) -> Option<usize> {
    let is_whole = |length: usize| {
        !text[length..].starts_with(|next: char| next.is_ascii_alphanumeric() || next == '-')
    };
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if let Some(uuid) = text.get(..36)
        && uuid.split('-').map(str::len).eq([8, 4, 4, 4, 12])
        && uuid.split('-').all(is_hex)
        && is_whole(36)
    {
        return Some(36);
    }
    let kind = text.bytes().take(2).take_while(u8::is_ascii_uppercase).count();
    [0, kind].into_iter().map(|kind| (kind, kind + 32)).find_map(|(kind, length)| {
        (is_hex(text.get(kind..length)?) && is_whole(length)).then_some(length)
    })
}

/// The length of the date that a text begins with, and of the time behind it: `2026-03-01`, or
/// `01.03.2026` with any order of day and month.
fn date_length(text: &str) -> Option<usize> {
    let date = text.get(..10)?;
    let separator = date.chars().find(|character| !character.is_ascii_digit())?;
    if !matches!(separator, '-' | '.' | '/') {
        return None;
    }
    let groups: Vec<&str> = date.split(separator).collect();
    let [first, second, third] = groups[..] else { return None };
    let (year, others) = match (first.len(), third.len()) {
        (4, 2) => (first, [second, third]),
        (2, 4) => (third, [first, second]),
        _ => return None,
    };
    let number = |text: &str| text.parse::<u32>().ok();
    let is_right = number(year).is_some_and(|year| (1970..2100).contains(&year))
        && others.iter().all(|part| part.len() == 2)
        && others.iter().all(|part| number(part).is_some_and(|part| (1..=31).contains(&part)))
        && others.iter().any(|part| number(part).is_some_and(|part| part <= 12));
    // More digits behind it, at most after one separator, make it a number with separators.
    let rest = &text[10..];
    let goes_on =
        rest.trim_start_matches(separator).starts_with(|next: char| next.is_ascii_digit());
    (is_right && !goes_on).then(|| 10 + time_length(rest))
}

/// The length of the time of day behind a date: `T12:00:00.123456`, with a `T` or a space.
fn time_length(text: &str) -> usize {
    let shape = ["T ", "0", "0", ":", "0", "0", ":", "0", "0", "."];
    let is_as = |(byte, shape): (u8, &str)| match shape {
        "0" => byte.is_ascii_digit(),
        others => others.as_bytes().contains(&byte),
    };
    match text.bytes().zip(shape).take_while(|pair| is_as(*pair)).count() {
        10 => 10 + digits_length(&text[10..]),
        // With seconds, or without.
        9 => 9,
        6..9 => 6,
        _ => 0,
    }
}

/// Keeps the first two digits and the last two, and what stands between the digits.
fn push_masked(masked: &mut String, number: &str) {
    let digits = number.chars().filter(char::is_ascii_digit).count();
    let mut seen = 0;
    for character in number.chars() {
        if !character.is_ascii_digit() {
            masked.push(character);
            continue;
        }
        seen += 1;
        masked.push(if seen <= 2 || seen + 2 > digits { character } else { '•' });
    }
}

/// Keeps the first two digits and the last two.
pub(crate) fn mask_digits(number: &str) -> String {
    let (sign, digits) = match number.strip_prefix('+') {
        Some(digits) => ("+", digits),
        None => ("", number),
    };
    let mut masked = sign.to_owned();
    if digits.len() <= 4 {
        masked.push_str(&"•".repeat(digits.len()));
    } else {
        push_masked(&mut masked, digits);
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_masked_however_it_is_written() {
        for (text, masked) in [
            ("15550001234", "15•••••••34"),
            ("+1 (555) 123-4567", "+1 (5••) •••-••67"),
            ("+1 (555) - 123-4567", "+1 (555) - 12•-••67"),
            ("1-555-123-4567", "1-5••-•••-••67"),
            ("(555) 123 4567", "(55•) ••• ••67"),
            ("555.123.4567", "55•.•••.••67"),
            ("555-1234", "55•-••34"),
            ("01234 567890", "01••• ••••90"),
            ("06 12 34 56 78", "06 •• •• •• 78"),
            ("+44\u{a0}20\u{a0}7946\u{a0}0000", "+44\u{a0}••\u{a0}••••\u{a0}••00"),
            ("0171\u{2011}1234567", "01••\u{2011}•••••67"),
            ("To=%2B15550001234&From=x", "To=%2B15•••••••34&From=x"),
            (r"\u002b15550001234", r"\u002b15•••••••34"),
            ("x15550001234y", "x15•••••••34y"),
            ("tel:+15550001234;ext=7", "tel:+15•••••••34;ext=7"),
            ("+15550001234 2026-03-01", "+15•••••••34 2026-03-01"),
            ("to 1555000 1234567, again", "to 15••••• •••••67, again"),
        ] {
            assert_eq!(mask_numbers(text), masked, "{text}");
        }
    }

    #[test]
    fn what_is_no_number_stays() {
        for text in [
            "",
            "code 21211, status 400",
            "400 21211",
            "21211. 400",
            "error 20404 - 404",
            "2026-03-01T12:00:00Z and 2026-03-01 12:00:00.123456",
            "01.03.2026, 31/12/2026",
            "/2010-04-01/Accounts/AC00000000000000000000000000000001/Calls.json",
            "CA00000000000000000000000000000077",
            "0123456789abcdef0123456789abcdef",
            "019580c0-1234-7123-8123-123456789012 is over",
            "127.0.0.1:4010 refused, 30 s",
            "Grüße 🎉 + ( ) -",
        ] {
            assert_eq!(mask_numbers(text), text);
        }
    }

    #[test]
    fn what_only_looks_like_an_id_or_a_date_hides_no_number() {
        for (text, masked) in [
            ("CallbackFor15550001234Failed", "CallbackFor15•••••••34Failed"),
            ("2026-03-01-5550", "20••-••-••-••50"),
            ("2026-13-41", "20••-••-41"),
            ("15550001234-1234-1234-1234-123456789012", "15•••••••••-••••-••••-••••-••••••••••12"),
        ] {
            assert_eq!(mask_numbers(text), masked, "{text}");
        }
    }
}
