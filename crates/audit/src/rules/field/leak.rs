//! A field that tells attackers what the server runs.

use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "field.leak",
    title: "A field tells what the server runs",
    severity: Severity::Low,
    effect: "A name and a version are a list of exploits to try; inner addresses are a map.",
    remedy: "Remove the field at the proxy or in the application.",
    references: &[
        "https://owasp.org/www-project-secure-headers/ci/headers_remove.json",
        "https://www.rfc-editor.org/rfc/rfc9110#section-17.12",
    ],
    bad: "Server: Apache/2.4.1 (Unix)",
    good: "Server: Apache",
    check,
};

/// Fields of frameworks, caches and meshes, in lower case; `*` stands for any end.
const TELLING: &[&str] = &[
    "x-powered-by",
    "x-powered-by-*",
    "x-aspnet-version",
    "x-aspnetmvc-version",
    "x-generator",
    "x-drupal-*",
    "x-php-version",
    "x-runtime",
    "x-rack-cache",
    "x-backend",
    "x-backend-server",
    "x-served-by",
    "x-server",
    "x-server-name",
    "x-host",
    "x-hostname",
    "x-varnish",
    "x-varnish-*",
    "x-b3-*",
    "x-envoy-*",
    "x-cf-powered-by",
    "x-cms",
    "x-content-encoded-by",
    "x-debug-token",
    "x-debug-token-link",
    "x-jitsi-release",
    "x-joomla-version",
    "x-kubernetes-*",
    "x-litespeed-*",
    "x-mod-pagespeed",
    "x-nginx-*",
    "x-old-content-length",
    "x-owa-version",
    "x-page-speed",
    "x-php-response-code",
    "x-pingback",
    "x-redirect-by",
    "x-turbo-charged-by",
    "x-umbraco-version",
    "x-woodpecker-version",
    "liferay-portal",
    "microsoftsharepointteamservices",
    "ohc-file-size",
    "pega-host",
    "powered-by",
    "product",
    "sourcemap",
    "x-sourcemap",
    "via-proxy",
    "x-atmosphere-*",
    "x-azure-ref",
    "x-beserver",
    "x-calculatedbetarget",
    "x-diaginfo",
    "x-feserver",
    "x-ms-*-server",
    "k-proxy-request",
    "host-header",
];

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    for (name, value) in subject.seen.response.headers.iter() {
        let lower = name.to_ascii_lowercase();
        let is_server = lower == "server";
        let is_telling = TELLING.iter().any(|known| match known.split_once('*') {
            Some((start, end)) => lower.starts_with(start) && lower.ends_with(end),
            None => *known == lower,
        });
        // a product without a version says little
        let has_version = value.bytes().any(|b| b.is_ascii_digit());
        if !value.is_empty() && ((is_server && has_version) || is_telling) {
            let evidence = Evidence::whole(name, value);
            found.push(
                Finding::new(&RULE, format!("{name} tells {value:?}."))
                    .evidence(evidence)
                    .fix(Fix::remove(name)),
            );
        }
    }
}
