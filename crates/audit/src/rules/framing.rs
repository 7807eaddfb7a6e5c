//! Who may embed the page.

pub(crate) mod broad;
pub(crate) mod missing;
