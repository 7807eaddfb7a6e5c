//! The sample site: deliberately naive. It prints what it is given, does what any form tells it, and sends no security header
//! at all. It also has the page of an attacker, who would be somewhere else: by the name `localhost` it is another site.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// A link that an attacker could send: the page prints the name, and the name is a script.
pub(super) const ATTACK: &str =
    "/?name=%3Cscript%3Edocument.title=document.body.innerText=%22hacked%22%3C/script%3E";

/// Where a form moves money.
pub(super) const TRANSFER: &str = "/transfer";

/// Where the attacker's page is; the query names the host and port that it attacks.
pub(super) const EVIL: &str = "/evil?";

static BALANCE: AtomicU32 = AtomicU32::new(100);

/// Starts it on a free loopback port, on a thread of its own that ends with the program.
pub(super) fn start() -> io::Result<SocketAddr> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    thread::Builder::new()
        .name("demo-site".to_owned())
        .spawn(move || {
            let outcome: io::Result<()> = runtime.block_on(async {
                let listener = TcpListener::from_std(listener)?;
                loop {
                    let (stream, _) = listener.accept().await?;
                    tokio::spawn(async move {
                        let http = hyper::server::conn::http1::Builder::new();
                        // a client that goes away is no news
                        let _ = http
                            .serve_connection(TokioIo::new(stream), service_fn(answer))
                            .await;
                    });
                }
            });
            if let Err(error) = outcome {
                eprintln!("mantlet: the sample site stopped: {error}");
            }
        })?;
    Ok(address)
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    const HTML: &str = "text/html; charset=utf-8";
    let query = request.uri().query();
    let (status, content_type, body) = match request.uri().path() {
        "/" => (StatusCode::OK, HTML, page(&name(query))),
        "/evil" => (StatusCode::OK, HTML, evil(query.unwrap_or_default())),
        "/site.js" => (StatusCode::OK, "text/javascript", SCRIPT.to_owned()),
        TRANSFER if request.method() == Method::POST => {
            let less = |balance: u32| balance.checked_sub(10);
            let _ = BALANCE.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
            (StatusCode::SEE_OTHER, HTML, String::new())
        }
        _ => (
            StatusCode::NOT_FOUND,
            HTML,
            "<!doctype html><p>Not here.".to_owned(),
        ),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::SERVER, HeaderValue::from_static("naive/1.4.2"));
    headers.insert("x-powered-by", HeaderValue::from_static("Naive"));
    headers.insert(
        header::SET_COOKIE,
        HeaderValue::from_static("session=abc123; Path=/"),
    );
    if status == StatusCode::SEE_OTHER {
        headers.insert(header::LOCATION, HeaderValue::from_static("/"));
    }
    Ok(response)
}

const SCRIPT: &str =
    "document.getElementById('own').textContent = 'The site\\'s own script file runs.';\n";

fn page(name: &str) -> String {
    let balance = BALANCE.load(Ordering::Relaxed);
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Naive</title>\
         <body style=\"font: 18px sans-serif; max-width: 40em; margin: 3em auto\">\
         <h1>Hello, {name}</h1><p id=\"own\">The site's own script file does not run.</p>\
         <form><label>Your name <input name=\"name\"></label> <button>Greet me</button></form>\
         <p>Your account: {balance}</p>\
         <form method=\"post\" action=\"{TRANSFER}\"><button>Give 10 to a friend</button></form>\
         <script src=\"/site.js\"></script></body></html>\n"
    )
}

/// The page of an attacker: what looks like a prize is a form for the site at `victim`.
fn evil(victim: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>You have won</title>\
         <body style=\"font: 18px sans-serif; max-width: 40em; margin: 3em auto\">\
         <h1>You have won!</h1><form method=\"post\" action=\"http://{victim}{TRANSFER}\">\
         <button>Take your prize</button></form></body></html>\n"
    )
}

/// The `name` of the query, percent-decoded and otherwise as it came: the hole.
fn name(query: Option<&str>) -> String {
    let pairs = query.unwrap_or_default().split('&');
    let value = pairs
        .filter_map(|pair| pair.strip_prefix("name="))
        .next()
        .unwrap_or("stranger");
    let mut out = Vec::new();
    let mut bytes = value.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let mut digit = || {
                    bytes
                        .next()
                        .and_then(|b| char::from(b).to_digit(16))
                        .unwrap_or(0)
                };
                let (high, low) = (digit(), digit());
                out.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
            }
            byte => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
