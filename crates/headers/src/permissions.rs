//! Permissions-Policy (W3C): which features a page and its frames may use.
//!
//! ```text
//! Permissions-Policy = sf-dictionary                 ; feature = allowlist
//! allowlist          = "*" / "self" / sf-string / "(" *( "*" / "self" / sf-string ) ")" [ ";report-to=" token ]
//! sf-string          = DQUOTE origin DQUOTE          ; https://a.example or https://*.a.example
//! ```
//!
//! One slip of the grammar, such as `geolocation=('self')` or an upper-case feature, voids the whole field: everything
//! stays allowed. A word that is neither `*` nor `self` is skipped, so `camera=none` denies, but says it wrongly.
//! <https://www.w3.org/TR/permissions-policy/#permissions-policy-http-header-field>
//!
//! ```
//! use mantlet_headers::{Allow, PermissionsPolicy};
//! let policy = PermissionsPolicy::new()
//!     .allow("geolocation", [Allow::SelfOrigin, Allow::origin("https://*.maps.example")?])?
//!     .deny("camera")?;
//! assert_eq!(policy.to_string(), r#"geolocation=(self "https://*.maps.example"), camera=()"#);
//! # Ok::<(), mantlet_headers::Refused>(())
//! ```

mod allow;
mod features;
mod reading;

use std::fmt;

pub use allow::{Allow, PermittedOrigin};
pub use features::{FEATURES, RETIRED_FEATURES};

use crate::endpoint::Endpoint;
use crate::fault::{Fault, Parsed, Refused};
use crate::field::{Field, from_str_by_build};
use crate::malformed::Malformed;
use crate::twin::report_only;

/// A Permissions-Policy value: features in the order in which they were named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PermissionsPolicy {
    permissions: Vec<Permission>,
}

/// Who may use one feature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    feature: String,
    allowlist: Vec<Allow>,
    report_to: Option<Endpoint>,
}

impl Permission {
    /// The feature, in lower case.
    pub fn feature(&self) -> &str {
        &self.feature
    }

    /// Who may use it; empty for nobody.
    pub fn allowlist(&self) -> &[Allow] {
        &self.allowlist
    }

    /// Where violations are reported.
    pub const fn endpoint(&self) -> Option<&Endpoint> {
        self.report_to.as_ref()
    }
}

impl PermissionsPolicy {
    /// Says nothing of any feature.
    pub const fn new() -> Self {
        Self {
            permissions: Vec::new(),
        }
    }

    /// Nobody may use the feature.
    ///
    /// # Errors
    /// [`Refused`] if the name cannot be one of a feature. An unknown feature is a matter of [`Self::warnings`].
    pub fn deny(self, feature: &str) -> Result<Self, Refused> {
        self.allow(feature, [])
    }

    /// The given origins may use the feature. A feature named again is replaced in its place.
    ///
    /// # Errors
    /// [`Refused`] if the name cannot be one of a feature, or if [`Allow::Everyone`] is not alone.
    pub fn allow(
        mut self,
        feature: &str,
        allowlist: impl IntoIterator<Item = Allow>,
    ) -> Result<Self, Refused> {
        check_feature(feature)?;
        let mut list: Vec<Allow> = Vec::new();
        for allow in allowlist {
            if !list.contains(&allow) {
                list.push(allow);
            }
        }
        if list.len() > 1 && list.contains(&Allow::Everyone) {
            let message = "* stands alone: it includes every other origin";
            return Err(Malformed::new("permissions-policy.everyone", 0..0, message).into());
        }
        let permission = Permission {
            feature: feature.to_owned(),
            allowlist: list,
            report_to: None,
        };
        self.put(permission);
        Ok(self)
    }

    /// The words of a policy file: `self`, `*`, origins; `none` or no word at all for nobody.
    ///
    /// # Errors
    /// As [`Self::allow`], and for a word that is none of these.
    pub fn feature(self, feature: &str, words: &[&str]) -> Result<Self, Refused> {
        match words {
            ["none"] => self.deny(feature),
            _ => {
                let allowlist: Result<Vec<_>, _> = words.iter().map(|word| word.parse()).collect();
                self.allow(feature, allowlist?)
            }
        }
    }

    /// Reports violations of a feature that was named before to an endpoint of Reporting-Endpoints.
    ///
    /// # Errors
    /// [`Refused`] if the feature was not named.
    pub fn report_to(mut self, feature: &str, endpoint: Endpoint) -> Result<Self, Refused> {
        let permission = self
            .permissions
            .iter_mut()
            .find(|permission| permission.feature == feature);
        let Some(permission) = permission else {
            let message = "the feature has no allowlist to report about";
            return Err(Malformed::new("permissions-policy.report-to", 0..0, message).into());
        };
        permission.report_to = Some(endpoint);
        Ok(self)
    }

    /// Every feature, in order.
    pub fn permissions(&self) -> &[Permission] {
        &self.permissions
    }

    /// Who may use a feature; `None` if the policy says nothing of it.
    pub fn get(&self, feature: &str) -> Option<&Permission> {
        self.permissions
            .iter()
            .find(|permission| permission.feature == feature)
    }

    /// What is unknown, retired or weak in it, with places in the printed value.
    pub fn warnings(&self) -> Vec<Fault> {
        Self::parse(self.to_string().as_bytes()).faults
    }

    fn put(&mut self, permission: Permission) {
        let same = self
            .permissions
            .iter_mut()
            .find(|other| other.feature == permission.feature);
        match same {
            Some(other) => *other = permission,
            None => self.permissions.push(permission),
        }
    }
}

fn check_feature(feature: &str) -> Result<(), Malformed> {
    if sfv::KeyRef::from_str(feature).is_ok() {
        return Ok(());
    }
    let message = "not the name of a feature: it would void the whole field";
    Err(
        Malformed::new("permissions-policy.feature", 0..feature.len(), message)
            .hint("lower-case letters, digits and hyphens"),
    )
}

impl Field for PermissionsPolicy {
    const NAME: &'static str = "Permissions-Policy";
    const SPEC: &'static str =
        "https://www.w3.org/TR/permissions-policy/#permissions-policy-http-header-field";
    const SUMMARY: &'static str = "Decides which features the page and the frames in it may use.";
    const EXAMPLES: &'static [&'static str] = &[
        "geolocation=(), microphone=(), camera=()",
        "geolocation=(self \"https://a.example\"), fullscreen=*",
        "usb=();report-to=permissions",
    ];
    const REASON: &'static str = "What the application does not use, injected script and frames cannot use either; the three that spy on people are \
         off.";

    fn parse(input: &[u8]) -> Parsed<Self> {
        reading::parse(input)
    }
}

from_str_by_build!(PermissionsPolicy);

impl fmt::Display for PermissionsPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, permission) in self.permissions.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            permission.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=", self.feature)?;
        if self.allowlist == [Allow::Everyone] {
            f.write_str("*")?;
        } else {
            f.write_str("(")?;
            for (i, allow) in self.allowlist.iter().enumerate() {
                if i > 0 {
                    f.write_str(" ")?;
                }
                allow.fmt(f)?;
            }
            f.write_str(")")?;
        }
        match &self.report_to {
            Some(endpoint) => write!(f, ";report-to={endpoint}"),
            None => Ok(()),
        }
    }
}

report_only! {
    /// Permissions-Policy, reported and not enforced.
    PermissionsPolicyReportOnly(PermissionsPolicy), "Permissions-Policy-Report-Only", "permissions-policy",
    summary: "Reports the use of features that Permissions-Policy would deny, and denies nothing.",
    examples: &["geolocation=();report-to=permissions"],
    reason: "Shows which features are in use before the policy is enforced.",
    // without the parameter, the endpoint named `default` hears of it
    unheard: |_| false,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::field_properties;

    field_properties!(
        enforced,
        PermissionsPolicy,
        "((camera|usb|X|tools|browsing-topics)(=(\\*|self|none|\\(\\)|\\((self|\\*|src|x| |\"https://(a|\\*.b)\\.example/?\"){0,4}\\)))?(;report-to=\"?[a-zA-Z]{1,3}\"?)?,? ?){0,3}"
    );
    field_properties!(
        report_only,
        PermissionsPolicyReportOnly,
        "(camera|usb)=\\((self)?\\)(;report-to=[a-z]{1,3})?"
    );

    #[test]
    fn words_of_a_policy_file_are_taken() {
        let policy = PermissionsPolicy::new()
            .feature("camera", &[])
            .and_then(|p| p.feature("geolocation", &["self"]))
            .and_then(|p| p.feature("fullscreen", &["*"]))
            .and_then(|p| p.feature("usb", &["self", "https://a.example"]))
            .and_then(|p| p.feature("midi", &["none"]))
            .expect("a policy");
        assert_eq!(
            policy.to_string(),
            "camera=(), geolocation=(self), fullscreen=*, usb=(self \"https://a.example\"), midi=()"
        );
        assert_eq!(policy.warnings(), []);
    }

    #[test]
    fn a_feature_named_again_is_replaced_in_its_place() {
        let policy = PermissionsPolicy::new()
            .deny("camera")
            .and_then(|p| p.deny("usb"))
            .and_then(|p| p.allow("camera", [Allow::SelfOrigin, Allow::SelfOrigin]))
            .expect("a policy");
        assert_eq!(policy.to_string(), "camera=(self), usb=()");
    }

    #[test]
    fn what_would_void_or_weaken_the_field_is_refused() {
        let new = PermissionsPolicy::new;
        assert!(new().deny("Camera").is_err());
        assert!(new().deny("camera=*, usb").is_err());
        assert!(new().feature("camera", &["self", "none"]).is_err());
        assert!(new().feature("camera", &["self", "*"]).is_err());
        assert!(new().feature("camera", &["'self'"]).is_err());
        assert!(new().feature("camera", &["src"]).is_err());
        assert!(new().feature("camera", &["https://a\")"]).is_err());
        assert!(new().feature("camera", &["a.example"]).is_err());
    }

    #[test]
    fn unknown_features_are_warned_of_and_sent() {
        let policy = PermissionsPolicy::new().deny("camrea").expect("a policy");
        let warnings = policy.warnings();
        assert_eq!(warnings[0].code, "permissions-policy.unknown-feature");
        assert_eq!(warnings[0].hint.as_deref(), Some("camera"));
        assert_eq!(policy.to_string(), "camrea=()");
    }
}
