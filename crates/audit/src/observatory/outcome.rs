//! Every result of the Observatory's tests: its name, its points, and what it means in our words.

use super::Algorithm;

/// A result.
pub(super) struct Outcome {
    pub(super) name: &'static str,
    points: i32,
    pub(super) passes: bool,
    pub(super) description: &'static str,
}

impl Outcome {
    pub(super) fn modifier(&self, algorithm: Algorithm) -> i32 {
        // the one result whose points changed
        match (algorithm, self.name) {
            (Algorithm::Four, "x-frame-options-sameorigin-or-deny") => 0,
            _ => self.points,
        }
    }
}

macro_rules! outcomes {
    ($($constant:ident = $name:literal, $points:literal, $passes:ident, $description:literal;)+) => {
        $(pub(super) static $constant: Outcome = Outcome {
            name: $name,
            points: $points,
            passes: outcomes!(@ $passes),
            description: $description,
        };)+

        #[cfg(test)]
        static ALL: &[&Outcome] = &[$(&$constant),+];
    };
    (@ pass) => { true };
    (@ fail) => { false };
}

outcomes! {
    CSP_DEFAULT_NONE = "csp-implemented-with-no-unsafe-default-src-none", 10, pass,
        "The policy starts from default-src 'none' and allows nothing unsafe.";
    CSP_NO_UNSAFE = "csp-implemented-with-no-unsafe", 5, pass,
        "The policy allows neither inline script nor eval.";
    CSP_STYLE_ONLY = "csp-implemented-with-unsafe-inline-in-style-src-only", 0, pass,
        "The policy is loose for styles only.";
    CSP_DUPLICATES = "csp-implemented-but-duplicate-directives", 0, pass,
        "The policy names a reporting directive twice.";
    CSP_PASSIVE = "csp-implemented-with-insecure-scheme-in-passive-content-only", -10, pass,
        "The policy lets images or media come over plain http.";
    CSP_EVAL = "csp-implemented-with-unsafe-eval", -10, fail,
        "The policy allows eval.";
    CSP_INLINE = "csp-implemented-with-unsafe-inline", -20, fail,
        "The policy allows inline script, or scripts or plugins from nearly anywhere.";
    CSP_SCHEME = "csp-implemented-with-insecure-scheme", -20, fail,
        "The policy of an https page lets active content come over plain http.";
    CSP_INVALID = "csp-header-invalid", -25, fail,
        "The Observatory cannot read the policy.";
    CSP_REPORTING = "csp-not-implemented-but-reporting-enabled", -25, fail,
        "There is a report-only policy, and none that is enforced.";
    CSP_ABSENT = "csp-not-implemented", -25, fail,
        "There is no policy.";

    COOKIES_SAMESITE = "cookies-secure-with-httponly-sessions-and-samesite", 5, pass,
        "Every cookie is Secure and has SameSite; session cookies are HttpOnly.";
    COOKIES_SECURE = "cookies-secure-with-httponly-sessions", 0, pass,
        "Every cookie is Secure, session cookies are HttpOnly; some have no SameSite.";
    COOKIES_ABSENT = "cookies-not-found", 0, pass,
        "No cookie was set.";
    COOKIES_HSTS = "cookies-without-secure-flag-but-protected-by-hsts", -5, fail,
        "A cookie is not Secure; Strict-Transport-Security keeps it off plain http.";
    COOKIES_SESSION_HSTS = "cookies-session-without-secure-flag-but-protected-by-hsts", -10, fail,
        "A session cookie is not Secure; Strict-Transport-Security keeps it off plain http.";
    COOKIES_INSECURE = "cookies-without-secure-flag", -20, fail,
        "A cookie is not Secure.";
    COOKIES_BAD_SAMESITE = "cookies-samesite-flag-invalid", -20, fail,
        "A cookie has a SameSite that is none, or SameSite=None without Secure.";
    COOKIES_CSRF = "cookies-anticsrf-without-samesite-flag", -20, fail,
        "A cookie against forgery has no SameSite.";
    COOKIES_SCRIPTABLE = "cookies-session-without-httponly-flag", -30, fail,
        "A session cookie can be read by scripts.";
    COOKIES_SESSION_INSECURE = "cookies-session-without-secure-flag", -40, fail,
        "A session cookie is not Secure.";

    CORS_ABSENT = "cross-origin-resource-sharing-not-implemented", 0, pass,
        "Other origins cannot read the page.";
    CORS_PUBLIC = "cross-origin-resource-sharing-implemented-with-public-access", 0, pass,
        "Every origin can read the page, without credentials.";
    CORS_RESTRICTED = "cross-origin-resource-sharing-implemented-with-restricted-access", 0, pass,
        "Some origins can read the page.";
    CORS_UNIVERSAL = "cross-origin-resource-sharing-implemented-with-universal-access", -50, fail,
        "Every origin can read the page with the visitor's credentials.";

    REDIRECTION_PRELOADED = "redirection-all-redirects-preloaded", 0, pass,
        "Browsers ask every host of the redirects by https only.";
    REDIRECTION_HTTPS = "redirection-to-https", 0, pass,
        "Plain http redirects to https on the same host first.";
    REDIRECTION_NO_HTTP = "redirection-not-needed-no-http", 0, pass,
        "Nothing answers on plain http.";
    REDIRECTION_OFF_HOST = "redirection-off-host-from-http", -5, fail,
        "Plain http redirects to another host, so this host cannot set Strict-Transport-Security.";
    REDIRECTION_LATE = "redirection-not-to-https-on-initial-redirection", -10, fail,
        "The first redirect stays on plain http.";
    REDIRECTION_NEVER = "redirection-not-to-https", -20, fail,
        "Plain http redirects, and not to https.";
    REDIRECTION_MISSING = "redirection-missing", -20, fail,
        "Plain http does not redirect.";
    REDIRECTION_CERTIFICATE = "redirection-invalid-cert", -20, fail,
        "Plain http redirects to a certificate that browsers refuse.";

    REFERRER_PRIVATE = "referrer-policy-private", 5, pass,
        "Paths stay with the site.";
    REFERRER_ABSENT = "referrer-policy-not-implemented", 0, pass,
        "There is no Referrer-Policy; browsers default to strict-origin-when-cross-origin.";
    REFERRER_UNSAFE = "referrer-policy-unsafe", -5, fail,
        "The origin, or the whole URL, goes to others over plain http too.";
    REFERRER_INVALID = "referrer-policy-header-invalid", -5, fail,
        "The Referrer-Policy names no policy.";

    HSTS_PRELOADED = "hsts-preloaded", 5, pass,
        "Browsers ask the host by https only, from their preload list.";
    HSTS_LONG = "hsts-implemented-max-age-at-least-six-months", 0, pass,
        "Browsers remember for half a year or more to ask by https only.";
    HSTS_SHORT = "hsts-implemented-max-age-less-than-six-months", -10, fail,
        "Browsers forget in less than half a year to ask by https only.";
    HSTS_ABSENT = "hsts-not-implemented", -20, fail,
        "There is no Strict-Transport-Security.";
    HSTS_INVALID = "hsts-header-invalid", -20, fail,
        "The Strict-Transport-Security cannot be read, or is sent twice.";
    HSTS_NO_HTTPS = "hsts-not-implemented-no-https", -20, fail,
        "The site has no https.";
    HSTS_CERTIFICATE = "hsts-invalid-cert", -20, fail,
        "Browsers refuse the certificate, and with it Strict-Transport-Security.";

    SRI_ALL = "sri-implemented-and-all-scripts-loaded-securely", 5, pass,
        "Scripts of the site itself have an integrity.";
    SRI_EXTERNAL = "sri-implemented-and-external-scripts-loaded-securely", 5, pass,
        "Every script of others has an integrity and comes over https.";
    SRI_NOT_HTML = "sri-not-implemented-response-not-html", 0, pass,
        "The response is no HTML.";
    SRI_NO_SCRIPTS = "sri-not-implemented-but-no-scripts-loaded", 0, pass,
        "The page has no script.";
    SRI_OWN = "sri-not-implemented-but-all-scripts-loaded-from-secure-origin", 0, pass,
        "Every script is of the site itself.";
    SRI_MISSING = "sri-not-implemented-but-external-scripts-loaded-securely", -5, fail,
        "A script of others comes over https without an integrity.";
    SRI_INSECURE = "sri-implemented-but-external-scripts-not-loaded-securely", -20, fail,
        "A script of others has an integrity and may come over plain http.";
    SRI_NOTHING = "sri-not-implemented-and-external-scripts-not-loaded-securely", -50, fail,
        "A script of others may come over plain http, without an integrity.";

    SNIFFING_OFF = "x-content-type-options-nosniff", 0, pass,
        "Browsers take the media type at its word.";
    SNIFFING_ABSENT = "x-content-type-options-not-implemented", -5, fail,
        "There is no X-Content-Type-Options.";
    SNIFFING_INVALID = "x-content-type-options-header-invalid", -5, fail,
        "The X-Content-Type-Options is not nosniff.";

    FRAMING_CSP = "x-frame-options-implemented-via-csp", 5, pass,
        "frame-ancestors says who may embed the page.";
    FRAMING_SET = "x-frame-options-sameorigin-or-deny", 5, pass,
        "X-Frame-Options says that others may not embed the page.";
    FRAMING_ALLOW_FROM = "x-frame-options-allow-from-origin", 0, pass,
        "X-Frame-Options names one origin, which browsers ignore.";
    FRAMING_ABSENT = "x-frame-options-not-implemented", -20, fail,
        "Anybody may embed the page.";
    FRAMING_INVALID = "x-frame-options-header-invalid", -20, fail,
        "The X-Frame-Options is none, so anybody may embed the page.";

    CORP_ORIGIN = "corp-implemented-with-same-origin", 10, pass,
        "Only the origin itself may embed the response.";
    CORP_SITE = "corp-implemented-with-same-site", 10, pass,
        "Only the site itself may embed the response.";
    CORP_ANY = "corp-implemented-with-cross-origin", 0, pass,
        "Anybody may embed the response.";
    CORP_ABSENT = "corp-not-implemented", 0, pass,
        "There is no Cross-Origin-Resource-Policy.";
    CORP_INVALID = "corp-header-invalid", -5, fail,
        "The Cross-Origin-Resource-Policy is none.";

    COOP_ORIGIN = "coop-implemented-with-same-origin", 10, pass,
        "The page shares its browsing context group with its own origin only.";
    COOP_POPUPS = "coop-implemented-with-same-origin-allow-popups", 10, pass,
        "The page keeps contact with what it opens, and with nobody who opens it.";
    COOP_NOOPENER = "coop-implemented-with-noopener-allow-popups", 10, pass,
        "The page is cut off from who opens it.";
    COOP_NONE = "coop-implemented-with-unsafe-none", 0, pass,
        "The page stays in contact with who opens it.";
    COOP_ABSENT = "coop-not-implemented", 0, pass,
        "There is no Cross-Origin-Opener-Policy.";
    COOP_INVALID = "coop-header-invalid", -5, fail,
        "The Cross-Origin-Opener-Policy is none.";

    COEP_CORP = "coep-implemented-with-require-corp", 10, pass,
        "The page embeds only what agrees to it.";
    COEP_CREDENTIALLESS = "coep-implemented-with-credentialless", 10, pass,
        "The page embeds others without credentials.";
    COEP_NONE = "coep-implemented-with-unsafe-none", 0, pass,
        "The page embeds anything.";
    COEP_ABSENT = "coep-not-implemented", 0, pass,
        "There is no Cross-Origin-Embedder-Policy.";
    COEP_INVALID = "coep-header-invalid", -5, fail,
        "The Cross-Origin-Embedder-Policy is none.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_a_bonus_passes() {
        for (i, outcome) in ALL.iter().enumerate() {
            assert!(outcome.description.ends_with('.'), "{}", outcome.name);
            assert!(outcome.points <= 0 || outcome.passes, "{}", outcome.name);
            assert!(
                ALL[i + 1..].iter().all(|other| other.name != outcome.name),
                "{}",
                outcome.name
            );
        }
    }
}
