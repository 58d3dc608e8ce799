//! The URLs that a carrier may have signed, the least different first.

use std::collections::BTreeSet;

use url::Url;

use super::capture::Capture;

#[derive(Debug)]
pub(super) struct Variant {
    pub(super) url: String,
    /// In what it differs from the URL that we expect.
    pub(super) changes: Vec<String>,
}

/// One choice for a part of a URL, and what is said of it if it is not the expected one.
type Choice = (String, Option<String>);

/// The first one is the URL that we expect.
pub(super) fn of(endpoint: &Url, public_url: &str, capture: &Capture) -> Vec<Variant> {
    let local = endpoint.as_str().strip_prefix(public_url).unwrap_or_default();
    let prefix = endpoint.path().strip_suffix(local).unwrap_or_default();
    let parts = [
        schemes(endpoint),
        hosts(endpoint, capture),
        ports(endpoint, capture),
        paths(endpoint, prefix, local, capture),
        slashes(),
        queries(capture),
    ];
    let mut chosen: Vec<Vec<&Choice>> = vec![Vec::new()];
    for part in &parts {
        let longer = |start: &Vec<_>| {
            let start = start.clone();
            part.iter().map(move |choice| start.iter().copied().chain([choice]).collect())
        };
        chosen = chosen.iter().flat_map(longer).collect();
    }
    let mut variants: Vec<Variant> = chosen.iter().map(|choices| variant(choices)).collect();
    variants.sort_by_key(|variant| variant.changes.len());
    let mut seen = BTreeSet::new();
    variants.retain(|variant| seen.insert(variant.url.clone()));
    variants
}

fn variant(choices: &[&Choice]) -> Variant {
    let text = |place: usize| choices[place].0.as_str();
    let path = match text(4) {
        "/" => match text(3).strip_suffix('/') {
            Some(without) => without.to_owned(),
            None => format!("{}/", text(3)),
        },
        _ => text(3).to_owned(),
    };
    Variant {
        url: format!("{}://{}{}{path}{}", text(0), text(1), text(2), text(5)),
        changes: choices.iter().filter_map(|(_, change)| change.clone()).collect(),
    }
}

fn schemes(endpoint: &Url) -> Vec<Choice> {
    let ours = endpoint.scheme();
    let other = if ours == "https" { "http" } else { "https" };
    vec![(ours.into(), None), (other.into(), Some(format!("scheme {other} instead of {ours}")))]
}

fn hosts(endpoint: &Url, capture: &Capture) -> Vec<Choice> {
    let ours = endpoint.host_str().unwrap_or_default();
    let mut choices = vec![(ours.to_owned(), None)];
    for name in ["Host", "X-Forwarded-Host"] {
        let Some((host, _)) = capture.header(&name.to_ascii_lowercase()).map(split_port) else {
            continue;
        };
        if host != ours {
            let change = format!("host {host}, as the {name} header has it, instead of {ours}");
            choices.push((host.to_owned(), Some(change)));
        }
    }
    choices
}

fn ports(endpoint: &Url, capture: &Capture) -> Vec<Choice> {
    let ours = endpoint.port().map_or_else(String::new, |port| format!(":{port}"));
    let mut choices = vec![(ours.clone(), None)];
    let named = ["host", "x-forwarded-host"].map(|name| {
        let (_, port) = split_port(capture.header(name)?);
        port
    });
    let usual = [None, Some("443"), Some("80")];
    for port in usual.into_iter().chain(named) {
        match port {
            Some(port) => choices.push((format!(":{port}"), Some(format!("with port {port}")))),
            None if ours.is_empty() => {}
            None => choices.push((String::new(), Some(format!("without port {}", &ours[1..])))),
        }
    }
    choices
}

fn paths(endpoint: &Url, prefix: &str, local: &str, capture: &Capture) -> Vec<Choice> {
    let came = capture.path.as_str();
    let mut choices = vec![(endpoint.path().to_owned(), None)];
    if !prefix.is_empty() {
        choices.push((local.to_owned(), Some(format!("without the path prefix {prefix}"))));
    }
    if came.trim_end_matches('/') != endpoint.path() {
        choices.push((came.to_owned(), Some(format!("path {came}, as it came"))));
        choices.push((format!("{prefix}{came}"), Some(format!("path {prefix}{came}"))));
    }
    choices
}

fn slashes() -> Vec<Choice> {
    let change = "a slash at the end of the path, or none where we have one";
    vec![(String::new(), None), ("/".to_owned(), Some(change.to_owned()))]
}

fn queries(capture: &Capture) -> Vec<Choice> {
    match &capture.query {
        None => vec![(String::new(), None)],
        Some(query) => {
            vec![(format!("?{query}"), None), (String::new(), Some("without the query".to_owned()))]
        }
    }
}

/// `host:port`; the colons of an IPv6 address stand in brackets.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variants(public: &str, request: &str) -> Vec<Variant> {
        let endpoint = Url::parse(&format!("{public}/webhooks/twilio")).unwrap();
        of(&endpoint, public, &Capture::parse(request.as_bytes()).unwrap())
    }

    #[test]
    fn the_first_is_what_we_expect_whether_the_prefix_came_or_not() {
        for path in ["/phone/webhooks/twilio", "/webhooks/twilio"] {
            let request = format!("POST {path}?a=1 HTTP/1.1\nHost: inner:3334\n\n");
            let variants = variants("https://a.example:8443/phone", &request);
            assert_eq!(variants[0].url, "https://a.example:8443/phone/webhooks/twilio?a=1");
            assert!(variants[0].changes.is_empty());
            for (url, changes) in [
                ("http://a.example:8443/phone/webhooks/twilio?a=1", 1),
                ("https://a.example/phone/webhooks/twilio?a=1", 1),
                ("https://a.example:8443/webhooks/twilio?a=1", 1),
                ("https://a.example:8443/phone/webhooks/twilio/?a=1", 1),
                ("https://a.example:8443/phone/webhooks/twilio", 1),
                ("http://inner:3334/webhooks/twilio?a=1", 4),
            ] {
                let found = variants.iter().find(|variant| variant.url == url);
                let found = found.unwrap_or_else(|| panic!("{url} is not tried"));
                assert_eq!(found.changes.len(), changes, "{found:?}");
            }
        }
    }
}
