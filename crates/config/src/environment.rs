//! Production or development: file < `MANTLET_ENVIRONMENT` < flag.

use std::fmt;
use std::str::FromStr;

/// The variable that overrides the policy file.
pub const VARIABLE: &str = "MANTLET_ENVIRONMENT";

/// Where the policy is in force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Environment {
    /// Everything as written. The default: forgetting to say it must not weaken a site.
    #[default]
    Production,
    /// No Strict-Transport-Security and no upgrade-insecure-requests, which would tie localhost to https for every other
    /// project on the machine.
    Development,
}

/// Who chose the environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// Nobody: the default.
    Default,
    /// The policy file, or code.
    Policy,
    /// `MANTLET_ENVIRONMENT`.
    Variable,
    /// `--environment`, or the call's own option.
    Flag,
}

impl Environment {
    /// The word in the policy file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Development => "development",
        }
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Environment {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "production" => Ok(Self::Production),
            "development" => Ok(Self::Development),
            _ => Err(format!("{word:?} is not one of production, development")),
        }
    }
}

impl fmt::Display for Chosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Default => "by default",
            Self::Policy => "by the policy",
            Self::Variable => "by MANTLET_ENVIRONMENT",
            Self::Flag => "by flag",
        })
    }
}
