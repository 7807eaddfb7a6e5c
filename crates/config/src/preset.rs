//! Named policies and additions, embedded as TOML in the schema of the policy file.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::source::Source;

/// A policy to start from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Preset {
    /// The headers that helmet sends by default.
    Basic,
    /// Good for most applications.
    #[default]
    Balanced,
    /// For applications that load nothing from elsewhere.
    Strict,
    /// For JSON APIs.
    Api,
    /// For Streamlit: strict on scripts, inline styles allowed.
    Streamlit,
    /// Nothing at all.
    None,
}

impl Preset {
    /// Every preset.
    pub const ALL: &'static [Self] = &[
        Self::Basic,
        Self::Balanced,
        Self::Strict,
        Self::Api,
        Self::Streamlit,
        Self::None,
    ];

    /// The word in the policy file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::Balanced => "balanced",
            Self::Strict => "strict",
            Self::Api => "api",
            Self::Streamlit => "streamlit",
            Self::None => "none",
        }
    }

    /// Its text, as `mantlet explain --preset` prints it.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Basic => include_str!("presets/basic.toml"),
            Self::Balanced => include_str!("presets/balanced.toml"),
            Self::Strict => include_str!("presets/strict.toml"),
            Self::Api => include_str!("presets/api.toml"),
            Self::Streamlit => include_str!("presets/streamlit.toml"),
            Self::None => include_str!("presets/none.toml"),
        }
    }

    pub(crate) fn source(self) -> Arc<Source> {
        Source::new(format!("preset {self}"), self.text())
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Preset {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL
            .iter()
            .copied()
            .find(|preset| preset.as_str() == word)
            .ok_or_else(|| {
                let words: Vec<_> = Self::ALL.iter().map(|preset| preset.as_str()).collect();
                format!("{word:?} is not one of {}", words.join(", "))
            })
    }
}

/// An addition for well-known pages, named by a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Overlay {
    /// Swagger UI as FastAPI serves it at `/docs`.
    SwaggerUi,
    /// ReDoc as FastAPI serves it at `/redoc`.
    Redoc,
}

impl Overlay {
    /// Every overlay.
    pub const ALL: &'static [Self] = &[Self::SwaggerUi, Self::Redoc];

    /// The word in the policy file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SwaggerUi => "swagger-ui",
            Self::Redoc => "redoc",
        }
    }

    /// Its text.
    pub const fn text(self) -> &'static str {
        match self {
            Self::SwaggerUi => include_str!("overlays/swagger-ui.toml"),
            Self::Redoc => include_str!("overlays/redoc.toml"),
        }
    }

    pub(crate) fn source(self) -> Arc<Source> {
        Source::new(format!("overlay {}", self.as_str()), self.text())
    }
}
