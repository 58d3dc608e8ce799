//! Every small change of something.

use http::HeaderValue;
use offhook_core::WebhookRequest;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode, percent_encode};

use super::harness::Part;

/// The requests that differ from this one by one byte of a part, with what was changed.
pub(super) fn changes(
    request: &WebhookRequest,
    part: Part,
) -> Box<dyn Iterator<Item = (String, WebhookRequest)> + '_> {
    match part {
        Part::Url => Box::new(
            each(request.url.as_bytes(), b"x0%/?&:@")
                .filter_map(|(how, url)| Some((how, String::from_utf8(url).ok()?)))
                .map(|(how, url)| {
                    (format!("URL, {how}"), WebhookRequest { url, ..request.clone() })
                }),
        ),
        Part::Body => Box::new(each(&request.body, b" ").map(|(how, body)| {
            (format!("body, {how}"), WebhookRequest { body: body.into(), ..request.clone() })
        })),
        Part::Form => Box::new(form(&request.body).map(|(how, body)| {
            (format!("form, {how}"), WebhookRequest { body: body.into(), ..request.clone() })
        })),
        Part::Header(name) => {
            let value = request.headers[name].as_bytes();
            Box::new(header_values(value, name).map(move |(how, value)| {
                let mut request = request.clone();
                request.headers.insert(name, value);
                (how, request)
            }))
        }
    }
}

/// At every place: another byte, several if they are given, its other case, one less, one more.
fn each(bytes: &[u8], replacements: &'static [u8]) -> impl Iterator<Item = (String, Vec<u8>)> {
    (0..=bytes.len()).flat_map(move |at| {
        let (before, after) = bytes.split_at(at);
        let mut changed = vec![(format!("one more at {at}"), [before, b"0", after].concat())];
        if let Some((old, after)) = after.split_first() {
            let other_case = if old.is_ascii_alphabetic() { old ^ 0x20 } else { old ^ 1 };
            for new in replacements.iter().copied().chain([other_case]) {
                if new != *old {
                    let bytes = [before, &[new], after].concat();
                    changed.push((format!("{new:#04x} for {old:#04x} at {at}"), bytes));
                }
            }
            if after.first() != Some(old) {
                changed.push((format!("one less at {at}"), [before, after].concat()));
            }
        }
        changed
    })
}

/// Every byte of every name and value, decoded, and every pair.
fn form(body: &[u8]) -> impl Iterator<Item = (String, Vec<u8>)> {
    let pairs = decoded(body);
    let count = pairs.len();
    (0..count).flat_map(move |index| {
        let mut changed = Vec::new();
        for which in 0..2 {
            let bytes = if which == 0 { &pairs[index].0 } else { &pairs[index].1 };
            for (how, bytes) in each(bytes, b"x0 &=+\xFF\0") {
                let mut pairs = pairs.clone();
                if which == 0 {
                    pairs[index].0 = bytes;
                } else {
                    pairs[index].1 = bytes;
                }
                changed.push((format!("pair {index}.{which}, {how}"), encoded(&pairs)));
            }
        }
        let mut fewer = pairs.clone();
        fewer.remove(index);
        changed.push((format!("without pair {index}"), encoded(&fewer)));
        let mut more = pairs.clone();
        more.insert(index, (b"X".to_vec(), b"1".to_vec()));
        changed.push((format!("one more before pair {index}"), encoded(&more)));
        changed
    })
}

fn header_values(value: &[u8], name: &'static str) -> impl Iterator<Item = (String, HeaderValue)> {
    each(value, b"0Ab9+/-_=., ").filter_map(move |(how, value)| {
        Some((format!("{name}, {how}"), HeaderValue::from_bytes(&value).ok()?))
    })
}

/// The names and values of a form.
fn decoded(body: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let plain = |text: &[u8]| {
        let spaced: Vec<u8> =
            text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
        percent_decode(&spaced).collect()
    };
    let pairs = body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            (plain(&pair[..at]), plain(pair.get(at + 1..).unwrap_or_default()))
        })
        .collect()
}

fn encoded(pairs: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let escape = |text: &[u8]| percent_encode(text, NON_ALPHANUMERIC).to_string();
    let pairs: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect();
    pairs.join("&").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_changed_and_nothing_is_left_as_it_was() {
        let changed: Vec<_> = each(b"aab", b"x").map(|(_, bytes)| bytes).collect();
        for bytes in [&b"xab"[..], b"axb", b"aax", b"Aab", b"ab", b"aa", b"0aab", b"aab0"] {
            assert!(changed.contains(&bytes.to_vec()), "{bytes:?}");
        }
        assert!(!changed.contains(&b"aab".to_vec()));
    }

    #[test]
    fn a_form_survives_being_taken_apart() {
        let pairs = decoded(b"A=b+c&D=&%45=%2b&F");
        let pair = |name: &str, value: &str| (name.into(), value.into());
        assert_eq!(pairs, [pair("A", "b c"), pair("D", ""), pair("E", "+"), pair("F", "")]);
        assert_eq!(encoded(&pairs), b"A=b%20c&D=&E=%2B&F=");
    }
}
