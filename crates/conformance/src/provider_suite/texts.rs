//! Text, and the documents that carry it.

use std::sync::OnceLock;

use offhook_core::{
    CallPlan, CallRef, Digits, ErrorClass, ProviderCallIds, RejectReason, Say, SpeechText, Step,
    Then, WebhookReply,
};

use super::command::{Command, listen, say};
use super::harness::{Carried, ProviderHarness};
use super::{Line, Outcome, Skipped};

/// As many characters as every carrier speaks at once.
const SPOKEN_BY_ALL: usize = 3000;

/// What breaks markup, and what is lost in it.
const AWKWARD: [&str; 22] = [
    "Tom & Jerry",
    "<b>bold</b>",
    "</Say><Hangup/>",
    "</Speak></Response>",
    "]]>",
    "<![CDATA[x",
    "&amp;",
    "&#13;",
    "<!-- -->",
    "<?xml?>",
    "\"'`",
    "a\r\nb",
    "a\rb",
    "a\tb\n",
    " a  b ",
    "+%2B%",
    "{\"a\":\"\\u0000\"}",
    "\\",
    "👩‍👩‍👧",
    "e\u{301}",
    "\u{85}\u{2028}\u{200f}",
    "\u{FFFD}\u{10FFFF}\u{7F}",
];

/// Those of the planes that have characters, and the ends of the others.
fn is_of_interest(character: &char) -> bool {
    let (plane, place) = (u32::from(*character) >> 16, u32::from(*character) & 0xFFFF);
    plane < 4 || (plane == 14 && place < 0x200) || !(0x10..=0xFFEF).contains(&place)
}

/// Odd texts, and every character that there is.
fn texts() -> &'static [String] {
    static TEXTS: OnceLock<Vec<String>> = OnceLock::new();
    TEXTS.get_or_init(|| {
        let can_be_spoken = |one: &char| {
            let text = String::from_iter(['x', *one]);
            SpeechText::try_from(text).is_ok()
        };
        let every: Vec<char> =
            ('\0'..=char::MAX).filter(is_of_interest).filter(can_be_spoken).collect();
        // White space at the ends is nothing that anybody hears.
        let parts = every.chunks(SPOKEN_BY_ALL - 2);
        let mut texts: Vec<_> =
            parts.map(|part| format!("x{}x", String::from_iter(part))).collect();
        texts.extend(AWKWARD.map(|text| format!("x{text}x")));
        for filler in ["x", "é", "你", "🎉", "&", "word "] {
            let length = filler.chars().count();
            texts.push(filler.repeat(SpeechText::LIMIT / length));
            texts.push(filler.repeat(SPOKEN_BY_ALL / length));
        }
        texts
    })
}

/// With nothing behind it, and, unless it is long, with what some carriers carry out in one document
/// with it.
fn says(text: &str) -> Vec<Say> {
    let mut says = vec![say(text)];
    if text.chars().count() < 100 {
        says.push(Say { then: Then::Listen(listen()), ..say(text) });
    }
    says
}

/// Whatever is to be said reaches the carrier character by character, or is refused before
/// anything is sent.
pub(super) async fn odd_text_is_carried_as_it_is_or_refused_unsent(h: &dyn ProviderHarness) {
    for text in texts() {
        for say in says(text) {
            let line = Line::with(Ok(h.taken(Command::Speak)));
            let provider = h.provider(line.clone());
            let told = format!("{}… of {} characters", start(text), text.chars().count());
            match provider.play_tts(&h.call(), &say).await {
                Ok(()) => {
                    let carried = h.carries(&line.requests()[0], text);
                    let fetches = provider.capabilities().documents;
                    let is_right = match carried {
                        Carried::Whole => true,
                        Carried::Fetched => fetches,
                        Carried::Spoilt => false,
                    };
                    assert!(is_right, "{told}: {carried:?}");
                }
                Err(error) => {
                    assert_eq!(error.class(), ErrorClass::Rejected, "{told}: {error:?}");
                    assert!(line.requests().is_empty(), "{told} is refused, and sent");
                    let is_long = text.chars().count() > SPOKEN_BY_ALL;
                    assert!(is_long, "{told} is short enough for anybody: {error:?}");
                }
            }
        }
    }
}

fn start(text: &str) -> String {
    text.chars().take(12).flat_map(char::escape_default).collect()
}

/// A document says what it is to say, character by character, and nothing else.
pub(super) async fn odd_text_is_rendered_as_it_is(h: &dyn ProviderHarness) -> Outcome {
    let provider = h.provider(Line::dead());
    if !provider.capabilities().documents {
        return Err(Skipped("the provider takes no documents"));
    }
    for text in texts() {
        for say in says(text) {
            let reply = provider.render_reply(&h.call(), &CallPlan::Say(say));
            assert!(h.says(&reply, text), "{}…: {}", start(text), told(&reply));
        }
    }
    // A voice is anybody's word too.
    for voice in ["\"/><Hangup/>&", "'><", "ア", "&quot;"] {
        let mut say = say("Hello");
        say.speech.voice = Some(voice.parse().expect("a voice"));
        let reply = provider.render_reply(&h.call(), &CallPlan::Say(say));
        assert!(h.says(&reply, "Hello"), "{voice}: {}", told(&reply));
    }
    Ok(())
}

fn told(reply: &WebhookReply) -> String {
    String::from_utf8_lossy(&reply.body).chars().take(300).collect()
}

fn plans() -> Vec<CallPlan> {
    let digits: Digits = "1w2#".parse().expect("digits");
    let after = std::time::Duration::from_millis(1500);
    vec![
        CallPlan::Say(say("Hello?")),
        CallPlan::Say(Say { then: Then::Listen(listen()), ..say("Hello?") }),
        CallPlan::Say(Say { then: Then::HangUp { after }, ..say("Bye.") }),
        CallPlan::Listen(listen()),
        CallPlan::SendDigits { digits, then: Then::Hold },
        CallPlan::Hold,
        CallPlan::HangUp { after },
        CallPlan::Reject(RejectReason::Busy),
        CallPlan::Reject(RejectReason::Declined),
    ]
}

/// A reply is a function of call, step, callbacks and plan: not of the carrier's ids, which may
/// have grown since, and not of what was rendered before. A repeated delivery gets the same bytes.
pub(super) async fn a_reply_is_pure_and_repeatable(h: &dyn ProviderHarness) {
    let (first, after_a_restart) = (h.provider(Line::dead()), h.provider(Line::dead()));
    let unnamed = CallRef { ids: ProviderCallIds::none(), ..h.call() };
    for plan in plans() {
        let reply = first.render_reply(&h.call(), &plan);
        assert_eq!(reply.status, 200, "{plan:?}");
        assert!(reply == first.render_reply(&h.call(), &plan), "{plan:?} rendered again");
        assert!(reply == first.render_reply(&unnamed, &plan), "{plan:?} without carrier ids");
        assert!(reply == after_a_restart.render_reply(&h.call(), &plan), "{plan:?} elsewhere");
    }
}

/// Where documents are taken, one that comes back does so to its own step, so that the same words
/// at another step make another request. Where they are not, an acknowledgement is the answer.
pub(super) async fn a_reply_is_of_its_step(h: &dyn ProviderHarness) {
    let provider = h.provider(Line::dead());
    let next = CallRef { step: Step(h.call().step.0 + 1), ..h.call() };
    for plan in [CallPlan::Listen(listen()), CallPlan::Hold] {
        let replies = [&h.call(), &next].map(|call| provider.render_reply(call, &plan));
        if provider.capabilities().documents {
            assert!(replies[0] != replies[1], "{plan:?}");
            assert!(!replies[0].content_type.is_empty(), "{plan:?}");
        } else {
            assert!(replies.iter().all(|one| *one == WebhookReply::acknowledged()), "{plan:?}");
        }
    }
}
