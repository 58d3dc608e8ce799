//! What a request may hold, as schemas: each says just what its parser takes.

use std::borrow::Cow;

use offhook_core::SpeechText;
use serde_json::json;
use utoipa::openapi::schema::{Object, ObjectBuilder, OneOfBuilder, Schema};
use utoipa::openapi::{RefOr, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

/// A schema that is given by an expression.
macro_rules! schema {
    ($name:ident: $schema:expr) => {
        #[derive(Debug)]
        pub(in crate::api) struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                RefOr::T($schema.into())
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    };
}

fn text(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description))
}

fn words(description: &str, words: impl IntoIterator<Item = &'static str>) -> Object {
    text(description).enum_values(Some(words)).build()
}

schema!(Id: text("Our id of a call.")
    .format(Some(SchemaFormat::Custom("uuid".to_owned())))
    .build());

// `Party::dialled`
schema!(Destination: text("A phone number in E.164, or a SIP URI.")
    .pattern(Some(r"^(\+[1-9][0-9]{1,14}|sips?:[!-;=?-~]{1,255})$"))
    .examples([json!("+15550001234"), json!("sip:bob@example.com")])
    .build());

// `SpeechText`. Control characters are those that XML 1.0 forbids, blank is what Unicode calls
// white space: one character at least is neither.
schema!(SpokenText: text("Words to be spoken: not blank, without control characters.")
    .min_length(Some(1))
    .max_length(Some(SpeechText::LIMIT))
    .pattern(Some(concat!(
        r"^[^\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]*",
        r"[^\u0000-\u0020\u0085\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000\uFFFE\uFFFF]",
        r"[^\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]*$",
    )))
    .examples([json!("Your parcel is at the door.")])
    .build());

// `Locale`
schema!(LanguageTag: text("A language tag (BCP 47); the configured language without it.")
    .max_length(Some(35))
    .pattern(Some(r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$"))
    .examples([json!("en-US")])
    .build());

// `Voice`: not blank, no controls
schema!(Voice: text("A voice in the carrier's own words; the configured one without it.")
    .min_length(Some(1))
    .max_length(Some(offhook_core::Voice::LIMIT))
    .pattern(Some(concat!(
        r"^[^\u0000-\u001F\u007F-\u009F\uFFFE\uFFFF]*",
        r"[^\u0000-\u0020\u007F-\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000\uFFFE\uFFFF]",
        r"[^\u0000-\u001F\u007F-\u009F\uFFFE\uFFFF]*$",
    )))
    .build());

// `DigitInput`
schema!(FinishKey: text("A key of a telephone; # without it.")
    .min_length(Some(1))
    .max_length(Some(1))
    .pattern(Some("^[0-9*#]$"))
    .build());

// `Digits`
schema!(DtmfDigits: text("DTMF digits; w pauses for 0.5 s, W for 1 s.")
    .pattern(Some("^[0-9A-D*#wW]{1,32}$"))
    .examples([json!("1234#")])
    .build());

// `extract::duration`, and the limits of the handlers. Texts in other words (`90 minutes`) are
// taken too, but not promised.
fn duration(description: &str, seconds: Object, pattern: &str, example: &str) -> Schema {
    OneOfBuilder::new()
        .description(Some(description))
        .item(seconds)
        .item(text("Such as `5m`.").pattern(Some(pattern)).examples([json!(example)]))
        .build()
        .into()
}

fn seconds() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Number).description(Some("Seconds."))
}

schema!(CallDuration: duration(
    "From 1 s to 4 h.",
    seconds().minimum(Some(1)).maximum(Some(4 * 3600)).build(),
    "^([1-9][0-9]{0,3}s|([1-9][0-9]?|1[0-9]{2}|2[0-3][0-9]|240)m|[1-4]h|[1-3]h[1-5]?[0-9]m)$",
    "1h30m",
));

schema!(AnswerTimeout: duration(
    "From 1 ms to 1 h.",
    seconds().minimum(Some(0.001)).maximum(Some(3600)).build(),
    "^([1-9][0-9]{0,2}s|([1-9]|[1-5][0-9])m([1-5]?[0-9]s)?|1h)$",
    "30s",
));

schema!(EndReason: words(
    "Why it ended.",
    offhook_core::EndReason::ALL.map(offhook_core::EndReason::as_str),
));

schema!(Decision: words(
    "What was decided.",
    offhook_manager::Decision::ALL.map(offhook_manager::Decision::as_str),
));
