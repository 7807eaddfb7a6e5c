//! X-Frame-Options beside `frame-ancestors`: it follows, or it is an error.
//!
//! Several policies are all in force, so the strictest of them counts.

use http::HeaderValue;
use mantlet_engine::policy::Rule;
use mantlet_headers::csp::{Csp, DirectiveName};
use mantlet_headers::{Field, XFrameOptions};

use super::Compiler;
use crate::config::{HeaderSetting, Mode};
use crate::error::Diagnostic;
use crate::node::Value;
use crate::source::At;

impl Compiler {
    pub(super) fn framing(
        &mut self,
        csp: &Csp,
        said: Option<&(At<String>, HeaderSetting)>,
        rules: &mut Vec<Rule>,
    ) {
        let ancestors: Vec<String> = csp
            .policies()
            .iter()
            .filter_map(|policy| policy.get(DirectiveName::FrameAncestors))
            .map(|directive| directive.words().join(" "))
            .collect();
        if ancestors.is_empty() {
            return;
        }
        let one_says = |words: &str| ancestors.iter().any(|own| own == words);
        let follows = match () {
            () if one_says("'none'") => Some("DENY"),
            () if one_says("'self'") => Some("SAMEORIGIN"),
            () => None,
        };
        match (said, follows) {
            (None, Some(value)) => {
                rules.push(Rule::set(
                    http::header::X_FRAME_OPTIONS,
                    HeaderValue::from_static(value),
                ));
            }
            (Some((key, setting)), _)
                if setting.value.is_some() && setting.mode.is_none_or(|mode| mode != Mode::Off) =>
            {
                // another kind of value, or none of the field's, is at fault by itself
                let Some(Value::Text(written)) = setting.value.as_ref().map(|node| &node.value)
                else {
                    return;
                };
                if XFrameOptions::parse(written.as_bytes()).value.is_none() {
                    return;
                }
                if !follows.is_some_and(|value| value.eq_ignore_ascii_case(written)) {
                    let message = format!(
                        "{written} contradicts frame-ancestors {}, and a browser that knows both ignores X-Frame-Options",
                        ancestors.join(", "),
                    );
                    let hint = match follows {
                        Some(value) => format!(
                            "leave it out (it follows frame-ancestors: {value}), or change frame-ancestors"
                        ),
                        None => "x-frame-options = false, or change frame-ancestors".to_owned(),
                    };
                    let diagnostic = Diagnostic::error("headers.x-frame-options", message)
                        .value(written)
                        .hint(hint);
                    self.report.add(diagnostic.at(key.place.as_ref()));
                }
            }
            _ => {}
        }
    }
}
