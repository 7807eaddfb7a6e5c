//! The shape of a policy, before it has a meaning: what a file or code has said, and nothing more.
//!
//! A [`Config`] comes from a TOML text ([`Config::read`], [`Config::parse`]) or from code (the builder methods), or from a
//! text and then code: both are merged over their preset and compiled by the same code. The text can say more: routes,
//! cookies, the default of Cache-Control and `csp = false` have no method.

use ipnet::IpNet;
use mantlet_engine::policy::Https;

use crate::environment::Environment;
use crate::node::{Node, Value};
use crate::preset::{Overlay, Preset};
use crate::source::At;

/// What a policy file or code has said.
#[derive(Clone, Debug, Default)]
pub struct Config {
    pub(crate) preset: Option<At<Preset>>,
    pub(crate) environment: Option<At<Environment>>,
    pub(crate) https: Option<At<Https>>,
    pub(crate) trusted_proxies: Option<Vec<IpNet>>,
    pub(crate) nonce_upstream: Option<bool>,
    pub(crate) section: Section,
    pub(crate) routes: Vec<RouteSection>,
}

/// What is said for every path, or for those of one route.
#[derive(Clone, Debug, Default)]
pub(crate) struct Section {
    pub(crate) csp: Option<At<CspSetting>>,
    pub(crate) csp_report_only: Option<At<CspSetting>>,
    pub(crate) headers: Vec<(At<String>, HeaderSetting)>,
    pub(crate) cookies: Option<CookieSetting>,
    pub(crate) cache_default: Option<At<String>>,
}

/// A `[[route]]`.
#[derive(Clone, Debug)]
pub(crate) struct RouteSection {
    pub(crate) path: At<String>,
    pub(crate) html_only: bool,
    pub(crate) overlay: Option<At<Overlay>>,
    pub(crate) section: Section,
}

/// How a field meets the one the application has set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Ours takes its place.
    Override,
    /// Ours goes out only where the application set none.
    IfMissing,
    /// Ours goes out beside the application's.
    Append,
    /// The field is removed.
    Remove,
    /// The field is left alone.
    Off,
}

/// What is said of a Content-Security-Policy.
#[derive(Clone, Debug)]
pub(crate) enum CspSetting {
    /// `csp = false`
    Off,
    /// `[csp]`: over the policy below.
    Over(CspTable),
    /// `[[csp]]`: in place of what is below.
    Several(Vec<CspTable>),
}

/// One policy: directives in the order of writing.
#[derive(Clone, Debug, Default)]
pub(crate) struct CspTable {
    pub(crate) mode: Option<At<Mode>>,
    pub(crate) directives: Vec<(At<String>, DirectiveSetting)>,
}

/// What is said of one directive.
#[derive(Clone, Debug)]
pub(crate) enum DirectiveSetting {
    /// `false`
    Drop,
    /// `true`, for directives without a value
    Bare,
    /// `[...]`
    Values(Vec<At<String>>),
    /// `{ add = [...] }`
    Add(Vec<At<String>>),
}

/// What is said of one header field.
#[derive(Clone, Debug, Default)]
pub(crate) struct HeaderSetting {
    pub(crate) mode: Option<Mode>,
    /// The value in its TOML form, which depends on the field.
    pub(crate) value: Option<Node>,
    /// More members for a dictionary field.
    pub(crate) add: Option<Node>,
    /// The user knows what the value does.
    pub(crate) danger: bool,
}

/// `[cookies]`
#[derive(Clone, Debug, Default)]
pub(crate) struct CookieSetting {
    pub(crate) attributes: CookieAttributes,
    pub(crate) exceptions: Vec<(At<String>, CookieAttributes)>,
}

/// Attributes that the application's cookies get.
#[derive(Clone, Debug, Default)]
pub(crate) struct CookieAttributes {
    pub(crate) secure: Option<bool>,
    pub(crate) httponly: Option<bool>,
    pub(crate) samesite: Option<At<mantlet_headers::cookie::SameSite>>,
}

impl Config {
    /// Nothing said yet: the preset is `balanced`.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts from a preset.
    pub fn preset(preset: Preset) -> Self {
        Self {
            preset: Some(At::code(preset)),
            ..Self::default()
        }
    }

    /// What counts as https.
    #[must_use]
    pub fn https(mut self, https: Https) -> Self {
        self.https = Some(At::code(https));
        self
    }

    /// The environment; the default is [`Environment::Production`].
    #[must_use]
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = Some(At::code(environment));
        self
    }

    /// The peers that may speak X-Forwarded-*.
    #[must_use]
    pub fn trusted_proxies(mut self, networks: impl IntoIterator<Item = IpNet>) -> Self {
        self.trusted_proxies = Some(networks.into_iter().collect());
        self
    }

    /// Whether a proxy may tell the application its nonces, in the request field `Mantlet-Nonce`.
    #[must_use]
    pub fn nonce_upstream(mut self, told: bool) -> Self {
        self.nonce_upstream = Some(told);
        self
    }

    /// Sends a field: any [`Field`](mantlet_headers::Field) but Content-Security-Policy, which has [`Config::csp`].
    #[must_use]
    pub fn header<F: mantlet_headers::Field>(self, field: F) -> Self {
        self.custom_header(F::NAME, field.to_string())
    }

    /// Sends a field that no type covers; name and value are checked when the policy is compiled.
    #[must_use]
    pub fn custom_header(mut self, name: &str, value: impl Into<String>) -> Self {
        let setting = HeaderSetting {
            value: Some(Node::code(Value::Text(value.into()))),
            ..HeaderSetting::default()
        };
        self.set_header(name, setting);
        self
    }

    /// Changes how a field meets the application's.
    #[must_use]
    pub fn header_mode(mut self, name: &str, mode: Mode) -> Self {
        let setting = HeaderSetting {
            mode: Some(mode),
            ..HeaderSetting::default()
        };
        self.set_header(name, setting);
        self
    }

    /// Sets a directive of the one Content-Security-Policy, over the preset's: words as in the policy file, with `'nonce'`
    /// for the nonce of the exchange. No values at all mean `'none'`, or a directive that takes none.
    #[must_use]
    pub fn csp(
        mut self,
        directive: &str,
        values: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let setting = DirectiveSetting::Values(words(values));
        say(&mut self.section.csp, directive, setting);
        self
    }

    /// Sets a directive of the Content-Security-Policy-Report-Only, as [`Config::csp`] does of the enforced policy: what it
    /// forbids is reported and not stopped.
    #[must_use]
    pub fn csp_report_only(
        mut self,
        directive: &str,
        values: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let setting = DirectiveSetting::Values(words(values));
        say(&mut self.section.csp_report_only, directive, setting);
        self
    }

    /// Extends a directive of the preset's Content-Security-Policy.
    #[must_use]
    pub fn csp_add(
        mut self,
        directive: &str,
        values: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let setting = DirectiveSetting::Add(words(values));
        say(&mut self.section.csp, directive, setting);
        self
    }

    /// Drops a directive of the preset's Content-Security-Policy.
    #[must_use]
    pub fn csp_drop(mut self, directive: &str) -> Self {
        say(&mut self.section.csp, directive, DirectiveSetting::Drop);
        self
    }

    fn set_header(&mut self, name: &str, setting: HeaderSetting) {
        let name = name.to_ascii_lowercase();
        match self
            .section
            .headers
            .iter_mut()
            .find(|(known, _)| known.value == name)
        {
            Some((_, known)) => {
                known.mode = setting.mode.or(known.mode);
                if setting.value.is_some() {
                    known.value = setting.value;
                    known.add = None;
                }
            }
            None => self.section.headers.push((At::code(name), setting)),
        }
    }
}

fn words(values: impl IntoIterator<Item = impl Into<String>>) -> Vec<At<String>> {
    values
        .into_iter()
        .map(|value| At::code(value.into()))
        .collect()
}

/// Says it of the policy, or of each of several: a source is of use only if all of them allow it.
fn say(csp: &mut Option<At<CspSetting>>, name: &str, setting: DirectiveSetting) {
    let over = CspSetting::Over(CspTable::default());
    let csp = csp.get_or_insert_with(|| At::code(over));
    if matches!(csp.value, CspSetting::Off) {
        csp.value = CspSetting::Over(CspTable::default());
    }
    let said = (At::code(name.to_owned()), setting);
    match &mut csp.value {
        CspSetting::Over(table) => table.directives.push(said),
        CspSetting::Several(tables) => {
            for table in tables {
                table.directives.push(said.clone());
            }
        }
        CspSetting::Off => {}
    }
}
