//! One request and its response.

use http::StatusCode;

use crate::edit::{CONTENT_TYPE, Edits, hardened, is_html};
use crate::engine::Engine;
use crate::head::ResponseHead;
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
        Edits {
            table,
            nonce,
            cookies,
        }
    }
}

/// Whether a browser may take the response for HTML: it says so, on any line and in any member of a list, or it says
/// nothing, and the browser looks at the body.
fn may_be_html(head: &ResponseHead<'_>) -> bool {
    let (mut told, mut html) = (false, false);
    head.fields.each(&CONTENT_TYPE, &mut |value| {
        told |= !value.trim_ascii().is_empty();
        html |= value.split(|&b| b == b',').any(is_html);
    });
    html || !told
}
