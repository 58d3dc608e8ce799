//! What the carrier is told to listen for.

use offhook_core::{CallPlan, DigitInput, ErrorClass, Listen, ListenFor, Say, Then};

use super::command::{Command, listen, say};
use super::harness::{ProviderHarness, Told};
use super::line::Line;

fn inputs() -> [ListenFor; 4] {
    let pin = DigitInput::new(4, '*').expect("four digits");
    let menu = DigitInput::new(1, '#').expect("a digit");
    [
        ListenFor::Speech,
        ListenFor::Digits(pin),
        ListenFor::Digits(menu),
        ListenFor::SpeechOrDigits(pin),
    ]
}

/// The carrier listens for what the plan asks for, and for nothing else: who asks for digits pays for
/// no transcription. What it cannot listen for is said, and nothing is sent instead.
pub(super) async fn a_carrier_listens_for_what_is_asked_for(h: &dyn ProviderHarness) {
    let can = h.provider(Line::dead()).capabilities();
    for input in inputs() {
        let listen = Listen { input, ..listen() };
        if can.documents {
            let provider = h.provider(Line::dead());
            let speech = Say { then: Then::Listen(listen.clone()), ..say("Hello?") };
            for plan in [CallPlan::Listen(listen), CallPlan::Say(speech)] {
                let reply = provider.render_reply(&h.call(), &plan);
                assert_eq!(h.listens_for(&Told::Reply(&reply)), Some(input), "{plan:?}");
            }
            continue;
        }
        let line = Line::with(Ok(h.taken(Command::Listen)));
        let provider = h.provider(line.clone());
        let result = provider.start_listening(&h.call(), &listen).await;
        let requests = line.requests();
        if matches!(input, ListenFor::SpeechOrDigits(_)) && !can.speech_or_digits {
            let class = result.map_err(|error| error.class());
            assert_eq!(class, Err(ErrorClass::Unsupported), "{input:?}");
            assert!(requests.is_empty(), "{input:?}: {requests:?}");
        } else {
            assert!(result.is_ok(), "{input:?}: {result:?}");
            let told = requests.first().expect("a request");
            assert_eq!(h.listens_for(&Told::Request(told)), Some(input), "{told:?}");
        }
    }
}
