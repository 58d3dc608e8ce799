//! Turns: what is said, and which question it answers.

use crate::line::{BOTH, Line, Way, heard, words};
use offhook_conformance::samples::speech;
use offhook_core::{CallEvent, CallPlan, Digits, ErrorClass, ListenFor, Locale, Turn};
use offhook_manager::machine::{Command, CommandRefusal, DeadlineKind, Ignored};
use offhook_manager::{CallState, EffectKind, EntryKind, Mode};

#[test]
fn another_plan_cuts_speech_off_once_and_another_speech_replaces_it() {
    let speaking = || {
        let mut line = Line::answered(Way::Commands, Mode::Conversation, Some("Long story."));
        line.carry_out();
        assert_eq!(line.state(), CallState::Speaking);
        line
    };
    let mut line = speaking();
    line.command(&Command::Listen { locale: Locale::en_us(), input: ListenFor::Speech }).unwrap();
    line.command(&Command::StopListening).unwrap();
    let step = line.record.script.step;
    assert_eq!(line.outbox(), [EffectKind::StopSpeech, EffectKind::Perform(step)]);
    line.restart();
    assert_eq!(line.outbox()[0], EffectKind::StopSpeech, "what stops may be sent again");
    line.fails(ErrorClass::Transient);
    line.pass(2);
    assert_eq!(line.carry_out(), [EffectKind::StopSpeech, EffectKind::Perform(step)]);
    assert_eq!(line.state(), CallState::Active);

    let mut line = speaking();
    line.command(&Command::Speak { speech: speech("Shorter.") }).unwrap();
    assert!(matches!(line.outbox()[..], [EffectKind::Perform(_)]), "{:?}", line.outbox());

    let mut line = Line::answered(Way::Documents, Mode::Conversation, Some("Long story."));
    line.command(&Command::StopListening).unwrap();
    assert!(!line.outbox().contains(&EffectKind::StopSpeech), "the document does it");
}

#[test]
fn a_conversation_speaks_then_listens_then_goes_on() {
    for way in BOTH {
        let mut line = Line::answered(way, Mode::Conversation, Some("Hello?"));
        assert_eq!(line.state(), CallState::Speaking, "{way:?}");
        line.comes_back(heard());
        assert_eq!(line.state(), CallState::Listening, "{way:?}");
        assert_eq!(line.listens_for(), Some(Turn(1)));
        line.comes_back(words("Hi."));
        assert_eq!(line.state(), CallState::Listening);
        assert_eq!(line.listens_for(), Some(Turn(2)));
        for turn in 3..60 {
            assert_eq!(line.speak("Go on."), Turn(turn));
            line.comes_back(heard());
            assert_eq!(line.listens_for(), Some(Turn(turn)), "{way:?}");
            // An answer begins the next turn, so that what follows answers nothing old.
            if turn % 2 == 0 {
                line.comes_back(words("Yes."));
                assert_eq!(line.listens_for(), Some(Turn(turn + 1)));
                line.record.turn = Turn(turn);
            }
            line.record.answered_at = Some(line.now);
        }
    }
}

#[test]
fn without_a_message_a_conversation_listens() {
    for way in BOTH {
        let line = Line::answered(way, Mode::Conversation, None);
        assert_eq!(line.state(), CallState::Listening, "{way:?}");
        assert_eq!(line.listens_for(), Some(Turn(1)));
    }
}

#[test]
fn listening_that_heard_nothing_is_renewed_for_the_same_turn() {
    for way in BOTH {
        let mut line = Line::answered(way, Mode::Conversation, None);
        let turn = line.ask("Which day?", None);
        line.comes_back(heard());
        let mut steps = vec![line.record.script.step];
        for _ in 0..5 {
            line.pass(5);
            line.comes_back(CallEvent::NothingHeard);
            assert_eq!(line.listens_for(), Some(turn), "{way:?}");
            assert_eq!(line.state(), CallState::Listening);
            steps.push(line.record.script.step);
        }
        if way == Way::Documents {
            steps.dedup();
            assert_eq!(steps.len(), 6, "each document has a step of its own");
        }
        assert!(line.record.question.is_some());
        line.comes_back(words("Monday."));
        assert_eq!(line.record.question, None);
    }
}

#[test]
fn words_during_the_speech_are_the_answer_to_it() {
    let mut line = Line::answered(Way::Documents, Mode::Conversation, None);
    let turn = line.ask("Which day?", None);
    line.comes_back(words("Mon—"));
    assert_eq!(line.record.question, None, "barge-in answers {turn}");
    assert_eq!(line.state(), CallState::Listening);
}

#[test]
fn invariant_15_a_late_transcript_stands_in_the_timeline_and_answers_nothing() {
    for way in BOTH {
        let mut line = Line::answered(way, Mode::Conversation, None);
        let old = line.record.script.step.0;
        let turn = line.ask("Which day?", None);
        line.comes_back_for(old, words("too late"));
        assert_eq!(line.record.question.map(|asked| asked.turn), Some(turn), "{way:?}");
        assert_eq!(line.ignored, Some(Ignored::OlderStep));
        assert_eq!(line.says(), Some("Which day?"), "the present script stays");
        assert!(line.has_entry(|kind| matches!(
            kind,
            EntryKind::Webhook { events, .. } if *events == [words("too late")]
        )));
        line.comes_back(heard());
        line.comes_back(words("Monday."));
        assert_eq!(line.record.question, None);
    }
}

#[test]
fn a_preview_answers_nothing() {
    for way in BOTH {
        let mut line = Line::answered(way, Mode::Conversation, None);
        line.ask("Which day?", None);
        line.comes_back(heard());
        let event = CallEvent::Transcript { text: "Mon".into(), is_final: false };
        line.comes_back(event);
        assert!(line.record.question.is_some(), "{way:?}");
    }
}

#[test]
fn of_previews_only_the_one_that_shows_that_somebody_speaks_is_kept() {
    let preview = |text: &str| CallEvent::Transcript { text: text.into(), is_final: false };
    for way in BOTH {
        let mut line = Line::answered(way, Mode::Conversation, None);
        let turn = line.ask("Which day?", None);
        let step = line.record.script.step.0;
        assert_eq!(line.state(), CallState::Speaking, "{way:?}");
        let before = line.entries.len();
        line.webhook(Some(step), &[preview("Mon")], false);
        assert_eq!(line.state(), CallState::Listening, "{way:?}: they interrupt us");
        assert_eq!(line.entries.len(), before + 1);
        let known = line.record.clone();
        for text in ["Monday", "Monday at", "Monday at nine"] {
            line.pass(1);
            line.webhook(Some(step), &[preview(text)], false);
            line.webhook(Some(step - 1), &[preview(text)], false);
            line.webhook(None, &[preview(text)], false);
        }
        assert_eq!(line.record, known, "{way:?}: nothing to commit, and no repeat is forgotten");
        assert_eq!(line.entries.len(), before + 1);
        line.comes_back(words("Monday at nine."));
        assert_eq!(line.record.question, None, "{way:?}: the final words answer {turn}");
    }
}

#[test]
fn invariant_15_a_question_that_is_not_answered_in_time_ends_its_turn_only() {
    for way in BOTH {
        let mut line = Line::answered(way, Mode::Conversation, None);
        let turn = line.ask("Which day?", Some(20));
        line.comes_back(heard());
        // Ten characters may take 3.3 s, and 20 s were asked for.
        assert_eq!(line.pass(23), [], "{way:?}");
        assert_eq!(line.pass(1), [DeadlineKind::Transcript]);
        assert!(line.has_entry(|kind| *kind == EntryKind::TurnTimedOut { turn }));
        assert!(line.listens_for() > Some(turn), "what is said now belongs to a later turn");
        assert_eq!(line.state(), CallState::Listening, "the call goes on");
        line.comes_back(words("Monday?"));
        assert!(!line.state().is_ended());
    }
}

#[test]
fn a_question_that_times_out_before_it_was_heard_still_leads_to_listening() {
    for way in BOTH {
        let mut line = Line::answered(way, Mode::Conversation, None);
        let turn = line.ask(&"Which day would you like? ".repeat(4), Some(1));
        assert_eq!(line.pass(36), [DeadlineKind::Transcript], "{way:?}");
        // The carrier speaks slowly: the end of the speech is told after the deadline.
        let step = if way == Way::Documents { 1 } else { line.record.script.step.0 };
        line.comes_back_for(step, heard());
        assert_eq!(line.state(), CallState::Listening, "{way:?}");
        assert!(line.listens_for() > Some(turn));
        assert_eq!(line.outbox(), []);
    }
}

#[test]
fn a_question_that_times_out_before_it_was_sent_is_still_asked() {
    let mut line = Line::answered(Way::Commands, Mode::Conversation, None);
    let command = Command::Ask {
        speech: speech("Which day?"),
        input: ListenFor::Speech,
        timeout: Some(std::time::Duration::ZERO),
    };
    line.command(&command).unwrap();
    assert_eq!(line.pass(5), [DeadlineKind::Transcript]);
    assert_eq!(line.says(), Some("Which day?"), "the command in the outbox speaks it");
    assert!(matches!(line.carry_out()[..], [EffectKind::Perform(_)]));
    assert_eq!(line.state(), CallState::Speaking);
}

#[test]
fn invariant_16_what_the_carrier_cannot_do_is_refused_without_a_trace() {
    for way in BOTH {
        let mut line = Line::answered(way, Mode::Conversation, None);
        line.capabilities.send_dtmf = false;
        let before = line.record.clone();
        let digits: Digits = "12#".parse().unwrap();
        let refused = line.command(&Command::SendDigits { digits });
        assert_eq!(refused, Err(CommandRefusal::Unsupported));
        assert_eq!(line.record, before);
    }
}

#[test]
fn stopping_to_listen_holds_the_line_until_something_is_said() {
    for way in BOTH {
        let mut line = Line::answered(way, Mode::Conversation, None);
        line.command(&Command::StopListening).unwrap();
        line.carry_out();
        assert_eq!(line.plan(), &CallPlan::Hold, "{way:?}");
        assert_eq!(line.state(), CallState::Active);
        if way == Way::Documents {
            let before = line.record.script.step;
            line.comes_back(CallEvent::HoldEnded);
            assert!(line.record.script.step > before, "the next fetch is no repeat");
            assert_eq!(line.plan(), &CallPlan::Hold);
        }
        line.command(&Command::Listen { locale: Locale::en_us(), input: ListenFor::Speech })
            .unwrap();
        line.carry_out();
        assert_eq!(line.state(), CallState::Listening);
    }
}

#[test]
fn a_call_that_is_not_answered_takes_no_command_but_a_hangup() {
    for way in BOTH {
        let mut line = Line::outbound(way, Mode::Conversation, None);
        let before = line.record.clone();
        let refused = line.command(&Command::Speak { speech: speech("Hello") });
        assert_eq!(refused, Err(CommandRefusal::NotAnswered));
        assert_eq!(line.record, before);
        line.hang_up();
        let refused = line.command(&Command::Speak { speech: speech("Hello") });
        assert_eq!(refused, Err(CommandRefusal::Ended));
    }
}

#[test]
fn a_script_that_is_being_pushed_is_not_said_by_a_reply_as_well() {
    let mut line = Line::answered(Way::Documents, Mode::Conversation, None);
    let old = line.record.script.step.0;
    line.command(&Command::Speak { speech: speech("Hello.") }).unwrap();
    // The element that listened comes back for a document while the push is on its way.
    let reply = line.webhook(Some(old), &[CallEvent::NothingHeard], true).unwrap();
    assert_eq!((reply.step, &reply.plan), (line.record.script.step, &CallPlan::Hold));
    assert!(matches!(line.carry_out()[..], [EffectKind::Perform(_)]));
    assert_eq!(line.state(), CallState::Speaking);
    assert_eq!(line.says(), Some("Hello."));
}

#[test]
fn a_script_whose_push_never_arrived_is_said_when_the_hold_that_waited_for_it_ends() {
    let mut line = Line::answered(Way::Documents, Mode::Conversation, None);
    let old = line.record.script.step.0;
    line.command(&Command::Speak { speech: speech("Hello.") }).unwrap();
    line.webhook(Some(old), &[CallEvent::NothingHeard], true).unwrap();
    line.fails(ErrorClass::Ambiguous);
    let step = line.record.script.step.0;
    let reply = line.webhook(Some(step), &[CallEvent::HoldEnded], true).unwrap();
    assert!(matches!(reply.plan, CallPlan::Say(_)), "{:?}", reply.plan);
    assert_eq!(line.state(), CallState::Speaking);
}

#[test]
fn a_script_that_a_reply_delivers_is_not_pushed_again() {
    let mut line = Line::answered(Way::Documents, Mode::Conversation, None);
    let old = line.record.script.step.0;
    line.command(&Command::Speak { speech: speech("Hello.") }).unwrap();
    // The carrier has refused the push; it waits for another attempt.
    line.fails(ErrorClass::WrongState);
    assert!(matches!(line.outbox()[..], [EffectKind::Perform(_)]));
    let reply = line.webhook(Some(old), &[CallEvent::NothingHeard], true).unwrap();
    assert_eq!(reply.step, line.record.script.step);
    assert!(matches!(reply.plan, CallPlan::Say(_)));
    assert_eq!(line.outbox(), [], "the reply has delivered it");
    assert_eq!(line.state(), CallState::Speaking);
    assert_eq!(line.record.pushes, 0);
}

#[test]
fn a_push_that_is_fetched_before_its_answer_comes_is_said_by_that_fetch_and_counts_once() {
    let mut line = Line::answered(Way::Documents, Mode::Conversation, None);
    line.command(&Command::Speak { speech: speech("Hello.") }).unwrap();
    let push = line.waiting().unwrap().id;
    let step = line.record.script.step.0;
    let reply = line.webhook(Some(step), &[CallEvent::Answered], true).unwrap();
    assert!(matches!(reply.plan, CallPlan::Say(_)), "{:?}", reply.plan);
    assert_eq!((line.state(), line.outbox()), (CallState::Speaking, vec![]));
    line.takes(push);
    assert_eq!(line.ignored, Some(Ignored::NotWaiting));
    assert_eq!(line.record.pushes, 1);
    assert_eq!(line.state(), CallState::Speaking);
}

#[test]
fn the_hold_that_stands_in_for_a_push_is_the_only_one() {
    let mut line = Line::answered(Way::Documents, Mode::Conversation, None);
    let old = line.record.script.step.0;
    line.command(&Command::Speak { speech: speech("Hello.") }).unwrap();
    let push = line.waiting().unwrap().id;
    let reply = line.webhook(Some(old), &[CallEvent::NothingHeard], true).unwrap();
    assert_eq!(reply.plan, CallPlan::Hold);
    // The end of another would be a repeat of this, and answered with a hold for ever.
    let step = line.record.script.step.0;
    let reply = line.webhook(Some(step), &[CallEvent::HoldEnded], true).unwrap();
    assert!(matches!(reply.plan, CallPlan::Say(_)), "{:?}", reply.plan);
    assert_eq!((line.outbox(), line.record.pushes), (vec![], 1), "it may have been sent");
    line.takes(push);
    assert_eq!((line.state(), line.record.pushes), (CallState::Speaking, 1));
}

#[test]
fn a_push_whose_answer_nobody_waits_for_counts_all_the_same() {
    let mut line = Line::answered(Way::Documents, Mode::Conversation, None);
    line.command(&Command::Speak { speech: speech("One.") }).unwrap();
    line.command(&Command::Speak { speech: speech("Two.") }).unwrap();
    assert_eq!(line.record.pushes, 1, "the first may have been sent");
    assert_eq!(line.fails(ErrorClass::Ambiguous), EffectKind::Perform(line.record.script.step));
    assert_eq!(line.record.pushes, 2, "and so may the second");
    line.command(&Command::Speak { speech: speech("Three.") }).unwrap();
    line.fails(ErrorClass::Transient);
    line.command(&Command::Speak { speech: speech("Four.") }).unwrap();
    assert_eq!(line.record.pushes, 2, "the third was not sent");
}

#[test]
fn near_the_limit_of_pushes_the_script_waits_for_the_next_fetch() {
    let mut line = Line::answered(Way::Documents, Mode::Conversation, None);
    line.capabilities.pushes_per_call = Some(70);
    for turn in 0..200 {
        let old = line.record.script.step.0;
        line.command(&Command::Speak { speech: speech("Go on.") }).unwrap();
        line.carry_out();
        if line.state() != CallState::Speaking {
            line.webhook(Some(old), &[CallEvent::NothingHeard], true);
        }
        assert_eq!(line.state(), CallState::Speaking, "turn {turn}");
        line.comes_back(heard());
        assert_eq!(line.state(), CallState::Listening);
    }
    assert!(line.record.pushes < 70, "{} pushes", line.record.pushes);
    line.hang_up();
    assert_eq!(line.outbox(), [EffectKind::HangUp], "a hangup is always sent");
}

#[test]
fn near_the_limit_of_pushes_what_was_said_is_answered_after_a_short_hold() {
    let mut line = Line::answered(Way::Documents, Mode::Conversation, None);
    line.capabilities.pushes_per_call = Some(70);
    let mut answers = Vec::new();
    for number in 0..200 {
        let turn = line.ask("And then?", None);
        if line.state() != CallState::Speaking {
            // What holds the line comes back within seconds, and is answered with the question.
            let step = line.record.script.step.0 - 1;
            let reply = line.webhook(Some(step), &[CallEvent::HoldEnded], true).unwrap();
            assert!(matches!(reply.plan, CallPlan::Say(_)), "turn {number}: {:?}", reply.plan);
        }
        let step = line.record.script.step.0;
        let reply = line.webhook(Some(step), &[words("Then I left.")], true).unwrap();
        assert_eq!(line.record.question, None, "{turn} is answered");
        answers.push(reply.plan);
        line.record.answered_at = Some(line.now);
    }
    assert!(line.record.pushes < 70, "{} pushes", line.record.pushes);
    assert!(matches!(answers[0], CallPlan::Listen(_)), "{:?}", answers[0]);
    assert_eq!(answers[199], CallPlan::Hold);
    // Nobody answers: the end of the hold listens.
    let step = line.record.script.step.0;
    let reply = line.webhook(Some(step), &[CallEvent::HoldEnded], true).unwrap();
    assert!(matches!(reply.plan, CallPlan::Listen(_)), "{:?}", reply.plan);
    assert_eq!(line.state(), CallState::Listening);
}

#[test]
fn what_comes_before_the_call_is_connected_at_the_carrier_is_repeated_for_a_moment() {
    for way in BOTH {
        let mut line = Line::answered(way, Mode::Conversation, None);
        line.command(&Command::Speak { speech: speech("Hello.") }).unwrap();
        for _ in 0..3 {
            line.fails(ErrorClass::WrongState);
            assert_eq!(line.says(), Some("Hello."), "{way:?}");
            assert_eq!(line.waiting(), None, "not at once");
            line.pass(1);
        }
        assert!(matches!(line.carry_out()[..], [EffectKind::Perform(_)]));
        assert_eq!(line.state(), CallState::Speaking, "{way:?}");
    }
}

#[test]
fn what_the_call_never_takes_is_reported_after_three_seconds() {
    for way in BOTH {
        let mut line = Line::answered(way, Mode::Conversation, None);
        let began = line.now;
        line.command(&Command::Speak { speech: speech("Hello.") }).unwrap();
        let speaking = line.record.script.step;
        while line.record.script.step == speaking {
            assert_eq!(line.fails(ErrorClass::WrongState), EffectKind::Perform(speaking));
            if line.record.script.step == speaking {
                line.pass(1);
            }
        }
        let took = line.now.duration_since(began).as_millis();
        assert_eq!(took, 3000, "{way:?}");
        let effect = EffectKind::Perform(speaking);
        assert!(line.has_entry(|kind| matches!(
            kind,
            EntryKind::NotDone { effect: of, class: ErrorClass::WrongState, again: false, .. }
                if *of == effect
        )));
        assert!(!line.state().is_ended(), "whether it is over is asked, not guessed");
    }
}

#[test]
fn listening_that_failed_is_started_again() {
    let mut line = Line::answered(Way::Commands, Mode::Conversation, Some("Hello?"));
    line.webhook(Some(line.record.script.step.0), &[heard()], false);
    assert!(matches!(line.fails(ErrorClass::Ambiguous), EffectKind::Perform(_)));
    assert_eq!(line.waiting(), None, "not before a pause");
    line.pass(5);
    assert!(matches!(line.carry_out()[..], [EffectKind::Perform(_)]));
    assert_eq!(line.state(), CallState::Listening);
}
