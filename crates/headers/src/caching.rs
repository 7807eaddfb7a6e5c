//! Cache-Control of a response (RFC 9111 section 5.2.2): who may keep it, and for how long.
//!
//! ```text
//! Cache-Control   = #cache-directive
//! cache-directive = token [ "=" ( token / quoted-string ) ]
//! ```
//!
//! Beside the directives of RFC 9111: `immutable` (RFC 8246), `stale-while-revalidate` and `stale-if-error` (RFC 5861).
//! Names are case-insensitive, times are whole seconds. A time that cannot be read makes the response stale.
//! <https://www.rfc-editor.org/rfc/rfc9111#section-5.2.2>
//!
//! ```
//! use mantlet_headers::CacheControl;
//! let value = CacheControl::new().public().max_age(31_536_000).immutable();
//! assert_eq!(value.to_string(), "public, max-age=31536000, immutable");
//! # Ok::<(), mantlet_headers::Refused>(())
//! ```

mod contradiction;
mod reading;

use std::fmt;

use crate::fault::{Fault, Parsed};
use crate::field::{Field, from_str_by_build};
use crate::malformed::Malformed;
use crate::octets::is_token;

/// What a directive that can name fields covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// The whole response.
    Response,
    /// Only these fields of it, in lower case; few caches look at them.
    Fields(Vec<String>),
}

/// A Cache-Control value of a response, printed in a fixed order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CacheControl {
    no_store: bool,
    no_cache: Option<Coverage>,
    private: Option<Coverage>,
    public: bool,
    max_age: Option<u64>,
    s_maxage: Option<u64>,
    must_revalidate: bool,
    proxy_revalidate: bool,
    must_understand: bool,
    no_transform: bool,
    immutable: bool,
    stale_while_revalidate: Option<u64>,
    stale_if_error: Option<u64>,
    extensions: Vec<Extension>,
}

/// A directive that this crate does not know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Extension {
    name: String,
    argument: Option<String>,
}

/// A builder method that sets one directive without an argument.
macro_rules! flags {
    ($( $(#[$doc:meta])* $flag:ident, $is:ident; )+) => {
        $(
            $(#[$doc])*
            #[must_use]
            pub const fn $flag(mut self) -> Self {
                self.$flag = true;
                self
            }

            #[doc = concat!("Whether `", stringify!($flag), "` is set.")]
            pub const fn $is(&self) -> bool {
                self.$flag
            }
        )+
    };
}

/// A builder method that sets one directive with a number of seconds.
macro_rules! times {
    ($( $(#[$doc:meta])* $time:ident, $read:ident; )+) => {
        $(
            $(#[$doc])*
            #[must_use]
            pub const fn $time(mut self, seconds: u64) -> Self {
                self.$time = Some(seconds);
                self
            }

            #[doc = concat!("The seconds of `", stringify!($time), "`, if it is set.")]
            pub const fn $read(&self) -> Option<u64> {
                self.$time
            }
        )+
    };
}

impl CacheControl {
    /// Says nothing.
    pub fn new() -> Self {
        Self::default()
    }

    flags! {
        /// `no-store`: nobody keeps the response.
        no_store, is_no_store;
        /// `public`: shared caches may keep it, even one to a request with credentials.
        public, is_public;
        /// `must-revalidate`: never used stale.
        must_revalidate, is_must_revalidate;
        /// `proxy-revalidate`: never used stale by shared caches.
        proxy_revalidate, is_proxy_revalidate;
        /// `must-understand`: kept only by a cache that knows the status code.
        must_understand, is_must_understand;
        /// `no-transform`: intermediaries leave the content as it is.
        no_transform, is_no_transform;
        /// `immutable`: not revalidated while fresh.
        immutable, is_immutable;
    }

    times! {
        /// `max-age`: fresh for this many seconds.
        max_age, fresh_for;
        /// `s-maxage`: fresh for this many seconds in shared caches.
        s_maxage, fresh_for_shared;
        /// `stale-while-revalidate`: may be used stale for this many seconds while it is asked for again.
        stale_while_revalidate, stale_while_revalidating;
        /// `stale-if-error`: may be used stale for this many seconds if the origin fails.
        stale_if_error, stale_on_error;
    }

    /// `no-cache`: kept, but used only after revalidation.
    #[must_use]
    pub fn no_cache(mut self) -> Self {
        self.no_cache = Some(Coverage::Response);
        self
    }

    /// `private`: kept by the browser only.
    #[must_use]
    pub fn private(mut self) -> Self {
        self.private = Some(Coverage::Response);
        self
    }

    /// `no-cache="..."`: these fields are not used without revalidation.
    ///
    /// # Errors
    /// [`Malformed`] if a name is no field name, or if there is none.
    pub fn no_cache_fields(mut self, fields: &[&str]) -> Result<Self, Malformed> {
        self.no_cache = Some(Coverage::fields(fields)?);
        Ok(self)
    }

    /// `private="..."`: these fields are kept by the browser only.
    ///
    /// # Errors
    /// [`Malformed`] if a name is no field name, or if there is none.
    pub fn private_fields(mut self, fields: &[&str]) -> Result<Self, Malformed> {
        self.private = Some(Coverage::fields(fields)?);
        Ok(self)
    }

    /// Whether shared caches must not keep the response as a whole.
    pub fn is_private(&self) -> bool {
        self.private == Some(Coverage::Response)
    }

    /// Whether the response as a whole is used only after revalidation.
    pub fn is_no_cache(&self) -> bool {
        self.no_cache == Some(Coverage::Response)
    }

    /// What `private` covers, if it is set.
    pub const fn private_coverage(&self) -> Option<&Coverage> {
        self.private.as_ref()
    }

    /// What `no-cache` covers, if it is set.
    pub const fn no_cache_coverage(&self) -> Option<&Coverage> {
        self.no_cache.as_ref()
    }

    /// Whether the value asks shared caches to keep the response: `public`, or a time in `s-maxage`.
    pub fn invites_shared_caches(&self) -> bool {
        !self.no_store
            && !self.is_private()
            && (self.public || self.s_maxage.is_some_and(|s| s > 0))
    }

    /// What contradicts itself or is dead in it, with places in the printed value.
    pub fn warnings(&self) -> Vec<Fault> {
        Self::parse(self.to_string().as_bytes()).faults
    }
}

impl Coverage {
    fn fields(names: &[&str]) -> Result<Self, Malformed> {
        let mut fields: Vec<String> = Vec::new();
        for name in names {
            if !is_token(name.as_bytes()) {
                let message = "not a field name";
                return Err(Malformed::new(
                    "cache-control.fields",
                    0..name.len(),
                    message,
                ));
            }
            let name = name.to_ascii_lowercase();
            if !fields.contains(&name) {
                fields.push(name);
            }
        }
        if fields.is_empty() {
            let message = "no field is named";
            return Err(Malformed::new("cache-control.fields", 0..0, message));
        }
        Ok(Self::Fields(fields))
    }
}

impl Field for CacheControl {
    const NAME: &'static str = "Cache-Control";
    const SPEC: &'static str = "https://www.rfc-editor.org/rfc/rfc9111#section-5.2.2";
    const SUMMARY: &'static str =
        "Decides which caches keep the response, and for how many seconds they use it.";
    const EXAMPLES: &'static [&'static str] = &[
        "no-store",
        "no-store, max-age=0",
        "no-cache",
        "private, max-age=600",
        "public, max-age=31536000, immutable",
        "private=\"set-cookie\", max-age=60, s-maxage=10, stale-while-revalidate=30, stale-if-error=60",
    ];
    const REASON: &'static str = "A page for one user must not be shown to another, nor stay on a shared computer; only the application knows what \
         may be kept.";

    fn parse(input: &[u8]) -> Parsed<Self> {
        reading::parse(input)
    }
}

from_str_by_build!(CacheControl);

impl fmt::Display for CacheControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = List { f, first: true };
        list.flag("no-store", self.no_store)?;
        list.coverage("no-cache", self.no_cache.as_ref())?;
        list.coverage("private", self.private.as_ref())?;
        list.flag("public", self.public)?;
        list.time("max-age", self.max_age)?;
        list.time("s-maxage", self.s_maxage)?;
        list.flag("must-revalidate", self.must_revalidate)?;
        list.flag("proxy-revalidate", self.proxy_revalidate)?;
        list.flag("must-understand", self.must_understand)?;
        list.flag("no-transform", self.no_transform)?;
        list.flag("immutable", self.immutable)?;
        list.time("stale-while-revalidate", self.stale_while_revalidate)?;
        list.time("stale-if-error", self.stale_if_error)?;
        for extension in &self.extensions {
            list.item(&extension.name)?;
            match &extension.argument {
                Some(argument) if is_token(argument.as_bytes()) => write!(list.f, "={argument}")?,
                Some(argument) => {
                    let escaped = argument.replace('\\', "\\\\").replace('"', "\\\"");
                    write!(list.f, "=\"{escaped}\"")?;
                }
                None => {}
            }
        }
        Ok(())
    }
}

/// Prints directives with commas between them.
struct List<'f, 'w> {
    f: &'f mut fmt::Formatter<'w>,
    first: bool,
}

impl List<'_, '_> {
    fn item(&mut self, name: &str) -> fmt::Result {
        if !self.first {
            self.f.write_str(", ")?;
        }
        self.first = false;
        self.f.write_str(name)
    }

    fn flag(&mut self, name: &str, is_set: bool) -> fmt::Result {
        if is_set { self.item(name) } else { Ok(()) }
    }

    fn time(&mut self, name: &str, seconds: Option<u64>) -> fmt::Result {
        let Some(seconds) = seconds else {
            return Ok(());
        };
        self.item(name)?;
        write!(self.f, "={seconds}")
    }

    fn coverage(&mut self, name: &str, coverage: Option<&Coverage>) -> fmt::Result {
        let Some(coverage) = coverage else {
            return Ok(());
        };
        self.item(name)?;
        match coverage {
            Coverage::Response => Ok(()),
            Coverage::Fields(fields) => write!(self.f, "=\"{}\"", fields.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::field_properties;

    field_properties!(
        properties,
        CacheControl,
        "((no-store|no-cache|private|public|max-age|s-maxage|immutable|x)(=([0-9x]{0,3}|\"[a-z, \\\\]{0,5}\"))?,? ?){0,4}"
    );

    #[test]
    fn directives_print_in_one_order() {
        let value = CacheControl::new().max_age(0).must_revalidate().no_store();
        assert_eq!(value.to_string(), "no-store, max-age=0, must-revalidate");
        let value = CacheControl::new()
            .no_cache_fields(&["Set-Cookie", "X-A"])
            .expect("field names");
        assert_eq!(value.to_string(), "no-cache=\"set-cookie, x-a\"");
        assert!(!value.is_no_cache());
        assert!(CacheControl::new().private_fields(&["a b"]).is_err());
        assert!(CacheControl::new().private_fields(&[]).is_err());
    }

    #[test]
    fn shared_caches_are_invited_by_public_or_s_maxage() {
        for (input, invited) in [
            ("public", true),
            ("s-maxage=60", true),
            ("s-maxage=0", false),
            ("max-age=60", false),
            ("private, s-maxage=60", false),
            ("public, no-store", false),
        ] {
            let value = CacheControl::parse(input.as_bytes()).value;
            let invites = value.is_some_and(|value| value.invites_shared_caches());
            assert_eq!(invites, invited, "{input}");
        }
    }
}
