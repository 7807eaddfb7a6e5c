//! Edits: what is done to the header section of a response, as data.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use mantlet_headers::cookie::Hardening;

use crate::emit::{Slot, Table, Text};
use crate::head::Fields;
use crate::nonce::Nonce;
use crate::policy::Op;

/// One change to a header section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What is done.
    pub op: Op,
    /// To which field.
    pub name: HeaderName,
    /// With what; empty for [`Op::Remove`].
    pub value: HeaderValue,
}

/// The edits of one response, in order. Iterate for the data, or [`apply`](Edits::apply) them to a [`HeaderMap`].
#[derive(Debug)]
pub struct Edits<'e> {
    pub(crate) table: &'e Table,
    /// Missing when the policy has no slot for one, or the request was denied before one was drawn.
    pub(crate) nonce: Option<Nonce>,
    /// The default of Cache-Control for this type of response.
    pub(crate) cache: Option<&'e HeaderValue>,
    /// Whether the application said how long to keep the response; looked at only where the policy has a default.
    pub(crate) caching_chosen: bool,
    /// Whether the response is an error: it is not kept as long as what was asked for.
    pub(crate) error: bool,
    /// Every Set-Cookie of the response, if one of them is to change.
    pub(crate) cookies: Vec<HeaderValue>,
    /// What the limits tell.
    pub(crate) limits: Vec<(HeaderName, HeaderValue)>,
}

impl Edits<'_> {
    /// Applies the edits to a header section. Allocates only to grow the map, to fill nonce slots and to harden cookies.
    pub fn apply(self, headers: &mut HeaderMap) {
        headers.reserve(self.table.reserve);
        if let Some(value) = self.cache {
            headers.insert(header::CACHE_CONTROL, value.clone());
        }
        for slot in &self.table.slots {
            match (&slot.text, slot.op) {
                (Text::Fixed(value), Op::Override) => {
                    headers.insert(&slot.name, value.clone());
                }
                (_, Op::Remove) => {
                    headers.remove(&slot.name);
                }
                _ => self.apply_rare(slot, headers),
            }
        }
        if !self.cookies.is_empty() {
            headers.remove(header::SET_COOKIE);
            for cookie in self.cookies {
                headers.append(header::SET_COOKIE, cookie);
            }
        }
        for (name, value) in self.limits {
            headers.insert(name, value);
        }
    }

    fn apply_rare(&self, slot: &Slot, headers: &mut HeaderMap) {
        let Some(value) = self.value(slot) else {
            return;
        };
        match slot.op {
            Op::Override => {
                headers.insert(&slot.name, value);
            }
            Op::IfMissing => {
                if says_nothing(headers, &slot.name) {
                    headers.insert(&slot.name, value);
                }
            }
            Op::Append => {
                headers.append(&slot.name, value);
            }
            Op::Remove => {}
        }
    }

    fn value(&self, slot: &Slot) -> Option<HeaderValue> {
        match &slot.text {
            Text::Fixed(value) if slot.is_caching() => self.caching(value),
            Text::Fixed(value) => Some(value.clone()),
            Text::WithNonce(value) => self.nonce.map(|_| value.clone()),
            Text::Template(template) => match &self.nonce {
                Some(nonce) => template.fill(nonce.as_str()),
                None => Some(template.without()),
            },
        }
    }

    /// The default of Cache-Control, unless the application chose by Expires. An error is not kept as long as what was asked
    /// for, and a page with a nonce in no shared cache.
    fn caching(&self, default: &HeaderValue) -> Option<HeaderValue> {
        let kept = !forbids_storing(default);
        if (self.caching_chosen || self.error) && kept
            || self.caching_chosen && self.nonce.is_none()
        {
            return self.nonce.map(|_| HeaderValue::from_static("private"));
        }
        Some(default.clone())
    }

    /// The number of these edits, where they depend on nothing but route, transport and type of the response: the same number
    /// under the same engine means the same edits, save the values of [`Edits::fresh`] and the fields of [`Edits::limits`], so
    /// that a host can keep them in its own form. `None` where they are this response's own.
    pub fn list(&self) -> Option<usize> {
        let own = self.cache.is_some()
            || self.caching_chosen
            || self.error
            || !self.cookies.is_empty()
            || (self.table.nonce && self.nonce.is_none());
        (!own).then_some(self.table.number)
    }

    /// The values with a nonce: those that differ from one response of a [`list`](Edits::list) to the next, by their index
    /// among its edits.
    pub fn fresh(&self) -> impl Iterator<Item = (usize, HeaderValue)> + '_ {
        let slots = self.table.slots.iter().filter(|_| self.table.nonce);
        slots
            .enumerate()
            .filter(|(_, slot)| slot.op != Op::Remove && matches!(slot.text, Text::Template(_)))
            .filter_map(|(index, slot)| Some((index, self.value(slot)?)))
    }

    /// The fields that tell what limits leave; each replaces what the application says. They are the last of the edits.
    pub fn limits(&self) -> &[(HeaderName, HeaderValue)] {
        &self.limits
    }

    /// The edits as data, for hosts whose header section is no [`HeaderMap`].
    pub fn iter(&self) -> impl Iterator<Item = Edit> + '_ {
        let cache = self.cache.map(|value| Edit {
            op: Op::Override,
            name: header::CACHE_CONTROL,
            value: value.clone(),
        });
        let fixed = self.table.slots.iter().filter_map(|slot| {
            let value = match slot.op {
                Op::Remove => NO_VALUE,
                _ => self.value(slot)?,
            };
            Some(Edit {
                op: slot.op,
                name: slot.name.clone(),
                value,
            })
        });
        let fresh = !self.cookies.is_empty();
        let remove = fresh.then_some(Edit {
            op: Op::Remove,
            name: header::SET_COOKIE,
            value: NO_VALUE,
        });
        let cookies = self.cookies.iter().map(|cookie| Edit {
            op: Op::Append,
            name: header::SET_COOKIE,
            value: cookie.clone(),
        });
        let limits = self.limits.iter().map(|(name, value)| Edit {
            op: Op::Override,
            name: name.clone(),
            value: value.clone(),
        });
        let own = cache.into_iter().chain(fixed);
        own.chain(remove).chain(cookies).chain(limits)
    }
}

/// Whether a Cache-Control says `no-store`.
fn forbids_storing(value: &HeaderValue) -> bool {
    let mut members = value.as_bytes().split(|&b| b == b',');
    members.any(|member| member.trim_ascii().eq_ignore_ascii_case(b"no-store"))
}

const NO_VALUE: HeaderValue = HeaderValue::from_static("");

/// Whether a field is absent, or there and empty: neither is a choice of the application.
fn says_nothing(headers: &HeaderMap, name: &HeaderName) -> bool {
    let mut values = headers.get_all(name).iter();
    values.all(|value| value.as_bytes().trim_ascii().is_empty())
}

/// Every Set-Cookie with what it lacks; empty if none of them is to change. A cookie that cannot be read stays as it is.
pub(crate) fn hardened(hardening: &Hardening, fields: &dyn Fields) -> Vec<HeaderValue> {
    let mut changed = false;
    let mut cookies = Vec::new();
    fields.each(&header::SET_COOKIE, &mut |value| {
        let better = hardening
            .harden(value)
            .and_then(|bytes| HeaderValue::from_maybe_shared(Bytes::from(bytes)).ok());
        changed |= better.is_some();
        cookies.extend(better.or_else(|| HeaderValue::from_bytes(value).ok()));
    });
    if changed { cookies } else { Vec::new() }
}

/// Whether a Content-Type value says HTML: what a browser renders as a document with scripts.
pub(crate) fn is_html(content_type: &[u8]) -> bool {
    let essence = content_type
        .split(|&b| b == b';')
        .next()
        .unwrap_or_default()
        .trim_ascii();
    essence.eq_ignore_ascii_case(b"text/html")
        || essence.eq_ignore_ascii_case(b"application/xhtml+xml")
}

/// The field that decides between `any` and `html`.
pub(crate) const CONTENT_TYPE: HeaderName = header::CONTENT_TYPE;
