//! A text, which a document says exactly, whatever stands in it; and a voice, which breaks none.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use offhook_fuzz::{Nobody, says_exactly};
use offhook_plivo::{Plivo, PlivoConfig};

static PLIVO: LazyLock<Plivo> = LazyLock::new(|| {
    let config = PlivoConfig::new("MAXXXXXXXXXXXXXXXXXX", "sesame");
    Plivo::with_transport(config.expect("an account"), Nobody::new())
});

fuzz_target!(|data: &[u8]| says_exactly(&*PLIVO, "Speak", data));
