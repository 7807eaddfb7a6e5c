//! A summary for people.

use std::fmt::Write;

use mantlet_engine::policy::{Counted, Counting};
use mantlet_trace::{LimitSummary, Summary};

use super::plot::{Style, plot};
use super::{Logs, words};
use words::{count, percent};

/// The whole of it, each line with its end.
pub(super) fn summary(summary: &Summary, logs: &Logs, style: Style) -> String {
    let mut text = String::new();
    // writing to a string does not fail
    let _ = head(&mut text, summary, logs);
    text.push('\n');
    text.push_str(&plot(&summary.timeline, style));
    for limit in &summary.limits {
        let _ = one(&mut text, limit, summary.requests);
    }
    text
}

fn head(text: &mut String, summary: &Summary, logs: &Logs) -> std::fmt::Result {
    let requests = summary.requests;
    writeln!(text, "{}: {} requests", logs.names(), count(requests))?;
    if let Some((first, last)) = summary.span {
        let (from, to) = (words::time(first), words::time(last));
        let length = words::long(last.saturating_sub(first));
        writeln!(text, "from {from} to {to} UTC ({length})")?;
    }
    writeln!(
        text,
        "{} would have been denied ({})",
        count(summary.denied),
        percent(summary.denied, requests)
    )?;
    if summary.reported > 0 {
        let reported = count(summary.reported);
        writeln!(text, "{reported} would have been reported, and passed")?;
    }
    let mut notes = Vec::new();
    if summary.malformed > 0 {
        let mut note = format!("{} lines could not be read:", count(summary.malformed));
        for (line, why) in &summary.first_malformed {
            let (log, line) = logs.place(*line);
            note.push_str(&format!("\n    {log}:{line}: {why}"));
        }
        notes.push(note);
    }
    if summary.without_request > 0 {
        let lines = count(summary.without_request);
        notes.push(format!(
            "{lines} lines tell of no request that the server could read"
        ));
    }
    if summary.behind > 0 {
        notes.push(format!(
            "{} requests stand behind later ones, by {} at the most, and count at their time",
            count(summary.behind),
            words::long(summary.furthest_behind)
        ));
    }
    if summary.whole_seconds {
        notes.push(
            "the log tells whole seconds: requests of one second count as if at once".to_owned(),
        );
    }
    if summary.without_client > 0 {
        notes.push(format!(
            "{} requests come from trusted proxies and the log does not tell whose they are: the proxy is the client",
            count(summary.without_client)
        ));
    }
    for (reason, requests) in &summary.unreadable {
        let requests = count(*requests);
        notes.push(format!(
            "{requests} would have been denied by {reason}: mantlet explain {reason}"
        ));
    }
    if !summary.left_out.is_empty() {
        notes.push(format!(
            "left out, for a log does not tell how many are under way: {}",
            summary.left_out.join(", ")
        ));
    }
    for note in notes {
        writeln!(text, "  {note}")?;
    }
    Ok(())
}

fn one(text: &mut String, told: &LimitSummary, all: u64) -> std::fmt::Result {
    let limit = &told.limit;
    let clients = words::counted(limit);
    let limited = told.denied + told.reported;
    let verb = match (told.denied, told.reported) {
        (0, 1..) => "reported",
        (_, 0) => "denied",
        _ => "limited",
    };
    writeln!(text, "\n{}: {}", limit.name, words::limit(limit))?;
    writeln!(
        text,
        "  {verb} {} of {} requests ({}), {}{} of {}{} {clients}",
        count(limited),
        count(told.requests),
        percent(limited, told.requests),
        if told.off_by > 0 { "at least " } else { "" },
        count(told.limited_keys),
        if told.exact { "" } else { "about " },
        count(told.keys),
    )?;
    if let (Some(enough), Counting::Requests(rule) | Counting::Adaptive { rule, .. }) =
        (told.enough, &limit.counting)
    {
        let quota = rule.quota();
        let burst = match quota.burst() == quota.requests() {
            true => "",
            false => " and as large a burst",
        };
        // fewer than a thousand have no thousandth
        let most = match told.keys {
            0..1000 => format!("none of the {clients} would ever"),
            _ => format!("99.9 % of the {clients} would never"),
        };
        writeln!(
            text,
            "  with requests = {enough}{burst}, {most} have been limited"
        )?;
    }
    if matches!(limit.counting, Counting::Adaptive { .. }) {
        writeln!(
            text,
            "  without pressure, of which a log tells nothing: under it, fewer pass"
        )?;
    }
    if matches!(limit.counted, Counted::Shared { .. }) {
        writeln!(
            text,
            "  counted here, whole, as if its store always answered"
        )?;
    }
    if told.evicted > 0 {
        let evicted = count(told.evicted);
        writeln!(
            text,
            "  {evicted} {clients} were forgotten before their time: max_keys is {}",
            limit.max_keys
        )?;
    }
    if !told.exact {
        let off_by = count(told.off_by);
        writeln!(
            text,
            "  approximate, for there are too many {clients}: most by a sample; up to {off_by} denials of one may be missing"
        )?;
    }
    if told.top.is_empty() {
        return Ok(());
    }
    writeln!(
        text,
        "\n  {:>10}  {:>10}  {:>11}  {:<19}  {:>11}  key",
        "limited", "of its", "longest run", "first (UTC)", "of all"
    )?;
    for key in &told.top {
        writeln!(
            text,
            "  {:>10}  {:>10}  {:>11}  {:<19}  {:>11}  {}",
            count(key.limited),
            count(key.requests),
            count(key.longest_run),
            words::time(key.first),
            percent(key.requests, all),
            key.who
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limit::tests::summary_of;

    #[test]
    fn a_summary_says_who_when_and_how_much() {
        let told = summary_of(&[1, 1, 1, 5, 9, 1]);
        let logs = Logs(vec![("access.log".to_owned(), 0)]);
        let style = Style {
            colored: false,
            columns: 80,
        };
        let text = summary(&told, &logs, style);
        for said in [
            "access.log: 18 requests\nfrom 2026-11-22 15:00:00 to 2026-11-22 15:00:05 UTC (5 s)\n",
            "10 would have been denied (55.6 %)\n",
            "  whole seconds",
            "default: 2 in 1s for each client; token bucket; counted in this process\n",
            "  denied 10 of 18 requests (55.6 %), 1 of 1 clients\n",
            "  with requests = 14, none of the clients would ever have been limited\n",
            "          10          18            7  2026-11-22 15:00:03      100.0 %  192.0.2.1\n",
        ] {
            let said = said
                .strip_prefix("  whole")
                .map_or(said, |_| "the log tells whole seconds");
            assert!(text.contains(said), "{said}: {text}");
        }
    }
}
