//! Offhook's two HTTP listeners: one for the carriers' webhooks, the only one that the internet
//! may see, and one for the admin API.
//!
//! ```no_run
//! use offhook_server::{Listeners, PublicUrl, ServerSettings};
//! # async fn run(manager: offhook_manager::Manager) -> Result<(), Box<dyn std::error::Error>> {
//! let public = PublicUrl::parse("https://voice.example.com")?;
//! let settings = ServerSettings::new(public, "a long random token");
//! let listeners = Listeners::bind("127.0.0.1:3334".parse()?, "127.0.0.1:3335".parse()?).await?;
//! let server = listeners.serve(manager, &settings);
//! println!("webhooks at {}, API at {}", server.webhooks(), server.api());
//! # Ok(())
//! # }
//! ```
//!
//! Both know the calls through [`Manager`](offhook_manager::Manager) and in no other way.

mod api;
mod connections;
mod duration;
mod guests;
mod listener;
mod open_files;
mod public_url;
mod repetition;
mod settings;
mod sources;
mod webhooks;

pub use api::{CallView, EntryView};
pub use duration::{InvalidDuration, parse_duration};
pub use listener::{BindError, Listeners, Server};
pub use open_files::raise_open_files;
pub use public_url::{InvalidPublicUrl, PublicUrl};
pub use settings::ServerSettings;
