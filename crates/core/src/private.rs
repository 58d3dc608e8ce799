//! What people say and press, and what users note down.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Text that is private to a call: what was said or pressed on it, or noted about it.
///
/// `Debug` shows its length only; [`as_str`](Self::as_str) and serde give all of it. There is no
/// `Display`, so that it enters a log by intent or not at all.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PrivateText(String);

impl PrivateText {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for PrivateText {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for PrivateText {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<PrivateText> for String {
    fn from(text: PrivateText) -> Self {
        text.0
    }
}

impl fmt::Debug for PrivateText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} characters>", self.0.chars().count())
    }
}
