//! A search for what must not be printed, in whatever was.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::percent_decode_str;

/// How much of a text is shown around what was found.
const AROUND: usize = 60;

/// What a run was given, and must not be found in what it printed.
///
/// Everything is searched for as it is, percent-encoded, and as the numbers of its bytes.
#[derive(Default)]
pub struct Secrets {
    /// What opens something: tokens, keys, passwords.
    keys: Vec<Hidden>,
    /// What belongs to those on the line: numbers, words, digits.
    private: Vec<Hidden>,
}

struct Hidden {
    name: String,
    forms: Vec<String>,
    /// Whether separators between its characters do not hide it.
    is_number: bool,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} keys and {} private texts", self.keys.len(), self.private.len())
    }
}

impl Secrets {
    /// With a key. It is searched for in base64 too, wherever it stands in what was encoded, and
    /// in hexadecimal digits.
    #[must_use]
    pub fn key(mut self, name: &str, key: &str) -> Self {
        let hex = key.bytes().map(|byte| format!("{byte:02x}")).collect();
        let mut forms = vec![key.to_owned(), byte_numbers(key), hex];
        forms.extend((0..3).flat_map(|before| in_base64(key, before)));
        self.keys.push(Hidden { name: name.to_owned(), forms, is_number: false });
        self
    }

    /// With a phone number, `+15550001234`. It is found without its country code too, and with
    /// any separators.
    #[must_use]
    pub fn number(mut self, number: &str) -> Self {
        let national = number.get(number.len().saturating_sub(10)..).unwrap_or(number);
        let forms = vec![national.to_owned(), byte_numbers(national)];
        self.private.push(Hidden { name: format!("the number {number}"), forms, is_number: true });
        self
    }

    /// With something that was said, pressed or noted.
    #[must_use]
    pub fn words(mut self, words: &str) -> Self {
        let forms = vec![words.to_owned(), byte_numbers(words)];
        self.private.push(Hidden { name: format!("the words {words:?}"), forms, is_number: false });
        self
    }

    /// What is found of all of it in a text, each with what stands around.
    #[must_use]
    pub fn found_in(&self, text: &str) -> Vec<String> {
        let mut found = self.keys_found_in(text);
        found.extend(search(&self.private, text));
        found
    }

    /// What is found of the keys. For texts whose purpose is to show what was said, and by whom.
    #[must_use]
    pub fn keys_found_in(&self, text: &str) -> Vec<String> {
        search(&self.keys, text).collect()
    }
}

fn search(all: &[Hidden], text: &str) -> impl Iterator<Item = String> {
    // As it is, and without percent-encoding, whatever of it was encoded.
    let decoded = percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let joined = |text: &str| text.replace([' ', '\u{a0}', '-', '.', '(', ')', '/', '+'], "");
    let numbers = [joined(text), joined(&decoded)];
    let texts = [text.to_owned(), decoded];
    all.iter().filter_map(move |hidden| {
        let haystacks =
            if hidden.is_number { numbers.iter().chain(&texts) } else { texts.iter().chain(&[]) };
        let mut haystacks =
            haystacks.flat_map(|text| hidden.forms.iter().map(move |form| (text, form)));
        haystacks.find_map(|(text, form)| {
            let at = text.find(form.as_str())?;
            Some(format!("{} in …{}…", hidden.name, around(text, at, form.len())))
        })
    })
}

fn around(text: &str, at: usize, length: usize) -> &str {
    let first = (0..=at.saturating_sub(AROUND)).rev().find(|at| text.is_char_boundary(*at));
    let end = (at + length + AROUND).min(text.len());
    let last = (end..=text.len()).find(|at| text.is_char_boundary(*at));
    &text[first.unwrap_or(0)..last.unwrap_or(text.len())]
}

/// As `Debug` shows bytes.
fn byte_numbers(text: &str) -> String {
    text.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(", ")
}

/// What is sure to stand in the base64 of a text that holds this one behind so many bytes, modulo
/// three: without the characters that its neighbours decide too.
fn in_base64(text: &str, before: usize) -> [String; 2] {
    let bytes: Vec<u8> = std::iter::repeat_n(0, before).chain(text.bytes()).collect();
    let (first, last) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
    [STANDARD_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)]
        .map(|encoded| encoded[first..last].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;

    fn secrets() -> Secrets {
        Secrets::default()
            .key("the token", "open/sesame?5")
            .number("+15550100011")
            .words("it is in the cellar")
    }

    #[test]
    fn whatever_is_planted_is_found_however_it_is_written() {
        let basic =
            |user: &str| format!("Basic {}", STANDARD.encode(format!("{user}:open/sesame?5")));
        for planted in [
            "token=open/sesame?5;".to_owned(),
            "open%2Fsesame%3f5".to_owned(),
            format!("{:?}", b"open/sesame?5".to_vec()),
            "6f70656e2f736573616d653f35".to_owned(),
            basic("AC"),
            basic("AC1"),
            basic("AC12"),
            "To=%2B15550100011&From".to_owned(),
            "call 555-010-0011 now".to_owned(),
            "+1 (555) 010.0011".to_owned(),
            format!("{:?}", b"+15550100011".to_vec()),
            "Say=it+is+in+the+cellar".to_owned(),
            "Say=it%20is%20in%20the%20cellar".to_owned(),
        ] {
            assert_eq!(secrets().found_in(&planted).len(), 1, "{planted}");
        }
    }

    #[test]
    fn what_is_masked_is_not_found() {
        for fine in ["+15•••••••11", "<19 characters>", "the token", "555 01", ""] {
            assert_eq!(secrets().found_in(fine), Vec::<String>::new(), "{fine}");
        }
    }

    #[test]
    fn what_shows_a_call_may_tell_its_number_and_its_words_but_no_key() {
        let shown = "to +15550100011: it is in the cellar";
        assert_eq!(secrets().keys_found_in(shown), Vec::<String>::new());
        assert_eq!(secrets().found_in(shown).len(), 2);
        assert_eq!(secrets().keys_found_in("open/sesame?5").len(), 1);
    }

    #[test]
    fn what_is_found_is_shown_with_what_stands_around_it() {
        let text = format!("{}ä open/sesame?5 ü{}", "ö".repeat(99), "ß".repeat(99));
        let found = secrets().found_in(&text);
        assert!(found[0].starts_with("the token in …ö") && found[0].contains("ä open/sesame?5 ü"));
    }
}
