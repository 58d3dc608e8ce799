//! The maps that are asked several times for each webhook.

/// A map by a hash that costs a fraction of the standard library's. Its keys are our own, or a
/// carrier's word under its signature; the seed is random in each process.
pub(crate) type HashMap<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;
