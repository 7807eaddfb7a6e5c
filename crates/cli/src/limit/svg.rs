//! The requests over time, as a drawing: one file that needs nothing else, light or dark as the reader has it.

use std::fmt::Write;
use std::time::Duration;

use mantlet_trace::{Summary, Timeline};

use super::words;

/// Units of the drawing.
const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 76.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 56.0;
const BOTTOM: f64 = 56.0;

/// Bars at the most: four units each.
const BARS: usize = 216;

const STYLE: &str = "\
text{font:13px system-ui,sans-serif;fill:#1f2328}\
.title{font-size:16px;font-weight:600}\
.back{fill:#fff}.axis{stroke:#59636e;fill:none}.grid{stroke:#d1d9e0;fill:none}\
.passed{fill:#54aeff}.limited{fill:#cf222e}\
@media(prefers-color-scheme:dark){text{fill:#f0f6fc}.back{fill:#0d1117}.axis{stroke:#9198a1}\
.grid{stroke:#3d444d}.passed{fill:#388bfd}.limited{fill:#ff7b72}}";

/// The drawing, as the text of a file.
pub(super) fn drawing(summary: &Summary, name: &str) -> String {
    let timeline = summary.timeline.within(BARS);
    let most = timeline.slots().iter().map(|slot| slot.total()).max();
    let scale = Scale::of(most.unwrap_or(0));
    let limited = summary.denied + summary.reported;
    let title = format!("Requests over time, and those that are limited: {name}");
    let described = format!(
        "{} requests from {} to {} UTC, of which {} ({}) are above a limit. The most in {}: {}.",
        words::count(summary.requests),
        words::time(timeline.start()),
        words::time(end(&timeline)),
        words::count(limited),
        words::percent(limited, summary.requests),
        words::short(timeline.width()),
        words::count(most.unwrap_or(0)),
    );
    let (title, described) = (escaped(&title), escaped(&described));
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-labelledby=\"title desc\">\n\
         <title id=\"title\">{title}</title>\n<desc id=\"desc\">{described}</desc>\n<style>{STYLE}</style>\n\
         <rect class=\"back\" width=\"{WIDTH}\" height=\"{HEIGHT}\"/>\n\
         <text class=\"title\" x=\"{LEFT}\" y=\"24\">{title}</text>\n"
    );
    legend(&mut svg);
    axes(&mut svg, &timeline, &scale);
    bars(&mut svg, &timeline, &scale);
    svg.push_str("</svg>\n");
    svg
}

/// What a unit of the vertical axis is.
struct Scale {
    /// The number at the top: 1, 2 or 5 with zeros behind, and not below 4, so that its quarters or fifths are told whole.
    top: u64,
    /// How many lines there are up to it.
    lines: u64,
}

impl Scale {
    fn of(most: u64) -> Self {
        let mut power = 1u64;
        loop {
            for (top, lines) in [(4, 4), (5, 5), (10, 5), (20, 4)] {
                let top = power.saturating_mul(top);
                if top >= most {
                    return Self { top, lines };
                }
            }
            power = power.saturating_mul(10);
        }
    }

    /// How high a number is.
    fn height(&self, number: u64) -> f64 {
        number as f64 / self.top as f64 * (HEIGHT - TOP - BOTTOM)
    }
}

fn end(timeline: &Timeline) -> Duration {
    let slots = u32::try_from(timeline.slots().len()).unwrap_or(u32::MAX);
    let all = timeline.width().checked_mul(slots);
    timeline
        .start()
        .saturating_add(all.unwrap_or(Duration::MAX))
}

fn legend(svg: &mut String) {
    for (at, class, word) in [(0.0, "passed", "passed"), (90.0, "limited", "limited")] {
        let x = LEFT + at;
        // writing to a string does not fail
        let _ = writeln!(
            svg,
            "<rect class=\"{class}\" x=\"{x}\" y=\"34\" width=\"11\" height=\"11\"/><text x=\"{}\" y=\"44\">{word}</text>",
            x + 17.0
        );
    }
}

fn axes(svg: &mut String, timeline: &Timeline, scale: &Scale) {
    let (floor, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
    for line in 0..=scale.lines {
        let number = scale.top / scale.lines * line;
        let y = floor - scale.height(number);
        let class = if line == 0 { "axis" } else { "grid" };
        let _ = writeln!(
            svg,
            "<path class=\"{class}\" d=\"M{LEFT} {y:.1}H{right}\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LEFT - 8.0,
            y + 4.0,
            words::count(number)
        );
    }
    let middle = (
        timeline.start() + end(timeline).saturating_sub(timeline.start()) / 2,
        "middle",
    );
    let times = [(timeline.start(), "start"), middle, (end(timeline), "end")];
    for (at, (time, anchor)) in times.into_iter().enumerate() {
        let x = LEFT + (right - LEFT) * at as f64 / 2.0;
        let _ = writeln!(
            svg,
            "<text x=\"{x}\" y=\"{}\" text-anchor=\"{anchor}\">{}</text>",
            floor + 20.0,
            words::time(time)
        );
    }
    let _ = writeln!(
        svg,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">time (UTC)</text>",
        (LEFT + right) / 2.0,
        HEIGHT - 14.0
    );
    let _ = writeln!(
        svg,
        "<text transform=\"translate(16 {}) rotate(-90)\" text-anchor=\"middle\">requests in {}</text>",
        (TOP + floor) / 2.0,
        words::short(timeline.width())
    );
}

fn bars(svg: &mut String, timeline: &Timeline, scale: &Scale) {
    let (floor, room) = (HEIGHT - BOTTOM, WIDTH - RIGHT - LEFT);
    let step = room / timeline.slots().len().max(1) as f64;
    for (class, drawn) in [("passed", false), ("limited", true)] {
        let _ = write!(svg, "<path class=\"{class}\" d=\"");
        for (at, slot) in timeline.slots().iter().enumerate() {
            let (below, number) = match drawn {
                true => (slot.admitted, slot.limited),
                false => (0, slot.admitted),
            };
            if number == 0 {
                continue;
            }
            let (x, y) = (LEFT + at as f64 * step, floor - scale.height(below));
            // whatever is there is seen
            let height = scale.height(number).max(1.0);
            let width = (step * 0.9).max(0.5);
            let _ = write!(svg, "M{x:.1} {y:.1}v-{height:.1}h{width:.1}v{height:.1}z");
        }
        svg.push_str("\"/>\n");
    }
}

fn escaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => plain.push_str("&amp;"),
            '<' => plain.push_str("&lt;"),
            '>' => plain.push_str("&gt;"),
            // XML has no other control characters
            c if c.is_control() => plain.push(' '),
            c => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limit::tests::summary_of;

    #[test]
    fn the_drawing_says_what_it_shows() {
        let svg = drawing(&summary_of(&[1, 1, 1, 5, 9, 1]), "a <log> & \u{1}more");
        assert!(
            svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox"),
            "{svg}"
        );
        for said in [
            "<title id=\"title\">Requests over time, and those that are limited: a &lt;log&gt; &amp;  more</title>",
            "<desc id=\"desc\">18 requests from 2026-11-22 15:00:00 to 2026-11-22 15:00:06 UTC, of which 10 (55.6 %) are above a limit.",
            "The most in 1s: 9.</desc>",
            "prefers-color-scheme:dark",
            ">requests in 1s</text>",
            ">time (UTC)</text>",
            ">10</text>",
        ] {
            assert!(svg.contains(said), "{said}: {svg}");
        }
        // nothing is fetched
        assert_eq!(svg.matches("http").count(), 1, "{svg}");
        let bars = |class: &str| {
            let path = svg.split(&format!("<path class=\"{class}\" d=\"")).nth(1);
            path.and_then(|path| path.split('"').next())
                .map_or(0, |path| path.matches('M').count())
        };
        assert_eq!((bars("passed"), bars("limited")), (6, 2));
    }

    #[test]
    fn the_axis_ends_above_the_most_and_its_lines_are_whole_numbers() {
        for (most, top) in [
            (0, 4),
            (4, 4),
            (5, 5),
            (6, 10),
            (11, 20),
            (21, 40),
            (41, 50),
            (999, 1000),
        ] {
            let scale = Scale::of(most);
            assert_eq!(scale.top, top, "{most}");
            assert_eq!(scale.top % scale.lines, 0);
        }
        assert!(Scale::of(u64::MAX).top == u64::MAX);
    }
}
