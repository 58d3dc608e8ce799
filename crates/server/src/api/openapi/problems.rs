//! How the problems of a handler are described.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::schema::{AllOfBuilder, ObjectBuilder, Schema};
use utoipa::openapi::{ContentBuilder, HeaderBuilder, Ref, RefOr, Response, ResponseBuilder, Type};

use crate::api::code::Code;
use crate::api::problem::{CONTENT_TYPE, Problem};

/// Says which problems a handler may answer with, besides those of the guard, as responses for
/// `#[utoipa::path]`. `open` leaves out that the token is missing.
macro_rules! problems {
    (@described $name:ident by $guard:expr, $($code:ident),*) => {
        struct $name;

        impl utoipa::IntoResponses for $name {
            fn responses() -> std::collections::BTreeMap<
                String,
                utoipa::openapi::RefOr<utoipa::openapi::Response>,
            > {
                let own: &[$crate::api::code::Code] = &[$($crate::api::code::Code::$code),*];
                $crate::api::openapi::responses(&[$guard, own].concat())
            }
        }
    };
    (open $name:ident $(: $($code:ident),+)?) => {
        $crate::api::openapi::problems!(
            @described $name by $crate::api::guard::ORIGIN_REFUSALS, $($($code),+)?
        );
    };
    ($name:ident $(: $($code:ident),+)?) => {
        $crate::api::openapi::problems!(
            @described $name by $crate::api::guard::REFUSALS, $($($code),+)?
        );
    };
}
pub(in crate::api) use problems;

/// One response for each status of these codes.
pub(in crate::api) fn responses(codes: &[Code]) -> BTreeMap<String, RefOr<Response>> {
    let mut by_status = BTreeMap::<u16, Vec<Code>>::new();
    for code in codes {
        by_status.entry(code.status().as_u16()).or_default().push(*code);
    }
    by_status
        .into_iter()
        .map(|(status, codes)| (status.to_string(), response(status, &codes).into()))
        .collect()
}

/// A problem document of which status and code are known.
fn response(status: u16, codes: &[Code]) -> Response {
    let words: Vec<Value> = codes.iter().map(|code| json!(code)).collect();
    let description: Vec<_> = words.iter().filter_map(Value::as_str).collect();
    let one_of =
        |kind, values: Vec<Value>| ObjectBuilder::new().schema_type(kind).enum_values(Some(values));
    let narrowed = ObjectBuilder::new()
        .property("status", one_of(Type::Integer, vec![status.into()]))
        .property("code", one_of(Type::String, words.clone()));
    let document: Schema = AllOfBuilder::new()
        .item(Ref::from_schema_name(Problem::name()))
        .item(narrowed)
        .build()
        .into();
    let response = ResponseBuilder::new()
        .description(description.join(", "))
        .content(CONTENT_TYPE, ContentBuilder::new().schema(Some(document)).build());
    let header = |schema: ObjectBuilder, description: &str| {
        HeaderBuilder::new().schema(Some(schema)).description(Some(description)).build()
    };
    let response = if codes.contains(&Code::Unauthorized) {
        let scheme = ObjectBuilder::new().schema_type(Type::String);
        response.header("WWW-Authenticate", header(scheme, "`Bearer`"))
    } else if codes.contains(&Code::RateLimit) {
        let seconds = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1));
        response.header("Retry-After", header(seconds, "With `rate_limit`: in how many seconds."))
    } else {
        response
    };
    response.build()
}
