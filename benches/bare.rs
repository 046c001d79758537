//! A bare hyper server that answers everything with one file: `cargo bench --bench bare -- serve FILE`. It prints its
//! address; `benches/http/charts` measures the gateway beside it.
#![allow(clippy::print_stdout, reason = "whoever starts it reads where it listens")]

use bytes::Bytes;
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::io;

fn main() -> io::Result<()> {
    let mut words = std::env::args().skip_while(|word| word != "serve").skip(1);
    // Started by `cargo bench` without words there is nothing to do.
    let Some(file) = words.next() else { return Ok(()) };
    let body = Bytes::from(std::fs::read(file)?);
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve(body))
}

async fn serve(body: Bytes) -> io::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let body = body.clone();
        tokio::spawn(async move {
            let answer = service_fn(move |_| {
                let answer = http::Response::builder()
                    .header("content-type", "application/json;charset=utf-8")
                    .body(Full::new(body.clone()))
                    .unwrap_or_default();
                std::future::ready(Ok::<_, Infallible>(answer))
            });
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}
