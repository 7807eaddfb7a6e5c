//! The requests over time, in a terminal: those that passed, and below them those that did not, each by its own measure.

use mantlet_trace::Timeline;

use super::words;

/// How a terminal is written to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    pub(super) colored: bool,
    pub(super) columns: usize,
}

/// Lines of a band.
const HEIGHT: u64 = 4;

/// What stands before the bars.
const LABEL: usize = 10;

/// Bars at the most: more of them tell nothing more.
const BARS: usize = 100;

const GREEN: &str = "\x1b[32m";
const RED: &str = "\x1b[31m";
const PLAIN: &str = "\x1b[0m";

/// The plot, each line with its end.
pub(super) fn plot(timeline: &Timeline, style: Style) -> String {
    let bars = style.columns.saturating_sub(LABEL + 1).clamp(8, BARS);
    let timeline = timeline.within(bars);
    let mut text = String::new();
    let slots = timeline.slots().iter();
    let passed: Vec<u64> = slots.clone().map(|slot| slot.admitted).collect();
    let limited: Vec<u64> = slots.map(|slot| slot.limited).collect();
    band(&mut text, "passed", GREEN, &passed, style);
    band(&mut text, "limited", RED, &limited, style);
    let start = words::time(timeline.start());
    let width = words::short(timeline.width());
    text.push_str(&format!("{:LABEL$}from {start} UTC, {width} a bar\n", ""));
    text
}

fn band(text: &mut String, name: &str, color: &str, values: &[u64], style: Style) {
    let most = values.iter().copied().max().unwrap_or(0);
    let tops: Vec<u64> = values.iter().map(|value| eighths(*value, most)).collect();
    for row in (0..HEIGHT).rev() {
        let label = match row {
            1 => name.to_owned(),
            0 => format!("max {}", brief(most)),
            _ => String::new(),
        };
        let bars: String = tops
            .iter()
            .map(|top| block(top.saturating_sub(row * 8).min(8)))
            .collect();
        let bars = bars.trim_end();
        let line = match style.colored && !bars.is_empty() {
            true => format!("{label:<LABEL$}{color}{bars}{PLAIN}"),
            false => format!("{label:<LABEL$}{bars}"),
        };
        text.push_str(line.trim_end());
        text.push('\n');
    }
}

/// The height of a bar in eighths of a line; whatever is there is seen.
fn eighths(value: u64, most: u64) -> u64 {
    let part = value as f64 / most.max(1) as f64;
    let height = (part * (HEIGHT * 8) as f64).round() as u64;
    height.max(value.min(1))
}

/// So many eighths of a block, from below.
fn block(eighths: u64) -> char {
    match eighths {
        1..=8 => u32::try_from(eighths)
            .ok()
            .and_then(|eighths| char::from_u32(0x2580 + eighths))
            .unwrap_or(' '),
        _ => ' ',
    }
}

/// In five characters at the most, up to a million million.
fn brief(number: u64) -> String {
    let units = [(1_000_000_000, "G"), (1_000_000, "M"), (10_000, "k")];
    match units.iter().find(|(from, _)| number >= *from) {
        Some((10_000, unit)) => format!("{}{unit}", number / 1_000),
        Some((from, unit)) => format!("{}{unit}", number / from),
        None => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limit::tests::summary_of;

    fn plotted(columns: usize, colored: bool) -> String {
        let summary = summary_of(&[1, 1, 1, 5, 9, 1, 0, 0, 1]);
        plot(&summary.timeline, Style { colored, columns })
    }

    #[test]
    fn each_band_has_its_own_measure() {
        let full = "\u{2588}";
        let text = plotted(80, false);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 9, "{text}");
        assert!(lines[2].starts_with("passed    "), "{text}");
        assert!(
            lines[3].starts_with(&format!("max 2     {}", "\u{2588}".repeat(6))),
            "{text}"
        );
        assert!(lines[7].starts_with("max 7 "), "{text}");
        assert_eq!(lines[4].matches(full).count(), 1, "{text}");
        assert_eq!(lines[8], "          from 2026-11-22 15:00:00 UTC, 1s a bar");
        assert!(!text.contains('\x1b'));
    }

    #[test]
    fn a_narrow_terminal_gets_fewer_bars() {
        let text = plotted(5, true);
        let bars = |line: &str| line.chars().filter(|c| *c >= '\u{2580}').count();
        assert!(text.lines().all(|line| bars(line) <= 8), "{text}");
        assert!(text.ends_with("2s a bar\n"), "{text}");
        assert!(text.contains(RED) && text.contains(GREEN), "{text}");
    }

    #[test]
    fn whatever_is_there_is_seen() {
        assert_eq!(eighths(1, 1_000_000), 1);
        assert_eq!(eighths(0, 1_000_000), 0);
        assert_eq!(eighths(7, 7), 32);
        assert_eq!(
            ["9999", "10k", "999k", "1M", "5G"],
            [9_999, 10_999, 999_999, 1_000_000, 5_000_000_000].map(brief)
        );
    }
}
