//! Steering a call: speaking, listening, DTMF, hanging up.

use axum::extract::State;
use axum::response::Json;
use http::StatusCode;
use offhook_core::{Digits, InvalidText, Locale, SpeechText, Turn};
use offhook_manager::Manager;
use offhook_manager::machine::Command;
use serde::{Deserialize, Serialize};

use super::extract::{JsonBody, Named};
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

fn locale(text: Option<String>) -> Result<Option<Locale>, Problem> {
    text.map(|text| Locale::try_from(text).map_err(field("locale"))).transpose()
}

pub(super) async fn speak(
    State(manager): State<Manager>,
    Named(call): Named,
    JsonBody(speak): JsonBody<Speak>,
) -> Result<(StatusCode, Json<Spoken>), Problem> {
    let text = SpeechText::try_from(speak.text).map_err(field("text"))?;
    let speech = manager.speech(text, speak.voice, locale(speak.locale)?);
    let (_, turn) = manager.command(call.id, Command::Speak { speech }).await?;
    Ok((StatusCode::ACCEPTED, Json(Spoken { turn })))
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
