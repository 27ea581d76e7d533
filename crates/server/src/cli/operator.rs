//! How the operator's commands reach the data: through a running server's socket, else by opening the store here.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::clock::SystemClock;
use crate::config::Loaded;
use crate::http;
use crate::node::{Node, admin_socket};
use crate::supervision::Supervisor;

/// Longest answer that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// Asks the admin routes as the operator.
pub(super) struct Operator {
    way: Way,
}

enum Way {
    /// A server runs: its socket.
    Socket(UnixStreamPath),
    /// None runs: the same routes over a store of our own.
    Here {
        router: Router,
        node: Box<Node>,
        stopping: CancellationToken,
    },
}

/// The socket's path; each request has a connection of its own.
struct UnixStreamPath(std::path::PathBuf);

impl Operator {
    /// Finds the way to the data of this configuration.
    ///
    /// # Errors
    /// Where no server answers and the store cannot be opened.
    pub(super) async fn connect(config: &Loaded) -> anyhow::Result<Self> {
        let socket = admin_socket(config);
        if answers(&socket).await {
            return Ok(Self {
                way: Way::Socket(UnixStreamPath(socket)),
            });
        }
        let node = Node::open(config, Arc::new(SystemClock)).await?;
        let supervisor = Supervisor::new(Arc::clone(&node.metrics));
        let stopping = supervisor.stopping().clone();
        let app = node.app(None, supervisor);
        // Jobs that this command starts are done here; what is left is gone on with by the next server.
        tokio::spawn(node.jobs.clone().run(|| (), stopping.clone()));
        Ok(Self {
            way: Way::Here {
                router: http::admin_router(&app),
                node: Box::new(node),
                stopping,
            },
        })
    }

    /// Gets something.
    ///
    /// # Errors
    /// The problem's detail.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        self.ask(Method::GET, path, None, Body::empty()).await
    }

    /// Posts something.
    ///
    /// # Errors
    /// The problem's detail.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> anyhow::Result<T> {
        self.ask(Method::POST, path, None, Body::from(serde_json::to_vec(body)?))
            .await
    }

    /// Changes something, naming the version that the change was made from. An answer without a body is `()`.
    ///
    /// # Errors
    /// The problem's detail.
    pub(super) async fn change<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        version: Option<i64>,
        body: &impl Serialize,
    ) -> anyhow::Result<T> {
        self.ask(method, path, version, Body::from(serde_json::to_vec(body)?))
            .await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        version: Option<i64>,
        body: Body,
    ) -> anyhow::Result<T> {
        let mut request = Request::builder();
        if let Some(version) = version {
            request = request.header(header::IF_MATCH, format!("\"{version}\""));
        }
        let request = request
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost")
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)?;
        let (status, bytes) = match &self.way {
            Way::Socket(path) => {
                let response = path.send(request).await?;
                (
                    response.status(),
                    to_bytes(Body::new(response.into_body()), MAX_ANSWER_BYTES).await?,
                )
            }
            Way::Here { router, .. } => {
                let response = router.clone().oneshot(request).await?;
                (
                    response.status(),
                    to_bytes(response.into_body(), MAX_ANSWER_BYTES).await?,
                )
            }
        };
        if status.is_success() {
            let bytes: &[u8] = if bytes.is_empty() { b"null" } else { &bytes };
            return serde_json::from_slice(bytes).context("the server's answer cannot be read");
        }
        Err(refused(status, &bytes))
    }

    /// Ends: a store that was opened here is closed.
    pub(super) async fn close(self) {
        if let Way::Here { node, stopping, .. } = self.way {
            stopping.cancel();
            node.store.close().await;
        }
    }
}

impl UnixStreamPath {
    async fn send(&self, request: Request<Body>) -> anyhow::Result<hyper::Response<hyper::body::Incoming>> {
        let stream = UnixStream::connect(&self.0)
            .await
            .with_context(|| format!("the server at {} does not answer", self.0.display()))?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(sender.send_request(request).await?)
    }
}

async fn answers(socket: &Path) -> bool {
    UnixStream::connect(socket).await.is_ok()
}

/// The words of a problem document.
fn refused(status: StatusCode, body: &[u8]) -> anyhow::Error {
    let problem: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name| problem.get(name).and_then(serde_json::Value::as_str);
    match (text("detail"), text("suggestion")) {
        (Some(detail), Some(line)) => anyhow::anyhow!("{detail}\n{}", proposed(line)),
        (Some(detail), None) => anyhow::anyhow!("{detail}"),
        (None, _) => anyhow::anyhow!("the server answered {status}"),
    }
}

/// What to do with a line of the configuration file that is proposed.
pub(super) fn proposed(line: &str) -> String {
    format!(
        "If that is right, put this line under [network] in the configuration file, or add its network to the line \
         that is there, and restart the server:\n\n    {line}\n"
    )
}
