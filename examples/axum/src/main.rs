//! An axum service whose inline script carries the nonce of the exchange.
//!
//! The policy is `mantlet.toml` beside this crate. The layer goes around the whole router, so that the 404 passes it too.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Html;
use axum::routing::get;
use axum::{Router, serve};
use mantlet::Nonce;
use minijinja::{Environment, context};
use tokio::net::TcpListener;

const POLICY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/mantlet.toml");

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let address = std::env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:3000")).await?;
    println!("http://{}", listener.local_addr()?);
    // the peer's address lets the policy know a trusted proxy
    let service = router()?.into_make_service_with_connect_info::<SocketAddr>();
    serve(listener, service).await?;
    Ok(())
}

fn router() -> anyhow::Result<Router> {
    let mut templates = Environment::new();
    templates.add_template("page.html", include_str!("../templates/page.html"))?;
    Ok(Router::new()
        .route("/", get(page))
        .fallback(async || (StatusCode::NOT_FOUND, "There is nothing here.\n"))
        .layer(mantlet::layer(mantlet::policy_file(POLICY)?))
        .with_state(Arc::new(templates)))
}

async fn page(
    nonce: Nonce,
    State(templates): State<Arc<Environment<'static>>>,
) -> Result<Html<String>, StatusCode> {
    let values = context! { title => "Hello", nonce => nonce.to_string() };
    templates
        .get_template("page.html")
        .and_then(|template| template.render(values))
        .map(Html)
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}
