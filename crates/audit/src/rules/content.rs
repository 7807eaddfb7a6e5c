//! What the page loads.

pub(crate) mod insecure_form;
pub(crate) mod integrity;
pub(crate) mod mixed;
