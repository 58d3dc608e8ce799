//! Digits that are sent out, and what follows them.

use crate::line::{BOTH, Line, Way};
use offhook_core::{CallEvent, CallPlan, Then};
use offhook_manager::machine::Command;
use offhook_manager::{CallState, EffectKind, Mode};

#[test]
fn digits_are_sent_and_listening_goes_on() {
    for way in BOTH {
        let mut line = Line::answered(way, Mode::Conversation, None);
        line.command(&Command::SendDigits { digits: "12#".parse().unwrap() }).unwrap();
        let sent = line.carry_out();
        if way == Way::Documents {
            assert!(matches!(sent[..], [EffectKind::Perform(_)]));
            line.comes_back(CallEvent::DigitsSent);
        } else {
            // A command that sends digits comes back with no event: its success is all there is.
            assert!(matches!(sent[..], [EffectKind::Perform(_), EffectKind::Perform(_)]));
        }
        assert!(line.listens_for().is_some());
        assert_eq!(line.state(), CallState::Listening, "{way:?}");
    }
}

#[test]
fn digits_by_a_command_are_sent_out_before_the_hangup_that_follows_them() {
    let mut line = Line::answered(Way::Commands, Mode::Notify, Some("Goodbye."));
    line.command(&Command::SendDigits { digits: "1w2W".parse().unwrap() }).unwrap();
    line.carry_out();
    // Half a second for each of them and one for the W, then the delay of the mode.
    let delay = line.record.limits.notify_hangup_delay;
    let wait = line.record.hangup_at.unwrap().duration_since(line.now);
    assert_eq!(wait, (delay + std::time::Duration::from_millis(2500)).try_into().unwrap());
    assert_eq!(line.state(), CallState::Active);
}

#[test]
fn what_follows_digits_is_what_followed_what_they_interrupt() {
    let digits = || Command::SendDigits { digits: "12#".parse().unwrap() };
    let sent = |line: &mut Line| {
        line.command(&digits()).unwrap();
        match line.plan() {
            CallPlan::SendDigits { then, .. } => then.clone(),
            other => panic!("{other:?}"),
        }
    };
    for way in BOTH {
        let mut listening = Line::answered(way, Mode::Conversation, None);
        listening.carry_out();
        let CallPlan::Listen(listen) = listening.plan().clone() else { panic!("{way:?}") };
        assert_eq!(sent(&mut listening), Then::Listen(listen.clone()), "{way:?}");
        assert_eq!(sent(&mut listening), Then::Listen(listen), "digits behind digits, {way:?}");

        let mut notifying = Line::answered(way, Mode::Notify, Some("Goodbye."));
        let after = notifying.record.limits.notify_hangup_delay;
        assert_eq!(sent(&mut notifying), Then::HangUp { after }, "{way:?}");

        let mut holding = Line::answered(way, Mode::Conversation, None);
        holding.command(&Command::StopListening).unwrap();
        assert_eq!(sent(&mut holding), Then::Hold, "{way:?}");
    }
    // What was said is heard to its end, and the line waits for its hangup.
    let mut parting = Line::answered(Way::Documents, Mode::Notify, Some("Goodbye."));
    let said = parting.record.script.step;
    parting.webhook(Some(said.0), &[CallEvent::SpeechEnded { completed: true }], true).unwrap();
    let CallPlan::HangUp { after } = parting.plan().clone() else { panic!("{:?}", parting.plan()) };
    assert_eq!(sent(&mut parting), Then::HangUp { after });
}
