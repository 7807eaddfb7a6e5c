//! Windows of other sites keep a handle to the page.

use mantlet_headers::{Coop, Field, Opener};

use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "isolation.opener",
    title: "Windows of other sites keep a handle to the page",
    severity: Severity::Low,
    effect: "A site that opened the page, or that it opened, can steer the window and learn from it what a visitor sees.",
    remedy: "Send Cross-Origin-Opener-Policy: same-origin; same-origin-allow-popups where sign-in happens in a popup.",
    references: &[
        "https://html.spec.whatwg.org/multipage/browsers.html#the-coop-headers",
        "https://xsleaks.dev/docs/defenses/opt-in/coop/",
    ],
    bad: "Content-Type: text/html\nCross-Origin-Opener-Policy: unsafe-none",
    good: "Content-Type: text/html\nCross-Origin-Opener-Policy: same-origin",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    let fix = Fix::set(Coop::NAME, "same-origin");
    match subject.parsed::<Coop>() {
        None if subject.is_document() => {
            found.push(Finding::new(&RULE, "There is no Cross-Origin-Opener-Policy.").fix(fix))
        }
        Some(parsed)
            if parsed
                .value
                .as_ref()
                .is_none_or(|coop| *coop == Coop::new(Opener::UnsafeNone)) =>
        {
            found.push(
                Finding::new(&RULE, "The Cross-Origin-Opener-Policy keeps the tie.")
                    .evidence(subject.evidence(Coop::NAME, ""))
                    .fix(fix),
            );
        }
        _ => {}
    }
}
