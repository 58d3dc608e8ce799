//! What can be wrong with a request, each by a word of its own.

use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

/// What is wrong, in a word that stays the same: programs go by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ProblemCode)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Code {
    BodyTooLarge,
    CallEnded,
    CarrierRejected,
    ConcurrencyLimit,
    DestinationFenced,
    DestinationNotAllowed,
    ForeignOrigin,
    IdempotencyKeyReused,
    InvalidRequest,
    MethodNotAllowed,
    NoSuchCall,
    NoSuchTurn,
    NotAnswered,
    NotFound,
    NotReady,
    RateLimit,
    StoreUnavailable,
    TooSlow,
    TranscriptTimeout,
    TurnSuperseded,
    Unauthorized,
    Unsupported,
    WrongHost,
}

impl Code {
    /// The status that it comes with, always the same.
    pub(crate) const fn status(self) -> StatusCode {
        match self {
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::DestinationNotAllowed | Self::ForeignOrigin => StatusCode::FORBIDDEN,
            Self::NoSuchCall | Self::NoSuchTurn | Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::CallEnded
            | Self::DestinationFenced
            | Self::NotAnswered
            | Self::TurnSuperseded => StatusCode::CONFLICT,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::WrongHost => StatusCode::MISDIRECTED_REQUEST,
            Self::IdempotencyKeyReused | Self::InvalidRequest | Self::Unsupported => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::ConcurrencyLimit | Self::RateLimit => StatusCode::TOO_MANY_REQUESTS,
            Self::CarrierRejected => StatusCode::BAD_GATEWAY,
            Self::NotReady | Self::StoreUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::TranscriptTimeout => StatusCode::GATEWAY_TIMEOUT,
        }
    }
}
