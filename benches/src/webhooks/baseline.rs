//! What we are measured against: reads the body, looks at no more than it must, answers.

use std::net::SocketAddr;

use axum::Router;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use tokio::net::TcpListener;

use crate::carrier::Baseline;

/// Serves it for as long as the runtime lives.
pub(super) async fn start(baseline: Baseline) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let takes = std::sync::Arc::new(baseline.takes);
    let router = Router::new().fallback(move |headers: HeaderMap, body: Bytes| {
        let takes = std::sync::Arc::clone(&takes);
        async move {
            match takes(&headers, &body) {
                true => StatusCode::OK,
                false => StatusCode::UNAUTHORIZED,
            }
        }
    });
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}
