//! What people do, on either side.

use bytes::Bytes;
use http::{HeaderMap, Method};
use offhook_carrier::ApiRequest;
use offhook_core::{CallId, DigitInput, Digits, ListenFor, Locale, Party, Speech};
use offhook_manager::machine::Command;
use offhook_manager::{Idempotency, InitiateRequest, Mode};
use serde_json::{Value, json};

use super::{OURS, World};
use crate::process::{Message, short};
use crate::story::{self, Act, Deed, Keys, Order, Wanted};

/// What a user wanted placed.
#[derive(Clone, Debug)]
pub(super) struct Placing {
    request: InitiateRequest,
}

impl World<'_> {
    pub(super) fn do_deed(&mut self, place: usize) {
        let Some((_, deed)) = self.story.deeds.get(place).copied() else { return };
        match deed {
            Deed::Place { callee, conversation, message } => {
                let id = self.fresh_id();
                let number = format!("+1555010000{callee}");
                let Ok(to) = Party::dialled(&number) else { return };
                let mut request = InitiateRequest::new(id, to);
                request.mode = Some(if conversation { Mode::Conversation } else { Mode::Notify });
                if message {
                    request.message = self.sentence().parse().ok();
                }
                let placing = self.placings.len();
                let key = format!("placing {placing}");
                request.idempotency = Some(Idempotency { key, fingerprint: [placing as u8; 16] });
                self.placings.push(Placing { request });
                self.place(placing, id);
            }
            Deed::PlaceAgain { placing } => {
                if placing < self.placings.len() {
                    let id = self.fresh_id();
                    self.place(placing, id);
                }
            }
            Deed::Tell { call, order } => {
                // Users speak of the call that they know as this one, if it is not over.
                let call = self.oracle.calls().nth(call).filter(|call| self.is_open(*call));
                if let Some(call) = call {
                    self.order(call, order);
                }
            }
            Deed::Person { line, act } => self.person(line, act),
            Deed::Ring { party } => {
                let party = match party {
                    story::Party::Silent => "silent",
                    story::Party::SaysYes => "says-yes",
                    story::Party::HangsUp => "hangs-up",
                };
                self.tell(|| format!("PERSON ({party}) calls us"));
                let endpoint = format!("https://voice.example.com/webhooks/{}", self.carrier.name);
                let body = json!({
                    "provider": self.carrier.name,
                    "from": "+15550100777",
                    "to": OURS,
                    "party": party,
                    "webhook_url": endpoint,
                });
                self.control("calls", &body);
            }
        }
    }

    fn place(&mut self, placing: usize, id: CallId) {
        let Some(wanted) = self.placings.get(placing) else { return };
        let request = InitiateRequest { id, ..wanted.request.clone() };
        self.oracle.placed(id, placing);
        self.tell(|| format!("USER wants placing {placing} ({})", short(id)));
        self.send_message(Message::Initiate { placing, request: Box::new(request) });
    }

    fn order(&mut self, call: CallId, order: Order) {
        let locale = Locale::en_us();
        let command = match order {
            Order::Speak => Command::Speak { speech: self.speech() },
            Order::Ask(wanted) => {
                Command::Ask { speech: self.speech(), input: self.input(wanted), timeout: None }
            }
            Order::Listen(wanted) => Command::Listen { locale, input: self.input(wanted) },
            Order::StopListening => Command::StopListening,
            Order::SendDigits => {
                let Ok(digits) = "42".parse::<Digits>() else { return };
                Command::SendDigits { digits }
            }
            Order::HangUp => Command::HangUp,
        };
        self.tell(|| format!("USER tells {}: {command:?}", short(call)));
        self.send_message(Message::Command { call, command });
    }

    /// Without a process there is nobody to be told.
    fn send_message(&mut self, message: Message) {
        match self.process.as_mut().filter(|process| process.is_open()) {
            Some(process) => process.messages.push_back(message),
            None => self.tell(|| "USER finds nobody".to_owned()),
        }
    }

    fn person(&mut self, line: usize, act: Act) {
        let Some(id) = self.oracle.lines.get(line).map(|line| line.id.clone()) else { return };
        self.tell(|| format!("PERSON on line {line}: {act:?}"));
        match act {
            Act::Say => {
                let words = self.sentence();
                self.oracle.said(line, words.clone());
                self.control(&format!("calls/{id}/say"), &json!({ "text": words }));
            }
            Act::Press(keys) => {
                let keys = self.keys(keys);
                self.oracle.pressed(line, &keys);
                self.control(&format!("calls/{id}/dtmf"), &json!({ "digits": keys }));
            }
            Act::HangUp => self.control(&format!("calls/{id}/hangup"), &json!({})),
        }
    }

    fn control(&mut self, path: &str, body: &Value) {
        let request = ApiRequest {
            method: Method::POST,
            path_and_query: format!("/emulator/{path}"),
            headers: HeaderMap::new(),
            body: Bytes::from(body.to_string()),
        };
        let answered = self.emulator.answer(&request, self.now);
        if let Ok(response) = answered.result
            && !response.status.is_success()
        {
            self.tell(|| format!("PERSON: {}", String::from_utf8_lossy(&response.body)));
        }
        self.look(None);
    }

    fn speech(&mut self) -> Speech {
        let text = self.sentence().parse();
        // It is never empty, and short.
        let text = text.unwrap_or_else(|_| unreachable!("a sentence is a text"));
        Speech { text, voice: None, locale: Locale::en_us() }
    }

    /// What the carrier can listen for of what is wanted.
    fn input(&self, wanted: Wanted) -> ListenFor {
        // The number of digits and the key are such as every carrier takes.
        let digits = DigitInput::new(4, '#').unwrap_or_default();
        match wanted {
            Wanted::Speech => ListenFor::Speech,
            Wanted::Either if self.provider.capabilities().speech_or_digits => {
                ListenFor::SpeechOrDigits(digits)
            }
            Wanted::Digits | Wanted::Either => ListenFor::Digits(digits),
        }
    }

    /// Keys that are pressed once in a story, in this order.
    fn keys(&mut self, keys: Keys) -> String {
        self.entries += 1;
        let (first, second) = (self.entries % 50, self.entries % 50 + 50);
        match keys {
            Keys::One => "7".to_owned(),
            Keys::Whole => format!("{first:02}{second}"),
            Keys::Finished => format!("{first:02}#"),
            Keys::TooFew => format!("{first:02}"),
        }
    }

    /// A sentence that is said once in a story.
    fn sentence(&mut self) -> String {
        self.sentences += 1;
        let letter = |place: u32| char::from(b'a' + ((self.sentences / place) % 26) as u8);
        format!("This is the sentence {}{}.", letter(26), letter(1))
    }
}
