//! One request and its response.

use http::StatusCode;

use crate::edit::{CONTENT_TYPE, Edits, hardened, is_html};
use crate::engine::Engine;
use crate::head::{ResponseHead, Single};
use crate::nonce::Nonce;

/// One request and its response (RFC 9110 section 3.4), under the policy it was opened with: a reload between the two
/// calls does not reach it.
#[derive(Debug)]
pub struct Exchange {
    engine: Engine,
    route: Option<usize>,
    secure: bool,
    pub(crate) nonce: Option<Nonce>,
}

impl Exchange {
    pub(crate) fn new(engine: Engine, route: Option<usize>, secure: bool) -> Self {
        Self {
            engine,
            route,
            secure,
            nonce: None,
        }
    }

    /// Whether the client came by https.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// Call two: facts about the response -> the edits of its header section.
    pub fn on_response(&self, head: &ResponseHead<'_>) -> Edits<'_> {
        let tables = self.engine.tables(self.route, self.secure);
        let table = match &tables.html {
            Some(html) if says_html(head) => html,
            _ => &tables.any,
        };
        // a 304 goes with a body that the browser kept, and with it the nonce of that time (RFC 9111 section 4.3.4)
        let nonce = self
            .nonce
            .filter(|_| head.status != StatusCode::NOT_MODIFIED);
        let cookies = match &table.cookies {
            Some(hardening) => hardened(hardening, head.fields),
            None => Vec::new(),
        };
        Edits {
            table,
            nonce,
            cookies,
        }
    }
}

/// A repeated Content-Type counts as HTML: a browser may take the last one.
fn says_html(head: &ResponseHead<'_>) -> bool {
    match head.fields.single(&CONTENT_TYPE) {
        Single::Missing => false,
        Single::One(value) => is_html(value),
        Single::Repeated => true,
    }
}
