//! Cache-Control.

pub(crate) mod private;
