//! Registered claims (RFC 7519 section 4.1), read once, and what they must say.
//!
//! A claim of a wrong type is an error, never "absent": `"nbf":"9"` does not pass for a token without `nbf`. A date is an
//! integer or a finite number below 2^53; its fraction counts against the bearer, since `now` has none.

use std::borrow::Cow;

use crate::profile::{Profile, Settings};
use crate::reject::Reject;
use crate::strict::{self, Member};

/// The registered claims of a token, and those that revocation and scopes need.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Registered {
    pub(crate) issuer: Option<Box<str>>,
    pub(crate) subject: Option<Box<str>>,
    pub(crate) id: Option<Box<str>>,
    pub(crate) session: Option<Box<str>>,
    pub(crate) client: Option<Box<str>>,
    pub(crate) scopes: Option<Box<str>>,
    pub(crate) expires: Option<i64>,
    pub(crate) not_before: Option<i64>,
    pub(crate) issued: Option<i64>,
}

/// 2^53: beyond it a JSON number is not one integer (RFC 8259 section 6).
const DATE_LIMIT: i64 = 1 << 53;

/// Whose fault the fraction of a date is.
#[derive(Clone, Copy)]
enum Round {
    Down,
    Up,
}

impl Registered {
    /// Reads the payload and checks everything but the time.
    pub(crate) fn read(payload: &str, settings: &Settings) -> Result<Self, Reject> {
        let mut read = Self::default();
        let mut audience = None;
        let mut scp = None;
        let mut fault = None;
        strict::members(payload, |name, value| {
            let result = match name {
                "iss" => text(value).map(|text| read.issuer = Some(text)),
                "sub" => text(value).map(|text| read.subject = Some(text)),
                "jti" => text(value).map(|text| read.id = Some(text)),
                "sid" => text(value).map(|text| read.session = Some(text)),
                "client_id" => text(value).map(|text| read.client = Some(text)),
                "scope" => words(value).map(|words| read.scopes = Some(words)),
                "scp" => words(value).map(|words| scp = Some(words)),
                "exp" => date(value, Round::Down).map(|date| read.expires = Some(date)),
                "nbf" => date(value, Round::Up).map(|date| read.not_before = Some(date)),
                "iat" => date(value, Round::Up).map(|date| read.issued = Some(date)),
                "aud" => Audience::read(value).map(|read| audience = Some(read.names(settings))),
                _ => Some(()),
            };
            if result.is_none() {
                fault = Some(Reject::Claims);
            }
        })
        .ok_or(Reject::Claims)?;
        if let Some(fault) = fault {
            return Err(fault);
        }
        read.scopes = read.scopes.or(scp);
        read.check(audience, settings)?;
        Ok(read)
    }

    /// Configured means required.
    fn check(&self, audience: Option<bool>, settings: &Settings) -> Result<(), Reject> {
        if !settings.issuers.is_empty() {
            let issuer = self.issuer.as_deref().ok_or(Reject::ClaimMissing)?;
            if !settings.issuers.iter().any(|known| known == issuer) {
                return Err(Reject::Issuer);
            }
        }
        match audience {
            None if !settings.audiences.is_empty() => return Err(Reject::ClaimMissing),
            Some(false) if !settings.danger_any_audience => return Err(Reject::Audience),
            _ => {}
        }
        let missing = match settings.profile {
            Profile::Plain => self.expires.is_none() && !settings.danger_no_expiration,
            Profile::Rfc9068 => {
                self.expires.is_none()
                    || self.subject.is_none()
                    || self.client.is_none()
                    || self.issued.is_none()
                    || self.id.is_none()
            }
        };
        let undated = settings.max_age.is_some() && self.issued.is_none();
        if missing || undated {
            return Err(Reject::ClaimMissing);
        }
        Ok(())
    }

    /// Checks the dates: at each use, also of a cached token. `now` is in seconds since the epoch.
    pub(crate) fn check_time(&self, now: u64, settings: &Settings) -> Result<(), Reject> {
        let now = i64::try_from(now).unwrap_or(i64::MAX).min(DATE_LIMIT);
        let leeway = i64::from(settings.leeway);
        if self.expires.is_some_and(|expires| now >= expires + leeway) {
            return Err(Reject::Expired);
        }
        if self.not_before.is_some_and(|date| now + leeway < date) {
            return Err(Reject::NotYetValid);
        }
        if let Some(issued) = self.issued {
            if now + leeway < issued {
                return Err(Reject::IssuedInFuture);
            }
            let max_age = settings.max_age.map(i64::from);
            if max_age.is_some_and(|max_age| now - issued > max_age + leeway) {
                return Err(Reject::TooOld);
            }
        }
        Ok(())
    }
}

fn text(value: Member<'_>) -> Option<Box<str>> {
    value.text().map(|text| text.into())
}

/// Scopes: words with spaces between them (RFC 8693 section 4.2), or a list as some issuers write `scp`.
fn words(value: Member<'_>) -> Option<Box<str>> {
    match value {
        Member::Text(text) => Some(text.into()),
        Member::List(Some(list)) => Some(list.join(" ").into()),
        _ => None,
    }
}

// the number is finite and below 2^53
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
fn date(value: Member<'_>, round: Round) -> Option<i64> {
    let date = match value {
        Member::Integer(date) => date,
        Member::Float(number) if number.abs() < DATE_LIMIT as f64 => match round {
            Round::Down => number.floor() as i64,
            Round::Up => number.ceil() as i64,
        },
        _ => return None,
    };
    (date.unsigned_abs() < DATE_LIMIT.unsigned_abs()).then_some(date)
}

/// One string or a list of strings (RFC 7519 section 4.1.3).
enum Audience<'a> {
    One(Cow<'a, str>),
    Several(Vec<Cow<'a, str>>),
}

impl<'a> Audience<'a> {
    fn read(value: Member<'a>) -> Option<Self> {
        match value {
            Member::Text(one) => Some(Self::One(one)),
            Member::List(Some(list)) => Some(Self::Several(list)),
            _ => None,
        }
    }

    fn names(&self, settings: &Settings) -> bool {
        let ours = |name: &Cow<'_, str>| settings.audiences.iter().any(|own| own == name);
        match self {
            Self::One(name) => ours(name),
            Self::Several(names) => names.iter().any(ours),
        }
    }
}
