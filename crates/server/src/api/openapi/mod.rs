//! The description of the admin API, as OpenAPI. Source: OpenAPI Specification 3.1.
//!
//! A handler is described where it stands, and the router is what the description is collected
//! from (`routes!`): a path is served exactly if it is described. What a request may hold that no
//! Rust type says (a pattern, a length) stands in [`texts`].

mod problems;
pub(super) mod texts;

pub(super) use problems::{problems, responses};

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, header};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder};

use super::code::Code;
use super::problem::Problem;

/// The name of the bearer token within the description.
const TOKEN: &str = "token";

/// What is said before any path is: what the API is called, and that it asks for the token.
pub(super) fn begin() -> OpenApi {
    let mut info = InfoBuilder::new()
        .title("Offhook")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("The admin API: places, shows and steers phone calls."))
        .build();
    let mut licence = utoipa::openapi::License::new(env!("CARGO_PKG_LICENSE"));
    licence.identifier = Some(env!("CARGO_PKG_LICENSE").to_owned());
    info.license = Some(licence);
    OpenApiBuilder::new()
        .info(info)
        .components(Some(components()))
        .security(Some([SecurityRequirement::new(TOKEN, [] as [&str; 0])]))
        .build()
}

fn components() -> Components {
    let token = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("`api.token` of the configuration, or the file api.token by the store"))
        .build();
    ComponentsBuilder::new()
        .security_scheme(TOKEN, SecurityScheme::Http(token))
        // They are in no handler's signature.
        .schema_from::<Problem>()
        .schema_from::<Code>()
        .build()
}

/// The whole description, written once.
#[derive(Clone, Debug)]
pub(super) struct Description(Bytes);

impl From<OpenApi> for Description {
    fn from(description: OpenApi) -> Self {
        Self(serde_json::to_vec(&description).expect("texts and numbers").into())
    }
}

problems!(Describing);

/// This description, as OpenAPI.
#[utoipa::path(
    get,
    path = "/v1/openapi.json",
    operation_id = "describe",
    responses((status = 200, description = "An OpenAPI document", body = Object), Describing),
)]
pub(super) async fn show(State(Description(document)): State<Description>) -> Response {
    let mut response = document.into_response();
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
