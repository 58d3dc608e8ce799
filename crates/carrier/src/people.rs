//! Who is at the other end of the line, and how they behave.

/// How a person, or a machine, treats a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Answers, hears everything, says nothing.
    Silent,
    /// Answers and says yes to every question that takes speech.
    SaysYes,
    /// Answers and hangs up in the middle of the first sentence.
    HangsUp,
    /// Is on another call.
    Busy,
    /// Lets it ring.
    NeverAnswers,
    /// Has no working number.
    Unreachable,
    /// Is an answering machine.
    Machine,
}

/// What a person does without being asked to by the control API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// Says these words.
    Say(&'static str),
    /// Ends the call.
    HangUp,
}

impl Manner {
    /// Who answers a called number.
    pub(crate) fn of_number(number: &str) -> Self {
        match number {
            "+15550100001" => Self::SaysYes,
            "+15550100002" => Self::Busy,
            "+15550100003" => Self::NeverAnswers,
            "+15550100004" => Self::Unreachable,
            "+15550100005" => Self::Machine,
            "+15550100006" => Self::HangsUp,
            _ => Self::Silent,
        }
    }

    /// The caller that the control API names with a word.
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        match word {
            "silent" => Some(Self::Silent),
            "says-yes" => Some(Self::SaysYes),
            "hangs-up" => Some(Self::HangsUp),
            "answering-machine" => Some(Self::Machine),
            _ => None,
        }
    }

    /// The seconds from the first ring to the answer, if it is answered.
    pub(crate) const fn rings_for(self) -> Option<f64> {
        match self {
            Self::Silent | Self::SaysYes | Self::HangsUp | Self::Machine => Some(1.5),
            Self::Busy | Self::NeverAnswers | Self::Unreachable => None,
        }
    }

    /// What this person does so many seconds after a prompt for speech was heard.
    pub(crate) const fn on_prompt_heard(self) -> Option<(f64, Act)> {
        match self {
            Self::SaysYes => Some((1.0, Act::Say("yes"))),
            _ => None,
        }
    }

    /// What this person does when half of a sentence was spoken.
    pub(crate) const fn in_mid_sentence(self) -> Option<Act> {
        match self {
            Self::HangsUp => Some(Act::HangUp),
            _ => None,
        }
    }
}

/// The seconds after which a caller whom nobody answers gives up.
pub(crate) const PATIENCE: f64 = 60.0;

/// The seconds that it takes to say a text.
pub(crate) fn speech_seconds(text: &str) -> f64 {
    text.chars().map(|character| 1.0 / characters_a_second(character)).sum()
}

/// The seconds that tones take.
pub(crate) fn tone_seconds(digits: &str) -> f64 {
    digits
        .chars()
        .map(|tone| match tone {
            'w' => 0.5,
            'W' => 1.0,
            _ => 0.25,
        })
        .sum()
}

/// How fast characters of this kind are spoken. One that is a syllable or a word of its own takes
/// longer than a letter.
const fn characters_a_second(character: char) -> f64 {
    match character {
        '0'..='9' => 3.0,
        // Kana; Han with its extensions; Hangul syllables.
        '\u{3040}'..='\u{30FF}'
        | '\u{3400}'..='\u{4DBF}'
        | '\u{4E00}'..='\u{9FFF}'
        | '\u{AC00}'..='\u{D7AF}'
        | '\u{20000}'..='\u{3FFFF}' => 4.5,
        _ => 15.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_in_syllables_and_digits_takes_longer_to_say() {
        let seconds = |text: &str| (speech_seconds(&text.repeat(90))).round() as u32;
        assert_eq!([seconds("a"), seconds("1"), seconds("你")], [6, 30, 20]);
        assert_eq!([seconds("か"), seconds("カ"), seconds("한")], [20, 20, 20]);
        assert_eq!(seconds("é"), 6);
    }
}
