//! Values with every field set, and short-hands for identifiers and instants.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use offhook_core::{
    AnsweredBy, CallEvent, CallId, CallPlan, Cause, DedupeKey, Digits, Direction, EndReason,
    ErrorClass, Listen, Locale, Party, Progress, ProviderCallId, ProviderCallIds, ProviderName,
    RejectReason, Say, Speech, Step, Then, Turn,
};
use offhook_manager::machine::{DeadlineKind, Ignored};
use offhook_manager::{
    Adoption, CallLimits, CallRecord, CallState, Carried, CommandWord, Decision, Dial, DialOutcome,
    Effect, EffectKind, Ending, Entry, EntryKind, FoundStatus, Mode, Question, RecentWebhooks,
    RepliedPlan, Script, TakenWebhook,
};
use uuid::Uuid;

/// The provider of the samples.
pub const PROVIDER: ProviderName = ProviderName::new("sample");

/// The call with this number; a higher number is a later call.
#[must_use]
pub const fn call_id(number: u128) -> CallId {
    CallId::new(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + number))
}

/// An instant so many seconds after a fixed one (2027-01-15T08:00:00Z).
#[must_use]
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).expect("a sample lies within jiff's range")
}

/// A phone number that nobody has.
#[must_use]
pub fn number(digits: &str) -> Party {
    Party::dialled(digits).expect("a sample number is E.164")
}

/// Something to say.
#[must_use]
pub fn speech(text: &str) -> Speech {
    Speech {
        text: text.parse().expect("a sample text can be spoken"),
        voice: None,
        locale: Locale::en_us(),
    }
}

/// A carrier id of the kind `call`.
#[must_use]
pub fn carrier_ids(value: &str) -> ProviderCallIds {
    ProviderCallIds::of(ProviderCallId::new("call", 1, value))
}

/// The limits of the samples: 5 min, ring 30 s, transcript 3 min, notify 3 s, queue 15 s.
#[must_use]
pub const fn limits() -> CallLimits {
    CallLimits {
        max_duration: Duration::from_secs(300),
        ring_timeout: Duration::from_secs(30),
        transcript_timeout: Duration::from_secs(180),
        notify_hangup_delay: Duration::from_secs(3),
        dial_slack: Duration::from_secs(15),
        queue_timeout: None,
    }
}

/// A record in which every field differs from its empty value.
#[must_use]
pub fn full_record(id: CallId) -> CallRecord {
    let mut ids = carrier_ids("CALL-1");
    ids.merge(&ProviderCallIds::of(ProviderCallId::new("request", 0, "REQUEST-1")));
    let mut recent = RecentWebhooks::default();
    recent.push(TakenWebhook { key: DedupeKey([0xAB; 16]), entry: 3 });
    recent.push(TakenWebhook { key: DedupeKey([7; 16]), entry: 300 });
    CallRecord {
        id,
        revision: 1,
        provider: PROVIDER,
        ids,
        direction: Direction::Outbound,
        from: number("+15550001234"),
        to: Party::observed("sip:bob@example.com"),
        mode: Mode::Conversation,
        state: CallState::Speaking,
        state_since: at(11),
        ending: Some(Ending { reason: EndReason::HangupBot, check_at: at(45) }),
        script: Script {
            plan: CallPlan::Say(Say {
                speech: Speech {
                    text: "Grüße, <you> & \"me\" 🎉".parse().expect("it can be spoken"),
                    voice: Some("Polly.Joanna".parse().expect("a voice")),
                    locale: "de-AT".parse().expect("it is a language tag"),
                },
                then: Then::Listen(Listen::for_speech(Turn(4), Locale::en_us())),
            }),
            step: Step(9),
            delivered_at: Some(at(12)),
            carried: Carried::ByNone,
            unclear_push: None,
            gathers_until: None,
        },
        hangup_at: Some(at(50)),
        turn: Turn(4),
        question: Some(Question { turn: Turn(4), deadline: at(200) }),
        dial: Some(Dial { sent_at: at(1), outcome: DialOutcome::Accepted { at: at(2) } }),
        throttled: None,
        ring_overdue_at: Some(at(44)),
        confirm_at: Some(at(60)),
        confirmations: 2,
        limits: limits(),
        recent,
        outbox: vec![
            Effect { id: 5, kind: EffectKind::HangUp, attempts: 2, not_before: Some(at(20)) },
            Effect { id: 6, kind: EffectKind::Perform(Step(9)), attempts: 0, not_before: None },
        ],
        next_effect: 7,
        entries: 17,
        pushes: 3,
        answered_by: Some(AnsweredBy::Human),
        cause: Some(Cause::new("21220", "the call is not in progress")),
        metadata: BTreeMap::from([("order".to_owned(), "4711".into())]),
        started_at: at(0),
        answered_at: Some(at(10)),
        ended_at: None,
        updated_at: at(13),
        news_at: Timestamp::from_nanosecond(1_800_000_009_123_000_000)
            .expect("a sample lies within jiff's range"),
    }
}

/// A plain live call, as its first commit writes it.
#[must_use]
pub fn live_record(id: CallId) -> CallRecord {
    CallRecord {
        ids: ProviderCallIds::none(),
        state: CallState::Initiated,
        ending: None,
        confirm_at: None,
        outbox: Vec::new(),
        entries: 0,
        ..full_record(id)
    }
}

/// One entry of each kind, with every field set.
#[must_use]
pub fn entries_of_every_kind() -> Vec<Entry> {
    let cause = || Cause::new("486", "busy here");
    let plan = CallPlan::SendDigits {
        digits: Digits::try_from("1w2#".to_owned()).expect("these are DTMF digits"),
        then: Then::HangUp { after: Duration::from_millis(1500) },
    };
    let kinds = vec![
        EntryKind::Created {
            provider: PROVIDER,
            direction: Direction::Inbound,
            from: Party::Withheld,
            to: number("+15550001234"),
            mode: Mode::Notify,
            opening: Some("Hello!".into()),
        },
        EntryKind::Admitted,
        EntryKind::Webhook {
            events: every_event(),
            step: Some(Step(3)),
            reply: Some(RepliedPlan { step: Step(4), plan }),
            turn: Some(Turn(2)),
            ignored: Some(Ignored::OlderStep),
        },
        EntryKind::Command {
            command: CommandWord::Ask,
            text: Some("Which day?".into()),
            turn: Some(Turn(2)),
        },
        EntryKind::Done { effect: EffectKind::Initiate },
        EntryKind::NotDone {
            effect: EffectKind::Reject(RejectReason::Busy),
            class: ErrorClass::Throttled,
            cause: cause(),
            again: true,
        },
        EntryKind::NotConfirmed { effect: EffectKind::Perform(Step(5)) },
        EntryKind::DialUnknown { cause: cause() },
        EntryKind::Adopted { by: Adoption::Webhook },
        EntryKind::Searched { candidates: vec!["CALL-8".to_owned(), "CALL-9".to_owned()] },
        EntryKind::Status { found: FoundStatus::Live { progress: Some(Progress::Ringing) } },
        EntryKind::Deadline { deadline: DeadlineKind::RingOverdue },
        EntryKind::TurnTimedOut { turn: Turn(2) },
        EntryKind::Restored {
            decision: Decision::KeptUnverified,
            why: "the carrier could not tell".to_owned(),
        },
        EntryKind::Ended { reason: EndReason::NoAnswer, cause: Some(cause()) },
    ];
    (0..).zip(kinds).map(|(number, kind)| Entry { number, at: at(number.into()), kind }).collect()
}

fn every_event() -> Vec<CallEvent> {
    vec![
        CallEvent::Initiated,
        CallEvent::Ringing,
        CallEvent::Answered,
        CallEvent::AnsweredBy(AnsweredBy::Machine),
        CallEvent::SpeechStarted,
        CallEvent::SpeechEnded { completed: true },
        CallEvent::Transcript { text: "ja, gern".into(), is_final: true },
        CallEvent::NothingHeard,
        CallEvent::Digits { digits: "42".into() },
        CallEvent::DigitsSent,
        CallEvent::HoldEnded,
        CallEvent::Fault(Cause::new("12100", "document parse failure")),
        CallEvent::Ended { reason: EndReason::Busy, cause: Some(Cause::new("17", "user busy")) },
        CallEvent::Unknown { name: "call.playback.magic".to_owned() },
    ]
}

/// A short entry that says which one it is.
#[must_use]
pub fn entry(number: u32, word: &str) -> Entry {
    let text = Some(word.into());
    let kind = EntryKind::Command { command: CommandWord::Speak, text, turn: None };
    Entry { number, at: at(number.into()), kind }
}
