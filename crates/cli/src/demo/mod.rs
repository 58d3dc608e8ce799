//! `offhook demo`: a crash in mid-call, and what is left of it.
//!
//! The carrier is the emulator, in this process and behind real HTTP. The daemon is a child
//! process with a real store, so that it can really be killed.

mod daemon;
mod phone;
mod script;
mod teller;

use std::time::Instant;

use crate::arguments::Demo;
use crate::failure::Failure;
use teller::Teller;

pub(crate) async fn run(demo: Demo, json: bool) -> Result<(), Failure> {
    let known = crate::config::provider_names();
    let wanted: Vec<&'static str> = match &demo.provider {
        None => known,
        Some(name) => {
            let unknown =
                || Failure::Usage(format!("--provider {name}: there are {}", known.join(", ")));
            vec![*known.iter().find(|known| *known == name).ok_or_else(unknown)?]
        }
    };
    for provider in wanted {
        let mut teller = Teller::new(provider, json, Instant::now());
        script::play(provider, demo.speed, &mut teller).await?;
        teller.done()?;
    }
    Ok(())
}
