//! What is Plivo's own.

mod ids;
mod support;
mod turns;
