//! Bytes that no carrier sends.

use http::{HeaderValue, Method};
use offhook_core::{VoiceProvider, WebhookRequest, verify};

use super::Line;
use super::harness::{ProviderHarness, Signer};

/// As much as a listener lets in.
const HUGE: usize = 1 << 16;

/// Bodies that are broken in themselves.
fn broken() -> Vec<Vec<u8>> {
    let texts = [
        "",
        "ping",
        "null",
        "[1]",
        "{}",
        "\u{feff}{}",
        "{\"data\":",
        "\"\\ud800\"",
        "&&&",
        "=",
        "=&=",
        "%",
        "%zz=%",
        "a=%ff",
        "+",
        "{\"data\":{\"id\":\"1\"},\"data\":{}}",
        "1e999",
        "-",
        "\0\0\0\0",
        "CallSid",
        "{\"data\":{\"event_type\":null,\"payload\":[]}}",
        "<Response/>",
        "\r\n\r\n",
    ];
    let mut bodies: Vec<Vec<u8>> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    bodies.extend([
        b"\xff\xfe\xfd".to_vec(),
        b"{\"\xff\":\"\xc3\x28\"}".to_vec(),
        b"CallSid=\xff&CallUUID=\xff".to_vec(),
        "[".repeat(HUGE).into_bytes(),
        "{\"data\":".repeat(HUGE / 8).into_bytes(),
        "a=b&".repeat(HUGE / 4).into_bytes(),
        "x".repeat(HUGE).into_bytes(),
        format!("CallSid={}", "9".repeat(HUGE)).into_bytes(),
    ]);
    bodies
}

/// Whether what was signed is an error or says nothing that anything is done for.
fn is_harmless(h: &dyn ProviderHarness, provider: &dyn VoiceProvider, body: &[u8]) -> bool {
    let request = h.sign(Signer::Current, body);
    let Ok(verified) = verify(provider, &request, h.now()) else { return true };
    match provider.parse_webhook_event(&verified) {
        Ok(parsed) => !parsed.begins_a_call(),
        Err(_) => true,
    }
}

/// A broken body with a right signature is an error or harmless: never a call, never a panic.
pub(super) async fn a_broken_body_is_an_error_or_harmless(h: &dyn ProviderHarness) {
    let provider = h.provider(Line::dead());
    for body in broken() {
        let start = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
        assert!(is_harmless(h, &*provider, &body), "{start:?} begins a call");
    }
    // Broken off anywhere, a genuine one may say less, and must not make the parser panic.
    for webhook in h.to_tamper_with() {
        let body = &webhook.request.body;
        for end in 0..body.len() {
            is_harmless(h, &*provider, &body[..end]);
            let mut spoilt = body.to_vec();
            spoilt[end] = 0xff;
            is_harmless(h, &*provider, &spoilt);
        }
    }
}

/// What strangers send is refused, whatever it is, without a panic.
pub(super) async fn what_strangers_send_is_refused(h: &dyn ProviderHarness) {
    let provider = h.provider(Line::dead());
    let genuine = h.sign(Signer::Current, b"");
    let values = [
        &b"0"[..],
        b"AAAA",
        b"\xff\xfe",
        b"=",
        b",,,",
        b"1736846815",
        b"9999999999999999999999",
        b"-1",
        b"AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        b"RSOYDt4T1cUTdK1PDd93/VVr8B9=",
        &[b'A'; 86],
        &[b'A'; 4096],
    ];
    let urls = [
        "",
        "?",
        "https://",
        "https://[",
        "voice.example.com",
        "https://voice.example.com:99999/",
        "https://é@%/?call=%ff&step=-1&kind=",
        "\0",
        "https://voice.example.com/?call=0&call=1",
    ];
    for body in broken() {
        // A huge body is as huge under another signature.
        let values = if body.len() < HUGE { &values[..] } else { &values[..2] };
        for value in values {
            let mut headers = genuine.headers.clone();
            for name in h.signature_headers() {
                let value = HeaderValue::from_bytes(value).expect("a header may hold it");
                headers.insert(*name, value);
            }
            for (url, method) in urls.iter().zip([Method::GET, Method::POST].iter().cycle()) {
                if body.len() >= HUGE && !url.is_empty() {
                    continue;
                }
                let request = WebhookRequest {
                    method: method.clone(),
                    url: (*url).to_owned(),
                    headers: headers.clone(),
                    body: body.clone().into(),
                };
                let refused = verify(&*provider, &request, h.now()).is_err();
                assert!(refused, "{method} {url:?} signed {value:?} is accepted");
            }
        }
    }
}
