//! The engine alone: its two calls, and nothing around them.

use std::error::Error;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use mantlet_conformance::{Case, Fact, Host, Observed, Told};
use mantlet_engine::{
    Engine, Exchange, Form, Op, Permit, RequestHead, ResponseHead, Step, Store, Verdict,
};
use tokio::runtime::{Builder, Runtime};

#[derive(Default)]
pub(crate) struct Alone {
    store: Option<(Runtime, Arc<dyn Store>)>,
}

impl Alone {
    pub(crate) fn with_store(store: Arc<dyn Store>) -> Self {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        Self {
            store: Some((runtime, store)),
        }
    }

    fn ask(&self, engine: &Engine, head: &RequestHead<'_>) -> (Verdict, Exchange) {
        match (engine.on_request(head), &self.store) {
            (Step::Waiting(waiting), Some((runtime, store))) => {
                let replies = runtime.block_on(store.run(waiting.batch()));
                waiting.resume(replies)
            }
            (step, _) => step.without_store(),
        }
    }
}

impl Host for Alone {
    fn name(&self) -> &'static str {
        "engine"
    }

    fn sees(&self, _: Fact) -> bool {
        true
    }

    fn run(&mut self, case: &Case) -> Result<Observed, Box<dyn Error + Send + Sync>> {
        let engine = case.engine().map_err(|report| report.to_string())?;
        let uri: Uri = case.request.target().parse()?;
        let method = case.request.method();
        let fields = case.request.lines();
        let mut head = RequestHead::new(&method, uri.path().as_bytes(), &fields);
        head.query = uri.query().map(str::as_bytes);
        head.authority = uri
            .authority()
            .map(|authority| authority.as_str().as_bytes());
        head.tls = case.request.tls || case.request.secure;
        head.peer = Some(case.request.peer().into());
        if engine.reads_clock() {
            head.now = mantlet_source::now();
        }
        for _ in 0..case.earlier {
            self.ask(&engine, &head);
        }
        let (verdict, exchange) = self.ask(&engine, &head);

        let (told, status, mut headers, body) = match verdict {
            Verdict::Allow(permit) => {
                let headers: HeaderMap =
                    case.response
                        .lines()
                        .fold(HeaderMap::new(), |mut map, (name, value)| {
                            map.append(name, value.clone());
                            map
                        });
                let status = case.response.status();
                let nonce = permit.nonce();
                let body = match method == Method::HEAD || status == StatusCode::NOT_MODIFIED {
                    true => String::new(),
                    false => case
                        .response
                        .body(nonce.as_ref().map(|nonce| nonce.as_str())),
                };
                (told(&permit), status, headers, body)
            }
            Verdict::Deny(denial) => {
                let reply = exchange.reply(&denial, &method, Form::of(&fields));
                return Ok(Observed {
                    told: None,
                    reason: Some(denial.reason.to_owned()),
                    status: reply.status,
                    fields: bytes(lines(&reply.headers)),
                    body: reply.body.into_bytes(),
                });
            }
            other => return Err(format!("{other:?}").into()),
        };
        let before: Vec<_> = lines(&headers);
        let edits = exchange.on_response(&ResponseHead::new(status, &before));
        let as_data = applied(before.clone(), &edits);
        edits.apply(&mut headers);
        let fields = lines(&headers);
        if sorted(&fields) != sorted(&as_data) {
            return Err(format!("the edits as data make {as_data:?}, applied {fields:?}").into());
        }
        Ok(Observed {
            told: Some(told),
            reason: None,
            status,
            fields: bytes(fields),
            body: body.into_bytes(),
        })
    }
}

fn told(permit: &Permit) -> Told {
    let reported = permit.reported().map(|reason| reason.code.to_owned());
    Told {
        client: permit.client(),
        reported: Some(reported.collect()),
    }
}

/// What a host makes of the edits whose header section is a list.
fn applied(
    mut section: Vec<(HeaderName, HeaderValue)>,
    edits: &mantlet_engine::Edits<'_>,
) -> Vec<(HeaderName, HeaderValue)> {
    for edit in edits.iter() {
        let says = |(name, value): &(HeaderName, HeaderValue)| {
            *name == edit.name && !value.as_bytes().trim_ascii().is_empty()
        };
        let present = section.iter().any(says);
        let replaces = edit.op == Op::IfMissing && !present;
        if replaces || matches!(edit.op, Op::Override | Op::Remove) {
            section.retain(|(name, _)| *name != edit.name);
        }
        let goes_in = match edit.op {
            Op::Override | Op::Append => true,
            Op::IfMissing => !present,
            Op::Remove => false,
        };
        if goes_in {
            section.push((edit.name, edit.value));
        }
    }
    section
}

fn lines(headers: &HeaderMap) -> Vec<(HeaderName, HeaderValue)> {
    headers
        .iter()
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// By name; the order of the lines of one name stays.
fn bytes(fields: Vec<(HeaderName, HeaderValue)>) -> Vec<(HeaderName, Vec<u8>)> {
    fields
        .into_iter()
        .map(|(name, value)| (name, value.as_bytes().to_vec()))
        .collect()
}

fn sorted(section: &[(HeaderName, HeaderValue)]) -> Vec<(HeaderName, HeaderValue)> {
    let mut section = section.to_vec();
    section.sort_by(|(a, _), (b, _)| a.as_str().cmp(b.as_str()));
    section
}
