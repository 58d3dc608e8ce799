//! What stands in the timeline, for those who read it later.

use crate::line::{BOTH, Line};
use offhook_conformance::samples::speech;
use offhook_core::{ListenFor, Locale, PrivateText, Turn};
use offhook_manager::machine::Command;
use offhook_manager::{CommandWord, EntryKind, Mode};

fn opening(line: &Line) -> Option<&str> {
    match &line.entries[0].kind {
        EntryKind::Created { opening, .. } => opening.as_ref().map(PrivateText::as_str),
        other => panic!("the first entry tells how the call began: {other:?}"),
    }
}

#[test]
fn the_first_entry_tells_what_is_said_first() {
    for way in BOTH {
        for mode in [Mode::Notify, Mode::Conversation] {
            assert_eq!(opening(&Line::outbound(way, mode, Some("Hello."))), Some("Hello."));
            assert_eq!(opening(&Line::outbound(way, mode, None)), None, "{way:?} {mode:?}");
        }
        assert_eq!(opening(&Line::inbound(way, Some("Welcome.")).0), Some("Welcome."));
        assert_eq!(opening(&Line::inbound(way, None).0), None, "{way:?}");
    }
}

#[test]
fn each_command_that_was_taken_is_told_with_its_words_and_its_turn() {
    let locale = Locale::en_us();
    let commands = [
        Command::Speak { speech: speech("One moment.") },
        Command::Ask { speech: speech("Which day?"), input: ListenFor::Speech, timeout: None },
        Command::Listen { locale, input: ListenFor::Speech },
        Command::StopListening,
        Command::SendDigits { digits: "12#".parse().unwrap() },
        Command::HangUp,
    ];
    let expected = [
        (CommandWord::Speak, Some("One moment."), Some(Turn(2))),
        (CommandWord::Ask, Some("Which day?"), Some(Turn(3))),
        (CommandWord::Listen, None, Some(Turn(4))),
        (CommandWord::StopListening, None, None),
        (CommandWord::SendDigits, None, None),
        (CommandWord::HangUp, None, None),
    ];
    for way in BOTH {
        let mut line = Line::answered(way, Mode::Conversation, None);
        for command in &commands {
            line.command(command).unwrap();
        }
        // Asked for once more, it changes nothing.
        line.hang_up();
        let told = line.entries.iter().filter_map(|entry| match &entry.kind {
            EntryKind::Command { command, text, turn } => {
                Some((*command, text.as_ref().map(PrivateText::as_str), *turn))
            }
            _ => None,
        });
        assert_eq!(told.collect::<Vec<_>>(), expected, "{way:?}");
    }
}
