//! The listener: connections in, and out again when it is time.

use super::stack;
use crate::config::Server;
use crate::route::{Local, Router};
use crate::secure::Principal;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tower::ServiceBuilder;

/// Bytes of a request's head, and headers in it, at most.
const LARGEST_HEAD: usize = 32 * 1024;
const MOST_HEADERS: usize = 100;

/// A running listener.
pub struct Listening {
    pub address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Listening {
    /// Stops accepting, lets requests under way finish, and returns when they have or when the time is up.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        let _ = self.task.await;
    }
}

/// Listens and serves until stopped.
pub async fn listen(settings: &Server, router: Arc<Router>) -> io::Result<Listening> {
    let listener = TcpListener::bind(&settings.listen).await.map_err(|error| {
        let text = format!("cannot listen on {}: {error}; use --listen with another address", settings.listen);
        io::Error::new(error.kind(), text)
    })?;
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(accept(listener, settings.clone(), router, stopped));
    Ok(Listening { address, stop, task })
}

async fn accept(listener: TcpListener, settings: Server, router: Arc<Router>, mut stopped: oneshot::Receiver<()>) {
    let connections = GracefulShutdown::new();
    let mut protocol = Builder::new(TokioExecutor::new());
    protocol
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(settings.header_timeout.0)
        .max_buf_size(LARGEST_HEAD)
        .max_headers(MOST_HEADERS)
        .writev(true);
    protocol
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Some(settings.header_timeout.0))
        .max_concurrent_streams(200)
        .max_header_list_size(LARGEST_HEAD as u32);
    let stack = stack::build(router.clone(), settings.max_in_flight);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = &mut stopped => break,
        };
        let Ok((stream, peer)) = accepted else {
            // Out of file descriptors, most likely: some will be free in a moment.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let local = stream.local_addr().map_or(std::net::Ipv4Addr::UNSPECIFIED.into(), |address| address.ip());
        let principal = Principal(peer.ip().to_canonical().to_string().into());
        let asked = Arc::new(AtomicBool::new(false));
        let asking = asked.clone();
        let service = ServiceBuilder::new()
            .map_request(move |mut request: http::Request<hyper::body::Incoming>| {
                asking.store(true, Ordering::Relaxed);
                request.extensions_mut().insert(Local(local));
                request.extensions_mut().insert(principal.clone());
                request
            })
            .service(stack.clone());
        let connection = protocol.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        let connection = connections.watch(connection.into_owned());
        let silence = 2 * settings.header_timeout.0;
        tokio::spawn(async move {
            tokio::select! {
                ended = connection => if let Err(error) = ended {
                    tracing::debug!(error, "connection ended");
                },
                () = never_asked(&asked, silence) => tracing::debug!("a silent connection is closed"),
            }
        });
    }
    drop(listener);
    router.drain();
    let finished = tokio::time::timeout(settings.drain.0, connections.shutdown()).await;
    if finished.is_err() {
        tracing::warn!("some requests did not finish in time");
    }
    let _ = tokio::time::timeout(settings.drain.0, router.gateway.drain()).await;
}

/// Returns if a connection has brought no request after a while. The protocols' own timers begin with the first bytes
/// that tell which protocol it is; a peer that never says so would be waited for for ever.
async fn never_asked(asked: &AtomicBool, silence: Duration) {
    tokio::time::sleep(silence).await;
    if asked.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
}
