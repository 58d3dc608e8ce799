//! Server-sent events. Source: WHATWG HTML, 9.2.6 "Interpreting an event stream".

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) kind: String,
    pub(super) data: String,
}

/// Reads events from bytes that come in pieces.
#[derive(Debug, Default)]
pub(super) struct Parser {
    line: Vec<u8>,
    /// A carriage return was the last byte: a line feed behind it ends no other line.
    returned: bool,
    event: Event,
    has_data: bool,
    id: String,
    last_id: String,
}

impl Parser {
    /// Goes on after the event with this id; empty for what comes from now on.
    pub(super) fn after(id: String) -> Self {
        Self { id: id.clone(), last_id: id, ..Self::default() }
    }

    /// The id from which to go on after a break.
    pub(super) fn last_id(&self) -> &str {
        &self.last_id
    }

    /// The stream broke off: what was not complete comes again.
    pub(super) fn begin_again(&mut self) {
        *self = Self::after(std::mem::take(&mut self.last_id));
    }

    /// Takes the next bytes, and gives the events that they complete, each with its id.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<(String, Event)> {
        let mut events = Vec::new();
        for byte in bytes {
            let returned = std::mem::replace(&mut self.returned, *byte == b'\r');
            match byte {
                b'\n' if returned => {}
                b'\n' | b'\r' => events.extend(self.end_of_line()),
                byte => self.line.push(*byte),
            }
        }
        events
    }

    fn end_of_line(&mut self) -> Option<(String, Event)> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            return self.dispatch();
        }
        let line = String::from_utf8_lossy(&line);
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event.kind),
            "data" => {
                if self.has_data {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
                self.has_data = true;
            }
            "id" if !value.contains('\0') => value.clone_into(&mut self.id),
            // Comments keep the connection alive, and all else is for later versions.
            _ => {}
        }
        None
    }

    fn dispatch(&mut self) -> Option<(String, Event)> {
        let event = std::mem::take(&mut self.event);
        self.last_id.clone_from(&self.id);
        std::mem::take(&mut self.has_data).then(|| (self.id.clone(), event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = ": hello\n\nid: 7\nevent: webhook\ndata: {\"a\":\ndata: 1}\n\n\
        id:8\ndata\n\nevent: nothing\n\nretry: 5\nid: 9\ndata: x: y\n\nid: 10\ndata: cut";

    fn event(id: &str, kind: &str, data: &str) -> (String, Event) {
        (id.to_owned(), Event { kind: kind.to_owned(), data: data.to_owned() })
    }

    #[test]
    fn events_come_whole_however_the_bytes_are_cut_and_lines_end() {
        let expected =
            [event("7", "webhook", "{\"a\":\n1}"), event("8", "", ""), event("9", "", "x: y")];
        for end in ["\n", "\r\n", "\r"] {
            let bytes = STREAM.replace('\n', end).into_bytes();
            for size in [1, 2, 3, 7, bytes.len()] {
                let mut parser = Parser::default();
                let events: Vec<_> =
                    bytes.chunks(size).flat_map(|piece| parser.push(piece)).collect();
                assert_eq!(events, expected, "{end:?} in pieces of {size}");
                // An event that was cut off has not been seen.
                assert_eq!(parser.last_id(), "9");
                parser.begin_again();
                assert_eq!(parser.last_id(), "9");
                assert_eq!(parser.push(b"data: z\n\n"), [event("9", "", "z")]);
            }
        }
    }
}
