//! What runs a case.

use std::error::Error;
use std::fmt;
use std::net::IpAddr;

use http::{HeaderName, StatusCode};
use serde::Deserialize;

use crate::case::Case;
use crate::check::differences;

/// A fact that not every host sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fact {
    /// Whether TLS ends here.
    Tls,
    /// The address of the other end of the connection.
    Peer,
    /// The path as it came, with its escapes and dot segments.
    RawPath,
    /// The authority of a target in absolute form.
    AbsoluteForm,
    /// The lines of a repeated request field, each for itself.
    RepeatedFields,
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls => "tls",
            Self::Peer => "peer",
            Self::RawPath => "raw_path",
            Self::AbsoluteForm => "absolute_form",
            Self::RepeatedFields => "repeated_fields",
        })
    }
}

/// An adapter with its real stack around it.
pub trait Host {
    /// Its name in `[case.at.NAME]`.
    fn name(&self) -> &'static str;

    /// Whether it sees a fact.
    fn sees(&self, fact: Fact) -> bool;

    /// Runs one exchange.
    ///
    /// # Errors
    /// Whatever kept it from coming to an end; a denial is no error.
    fn run(&mut self, case: &Case) -> Result<Observed, Box<dyn Error + Send + Sync>>;
}

/// What came out of an exchange.
#[derive(Clone, Debug)]
pub struct Observed {
    /// What the application was told with the request; `None`: it did not see it.
    pub told: Option<Told>,
    /// The reason code, from a host that tells it.
    pub reason: Option<String>,
    /// The status the client saw.
    pub status: StatusCode,
    /// The fields the client saw.
    pub fields: Vec<(HeaderName, Vec<u8>)>,
    /// The body the client saw.
    pub body: Vec<u8>,
}

/// What a host tells the application of a request that goes on.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// The client's address.
    pub client: Option<IpAddr>,
    /// Why the checks that only report would have denied it, in their order; `None`: the host does not tell.
    pub reported: Option<Vec<String>>,
}

/// A case that came out otherwise.
#[derive(Clone, Debug)]
pub struct Failure {
    /// `file: case [host]`
    pub case: String,
    /// Every difference.
    pub differences: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.case)?;
        for difference in &self.differences {
            write!(f, "\n    {difference}")?;
        }
        Ok(())
    }
}

/// Runs every case; a host that does not see what a case needs must have an expectation of its own there.
pub fn replay(cases: &[Case], host: &mut dyn Host) -> Vec<Failure> {
    let mut failures = Vec::new();
    for case in cases {
        let unseen = case.needs.iter().find(|fact| !host.sees(**fact));
        let differences = match (case.at.get(host.name()), unseen) {
            (None, Some(fact)) => vec![format!(
                "needs {fact}, which {host} does not see: write [case.at.{host}]",
                host = host.name()
            )],
            (own, _) => match host.run(case) {
                Ok(observed) => differences(case, own.unwrap_or(&case.expect), &observed),
                Err(error) => vec![format!("did not come to an end: {error}")],
            },
        };
        if !differences.is_empty() {
            failures.push(Failure {
                case: format!("{}: {} [{}]", case.file, case.name, host.name()),
                differences,
            });
        }
    }
    failures
}
