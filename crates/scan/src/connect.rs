//! From a URL to an open stream: name, TCP, proxy, TLS.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::{Host, Url};

use crate::exchange::Driver;
use crate::failure::Failure;
use crate::options::{Options, Proxy};
use crate::tls::{Party, Tls, Trust};

/// A stream, with or without TLS, direct or through a tunnel.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Opens a stream to the host of a URL, or to the proxy for plain http.
pub(crate) async fn connect(
    url: &Url,
    options: &Options,
    tls: &Tls,
    trust: Trust,
    party: Party,
) -> Result<Box<dyn Stream>, Failure> {
    let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
        return Err(Failure::of_url(url));
    };
    let within = options.connect;
    let opened = timeout(within, async {
        let name = match &host {
            Host::Domain(name) => (*name).to_owned(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        };
        let is_https = url.scheme() == "https";
        let stream: Box<dyn Stream> = match &options.proxy {
            Some(proxy) if is_https => Box::new(tunnel(proxy, options, &host, port).await?),
            Some(proxy) => Box::new(open(&proxy.host, proxy.port, options).await?),
            None => Box::new(open(&name, port, options).await?),
        };
        if !is_https {
            return Ok(stream);
        }
        let name = ServerName::try_from(name).map_err(|_| Failure::of_url(url))?;
        let shaken = tls.connector(trust, party).connect(name, stream).await;
        shaken
            .map(|stream| Box::new(stream) as Box<dyn Stream>)
            .map_err(|error| of_handshake(&error))
    });
    opened.await.unwrap_or_else(|_| {
        Err(Failure::ConnectTimeout {
            host: format!("{host}:{port}"),
            within,
        })
    })
}

fn of_handshake(error: &io::Error) -> Failure {
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(why)) => Failure::Certificate(why.to_string()),
        Some(other) => Failure::Tls(other.to_string()),
        None => Failure::Tls(error.to_string()),
    }
}

/// Tries each address of a name in turn.
async fn open(name: &str, port: u16, options: &Options) -> Result<TcpStream, Failure> {
    let failed = |error: io::Error| Failure::Connect {
        host: format!("{name}:{port}"),
        error,
    };
    let addresses: Vec<SocketAddr> = match options.resolve.get(name) {
        Some(address) => vec![SocketAddr::new(*address, port)],
        None => tokio::net::lookup_host((name, port))
            .await
            .map_err(failed)?
            .collect(),
    };
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    // the first address must not take the time of all
    let share = u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
    let each = (options.connect / share).max(Duration::from_millis(100));
    for address in addresses {
        match timeout(each, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // a request is one write; a socket that refuses the option still works
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => last = error,
            Err(_) => last = io::Error::new(io::ErrorKind::TimedOut, "no answer in time"),
        }
    }
    Err(failed(last))
}

/// A tunnel through the proxy (RFC 9110 section 9.3.6).
async fn tunnel(
    proxy: &Proxy,
    options: &Options,
    host: &Host<&str>,
    port: u16,
) -> Result<TokioIo<hyper::upgrade::Upgraded>, Failure> {
    let stream = open(&proxy.host, proxy.port, options).await?;
    let of_exchange = |error: hyper::Error| Failure::of_exchange(&error, options.head);
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(options.head)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(of_exchange)?;
    let driver = Driver::of(connection.with_upgrades());
    let authority = format!("{host}:{port}");
    let mut request = Request::builder()
        .method(Method::CONNECT)
        .uri(&authority)
        .header(header::HOST, &authority);
    if let Some(value) = &proxy.authorization {
        request = request.header(header::PROXY_AUTHORIZATION, value);
    }
    let request = request
        .body(Empty::<Bytes>::new())
        .map_err(|_| Failure::Url(authority))?;
    let response = sender.send_request(request).await.map_err(of_exchange)?;
    if !response.status().is_success() {
        return Err(Failure::Proxy(response.status().as_u16()));
    }
    let stream = hyper::upgrade::on(response).await.map_err(of_exchange)?;
    // the connection is ours now
    drop(driver);
    Ok(TokioIo::new(stream))
}
