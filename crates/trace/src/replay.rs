//! Lines in, a summary out.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;
use mantlet_engine::policy::{ClientAddress, Counted, Counting, Limit, Policy};
use mantlet_engine::{CountedBy, Engine, Entropy, Fields, Now, Verdict};
use mantlet_limit::RemoteKey;
use siphasher::sip::SipHasher13;
use smallvec::SmallVec;

use crate::clock::Clock;
use crate::keys::{Fate, Keys};
use crate::line::{Format, Line, Skipped};
use crate::summary::{LimitSummary, Summary, TopKey};
use crate::timeline::Timeline;

/// Malformed lines that are shown.
const SHOWN: usize = 3;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED: HeaderName = HeaderName::from_static("forwarded");

/// A log, replayed through the limits of a policy. Memory: some 70 MB a limit at the most, and
/// the tables of the limits.
#[derive(Debug)]
pub struct Replay {
    engine: Engine,
    format: Format,
    /// The field that trusted proxies tell the client in.
    client_field: Option<HeaderName>,
    clock: Clock,
    lines: u64,
    requests: u64,
    malformed: u64,
    first_malformed: Vec<(u64, String)>,
    without_request: u64,
    without_client: u64,
    denied: u64,
    reported: u64,
    unreadable: BTreeMap<&'static str, u64>,
    timeline: Timeline,
    limits: Vec<Counts>,
    left_out: Vec<String>,
}

/// What is counted of one limit.
#[derive(Debug)]
struct Counts {
    /// As the policy has it.
    limit: Limit,
    requests: u64,
    denied: u64,
    reported: u64,
    keys: Keys,
}

/// What the engine has said to a request.
enum Said {
    Passed,
    /// These limits denied it.
    Denied(SmallVec<[usize; 2]>),
    /// It passed, and these would have denied it.
    Reported(SmallVec<[usize; 2]>),
    /// Its key cannot be read.
    Unreadable,
}

impl Said {
    fn fate(&self, index: usize) -> Fate {
        match self {
            Self::Denied(by) | Self::Reported(by) if by.contains(&index) => Fate::Limited,
            Self::Passed | Self::Reported(_) => Fate::Passed,
            Self::Denied(_) | Self::Unreadable => Fate::Elsewhere,
        }
    }
}

impl Replay {
    /// Of a policy that has limits and no other check, as `Config::limits_alone` of `mantlet-config` gives it. `entropy` is
    /// what the tables hash with, and decides where a limit that reports denies a share.
    pub fn new(mut policy: Policy, entropy: impl Entropy, format: Format) -> Self {
        let client_field = match &policy.client_address {
            _ if policy.trusted_proxies.is_empty() => None,
            ClientAddress::XForwardedFor => Some(X_FORWARDED_FOR),
            ClientAddress::Forwarded => Some(FORWARDED),
            ClientAddress::Field(name) => Some(name.clone()),
            // the peer that the log tells is then the client already
            _ => None,
        };
        let mut left_out = Vec::new();
        let mut limits = Vec::new();
        policy.limits.retain_mut(|limit| {
            let (Counting::Requests(rule) | Counting::Adaptive { rule, .. }) = &limit.counting
            else {
                left_out.push(limit.name.to_string());
                return false;
            };
            limits.push(Counts {
                keys: Keys::new(rule.quota().window()),
                limit: limit.clone(),
                requests: 0,
                denied: 0,
                reported: 0,
            });
            limit.counted = Counted::Here;
            true
        });
        Self {
            engine: Engine::new(policy, entropy),
            format,
            client_field,
            clock: Clock::default(),
            lines: 0,
            requests: 0,
            malformed: 0,
            first_malformed: Vec::new(),
            without_request: 0,
            without_client: 0,
            denied: 0,
            reported: 0,
            unreadable: BTreeMap::new(),
            timeline: Timeline::new(),
            limits,
            left_out,
        }
    }

    /// The next line, with or without its end.
    pub fn line(&mut self, line: &[u8]) {
        self.lines += 1;
        match Line::parse(line, self.format) {
            Ok(line) => self.request(&line),
            Err(Skipped::NoRequest) => self.without_request += 1,
            Err(Skipped::Malformed(_)) if line.trim_ascii().is_empty() => {}
            Err(Skipped::Malformed(why)) => self.malformed(&why),
        }
    }

    /// The next line is one that the caller does not give, and why: it counts as malformed.
    pub fn skip(&mut self, why: &str) {
        self.lines += 1;
        self.malformed(why);
    }

    /// How many lines there were so far.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    fn malformed(&mut self, why: &str) {
        self.malformed += 1;
        if self.first_malformed.len() < SHOWN {
            self.first_malformed.push((self.lines, why.to_owned()));
        }
    }

    fn request(&mut self, line: &Line<'_>) {
        self.requests += 1;
        let now = self.clock.read(line.unix);
        let head = line.head(now);
        if let Some(field) = &self.client_field
            && self.engine.believes(&head)
            && !line.has(field)
        {
            self.without_client += 1;
        }
        let (verdict, _) = self.engine.on_request(&head).without_store();
        let said = self.said(&verdict, now);
        let limited = match said {
            Said::Passed => false,
            Said::Denied(_) => {
                self.denied += 1;
                true
            }
            Said::Reported(_) => {
                self.reported += 1;
                true
            }
            Said::Unreadable => true,
        };
        self.timeline.add(now.unix, limited);
        let limits = &mut self.limits;
        self.engine.applied(&head, &mut |applied| {
            let Some(counts) = limits.get_mut(applied.index) else {
                return;
            };
            counts.requests += 1;
            let fate = said.fate(applied.index);
            match (&said, fate) {
                (Said::Denied(_), Fate::Limited) => counts.denied += 1,
                (Said::Reported(_), Fate::Limited) => counts.reported += 1,
                _ => {}
            }
            if let (Ok(by), 1..) = (applied.by, applied.cost) {
                let at = (now.moment.as_nanos(), now.unix);
                counts
                    .keys
                    .count(hash(by), applied.cost, at, fate, || words(by));
            }
        });
    }

    fn said(&mut self, verdict: &Verdict, now: Now) -> Said {
        match verdict {
            Verdict::Deny(denial) => {
                let names = denial.limited.iter().flat_map(|limited| &limited.by);
                let index =
                    |name: &Arc<str>| self.limits.iter().position(|own| own.limit.name == *name);
                let by: SmallVec<_> = names.filter_map(index).collect();
                if by.is_empty() {
                    *self.unreadable.entry(denial.reason).or_default() += 1;
                    return Said::Unreadable;
                }
                Said::Denied(by)
            }
            Verdict::Allow(permit) if permit.reported().next().is_some() => {
                let states = self.engine.limit_states(now);
                let more = states.zip(&self.limits).enumerate();
                let more = more.filter(|(_, (state, own))| state.reported > own.reported);
                Said::Reported(more.map(|(index, _)| index).collect())
            }
            _ => Said::Passed,
        }
    }

    /// What it has come to, with so many keys of each limit.
    pub fn finish(self, top: usize) -> Summary {
        let span = self.clock.span();
        let now = Now {
            unix: span.map_or(Duration::ZERO, |(_, last)| last),
            ..Now::default()
        };
        let states = self.engine.limit_states(now);
        let limits = self.limits.into_iter().zip(states);
        let limits = limits.map(|(counts, state)| counts.summary(top, state.evicted));
        let (behind, furthest_behind) = self.clock.behind();
        Summary {
            lines: self.lines,
            requests: self.requests,
            malformed: self.malformed,
            first_malformed: self.first_malformed,
            without_request: self.without_request,
            span,
            behind,
            furthest_behind,
            whole_seconds: self.clock.whole_seconds(),
            without_client: self.without_client,
            denied: self.denied,
            reported: self.reported,
            unreadable: self.unreadable.into_iter().collect(),
            timeline: self.timeline,
            limits: limits.collect(),
            left_out: self.left_out,
        }
    }
}

impl Counts {
    fn summary(self, top: usize, evicted: u64) -> LimitSummary {
        let top = self.keys.top(top).into_iter().map(|known| TopKey {
            who: known.who.to_string(),
            requests: known.requests,
            limited: known.limited,
            first: known.first,
            longest_run: known.longest_run,
        });
        LimitSummary {
            requests: self.requests,
            denied: self.denied,
            reported: self.reported,
            evicted,
            keys: self.keys.seen(),
            limited_keys: self.keys.limited(),
            exact: self.keys.is_exact(),
            off_by: self.keys.off_by(),
            top: top.collect(),
            enough: self.keys.enough(),
            limit: self.limit,
        }
    }
}

fn hash(by: &[CountedBy<'_>]) -> u64 {
    let mut hasher = SipHasher13::new();
    by.hash(&mut hasher);
    hasher.finish()
}

/// A key in words; the value of a field may be a credential, and is hashed.
fn words(by: &[CountedBy<'_>]) -> Box<str> {
    let mut words = String::new();
    for part in by {
        if !words.is_empty() {
            words.push_str(", ");
        }
        // writing to a string does not fail
        let _ = match part {
            CountedBy::Client(Some(network))
                if network.prefix_len() == network.max_prefix_len() =>
            {
                write!(words, "{}", network.addr())
            }
            CountedBy::Client(Some(network)) => write!(words, "{network}"),
            CountedBy::Client(None) => write!(words, "an unknown client"),
            CountedBy::Field(name, value) => {
                let hash = u128::from_be_bytes(*RemoteKey::new(&[value]).as_bytes());
                write!(words, "{name} #{:08x}", hash >> 96)
            }
            CountedBy::Route("") => write!(words, "no route"),
            CountedBy::Route(path) => write!(words, "{path}"),
            CountedBy::Everybody => write!(words, "everybody"),
            _ => Ok(()),
        };
    }
    words.into()
}

#[cfg(test)]
mod tests {
    use mantlet_config::Config;
    use mantlet_engine::OsEntropy;

    use super::*;

    fn replayed<'l>(policy: &str, lines: impl IntoIterator<Item = &'l str>) -> Summary {
        let policy = Config::parse(policy).expect("right").limits_alone();
        let mut replay = Replay::new(policy.expect("right"), OsEntropy, Format::Auto);
        for line in lines {
            replay.line(line.as_bytes());
        }
        replay.finish(10)
    }

    /// A request of a client at a second of a minute.
    fn line(client: &str, second: u64, request: &str) -> String {
        let (minute, second) = (second / 60, second % 60);
        format!(
            "{client} - - [22/Nov/2026:15:{minute:02}:{second:02} +0000] \"{request} HTTP/1.1\" 200 5 \"-\" \"curl/8\""
        )
    }

    #[test]
    fn who_asks_too_often_is_told() {
        let policy = "[limit]\nrequests = 2\nwindow = '1m'\nalgorithm = 'sliding_window'";
        let mut log = vec![];
        for second in 0..6 {
            log.push(line("192.0.2.1", second, "GET /a"));
            log.push(line("2001:db8::7", second * 60, "GET /b"));
        }
        log.sort_by_key(|line| line.split('[').nth(1).map(str::to_owned));
        log.push(line("192.0.2.1", 400, "GET /"));
        let summary = replayed(policy, log.iter().map(String::as_str));
        assert_eq!((summary.requests, summary.denied), (13, 4));
        let [limit] = &*summary.limits else {
            panic!("one limit: {:?}", summary.limits)
        };
        assert_eq!((limit.requests, limit.denied), (13, 4));
        assert_eq!((limit.keys, limit.limited_keys, limit.exact), (2, 1, true));
        let top = TopKey {
            who: "192.0.2.1".to_owned(),
            requests: 7,
            limited: 4,
            first: Duration::from_secs(1_795_359_602),
            longest_run: 4,
        };
        assert_eq!(limit.top, [top]);
        assert_eq!(limit.enough, Some(6));
    }

    #[test]
    fn the_quota_that_is_said_to_be_enough_is() {
        let log: Vec<_> = (0..3000u64)
            .map(|number| {
                let client = format!("192.0.2.{}", number * number % 97);
                line(&client, number, "GET /")
            })
            .collect();
        for algorithm in ["token_bucket", "sliding_window", "adaptive"] {
            let policy = |requests| {
                format!("[limit]\nalgorithm = '{algorithm}'\nwindow = '2m'\nrequests = {requests}")
            };
            let lines = || log.iter().map(String::as_str);
            let tried = replayed(&policy(1), lines());
            assert!(tried.denied > 100);
            let enough = tried.limits[0].enough.expect("there are keys");
            assert_eq!(replayed(&policy(enough), lines()).denied, 0, "{algorithm}");
            assert!(
                replayed(&policy(enough / 2), lines()).denied > 0,
                "{algorithm}"
            );
        }
    }

    #[test]
    fn no_other_check_of_the_policy_denies() {
        let policy = "preset = 'strict'\nhttps = 'redirect'\nhosts.allowed = ['a.example']\nresource_isolation = true\n\
                      [limit]\nrequests = 9\nwindow = 1";
        let post = line("192.0.2.1", 1, "POST /a");
        let caddy = r#"{"ts":1795359661,"request":{"remote_ip":"192.0.2.1","method":"POST","uri":"/","headers":{"Host":["b","c"],"Origin":["https://evil.example"],"Sec-Fetch-Site":["cross-site"]}}}"#;
        let summary = replayed(policy, [post.as_str(), caddy]);
        assert_eq!((summary.requests, summary.denied), (2, 0));
        assert_eq!(summary.unreadable, []);
    }

    #[test]
    fn limits_select_and_cost_and_key_as_the_policy_says() {
        let policy = "[[limit]]\nname = 'login'\nrequests = 1\nwindow = '1m'\npaths = ['/login']\nmethods = ['POST']\n\
                      [[limit]]\nname = 'routes'\nrequests = 10\nwindow = '1m'\nkey = ['route', 'everybody']\n\
                      costs = [{ paths = ['/search'], cost = 5 }, { paths = ['/free'], cost = 0 }]\n\
                      [[route]]\npath = '/search'\n[[route]]\npath = '/free'";
        let log = [
            line("192.0.2.1", 0, "POST /login"),
            line("192.0.2.1", 0, "POST /login"),
            line("192.0.2.1", 0, "GET /login"),
            line("192.0.2.1", 0, "GET /search?q"),
            line("192.0.2.2", 0, "GET /search?q"),
            line("192.0.2.3", 0, "GET /search?q"),
            line("192.0.2.3", 0, "GET /free"),
        ];
        let summary = replayed(policy, log.iter().map(String::as_str));
        assert_eq!(summary.denied, 2);
        let [login, routes] = &*summary.limits else {
            panic!("two limits")
        };
        assert_eq!((login.requests, login.denied), (2, 1));
        assert_eq!((routes.requests, routes.denied), (7, 1));
        assert_eq!(routes.top[0].who, "/search, everybody");
        assert_eq!((routes.keys, routes.enough), (2, Some(15)));
    }

    #[test]
    fn a_limit_that_reports_denies_nobody_and_is_told() {
        let policy = "[[limit]]\nname = 'a'\nrequests = 1\nwindow = '1m'\ndisposition = 'report'\n\
                      [[limit]]\nname = 'b'\nrequests = 2\nwindow = '1m'";
        let log: Vec<_> = (0..4).map(|at| line("192.0.2.1", at, "GET /")).collect();
        let summary = replayed(policy, log.iter().map(String::as_str));
        assert_eq!((summary.denied, summary.reported), (2, 1));
        let [a, b] = &*summary.limits else {
            panic!("two limits")
        };
        assert_eq!((a.reported, a.denied, b.denied), (1, 0, 2));
        assert_eq!((a.top[0].limited, b.top[0].limited), (1, 2));
    }

    #[test]
    fn what_a_log_cannot_try_is_left_out_and_a_store_is_counted_here() {
        let policy = "[store.redis]\nurl = 'redis://localhost'\n\
                      [[limit]]\nname = 'under-way'\nalgorithm = 'concurrency'\nmax_in_flight = 5\n\
                      [[limit]]\nname = 'all'\nrequests = 4\nwindow = '1m'\nstore = 'redis'\nnodes = 4";
        let log: Vec<_> = (0..5).map(|at| line("192.0.2.1", at, "GET /")).collect();
        let summary = replayed(policy, log.iter().map(String::as_str));
        assert_eq!(summary.left_out, ["under-way"]);
        assert_eq!((summary.limits.len(), summary.denied), (1, 1));
        let counted = summary.limits[0].limit.counted;
        assert!(matches!(counted, Counted::Shared { nodes: 4, .. }));
    }

    #[test]
    fn a_field_is_told_by_its_name_and_a_hash() {
        let policy = "[limit]\nrequests = 1\nwindow = '1m'\nkey = { header = 'user-agent' }";
        let log = [line("192.0.2.1", 0, "GET /"), line("192.0.2.2", 0, "GET /")];
        let summary = replayed(policy, log.iter().map(String::as_str));
        let who = &summary.limits[0].top[0].who;
        let (name, hash) = who.split_once(" #").expect("a hash");
        assert_eq!((name, hash.len()), ("user-agent", 8), "{who}");
        assert!(!who.contains("curl"), "{who}");
    }

    #[test]
    fn a_key_that_cannot_be_read_is_counted_by_its_reason() {
        let policy = "[limit]\nrequests = 9\nwindow = '1m'\nkey = { header = 'via' }";
        let twice = r#"{"ts":1,"request":{"remote_ip":"192.0.2.1","method":"GET","uri":"/","headers":{"Via":["a","b"]}}}"#;
        let summary = replayed(policy, [twice]);
        assert_eq!(summary.unreadable, [("limit.key-repeated", 1)]);
        assert_eq!((summary.denied, summary.limits[0].requests), (0, 1));
    }

    #[test]
    fn trusted_proxies_tell_the_client_or_are_told_of() {
        let policy = "trusted_proxies = ['10.0.0.0/8']\n[limit]\nrequests = 1\nwindow = '1m'";
        let mut log = vec![];
        for client in ["198.51.100.1", "198.51.100.2", "198.51.100.2"] {
            log.push(line("10.0.0.1", 0, "GET /") + &format!(" \"{client}\""));
        }
        let summary = replayed(policy, log.iter().map(String::as_str));
        assert_eq!((summary.denied, summary.without_client), (1, 0));
        assert_eq!(summary.limits[0].top[0].who, "198.51.100.2");
        let summary = replayed(policy, [line("10.0.0.1", 0, "GET /").as_str()]);
        assert_eq!(summary.without_client, 1);
    }

    #[test]
    fn lines_that_cannot_be_read_are_counted_and_the_first_are_shown() {
        let policy = "[limit]\nrequests = 1\nwindow = '1m'";
        let good = line("192.0.2.1", 5, "GET /");
        let early = line("192.0.2.1", 2, "GET /");
        let nothing = good.replace("GET / HTTP/1.1", "-");
        let log = [
            "rubbish", &good, "", "{", "{}", &early, &nothing, "more", "\u{fc}", "and more",
        ];
        let summary = replayed(policy, log);
        assert_eq!((summary.lines, summary.requests), (10, 2));
        assert_eq!((summary.malformed, summary.without_request), (5, 2));
        let shown: Vec<_> = summary.first_malformed.iter().map(|(at, _)| *at).collect();
        assert_eq!(shown, [1, 4, 8]);
        assert_eq!((summary.behind, summary.furthest_behind.as_secs()), (1, 3));
    }
}
