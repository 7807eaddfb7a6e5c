//! The `mantlet` program: a file per subcommand, each parses, calls a library and prints.
//!
//! Exit codes: 0 done, 1 failed at work, 2 a policy or argument that cannot be used.

mod asked;
mod check;
mod csp;
mod demo;
mod explain;
mod init;
mod limit;
mod policy;
mod scan;
mod schema;
mod serve;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The proxy's allocator: worth a few per cent of its CPU.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// One security policy in front of a web application.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(serve::Serve),
    Demo(demo::Demo),
    Check(check::Check),
    Init(init::Init),
    Explain(explain::Explain),
    Limit(limit::Limit),
    Schema(schema::Schema),
    Scan(Box<scan::Scan>),
    Csp(csp::Csp),
}

/// How a subcommand ends when it does not end well.
enum Failure {
    /// What was given cannot be used; the words are already on standard error.
    Unusable,
    /// It failed at work.
    Work(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Work(error.into())
    }
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Serve(serve) => serve.run(),
        Command::Demo(demo) => demo.run(),
        Command::Check(check) => check.run(),
        Command::Init(init) => init.run(),
        Command::Explain(explain) => explain.run(),
        Command::Limit(limit) => limit.run(),
        Command::Schema(schema) => schema.run(),
        Command::Scan(scan) => scan.run(),
        Command::Csp(csp) => csp.run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Unusable) => ExitCode::from(2),
        // whoever reads has read enough: mantlet explain | head
        Err(Failure::Work(error)) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(Failure::Work(error)) => {
            eprintln!("mantlet: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let cause = error.downcast_ref::<std::io::Error>();
    cause.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

/// Logs to standard error; `MANTLET_LOG` chooses what, in the syntax of `tracing` (`debug`, `mantlet_proxy=trace`).
fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("MANTLET_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
}
