//! Uses one provider crate and nothing else of ours.

use offhook_plivo::{Plivo, PlivoConfig};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = PlivoConfig::new("MAXXXXXXXXXXXXXXXXXX", "the auth token")?;
    println!("{:?}", Plivo::new(config)?);
    Ok(())
}
