//! `offhook webhook explain`: why is this signature refused?

mod capture;
mod variants;

use std::io::Read;

use offhook::manager::{Clock, SystemClock};
use offhook_core::WebhookRequest;
use offhook_server::PublicUrl;
use serde_json::json;

use crate::arguments::{Connection, Explain};
use crate::config::{self, ConfiguredProvider, Explained, Explainer};
use crate::failure::Failure;
use crate::output;
use capture::Capture;

pub(crate) fn explain(
    explain: &Explain,
    connection: &Connection,
    json: bool,
) -> Result<(), Failure> {
    let capture = Capture::parse(&read(explain)?)
        .map_err(|what| Failure::Configuration(format!("this is no captured request: {what}")))?;
    let inspection = config::inspect(connection.config.as_deref())
        .map_err(|problems| Failure::Configuration(problems.to_string()))?;
    let providers = inspection.config.providers.as_deref().unwrap_or_default();
    let Some((provider, explainer)) = provider_of(&capture, providers) else {
        // What else may be wrong with the configuration is not asked for here.
        let why = match inspection.problems.0.is_empty() {
            true => "no provider is configured, so there is no key to check with".to_owned(),
            false => inspection.problems.to_string(),
        };
        return Err(Failure::Configuration(why));
    };
    let public_url = match &explain.url {
        Some(url) => PublicUrl::parse_private(url)
            .map_err(|error| Failure::Usage(format!("--url {url}: {error}")))?,
        None => inspection.config.public_url.clone().ok_or_else(|| {
            let what = "public_url is not configured; give it with --url";
            Failure::Configuration(what.to_owned())
        })?,
    };
    let endpoint = public_url.callbacks(&provider.name()).endpoint().clone();
    let variants = variants::of(&endpoint, public_url.as_str(), &capture);
    let urls: Vec<String> = variants.iter().map(|variant| variant.url.clone()).collect();
    let request = WebhookRequest {
        method: capture.method.clone(),
        url: urls[0].clone(),
        headers: capture.headers.clone(),
        body: capture.body.clone(),
    };
    let Explained { rejection, signed_as, mut hints } =
        explainer.explain(&request, &urls, SystemClock.now());
    if capture.is_cut {
        hints.push("the body is shorter than Content-Length says: the capture is not whole");
    }
    if !capture.body.is_empty() && capture.header("content-type").is_none() {
        hints.push("there is no Content-Type header: was all of the request's head captured?");
    }
    if !capture.path.ends_with(&format!("/webhooks/{}", provider.name())) {
        hints.push("this path is no webhook of ours and is answered 404");
    }
    let accepted = rejection.is_none();
    let found = signed_as.map(|(place, others)| {
        let others = others.into_iter().map(str::to_owned);
        let differences: Vec<String> =
            variants[place].changes.iter().cloned().chain(others).collect();
        (urls[place].as_str(), differences)
    });
    if json {
        output::line(json!({
            "accepted": accepted,
            "provider": provider.name(),
            "expected_url": request.url,
            "failed_check": rejection.as_ref().map(ToString::to_string),
            "signed_url": found.as_ref().map(|(url, _)| url),
            "differences": found.as_ref().map(|(_, differences)| differences),
            "hints": hints,
        }))?;
    } else {
        output::line(sentences(&request.url, rejection.as_ref(), found.as_ref(), &hints))?;
    }
    if accepted { Ok(()) } else { Err(Failure::Told) }
}

fn sentences(
    expected: &str,
    rejection: Option<&offhook_core::WebhookRejection>,
    found: Option<&(&str, Vec<String>)>,
    hints: &[&str],
) -> String {
    let mut lines = match rejection {
        None => vec![format!("accepted: the signature is right for {expected}")],
        Some(rejection) => {
            vec![format!("refused: {rejection}"), format!("  we expect     {expected}")]
        }
    };
    match found {
        Some((url, differences)) => {
            if *url != expected {
                lines.push(format!("  it was signed {url}"));
            }
            lines.extend(
                differences.iter().map(|difference| format!("  difference    {difference}")),
            );
            if rejection.is_some() && *url != expected {
                let what = "  to mend it    make public_url and the URL in the carrier's console \
                            name the same scheme, host, port and path";
                lines.push(what.to_owned());
            }
        }
        None if matches!(rejection, Some(offhook_core::WebhookRejection::Mismatch)) => {
            lines.push(
                "  no variant of the URL, the keys and the parameters matches: the key is another \
                 account's or an older one, or the body was changed on its way"
                    .to_owned(),
            );
        }
        None => {}
    }
    lines.extend(hints.iter().map(|hint| format!("  note          {hint}")));
    lines.join("\n")
}

/// The provider that the path names, or the only one there is.
fn provider_of<'a>(
    capture: &Capture,
    providers: &'a [ConfiguredProvider],
) -> Option<(&'a ConfiguredProvider, &'a Explainer)> {
    let named = capture.path.rsplit('/').find(|segment| !segment.is_empty());
    let found = providers.iter().find(|provider| Some(provider.name().as_str()) == named);
    let provider = found.or(providers.first())?;
    Some((provider, provider.explainer.as_ref()?))
}

fn read(explain: &Explain) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let outcome = match &explain.file {
        Some(file) => std::fs::read(file).map(|read| bytes = read),
        None => std::io::stdin().lock().read_to_end(&mut bytes).map(drop),
    };
    outcome.map_err(|error| {
        let name =
            explain.file.as_ref().map_or("standard input".into(), |file| file.to_string_lossy());
        Failure::Configuration(format!("{name} cannot be read: {error}"))
    })?;
    Ok(bytes)
}
