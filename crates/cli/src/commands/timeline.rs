//! What happened to a call, in words.

use serde_json::Value;

/// The detail of an entry. What is not known here is told as it came, so that nothing is hidden.
pub(super) fn words(kind: &str, detail: &Value) -> String {
    if detail.is_null() {
        return String::new();
    }
    known(kind, detail).unwrap_or_else(|| detail.to_string())
}

fn known(kind: &str, detail: &Value) -> Option<String> {
    let text = |name: &str| detail[name].as_str();
    Some(match kind {
        "created" => {
            let (from, to) = (text("from")?, text("to")?);
            let opening = text("opening").map_or_else(String::new, |words| format!(": “{words}”"));
            format!("{} by {}, {from} to {to}{opening}", text("direction")?, text("provider")?)
        }
        "webhook" => webhook(detail)?,
        "command" => {
            let said = text("text").map_or_else(String::new, |words| format!(" “{words}”"));
            format!("{}{said}{}", plain(text("command")?), turn(&detail["turn"]))
        }
        "done" => format!("the carrier took: {}", effect(&detail["effect"])?),
        "not_done" => {
            let again = if detail["again"].as_bool()? { "; it is tried again" } else { "" };
            let (class, cause) = (plain(text("class")?), cause(&detail["cause"])?);
            format!("{}: {class}, {cause}{again}", effect(&detail["effect"])?)
        }
        "not_confirmed" => {
            format!("{} may have happened, and is not done again", effect(&detail["effect"])?)
        }
        "dial_unknown" => {
            format!(
                "the carrier may have the call, it is not dialled again: {}",
                cause(&detail["cause"])?
            )
        }
        "adopted" => format!("the carrier has the call, by its {}", text("by")?),
        "searched" => match detail["candidates"].as_array()?.len() {
            0 => "the carrier knows no call that it could be".to_owned(),
            count => format!("{count} calls at the carrier may be it; they are not touched"),
        },
        "status" => match &detail["found"] {
            Value::String(word) => format!("at the carrier it is {}", plain(word)),
            found => match found["live"]["progress"].as_str() {
                Some(progress) => format!("at the carrier it is live, {}", plain(progress)),
                None => found.get("live").map(|_| "at the carrier it is live".to_owned())?,
            },
        },
        "deadline" => format!("time is up: {}", plain(text("deadline")?)),
        "turn_timed_out" => format!("no answer in time{}", turn(&detail["turn"])),
        "restored" => format!("{}: {}", plain(text("decision")?), text("why")?),
        "ended" => match cause(&detail["cause"]) {
            Some(cause) => format!("{} ({cause})", text("reason")?),
            None => text("reason")?.to_owned(),
        },
        _ => return None,
    })
}

/// `not_done` as people write it.
pub(super) fn plain(word: &str) -> String {
    word.replace('_', " ")
}

fn turn(turn: &Value) -> String {
    turn.as_u64().map_or_else(String::new, |turn| format!(" [turn {turn}]"))
}

fn webhook(detail: &Value) -> Option<String> {
    let events = detail["events"].as_array()?;
    let events: Option<Vec<String>> = events.iter().map(event).collect();
    let mut parts = events?;
    if parts.is_empty() {
        parts.push("the carrier asks what to do".to_owned());
    }
    let mut text = parts.join(", ") + &turn(&detail["turn"]);
    if let Some(reply) = detail["reply"].as_object() {
        text.push_str(&format!("; told to {}", plan(reply.get("plan")?)?));
    }
    if let Some(why) = detail["ignored"].as_str() {
        text.push_str(&format!("; without effect ({})", plain(why)));
    }
    Some(text)
}

fn event(event: &Value) -> Option<String> {
    if let Value::String(word) = event {
        return Some(plain(word));
    }
    let (kind, detail) = only(event)?;
    Some(match kind {
        "answered_by" => format!("answered by {}", detail.as_str()?),
        "speech_ended" if detail["completed"].as_bool()? => "speech ended".to_owned(),
        "speech_ended" => "speech was cut off".to_owned(),
        "transcript" => {
            let preview = if detail["is_final"].as_bool()? { "" } else { " (preview)" };
            format!("heard “{}”{preview}", detail["text"].as_str()?)
        }
        "digits" => format!("entered {}", detail["digits"].as_str()?),
        "key_pressed" => format!("pressed {}", detail["key"].as_str()?),
        "fault" => format!("the carrier could not go on: {}", cause(detail)?),
        "ended" => match cause(&detail["cause"]) {
            Some(cause) => format!("ended: {} ({cause})", detail["reason"].as_str()?),
            None => format!("ended: {}", detail["reason"].as_str()?),
        },
        "unknown" => {
            format!("an event of a type that we do not know, {}", detail["name"].as_str()?)
        }
        _ => return None,
    })
}

fn plan(plan: &Value) -> Option<String> {
    if let Value::String(word) = plan {
        return Some(plain(word));
    }
    let (kind, detail) = only(plan)?;
    Some(match kind {
        "say" => {
            let text = detail["speech"]["text"].as_str()?;
            format!("say “{text}” and {}", self::plan(&detail["then"])?)
        }
        "listen" => {
            let input = match &detail["input"] {
                Value::Null => String::new(),
                input => format!(" for {}", plain(only(input)?.0)),
            };
            format!("listen{input}{}", turn(&detail["turn"]))
        }
        "send_digits" => {
            let digits = detail["digits"].as_str()?;
            format!("send the digits {digits} and {}", self::plan(&detail["then"])?)
        }
        "limited" => self::plan(&detail["plan"])?,
        "hang_up" => "hang up".to_owned(),
        "reject" => format!("reject it as {}", detail.as_str()?),
        _ => return None,
    })
}

fn effect(effect: &Value) -> Option<String> {
    if let Value::String(word) = effect {
        return Some(match word.as_str() {
            "initiate" => "dial".to_owned(),
            word => plain(word),
        });
    }
    let (kind, detail) = only(effect)?;
    Some(match kind {
        "perform" => format!("step {detail}"),
        "reject" => format!("reject as {}", detail.as_str()?),
        _ => return None,
    })
}

/// The carrier's words for something that happened, and its code.
pub(super) fn cause(cause: &Value) -> Option<String> {
    let text = cause["text"].as_str()?;
    match cause["code"].as_str() {
        None | Some("") => Some(text.to_owned()),
        Some(code) if text.is_empty() => Some(code.to_owned()),
        // `SIP 486, busy` says it already.
        Some(code) if text.split(|c: char| !c.is_ascii_digit()).any(|word| word == code) => {
            Some(text.to_owned())
        }
        Some(code) => Some(format!("{text} [{code}]")),
    }
}

/// The one member of an object.
fn only(value: &Value) -> Option<(&str, &Value)> {
    let mut members = value.as_object()?.iter();
    let (name, member) = members.next()?;
    members.next().is_none().then_some((name.as_str(), member))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::words;

    #[test]
    fn entries_are_told_in_words() {
        let say = json!({ "say": {
            "speech": { "text": "Hi.", "locale": "en-US" },
            "then": { "listen": { "turn": 2, "locale": "en-US" } },
        }});
        for (kind, detail, expected) in [
            ("admitted", json!(null), ""),
            (
                "created",
                json!({ "provider": "twilio", "direction": "outbound", "from": "+15550001234",
                        "to": "+15550005678", "mode": "notify", "opening": "Hello." }),
                "outbound by twilio, +15550001234 to +15550005678: “Hello.”",
            ),
            (
                "webhook",
                json!({ "events": ["answered"], "step": null, "reply": { "step": 1, "plan": say } }),
                "answered; told to say “Hi.” and listen [turn 2]",
            ),
            (
                "webhook",
                json!({ "events": [{ "transcript": { "text": "yes", "is_final": true } }],
                        "step": 1, "turn": 2 }),
                "heard “yes” [turn 2]",
            ),
            (
                "webhook",
                json!({ "events": [{ "digits": { "digits": "4711" } }], "step": 1, "turn": 2 }),
                "entered 4711 [turn 2]",
            ),
            (
                "webhook",
                json!({ "events": [{ "key_pressed": { "key": "#" } }], "ignored": "nothing_new",
                        "reply": { "step": 1, "plan": { "listen": {
                            "turn": 2, "locale": "en-US",
                            "input": { "digits": { "max_digits": 4, "finish_on_key": "#" } } } } } }),
                "pressed #; told to listen for digits [turn 2]; without effect (nothing new)",
            ),
            (
                "webhook",
                json!({ "events": [], "step": null, "ignored": "already_ended" }),
                "the carrier asks what to do; without effect (already ended)",
            ),
            (
                "command",
                json!({ "command": "speak", "text": "Hi.", "turn": 3 }),
                "speak “Hi.” [turn 3]",
            ),
            ("done", json!({ "effect": "initiate" }), "the carrier took: dial"),
            (
                "not_done",
                json!({ "effect": { "perform": 3 }, "class": "transient", "again": true,
                        "cause": { "code": "503", "text": "busy" } }),
                "step 3: transient, busy [503]; it is tried again",
            ),
            (
                "status",
                json!({ "found": { "live": { "progress": "ringing" } } }),
                "at the carrier it is live, ringing",
            ),
            (
                "ended",
                json!({ "reason": "busy", "cause": { "code": "486", "text": "SIP 486, busy" } }),
                "busy (SIP 486, busy)",
            ),
            ("status", json!({ "found": "not_found" }), "at the carrier it is not found"),
            ("deadline", json!({ "deadline": "max_duration" }), "time is up: max duration"),
            ("ended", json!({ "reason": "busy" }), "busy"),
        ] {
            assert_eq!(words(kind, &detail), expected);
        }
    }

    #[test]
    fn what_is_not_known_is_told_as_it_came() {
        for (kind, detail) in [
            ("moved", json!({ "to": "the moon" })),
            ("ended", json!({ "because": 1 })),
            ("webhook", json!({ "events": [{ "sang": { "song": "x" } }] })),
        ] {
            assert_eq!(words(kind, &detail), detail.to_string());
        }
    }
}
