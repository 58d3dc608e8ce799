//! The HTTP door. Not a framework's, since none can close a connection
//! without an answer.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::exchange::{ApiRequest, ApiResponse, ConnectionDropped};
use crate::shell::Carrier;

/// The largest request body.
const LARGEST_BODY: usize = 1024 * 1024;

impl Carrier {
    /// Serves the carriers' APIs and the control API until dropped. Open
    /// connections close with it.
    ///
    /// # Errors
    ///
    /// If the listener cannot go on.
    pub async fn serve(self, listener: TcpListener) -> io::Result<()> {
        // A burst may exhaust the descriptors; they come back.
        const BREATH: Duration = Duration::from_millis(50);
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(self.clone().converse(stream));
                    }
                    Err(error) if is_passing(&error) => tokio::time::sleep(BREATH).await,
                    Err(error) => return Err(error),
                }
            }
        }
    }

    async fn converse(self, stream: TcpStream) {
        let service = service_fn(|request| self.exchange(request));
        let served = http1::Builder::new()
            .timer(TokioTimer::new())
            .serve_connection(TokioIo::new(stream), service)
            .await;
        if let Err(error) = served {
            tracing::debug!(%error, "connection ended early");
        }
    }

    async fn exchange(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, ConnectionDropped> {
        let (head, body) = request.into_parts();
        let Ok(body) = Limited::new(body, LARGEST_BODY).collect().await else {
            let problem = json!({ "error": "the body is too large, or broke off" });
            return Ok(into_http(ApiResponse::json(StatusCode::PAYLOAD_TOO_LARGE, &problem)));
        };
        let path_and_query = head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let request = ApiRequest {
            method: head.method,
            path_and_query,
            headers: head.headers,
            body: body.to_bytes(),
        };
        self.request(request).await.map(into_http)
    }
}

fn into_http(answer: ApiResponse) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(answer.body));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    response
}

/// Whether accepting may work again after this error.
fn is_passing(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    // 23 and 24 are ENFILE and EMFILE, which have no kind of their own.
    matches!(error.raw_os_error(), Some(23 | 24))
        || matches!(
            error.kind(),
            Kind::ConnectionAborted | Kind::ConnectionReset | Kind::Interrupted | Kind::WouldBlock
        )
}
