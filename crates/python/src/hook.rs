//! A request as a hook of a framework tells it: `Policy.on_request`.

use http::Method;
use mantlet_engine::{Form, RequestHead, Step};
use pyo3::prelude::*;

use crate::edits::Text;
use crate::log;
use crate::permit::address;
use crate::policy::Policy;
use crate::section::{Section, list};
use crate::verdict;

/// What a hook tells of a request.
pub(crate) struct Asked<'a, 'py> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a [u8],
    pub(crate) headers: &'a Bound<'py, PyAny>,
    pub(crate) query: Option<&'a [u8]>,
    pub(crate) peer: Option<&'a str>,
    pub(crate) tls: bool,
    pub(crate) authority: Option<&'a [u8]>,
    pub(crate) request: Option<&'a Bound<'py, PyAny>>,
}

/// What call one came to, and what a denial is told by.
pub(crate) struct Judged {
    pub(crate) step: Step,
    pub(crate) method: Method,
    pub(crate) form: Form,
}

impl Asked<'_, '_> {
    pub(crate) fn of(&self, policy: &Bound<'_, Policy>) -> PyResult<Judged> {
        let policy = policy.get();
        let list = list(self.headers)?;
        let section = Section::new(Text::Bytes, &list);
        section.check_all()?;
        let form = Form::of(&section);
        let Ok(method) = Method::from_bytes(self.method.as_bytes()) else {
            let (verdict, exchange) = policy.unreadable();
            return Ok(Judged {
                step: Step::Decided(verdict, exchange),
                method: Method::GET,
                form,
            });
        };
        let mut head = RequestHead::new(&method, self.path, &section);
        head.query = self.query;
        head.peer = self.peer.and_then(address);
        head.tls = self.tls;
        head.authority = self.authority;
        let step = verdict::ask(policy, &mut head, self.request, self.headers.py());
        log::forgotten(self.headers.py(), &policy.engine, &head);
        Ok(Judged { step, method, form })
    }
}
