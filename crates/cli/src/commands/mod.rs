//! One file per command.

pub(crate) mod call;
pub(crate) mod calls;
pub(crate) mod carrier;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod serve;
pub(crate) mod show;
pub(crate) mod steer;
mod table;
pub(crate) mod tail;
mod timeline;
mod token;
pub(crate) mod webhook;
