//! The order in which the Observatory sorts source expressions: that of English text, not of code points.
//!
//! It decides which source is thought to cover the next one. Characters of ASCII by their weights in the root collation
//! (<https://www.unicode.org/Public/UCA/latest/allkeys.txt>), punctuation before digits before letters; others by code point.

use std::cmp::Ordering;

/// Printable ASCII in the order of the collation; capitals do not occur.
const ORDER: &[u8] = b"_-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789abcdefghijklmnopqrstuvwxyz";

const fn weights() -> [u8; 128] {
    let mut weights = [0; 128];
    let mut i = 0;
    while i < ORDER.len() {
        weights[ORDER[i] as usize] = i as u8 + 1;
        i += 1;
    }
    weights
}

static WEIGHTS: [u8; 128] = weights();

/// Compares two texts in lower case.
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    a.chars().map(weight).cmp(b.chars().map(weight))
}

fn weight(c: char) -> u32 {
    match u8::try_from(c)
        .ok()
        .and_then(|byte| WEIGHTS.get(usize::from(byte)))
    {
        Some(weight) => u32::from(*weight),
        None => u32::from(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn punctuation_comes_in_the_order_of_the_collation() {
        let mut list = [
            "https://a/b",
            "https://a:1",
            "https://a.b",
            "'self'",
            "*",
            "https://a",
            "data:",
        ];
        list.sort_by(|a, b| compare(a, b));
        assert_eq!(
            list,
            [
                "'self'",
                "*",
                "data:",
                "https://a",
                "https://a:1",
                "https://a.b",
                "https://a/b"
            ]
        );
    }
}
