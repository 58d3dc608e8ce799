//! The empty handler: reads the body, answers 200.

use std::net::SocketAddr;

use axum::Router;
use bytes::Bytes;
use http::StatusCode;
use tokio::net::TcpListener;

/// Serves it for as long as the runtime lives.
pub(super) async fn start() -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let router = Router::new().fallback(async |body: Bytes| {
        drop(body);
        StatusCode::OK
    });
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}
