//! The shape of a policy, before it has a meaning: what a file or code has said, and nothing more.
//!
//! A [`Config`] comes from a TOML text ([`Config::read`], [`Config::parse`]) or from code (the builder methods), or from a
//! text and then code: both are merged over their preset and compiled by the same code. The text can say more: routes,
//! cookies, defaults of Cache-Control, isolation and `csp = false` have no method.

use std::time::Duration;

use ipnet::IpNet;
use mantlet_engine::policy::{Disposition, Https, Limit, LimitFields, OnError};

use crate::compile::compile_limit;
use crate::environment::Environment;
use crate::error::Report;
use crate::node::{Node, Value};
use crate::preset::{Overlay, Preset};
use crate::source::{At, Place};

/// What a policy file or code has said.
#[derive(Clone, Debug, Default)]
pub struct Config {
    pub(crate) preset: Option<At<Preset>>,
    pub(crate) environment: Option<At<Environment>>,
    pub(crate) https: Option<At<Https>>,
    pub(crate) trusted_proxies: Option<Vec<IpNet>>,
    pub(crate) client_address: Option<At<String>>,
    pub(crate) max_field_size: Option<FieldSizeSetting>,
    pub(crate) hosts: Option<HostsSetting>,
    pub(crate) cross_origin: Option<CrossOriginSetting>,
    pub(crate) limits: Vec<At<LimitSetting>>,
    /// What code has said, whole.
    pub(crate) built_limits: Vec<Limit>,
    pub(crate) limit_fields: Option<LimitFields>,
    pub(crate) redis: Option<At<RedisSetting>>,
    pub(crate) store_of_host: bool,
    pub(crate) tell_reason: Option<bool>,
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
    /// Cache-Control by media type.
    pub(crate) cache_by_type: Vec<(At<String>, At<String>)>,
    pub(crate) resource_isolation: Option<At<IsolationSetting>>,
}

/// A `[[route]]`.
#[derive(Clone, Debug)]
pub(crate) struct RouteSection {
    pub(crate) path: At<String>,
    pub(crate) html_only: bool,
    pub(crate) any_host: Option<At<bool>>,
    pub(crate) overlay: Option<At<Overlay>>,
    pub(crate) section: Section,
}

/// `[max_field_size]`, in bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct FieldSizeSetting {
    pub(crate) token: Option<usize>,
    pub(crate) cookie: Option<usize>,
    pub(crate) other: Option<usize>,
}

/// `[hosts]`
#[derive(Clone, Debug, Default)]
pub(crate) struct HostsSetting {
    pub(crate) allowed: Option<Vec<At<String>>>,
    pub(crate) www_redirect: Option<bool>,
    pub(crate) denial: Option<DenialSetting>,
    pub(crate) place: Option<Place>,
}

/// `[cross_origin]`
#[derive(Clone, Debug, Default)]
pub(crate) struct CrossOriginSetting {
    pub(crate) off: Option<bool>,
    pub(crate) disposition: DispositionSetting,
    pub(crate) allowed_origins: Option<Vec<At<String>>>,
    pub(crate) self_origins: Option<Vec<At<String>>>,
    pub(crate) exempt_paths: Option<Vec<At<String>>>,
    pub(crate) allow_unverifiable: Option<bool>,
    pub(crate) protect_websockets: Option<bool>,
    pub(crate) method_override: Option<Vec<At<String>>>,
    pub(crate) denial: Option<DenialSetting>,
}

/// `[[limit]]`
#[derive(Clone, Debug, Default)]
pub(crate) struct LimitSetting {
    pub(crate) name: Option<At<String>>,
    pub(crate) algorithm: Option<At<AlgorithmName>>,
    pub(crate) requests: Option<At<u32>>,
    pub(crate) base_requests: Option<At<u32>>,
    pub(crate) window: Option<At<Duration>>,
    pub(crate) burst: Option<At<u32>>,
    pub(crate) interpolated: Option<At<bool>>,
    pub(crate) min_requests: Option<At<u32>>,
    pub(crate) cpu_threshold: Option<At<f64>>,
    pub(crate) memory_threshold: Option<At<f64>>,
    pub(crate) latency_threshold: Option<At<Duration>>,
    pub(crate) max_in_flight: Option<At<u32>>,
    pub(crate) min_in_flight: Option<At<u32>>,
    pub(crate) health_paths: Option<At<Vec<At<String>>>>,
    pub(crate) key: Option<At<Vec<At<KeySetting>>>>,
    pub(crate) ipv4_prefix: Option<At<u32>>,
    pub(crate) ipv6_prefix: Option<At<u32>>,
    pub(crate) requests_of: SelectionSetting,
    pub(crate) exempt_paths: Option<Vec<At<String>>>,
    pub(crate) exempt_clients: Option<Vec<IpNet>>,
    pub(crate) cost: Option<At<u32>>,
    pub(crate) costs: Vec<(SelectionSetting, At<u32>)>,
    pub(crate) disposition: DispositionSetting,
    pub(crate) denial: Option<DenialSetting>,
    pub(crate) shared: Option<At<bool>>,
    pub(crate) on_error: Option<At<OnError>>,
    pub(crate) nodes: Option<At<u32>>,
    pub(crate) max_keys: Option<At<u32>>,
}

/// `algorithm` of a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum AlgorithmName {
    #[default]
    TokenBucket,
    SlidingWindow,
    Adaptive,
    Concurrency,
}

/// A part of a limit's `key`.
#[derive(Clone, Debug)]
pub(crate) enum KeySetting {
    Client,
    Route,
    Everybody,
    /// `{ header = "x-api-key" }`
    Header(At<String>),
}

/// `paths` and `methods`.
#[derive(Clone, Debug, Default)]
pub(crate) struct SelectionSetting {
    pub(crate) paths: Option<Vec<At<String>>>,
    pub(crate) methods: Option<Vec<At<String>>>,
}

/// `[store.redis]`
#[derive(Clone, Debug, Default)]
pub(crate) struct RedisSetting {
    pub(crate) url: Option<SecretSetting>,
    pub(crate) timeout: Option<At<Duration>>,
    pub(crate) ca_file: Option<At<String>>,
    pub(crate) client_cert_file: Option<At<String>>,
    pub(crate) client_key_file: Option<At<String>>,
    pub(crate) prefix: Option<At<String>>,
}

/// A text that should not stand in a file.
#[derive(Clone, Debug)]
pub(crate) enum SecretSetting {
    /// As it is.
    Text(At<String>),
    /// `{ env = "NAME" }`
    Environment(At<String>),
}

/// `disposition` and `enforce_percent` of a check.
#[derive(Clone, Debug, Default)]
pub(crate) struct DispositionSetting {
    pub(crate) report: Option<bool>,
    pub(crate) enforce_percent: Option<At<u8>>,
}

/// What is said of resource isolation.
#[derive(Clone, Debug)]
pub(crate) enum IsolationSetting {
    /// `false`
    Off,
    /// `true`, or `[resource_isolation]`
    On(IsolationTable),
}

/// `[resource_isolation]`
#[derive(Clone, Debug, Default)]
pub(crate) struct IsolationTable {
    pub(crate) disposition: DispositionSetting,
    pub(crate) allow_same_site: Option<bool>,
    pub(crate) allow_cors: Option<bool>,
    pub(crate) allow_framing: Option<bool>,
    pub(crate) denial: Option<DenialSetting>,
}

/// `denial` of a check.
#[derive(Clone, Debug, Default)]
pub(crate) struct DenialSetting {
    pub(crate) status: Option<u16>,
    pub(crate) content_type: Option<At<String>>,
    pub(crate) body: Option<At<String>>,
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

    /// Puts another preset under what has been said.
    #[must_use]
    pub fn over_preset(mut self, preset: Preset) -> Self {
        self.preset = Some(At::code(preset));
        self
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

    /// Where trusted peers tell the client's address: a word of the policy file's `client_address`.
    #[must_use]
    pub fn client_address(mut self, source: impl Into<String>) -> Self {
        self.client_address = Some(At::code(source.into()));
        self
    }

    /// The names the service answers to: `example.com`, `*.example.com`, with a port or for any. Others are denied (400),
    /// except in development.
    #[must_use]
    pub fn hosts(mut self, allowed: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let hosts = self.hosts.get_or_insert_default();
        hosts.allowed = Some(words(allowed));
        self
    }

    /// What becomes of a cross-origin request that changes state. Every preset but `none` denies it; with `none` this turns
    /// the protection on.
    #[must_use]
    pub fn cross_origin(mut self, disposition: Disposition) -> Self {
        let own = self.cross_origin.get_or_insert_default();
        own.off = Some(false);
        own.disposition = match disposition {
            Disposition::Enforce => DispositionSetting {
                report: Some(false),
                enforce_percent: None,
            },
            Disposition::Report { enforce_percent } => DispositionSetting {
                report: Some(true),
                enforce_percent: Some(At::code(enforce_percent.min(100))),
            },
        };
        self
    }

    /// Origins whose requests pass the cross-origin protection: `https://partner.example`.
    #[must_use]
    pub fn allowed_origins(mut self, origins: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.cross_origin.get_or_insert_default().allowed_origins = Some(words(origins));
        self
    }

    /// The service's own origins, for a proxy in front that changes Host: Origin is compared to them and not to Host.
    #[must_use]
    pub fn self_origins(mut self, origins: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.cross_origin.get_or_insert_default().self_origins = Some(words(origins));
        self
    }

    /// Paths that the cross-origin protection does not look at: whole segments, `/hooks` with all below it.
    #[must_use]
    pub fn danger_exempt_paths(
        mut self,
        paths: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.cross_origin.get_or_insert_default().exempt_paths = Some(words(paths));
        self
    }

    /// No cross-origin protection at all.
    #[must_use]
    pub fn danger_cross_origin_off(mut self) -> Self {
        self.cross_origin.get_or_insert_default().off = Some(true);
        self
    }

    /// Adds a limit of how many requests: see [`Limit`]. All limits hold at once.
    #[must_use]
    pub fn limit(mut self, limit: Limit) -> Self {
        self.built_limits.push(limit);
        self
    }

    /// A limit by the keys that `[[limit]]` has, as data: what the keywords of another language come to. It is added by
    /// [`Config::limit`]. Its store is not asked for here.
    ///
    /// # Errors
    /// Everything that is wrong with it, as of a policy file.
    pub fn limit_of(keys: &serde_json::Value) -> Result<Limit, Report> {
        compile_limit(&Node::of_json(keys))
    }

    /// Counts the limits of `store = "redis"` there: a URL, as `[store.redis]` takes it. Its other keys stay what they are.
    #[must_use]
    pub fn redis(mut self, url: impl Into<String>) -> Self {
        let redis = self
            .redis
            .get_or_insert_with(|| At::code(RedisSetting::default()));
        redis.value.url = Some(SecretSetting::Text(At::code(url.into())));
        self
    }

    /// The host brings a store of its own for the limits of `store = "redis"`: a policy without `[store.redis]` is no error.
    #[must_use]
    pub fn with_store_of_host(mut self) -> Self {
        self.store_of_host = true;
        self
    }

    /// How a client is told what limits leave; the fields of the IETF's draft 10 by default.
    #[must_use]
    pub fn limit_headers(mut self, fields: LimitFields) -> Self {
        self.limit_fields = Some(fields);
        self
    }

    /// Whether denials tell their reason code, in the response field `Mantlet-Reason`.
    #[must_use]
    pub fn tell_reason(mut self, told: bool) -> Self {
        self.tell_reason = Some(told);
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
