//! Which framework an application is made with, and what its policy needs.

use std::path::Path;

use clap::ValueEnum;
use mantlet_config::Preset;

/// A framework that `mantlet init` knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Framework {
    Fastapi,
    Flask,
    Django,
    Streamlit,
    Axum,
    Actix,
    Node,
    Other,
}

/// The files that name what an application is made with.
const FILES: &[&str] = &[
    "pyproject.toml",
    "requirements.txt",
    "setup.cfg",
    "setup.py",
    "Pipfile",
    "uv.lock",
    "Cargo.toml",
    "package.json",
];

/// What a file has to name, the more telling first: a Streamlit dashboard beside a FastAPI service is served by `serve`.
const NAMES: &[(&str, Framework)] = &[
    ("streamlit", Framework::Streamlit),
    ("fastapi", Framework::Fastapi),
    ("django", Framework::Django),
    ("flask", Framework::Flask),
    ("axum", Framework::Axum),
    ("actix-web", Framework::Actix),
];

/// The framework of the application in `folder`.
pub(super) fn detect(folder: &Path) -> Framework {
    let texts: Vec<String> = FILES
        .iter()
        .filter_map(|name| std::fs::read_to_string(folder.join(name)).ok())
        .map(|text| text.to_ascii_lowercase())
        .collect();
    let named = |word: &str| texts.iter().any(|text| names(text, word));
    if let Some((_, framework)) = NAMES.iter().find(|(word, _)| named(word)) {
        return *framework;
    }
    match folder.join("manage.py").exists() {
        true => Framework::Django,
        false if folder.join("package.json").exists() => Framework::Node,
        false => Framework::Other,
    }
}

/// Whether a line of `text` names the package `word`, and not one whose name merely begins or ends with it.
fn names(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let part =
            |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        !part(text[..at].chars().next_back()) && !part(text[at + word.len()..].chars().next())
    })
}

impl Framework {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Fastapi => "FastAPI",
            Self::Flask => "Flask",
            Self::Django => "Django",
            Self::Streamlit => "Streamlit",
            Self::Axum => "axum",
            Self::Actix => "actix-web",
            Self::Node => "Node.js",
            Self::Other => "any application",
        }
    }

    pub(super) const fn preset(self) -> Preset {
        match self {
            Self::Streamlit => Preset::Streamlit,
            _ => Preset::Balanced,
        }
    }

    /// How to try the policy.
    pub(super) const fn start(self) -> &'static str {
        match self {
            Self::Axum => "app.layer(mantlet::layer(mantlet::policy_file(\"mantlet.toml\")?))",
            Self::Streamlit => "mantlet serve --upstream http://127.0.0.1:8501",
            Self::Flask => "mantlet serve --upstream http://127.0.0.1:5000",
            Self::Actix => "mantlet serve --upstream http://127.0.0.1:8080 --listen 127.0.0.1:8000",
            Self::Node => "mantlet serve --upstream http://127.0.0.1:3000",
            Self::Fastapi | Self::Django | Self::Other => {
                "mantlet serve --upstream http://127.0.0.1:8000"
            }
        }
    }

    /// Where an application says which other origins may ask it.
    pub(super) const fn cors(self) -> &'static str {
        match self {
            Self::Fastapi => "CORSMiddleware",
            Self::Flask => "flask-cors",
            Self::Django => "CSRF_TRUSTED_ORIGINS",
            Self::Axum => "CorsLayer",
            Self::Actix => "actix-cors",
            Self::Streamlit | Self::Node | Self::Other => "its CORS policy",
        }
    }

    /// Where an application of it takes passwords, as its documentation has it.
    pub(super) const fn login(self) -> &'static str {
        match self {
            Self::Fastapi => "/token",
            Self::Django => "/accounts/login",
            Self::Flask => "/auth/login",
            Self::Streamlit | Self::Axum | Self::Actix | Self::Node | Self::Other => "/login",
        }
    }

    /// What the framework needs beyond its preset, with its reason.
    pub(super) const fn section(self) -> &'static str {
        match self {
            Self::Fastapi => {
                "\n# cookies of the application get what they lack\n\
                 [cookies]\nsecure = true\nhttponly = true\nsamesite = \"Lax\"\n\n\
                 # FastAPI's documentation pages load Swagger UI and ReDoc from a CDN\n\
                 [[route]]\npath = \"/docs\"\noverlay = \"swagger-ui\"\n\n\
                 [[route]]\npath = \"/redoc\"\noverlay = \"redoc\"\n"
            }
            Self::Django => {
                "\n# Django's scripts read the CSRF cookie when CSRF_USE_SESSIONS is off\n\
                 [cookies]\nsecure = true\nhttponly = true\nsamesite = \"Lax\"\n\n\
                 [cookies.exceptions.csrftoken]\nhttponly = false\n"
            }
            Self::Streamlit => {
                "\n# Streamlit's own script reads this cookie for uploads: it must never be HttpOnly\n\
                 [cookies]\nsecure = true\nsamesite = \"Lax\"\n\n\
                 [cookies.exceptions._streamlit_xsrf]\nhttponly = false\n"
            }
            Self::Flask | Self::Axum | Self::Actix | Self::Node | Self::Other => {
                "\n# cookies of the application get what they lack\n\
                 [cookies]\nsecure = true\nhttponly = true\nsamesite = \"Lax\"\n\n\
                 # a source more than the preset has\n\
                 # [csp]\n# img-src = { add = [\"https://cdn.example.com\"] }\n"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_hardens_cookies() {
        for framework in Framework::value_variants() {
            let section = framework.section();
            assert!(
                section.contains("\n[cookies]\nsecure = true\n"),
                "{section}"
            );
        }
    }

    #[test]
    fn the_framework_is_read_from_what_the_project_names() {
        for (file, text, framework) in [
            (
                "requirements.txt",
                "fastapi[standard]>=0.115\nuvicorn\n",
                Framework::Fastapi,
            ),
            ("requirements.txt", "Flask==3.0\n", Framework::Flask),
            (
                "requirements.txt",
                "flask-cors-like\nbottle\n",
                Framework::Other,
            ),
            (
                "pyproject.toml",
                "dependencies = [\"streamlit\", \"fastapi\"]",
                Framework::Streamlit,
            ),
            (
                "Cargo.toml",
                "[dependencies]\naxum = \"0.8\"",
                Framework::Axum,
            ),
            (
                "package.json",
                "{\"dependencies\": {\"express\": \"5\"}}",
                Framework::Node,
            ),
            ("manage.py", "import os", Framework::Django),
        ] {
            let folder = tempfile::tempdir().expect("a folder");
            std::fs::write(folder.path().join(file), text).expect("written");
            assert_eq!(detect(folder.path()), framework, "{file}: {text}");
        }
    }
}
