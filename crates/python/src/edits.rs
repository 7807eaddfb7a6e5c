//! The edits of a policy in Python objects, kept: a response that gets what its route always gets costs one walk over the
//! names of the application's list and one list; a nonce costs its value besides.

use std::sync::OnceLock;

use http::{HeaderName, HeaderValue, StatusCode};
use mantlet_engine::{Edit, Edits, Exchange, Op, ResponseHead};
use pyo3::Borrowed;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString, PyTuple};

use crate::section::{Section, list};

/// How a protocol writes names and values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Text {
    /// `bytes`: ASGI.
    Bytes,
    /// `str` of latin-1: WSGI.
    Latin1,
}

impl Text {
    /// The octets of a name or a value, where they can be lent; a `str` beyond ASCII is lent as UTF-8, which equals no name.
    pub(crate) fn lend<'a>(self, object: Borrowed<'a, '_, PyAny>) -> Option<&'a [u8]> {
        match self {
            Self::Bytes => object.extract().ok(),
            Self::Latin1 => object.extract().ok().map(str::as_bytes),
        }
    }

    /// Name and value of a field, where both can be lent: such text, or octets in its place.
    pub(crate) fn lent_pair<'a>(
        self,
        item: Borrowed<'a, '_, PyAny>,
    ) -> Option<(&'a [u8], &'a [u8])> {
        if self == Self::Latin1
            && let Ok((name, value)) = item.extract::<(&'a str, &'a str)>()
        {
            let is_ascii = name.is_ascii() && value.is_ascii();
            return is_ascii.then_some((name.as_bytes(), value.as_bytes()));
        }
        item.extract().ok()
    }

    /// Copies the octets behind `out`; `None` for what is no such text.
    pub(crate) fn copy(self, object: Borrowed<'_, '_, PyAny>, out: &mut Vec<u8>) -> Option<()> {
        let lent = self.lend(object)?;
        if self == Self::Bytes || lent.is_ascii() {
            out.extend_from_slice(lent);
            return Some(());
        }
        let before = out.len();
        for c in std::str::from_utf8(lent).ok()?.chars() {
            let Ok(octet) = u8::try_from(u32::from(c)) else {
                out.truncate(before);
                return None;
            };
            out.push(octet);
        }
        Some(())
    }

    fn object<'py>(self, py: Python<'py>, octets: &[u8]) -> Bound<'py, PyAny> {
        match (self, std::str::from_utf8(octets)) {
            (Self::Bytes, _) => PyBytes::new(py, octets).into_any(),
            (Self::Latin1, Ok(text)) if text.is_ascii() => PyString::new(py, text).into_any(),
            (Self::Latin1, _) => {
                let text: String = octets.iter().copied().map(char::from).collect();
                PyString::new(py, &text).into_any()
            }
        }
    }

    /// A pair for a header list.
    pub(crate) fn pair<'py>(
        self,
        py: Python<'py>,
        name: &HeaderName,
        value: &HeaderValue,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let name = match self {
            Self::Bytes => PyBytes::new(py, name.as_str().as_bytes()).into_any(),
            Self::Latin1 => PyString::intern(py, name.as_str()).into_any(),
        };
        PyTuple::new(py, [name, self.object(py, value.as_bytes())])
    }
}

/// The edits of an engine, each list made when it is first asked for.
pub(crate) struct Kept(Vec<OnceLock<Program>>);

impl Kept {
    pub(crate) fn new(lists: usize) -> Self {
        Self(std::iter::repeat_with(OnceLock::new).take(lists).collect())
    }
}

/// The header list of a response after call two: a new list, whatever `headers` is. `status` is asked where it matters.
pub(crate) fn edited<'py>(
    exchange: &Exchange,
    kept: &Kept,
    text: Text,
    status: impl FnOnce() -> PyResult<u16>,
    headers: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyList>> {
    let py = headers.py();
    let own = list(headers)?;
    // what every response gets needs neither its status nor its fields
    let known = exchange.list().and_then(|number| kept.0.get(number)?.get());
    if let Some(program) = known {
        return program.run(text, &own, None);
    }
    let section = Section::new(text, &own);
    // what is no status is the server's to refuse
    let status = StatusCode::from_u16(status()?).unwrap_or_default();
    let mut head = ResponseHead::new(status, &section);
    head.now = exchange.reads_clock().then(mantlet_source::now);
    let edits = exchange.on_response(&head);
    let all = match edits.list().and_then(|number| kept.0.get(number)) {
        None => Program::new(py, text, &edits)?.run(text, &own, Some(&edits))?,
        Some(slot) => match slot.get() {
            Some(program) => program.run(text, &own, Some(&edits))?,
            None => {
                let program = Program::new(py, text, &edits)?;
                // another thread may be first, with the same program
                slot.get_or_init(|| program).run(text, &own, Some(&edits))?
            }
        },
    };
    match edits.limits() {
        [] => Ok(all),
        limits => told(text, all, limits),
    }
}

/// The list with what limits tell: no two responses have the same.
fn told<'py>(
    text: Text,
    all: Bound<'py, PyList>,
    limits: &[(HeaderName, HeaderValue)],
) -> PyResult<Bound<'py, PyList>> {
    let py = all.py();
    let lengths = limits.iter().fold(0, |bits, (name, _)| {
        bits | length_bit(name.as_str().as_bytes())
    });
    let own = |name: &[u8]| {
        let name = name.trim_ascii();
        let same = |(known, _): &(HeaderName, HeaderValue)| {
            known.as_str().as_bytes().eq_ignore_ascii_case(name)
        };
        (lengths & length_bit(name) != 0 && limits.iter().any(same)).then_some(0)
    };
    let all = match all.iter().any(|item| named(text, &item, own).is_some()) {
        false => all,
        true => {
            let others = all.iter().filter(|item| named(text, item, own).is_none());
            PyList::new(py, others.collect::<Vec<_>>())?
        }
    };
    for (name, value) in limits {
        all.append(text.pair(py, name, value)?)?;
    }
    Ok(all)
}

/// A list of edits as what they come to: for each name there are two outcomes only, where the application says something
/// and where it does not.
struct Program {
    /// A bit for each length of a name.
    lengths: u64,
    names: Vec<Named>,
    /// What is added, in order of sending.
    added: Vec<Added>,
    has_fresh: bool,
    /// What is added where the application has none of the names, and no value is fresh.
    to_none: Py<PyList>,
}

struct Named {
    name: HeaderName,
    /// Whether the application's lines stay, where they say nothing and where they do.
    stays: [bool; 2],
}

struct Added {
    /// Index among the edits.
    edit: usize,
    /// Index among the names.
    name: usize,
    /// As in the first response.
    pair: Py<PyTuple>,
    /// Whether its value is another in the next.
    is_fresh: bool,
    /// Whether it is added where the application says nothing, and where it does.
    goes_out: [bool; 2],
}

fn length_bit(name: &[u8]) -> u64 {
    1 << name.len().min(63)
}

impl Program {
    fn new(py: Python<'_>, text: Text, made: &Edits<'_>) -> PyResult<Self> {
        let mut edits: Vec<Edit> = made.iter().collect();
        // they are told apart
        edits.truncate(edits.len() - made.limits().len());
        let edits: &[Edit] = &edits;
        let fresh: Vec<usize> = match made.list() {
            Some(_) => made.fresh().map(|(index, _)| index).collect(),
            None => Vec::new(),
        };
        let mut names: Vec<Named> = Vec::with_capacity(edits.len());
        let mut added = Vec::with_capacity(edits.len());
        for edit in edits {
            if names.iter().any(|known| known.name == edit.name) {
                continue;
            }
            let outcomes = [false, true].map(|says| outcome(edits, &edit.name, says));
            names.push(Named {
                name: edit.name.clone(),
                stays: [outcomes[0].0, outcomes[1].0],
            });
        }
        for (index, edit) in edits.iter().enumerate() {
            let goes_out =
                [false, true].map(|says| outcome(edits, &edit.name, says).1.contains(&index));
            let name = names.iter().position(|known| known.name == edit.name);
            if let (Some(name), true) = (name, goes_out != [false; 2]) {
                added.push(Added {
                    edit: index,
                    name,
                    pair: text.pair(py, &edit.name, &edit.value)?.unbind(),
                    is_fresh: fresh.contains(&index),
                    goes_out,
                });
            }
        }
        let to_none = added.iter().filter(|added| added.goes_out[0]);
        let to_none = PyList::new(
            py,
            to_none.map(|added| added.pair.bind(py)).collect::<Vec<_>>(),
        )?;
        let lengths = names.iter().fold(0, |bits, known| {
            bits | length_bit(known.name.as_str().as_bytes())
        });
        Ok(Self {
            has_fresh: added.iter().any(|added| added.is_fresh),
            lengths,
            names,
            added,
            to_none: to_none.unbind(),
        })
    }

    /// Which of the names a field of the application has.
    fn index(&self, name: &[u8]) -> Option<usize> {
        // a browser may drop the space around a name, and so do we
        let name = name.trim_ascii();
        if self.lengths & length_bit(name) == 0 {
            return None;
        }
        let same = |known: &Named| known.name.as_str().as_bytes().eq_ignore_ascii_case(name);
        self.names.iter().position(same)
    }

    /// The application's fields that stay, then what is added; `edits` are asked for the values that are fresh.
    fn run<'py>(
        &self,
        text: Text,
        own: &Bound<'py, PyList>,
        edits: Option<&Edits<'_>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let py = own.py();
        // what the application has of each name: nothing, empty lines, or something
        let mut says: Option<Vec<bool>> = None;
        for item in own.iter() {
            let found = named(text, &item, |name| self.index(name));
            if let Some((index, value)) = found {
                let says = says.get_or_insert_with(|| vec![false; self.names.len()]);
                says[index] |= value;
            }
        }
        if says.is_none() && !self.has_fresh {
            let all = own
                .as_sequence()
                .concat(self.to_none.bind(py).as_sequence())?;
            return Ok(all.into_any().cast_into()?);
        }
        let mut all = Vec::with_capacity(own.len() + self.added.len());
        for item in own.iter() {
            let stays = match &says {
                Some(says) => match named(text, &item, |name| self.index(name)) {
                    Some((index, _)) => self.names[index].stays[usize::from(says[index])],
                    None => true,
                },
                None => true,
            };
            if stays {
                all.push(item);
            }
        }
        let fresh = edits.filter(|_| self.has_fresh).map(Edits::fresh);
        let mut fresh = fresh.into_iter().flatten();
        for added in &self.added {
            let pair = added.pair.bind(py);
            // both are in the order of the edits
            let value = match added.is_fresh {
                true => match fresh.find(|(index, _)| *index == added.edit) {
                    Some((_, value)) => Some(value),
                    None => continue,
                },
                false => None,
            };
            let says = says.as_ref().is_some_and(|says| says[added.name]);
            if !added.goes_out[usize::from(says)] {
                continue;
            }
            all.push(match value {
                None => pair.clone().into_any(),
                Some(value) => {
                    let value = text.object(py, value.as_bytes());
                    PyTuple::new(py, [pair.get_item(0)?, value])?.into_any()
                }
            });
        }
        PyList::new(py, all)
    }
}

/// What the edits of one name come to, where the application says something under it or does not: whether its lines stay,
/// and which edits go out.
fn outcome(edits: &[Edit], name: &HeaderName, says: bool) -> (bool, Vec<usize>) {
    let (mut stays, mut out) = (true, Vec::new());
    for (index, edit) in edits
        .iter()
        .enumerate()
        .filter(|(_, edit)| edit.name == *name)
    {
        let mut chosen = out
            .iter()
            .map(|&index: &usize| edits[index].value.as_bytes())
            .chain((stays && says).then_some(&b"chosen"[..]));
        if edit.op == Op::IfMissing && chosen.any(|value| !value.trim_ascii().is_empty()) {
            continue;
        }
        if edit.op != Op::Append {
            stays = false;
            out.clear();
        }
        if edit.op != Op::Remove {
            out.push(index);
        }
    }
    (stays, out)
}

/// The name of a field by `index`, and whether its value says something; `None` for another name and for what is no field.
fn named(
    text: Text,
    item: &Bound<'_, PyAny>,
    index: impl Fn(&[u8]) -> Option<usize>,
) -> Option<(usize, bool)> {
    let says = |value: Option<&[u8]>| value.is_none_or(|value| !value.trim_ascii().is_empty());
    if let Ok(pair) = item.cast::<PyTuple>() {
        let index = index(text.lend(pair.get_borrowed_item(0).ok()?)?)?;
        return Some((index, says(text.lend(pair.get_borrowed_item(1).ok()?))));
    }
    let pair = item.cast::<PyList>().ok()?;
    let index = index(text.lend(pair.get_item(0).ok()?.as_borrowed())?)?;
    Some((index, says(text.lend(pair.get_item(1).ok()?.as_borrowed()))))
}
