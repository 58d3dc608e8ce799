//! Uses one provider crate and nothing else.

use offhook_twilio as _;

fn main() {
    println!("{}", env!("CARGO_PKG_NAME"));
}
