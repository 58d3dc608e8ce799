//! Uses one provider crate and nothing else of ours.

use offhook_telnyx::{Telnyx, TelnyxConfig};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let public_key = "WGZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmY=";
    let config = TelnyxConfig::new("KEY0123", "1494404757140276705", public_key)?;
    println!("{:?}", Telnyx::new(config)?);
    Ok(())
}
