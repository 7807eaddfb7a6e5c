//! What every field type must keep, for the property tests.

use std::fmt::Debug;

use crate::field::Field;

/// Reads any bytes: spans stay inside, no value means an error, and what is printed reads as the same value.
pub(crate) fn check<T: Field + PartialEq + Debug>(input: &[u8]) {
    let parsed = T::parse(input);
    for fault in &parsed.faults {
        assert!(
            fault.span.start <= fault.span.end && fault.span.end <= input.len(),
            "{fault:?} of {input:?}"
        );
        assert!(fault.code.contains('.'), "{fault:?}");
    }
    match parsed.value {
        None => assert!(parsed.faults.iter().any(|f| f.is_error()), "{input:?}"),
        Some(value) => {
            let text = value.to_string();
            assert!(value.to_value().is_ok(), "{text:?} of {input:?}");
            assert_eq!(T::parse(text.as_bytes()).value, Some(value), "{text:?}");
        }
    }
}

/// Property tests of a field type: any bytes, text that looks like the field, and the examples.
macro_rules! field_properties {
    ($module:ident, $type:ty, $like:literal) => {
        mod $module {
            use proptest::prelude::*;

            use super::super::*;
            use $crate::field::Field;

            #[test]
            fn examples_build_and_print_themselves() {
                for example in <$type as Field>::EXAMPLES {
                    let (value, _) = <$type as Field>::build(example).expect(example);
                    assert_eq!(value.to_string(), *example);
                }
            }

            proptest! {
                #[test]
                fn any_bytes_are_read(input in proptest::collection::vec(any::<u8>(), 0..60)) {
                    $crate::testing::check::<$type>(&input);
                }

                #[test]
                fn text_like_the_field_is_read(input in $like) {
                    $crate::testing::check::<$type>(input.as_bytes());
                }
            }
        }
    };
}
pub(crate) use field_properties;
