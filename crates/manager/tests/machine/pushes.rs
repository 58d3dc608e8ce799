//! Plans that are pushed, and a carrier that comes for them when a reply has brought them already.

use crate::line::{Line, Way, words};
use offhook_conformance::samples::speech;
use offhook_core::{CallEvent, CallPlan, Digits, ErrorClass, ListenFor, Locale, Step, Then, Turn};
use offhook_manager::machine::Command;
use offhook_manager::{CallState, EffectKind, EntryKind, Mode};

/// A call on which this is pushed, and said by the end of the one hold meanwhile.
fn said_by_reply(mode: Mode, command: &Command) -> (Line, Step) {
    let mut line = Line::answered(Way::Documents, mode, Some("Good morning."));
    let running = line.record.script.step.0;
    line.command(command).unwrap();
    let hold = line.webhook(Some(running), &[CallEvent::NothingHeard], true).unwrap();
    assert_eq!(hold.plan, CallPlan::Hold);
    let step = line.record.script.step;
    let reply = line.webhook(Some(step.0), &[CallEvent::HoldEnded], true).unwrap();
    assert!(matches!(reply.plan, CallPlan::Say(_) | CallPlan::SendDigits { .. }), "{reply:?}");
    (line, step)
}

fn not_confirmed(line: &Line) -> Vec<EffectKind> {
    let kinds = line.entries.iter().filter_map(|entry| match entry.kind {
        EntryKind::NotConfirmed { effect } => Some(effect),
        _ => None,
    });
    kinds.collect()
}

#[test]
fn a_push_that_comes_late_does_not_begin_again_what_a_reply_has_said() {
    let speak = Command::Speak { speech: speech("Hello.") };
    let (mut line, step) = said_by_reply(Mode::Conversation, &speak);
    let turn = line.record.turn;
    let reply = line.fetches_pushed(step);
    assert!(matches!(&reply.plan, CallPlan::Listen(listen) if listen.turn == turn), "{reply:?}");
    assert_eq!((reply.step, line.state()), (step.next(), CallState::Listening));
    assert_eq!(not_confirmed(&line), [EffectKind::Perform(step)]);
    // The answer belongs to the turn all the same.
    line.comes_back(words("Hi."));
    assert_eq!(line.listens_for(), Some(Turn(turn.0 + 1)));
}

#[test]
fn a_late_push_of_final_words_hangs_up() {
    let speak = Command::Speak { speech: speech("Goodbye.") };
    let (mut line, step) = said_by_reply(Mode::Notify, &speak);
    let reply = line.fetches_pushed(step);
    assert!(matches!(reply.plan, CallPlan::HangUp { .. }), "{reply:?}");
    assert_eq!(not_confirmed(&line), [EffectKind::Perform(step)]);
}

#[test]
fn digits_are_not_sent_again_by_a_late_push() {
    let digits: Digits = "12#".parse().unwrap();
    let (mut line, step) =
        said_by_reply(Mode::Conversation, &Command::SendDigits { digits: digits.clone() });
    let reply = line.fetches_pushed(step);
    assert!(!matches!(reply.plan, CallPlan::SendDigits { .. }), "{reply:?}");
    assert_eq!(not_confirmed(&line), [EffectKind::Perform(step)]);
}

#[test]
fn a_late_push_of_an_older_step_does_not_begin_the_present_sentence_again() {
    let speak = Command::Speak { speech: speech("Hello.") };
    let (mut line, older) = said_by_reply(Mode::Conversation, &speak);
    // The next sentence is said by the answer to what follows the first one.
    line.command(&Command::Speak { speech: speech("And goodbye.") }).unwrap();
    line.webhook(Some(older.0), &[CallEvent::NothingHeard], true).unwrap();
    let step = line.record.script.step;
    let reply = line.webhook(Some(step.0), &[CallEvent::HoldEnded], true).unwrap();
    assert!(matches!(reply.plan, CallPlan::Say(_)), "{reply:?}");
    let reply = line.fetches_pushed(older);
    assert!(matches!(reply.plan, CallPlan::Listen(_)), "{reply:?}");
    assert_eq!(not_confirmed(&line), [EffectKind::Perform(step)]);
}

#[test]
fn a_push_that_comes_in_time_says_it_whether_its_command_was_answered_before_or_not() {
    for answered_first in [true, false] {
        let mut line = Line::answered(Way::Documents, Mode::Conversation, None);
        line.command(&Command::Speak { speech: speech("Hello.") }).unwrap();
        let step = line.record.script.step;
        if answered_first {
            assert_eq!(line.carry_out(), [EffectKind::Perform(step)]);
        }
        let reply = line.fetches_pushed(step);
        let CallPlan::Say(say) = &reply.plan else { panic!("{reply:?}") };
        assert!(matches!(say.then, Then::Listen(_)));
        assert_eq!((not_confirmed(&line), line.record.pushes), (vec![], 1));
    }
}

#[test]
fn listening_begins_again_by_a_late_push() {
    let mut line = Line::answered(Way::Documents, Mode::Conversation, Some("Good morning."));
    let running = line.record.script.step.0;
    line.command(&Command::Listen { locale: Locale::en_us(), input: ListenFor::Speech }).unwrap();
    let step = line.record.script.step;
    line.webhook(Some(running), &[CallEvent::NothingHeard], true).unwrap();
    line.webhook(Some(step.0), &[CallEvent::HoldEnded], true).unwrap();
    let reply = line.fetches_pushed(step);
    assert!(matches!(reply.plan, CallPlan::Listen(_)), "{reply:?}");
    assert_eq!((reply.step, not_confirmed(&line)), (step, vec![]));
}

#[test]
fn a_push_that_a_restart_has_interrupted_gets_the_time_of_one_hold_to_arrive() {
    let interrupted = || {
        let mut line = Line::answered(Way::Documents, Mode::Conversation, Some("Good morning."));
        let running = line.record.script.step.0;
        line.command(&Command::Speak { speech: speech("Hello.") }).unwrap();
        line.restart();
        assert_eq!(line.outbox(), [], "it is not sent again");
        let step = line.record.script.step;
        let reply = line.webhook(Some(running), &[CallEvent::NothingHeard], true).unwrap();
        assert_eq!((reply.step, &reply.plan), (step, &CallPlan::Hold));
        (line, step)
    };
    // It never arrives: the end of the hold brings the sentence.
    let (mut line, step) = interrupted();
    let reply = line.webhook(Some(step.0), &[CallEvent::HoldEnded], true).unwrap();
    assert!(matches!(reply.plan, CallPlan::Say(_)), "{reply:?}");
    // It does.
    let (mut line, step) = interrupted();
    let reply = line.fetches_pushed(step);
    assert!(matches!(reply.plan, CallPlan::Say(_)), "{reply:?}");
    // It had arrived, and what it has brought comes back.
    let (mut line, _) = interrupted();
    line.comes_back(words("Hi."));
    assert_eq!(line.state(), CallState::Listening);
}

/// A call whose push a restart has interrupted, and on which a newer sentence was pushed since.
fn pushed_after_an_interrupted_push(mode: Mode, newer: &Command) -> (Line, Step) {
    let mut line = Line::answered(Way::Documents, mode, Some("Good morning."));
    let running = line.record.script.step.0;
    line.command(&Command::Speak { speech: speech("Hello.") }).unwrap();
    let interrupted = line.record.script.step;
    line.webhook(Some(running), &[CallEvent::NothingHeard], true).unwrap();
    line.restart();
    line.command(newer).unwrap();
    let step = line.record.script.step;
    assert_eq!(line.carry_out(), [EffectKind::Perform(step)]);
    line.entries.clear();
    (line, interrupted)
}

#[test]
fn an_interrupted_push_that_arrives_after_a_newer_one_does_not_begin_its_sentence_again() {
    let newer = Command::Speak { speech: speech("And how are you?") };
    let (mut line, interrupted) = pushed_after_an_interrupted_push(Mode::Conversation, &newer);
    let (step, turn) = (line.record.script.step, line.record.turn);
    // It has replaced the newer document, and what it says comes back.
    let reply = line.webhook(Some(interrupted.0), &[CallEvent::NothingHeard], true).unwrap();
    assert!(matches!(&reply.plan, CallPlan::Listen(listen) if listen.turn == turn), "{reply:?}");
    assert_eq!(not_confirmed(&line), [EffectKind::Perform(step)]);
    // The same request after that is an ordinary one of an older step.
    let reply = line.webhook(Some(interrupted.0), &[CallEvent::NothingHeard], true).unwrap();
    assert!(matches!(reply.plan, CallPlan::Listen(_)), "{reply:?}");
    assert_eq!(not_confirmed(&line).len(), 1);
    // The answer belongs to the turn, also where the request was on its way before the newer push came.
    line.webhook(Some(step.0), &[words("Well.")], true);
    assert_eq!(line.listens_for(), Some(turn.next()));
}

#[test]
fn digits_and_final_words_are_not_repeated_behind_an_interrupted_push_either() {
    let digits: Digits = "12#".parse().unwrap();
    for (mode, newer) in [
        (Mode::Conversation, Command::SendDigits { digits }),
        (Mode::Notify, Command::Speak { speech: speech("Goodbye.") }),
    ] {
        let (mut line, interrupted) = pushed_after_an_interrupted_push(mode, &newer);
        let step = line.record.script.step;
        let reply = line.webhook(Some(interrupted.0), &[CallEvent::NothingHeard], true).unwrap();
        assert!(!matches!(reply.plan, CallPlan::Say(_) | CallPlan::SendDigits { .. }), "{reply:?}");
        assert_eq!(not_confirmed(&line), [EffectKind::Perform(step)]);
    }
}

#[test]
fn listening_is_not_marked_as_not_confirmed_by_an_interrupted_push_that_arrives() {
    let newer = Command::Listen { locale: Locale::en_us(), input: ListenFor::Speech };
    let (mut line, interrupted) = pushed_after_an_interrupted_push(Mode::Conversation, &newer);
    let step = line.record.script.step;
    let reply = line.webhook(Some(interrupted.0), &[CallEvent::NothingHeard], true).unwrap();
    assert!(matches!(reply.plan, CallPlan::Listen(_)), "{reply:?}");
    assert_eq!((reply.step, not_confirmed(&line)), (step, vec![]));
}

#[test]
fn a_sentence_that_is_still_to_be_pushed_is_said_behind_an_interrupted_push_that_arrives() {
    let mut line = Line::answered(Way::Documents, Mode::Conversation, Some("Good morning."));
    line.command(&Command::Speak { speech: speech("Hello.") }).unwrap();
    let interrupted = line.record.script.step.0;
    line.restart();
    line.entries.clear();
    line.command(&Command::Speak { speech: speech("And how are you?") }).unwrap();
    let reply = line.webhook(Some(interrupted), &[CallEvent::NothingHeard], true).unwrap();
    assert_eq!(reply.plan, CallPlan::Hold, "it is under way");
    assert_eq!((line.says(), not_confirmed(&line)), (Some("And how are you?"), vec![]));
    line.carry_out();
    assert_eq!(line.state(), CallState::Speaking);
}

#[test]
fn a_push_without_a_clear_answer_may_arrive_after_a_newer_one_too() {
    let mut line = Line::answered(Way::Documents, Mode::Conversation, None);
    line.command(&Command::Speak { speech: speech("Hello.") }).unwrap();
    let unclear = line.record.script.step;
    line.fails(ErrorClass::Ambiguous);
    line.speak("And how are you?");
    let reply = line.webhook(Some(unclear.0), &[CallEvent::NothingHeard], true).unwrap();
    assert!(matches!(reply.plan, CallPlan::Listen(_)), "{reply:?}");
}

#[test]
fn the_end_of_a_hold_does_not_show_that_the_interrupted_push_has_arrived() {
    let newer = Command::Speak { speech: speech("And how are you?") };
    let (mut line, interrupted) = pushed_after_an_interrupted_push(Mode::Conversation, &newer);
    // The hold that stood in for it has its step as well.
    let reply = line.webhook(Some(interrupted.0), &[CallEvent::HoldEnded], true).unwrap();
    assert!(matches!(reply.plan, CallPlan::Say(_)), "{reply:?}");
    assert_eq!(not_confirmed(&line), []);
}
