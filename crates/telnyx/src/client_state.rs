//! Our id on its way to Telnyx and back.
//!
//! `client_state` is text in base64 that Telnyx repeats in the signed body of every later webhook of
//! the call until a command sets another. It names the call, and `speak` and `gather` add their step: the
//! end of one that was replaced or has just ended must not end the one after it. It never names a turn:
//! transcription goes on over many steps and says nothing of when words were spoken.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use offhook_core::{CallId, CallRef, Step};

/// What a `client_state` of ours says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClientState {
    pub(crate) call: CallId,
    /// The step of the latest speech or gather, if there was one.
    pub(crate) step: Option<Step>,
}

impl ClientState {
    pub(crate) const fn of_call(call: &CallRef) -> Self {
        Self { call: call.id, step: None }
    }

    pub(crate) const fn of_step(call: &CallRef) -> Self {
        Self { call: call.id, step: Some(call.step) }
    }

    pub(crate) fn encode(self) -> String {
        match self.step {
            Some(step) => STANDARD.encode(format!("{}/{step}", self.call)),
            None => STANDARD.encode(self.call.to_string()),
        }
    }

    /// Reads what came back. What is none of ours is nothing: others use the field too.
    pub(crate) fn decode(text: &str) -> Option<Self> {
        let state = Self::read(text)?;
        // A UUID has several forms, a number too; we write one of them.
        (state.encode() == text).then_some(state)
    }

    fn read(text: &str) -> Option<Self> {
        let text = String::from_utf8(STANDARD.decode(text).ok()?).ok()?;
        Some(match text.split_once('/') {
            Some((call, step)) => {
                Self { call: call.parse().ok()?, step: Some(Step(step.parse().ok()?)) }
            }
            None => Self { call: text.parse().ok()?, step: None },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_we_wrote_is_read() {
        let call: CallId = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
        for state in [
            ClientState { call, step: None },
            ClientState { call, step: Some(Step(0)) },
            ClientState { call, step: Some(Step(u32::MAX)) },
        ] {
            assert_eq!(ClientState::decode(&state.encode()), Some(state));
        }
        for strange in [
            "call-77b1",
            "",
            "01890A5D-AC96-774B-BCCE-B302099A8057",
            "{01890a5d-ac96-774b-bcce-b302099a8057}",
            "01890a5dac96774bbcceb302099a8057",
            "01890a5d-ac96-774b-bcce-b302099a8057/",
            "01890a5d-ac96-774b-bcce-b302099a8057/03",
            "01890a5d-ac96-774b-bcce-b302099a8057/3/4",
        ] {
            assert_eq!(ClientState::decode(&STANDARD.encode(strange)), None, "{strange}");
        }
        assert_eq!(ClientState::decode("01890a5d-ac96-774b-bcce-b302099a8057"), None);
    }
}
