//! The test `content-security-policy`: one map of directives from every policy of headers and meta elements, then a
//! verdict, the first that applies.
//!
//! The map is not what browsers enforce: a repeated directive is an error, nonces and paths are in lower case, and of
//! several policies it keeps the sources on which two agree.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::outcome::{self, Outcome};
use super::text::{is_space, trim};
use super::{Algorithm, Seen, Test, collation};

const BROAD: [&str; 8] = [
    "ftp:",
    "http:",
    "https:",
    "*",
    "http://*",
    "http://*.*",
    "https://*",
    "https://*.*",
];
/// The shortest policy that is taken for one, in UTF-16 units.
const SHORTEST: usize = 6;

/// The verdict, and what the test of framing needs of it.
pub(super) struct Judged {
    pub(super) test: Test,
    pub(super) has_frame_ancestors: bool,
}

pub(super) fn judge(seen: &Seen<'_>) -> Judged {
    let (outcome, map) = verdict(seen);
    let mut test = Test::new(
        "content-security-policy",
        outcome::CSP_NO_UNSAFE.name,
        outcome,
        seen.algorithm,
    );
    if let Some(map) = &map {
        let mut data: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, sources) in &map.directives {
            let mut sources: Vec<&str> = sources.iter().map(String::as_str).collect();
            sources.sort_unstable();
            data.insert(name, sources);
        }
        test = test.data(serde_json::to_value(data).unwrap_or(Value::Null));
    }
    Judged {
        has_frame_ancestors: map.is_some_and(|map| map.place("frame-ancestors").is_some()),
        test,
    }
}

/// The result, and the map unless there is none.
fn verdict(seen: &Seen<'_>) -> (&'static Outcome, Option<Directives>) {
    let split = |values: Vec<String>| match seen.algorithm {
        Algorithm::Four => values,
        Algorithm::Six => {
            let parts = values.iter().flat_map(|value| value.split(','));
            parts.map(|part| trim(part).to_owned()).collect()
        }
    };
    let header = seen.field("content-security-policy");
    let header = split(header.into_iter().map(String::from).collect());
    let meta = match seen.reads_meta {
        true => split(seen.page.policies.clone()),
        false => Vec::new(),
    };
    let every: Vec<&str> = header.iter().chain(&meta).map(String::as_str).collect();
    let Ok(mut map) = Directives::read(&every) else {
        return (&outcome::CSP_INVALID, None);
    };
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let meta: Vec<&str> = meta.iter().map(String::as_str).collect();
    let of_header = Directives::read(&header).map_or(0, |map| map.size());
    let of_meta = Directives::read(&meta).map_or(0, |mut map| {
        map.directives.retain(|(name, _)| {
            !matches!(name.as_str(), "frame-ancestors" | "report-uri" | "sandbox")
        });
        map.size()
    });
    if of_header + of_meta == 0 {
        let reports = seen.filled("content-security-policy-report-only").is_some();
        let outcome = match reports {
            true => &outcome::CSP_REPORTING,
            false => &outcome::CSP_ABSENT,
        };
        return (outcome, None);
    }
    let is_https = seen.observation.tls.is_https();
    let outcome = map.verdict(is_https);
    let passes = outcome.passes && outcome.name != outcome::CSP_DUPLICATES.name;
    match passes && map.duplicates > 0 {
        true => (&outcome::CSP_DUPLICATES, Some(map)),
        false => (outcome, Some(map)),
    }
}

/// A policy that the Observatory does not read.
struct Invalid;

/// Directives and their sources, in the order in which they were met.
struct Directives {
    directives: Vec<(String, Vec<String>)>,
    /// Reporting directives that were repeated.
    duplicates: usize,
}

struct Source {
    text: String,
    policy: usize,
    keep: bool,
}

impl Directives {
    fn read(policies: &[&str]) -> Result<Self, Invalid> {
        let clean: Vec<String> = policies
            .iter()
            .map(|policy| trim(&policy.replace(['\r', '\n'], "")).to_owned())
            .collect();
        if clean
            .iter()
            .any(|policy| policy.encode_utf16().count() < SHORTEST)
        {
            return Err(Invalid);
        }
        let mut map: Vec<(String, Vec<Source>)> = Vec::new();
        let mut duplicates: Vec<String> = Vec::new();
        for (index, policy) in clean.iter().enumerate() {
            let mut met: Vec<String> = Vec::new();
            for entry in policy.split(';') {
                let mut words = entry.split(is_space).filter(|word| !word.is_empty());
                let Some(name) = words.next() else { continue };
                let name = name.to_lowercase();
                if met.contains(&name) {
                    match name.as_str() {
                        "report-uri" | "report-to" => duplicates.push(name.clone()),
                        _ => return Err(Invalid),
                    }
                } else {
                    met.push(name.clone());
                }
                let source = |text: String| Source {
                    text,
                    policy: index,
                    keep: index == 0,
                };
                let mut sources: Vec<Source> =
                    words.map(|word| source(word.to_lowercase())).collect();
                if sources.is_empty() && name.ends_with("-src") {
                    sources.push(source("'none'".to_owned()));
                }
                let place = map.iter().position(|(own, _)| *own == name);
                let mut both = match place {
                    Some(at) if index > 0 => std::mem::take(&mut map[at].1),
                    _ => Vec::new(),
                };
                both.append(&mut sources);
                both.sort_by(|a, b| collation::compare(&a.text, &b.text));
                keep_common(&mut both)?;
                both.retain(|source| source.keep);
                if index == 0 && clean.len() > 1 {
                    both.iter_mut().for_each(|source| source.keep = false);
                }
                match place {
                    Some(at) => map[at].1 = both,
                    None => map.push((name, both)),
                }
            }
        }
        duplicates.sort_unstable();
        duplicates.dedup();
        let directives = map.into_iter().map(|(name, sources)| {
            let mut texts: Vec<String> = Vec::with_capacity(sources.len());
            for source in sources {
                if !texts.contains(&source.text) {
                    texts.push(source.text);
                }
            }
            if texts.is_empty() {
                texts.push("'none'".to_owned());
            }
            (name, texts)
        });
        Ok(Self {
            directives: directives.collect(),
            duplicates: duplicates.len(),
        })
    }

    /// How many entries the Observatory counts: a repeated reporting directive is noted as one more.
    fn size(&self) -> usize {
        self.directives.len() + usize::from(self.duplicates > 0)
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.directives.iter().position(|(own, _)| own == name)
    }

    fn sources(&self, place: Option<usize>) -> &[String] {
        place.map_or(&[], |at| self.directives[at].1.as_slice())
    }

    /// Whether a source list holds one that `test` finds; a list that is not there is `*`.
    fn any(&self, place: Option<usize>, test: impl Fn(&str) -> bool) -> bool {
        match place {
            Some(at) => self.directives[at].1.iter().any(|source| test(source)),
            None => test("*"),
        }
    }

    fn verdict(&mut self, is_https: bool) -> &'static Outcome {
        let default = self.place("default-src");
        let script = self.place("script-src").or(default);
        let style = self.place("style-src").or(default);
        let object = self.place("object-src").or(default);

        for place in [script, style].into_iter().flatten() {
            let list = &mut self.directives[place].1;
            if list.iter().any(|source| is_nonce_or_hash(source)) {
                list.retain(|source| source != "'unsafe-inline'");
            }
        }
        if self
            .sources(script)
            .iter()
            .any(|source| source == "'strict-dynamic'")
        {
            match script.filter(|&at| {
                self.directives[at]
                    .1
                    .iter()
                    .any(|source| is_nonce_or_hash(source))
            }) {
                // in place: a default-src that stands in for script-src changes with it
                Some(at) => self.directives[at].1.retain(|source| {
                    source != "'self'"
                        && source != "'unsafe-inline'"
                        && !BROAD.iter().any(|broad| source.starts_with(broad))
                }),
                None => return &outcome::CSP_INVALID,
            }
        }
        let is_broad = |source: &str| BROAD.contains(&source);
        let is_loose =
            |source: &str| is_broad(source) || matches!(source, "'unsafe-inline'" | "data:");
        let is_plain = |source: &str| source.starts_with("http:") || source.starts_with("ftp:");

        if self.any(script, is_loose) || self.any(object, is_broad) {
            return &outcome::CSP_INLINE;
        }
        let active = self
            .directives
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "img-src" | "media-src"))
            .flat_map(|(_, sources)| sources);
        if is_https && active.into_iter().any(|source| is_plain(source)) {
            return &outcome::CSP_SCHEME;
        }
        let evaluates = |place| {
            self.sources(place)
                .iter()
                .any(|source| source == "'unsafe-eval'")
        };
        if evaluates(script) || evaluates(style) {
            return &outcome::CSP_EVAL;
        }
        let mut passive = ["img-src", "media-src"]
            .into_iter()
            .flat_map(|name| self.sources(self.place(name).or(default)));
        if is_https && passive.any(|source| is_plain(source)) {
            return &outcome::CSP_PASSIVE;
        }
        if self.any(style, is_loose) {
            return &outcome::CSP_STYLE_ONLY;
        }
        match self.sources(default) {
            [only] if only == "'none'" => &outcome::CSP_DEFAULT_NONE,
            _ => &outcome::CSP_NO_UNSAFE,
        }
    }
}

fn is_nonce_or_hash(source: &str) -> bool {
    ["'sha256-", "'sha384-", "'sha512-", "'nonce-"]
        .iter()
        .any(|start| source.starts_with(start))
}

/// Of neighbours in the sorted list: of one policy, the longer is superfluous; of two, one that both hold is kept.
fn keep_common(sorted: &mut [Source]) -> Result<(), Invalid> {
    for i in 1..sorted.len() {
        let (before, rest) = sorted.split_at_mut(i);
        let (previous, source) = (&before[i - 1], &mut rest[0]);
        if source.policy == previous.policy {
            if source.text.starts_with(&previous.text) {
                source.keep = false;
            }
        } else if paths_match(&previous.text, &source.text)? {
            source.keep = true;
        }
    }
    Ok(())
}

/// Path matching of CSP, over whole source expressions; a bad escape in either is an error there.
fn paths_match(a: &str, b: &str) -> Result<bool, Invalid> {
    if a.is_empty() || (a == "/" && b.is_empty()) {
        return Ok(true);
    }
    let is_exact = !a.ends_with('/');
    let (mut of_a, of_b): (Vec<&str>, Vec<&str>) = (a.split('/').collect(), b.split('/').collect());
    if of_a.len() > of_b.len() || (is_exact && of_a.len() != of_b.len()) {
        return Ok(false);
    }
    if !is_exact {
        of_a.pop();
    }
    for (a, b) in of_a.into_iter().zip(of_b) {
        if decoded(a)? != decoded(b)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn decoded(text: &str) -> Result<String, Invalid> {
    let bytes = text.as_bytes();
    let is_hex = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_hexdigit);
    let is_escape = |at: usize| is_hex(at + 1) && is_hex(at + 2);
    if (0..bytes.len()).any(|at| bytes[at] == b'%' && !is_escape(at)) {
        return Err(Invalid);
    }
    match percent_decode_str(text).decode_utf8() {
        Ok(decoded) => Ok(decoded.into_owned()),
        Err(_) => Err(Invalid),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(policies: &[&str]) -> &'static str {
        match Directives::read(policies) {
            Ok(mut map) => map.verdict(true).name,
            Err(Invalid) => outcome::CSP_INVALID.name,
        }
    }

    #[test]
    fn the_first_verdict_that_applies_is_given() {
        for (policy, name) in [
            (
                "default-src 'none'",
                "csp-implemented-with-no-unsafe-default-src-none",
            ),
            ("default-src 'self'", "csp-implemented-with-no-unsafe"),
            ("script-src 'self'", "csp-implemented-with-unsafe-inline"),
            (
                "default-src 'self'; style-src 'unsafe-inline'",
                "csp-implemented-with-unsafe-inline-in-style-src-only",
            ),
            (
                "default-src 'self' 'unsafe-eval'",
                "csp-implemented-with-unsafe-eval",
            ),
            (
                "default-src 'self'; img-src http:",
                "csp-implemented-with-insecure-scheme-in-passive-content-only",
            ),
            (
                "default-src 'self'; report-uri http://a.example/",
                "csp-implemented-with-insecure-scheme",
            ),
            (
                "default-src 'self'; default-src 'none'",
                "csp-header-invalid",
            ),
            ("default-src 'strict-dynamic'", "csp-header-invalid"),
            (
                "default-src 'none'; script-src 'nonce-a' 'strict-dynamic' https: 'unsafe-inline'",
                "csp-implemented-with-no-unsafe-default-src-none",
            ),
            ("abc", "csp-header-invalid"),
        ] {
            assert_eq!(of(&[policy]), name, "{policy}");
        }
    }

    #[test]
    fn of_several_policies_the_common_sources_survive() {
        assert_eq!(
            of(&["default-src *", "default-src 'none'"]),
            "csp-implemented-with-no-unsafe-default-src-none"
        );
        assert_eq!(
            of(&["default-src *", "default-src *"]),
            "csp-implemented-with-unsafe-inline"
        );
        assert_eq!(
            of(&[
                "default-src https://a.example/%zz 'self'",
                "default-src https://a.example/%zz"
            ]),
            "csp-header-invalid"
        );
    }
}
