//! Rules compiled to tables: one for each transport and content type, so that a response costs one loop.

use http::{HeaderName, HeaderValue, header};
use mantlet_headers::cookie::Hardening;

use crate::intern;
use crate::policy::{Op, Rules, Scoped, Template, Value, When};

/// The edits of a response, ready to apply.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) slots: Vec<Slot>,
    /// How many fields the edits can add.
    pub(crate) reserve: usize,
    /// What the application's cookies get.
    pub(crate) cookies: Option<Hardening>,
    /// Whether a slot needs the nonce of the exchange.
    pub(crate) nonce: bool,
}

#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) op: Op,
    pub(crate) name: HeaderName,
    pub(crate) text: Text,
}

#[derive(Debug)]
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
        let nonce = slots
            .iter()
            .any(|slot| matches!(slot.text, Text::Template(_)));
        if nonce && !slots.iter().any(|slot| slot.name == header::CACHE_CONTROL) {
            // a shared cache would hand one client's nonce to the next
            let text = Text::WithNonce(HeaderValue::from_static("private"));
            slots.push(Slot {
                op: Op::IfMissing,
                name: header::CACHE_CONTROL,
                text,
            });
        }
        let cookies = match &rules.cookies {
            Some(cookies) if secure => Some(cookies.clone()),
            Some(cookies) => Some(cookies.clone().without_secure()),
            None => None,
        };
        let reserve = slots.iter().filter(|slot| slot.op != Op::Remove).count();
        Self {
            slots,
            reserve,
            cookies,
            nonce,
        }
    }
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
}

impl ByType {
    /// Whether a response of this route may need the nonce.
    pub(crate) fn needs_nonce(&self) -> bool {
        self.any.nonce || self.html.as_ref().is_some_and(|table| table.nonce)
    }
}

impl Tables {
    pub(crate) fn new(scoped: &Scoped) -> Self {
        let by_type = |secure| ByType {
            any: Table::new(&scoped.any, secure),
            html: scoped.html.as_ref().map(|rules| Table::new(rules, secure)),
        };
        Self {
            plain: by_type(false),
            secure: by_type(true),
        }
    }

    pub(crate) fn of(&self, secure: bool) -> &ByType {
        if secure { &self.secure } else { &self.plain }
    }
}
