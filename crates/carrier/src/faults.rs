//! Faults that the control API orders.

use std::time::Duration;

use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};

use crate::exchange::ApiResponse;

/// What a fault befalls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Befalls {
    /// A request to the carrier's API.
    Request,
    /// A webhook of the carrier.
    Webhook,
}

/// A fault, as the control API takes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    pub(crate) provider: Option<String>,
    pub(crate) on: Option<Befalls>,
    /// A part of `METHOD path`, or of a webhook's `kind URL`.
    #[serde(rename = "match")]
    pub(crate) matching: Option<String>,
    /// How often it strikes; 0 until it is cleared.
    #[serde(default = "once")]
    pub(crate) count: u32,
    #[serde(default)]
    pub(crate) duplicate: bool,
    #[serde(default)]
    pub(crate) reorder: bool,
    #[serde(default)]
    pub(crate) delay_ms: u64,
    #[serde(default)]
    pub(crate) drop: bool,
    #[serde(default)]
    pub(crate) drop_after_taking: bool,
    pub(crate) http_status: Option<u16>,
    pub(crate) body: Option<String>,
    pub(crate) content_type: Option<String>,
}

const fn once() -> u32 {
    1
}

impl Fault {
    fn befalls(&self) -> Befalls {
        self.on.unwrap_or(if self.duplicate || self.reorder {
            Befalls::Webhook
        } else {
            Befalls::Request
        })
    }

    /// Refuses what would be taken and never seen: a test that orders it tests nothing.
    pub(crate) fn can_be_seen(&self) -> Result<(), String> {
        if self.http_status.is_some() && self.status().is_none() {
            return Err("http_status is no HTTP status".to_owned());
        }
        if self.http_status.is_none() && (self.body.is_some() || self.content_type.is_some()) {
            return Err("body and content_type stand in an answer: give its http_status".to_owned());
        }
        let is_late = self.delay_ms > 0;
        let is_lost = self.drop || self.drop_after_taking;
        let is_of_webhooks = self.duplicate || self.reorder;
        if self.befalls() == Befalls::Request && is_of_webhooks {
            return Err("duplicate and reorder befall webhooks, not requests".to_owned());
        }
        if is_late || is_lost || is_of_webhooks || self.http_status.is_some() {
            return Ok(());
        }
        Err("nothing would happen: give at least one of duplicate, reorder, delay_ms, drop, \
             drop_after_taking and http_status"
            .to_owned())
    }

    pub(crate) const fn delay(&self) -> Duration {
        Duration::from_millis(self.delay_ms)
    }

    /// The status to be shown instead of the true one.
    pub(crate) fn status(&self) -> Option<StatusCode> {
        self.http_status.and_then(|status| StatusCode::from_u16(status).ok())
    }

    /// The answer to be given instead of the true one.
    pub(crate) fn answer(&self) -> Option<ApiResponse> {
        let status = self.status()?;
        let body = self.body.clone().unwrap_or_default();
        let content_type = self.content_type.as_deref().unwrap_or("application/json");
        Some(ApiResponse::text(status, content_type, body))
    }
}

/// The faults that are still to strike.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    waiting: Vec<Fault>,
}

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault) {
        self.waiting.push(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
    }

    pub(crate) fn waiting(&self) -> &[Fault] {
        &self.waiting
    }

    pub(crate) fn for_request(
        &mut self,
        provider: &str,
        method: &Method,
        path: &str,
    ) -> Option<Fault> {
        self.strike(Befalls::Request, provider, &format!("{method} {path}"))
    }

    pub(crate) fn for_webhook(&mut self, provider: &str, kind: &str, url: &str) -> Option<Fault> {
        self.strike(Befalls::Webhook, provider, &format!("{kind} {url}"))
    }

    fn strike(&mut self, befallen: Befalls, provider: &str, subject: &str) -> Option<Fault> {
        let index = self.waiting.iter().position(|fault| {
            fault.befalls() == befallen
                && fault.provider.as_deref().is_none_or(|wanted| wanted == provider)
                && fault.matching.as_deref().is_none_or(|part| subject.contains(part))
        })?;
        let fault = self.waiting.get_mut(index)?;
        let struck = fault.clone();
        if fault.count == 1 {
            self.waiting.remove(index);
        } else if fault.count > 1 {
            fault.count -= 1;
        }
        Some(struck)
    }
}
