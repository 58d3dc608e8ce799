//! The commands that a leg takes.

use jiff::Timestamp;

use super::body::Body;
use super::call::{Call, Direction, End, Phase, Source};
use super::dial::transcription_asked;
use super::gather::Gather;
use super::playback::Stop;
use super::refusal::Refusal;
use super::{transcription, voice};
use crate::emulator::Shared;

/// The commands of a leg alone. A transfer concerns two, and stands elsewhere.
pub(crate) const NAMES: &[&str] = &[
    "answer",
    "client_state_update",
    "gather",
    "gather_stop",
    "gather_using_speak",
    "hangup",
    "playback_stop",
    "reject",
    "send_dtmf",
    "speak",
    "transcription_start",
    "transcription_stop",
];

/// Refuses what a leg cannot take now, and takes what all commands have in common. Gives back
/// whether the command is known already, and therefore to be ignored.
pub(crate) fn admit(call: &Call, body: &Body, now: Timestamp) -> Result<bool, Refusal> {
    body.client_state("client_state")?;
    let id = body.text("command_id")?;
    if id.is_some_and(|id| call.knows_command(id, now)) {
        return Ok(true);
    }
    if call.is_over() {
        return Err(Refusal::ended());
    }
    Ok(false)
}

/// A command was carried out: its id and its state hold from now on.
pub(crate) fn taken(call: &mut Call, body: &Body, now: Timestamp) -> Result<(), Refusal> {
    call.commands.retain(|(at, _)| super::call::is_known(*at, now));
    if let Some(id) = body.text("command_id")? {
        call.commands.push((now, id.to_owned()));
    }
    Ok(())
}

/// Carries out a command. What is refused changes nothing.
pub(crate) fn carry_out(
    call: &mut Call,
    name: &str,
    body: &Body,
    now: Timestamp,
    shared: &mut Shared,
) -> Result<(), Refusal> {
    // The state is that of every webhook from now on, also of those that the command causes.
    let state = body.client_state("client_state")?;
    let before = call.client_state.clone();
    if let Some(state) = state {
        call.client_state = Some(state);
    }
    let done = match name {
        "answer" => answer(call, body, now, shared),
        "reject" => reject(call, body, now, shared),
        "hangup" => {
            call.we_hang_up(now, shared);
            Ok(())
        }
        "client_state_update" => body.required("client_state").map(drop),
        _ if call.phase != Phase::Answered => Err(Refusal::not_answered()),
        "speak" => speak(call, body, now, shared),
        "playback_stop" => stop(body).map(|stop| {
            call.stop_playback(stop.unwrap_or(Stop::All), now, shared);
        }),
        "transcription_start" => match transcription::Settings::parse(body) {
            Ok(_) if call.ear.is_some() => Err(Refusal::already_transcribing()),
            settings => settings.map(|settings| call.listen(settings, now, shared)),
        },
        "transcription_stop" => {
            call.ear = None;
            Ok(())
        }
        "gather" => Gather::parse(body).map(|gather| call.begin_gather(gather, now, shared)),
        "gather_using_speak" => {
            Gather::parse_with_prompt(body).map(|gather| call.begin_gather(gather, now, shared))
        }
        "gather_stop" => {
            call.end_gather("cancelled", now, shared);
            Ok(())
        }
        "send_dtmf" => send_dtmf(call, body, shared),
        _ => Err(Refusal::not_found()),
    };
    if done.is_err() {
        call.client_state = before;
    }
    done
}

fn answer(
    call: &mut Call,
    body: &Body,
    now: Timestamp,
    shared: &mut Shared,
) -> Result<(), Refusal> {
    if call.direction == Direction::Outgoing {
        return Err(Refusal::answers_outbound());
    }
    let transcription = transcription_asked(body)?;
    call.targets.change(body)?;
    // What happens to a call that is answered already is not documented: nothing.
    if call.phase != Phase::Answered {
        call.terms.transcription = transcription;
        call.answer(now, shared);
    }
    Ok(())
}

fn reject(
    call: &mut Call,
    body: &Body,
    now: Timestamp,
    shared: &mut Shared,
) -> Result<(), Refusal> {
    const CAUSES: &[&str] = &["CALL_REJECTED", "NOT_FOUND", "TEMPORARILY_UNAVAILABLE", "USER_BUSY"];
    body.required("cause")?;
    let cause = body.word("cause", CAUSES)?;
    if call.direction == Direction::Outgoing || call.phase == Phase::Answered {
        let detail = "Only an incoming call that is not answered can be rejected.";
        return Err(Refusal::bad("call_control_id", detail));
    }
    let (cause, sip) = match cause {
        Some("USER_BUSY") => ("user_busy", "486"),
        Some("NOT_FOUND") => ("not_found", "404"),
        _ => ("call_rejected", "603"),
    };
    call.end(End::new(cause, Source::Us, sip), now, shared);
    Ok(())
}

fn speak(call: &mut Call, body: &Body, now: Timestamp, shared: &mut Shared) -> Result<(), Refusal> {
    let utterance = voice::utterance(body, "payload")?;
    let stop = stop(body)?;
    call.speak(utterance, stop, now, shared);
    Ok(())
}

fn stop(body: &Body) -> Result<Option<Stop>, Refusal> {
    match body.text("stop")? {
        None => Ok(None),
        Some("current") => Ok(Some(Stop::Current)),
        Some("all") => Ok(Some(Stop::All)),
        Some(_) => Err(Refusal::invalid_stop()),
    }
}

fn send_dtmf(call: &Call, body: &Body, shared: &mut Shared) -> Result<(), Refusal> {
    body.required("digits")?;
    body.number("duration_millis", 100, 500)?;
    let digits = body.tones("digits")?.unwrap_or_default();
    shared.ledger.note(&call.control_id, |record| record.digits.push_str(&digits));
    Ok(())
}
