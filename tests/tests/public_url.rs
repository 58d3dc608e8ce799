//! What a carrier signed, whatever stands between it and us.
//!
//! Each case is told of each carrier, and what is expected stands in the order of [`PROVIDERS`]:
//! Twilio signs the URL as it called it, with its port or without; Plivo the URL with its port as it
//! stands, and the query by its meaning; Telnyx no URL at all.

use offhook_carrier::Settings;
use offhook_server::{PublicUrl, ServerSettings};
use offhook_tests::{PROVIDERS, Report, Sender, Setup, World, statuses};

/// The path and the query, where `carrier` is the name of each.
const PATH: &str = "/webhooks/carrier?line=1";
const HOST: &str = "host: voice.example.com\r\n";

/// The statuses of answers to Twilio, Plivo and Telnyx.
type Statuses = [u16; 3];

const TAKEN: Statuses = [200; 3];
const NOT_HERE: Statuses = [404; 3];
/// What was signed for another URL.
const OF_ANOTHER_URL: Statuses = [401, 401, 200];

/// A world that the internet knows by this name.
macro_rules! known_as {
    ($url:expr) => {
        World::with(Setup { server: |settings| known_as(settings, $url), ..Setup::on("twilio") })
            .await
    };
}

fn known_as(settings: &mut ServerSettings, url: &str) {
    settings.public_url = PublicUrl::parse(url).expect("a public URL");
}

/// Like [`known_as!`], and the proxy on this machine is trusted.
macro_rules! behind_a_proxy {
    ($url:expr) => {
        World::with(Setup {
            server: |settings| {
                known_as(settings, $url);
                settings.trusted_proxies = vec!["127.0.0.0/8".parse().expect("a network")];
            },
            ..Setup::on("twilio")
        })
        .await
    };
}

/// The statuses of reports that were signed for `signed_for` and arrive with this target.
async fn arrives(world: &World, signed_for: &str, target: &str, headers: &str) -> Statuses {
    arrives_from(&world.settings, world, signed_for, target, headers).await
}

/// The same, signed with the keys of these settings.
async fn arrives_from(
    settings: &Settings,
    world: &World,
    signed_for: &str,
    target: &str,
    headers: &str,
) -> Statuses {
    let mut answers = Vec::new();
    for at in PROVIDERS {
        let name = at.name.as_str();
        let encoded = format!("%{:02x}{}", name.as_bytes()[0], &name[1..]);
        let named = |text: &str| text.replace("%carrier", &encoded).replace("carrier", name);
        let url = named(signed_for);
        let change = |sender| Sender { url, ..sender };
        let report = world.report_as(at, settings, &Report::Ended, change);
        let signed: String =
            report.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let (target, body, length) = (named(target), &report.body, report.body.len());
        let request = format!(
            "POST {target} HTTP/1.1\r\n{headers}{signed}content-length: {length}\r\n\r\n{body}"
        );
        answers.extend(statuses(world.addresses().0, request, 1).await);
    }
    answers.try_into().expect("one answer for each")
}

#[tokio::test]
async fn a_path_arrives_with_its_prefix_and_without_it_and_in_no_other_way() {
    let base = "https://voice.example.com/phone/one";
    for world in [
        known_as!("https://voice.example.com/phone/one"),
        known_as!("https://voice.example.com/phone/one/"),
        known_as!("https://VOICE.example.com:443/phone/one//"),
    ] {
        let signed = format!("{base}{PATH}");
        for target in [format!("/phone/one{PATH}"), PATH.to_owned()] {
            assert_eq!(arrives(&world, &signed, &target, HOST).await, TAKEN, "{target}");
        }
        for target in ["/phone", "/one", "/other", "/phone/one/phone/one", "/", "/phone/one/x"] {
            let target = format!("{target}{PATH}");
            assert_eq!(arrives(&world, &signed, &target, HOST).await, NOT_HERE, "{target}");
        }
        for target in [
            "/webhooks/carrier/?line=1",
            "/webhooks//carrier?line=1",
            "/Webhooks/carrier?line=1",
            "/webhooks/%carrier?line=1",
            "/webhooks/./carrier?line=1",
            "/webhooks/nobody?line=1",
        ] {
            assert_eq!(arrives(&world, &signed, target, HOST).await, NOT_HERE, "{target}");
        }
        // The path is ours, whatever the carrier called: a signature for another is none.
        let elsewhere = format!("https://voice.example.com{PATH}");
        assert_eq!(arrives(&world, &elsewhere, PATH, HOST).await, OF_ANOTHER_URL);
    }
}

#[tokio::test]
async fn the_port_is_signed_or_not_and_another_port_is_another_url() {
    let world = known_as!("https://voice.example.com");
    for (host, expected) in [
        ("voice.example.com", TAKEN),
        ("voice.example.com:443", [200, 401, 200]),
        ("voice.example.com:8443", OF_ANOTHER_URL),
        ("voice.example.com:80", OF_ANOTHER_URL),
    ] {
        let signed = format!("https://{host}{PATH}");
        assert_eq!(arrives(&world, &signed, PATH, HOST).await, expected, "{host}");
    }
    let world = known_as!("https://voice.example.com:8443");
    for (host, expected) in [
        ("voice.example.com:8443", TAKEN),
        ("voice.example.com", [200, 401, 200]),
        ("voice.example.com:443", OF_ANOTHER_URL),
    ] {
        let signed = format!("https://{host}{PATH}");
        assert_eq!(arrives(&world, &signed, PATH, HOST).await, expected, "{host}");
    }
}

#[tokio::test]
async fn an_ipv6_host_is_signed_in_its_brackets() {
    let world = known_as!("https://[2606:4700::1111]:8443/phone");
    for (host, expected) in [
        ("[2606:4700::1111]:8443", TAKEN),
        ("[2606:4700::1111]", [200, 401, 200]),
        ("2606:4700::1111", OF_ANOTHER_URL),
        ("2606:4700::1111:8443", OF_ANOTHER_URL),
    ] {
        let signed = format!("https://{host}/phone{PATH}");
        assert_eq!(arrives(&world, &signed, PATH, HOST).await, expected, "{host}");
    }
}

#[tokio::test]
async fn a_query_is_signed_as_it_came_or_by_its_meaning() {
    let world = known_as!("https://voice.example.com");
    let base = "https://voice.example.com/webhooks/carrier";
    for query in ["", "?", "?line=1&a=%2b1&b=+&&=", "?line=1&x=%zz", "?line=1?"] {
        let (signed, target) = (format!("{base}{query}"), format!("/webhooks/carrier{query}"));
        assert_eq!(arrives(&world, &signed, &target, HOST).await, TAKEN, "{query}");
    }
    for (signed, arriving, expected) in [
        ("?a=%2B", "?a=%2b", [401, 200, 200]),
        ("?a&b", "?b&a", [401, 200, 200]),
        ("?a=1", "?a=2", OF_ANOTHER_URL),
        ("", "?a", OF_ANOTHER_URL),
        ("?a", "", OF_ANOTHER_URL),
    ] {
        let (url, target) = (format!("{base}{signed}"), format!("/webhooks/carrier{arriving}"));
        assert_eq!(arrives(&world, &url, &target, HOST).await, expected, "{signed}");
    }
}

#[tokio::test]
async fn neither_the_host_nor_a_strangers_word_has_a_say() {
    let world = known_as!("https://voice.example.com");
    let signed = format!("https://voice.example.com{PATH}");
    let evil = format!("https://evil.example{PATH}");
    for headers in [
        HOST,
        "host: evil.example\r\n",
        "host: 127.0.0.1:3335\r\n",
        "host:\r\n",
        "host: evil.example\r\nhost: voice.example.com\r\n",
        "host: evil.example\r\nx-forwarded-proto: https\r\nx-forwarded-host: evil.example\r\n",
        "host: evil.example\r\nforwarded: host=evil.example;proto=https\r\n",
        "host: evil.example\r\nx-original-url: /v1/calls\r\nx-rewrite-url: /v1/calls\r\n",
        "host: evil.example\r\nx-forwarded-prefix: /evil\r\nx-forwarded-port: 1\r\n",
    ] {
        assert_eq!(arrives(&world, &signed, PATH, headers).await, TAKEN, "{headers}");
        assert_eq!(arrives(&world, &evil, PATH, headers).await, OF_ANOTHER_URL, "{headers}");
    }
    // A target in absolute form names a host, too.
    let target = format!("http://evil.example{PATH}");
    assert_eq!(arrives(&world, &signed, &target, HOST).await, TAKEN);
    assert_eq!(arrives(&world, &evil, &target, HOST).await, OF_ANOTHER_URL);
}

#[tokio::test]
async fn a_trusted_proxy_is_believed_if_it_says_one_thing() {
    let world = behind_a_proxy!("https://voice.example.com/phone");
    let ours = format!("https://voice.example.com/phone{PATH}");
    let other = format!("https://other.example/phone{PATH}");
    let proto = "x-forwarded-proto: https\r\n";
    for (headers, believed) in [
        ("x-forwarded-host: other.example\r\n", true),
        ("x-forwarded-host: other.example\r\nx-forwarded-for: 192.0.2.1, 10.0.0.1\r\n", true),
        ("", false),
        ("x-forwarded-host: evil.example\r\nx-forwarded-host: other.example\r\n", false),
        ("x-forwarded-host: other.example, voice.example.com\r\n", false),
        ("x-forwarded-host: other.example/x?\r\n", false),
        ("x-forwarded-host: other.example\r\nx-forwarded-proto: http\r\n", false),
        ("forwarded: host=other.example;proto=https\r\n", false),
    ] {
        let headers = format!("host: 10.0.0.7\r\n{proto}{headers}");
        let expected = if believed { (OF_ANOTHER_URL, TAKEN) } else { (TAKEN, OF_ANOTHER_URL) };
        let by_url = arrives(&world, &ours, PATH, &headers).await;
        let by_proxy = arrives(&world, &other, PATH, &headers).await;
        assert_eq!((by_url, by_proxy), expected, "{headers}");
    }
}

#[tokio::test]
async fn nobodys_word_for_a_url_stands_in_for_the_carriers_key() {
    let world = behind_a_proxy!("https://voice.example.com/phone");
    let mut stranger = world.settings.clone();
    for provider in PROVIDERS {
        (provider.stranger)(&mut stranger);
    }
    let proto = "x-forwarded-proto: https\r\n";
    for host in ["voice.example.com", "other.example"] {
        let signed = format!("https://{host}/phone{PATH}");
        for forwarded in [String::new(), format!("{proto}x-forwarded-host: {host}\r\n")] {
            let headers = format!("{HOST}{forwarded}");
            let answers = arrives_from(&stranger, &world, &signed, PATH, &headers).await;
            assert_eq!(answers, [401; 3], "{headers}");
        }
    }
}
