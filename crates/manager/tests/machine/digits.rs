//! Digits that are asked for: by a document that takes keys, or by a command that gathers them.

use crate::line::{BOTH, Line, Way, heard, words};
use offhook_conformance::samples::speech;
use offhook_core::{CallEvent, CallPlan, DigitInput, ListenFor, Locale, Turn};
use offhook_manager::machine::{Command, CommandRefusal, DeadlineKind, Ignored};
use offhook_manager::{CallState, EffectKind, EntryKind, Mode};

fn pin() -> DigitInput {
    DigitInput::new(4, '#').unwrap()
}

fn digits(digits: &str) -> CallEvent {
    CallEvent::Digits { digits: digits.into() }
}

fn key(key: &str) -> CallEvent {
    CallEvent::KeyPressed { key: key.into() }
}

/// A call that was asked for its PIN, and the turn of the question.
fn asked(way: Way) -> (Line, Turn) {
    let mut line = Line::answered(way, Mode::Conversation, None);
    let turn = line.ask_for(ListenFor::Digits(pin()), "Your PIN, please.", None);
    line.comes_back(heard());
    assert_eq!(line.state(), CallState::Listening, "{way:?}");
    (line, turn)
}

fn input(line: &Line) -> Option<ListenFor> {
    match line.plan() {
        CallPlan::Listen(listen) => Some(listen.input),
        _ => None,
    }
}

fn is_asked(line: &Line, turn: Turn) -> bool {
    line.record.question.is_some_and(|asked| asked.turn == turn)
}

fn answers(line: &Line, turn: Turn, event: &CallEvent) -> bool {
    line.has_entry(|kind| {
        matches!(kind, EntryKind::Webhook { events, turn: Some(of), .. }
            if *of == turn && events == std::slice::from_ref(event))
    })
}

#[test]
fn digits_answer_the_question_that_asks_for_them() {
    for way in BOTH {
        let (mut line, turn) = asked(way);
        let step = line.record.script.step;
        line.comes_back(digits("4711"));
        assert_eq!(line.record.question, None, "{way:?}");
        assert!(answers(&line, turn, &digits("4711")), "{way:?}: {:?}", line.entries);
        assert_eq!(line.listens_for(), Some(turn.next()), "the next entry is of the next turn");
        assert_eq!(input(&line), Some(ListenFor::Digits(pin())));
        assert!(line.record.script.step > step && line.record.script.delivered_at.is_some());
    }
}

#[test]
fn digits_during_the_speech_are_the_answer_to_it_where_a_document_takes_both() {
    let mut line = Line::answered(Way::Documents, Mode::Conversation, None);
    let turn = line.ask_for(ListenFor::Digits(pin()), "Your PIN, please.", None);
    line.comes_back(digits("4711"));
    assert!(answers(&line, turn, &digits("4711")));
}

#[test]
fn an_entry_of_nothing_is_asked_for_again_until_the_turn_is_over() {
    for way in BOTH {
        let (mut line, turn) = asked(way);
        let mut steps = vec![line.record.script.step];
        for _ in 0..3 {
            line.pass(15);
            line.comes_back(CallEvent::NothingHeard);
            assert_eq!(line.listens_for(), Some(turn), "{way:?}");
            assert!(line.record.script.delivered_at.is_some(), "the carrier was told");
            steps.push(line.record.script.step);
        }
        steps.dedup();
        assert_eq!(steps.len(), 4, "each has a step of its own");
        line.pass(600);
        assert!(!is_asked(&line, turn), "{way:?}");
    }
}

#[test]
fn late_digits_of_an_older_step_answer_nothing() {
    for way in BOTH {
        let (mut line, _) = asked(way);
        let old = line.record.script.step.0;
        let turn = line.ask_for(ListenFor::Digits(pin()), "And the new one?", None);
        line.comes_back(heard());
        line.comes_back_for(old, digits("4711"));
        assert!(is_asked(&line, turn), "{way:?}");
        assert_eq!(line.ignored, Some(Ignored::OlderStep));
        line.comes_back(digits("1234"));
        assert!(answers(&line, turn, &digits("1234")));
    }
}

#[test]
fn words_are_no_answer_where_digits_are_asked_for() {
    let (mut line, turn) = asked(Way::Commands);
    let plan = line.record.script.clone();
    // A transcription that was stopped a moment too late.
    for event in [words("Four seven"), CallEvent::NothingHeard] {
        line.webhook(None, &[event], false);
        assert!(is_asked(&line, turn));
        assert_eq!(line.ignored, Some(Ignored::OlderStep));
        assert_eq!(line.record.script, plan, "the gather runs on");
    }
    assert_eq!(line.outbox(), []);
}

#[test]
fn digits_are_no_answer_where_words_are_asked_for() {
    let mut line = Line::answered(Way::Documents, Mode::Conversation, None);
    let turn = line.ask("Which day?", None);
    line.comes_back(digits("4"));
    assert!(is_asked(&line, turn));
    assert_eq!(line.listens_for(), Some(turn), "the document that listened is renewed");
}

#[test]
fn keys_that_are_gathered_are_told_once_by_their_entry() {
    let (mut line, turn) = asked(Way::Commands);
    let before = line.entries.len();
    for pressed in ["4", "7", "1", "1"] {
        line.webhook(None, &[key(pressed)], false);
    }
    assert_eq!(line.entries.len(), before, "a PIN stands in the timeline once");
    line.comes_back(digits("4711"));
    assert!(answers(&line, turn, &digits("4711")));
    // One that is told when its entry has been.
    line.webhook(None, &[key("1")], false);
    assert_eq!(line.listens_for(), Some(turn.next()));
}

#[test]
fn keys_that_nobody_asked_for_stand_in_the_timeline_and_change_nothing() {
    let mut line = Line::answered(Way::Commands, Mode::Conversation, Some("Hello?"));
    let script = line.record.script.clone();
    line.webhook(None, &[key("5")], false);
    assert!(line.has_entry(|kind| matches!(
        kind,
        EntryKind::Webhook { events, turn: None, .. } if *events == [key("5")]
    )));
    assert_eq!((line.state(), &line.record.script), (CallState::Speaking, &script));
    // The speech goes on, and is followed by listening.
    line.comes_back(heard());
    assert_eq!(line.listens_for(), Some(Turn(1)));
    assert!(line.record.script.delivered_at.is_some(), "the carrier was told to listen");
}

#[test]
fn another_plan_stops_what_gathers_first_and_once() {
    let others = || {
        let (locale, input) = (Locale::en_us(), ListenFor::Speech);
        vec![
            Command::Speak { speech: speech("Never mind.") },
            Command::Ask { speech: speech("Which day?"), input, timeout: None },
            Command::Listen { locale, input },
            Command::StopListening,
            Command::SendDigits { digits: "1".parse().unwrap() },
        ]
    };
    for command in others() {
        let (mut line, _) = asked(Way::Commands);
        line.command(&command).unwrap();
        let step = line.record.script.step;
        let expected = [EffectKind::StopGathering, EffectKind::Perform(step)];
        assert_eq!(line.outbox(), expected, "{command:?}");
        line.command(&command).unwrap();
        assert_eq!(line.outbox().len(), 2, "{command:?} twice: {:?}", line.outbox());
        line.hang_up();
        assert_eq!(line.outbox(), [EffectKind::HangUp], "which stops everything");

        let (mut line, _) = asked(Way::Documents);
        line.command(&command).unwrap();
        assert!(matches!(line.outbox()[..], [EffectKind::Perform(_)]), "the document does it");
    }
}

#[test]
fn a_gather_that_has_to_be_stopped_is_stopped_in_another_attempt() {
    let (mut line, _) = asked(Way::Commands);
    line.command(&Command::StopListening).unwrap();
    let step = line.record.script.step;
    line.fails(offhook_core::ErrorClass::Transient);
    line.pass(2);
    assert_eq!(line.carry_out(), [EffectKind::StopGathering, EffectKind::Perform(step)]);
    assert_eq!(line.state(), CallState::Active);
}

#[test]
fn nothing_is_transcribed_while_digits_are_asked_for() {
    let to_enter = ListenFor::Digits(pin());
    for command in [
        Command::Ask { speech: speech("Your PIN?"), input: to_enter, timeout: None },
        Command::Listen { locale: Locale::en_us(), input: to_enter },
    ] {
        let mut line = Line::answered(Way::Commands, Mode::Conversation, None);
        line.command(&command).unwrap();
        let step = line.record.script.step;
        let expected = [EffectKind::StopTranscribing, EffectKind::Perform(step)];
        assert_eq!(line.outbox(), expected, "{command:?}");

        let mut line = Line::answered(Way::Documents, Mode::Conversation, None);
        line.command(&command).unwrap();
        assert!(matches!(line.outbox()[..], [EffectKind::Perform(_)]), "the document does it");
    }
}

#[test]
fn either_answers_where_either_is_asked_for() {
    for answer in [words("My PIN is four seven one one."), digits("4711")] {
        let mut line = Line::answered(Way::Documents, Mode::Conversation, None);
        let turn = line.ask_for(ListenFor::SpeechOrDigits(pin()), "Your PIN, please.", None);
        line.comes_back(answer.clone());
        assert!(answers(&line, turn, &answer));
    }
}

#[test]
fn either_is_refused_without_a_trace_where_the_carrier_takes_one_at_a_time() {
    let either = ListenFor::SpeechOrDigits(pin());
    for command in [
        Command::Ask { speech: speech("Your PIN?"), input: either, timeout: None },
        Command::Listen { locale: Locale::en_us(), input: either },
    ] {
        let mut line = Line::answered(Way::Commands, Mode::Conversation, None);
        let before = line.record.clone();
        assert_eq!(line.command(&command), Err(CommandRefusal::Unsupported));
        assert_eq!(line.record, before);
    }
}

#[test]
fn where_nobody_tells_what_came_of_gathering_it_begins_anew_for_the_same_turn() {
    let (mut line, turn) = asked(Way::Commands);
    let step = line.record.script.step;
    let longest = line.capabilities.longest_gathering.as_secs();
    line.record.question = None;
    assert_eq!(line.pass(longest + 19), []);
    assert_eq!(line.pass(1), [DeadlineKind::Gathering]);
    assert_eq!(line.carry_out(), [EffectKind::Perform(step.next())]);
    assert_eq!((line.state(), line.listens_for()), (CallState::Listening, Some(turn)));
    // What it should have told answers nothing when it comes late; the new one answers.
    line.webhook(Some(step.0), &[digits("1111")], false);
    assert_eq!(line.ignored, Some(Ignored::OlderStep));
    line.comes_back(digits("4711"));
    assert!(answers(&line, turn, &digits("4711")));
    // It is not given up while it is lost again and again.
    assert_eq!(line.pass(longest + 20), [DeadlineKind::Gathering]);
}

#[test]
fn what_ends_by_itself_or_by_another_plan_is_not_missed() {
    // A document comes back by itself.
    let (line, _) = asked(Way::Documents);
    assert_eq!(line.record.script.gathers_until, None);
    // Another plan has stopped it.
    let (mut line, _) = asked(Way::Commands);
    assert!(line.record.script.gathers_until.is_some());
    line.command(&Command::StopListening).unwrap();
    assert_eq!(line.record.script.gathers_until, None);
    // Transcription goes on by itself.
    let mut line = Line::answered(Way::Commands, Mode::Conversation, None);
    line.command(&Command::Listen { locale: Locale::en_us(), input: ListenFor::Speech }).unwrap();
    line.carry_out();
    assert_eq!(line.record.script.gathers_until, None);
}
