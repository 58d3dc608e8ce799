//! What can be found out about a signature, for people who look for what is wrong.

use offhook_core::{Form, WebhookRejection, WebhookRequest};

use crate::config::PlivoConfig;
use crate::signature::{Given, V2, V3, Verifier};

/// What can be found out about a signature. Never for the sender of a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Why it is refused; `None` if it is not.
    pub rejection: Option<WebhookRejection>,
    /// What it was made of, if that was among what was tried.
    pub signed_as: Option<SignedAs>,
    /// Whether the request names another main account than ours, whose token would be another.
    /// `false` where ours is a subaccount: the request does not name that.
    pub foreign_account: bool,
}

/// What a signature was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedAs {
    /// The place of the URL among those that were tried.
    pub url: usize,
    /// The token.
    pub key: &'static str,
    /// The header that it stands in.
    pub header: &'static str,
    /// What was signed, if not what Plivo signs for that header.
    pub content: Option<&'static str>,
}

impl PlivoConfig {
    /// Checks a request as a webhook is checked, and finds out what its signature was made of by
    /// trying these URLs, with every token that is configured and in every way that is known to go
    /// wrong, V2 among them. Tells neither a token nor a signature.
    #[must_use]
    pub fn explain_signature(&self, request: &WebhookRequest, urls: &[String]) -> Explanation {
        let verifier = Verifier::new(self);
        let forms = [&*request.body, request.query().as_bytes()].map(Form::decode);
        let pairs = forms.iter().flat_map(Form::pairs);
        let mut parents = pairs.filter(|(name, _)| *name == b"ParentAuthID");
        Explanation {
            rejection: verifier.verify(request).err(),
            signed_as: signed_as(&verifier, request, urls),
            foreign_account: self.is_main_account()
                && parents.any(|(_, id)| id != self.auth_id.as_bytes()),
        }
    }
}

fn signed_as(verifier: &Verifier, request: &WebhookRequest, urls: &[String]) -> Option<SignedAs> {
    [V3, V2].into_iter().find_map(|headers| {
        let header = |name| request.only_header(name).ok().flatten();
        let (own, main) = (header(headers.own), header(headers.main));
        let nonce = header(headers.nonce).unwrap_or_default();
        let alone = [(headers.own, own, None), (headers.main, None, main)];
        alone.into_iter().filter(|(_, own, main)| own.or(*main).is_some()).find_map(
            |(header, own, main)| {
                let given = Given { headers, own, main, nonce };
                urls.iter().enumerate().find_map(|(url, text)| {
                    let ways = ways_to_sign(text, request, nonce);
                    ways.iter().find_map(|(content, message)| {
                        let signs =
                            |key: &&crate::signature::Key| key.matches(&given, &key.sign(message));
                        let key = verifier.keys().iter().find(signs)?.name;
                        let content = match content {
                            Some(V2_CONTENT) if headers == V2 => None,
                            None if headers == V2 => Some("the content of V3"),
                            other => *other,
                        };
                        Some(SignedAs { url, key, header, content })
                    })
                })
            },
        )
    })
}

const V2_CONTENT: &str = "the URL without its query, and nothing more, as in V2";

/// What is signed, as Plivo signs it in V3, then as others do by mistake.
fn ways_to_sign(
    url: &str,
    request: &WebhookRequest,
    nonce: &[u8],
) -> Vec<(Option<&'static str>, Vec<u8>)> {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let plain = |text: &[u8]| -> Vec<(Vec<u8>, Vec<u8>)> {
        Form::decode(text).pairs().map(|(name, value)| (name.to_vec(), value.to_vec())).collect()
    };
    let (arrived_query, arrived) = (plain(query.as_bytes()), plain(&request.body));
    let (mut by_name, mut sorted) = (arrived_query.clone(), arrived.clone());
    by_name.sort_unstable();
    sorted.sort_unstable();
    let mut distinct = sorted.clone();
    distinct.dedup_by(|later, first| later.0 == first.0);
    let present: Vec<_> = sorted.iter().filter(|(_, value)| !value.is_empty()).cloned().collect();

    let q = in_query(&by_name);
    let with = |query: &[u8], pairs: &[(Vec<u8>, Vec<u8>)], joint: &[u8]| {
        let parameters: Vec<u8> =
            pairs.iter().flat_map(|(name, value)| [&**name, &**value]).collect::<Vec<_>>().concat();
        let question: &[u8] = if query.is_empty() && parameters.is_empty() { b"" } else { b"?" };
        let dot: &[u8] = if query.is_empty() || parameters.is_empty() { b"" } else { b"." };
        [base.as_bytes(), question, query, dot, &parameters, joint, nonce].concat()
    };
    let joined: Vec<u8> =
        sorted.iter().flat_map(|(name, value)| [&**name, &**value]).collect::<Vec<_>>().concat();
    vec![
        (None, with(&q, &sorted, b".")),
        (Some("repeated parameters signed once"), with(&q, &distinct, b".")),
        (Some("parameters without those that are empty"), with(&q, &present, b".")),
        (
            Some("parameters in the order in which they stand, unsorted"),
            with(&in_query(&arrived_query), &arrived, b"."),
        ),
        (Some("a query that was not decoded"), with(query.as_bytes(), &sorted, b".")),
        (Some("the URL alone, without the parameters of the body"), with(&q, &[], b".")),
        (Some("no dot before the nonce"), with(&q, &sorted, b"")),
        (
            Some("a dot between the URL and the parameters, for want of a query"),
            [base.as_bytes(), b".", &joined, b".", nonce].concat(),
        ),
        (Some(V2_CONTENT), [base.as_bytes(), nonce].concat()),
    ]
}

fn in_query(pairs: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| [&**name, &**value].join(&b'=')).collect();
    pairs.join(&b'&')
}
