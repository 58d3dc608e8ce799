//! Steering a call: speaking, listening, DTMF, hanging up.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::Json;
use http::StatusCode;
use offhook_core::{Digits, InvalidText, Locale, SpeechText, Turn, Voice};
use offhook_manager::machine::Command;
use offhook_manager::{Asked, Manager, TurnOutcome};
use serde::{Deserialize, Serialize};

use super::extract::{JsonBody, Named, duration, named};
use super::problem::Problem;
use super::view::CallView;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Speak {
    text: String,
    voice: Option<String>,
    locale: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listen {
    locale: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Dtmf {
    digits: String,
}

/// The turn to which an answer will belong.
#[derive(Debug, Serialize)]
pub(super) struct Spoken {
    turn: Turn,
}

fn field(name: &'static str) -> impl Fn(InvalidText) -> Problem {
    move |error| Problem::invalid(format!("{name}: {error}"))
}

fn voice(text: Option<String>) -> Result<Option<Voice>, Problem> {
    text.map(|text| Voice::try_from(text).map_err(field("voice"))).transpose()
}

fn locale(text: Option<String>) -> Result<Option<Locale>, Problem> {
    text.map(|text| Locale::try_from(text).map_err(field("locale"))).transpose()
}

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

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ask {
    text: String,
    voice: Option<String>,
    locale: Option<String>,
    #[serde(default, deserialize_with = "duration")]
    timeout: Option<Duration>,
}

/// An answer.
#[derive(Debug, Serialize)]
pub(super) struct Answered {
    turn: Turn,
    transcript: String,
}

pub(super) async fn ask(
    State(manager): State<Manager>,
    Named(call): Named,
    JsonBody(ask): JsonBody<Ask>,
) -> Result<Json<Answered>, Problem> {
    let text = SpeechText::try_from(ask.text).map_err(field("text"))?;
    let longest = Duration::from_secs(3600);
    if ask.timeout.is_some_and(|timeout| timeout.is_zero() || timeout > longest) {
        return Err(Problem::invalid("timeout: up to 1 h"));
    }
    let speech = manager.speech(text, voice(ask.voice)?, locale(ask.locale)?);
    let Asked { turn, outcome, .. } = manager.ask(call.id, speech, ask.timeout).await?;
    let problem = match outcome {
        TurnOutcome::Heard { text, .. } => return Ok(Json(Answered { turn, transcript: text })),
        TurnOutcome::TimedOut => Problem::new(
            StatusCode::GATEWAY_TIMEOUT,
            "transcript_timeout",
            "nothing was said in time; what is said later stands in the transcript",
        ),
        TurnOutcome::Ended { .. } => {
            Problem::new(StatusCode::CONFLICT, "call_ended", "the call ended before an answer")
        }
        _ => Problem::new(
            StatusCode::CONFLICT,
            "turn_superseded",
            "something else was said or asked before an answer came",
        ),
    };
    Err(problem.with("turn", turn.0))
}

/// A turn, and what became of it.
#[derive(Debug, Serialize)]
pub(super) struct TurnView {
    turn: Turn,
    outcome: &'static str,
    transcript: Option<String>,
}

pub(super) async fn turn(
    State(manager): State<Manager>,
    Path((id, number)): Path<(String, String)>,
) -> Result<Json<TurnView>, Problem> {
    let call = named(&manager, &id).await?;
    let no_such_turn =
        || Problem::new(StatusCode::NOT_FOUND, "no_such_turn", "the call has no such turn");
    let turn = Turn(number.parse().map_err(|_| no_such_turn())?);
    let outcome = manager.turn(call.id, turn).await?.ok_or_else(no_such_turn)?;
    let (outcome, transcript) = match outcome {
        TurnOutcome::Open => ("open", None),
        TurnOutcome::Heard { text, .. } => ("heard", Some(text)),
        TurnOutcome::TimedOut => ("timed_out", None),
        TurnOutcome::Ended { .. } => ("ended", None),
        _ => ("superseded", None),
    };
    Ok(Json(TurnView { turn, outcome, transcript }))
}

pub(super) async fn listen(
    State(manager): State<Manager>,
    Named(call): Named,
    JsonBody(listen): JsonBody<Listen>,
) -> Result<(StatusCode, Json<Spoken>), Problem> {
    let locale = match locale(listen.locale)? {
        Some(locale) => locale,
        None => manager.locale(),
    };
    let (_, turn) = manager.command(call.id, Command::Listen { locale }).await?;
    Ok((StatusCode::ACCEPTED, Json(Spoken { turn })))
}

pub(super) async fn stop_listening(
    State(manager): State<Manager>,
    Named(call): Named,
) -> Result<(StatusCode, Json<CallView>), Problem> {
    let (record, _) = manager.command(call.id, Command::StopListening).await?;
    Ok((StatusCode::ACCEPTED, Json(CallView::from(&record))))
}

pub(super) async fn dtmf(
    State(manager): State<Manager>,
    Named(call): Named,
    JsonBody(dtmf): JsonBody<Dtmf>,
) -> Result<(StatusCode, Json<CallView>), Problem> {
    let digits = Digits::try_from(dtmf.digits).map_err(field("digits"))?;
    let (record, _) = manager.command(call.id, Command::SendDigits { digits }).await?;
    Ok((StatusCode::ACCEPTED, Json(CallView::from(&record))))
}

/// Right for a call that is over, too.
pub(super) async fn hangup(
    State(manager): State<Manager>,
    Named(call): Named,
) -> Result<Json<CallView>, Problem> {
    let record = manager.hangup(call.id).await?;
    Ok(Json(CallView::from(&record)))
}
