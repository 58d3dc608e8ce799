//! The methods that send something, as values.

use std::time::Duration;

use jiff::Timestamp;
use offhook_core::{
    CallPlan, CallRef, Capabilities, DialIntent, DigitInput, ErrorClass, Listen, ListenFor, Locale,
    Party, ProviderCallIds, ProviderError, RejectReason, Say, Speech, Then, Turn, VoiceProvider,
};

use super::harness::ProviderHarness;
use super::line::Line;

/// Who calls in the suite's dials.
pub const FROM: &str = "+15550001234";

/// Who is called.
pub const TO: &str = "+442071838750";

/// A method of the trait that sends something and can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Command {
    /// `initiate_call`
    Dial,
    /// `hangup_call`
    HangUp,
    /// `play_tts`
    Speak,
    /// `stop_tts`
    StopSpeech,
    /// `start_listening`
    Listen,
    /// `start_listening`, for digits
    Gather,
    /// `stop_gathering`
    StopGathering,
    /// `stop_listening`
    StopListening,
    /// `answer_call`
    Answer,
    /// `reject_call`
    Reject,
    /// `limit_call`
    Limit,
    /// `send_dtmf`
    SendDigits,
    /// `transfer_call`
    Transfer,
    /// `list_live`
    ListLive,
}

impl Command {
    /// Every one.
    pub const ALL: [Self; 14] = [
        Self::Dial,
        Self::HangUp,
        Self::Speak,
        Self::StopSpeech,
        Self::Listen,
        Self::Gather,
        Self::StopGathering,
        Self::StopListening,
        Self::Answer,
        Self::Reject,
        Self::Limit,
        Self::SendDigits,
        Self::Transfer,
        Self::ListLive,
    ];

    /// Whether a provider with these capabilities can do it.
    #[must_use]
    pub const fn is_promised(self, can: &Capabilities) -> bool {
        match self {
            Self::Dial | Self::HangUp | Self::Speak => true,
            Self::Listen | Self::Gather | Self::StopListening => true,
            Self::StopGathering => can.stop_gathering,
            Self::StopSpeech => can.stop_tts,
            Self::Answer => can.answer_call,
            Self::Reject => can.reject_call,
            Self::Limit => can.limit_call,
            Self::SendDigits => can.send_dtmf,
            Self::Transfer => can.transfer_call,
            Self::ListLive => can.list_live,
        }
    }

    /// Whether it is about a call that the carrier knows.
    #[must_use]
    pub const fn names_a_call(self) -> bool {
        !matches!(self, Self::Dial | Self::ListLive)
    }

    /// Whether it changes something.
    #[must_use]
    pub const fn is_write(self) -> bool {
        !matches!(self, Self::ListLive)
    }

    /// Sends it.
    ///
    /// # Errors
    /// Those of the method.
    pub async fn run(
        self,
        provider: &dyn VoiceProvider,
        call: &CallRef,
    ) -> Result<(), ProviderError> {
        match self {
            Self::Dial => provider.initiate_call(&intent(call)).await.map(drop),
            Self::HangUp => provider.hangup_call(call).await,
            Self::Speak => provider.play_tts(call, &say("Hello")).await,
            Self::StopSpeech => provider.stop_tts(call).await,
            Self::Listen => provider.start_listening(call, &listen()).await,
            Self::Gather => provider.start_listening(call, &gather()).await,
            Self::StopGathering => provider.stop_gathering(call).await,
            Self::StopListening => provider.stop_listening(call).await,
            Self::Answer => provider.answer_call(call).await,
            Self::Reject => provider.reject_call(call, RejectReason::Busy).await,
            Self::Limit => provider.limit_call(call, Duration::from_secs(300)).await,
            Self::SendDigits => {
                let digits = "1w2#".parse().expect("digits");
                provider.send_dtmf(call, &digits, &Then::Hold).await
            }
            Self::Transfer => provider.transfer_call(call, &Party::observed(TO)).await,
            Self::ListLive => provider.list_live().await.map(drop),
        }
    }
}

/// The commands that a provider promises.
pub(super) fn promised(provider: &dyn VoiceProvider) -> impl Iterator<Item = Command> + use<> {
    let can = provider.capabilities();
    Command::ALL.into_iter().filter(move |command| command.is_promised(&can))
}

/// Those of them that it does not deny. That it denies one is a case of its own.
pub(super) async fn able(h: &dyn ProviderHarness) -> Vec<Command> {
    let provider = h.provider(Line::dead());
    let mut able = Vec::new();
    for command in promised(&*provider) {
        let result = command.run(&*provider, &h.call()).await;
        if result.map_err(|error| error.class()) != Err(ErrorClass::Unsupported) {
            able.push(command);
        }
    }
    able
}

/// A dial of this call, from [`FROM`] to [`TO`]. The carrier's limits are 30 s and 330 s.
pub(super) fn intent(call: &CallRef) -> DialIntent {
    DialIntent::new(
        CallRef { ids: ProviderCallIds::none(), ..call.clone() },
        Party::observed(FROM),
        Party::observed(TO),
        CallPlan::Say(say("Hello")),
        Duration::from_millis(29_500),
        Duration::from_millis(299_001),
        Timestamp::from_second(1_736_846_813).expect("an instant"),
    )
}

pub(super) fn say(text: &str) -> Say {
    let speech =
        Speech { text: text.parse().expect("a text"), voice: None, locale: Locale::en_us() };
    Say { speech, then: Then::Hold }
}

/// Listening for a PIN of four digits.
pub(super) fn gather() -> Listen {
    let pin = DigitInput::new(4, '*').expect("four digits");
    Listen { input: ListenFor::Digits(pin), ..listen() }
}

pub(super) fn listen() -> Listen {
    Listen::for_speech(Turn(2), Locale::en_us())
}
