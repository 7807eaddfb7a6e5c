//! One request and its response.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use mantlet_limit::Left;

use crate::edit::{CONTENT_TYPE, Edits, hardened, is_html};
use crate::emit::Table;
use crate::engine::Engine;
use crate::entropy::Entropy;
use crate::head::{Fields, Now, ResponseHead};
use crate::limit::{Asked, Quotas, Stopped, Tally, UnderWay, seconds};
use crate::nonce::Nonce;
use crate::permit::Permit;
use crate::reason::LIMIT_OVERSIZED;
use crate::step::{Replies, Step};
use crate::verdict::{Denial, Form, Limited, Reply, Verdict};

/// The reason code of a denial, where the policy asks for it.
pub(crate) const MANTLET_REASON: HeaderName = HeaderName::from_static("mantlet-reason");

/// One request and its response (RFC 9110 section 3.4), under the policy it was opened with: a reload between the two
/// calls does not reach it.
#[derive(Debug)]
pub struct Exchange {
    engine: Engine,
    scope: usize,
    secure: bool,
    pub(crate) nonce: Option<Nonce>,
    /// What the limits have said.
    limits: Option<Arc<Quotas>>,
    under_way: Option<Box<UnderWay>>,
}

impl Exchange {
    pub(crate) fn new(engine: Engine, scope: usize, secure: bool) -> Self {
        Self {
            engine,
            scope,
            secure,
            nonce: None,
            limits: None,
            under_way: None,
        }
    }

    /// A request that every limit lets through.
    pub(crate) fn admitted(mut self, mut permit: Permit, asked: Asked) -> (Verdict, Self) {
        permit.reported[2] = asked.reported;
        if !asked.places.is_empty() {
            self.under_way = Some(Box::new(UnderWay::new(asked.places)));
        }
        self.tell(asked.tally);
        permit.limits = self.limits.clone();
        (Verdict::Allow(permit), self)
    }

    /// A request that a limit stops.
    pub(crate) fn stopped(mut self, asked: Asked, stopped: &Stopped) -> Step {
        let denial = self.denial(stopped);
        self.tell(asked.tally);
        Step::Decided(Verdict::Deny(denial), self)
    }

    /// A request whose store has answered, or has not.
    pub(crate) fn resumed(
        self,
        permit: Permit,
        mut asked: Asked,
        replies: Option<Replies>,
    ) -> (Verdict, Self) {
        let limiters = self.engine.limiters();
        let settled = match replies {
            Some(replies) => limiters.answered(&mut asked, &replies.takes),
            None => limiters.unanswered(&mut asked),
        };
        match settled {
            Ok(()) => self.admitted(permit, asked),
            Err(stopped) => self.stopped(asked, &stopped).without_store(),
        }
    }

    fn tell(&mut self, tally: Tally) {
        if !tally.entries.is_empty() {
            let engine = self.engine.clone();
            self.limits = Some(Arc::new(Quotas { engine, tally }));
        }
    }

    fn denial(&self, stopped: &Stopped) -> Denial {
        let limiters = self.engine.limiters();
        let named = stopped
            .by
            .iter()
            .filter_map(|(index, _)| limiters.get(*index));
        let by: Vec<_> = named
            .clone()
            .map(|limiter| limiter.limit.name.clone())
            .collect();
        let answer = named
            .clone()
            .find_map(|limiter| limiter.limit.answer.as_ref());
        let outcomes = stopped
            .by
            .iter()
            .filter_map(|(_, outcome)| outcome.as_ref());
        let longest = outcomes.map(|outcome| outcome.retry_after).max();
        let longest = longest.filter(|_| stopped.reason != &LIMIT_OVERSIZED);
        let retry_after = longest.map(|longest| {
            // a fifth more at the most: those who were turned away together do not come back together, and nobody too early
            let spread = longest.mul_f64(0.2 * part(self.engine.entropy()));
            seconds(longest.saturating_add(spread)).max(1)
        });
        let mut denial = Denial::of(stopped.reason).answered(answer);
        denial.limited = (!by.is_empty()).then(|| Box::new(Limited { by, retry_after }));
        denial
    }

    /// The policy it was opened under.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Whether the client came by https.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// Whether the time of the response tells anything: a host then reads the clock, into
    /// [`ResponseHead::now`](crate::ResponseHead::now).
    pub fn reads_clock(&self) -> bool {
        self.under_way.is_some() || self.limits.is_some() && self.engine.limiters().adapts()
    }

    /// Call two: facts about the response -> the edits of its header section.
    pub fn on_response(&self, head: &ResponseHead<'_>) -> Edits<'_> {
        let tables = self.engine.tables(self.scope, self.secure);
        let table = match (&tables.html, &tables.not_modified) {
            (_, Some(kept)) if head.status == StatusCode::NOT_MODIFIED => kept,
            (Some(html), _) if may_be_html(head) => html,
            _ => &tables.any,
        };
        let nonce = self.nonce;
        let cookies = match &table.cookies {
            Some(hardening) => hardened(hardening, head.fields),
            None => Vec::new(),
        };
        // how long to keep a response is said by either field
        let says = |name: &HeaderName| says(head.fields, name);
        let caching_chosen =
            table.has_caching && (says(&header::CACHE_CONTROL) || says(&header::EXPIRES));
        let error = table.has_caching && head.status.as_u16() >= 400;
        if let Some(now) = head.now {
            self.answered(head.status, now);
        }
        let by_type = || by_type(table, head);
        Edits {
            table,
            nonce,
            cache: match table.cache.is_empty() || caching_chosen || error {
                true => None,
                false => by_type(),
            },
            caching_chosen,
            error,
            cookies,
            limits: match &self.limits {
                Some(limits) => limits.tally.fields(self.engine.limiters(), head.status),
                None => Vec::new(),
            },
        }
    }

    /// The application has not answered in time, or not at all: it is too busy for what is under way.
    pub fn unanswered(&self, now: Now) {
        if let Some(under_way) = &self.under_way {
            under_way.leave(now, Left::Dropped);
        }
    }

    /// The application has answered: what it took tells how busy it is. What the client got wrong tells nothing.
    fn answered(&self, status: StatusCode, now: Now) {
        let told = !status.is_client_error();
        if let Some(under_way) = &self.under_way {
            under_way.leave(now, if told { Left::Answered } else { Left::Ignored });
        }
        if let Some(limits) = self.limits.as_ref().filter(|_| told) {
            self.engine.limiters().sample(&limits.tally, now);
        }
    }

    /// The number of the edits that every response of this exchange gets, whatever its status and fields: that of
    /// [`Edits::list`], without asking. `None` where they depend on the response, or hold a nonce.
    pub fn list(&self) -> Option<usize> {
        let tables = self.engine.tables(self.scope, self.secure);
        let table = &tables.any;
        let depends = self.limits.is_some()
            || self.reads_clock()
            || tables.html.is_some()
            || tables.not_modified.is_some()
            || table.cookies.is_some()
            || table.has_caching
            || table.nonce;
        (!depends).then_some(table.number)
    }

    /// The answer to a request that ends here, by a verdict or by the host itself: it has passed call two, and no cache
    /// keeps it, whatever the policy says of other responses. HEAD gets the head alone.
    pub fn reply(&self, denial: &Denial, method: &Method, form: Form) -> Reply {
        let mut reply = denial.reply(method, form);
        let headers: &mut HeaderMap = &mut reply.headers;
        if self.engine.tells_reason()
            && let Ok(reason) = HeaderValue::from_str(denial.reason)
        {
            headers.insert(MANTLET_REASON, reason);
        }
        let edits = self.on_response(&ResponseHead::new(reply.status, headers));
        edits.apply(headers);
        let doomed: Vec<_> = headers
            .keys()
            .filter(|name| is_for_success(name))
            .cloned()
            .collect();
        for name in doomed {
            headers.remove(name);
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        reply
    }
}

/// A random part of 1; none without randomness.
fn part(entropy: &dyn Entropy) -> f64 {
    let mut bytes = [0; 4];
    match entropy.fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX),
        Err(_) => 0.0,
    }
}

/// Whether a field must not stand on a denial: caches of CDNs and proxies obey their own field before Cache-Control, and
/// Clear-Site-Data would do for a forged request what was denied it.
fn is_for_success(name: &HeaderName) -> bool {
    (is_cache_field(name) && *name != header::CACHE_CONTROL)
        || *name == CLEAR_SITE_DATA
        || *name == header::EXPIRES
}

/// Whether a field tells a shared cache how long to keep a response: Cache-Control, and those that caches read before it
/// (RFC 9213, and what Varnish, Fastly, Akamai and nginx call their own).
pub fn is_cache_field(name: &HeaderName) -> bool {
    let text = name.as_str();
    text.ends_with("cache-control")
        || matches!(
            text,
            "surrogate-control" | "edge-control" | "x-accel-expires"
        )
}

const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

/// The default of Cache-Control for the type of a response.
fn by_type<'t>(table: &'t Table, head: &ResponseHead<'_>) -> Option<&'t HeaderValue> {
    let mut found = None;
    head.fields.each(&CONTENT_TYPE, &mut |value| {
        let fits = table.cache.iter().find(|(range, _)| range.holds(value));
        found = found.or(fits.map(|(_, value)| value));
    });
    found
}

fn says(fields: &dyn Fields, name: &HeaderName) -> bool {
    let mut says = false;
    fields.each(name, &mut |value| says |= !value.trim_ascii().is_empty());
    says
}

/// Whether a browser may take the response for HTML: it says so, on any line and in any member of a list, or it says
/// nothing that a browser takes for a type, and the browser looks at the body
/// (<https://mimesniff.spec.whatwg.org/#supplied-mime-type-detection-algorithm>).
fn may_be_html(head: &ResponseHead<'_>) -> bool {
    let (mut told, mut html) = (false, false);
    head.fields.each(&CONTENT_TYPE, &mut |value| {
        for member in value.split(|&b| b == b',') {
            html |= is_html(member);
            told |= is_a_type(member);
            html |= !is_a_type(member) && !member.trim_ascii().is_empty();
        }
    });
    html || !told
}

/// Whether a browser takes it for a media type, and does not look further.
fn is_a_type(member: &[u8]) -> bool {
    let essence = member.split(|&b| b == b';').next().unwrap_or_default();
    let essence = essence.trim_ascii();
    let unknown = ["*/*", "unknown/unknown", "application/unknown"];
    let is_unknown = |word: &&str| essence.eq_ignore_ascii_case(word.as_bytes());
    essence.contains(&b'/') && !unknown.iter().any(is_unknown)
}
