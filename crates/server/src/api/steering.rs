//! Steering a call: speaking, listening, DTMF, hanging up.

use std::time::Duration;

use axum::extract::State;
use axum::response::Json;
use http::StatusCode;
use offhook_core::{
    DigitInput, Digits, InvalidDigitInput, InvalidText, ListenFor, Locale, SpeechText, Turn,
};
use offhook_manager::machine::Command;
use offhook_manager::{Asked, Manager, TurnOutcome};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::code::Code;
use super::extract::{JsonBody, Named, NamedTurn, OfCall, OfTurn, duration, voice, whole};
use super::openapi::{problems, texts};
use super::problem::Problem;
use super::view::CallView;

/// What is to be said.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Speak {
    #[schema(value_type = texts::SpokenText)]
    text: String,
    #[schema(value_type = Option<texts::Voice>)]
    voice: Option<String>,
    #[schema(value_type = Option<texts::LanguageTag>)]
    locale: Option<String>,
}

/// How to listen.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Listen {
    #[schema(value_type = Option<texts::LanguageTag>)]
    locale: Option<String>,
    /// What is listened for.
    #[serde(default)]
    #[schema(default = "speech")]
    input: InputView,
    /// With digits: with this many an entry is complete. Nothing where only speech is asked for.
    #[serde(default, deserialize_with = "whole")]
    #[schema(minimum = 1, maximum = 32, default = 32)]
    max_digits: Option<u8>,
    /// With digits: the key that completes an entry, and is not part of it. Nothing where only speech
    /// is asked for.
    #[schema(value_type = Option<texts::FinishKey>)]
    finish_on_key: Option<char>,
}

/// What is to be sent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Dtmf {
    #[schema(value_type = texts::DtmfDigits)]
    digits: String,
}

/// What is listened for: words, digits, or whichever comes first, where the carrier can.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[schema(as = Input)]
#[serde(rename_all = "snake_case")]
enum InputView {
    #[default]
    Speech,
    Digits,
    SpeechOrDigits,
}

impl InputView {
    fn of(self, max_digits: Option<u8>, finish_on_key: Option<char>) -> Result<ListenFor, Problem> {
        let default = DigitInput::default();
        let digits = DigitInput::new(
            max_digits.unwrap_or_else(|| default.max_digits()),
            finish_on_key.unwrap_or_else(|| default.finish_on_key()),
        );
        let digits = digits.map_err(|error| {
            let field = match error {
                InvalidDigitInput::NotAKey { .. } => "finish_on_key",
                _ => "max_digits",
            };
            Problem::invalid(format!("{field}: {error}"))
        })?;
        match self {
            Self::Speech => Ok(ListenFor::Speech),
            Self::Digits => Ok(ListenFor::Digits(digits)),
            Self::SpeechOrDigits => Ok(ListenFor::SpeechOrDigits(digits)),
        }
    }
}

/// The turn to which an answer will belong.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Spoken {
    #[schema(value_type = u32)]
    turn: Turn,
}

fn field(name: &'static str) -> impl Fn(InvalidText) -> Problem {
    move |error| Problem::invalid(format!("{name}: {error}"))
}

fn locale(text: Option<String>) -> Result<Option<Locale>, Problem> {
    text.map(|text| Locale::try_from(text).map_err(field("locale"))).transpose()
}

problems!(Speaking:
    BodyTooLarge, TooSlow, InvalidRequest, NoSuchCall, NotAnswered, CallEnded, Unsupported, NotReady,
    StoreUnavailable
);

/// Says something on a call.
#[utoipa::path(
    post,
    path = "/v1/calls/{id}/speak",
    tag = "calls",
    params(OfCall),
    request_body = Speak,
    responses((status = 202, description = "It will be said", body = Spoken), Speaking),
)]
pub(super) async fn speak(
    State(manager): State<Manager>,
    Named(call): Named,
    JsonBody(speak): JsonBody<Speak>,
) -> Result<(StatusCode, Json<Spoken>), Problem> {
    let text = SpeechText::try_from(speak.text).map_err(field("text"))?;
    let speech = manager.speech(text, voice(speak.voice)?, locale(speak.locale)?);
    let (_, turn) = manager.command(call.id, Command::Speak { speech }).await?;
    Ok((StatusCode::ACCEPTED, Json(Spoken { turn })))
}

/// What is to be asked.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Ask {
    #[schema(value_type = texts::SpokenText)]
    text: String,
    #[schema(value_type = Option<texts::Voice>)]
    voice: Option<String>,
    #[schema(value_type = Option<texts::LanguageTag>)]
    locale: Option<String>,
    /// How long to wait for the answer.
    #[serde(default, deserialize_with = "duration")]
    #[schema(value_type = Option<texts::AnswerTimeout>)]
    timeout: Option<Duration>,
    /// What answers.
    #[serde(default)]
    #[schema(default = "speech")]
    input: InputView,
    /// With digits: with this many an entry is complete. Nothing where only speech is asked for.
    #[serde(default, deserialize_with = "whole")]
    #[schema(minimum = 1, maximum = 32, default = 32)]
    max_digits: Option<u8>,
    /// With digits: the key that completes an entry, and is not part of it. Nothing where only speech
    /// is asked for.
    #[schema(value_type = Option<texts::FinishKey>)]
    finish_on_key: Option<char>,
}

/// An answer, in words or in digits.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Answer)]
pub(super) struct Answered {
    #[schema(value_type = u32)]
    turn: Turn,
    /// What was said, if the answer was words.
    #[serde(skip_serializing_if = "Option::is_none")]
    transcript: Option<String>,
    /// What was entered, if the answer was digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    digits: Option<String>,
}

problems!(Asking:
    BodyTooLarge, TooSlow, InvalidRequest, NoSuchCall, NotAnswered, CallEnded, TurnSuperseded, Unsupported,
    NotReady, StoreUnavailable, TranscriptTimeout
);

/// Says something on a call, and waits for the answer.
#[utoipa::path(
    post,
    path = "/v1/calls/{id}/ask",
    tag = "calls",
    params(OfCall),
    request_body = Ask,
    responses((status = 200, description = "The answer", body = Answered), Asking),
)]
pub(super) async fn ask(
    State(manager): State<Manager>,
    Named(call): Named,
    JsonBody(ask): JsonBody<Ask>,
) -> Result<Json<Answered>, Problem> {
    let text = SpeechText::try_from(ask.text).map_err(field("text"))?;
    let permitted = Duration::from_millis(1)..=Duration::from_hours(1);
    if ask.timeout.is_some_and(|timeout| !permitted.contains(&timeout)) {
        return Err(Problem::invalid("timeout: from 1 ms to 1 h"));
    }
    let input = ask.input.of(ask.max_digits, ask.finish_on_key)?;
    let speech = manager.speech(text, voice(ask.voice)?, locale(ask.locale)?);
    let Asked { turn, outcome, .. } = manager.ask(call.id, speech, input, ask.timeout).await?;
    let problem = match outcome {
        TurnOutcome::Heard { text, .. } => {
            return Ok(Json(Answered { turn, transcript: Some(text.into()), digits: None }));
        }
        TurnOutcome::Entered { digits, .. } => {
            return Ok(Json(Answered { turn, transcript: None, digits: Some(digits.into()) }));
        }
        TurnOutcome::TimedOut => Problem::new(
            Code::TranscriptTimeout,
            "nothing was said or entered in time; what comes later stands in the timeline",
        ),
        TurnOutcome::Ended { .. } => {
            Problem::new(Code::CallEnded, "the call ended before an answer")
        }
        _ => Problem::new(
            Code::TurnSuperseded,
            "something else was said or asked before an answer came",
        ),
    };
    Err(problem.of_turn(turn))
}

/// A turn, and what became of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Turn)]
pub(super) struct TurnView {
    #[schema(value_type = u32)]
    turn: Turn,
    outcome: OutcomeView,
    /// What was heard, if something was.
    #[schema(required)]
    transcript: Option<String>,
    /// What was entered, if something was.
    #[serde(skip_serializing_if = "Option::is_none")]
    digits: Option<String>,
}

/// What became of a turn.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TurnOutcome)]
#[serde(rename_all = "snake_case")]
enum OutcomeView {
    Open,
    Heard,
    Entered,
    TimedOut,
    Ended,
    Superseded,
}

problems!(LookingAtTurn: NoSuchCall, NoSuchTurn, StoreUnavailable);

/// What became of a turn.
#[utoipa::path(
    get,
    path = "/v1/calls/{id}/turns/{turn}",
    tag = "calls",
    params(OfTurn),
    responses((status = 200, description = "The turn", body = TurnView), LookingAtTurn),
)]
pub(super) async fn turn(
    State(manager): State<Manager>,
    NamedTurn { call, turn }: NamedTurn,
) -> Result<Json<TurnView>, Problem> {
    let outcome = manager.turn(call.id, turn).await?.ok_or_else(Problem::no_such_turn)?;
    let (mut transcript, mut digits) = (None, None);
    let outcome = match outcome {
        TurnOutcome::Open => OutcomeView::Open,
        TurnOutcome::Heard { text, .. } => {
            transcript = Some(text.into());
            OutcomeView::Heard
        }
        TurnOutcome::Entered { digits: entered, .. } => {
            digits = Some(entered.into());
            OutcomeView::Entered
        }
        TurnOutcome::TimedOut => OutcomeView::TimedOut,
        TurnOutcome::Ended { .. } => OutcomeView::Ended,
        _ => OutcomeView::Superseded,
    };
    Ok(Json(TurnView { turn, outcome, transcript, digits }))
}

/// Listens for what the other side says or enters.
#[utoipa::path(
    post,
    path = "/v1/calls/{id}/listen",
    tag = "calls",
    params(OfCall),
    request_body = Option<Listen>,
    responses((status = 202, description = "It will listen", body = Spoken), Speaking),
)]
pub(super) async fn listen(
    State(manager): State<Manager>,
    Named(call): Named,
    JsonBody(listen): JsonBody<Listen>,
) -> Result<(StatusCode, Json<Spoken>), Problem> {
    let locale = match locale(listen.locale)? {
        Some(locale) => locale,
        None => manager.locale(),
    };
    let input = listen.input.of(listen.max_digits, listen.finish_on_key)?;
    let (_, turn) = manager.command(call.id, Command::Listen { locale, input }).await?;
    Ok((StatusCode::ACCEPTED, Json(Spoken { turn })))
}

problems!(Commanding:
    NoSuchCall, NotAnswered, CallEnded, Unsupported, NotReady, StoreUnavailable
);

/// Stops listening, and keeps the line open.
#[utoipa::path(
    post,
    path = "/v1/calls/{id}/stop-listening",
    tag = "calls",
    params(OfCall),
    responses((status = 202, description = "It will stop", body = CallView), Commanding),
)]
pub(super) async fn stop_listening(
    State(manager): State<Manager>,
    Named(call): Named,
) -> Result<(StatusCode, Json<CallView>), Problem> {
    let (record, _) = manager.command(call.id, Command::StopListening).await?;
    Ok((StatusCode::ACCEPTED, Json(CallView::from(&record))))
}

/// Sends DTMF.
#[utoipa::path(
    post,
    path = "/v1/calls/{id}/dtmf",
    tag = "calls",
    params(OfCall),
    request_body = Dtmf,
    responses((status = 202, description = "They will be sent", body = CallView), Speaking),
)]
pub(super) async fn dtmf(
    State(manager): State<Manager>,
    Named(call): Named,
    JsonBody(dtmf): JsonBody<Dtmf>,
) -> Result<(StatusCode, Json<CallView>), Problem> {
    let digits = Digits::try_from(dtmf.digits).map_err(field("digits"))?;
    let (record, _) = manager.command(call.id, Command::SendDigits { digits }).await?;
    Ok((StatusCode::ACCEPTED, Json(CallView::from(&record))))
}

problems!(HangingUp: NoSuchCall, NotReady, StoreUnavailable);

/// Ends a call. Right for a call that is over, too.
#[utoipa::path(
    post,
    path = "/v1/calls/{id}/hangup",
    tag = "calls",
    params(OfCall),
    responses((status = 200, description = "The call", body = CallView), HangingUp),
)]
pub(super) async fn hangup(
    State(manager): State<Manager>,
    Named(call): Named,
) -> Result<Json<CallView>, Problem> {
    let record = manager.hangup(call.id).await?;
    Ok(Json(CallView::from(&record)))
}
