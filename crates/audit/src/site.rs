//! Which names belong together: registrable domains by the public suffix list (<https://publicsuffix.org/>).

use psl::Type;

/// The registrable domain of `host` by the suffixes of registries alone, as cookies of `github.io` would not have it;
/// `None` for an address, a suffix and the empty name. In lower case.
pub(crate) fn registry_domain(host: &str) -> Option<String> {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    if is_address(&host) {
        return None;
    }
    let mut name = host.as_str();
    loop {
        let suffix = psl::suffix_str(name)?;
        let found = psl::suffix(suffix.as_bytes())?;
        if found.typ() != Some(Type::Private) {
            return with_label(&host, suffix);
        }
        (_, name) = suffix.split_once('.')?;
    }
}

/// The registrable domain of `host`, of registries and of hosters like github.io; `None` as above.
pub(crate) fn registrable_domain(host: &str) -> Option<String> {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    if is_address(&host) {
        return None;
    }
    psl::domain_str(&host).map(str::to_owned)
}

/// `suffix` with the label of `host` before it.
fn with_label(host: &str, suffix: &str) -> Option<String> {
    let before = host.strip_suffix(suffix)?.strip_suffix('.')?;
    let label = before.rsplit('.').next()?;
    (!label.is_empty()).then(|| format!("{label}.{suffix}"))
}

/// Whether it is an IP address, with or without brackets.
pub(crate) fn is_address(host: &str) -> bool {
    host.starts_with('[') || host.parse::<std::net::IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_suffixes_count_for_sites_and_not_for_registries() {
        for (host, registry, site) in [
            (
                "a.b.example.co.uk",
                Some("example.co.uk"),
                Some("example.co.uk"),
            ),
            ("A.Github.io", Some("github.io"), Some("a.github.io")),
            (
                "x.y.s3.amazonaws.com",
                Some("amazonaws.com"),
                Some("y.s3.amazonaws.com"),
            ),
            ("localhost", None, None),
            ("com", None, None),
            ("127.0.0.1", None, None),
            ("[::1]", None, None),
            ("", None, None),
        ] {
            assert_eq!(registry_domain(host).as_deref(), registry, "{host}");
            assert_eq!(registrable_domain(host).as_deref(), site, "{host}");
        }
    }
}
