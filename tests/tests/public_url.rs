//! What a carrier signed, whatever stands between it and us.

use offhook_server::{PublicUrl, ServerSettings};
use offhook_tests::{Setup, World, signed_callback, statuses};

const PATH: &str = "/webhooks/twilio?kind=status";
const HOST: &str = "host: voice.example.com\r\n";

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

/// The status of a callback that was signed for `signed_for` and arrives with this target.
async fn arrives(world: &World, signed_for: &str, target: &str, headers: &str) -> u16 {
    let request = signed_callback(signed_for, target, headers);
    statuses(world.addresses().0, request, 1).await.first().copied().unwrap_or_default()
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
            assert_eq!(arrives(&world, &signed, &target, HOST).await, 200, "{target}");
        }
        for target in ["/phone", "/one", "/other", "/phone/one/phone/one", "/", "/phone/one/x"] {
            let target = format!("{target}{PATH}");
            assert_eq!(arrives(&world, &signed, &target, HOST).await, 404, "{target}");
        }
        for target in [
            "/webhooks/twilio/?kind=status",
            "/webhooks//twilio?kind=status",
            "/Webhooks/twilio?kind=status",
            "/webhooks/%74wilio?kind=status",
            "/webhooks/./twilio?kind=status",
            "/webhooks/nobody?kind=status",
        ] {
            assert_eq!(arrives(&world, &signed, target, HOST).await, 404, "{target}");
        }
        // The path is ours, whatever the carrier called: a signature for another is none.
        let elsewhere = format!("https://voice.example.com{PATH}");
        assert_eq!(arrives(&world, &elsewhere, PATH, HOST).await, 401);
    }
}

#[tokio::test]
async fn the_port_is_signed_or_not_and_another_port_is_another_url() {
    let world = known_as!("https://voice.example.com");
    for (host, expected) in [
        ("voice.example.com", 200),
        ("voice.example.com:443", 200),
        ("voice.example.com:8443", 401),
        ("voice.example.com:80", 401),
    ] {
        let signed = format!("https://{host}{PATH}");
        assert_eq!(arrives(&world, &signed, PATH, HOST).await, expected, "{host}");
    }
    let world = known_as!("https://voice.example.com:8443");
    for (host, expected) in [
        ("voice.example.com:8443", 200),
        ("voice.example.com", 200),
        ("voice.example.com:443", 401),
    ] {
        let signed = format!("https://{host}{PATH}");
        assert_eq!(arrives(&world, &signed, PATH, HOST).await, expected, "{host}");
    }
}

#[tokio::test]
async fn an_ipv6_host_is_signed_in_its_brackets() {
    let world = known_as!("https://[2606:4700::1111]:8443/phone");
    for host in ["[2606:4700::1111]:8443", "[2606:4700::1111]"] {
        let signed = format!("https://{host}/phone{PATH}");
        assert_eq!(arrives(&world, &signed, PATH, HOST).await, 200, "{host}");
    }
    let signed = format!("https://2606:4700::1111/phone{PATH}");
    assert_eq!(arrives(&world, &signed, PATH, HOST).await, 401);
}

#[tokio::test]
async fn a_query_is_signed_as_it_came() {
    let world = known_as!("https://voice.example.com");
    let base = "https://voice.example.com/webhooks/twilio";
    for query in ["", "?", "?kind=status&a=%2b1&b=+&&=", "?kind=status&x=%zz", "?kind=status?"] {
        let (signed, target) = (format!("{base}{query}"), format!("/webhooks/twilio{query}"));
        assert_eq!(arrives(&world, &signed, &target, HOST).await, 200, "{query}");
    }
    for (signed, arriving) in [("?a=%2B", "?a=%2b"), ("?a&b", "?b&a"), ("", "?a"), ("?a", "")] {
        let (signed, target) = (format!("{base}{signed}"), format!("/webhooks/twilio{arriving}"));
        assert_eq!(arrives(&world, &signed, &target, HOST).await, 401, "{signed}");
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
        assert_eq!(arrives(&world, &signed, PATH, headers).await, 200, "{headers}");
        assert_eq!(arrives(&world, &evil, PATH, headers).await, 401, "{headers}");
    }
    // A target in absolute form names a host, too.
    let target = format!("http://evil.example{PATH}");
    assert_eq!(arrives(&world, &signed, &target, HOST).await, 200);
    assert_eq!(arrives(&world, &evil, &target, HOST).await, 401);
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
        let expected = if believed { (401, 200) } else { (200, 401) };
        let by_url = arrives(&world, &ours, PATH, &headers).await;
        let by_proxy = arrives(&world, &other, PATH, &headers).await;
        assert_eq!((by_url, by_proxy), expected, "{headers}");
    }
}
