//! The parameters of a request, and Twilio's rules for them.

use http::Method;
use url::Url;

use super::call::{Detection, Instructions, Progress, Target};
use super::refusal::Refusal;
use crate::exchange::is_web_url;

/// The longest document that a parameter may hold.
const LONGEST_TWIML: usize = 4000;

/// The form parameters of a request, or of its query.
#[derive(Debug)]
pub(crate) struct Form {
    pairs: Vec<(String, String)>,
}

impl Form {
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        Self { pairs: form_urlencoded::parse(bytes).into_owned().collect() }
    }

    /// The first value of this name that is not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let named = self.pairs.iter().filter(|(key, _)| key == name);
        named.map(|(_, value)| value.as_str()).find(|value| !value.is_empty())
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.pairs.iter().filter(move |(key, _)| key == name);
        named.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    pub(crate) fn method(&self, name: &str) -> Result<Method, Refusal> {
        match self.get(name).map(str::to_ascii_uppercase).as_deref() {
            None | Some("POST") => Ok(Method::POST),
            Some("GET") => Ok(Method::GET),
            Some(_) => Err(Refusal::invalid(name)),
        }
    }

    /// A URL with its method, if there is one.
    pub(crate) fn target(&self, name: &str, code: u32) -> Result<Option<Target>, Refusal> {
        let Some(url) = self.get(name) else { return Ok(None) };
        // The method of `Url` is `Method`, that of `FallbackUrl` `FallbackMethod`.
        let method = format!("{}Method", name.trim_end_matches("Url"));
        if !is_web_url(url) {
            return Err(Refusal::bad(code, format!("{name} is not a valid URL: {url}")));
        }
        Ok(Some(Target { url: url.to_owned(), method: self.method(&method)? }))
    }

    pub(crate) fn number(&self, name: &str, least: u32, most: u32) -> Result<Option<u32>, Refusal> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let number = text.parse().ok().filter(|number| (least..=most).contains(number));
        number.map(Some).ok_or_else(|| Refusal::invalid(name))
    }

    /// An inline document. Whether it makes sense shows only when it is run.
    pub(crate) fn twiml(&self) -> Result<Option<String>, Refusal> {
        match self.get("Twiml") {
            Some(twiml) if twiml.chars().count() > LONGEST_TWIML => {
                Err(Refusal::bad(32018, "Twiml parameter exceeds the limit of 4000 characters"))
            }
            twiml => Ok(twiml.map(str::to_owned)),
        }
    }

    /// Who is called, and who calls.
    pub(crate) fn parties(&self) -> Result<(String, String), Refusal> {
        let to =
            self.get("To").ok_or_else(|| Refusal::bad(21201, "No 'To' number is specified"))?;
        let from = self
            .get("From")
            .ok_or_else(|| Refusal::bad(21213, "'From' phone number is required"))?;
        if !is_callable(to) {
            let message =
                format!("The phone number you are attempting to call, {to}, is not valid.");
            return Err(Refusal::bad(21211, message));
        }
        if !is_callable(from) {
            let message = format!("The source phone number provided, {from}, is not valid.");
            return Err(Refusal::bad(21212, message));
        }
        Ok((to.to_owned(), from.to_owned()))
    }

    /// Everything that a new call is to do.
    pub(crate) fn instructions(&self) -> Result<Instructions, Refusal> {
        const RING_SECONDS: u32 = 60;
        const LONGEST_RING: u32 = 600;
        let voice = self.target("Url", 21205)?;
        let twiml = self.twiml()?;
        if voice.is_none() && twiml.is_none() {
            return Err(Refusal::bad(21205, "Url parameter is required."));
        }
        Ok(Instructions {
            // Twiml is ignored when there is a Url.
            twiml: twiml.filter(|_| voice.is_none()),
            voice,
            fallback: self.target("FallbackUrl", 21205)?,
            status_callback: self.status_callback()?,
            events: self.events()?,
            timeout: self.number("Timeout", 1, LONGEST_RING)?.unwrap_or(RING_SECONDS),
            time_limit: self.time_limit()?.unwrap_or(super::LONGEST_CALL),
            send_digits: self.send_digits()?,
            detection: self.detection()?,
            detects_in_background: self
                .get("AsyncAmd")
                .is_some_and(|value| value.eq_ignore_ascii_case("true")),
            detection_callback: self.target("AsyncAmdStatusCallback", 21205)?,
        })
    }

    pub(crate) fn status_callback(&self) -> Result<Option<Target>, Refusal> {
        let target = self.target("StatusCallback", 21609)?;
        let underscored = target.as_ref().is_some_and(|target| {
            Url::parse(&target.url)
                .is_ok_and(|url| url.host_str().is_some_and(|host| host.contains('_')))
        });
        if underscored {
            return Err(Refusal::bad(21609, "StatusCallback has an underscore in its host"));
        }
        Ok(target)
    }

    pub(crate) fn time_limit(&self) -> Result<Option<u32>, Refusal> {
        self.number("TimeLimit", 1, super::LONGEST_CALL)
    }

    fn events(&self) -> Result<Vec<Progress>, Refusal> {
        let mut events = Vec::new();
        for word in self.all("StatusCallbackEvent") {
            let event = Progress::of_word(word);
            events.push(event.ok_or_else(|| Refusal::invalid("StatusCallbackEvent"))?);
        }
        if events.is_empty() {
            events.push(Progress::Completed);
        }
        Ok(events)
    }

    fn send_digits(&self) -> Result<Option<String>, Refusal> {
        const MOST: usize = 32;
        let Some(digits) = self.get("SendDigits") else { return Ok(None) };
        let allowed = |tone: char| tone.is_ascii_digit() || "ABCDabcd*#wW".contains(tone);
        if digits.len() > MOST || !digits.chars().all(allowed) {
            return Err(Refusal::invalid("SendDigits"));
        }
        Ok(Some(digits.to_owned()))
    }

    fn detection(&self) -> Result<Option<Detection>, Refusal> {
        let tuning = [
            ("MachineDetectionTimeout", 3, 60),
            ("MachineDetectionSpeechThreshold", 1000, 6000),
            ("MachineDetectionSpeechEndThreshold", 500, 5000),
            ("MachineDetectionSilenceTimeout", 2000, 10_000),
        ];
        for (name, least, most) in tuning {
            self.number(name, least, most)
                .map_err(|_| Refusal::bad(21234, format!("Invalid {name}")))?;
        }
        // Sending digits switches the detection off.
        if self.get("SendDigits").is_some() {
            return Ok(None);
        }
        match self.get("MachineDetection") {
            None => Ok(None),
            Some("Enable") => Ok(Some(Detection::AsSoonAsKnown)),
            Some("DetectMessageEnd") => Ok(Some(Detection::EndOfMessage)),
            Some(_) => Err(Refusal::invalid("MachineDetection")),
        }
    }
}

fn is_callable(party: &str) -> bool {
    if let Some(digits) = party.strip_prefix('+') {
        return (7..=15).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|byte| byte.is_ascii_digit());
    }
    let address = party.strip_prefix("sip:").or_else(|| party.strip_prefix("client:"));
    address.is_some_and(|address| !address.is_empty())
}
