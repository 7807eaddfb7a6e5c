//! Edits: what is done to the header section of a response, as data.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::emit::{Slot, Table, Text};
use crate::nonce::Nonce;

/// What is done to one field: the words of the policy file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// The field has this one value, whatever the application chose.
    Override,
    /// The field gets this value where the application chose none.
    IfMissing,
    /// The value is added beside those of the application.
    Append,
    /// The field goes.
    Remove,
}

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
    /// Missing when the policy has no slot for one, or the response must not carry it.
    pub(crate) nonce: Option<Nonce>,
}

impl Edits<'_> {
    /// Applies the edits to a header section. Allocates only to grow the map and to fill nonce slots.
    pub fn apply(&self, headers: &mut HeaderMap) {
        headers.reserve(self.table.reserve);
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
                headers.entry(&slot.name).or_insert(value);
            }
            Op::Append => {
                headers.append(&slot.name, value);
            }
            Op::Remove => {}
        }
    }

    fn value(&self, slot: &Slot) -> Option<HeaderValue> {
        match &slot.text {
            Text::Fixed(value) => Some(value.clone()),
            Text::WithNonce(value) => self.nonce.map(|_| value.clone()),
            Text::Template(template) => template.fill(self.nonce?.as_str()),
        }
    }

    /// The edits as data, for hosts whose header section is no [`HeaderMap`].
    pub fn iter(&self) -> impl Iterator<Item = Edit> + '_ {
        self.table.slots.iter().filter_map(|slot| {
            let value = match slot.op {
                Op::Remove => HeaderValue::from_static(""),
                _ => self.value(slot)?,
            };
            Some(Edit {
                op: slot.op,
                name: slot.name.clone(),
                value,
            })
        })
    }
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
