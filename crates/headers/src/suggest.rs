//! "Did you mean": the known word nearest to an unknown one.

/// The word of `known` that `word` was probably meant to be.
///
/// Case and `_` for `-` cost nothing; up to a third of the letters may be wrong, missing or swapped; a word that is cut
/// at a hyphen (`script` for `script-src`) counts too. Of two words as near, the one of the same length is meant: a wrong
/// letter is likelier than a missing one.
///
/// ```
/// use mantlet_headers::suggest;
/// let known = ["default-src", "script-src", "style-src"];
/// assert_eq!(suggest("scirpt-src", known.into_iter()), Some("script-src"));
/// assert_eq!(suggest("Default_Src", known.into_iter()), Some("default-src"));
/// assert_eq!(suggest("coffee", known.into_iter()), None);
/// ```
pub fn suggest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_ascii_lowercase().replace('_', "-");
    if word.is_empty() || word.len() > 64 {
        return None;
    }
    let limit = (word.chars().count() / 3).max(1);
    let mut best: Option<((usize, usize), &str)> = None;
    for candidate in known {
        let cut = candidate
            .strip_prefix(word.as_str())
            .is_some_and(|rest| rest.starts_with('-'));
        let distance = match strsim::osa_distance(&word, &candidate.to_ascii_lowercase()) {
            distance if distance <= limit => distance,
            _ if cut => limit + 1,
            _ => continue,
        };
        let rank = (distance, word.len().abs_diff(candidate.len()));
        if best.is_none_or(|(least, _)| rank < least) {
            best = Some((rank, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// The word of `known` that `word` is but for one letter, which is wrong, missing, added or swapped with the next one.
///
/// Case and `_` for `-` cost nothing. Words of less than six letters are too close to others to tell.
///
/// ```
/// use mantlet_headers::misspelled;
/// let known = ["Referrer-Policy", "NEL"];
/// assert_eq!(misspelled("referer-policy", known.into_iter()), Some("Referrer-Policy"));
/// assert_eq!(misspelled("refere-policy", known.into_iter()), None);
/// assert_eq!(misspelled("net", known.into_iter()), None);
/// ```
pub fn misspelled<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = suggest(word, known)?;
    let word = word.to_ascii_lowercase().replace('_', "-");
    let edits = strsim::osa_distance(&word, &near.to_ascii_lowercase());
    (near.len() >= 6 && edits <= 1).then_some(near)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 4] = ["img-src", "script-src", "script-src-elem", "sandbox"];

    #[test]
    fn nearest_word_wins() {
        assert_eq!(
            suggest("script-srcs", KNOWN.into_iter()),
            Some("script-src")
        );
        assert_eq!(
            suggest("script_src_elm", KNOWN.into_iter()),
            Some("script-src-elem")
        );
    }

    #[test]
    fn of_two_words_as_near_the_one_of_the_same_length_wins() {
        for known in [["'none'", "'nonce'"], ["'nonce'", "'none'"]] {
            assert_eq!(suggest("'nonse'", known.into_iter()), Some("'nonce'"));
        }
    }

    #[test]
    fn word_cut_at_a_hyphen_is_completed() {
        assert_eq!(suggest("img", KNOWN.into_iter()), Some("img-src"));
    }

    #[test]
    fn far_empty_and_endless_words_have_no_suggestion() {
        for word in ["", "x", "referrer", &"sandbox".repeat(50)] {
            assert_eq!(suggest(word, KNOWN.into_iter()), None, "{word}");
        }
    }
}
