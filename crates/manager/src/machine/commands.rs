//! What a user tells a call.

use offhook_core::{CallPlan, Listen, ListenFor, PrivateText, Say, Speech, Then, Turn};

use super::{Command, CommandRefusal, Work};
use crate::entry::{CommandWord, EntryKind};
use crate::record::{Mode, Question};
use crate::time::after;

impl Work {
    pub(super) fn command(&mut self, command: &Command) -> Result<Turn, CommandRefusal> {
        if *command == Command::HangUp {
            return Ok(self.hang_up_by_command());
        }
        if self.record.state.is_ended() || self.record.ending.is_some() {
            return Err(CommandRefusal::Ended);
        }
        if !self.record.state.is_connected() {
            return Err(CommandRefusal::NotAnswered);
        }
        match command {
            Command::Speak { speech } => Ok(self.speak(CommandWord::Speak, speech)),
            Command::Ask { input, .. } | Command::Listen { input, .. } if !self.takes(*input) => {
                Err(CommandRefusal::Unsupported)
            }
            Command::Ask { speech, input, timeout } => {
                self.make_way_for(*input);
                let turn = self.speak(CommandWord::Ask, speech);
                let timeout = timeout.unwrap_or(self.record.limits.transcript_timeout);
                // The answer's time runs from the end of the speech. When that is nobody tells, but a
                // question must not be given up while it is still being asked.
                let wait = timeout.saturating_add(super::deadline::longest_playback(speech));
                let question = Question { turn, deadline: after(self.now, wait) };
                self.record.question = Some(question);
                if let CallPlan::Say(say) = &mut self.record.script.plan {
                    let locale = speech.locale.clone();
                    say.then = Then::Listen(Listen { turn, locale, input: *input });
                }
                Ok(turn)
            }
            Command::Listen { locale, input } => {
                let turn = self.next_turn();
                self.make_way_for(*input);
                self.cut_off_speech();
                self.stop_gathering();
                let (locale, input) = (locale.clone(), *input);
                self.set_script(CallPlan::Listen(Listen { turn, locale, input }));
                self.perform_script();
                self.note_command(CommandWord::Listen, None, Some(turn));
                Ok(turn)
            }
            Command::StopListening => {
                self.record.question = None;
                self.cut_off_speech();
                self.stop_gathering();
                self.set_script(CallPlan::Hold);
                self.perform_script();
                self.note_command(CommandWord::StopListening, None, None);
                Ok(self.record.turn)
            }
            Command::SendDigits { digits } => {
                if !self.capabilities.send_dtmf {
                    return Err(CommandRefusal::Unsupported);
                }
                let then = self.what_follows_digits();
                self.cut_off_speech();
                self.stop_gathering();
                self.set_script(CallPlan::SendDigits { digits: digits.clone(), then });
                self.perform_script();
                self.note_command(CommandWord::SendDigits, None, None);
                Ok(self.record.turn)
            }
            Command::HangUp => Ok(self.hang_up_by_command()),
        }
    }

    /// Whether the carrier can listen for it.
    const fn takes(&self, input: ListenFor) -> bool {
        self.capabilities.speech_or_digits || !matches!(input, ListenFor::SpeechOrDigits(_))
    }

    fn make_way_for(&mut self, input: ListenFor) {
        if !input.takes_speech() {
            self.stop_transcribing();
        }
    }

    fn hang_up_by_command(&mut self) -> Turn {
        if !self.record.state.is_ended() && self.record.ending.is_none() {
            self.note_command(CommandWord::HangUp, None, None);
            self.ask_hangup(offhook_core::EndReason::HangupBot);
        }
        self.record.turn
    }

    fn speak(&mut self, word: CommandWord, speech: &Speech) -> Turn {
        let turn = self.next_turn();
        let then = match self.record.mode {
            Mode::Notify => Then::HangUp { after: self.record.limits.notify_hangup_delay },
            Mode::Conversation => Then::Listen(Listen::for_speech(turn, speech.locale.clone())),
        };
        self.stop_gathering();
        self.set_script(CallPlan::Say(Say { speech: speech.clone(), then }));
        self.perform_script();
        self.note_command(word, Some(speech.text.as_str().into()), Some(turn));
        turn
    }

    /// A turn that nothing said before can answer.
    fn next_turn(&mut self) -> Turn {
        self.record.turn = self.record.turn.next();
        self.record.question = None;
        self.record.turn
    }

    fn what_follows_digits(&self) -> Then {
        match &self.record.script.plan {
            CallPlan::Listen(listen) => Then::Listen(listen.clone()),
            CallPlan::Say(say) => say.then.clone(),
            CallPlan::SendDigits { then, .. } => then.clone(),
            CallPlan::HangUp { after } => Then::HangUp { after: *after },
            _ => Then::Hold,
        }
    }

    fn note_command(
        &mut self,
        command: CommandWord,
        text: Option<PrivateText>,
        turn: Option<Turn>,
    ) {
        self.note(EntryKind::Command { command, text, turn });
    }
}
