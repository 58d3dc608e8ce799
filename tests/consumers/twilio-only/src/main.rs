//! Uses one provider crate and nothing else of ours.

use offhook_twilio::{Twilio, TwilioConfig};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = TwilioConfig::new("AC00000000000000000000000000000001", "the auth token")?;
    println!("{:?}", Twilio::new(config)?);
    Ok(())
}
