//! The suite of providers, passed by the test carriers, and failed by those with a fault in them.

mod bite;
mod faults;
mod faulty;
mod harness;
mod meddling;

mod commands {
    offhook_conformance::provider_suite!(crate::harness::Harness::commands());
}

mod documents {
    offhook_conformance::provider_suite!(crate::harness::Harness::documents());
}
