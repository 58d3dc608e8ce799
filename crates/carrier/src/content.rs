//! What a webhook carries.

use std::fmt::Debug;

use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;

/// Headers and body of one attempt.
#[derive(Debug, Clone)]
pub(crate) struct Sealed {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What a webhook carries, and where it goes. One carrier repeats its bytes, another signs each
/// attempt anew.
pub(crate) trait Content: Debug + Send + Sync {
    /// Where this attempt goes, without a fragment. The first is 1.
    fn url(&self, attempt: u32) -> &str;

    /// What this attempt carries, if it is made now.
    fn sealed(&self, attempt: u32, now: Timestamp) -> Sealed;
}

/// The same at each attempt.
#[derive(Debug)]
pub(crate) struct Constant {
    pub(crate) url: String,
    pub(crate) sealed: Sealed,
}

impl Content for Constant {
    fn url(&self, _: u32) -> &str {
        &self.url
    }

    fn sealed(&self, _: u32, _: Timestamp) -> Sealed {
        self.sealed.clone()
    }
}
