//! What a verifier was told to require.

use crate::error::ConfigError;
use crate::jws::Rules;
use crate::reject::Reject;

/// Which tokens are meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// A JWT (RFC 7519): `exp`, and what is configured.
    #[default]
    Plain,
    /// A JWT access token (RFC 9068): `typ` is at+jwt, and `iss exp aud sub client_id iat jti` are required.
    Rfc9068,
}

/// What a verifier requires. "Configured means required": a token without a configured claim is rejected.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What holds before the claims are read.
    pub rules: Rules,
    /// Which tokens are meant.
    pub profile: Profile,
    /// `iss` has to equal one of them, byte by byte; empty: any.
    pub issuers: Vec<String>,
    /// `aud` has to contain one of them; empty: a token with `aud` is rejected, for it is meant for somebody else (RFC 7519
    /// section 4.1.3).
    pub audiences: Vec<String>,
    /// How much clocks may differ, in seconds: 0 to 60.
    pub leeway: u32,
    /// The greatest age since `iat`, in seconds; `iat` is then required.
    pub max_age: Option<u32>,
    /// The `typ` values that are taken, in any case and with or without `application/`; empty: those of the profile. Plain:
    /// `JWT`, `at+jwt`, or none. With a list, a token without `typ` is rejected.
    pub types: Vec<String>,
    /// Takes tokens that never expire.
    pub danger_no_expiration: bool,
    /// Takes tokens whose `aud` names others.
    pub danger_any_audience: bool,
}

/// Clocks that NTP keeps differ by less, in seconds.
pub const LEEWAY: u32 = 5;
/// The most that can be set, in seconds.
pub const MAX_LEEWAY: u32 = 60;

impl Settings {
    /// The profile `plain` with a leeway of [`LEEWAY`], and nothing else required but `exp`.
    pub const fn new(rules: Rules) -> Self {
        Self {
            rules,
            profile: Profile::Plain,
            issuers: Vec::new(),
            audiences: Vec::new(),
            leeway: LEEWAY,
            max_age: None,
            types: Vec::new(),
            danger_no_expiration: false,
            danger_any_audience: false,
        }
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if self.leeway > MAX_LEEWAY {
            return Err(ConfigError::Leeway(self.leeway));
        }
        let incomplete = self.issuers.is_empty() || self.audiences.is_empty();
        if self.profile == Profile::Rfc9068 && incomplete {
            return Err(ConfigError::Profile);
        }
        Ok(())
    }

    /// Whether `typ` is one that is meant: a token of another kind is not taken for this one (RFC 8725 section 3.11).
    pub(crate) fn check_type(&self, typ: Option<&str>) -> Result<(), Reject> {
        let named = |known: &str| {
            typ.is_some_and(|typ| media_type(typ).eq_ignore_ascii_case(media_type(known)))
        };
        let taken = match self.profile {
            _ if !self.types.is_empty() => self.types.iter().any(|known| named(known)),
            Profile::Plain => typ.is_none() || named("JWT") || named("at+jwt"),
            Profile::Rfc9068 => named("at+jwt"),
        };
        if taken { Ok(()) } else { Err(Reject::Type) }
    }
}

/// Without `application/`, which may be left out (RFC 7515 section 4.1.9).
fn media_type(typ: &str) -> &str {
    const PREFIX: &str = "application/";
    match typ.get(..PREFIX.len()) {
        Some(start) if start.eq_ignore_ascii_case(PREFIX) => &typ[PREFIX.len()..],
        _ => typ,
    }
}
