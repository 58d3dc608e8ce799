//! Basic authentication.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, header};

/// Whether a request names this user with this password.
pub(crate) fn matches(headers: &HeaderMap, user: &str, password: &str) -> bool {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some((scheme, encoded)) = given.and_then(|given| given.split_once(' ')) else {
        return false;
    };
    let wanted = format!("{user}:{password}");
    scheme.eq_ignore_ascii_case("basic")
        && STANDARD.decode(encoded.trim()).is_ok_and(|decoded| decoded == wanted.as_bytes())
}
