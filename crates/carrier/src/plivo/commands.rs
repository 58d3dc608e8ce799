//! What a request does to a call that lives.

use http::StatusCode;
use jiff::Timestamp;

use super::body::Body;
use super::call::{Call, Phase};
use super::document::is_tone;
use super::ending::Ending;
use super::refusal::Refusal;
use super::voice;
use crate::emulator::Shared;
use crate::sound::Sound;

/// How a command is acknowledged: a status, and a message unless there is nothing to say.
pub(crate) type Done = (StatusCode, Option<&'static str>);

impl Call {
    /// A new document, from another address.
    pub(crate) fn transferred(
        &mut self,
        body: &Body,
        now: Timestamp,
        shared: &mut Shared,
    ) -> Result<Done, Refusal> {
        match body.text("legs")?.as_deref() {
            None | Some("aleg" | "both") => {}
            Some("bleg") => return Err(Refusal::bad("the call has no B leg")),
            Some(_) => return Err(Refusal::invalid("legs")),
        }
        let target = body.target("aleg")?.ok_or_else(|| Refusal::missing("aleg_url"))?;
        self.must_be_answered()?;
        self.transfer(&target, now, shared);
        Ok((StatusCode::ACCEPTED, Some("call transferred")))
    }

    /// Words over whatever the document does. Nobody is told when they end.
    pub(crate) fn spoken_over(
        &mut self,
        body: &Body,
        now: Timestamp,
        shared: &mut Shared,
    ) -> Result<Done, Refusal> {
        // Without end, or as good as.
        const LOOPS: u32 = 1000;
        let text = body.required("text")?;
        let (voice, language) = (body.text("voice")?, body.text("language")?);
        voice::check(&text, voice.as_deref(), language.as_deref()).map_err(Refusal::bad)?;
        check_leg(body, "legs")?;
        let times = if body.flag("loop")? { LOOPS } else { 1 };
        body.flag("mix")?;
        self.must_be_answered()?;
        self.stop_overlay(now, shared);
        self.overlay = Some(self.speech(&text, times, now, shared));
        Ok((StatusCode::ACCEPTED, Some("speak started")))
    }

    pub(crate) fn silenced(
        &mut self,
        now: Timestamp,
        shared: &mut Shared,
    ) -> Result<Done, Refusal> {
        self.must_be_answered()?;
        self.stop_overlay(now, shared);
        Ok((StatusCode::NO_CONTENT, None))
    }

    pub(crate) fn sent_tones(&mut self, body: &Body, shared: &mut Shared) -> Result<Done, Refusal> {
        let digits = body.required("digits")?;
        if !digits.chars().all(is_tone) {
            return Err(Refusal::invalid("digits"));
        }
        check_leg(body, "leg")?;
        self.must_be_answered()?;
        shared.ledger.note(&self.id, |record| record.digits.push_str(&digits));
        Ok((StatusCode::ACCEPTED, Some("digits sent")))
    }

    pub(crate) fn hung_up(&mut self, now: Timestamp, shared: &mut Shared) -> Done {
        self.end(Ending::by_request(self.answered.is_some()), now, shared);
        (StatusCode::NO_CONTENT, None)
    }

    fn must_be_answered(&self) -> Result<(), Refusal> {
        if self.phase == Phase::InProgress { Ok(()) } else { Err(Refusal::not_answered()) }
    }

    pub(crate) fn stop_overlay(&mut self, at: Timestamp, shared: &mut Shared) {
        let heard = self.overlay.take().and_then(|sound| sound.heard(false, at));
        if let Some(heard) = heard {
            shared.ledger.note(&self.id, |record| record.heard.push(heard));
        }
    }

    pub(crate) fn overlay_ended(&mut self, at: Timestamp, shared: &mut Shared) {
        let sound: Option<Sound> = self.overlay.take();
        self.overlay = sound.and_then(|sound| self.sound_ended(sound, at, shared));
    }
}

fn check_leg(body: &Body, name: &str) -> Result<(), Refusal> {
    match body.text(name)?.as_deref() {
        None | Some("aleg" | "both") => Ok(()),
        Some("bleg") => Err(Refusal::bad("the call has no B leg")),
        Some(_) => Err(Refusal::invalid(name)),
    }
}
