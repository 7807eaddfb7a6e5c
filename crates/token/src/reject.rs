//! Why a token is rejected: the stable codes, what the client is told, and what the operator can do.
//!
//! The client never learns which check failed beyond what it can act on (RFC 6750 section 3.1): every invalid token gets
//! the same sentence. The code and the fix are for the log.

use std::fmt;

/// What a client is told (RFC 6750 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 401 without an error code: the request had no token.
    Unauthenticated,
    /// 400 `invalid_request`: more than one token, or no way to read one.
    InvalidRequest,
    /// 401 `invalid_token`.
    InvalidToken,
    /// 403 `insufficient_scope`.
    InsufficientScope,
    /// 503: nobody can be verified now.
    Unavailable,
}

impl Answer {
    /// The status of the answer.
    pub const fn status(self) -> u16 {
        match self {
            Self::Unauthenticated | Self::InvalidToken => 401,
            Self::InvalidRequest => 400,
            Self::InsufficientScope => 403,
            Self::Unavailable => 503,
        }
    }

    /// The `error` of WWW-Authenticate; none where RFC 6750 wants none.
    pub const fn error(self) -> Option<&'static str> {
        match self {
            Self::Unauthenticated | Self::Unavailable => None,
            Self::InvalidRequest => Some("invalid_request"),
            Self::InvalidToken => Some("invalid_token"),
            Self::InsufficientScope => Some("insufficient_scope"),
        }
    }

    /// One sentence for the client; nothing internal.
    pub const fn detail(self) -> &'static str {
        match self {
            Self::Unauthenticated => "This request needs an access token.",
            Self::InvalidRequest => "The request carries its access token in more than one way.",
            Self::InvalidToken => "The access token is not valid.",
            Self::InsufficientScope => "The access token does not permit this request.",
            Self::Unavailable => "The service cannot verify access tokens right now.",
        }
    }
}

macro_rules! rejects {
    ($($(#[$doc:meta])+ $name:ident = $code:literal, $answer:ident, $fix:literal;)+) => {
        /// Why a token is rejected.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Reject {
            $($(#[$doc])+ $name,)+
        }

        impl Reject {
            /// Every one, in the order of the checks.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// `token.cause`: for logs, tests and dashboards; it does not change.
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)+
                }
            }

            /// What the client is told.
            pub const fn answer(self) -> Answer {
                match self {
                    $(Self::$name => Answer::$answer,)+
                }
            }

            /// What to do if the token should have passed: for the log, never for the client.
            pub const fn fix(self) -> &'static str {
                match self {
                    $(Self::$name => $fix,)+
                }
            }
        }
    };
}

rejects! {
    /// No token where one is required.
    Missing = "token.missing", Unauthenticated,
        "the route requires a token and the request has none in the configured place";
    /// Two tokens, or one in two places.
    Repeated = "token.repeated", InvalidRequest,
        "the request has two Authorization fields, or a token in the header and in the cookie; one of them has to go";
    /// No key is known yet, or all are too old.
    NoKeys = "token.no-keys", Unavailable,
        "the key set was never fetched, or not for max_stale: see the log of the fetcher";
    /// More bytes than the limit.
    TooLarge = "token.too-large", InvalidToken,
        "max_size sets the limit, 8192 bytes by default; the header of a token has at most 2048";
    /// Five parts: encrypted (RFC 7516), which is not taken.
    Encrypted = "token.encrypted", InvalidToken,
        "the token is a JWE; let the issuer sign without encrypting";
    /// Not three parts of canonical base64url, or a header that is not strict JSON.
    Malformed = "token.malformed", InvalidToken,
        "the token is not the compact form of RFC 7515: three parts of base64url without padding, a JSON object as header \
         without repeated members, at most 8 levels deep";
    /// `crit` with an extension that is not understood (RFC 7515 section 4.1.11), or unencoded payload (RFC 7797).
    Critical = "token.critical", InvalidToken,
        "the header has crit with a name that is not in the listed extensions, or b64";
    /// An algorithm that is unknown, not allowed, or not that of the key.
    Algorithm = "token.algorithm", InvalidToken,
        "alg has to be in algorithms, spelled exactly, and be that of the key";
    /// A `typ` that is not that of an access token (RFC 8725 section 3.11).
    Type = "token.type", InvalidToken,
        "typ has to be JWT, at+jwt or absent; types lists others; the profile rfc9068 wants at+jwt";
    /// No key of this `kid`, or none that fits.
    UnknownKey = "token.key", InvalidToken,
        "kid names no key of the set; or there is no kid and not exactly one key fits alg";
    /// The signature is not that of the key.
    Signature = "token.signature", InvalidToken,
        "the token was changed, or signed with another key: compare the issuer's key with the configured one";
    /// The claims are not strict JSON, or a registered claim has a wrong type.
    Claims = "token.claims", InvalidToken,
        "the payload has to be a JSON object without repeated members; exp, nbf and iat are numbers, iss, sub and jti strings";
    /// A claim that the configuration requires is missing.
    ClaimMissing = "token.claim-missing", InvalidToken,
        "configured means required: exp always, iss and aud if configured, and those of the profile rfc9068";
    /// The time of `exp` is over.
    Expired = "token.expired", InvalidToken,
        "the client has to fetch a new token; if it is new, compare the clocks";
    /// The time of `nbf` is not yet come.
    NotYetValid = "token.not-yet-valid", InvalidToken,
        "nbf is in the future: compare the clocks of issuer and service";
    /// `iat` is in the future.
    IssuedInFuture = "token.issued-in-future", InvalidToken,
        "iat is in the future: compare the clocks of issuer and service";
    /// Older than `max_age`.
    TooOld = "token.too-old", InvalidToken,
        "max_age counts from iat: the client has to fetch a new token";
    /// `iss` is another one.
    Issuer = "token.issuer", InvalidToken,
        "iss has to equal the configured issuer byte by byte: mind a trailing slash";
    /// `aud` is for others.
    Audience = "token.audience", InvalidToken,
        "aud has to contain the configured audience; a token that has aud is refused where none is configured";
    /// The token, its subject's tokens of that time, or its session is revoked.
    Revoked = "token.revoked", InvalidToken,
        "the token was revoked by jti, by subject or by sid";
    /// A scope that the route requires is not there.
    Scope = "token.scope", InsufficientScope,
        "the route requires a scope that the token does not have in scope or scp";
    /// A claim that the route requires is not there, or has another value.
    Forbidden = "token.forbidden", InsufficientScope,
        "the route requires a claim that the token does not have, or with another value";
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl std::error::Error for Reject {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_every_reject_has_a_fix() {
        for (i, reject) in Reject::ALL.iter().enumerate() {
            assert!(reject.code().starts_with("token.") && !reject.fix().is_empty());
            let first = Reject::ALL.iter().position(|r| r.code() == reject.code());
            assert_eq!(first, Some(i), "{reject}");
        }
    }

    #[test]
    fn all_invalid_tokens_are_told_alike() {
        let expired = Reject::Expired.answer();
        assert_eq!(expired.detail(), Reject::Signature.answer().detail());
        assert_eq!(
            (expired.status(), expired.error()),
            (401, Some("invalid_token"))
        );
        assert_eq!(Reject::Missing.answer().error(), None);
        assert_eq!(Reject::Scope.answer().status(), 403);
    }
}
