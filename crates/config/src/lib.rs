//! `mantlet.toml` to an engine, or every error at once.
//!
//! Text -> [`Config`] (shape) -> merged over its preset -> compiled (meaning) -> [`Engine`](mantlet_engine::Engine).
//! Builders in code fill the same [`Config`]: there is one meaning of a policy and one place that compiles it.

mod compile;
mod config;
mod environment;
mod error;
mod load;
mod merge;
mod node;
mod preset;
mod read;
mod schema;
mod source;
mod values;

pub use config::{Config, Mode};
pub use environment::{Chosen, Environment, VARIABLE};
pub use error::{Diagnostic, Report, Styled};
pub use load::{Loaded, load, reload};
pub use preset::{Overlay, Preset};
pub use schema::json_schema;
pub use source::{Place, Source};
