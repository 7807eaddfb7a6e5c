//! Rules compiled to tables: one for each transport and content type, so that a response costs one loop.

use http::{HeaderName, HeaderValue, header};
use mantlet_headers::cookie::Hardening;

use crate::intern;
use crate::policy::{MediaRange, Op, Rules, Scoped, Template, Value, When};

/// The edits of a response, ready to apply.
#[derive(Debug)]
pub(crate) struct Table {
    /// Its place among the tables of the engine.
    pub(crate) number: usize,
    pub(crate) slots: Vec<Slot>,
    /// How many fields the edits can add.
    pub(crate) reserve: usize,
    /// What the application's cookies get.
    pub(crate) cookies: Option<Hardening>,
    /// Cache-Control by content type.
    pub(crate) cache: Vec<(MediaRange, HeaderValue)>,
    /// Whether there is a default of Cache-Control, for any type or for some.
    pub(crate) has_caching: bool,
    /// Whether a slot needs the nonce of the exchange.
    pub(crate) nonce: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) op: Op,
    pub(crate) name: HeaderName,
    pub(crate) text: Text,
}

impl Slot {
    /// Whether it is a default of Cache-Control. What a nonce needs is none: it goes out in any case.
    pub(crate) fn is_caching(&self) -> bool {
        let fixed = matches!(self.text, Text::Fixed(_));
        self.op == Op::IfMissing && fixed && self.name == header::CACHE_CONTROL
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Text {
    Fixed(HeaderValue),
    /// Goes out only in a response that carries a nonce.
    WithNonce(HeaderValue),
    Template(Template),
}

impl Table {
    fn new(rules: &Rules, secure: bool) -> Self {
        let acts = |when: When| match when {
            When::Always => true,
            When::Secure => secure,
            When::Plain => !secure,
        };
        let mut slots: Vec<Slot> = Vec::new();
        for rule in rules.headers.iter().filter(|rule| acts(rule.when)) {
            let text = match &rule.value {
                Value::Fixed(value) => Text::Fixed(intern::value(value)),
                Value::Nonce(template) => Text::Template(template.clone()),
            };
            slots.push(Slot {
                op: rule.op,
                name: intern::name(&rule.name),
                text,
            });
        }
        if has_template(&slots) {
            // a shared cache would hand one client's nonce to the next
            let text = Text::WithNonce(HeaderValue::from_static("private"));
            let mut caching = slots
                .iter()
                .filter(|slot| slot.name == header::CACHE_CONTROL);
            let op = match caching.next_back().map(|slot| slot.op) {
                None => Some(Op::IfMissing),
                Some(Op::Remove) => Some(Op::Append),
                Some(_) => None,
            };
            let name = header::CACHE_CONTROL;
            slots.extend(op.map(|op| Slot { op, name, text }));
        }
        let cookies = match &rules.cookies {
            Some(cookies) if secure => Some(cookies.clone()),
            Some(cookies) => Some(cookies.clone().without_secure()),
            None => None,
        };
        let cache = rules
            .cache
            .iter()
            .map(|(range, value)| (range.clone(), intern::value(value)));
        Self::of(slots, cookies, cache.collect())
    }

    fn of(
        slots: Vec<Slot>,
        cookies: Option<Hardening>,
        cache: Vec<(MediaRange, HeaderValue)>,
    ) -> Self {
        let nonce = has_template(&slots);
        let reserve = slots.iter().filter(|slot| slot.op != Op::Remove).count();
        Self {
            number: 0,
            reserve: reserve + usize::from(!cache.is_empty()),
            cookies,
            has_caching: !cache.is_empty() || slots.iter().any(Slot::is_caching),
            cache,
            nonce,
            slots,
        }
    }

    /// What a 304 gets. A browser puts its fields in the place of those it has kept with the body (RFC 9111 section 3.2),
    /// so they must be those of the 200, or stay away: a field with a nonce would not fit the kept body, and whether that
    /// body is HTML a 304 does not say. `None`: the same as `any`.
    fn not_modified(any: &Self, html: Option<&Self>) -> Option<Self> {
        let by_type = |table: &Self| !table.cache.is_empty();
        if html.is_none() && !any.nonce && !by_type(any) {
            return None;
        }
        let html = html.unwrap_or(any);
        let cache_depends = by_type(any) || by_type(html);
        let of = |table: &Self, name: &HeaderName| -> Vec<Slot> {
            let named = table.slots.iter().filter(|slot| slot.name == *name);
            named
                .filter(|slot| !matches!(slot.text, Text::WithNonce(_)))
                .cloned()
                .collect()
        };
        let mut slots: Vec<Slot> = Vec::new();
        for Slot { name, .. } in any.slots.iter().chain(&html.slots) {
            if slots.iter().any(|slot| slot.name == *name) {
                continue;
            }
            let (own, other) = (of(any, name), of(html, name));
            let fits = |slot: &Slot| matches!(slot.text, Text::Fixed(_));
            if *name == header::CACHE_CONTROL && cache_depends {
                // the default of the 200 depends on its type: a choice of the application stays, and nothing is added
            } else if own == other && own.iter().all(fits) {
                slots.extend(own);
            } else {
                let (op, text) = (Op::Remove, Text::Fixed(HeaderValue::from_static("")));
                slots.push(Slot {
                    op,
                    name: name.clone(),
                    text,
                });
            }
        }
        Some(Self::of(slots, any.cookies.clone(), Vec::new()))
    }
}

fn has_template(slots: &[Slot]) -> bool {
    slots
        .iter()
        .any(|slot| matches!(slot.text, Text::Template(_)))
}

/// The tables of a route.
#[derive(Debug)]
pub(crate) struct Tables {
    plain: ByType,
    secure: ByType,
}

#[derive(Debug)]
pub(crate) struct ByType {
    pub(crate) any: Table,
    pub(crate) html: Option<Table>,
    /// For 304, where it differs from `any`.
    pub(crate) not_modified: Option<Table>,
}

impl ByType {
    /// Whether a response of this route may need the nonce.
    pub(crate) fn needs_nonce(&self) -> bool {
        self.any.nonce || self.html.as_ref().is_some_and(|table| table.nonce)
    }
}

impl Tables {
    pub(crate) fn new(scoped: &Scoped) -> Self {
        let by_type = |secure| {
            let any = Table::new(&scoped.any, secure);
            let html = scoped.html.as_ref().map(|rules| Table::new(rules, secure));
            let not_modified = Table::not_modified(&any, html.as_ref());
            ByType {
                any,
                html,
                not_modified,
            }
        };
        Self {
            plain: by_type(false),
            secure: by_type(true),
        }
    }

    /// Every table.
    pub(crate) fn all(&mut self) -> impl Iterator<Item = &mut Table> {
        [&mut self.plain, &mut self.secure]
            .into_iter()
            .flat_map(|tables| {
                let others = tables.html.iter_mut().chain(&mut tables.not_modified);
                std::iter::once(&mut tables.any).chain(others)
            })
    }

    pub(crate) fn of(&self, secure: bool) -> &ByType {
        if secure { &self.secure } else { &self.plain }
    }
}
