//! Names, looked up once for each connection and judged.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Finds the addresses of a name.
#[async_trait]
pub(super) trait LookUp: fmt::Debug + Send + Sync + 'static {
    /// The addresses, in the order in which they are to be tried.
    async fn look_up(&self, name: &str) -> io::Result<Vec<SocketAddr>>;
}

/// The operating system's.
#[derive(Debug)]
pub(super) struct SystemLookUp;

#[async_trait]
impl LookUp for SystemLookUp {
    async fn look_up(&self, name: &str) -> io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.collect())
    }
}

/// Lets only permitted addresses through. What it gives is what is connected to: nobody looks the
/// name up again, so that a second answer (DNS rebinding) has no say.
#[derive(Debug)]
pub(super) struct JudgedResolver {
    pub(super) look_up: Arc<dyn LookUp>,
    pub(super) judge: fn(IpAddr) -> bool,
}

impl Resolve for JudgedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (look_up, judge) = (Arc::clone(&self.look_up), self.judge);
        Box::pin(async move {
            let mut addresses = look_up.look_up(name.as_str()).await?;
            addresses.retain(|address| judge(address.ip()));
            if addresses.is_empty() {
                return Err("the name resolves to no public address".into());
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}
