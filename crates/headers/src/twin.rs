//! The `-Report-Only` twins: the same value under another name, reported and not enforced.

/// A twin of a field: its type, its [`Field`](crate::Field) and what it is beside the original.
///
/// `$unheard` tells whether a violation of the value would be reported to nobody.
macro_rules! report_only {
    (
        $(#[$doc:meta])*
        $twin:ident($field:ident), $name:literal, $code:literal,
        summary: $summary:literal, examples: $examples:expr, reason: $reason:literal,
        unheard: $unheard:expr $(,)?
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $twin($field);

        impl $twin {
            /// The value that is tried out.
            pub const fn policy(&self) -> &$field {
                &self.0
            }
        }

        impl From<$field> for $twin {
            fn from(field: $field) -> Self {
                Self(field)
            }
        }

        impl $crate::Field for $twin {
            const NAME: &'static str = $name;
            const SPEC: &'static str = <$field as $crate::Field>::SPEC;
            const SUMMARY: &'static str = $summary;
            const EXAMPLES: &'static [&'static str] = $examples;
            const REASON: &'static str = $reason;

            fn parse(input: &[u8]) -> $crate::Parsed<Self> {
                let mut parsed = <$field as $crate::Field>::parse(input);
                let unheard: fn(&$field) -> bool = $unheard;
                if parsed.value.as_ref().is_some_and(unheard) {
                    let message = "nothing is reported: no report-to names an endpoint";
                    parsed.faults.push($crate::Fault::warning(
                        concat!($code, "-report-only.unheard"),
                        0..input.len(),
                        message,
                    ));
                }
                parsed.map(Self)
            }
        }

        $crate::field::from_str_by_build!($twin);

        impl std::fmt::Display for $twin {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}
pub(crate) use report_only;
