//! A summary for programs. Times are those of RFC 3339; `limited` are requests that were denied or only reported.

use mantlet_trace::{LimitSummary, Slot, Summary};
use serde_json::{Value, json};

use super::{Logs, words};

pub(super) fn summary(summary: &Summary, logs: &Logs) -> Value {
    let malformed = summary.first_malformed.iter().map(|(line, why)| {
        let (log, line) = logs.place(*line);
        json!({ "log": log, "line": line, "why": why })
    });
    let unreadable = summary.unreadable.iter();
    let unreadable = unreadable.map(|(reason, requests)| ((*reason).to_owned(), json!(requests)));
    let timeline = &summary.timeline;
    let each = |of: fn(&Slot) -> u64| timeline.slots().iter().map(of).collect::<Vec<_>>();
    json!({
        "logs": logs.0.iter().map(|(name, _)| name).collect::<Vec<_>>(),
        "lines": summary.lines,
        "requests": summary.requests,
        "malformed": summary.malformed,
        "first_malformed": malformed.collect::<Vec<_>>(),
        "without_request": summary.without_request,
        "first": summary.span.map(|(first, _)| words::rfc3339(first)),
        "last": summary.span.map(|(_, last)| words::rfc3339(last)),
        "out_of_order": summary.behind,
        "furthest_out_of_order_seconds": summary.furthest_behind.as_secs_f64(),
        "whole_seconds": summary.whole_seconds,
        "without_client": summary.without_client,
        "denied": summary.denied,
        "reported": summary.reported,
        "unreadable_keys": unreadable.collect::<serde_json::Map<_, _>>(),
        "left_out": summary.left_out,
        "limits": summary.limits.iter().map(limit).collect::<Vec<_>>(),
        "timeline": {
            "start": words::rfc3339(timeline.start()),
            "slot_seconds": timeline.width().as_secs(),
            "passed": each(|slot| slot.admitted),
            "limited": each(|slot| slot.limited),
        },
    })
}

fn limit(limit: &LimitSummary) -> Value {
    let top = limit.top.iter().map(|key| {
        json!({
            "key": key.who,
            "requests": key.requests,
            "limited": key.limited,
            "first": words::rfc3339(key.first),
            "longest_run": key.longest_run,
        })
    });
    json!({
        "name": &*limit.limit.name,
        "requests": limit.requests,
        "denied": limit.denied,
        "reported": limit.reported,
        "keys": limit.keys,
        "limited_keys": limit.limited_keys,
        "exact": limit.exact,
        "off_by": limit.off_by,
        "evicted": limit.evicted,
        "enough_for_99_9_percent": limit.enough,
        "top": top.collect::<Vec<_>>(),
    })
}
