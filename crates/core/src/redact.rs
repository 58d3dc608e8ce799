//! What may not be printed whole.

/// Masks each run of seven or more digits in a text that somebody else wrote (a carrier's error
/// message, say), so that it may be logged.
///
/// ```
/// let text = "The 'To' number +15550001234 is not valid (code 21211)";
/// assert_eq!(
///     offhook_core::mask_numbers(text),
///     "The 'To' number +15•••••••34 is not valid (code 21211)",
/// );
/// ```
#[must_use]
pub fn mask_numbers(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut digits = String::new();
    for character in text.chars() {
        if character.is_ascii_digit() {
            digits.push(character);
            continue;
        }
        flush(&mut masked, &mut digits);
        masked.push(character);
    }
    flush(&mut masked, &mut digits);
    masked
}

fn flush(masked: &mut String, digits: &mut String) {
    if digits.len() >= 7 {
        masked.push_str(&mask_digits(digits));
    } else {
        masked.push_str(digits);
    }
    digits.clear();
}

/// Keeps the first two digits and the last two.
pub(crate) fn mask_digits(number: &str) -> String {
    let (sign, digits) = match number.strip_prefix('+') {
        Some(digits) => ("+", digits),
        None => ("", number),
    };
    let hidden = digits.len().saturating_sub(4);
    if hidden == 0 {
        return format!("{sign}{}", "•".repeat(digits.len()));
    }
    format!("{sign}{}{}{}", &digits[..2], "•".repeat(hidden), &digits[digits.len() - 2..])
}
