//! `mantlet demo`: a naive site, the proxy in front of it, and what changes.

mod site;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::num::NonZeroUsize;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::Args;
use mantlet_config::{Config as Policy, Environment, Source};
use mantlet_engine::Live;
use mantlet_proxy::{Config, Server};

use crate::Failure;

/// What the demo puts in front of the site: the default preset, its cookies hardened, its pages kept out of caches.
const POLICY: &str = "preset = \"balanced\"\n\n[cache]\ndefault = \"no-store\"\n\n[cookies]\nsecure = true\nhttponly = true\nsamesite = \"Lax\"\n";

/// What each header stops, in the order in which it is shown.
const STOPS: &[(&str, &str)] = &[
    (
        "content-security-policy",
        "the script that an attacker puts into the page: /?name=... runs it before, not after",
    ),
    (
        "x-frame-options",
        "another site that frames the page and steals clicks (and frame-ancestors for newer browsers)",
    ),
    (
        "x-content-type-options",
        "an upload that a browser takes for a script",
    ),
    (
        "referrer-policy",
        "paths and queries that leak to other sites in Referer",
    ),
    (
        "cross-origin-opener-policy",
        "a window opened from elsewhere that reaches into this one",
    ),
    (
        "cross-origin-resource-policy",
        "other sites that load these responses into their process",
    ),
    (
        "permissions-policy",
        "an embedded page that asks for camera, microphone or place",
    ),
    (
        "strict-transport-security",
        "a network that keeps visitors on plain http (sent over https only: --assume-https shows it)",
    ),
    (
        "cache-control",
        "a shared cache, or the next user of the computer, that gets a visitor's page",
    ),
    (
        "set-cookie",
        "scripts that read the session cookie, and other sites that send it along",
    ),
    ("server", "a version number to look up exploits for"),
    ("x-powered-by", "the same"),
];

/// Try it: a naive site and the proxy in front of it, on loopback
///
/// Starts both, shows the headers before and after and what each one stops, and serves until Ctrl-C.
#[derive(Args)]
pub(crate) struct Demo {
    /// Show the headers and stop
    #[arg(long)]
    once: bool,
    /// Send what only https may have, as if TLS ended in front of the demo
    #[arg(long)]
    assume_https: bool,
}

impl Demo {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        let https = match self.assume_https {
            true => "https = \"assume\"\n",
            false => "",
        };
        let text = format!("{https}{POLICY}\n[headers]\nx-powered-by = {{ mode = \"remove\" }}\n");
        let (policy, _) = Policy::read(&Source::new("demo", text.as_str()))
            .map_err(|report| anyhow!("{report}"))?;
        let engine = policy
            .load(Some(Environment::Production))
            .map_err(|report| anyhow!("{report}"))?
            .engine;

        let naive = site::start().context("cannot start the sample site")?;
        let upstream = format!("http://{naive}").parse()?;
        let mut config = Config::new(SocketAddr::from(([127, 0, 0, 1], 0)), upstream);
        config.workers = NonZeroUsize::new(1);
        let server = Server::bind(config, Live::new(engine))?;
        let guarded = server.local_addr();
        let running = server.spawn()?;

        let (before, after) = (section(naive)?, section(guarded)?);
        writeln!(out, "A naive site          http://{naive}/")?;
        writeln!(out, "The same, by mantlet  http://{guarded}/\n")?;
        writeln!(out, "The policy:\n")?;
        for line in text.lines().filter(|line| !line.is_empty()) {
            writeln!(out, "    {line}")?;
        }
        writeln!(out, "\nWhat changes, and what that stops:\n")?;
        for (name, stops) in STOPS {
            let absent = "(absent)".to_owned();
            let (old, new) = (
                before.get(*name).unwrap_or(&absent),
                after.get(*name).unwrap_or(&absent),
            );
            writeln!(
                out,
                "{name}\n    before  {old}\n    after   {new}\n    stops   {stops}\n"
            )?;
        }
        let (before, after) = (forged(naive)?, forged(guarded)?);
        writeln!(
            out,
            "a form on another site that posts to {}\n    before  {before}\n    after   {after}\n    \
             stops   requests that other sites make a visitor's browser send (CSRF)\n",
            site::TRANSFER
        )?;
        if self.once {
            running.stop(Duration::ZERO);
            running.join()?;
            return Ok(());
        }
        writeln!(out, "Try the attacks in a browser. A script in a link:\n")?;
        writeln!(out, "    http://{naive}{}", site::ATTACK)?;
        writeln!(out, "    http://{guarded}{}\n", site::ATTACK)?;
        // to a browser, localhost is another site than 127.0.0.1
        let evil = format!("http://localhost:{}{}", naive.port(), site::EVIL);
        writeln!(
            out,
            "A prize on another site, which takes 10 from your account:\n"
        )?;
        writeln!(out, "    {evil}{naive}")?;
        writeln!(out, "    {evil}{guarded}\n")?;
        writeln!(out, "Ctrl-C stops.")?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(tokio::signal::ctrl_c())?;
        running.stop(Duration::from_secs(1));
        running.join()?;
        Ok(())
    }
}

/// The header section of `/`, names in lower case.
fn section(address: SocketAddr) -> anyhow::Result<BTreeMap<String, String>> {
    let (head, _) = ask(address, "GET / HTTP/1.1", "")?;
    let field = |line: &str| {
        line.split_once(": ")
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
    };
    Ok(head.lines().skip(1).filter_map(field).collect())
}

/// The answer to the form of another site, as a browser sends it: status and body.
fn forged(address: SocketAddr) -> anyhow::Result<String> {
    let line = format!("POST {} HTTP/1.1", site::TRANSFER);
    let fields = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 0\r\n\
                  Origin: https://evil.example\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n";
    let (head, body) = ask(address, &line, fields)?;
    let status = head.lines().next().unwrap_or_default();
    let status = status.trim_start_matches("HTTP/1.1 ");
    Ok(format!("{status} {body}").trim_end().to_owned())
}

/// Head and body of the answer to a request.
fn ask(address: SocketAddr, line: &str, fields: &str) -> anyhow::Result<(String, String)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(
        stream,
        "{line}\r\nHost: {address}\r\nConnection: close\r\n{fields}\r\n"
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let text = String::from_utf8_lossy(&answer);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    Ok((head.to_owned(), body.to_owned()))
}
