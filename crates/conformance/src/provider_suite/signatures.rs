//! What a signature covers, and whose it is.

use http::HeaderValue;
use jiff::SignedDuration;
use offhook_core::{VoiceProvider, WebhookRejection, WebhookRequest, verify};

use super::harness::{OTHER_METHODS, Part, ProviderHarness, Signer};
use super::tampering::changes;
use super::{Line, Outcome, Skipped, named};

fn refused(
    h: &dyn ProviderHarness,
    provider: &dyn VoiceProvider,
    request: &WebhookRequest,
) -> Option<WebhookRejection> {
    verify(provider, request, h.now()).err()
}

/// Tries every change of the parts, and says how many there were.
fn tried(h: &dyn ProviderHarness, is_meant: fn(Part) -> bool) -> usize {
    let provider = h.provider(Line::dead());
    let mut tried = 0;
    for tamper in h.to_tamper_with() {
        named(tamper.name, verify(&*provider, &tamper.request, h.now()));
        for part in tamper.covered.iter().copied().filter(|part| is_meant(*part)) {
            for (how, request) in changes(&tamper.request, part) {
                let refused = refused(h, &*provider, &request).is_some();
                assert!(refused, "{} is accepted with a changed {how}", tamper.name);
                tried += 1;
            }
        }
    }
    tried
}

/// Where the URL is signed, every byte of it is.
pub(super) async fn a_change_of_the_signed_url_is_refused(h: &dyn ProviderHarness) -> Outcome {
    match tried(h, |part| part == Part::Url) {
        0 => Err(Skipped("the carrier does not sign the URL")),
        _ => Ok(()),
    }
}

/// Every byte of the body is signed: as it is, or of each parameter as it is decoded.
pub(super) async fn a_change_of_the_signed_content_is_refused(h: &dyn ProviderHarness) {
    let tried = tried(h, |part| matches!(part, Part::Body | Part::Form));
    assert!(tried > 100, "there is something to change");
}

/// A time or a nonce that is signed cannot be another.
pub(super) async fn a_change_of_a_signed_header_is_refused(h: &dyn ProviderHarness) -> Outcome {
    match tried(h, |part| matches!(part, Part::Header(_))) {
        0 => Err(Skipped("the carrier signs neither a time nor a nonce")),
        _ => Ok(()),
    }
}

/// The signature is compared as a whole and as it is written.
pub(super) async fn a_change_of_the_signature_is_refused(h: &dyn ProviderHarness) {
    let provider = h.provider(Line::dead());
    let header = h.signature_headers()[0];
    for tamper in h.to_tamper_with() {
        for (how, request) in changes(&tamper.request, Part::Header(header)) {
            let refused = refused(h, &*provider, &request).is_some();
            assert!(refused, "{} is accepted with a changed {how}", tamper.name);
        }
    }
}

/// What the carrier's scheme takes for one request is one: an encoding, a second signature.
pub(super) async fn what_is_the_same_to_the_carrier_is_accepted(h: &dyn ProviderHarness) {
    let provider = h.provider(Line::dead());
    let pairs = h.same_to_the_carrier();
    assert!(!pairs.is_empty(), "the harness has some");
    for (how, one, other) in pairs {
        let key = |request| named(how, verify(&*provider, request, h.now())).key();
        assert_eq!(key(&one), key(&other), "{how}");
    }
}

/// Each header that a signature needs must be there.
pub(super) async fn a_missing_signature_header_is_refused(h: &dyn ProviderHarness) {
    let provider = h.provider(Line::dead());
    for name in h.signature_headers() {
        for tamper in h.to_tamper_with() {
            let mut request = tamper.request.clone();
            request.headers.remove(*name);
            assert!(refused(h, &*provider, &request).is_some(), "{} without {name}", tamper.name);
            request.headers.insert(*name, HeaderValue::from_static(""));
            assert!(refused(h, &*provider, &request).is_some(), "{}, empty {name}", tamper.name);
        }
    }
}

/// Of two, nobody knows which was meant, even if they are alike.
pub(super) async fn a_doubled_signature_header_is_refused(h: &dyn ProviderHarness) {
    let provider = h.provider(Line::dead());
    for name in h.signature_headers() {
        for tamper in h.to_tamper_with() {
            let right = tamper.request.headers[*name].clone();
            let wrong = HeaderValue::from_static("AAAA");
            for [first, second] in [[&right, &right], [&right, &wrong], [&wrong, &right]] {
                let mut request = tamper.request.clone();
                request.headers.insert(*name, first.clone());
                request.headers.append(*name, second.clone());
                assert!(refused(h, &*provider, &request).is_some(), "{name} of {}", tamper.name);
            }
        }
    }
}

/// Another key's signature is none: a stranger's, and one that is no longer valid.
pub(super) async fn a_signature_of_another_key_is_refused(h: &dyn ProviderHarness) {
    let (single, rotating) = (h.provider(Line::dead()), h.rotating(Line::dead()));
    for tamper in h.to_tamper_with().iter().filter(|tamper| !tamper.request.body.is_empty()) {
        let by = |signer| h.sign(signer, &tamper.request.body);
        named(tamper.name, verify(&*single, &by(Signer::Current), h.now()));
        for (who, provider, signer) in [
            ("a stranger", &single, Signer::Stranger),
            ("a stranger, during a rotation", &rotating, Signer::Stranger),
            ("the key before", &single, Signer::Previous),
        ] {
            let refused = refused(h, &**provider, &by(signer));
            assert_eq!(refused, Some(WebhookRejection::Mismatch), "{who}: {}", tamper.name);
        }
    }
}

/// While a key is rotated both are good, and they make one delivery of one.
pub(super) async fn both_keys_are_accepted_during_a_rotation(h: &dyn ProviderHarness) {
    let rotating = h.rotating(Line::dead());
    for tamper in h.to_tamper_with().iter().filter(|tamper| !tamper.request.body.is_empty()) {
        let [current, previous] = [Signer::Current, Signer::Previous].map(|signer| {
            let request = h.sign(signer, &tamper.request.body);
            named(tamper.name, verify(&*rotating, &request, h.now())).key()
        });
        assert_eq!(current, previous, "{}", tamper.name);
    }
}

/// A signed time is good for as long as it is said to be, before and after, and no longer.
pub(super) async fn a_stale_signature_is_refused(h: &dyn ProviderHarness) -> Outcome {
    let Some(tolerance) = h.tolerance() else {
        return Err(Skipped("the carrier signs no time"));
    };
    let provider = h.provider(Line::dead());
    let slack = SignedDuration::from_secs(30);
    for tamper in h.to_tamper_with() {
        let at = |offset: SignedDuration| verify(&*provider, &tamper.request, h.now() + offset);
        for (offset, is_good) in [
            (SignedDuration::ZERO, true),
            (tolerance - slack, true),
            (-(tolerance - slack), true),
            (tolerance + slack, false),
            (-(tolerance + slack), false),
            (SignedDuration::from_hours(24 * 365), false),
        ] {
            match at(offset) {
                Ok(_) => assert!(is_good, "{offset:?} off"),
                Err(WebhookRejection::Stale { .. }) => assert!(!is_good, "{offset:?} off"),
                Err(other) => panic!("{offset:?} off: {other:?}"),
            }
        }
    }
    Ok(())
}

/// Carriers call by GET and POST; no other method's signature is looked at.
pub(super) async fn a_method_that_carriers_do_not_use_is_refused(h: &dyn ProviderHarness) {
    let provider = h.provider(Line::dead());
    for tamper in h.to_tamper_with() {
        for method in OTHER_METHODS {
            let request = WebhookRequest { method: method.clone(), ..tamper.request.clone() };
            let refused = refused(h, &*provider, &request);
            assert_eq!(refused, Some(WebhookRejection::Method), "{method} {}", tamper.name);
        }
    }
}
