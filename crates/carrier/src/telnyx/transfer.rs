//! Transfers: a second leg, bridged with the first when it is answered.

use jiff::Timestamp;
use serde_json::json;

use super::Telnyx;
use super::body::Body;
use super::call::{End, Partner, Phase, Source, Wish};
use super::dial::NewLeg;
use super::playback::CANCELLED;
use super::refusal::Refusal;
use crate::emulator::Shared;

impl Telnyx {
    /// Dials the second leg. What the first one has running goes on until they are bridged.
    pub(super) fn transfer(
        &mut self,
        first: usize,
        body: &Body,
        now: Timestamp,
        shared: &mut Shared,
    ) -> Result<(), Refusal> {
        let call = &self.calls[first];
        if call.phase != Phase::Answered {
            return Err(Refusal::not_answered());
        }
        if call.partner.is_some() {
            let detail = "The emulator transfers a call once.";
            return Err(Refusal::bad("call_control_id", detail));
        }
        let state = body.client_state("client_state")?;
        let leg = NewLeg::transferred(body, &call.to, &call.targets)?;
        let session = call.session_id.clone();
        let phase = Phase::Placed { until: now };
        let second = self.place(leg, session, phase, None, now, shared);
        let partner = Partner { index: first, is_second: true, bridged: false };
        self.calls[second].partner = Some(partner);
        let call = &mut self.calls[first];
        call.client_state = state.or_else(|| call.client_state.take());
        call.partner = Some(Partner { index: second, is_second: false, bridged: false });
        Ok(())
    }

    /// Does to another leg what a change of this one means for it.
    pub(super) fn fulfil(&mut self, wish: Wish, of: usize, at: Timestamp, shared: &mut Shared) {
        match wish {
            Wish::Bridge { with } => {
                for index in [with, of] {
                    self.change(index, shared, at, |call, shared| {
                        if let Some(partner) = &mut call.partner {
                            partner.bridged = true;
                        }
                        // The two persons speak with each other from now on.
                        call.break_off(CANCELLED, true, at, shared);
                        call.tell("call.bridged", &json!({}), at, shared);
                    });
                }
            }
            Wish::HangUp { leg } => {
                self.change(leg, shared, at, |call, shared| {
                    // The leg that asks is over, and needs not hear of it.
                    call.partner = None;
                    let end = match call.phase {
                        Phase::Answered => End::new("normal_clearing", Source::Us, "200"),
                        _ => End::new("originator_cancel", Source::Us, "487"),
                    };
                    call.end(end, at, shared);
                });
            }
            Wish::Forget { leg } => {
                self.change(leg, shared, at, |call, _| call.partner = None);
            }
        }
    }
}
