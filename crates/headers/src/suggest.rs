//! Did you mean: the known word nearest to an unknown one.

/// The nearest known word, if one is near enough to be a slip of the pen.
///
/// ```
/// use mantlet_headers::suggest;
/// let known = ["camera", "microphone"];
/// assert_eq!(suggest("mircophone", known.into_iter()), Some("microphone"));
/// assert_eq!(suggest("bluetooth", known.into_iter()), None);
/// ```
pub fn suggest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_ascii_lowercase();
    known
        .map(|candidate| (strsim::jaro_winkler(&word, candidate), candidate))
        .filter(|(score, candidate)| *score >= 0.85 || strsim::levenshtein(&word, candidate) <= 2)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}
