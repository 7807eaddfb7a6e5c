//! What a page says in its markup: policies of meta elements, scripts, subresources, forms.
//!
//! A tokenizer reads it (<https://html.spec.whatwg.org/multipage/parsing.html#tokenization>), no tree is built: the
//! elements that matter are void or are judged by their start tag. What lies in a `template` is not of the page.
//!
//! ```text
//! <base href=https://cdn.example/><script src=x.js integrity=sha384-...></script>   -> one script, https://cdn.example/x.js
//! ```

use html5gum::{DefaultEmitter, StartTag, Token, Tokenizer};
use url::Url;

/// A page, as far as rules ask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Page {
    /// Contents of `<meta http-equiv="Content-Security-Policy">`.
    pub(crate) policies: Vec<String>,
    /// Content of the last `<meta name="referrer">`.
    pub(crate) referrer: Option<String>,
    /// Every script element with a `src` that is not empty.
    pub(crate) scripts: Vec<Script>,
    /// How many script elements there are.
    pub(crate) script_elements: usize,
    /// Script elements without `src` that hold code.
    pub(crate) inline_scripts: usize,
    /// Nonces of script and style elements, in order.
    pub(crate) nonces: Vec<String>,
    /// Elements with an `on...` attribute.
    pub(crate) event_handlers: usize,
    /// Stylesheets of `<link>`.
    pub(crate) stylesheets: Vec<Script>,
    /// URLs over plain http that a browser loads with the page: element and URL.
    pub(crate) insecure: Vec<(&'static str, String)>,
    /// How many forms there are.
    pub(crate) forms: usize,
    /// Forms that submit to plain http.
    pub(crate) insecure_forms: Vec<String>,
    /// Whether a password is asked for.
    pub(crate) asks_password: bool,
}

/// A script, or a stylesheet, by URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Script {
    /// The URL, resolved if it can be without the URL of the page: absolute, or as it was written.
    pub(crate) url: String,
    /// The `integrity` attribute.
    pub(crate) integrity: Option<String>,
    /// The `crossorigin` attribute.
    pub(crate) crossorigin: Option<String>,
    /// Whether it stands in a `noscript`, so that only a browser without scripts sees it.
    pub(crate) inert: bool,
}

impl Page {
    /// Reads a page; markup of any kind gives one.
    pub(crate) fn read(html: &str) -> Self {
        let mut reader = Reader::default();
        reader.read(html, Noscript::Read);
        let mut page = reader.page;
        page.settle(reader.base.as_ref());
        page
    }

    fn element(&mut self, tag: &StartTag<()>, inert: bool) {
        let get = |name| attribute(tag, name);
        if tag.attributes.keys().any(|name| name.starts_with(b"on")) {
            self.event_handlers += 1;
        }
        match &**tag.name {
            b"meta" => self.meta(tag),
            b"script" => {
                self.script_elements += 1;
                self.nonces
                    .extend(get("nonce").filter(|nonce| !nonce.is_empty()));
                if let Some(src) = get("src").filter(|src| !src.is_empty()) {
                    let script = Script {
                        url: src,
                        integrity: get("integrity"),
                        crossorigin: get("crossorigin"),
                        inert,
                    };
                    self.scripts.push(script);
                }
            }
            b"style" => self
                .nonces
                .extend(get("nonce").filter(|nonce| !nonce.is_empty())),
            b"link" => {
                let rel = get("rel").unwrap_or_default().to_ascii_lowercase();
                let is = |word: &str| rel.split_ascii_whitespace().any(|one| one == word);
                if let Some(href) = get("href").filter(|_| is("stylesheet")) {
                    let sheet = Script {
                        url: href,
                        integrity: get("integrity"),
                        crossorigin: get("crossorigin"),
                        inert,
                    };
                    self.stylesheets.push(sheet);
                }
            }
            b"img" => self.load("img", get("src")),
            b"audio" => self.load("audio", get("src")),
            b"video" => self.load("video", get("src")),
            b"source" => self.load("source", get("src")),
            b"track" => self.load("track", get("src")),
            b"embed" => self.load("embed", get("src")),
            b"object" => self.load("object", get("data")),
            b"iframe" => self.load("iframe", get("src")),
            b"form" => {
                self.forms += 1;
                self.insecure_forms.extend(get("action"));
            }
            b"input" => {
                let kind = get("type").unwrap_or_default();
                self.asks_password |= kind.eq_ignore_ascii_case("password");
            }
            _ => {}
        }
    }

    fn meta(&mut self, tag: &StartTag<()>) {
        let equivalent = attribute(tag, "http-equiv");
        let content = attribute(tag, "content");
        match (equivalent, content) {
            (Some(name), Some(content)) => {
                let name = name.trim();
                if name.eq_ignore_ascii_case("content-security-policy") && !content.is_empty() {
                    self.policies.push(content);
                }
            }
            (_, content) => {
                let name = attribute(tag, "name").unwrap_or_default();
                if name.trim().eq_ignore_ascii_case("referrer") {
                    let content = content.filter(|content| !content.is_empty());
                    self.referrer = content.or(self.referrer.take());
                }
            }
        }
    }

    fn load(&mut self, element: &'static str, url: Option<String>) {
        self.insecure.extend(url.map(|url| (element, url)));
    }

    /// Brings URLs into the form of a document whose base is known, and leaves those of plain http where they are asked for.
    fn settle(&mut self, base: Option<&Url>) {
        for (element, list) in [
            ("script", &mut self.scripts),
            ("link", &mut self.stylesheets),
        ] {
            for one in list {
                one.url = resolved(&one.url, base);
                self.insecure.push((element, one.url.clone()));
            }
        }
        for (_, url) in &mut self.insecure {
            *url = resolved(url, base);
        }
        for url in &mut self.insecure_forms {
            *url = resolved(url, base);
        }
        self.insecure.retain(|(_, url)| is_plain(url));
        self.insecure_forms.retain(|url| is_plain(url));
    }
}

/// Whether the text of a `noscript` is read as markup. One within another is not: nothing is nested without end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Noscript {
    Read,
    Within,
}

#[derive(Default)]
struct Reader {
    page: Page,
    base: Option<Url>,
    has_base: bool,
    templates: usize,
}

impl Reader {
    fn read(&mut self, html: &str, noscript: Noscript) {
        let mut in_inline_script = false;
        let mut in_noscript = false;
        let mut emitter = DefaultEmitter::default();
        // as a browser with scripts: what a noscript holds is text
        emitter.naively_switch_states(true);
        for token in Tokenizer::new_with_emitter(html, emitter) {
            let Ok(token) = token;
            match token {
                Token::StartTag(tag) if &**tag.name == b"template" => self.templates += 1,
                Token::EndTag(tag) if &**tag.name == b"template" => {
                    self.templates = self.templates.saturating_sub(1);
                }
                Token::StartTag(tag) if self.templates == 0 => {
                    if &**tag.name == b"base"
                        && !self.has_base
                        && let Some(href) = attribute(&tag, "href")
                    {
                        self.has_base = true;
                        self.base = Url::parse(&href).ok();
                    }
                    in_noscript = &**tag.name == b"noscript" && noscript == Noscript::Read;
                    in_inline_script = &**tag.name == b"script" && attribute(&tag, "src").is_none();
                    let inert = noscript == Noscript::Within;
                    self.page.element(&tag, inert);
                }
                Token::String(text) if in_noscript => {
                    self.read(&String::from_utf8_lossy(&text), Noscript::Within);
                }
                Token::String(text)
                    if in_inline_script && !text.iter().all(u8::is_ascii_whitespace) =>
                {
                    self.page.inline_scripts += 1;
                    in_inline_script = false;
                }
                Token::EndTag(_) => (in_inline_script, in_noscript) = (false, false),
                _ => {}
            }
        }
    }
}

fn is_plain(url: &str) -> bool {
    url.get(..7)
        .is_some_and(|start| start.eq_ignore_ascii_case("http://"))
}

fn attribute(tag: &StartTag<()>, name: &str) -> Option<String> {
    let value = tag.attributes.get(name.as_bytes())?;
    Some(String::from_utf8_lossy(value).into_owned())
}

/// The URL as a document without an address of its own resolves it: absolute, or as it was written.
fn resolved(url: &str, base: Option<&Url>) -> String {
    let parsed = match base {
        Some(base) => base.join(url),
        None => Url::parse(url),
    };
    parsed.map_or_else(|_| url.to_owned(), String::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_and_referrers_of_meta_elements_are_read() {
        let page = Page::read(
            "<META HTTP-EQUIV=' content-security-policy ' content=\"default-src 'self'\">
             <meta http-equiv=Content-Security-Policy content=''>
             <meta name=referrer content=origin><meta name=referrer content=no-referrer>
             <meta name=referrer><template><meta name=referrer content=unsafe-url></template>
             <!-- <meta name=referrer content=unsafe-url> -->",
        );
        assert_eq!(page.policies, ["default-src 'self'"]);
        assert_eq!(page.referrer.as_deref(), Some("no-referrer"));
    }

    #[test]
    fn scripts_are_resolved_and_those_in_text_are_none() {
        let page = Page::read(
            "<title><script src=a></script></title><script src='HTTPS://CDN.example/x.js' integrity=x></script>
             <script src=/y.js></script><script> </script><script nonce=n>f()</script>
             <textarea><script src=b></textarea><p onclick=f()>",
        );
        let urls: Vec<_> = page
            .scripts
            .iter()
            .map(|script| script.url.as_str())
            .collect();
        assert_eq!(urls, ["https://cdn.example/x.js", "/y.js"]);
        assert_eq!((page.script_elements, page.inline_scripts), (4, 1));
        assert_eq!(
            (page.nonces, page.event_handlers),
            (vec!["n".to_owned()], 1)
        );
    }

    #[test]
    fn a_base_element_moves_relative_urls() {
        let page = Page::read(
            "<base href=http://cdn.example/><base href=https://late.example/><img src=a.png>
             <form action=//x.example/f></form>",
        );
        assert_eq!(
            page.insecure,
            [("img", "http://cdn.example/a.png".to_owned())]
        );
        assert_eq!(page.insecure_forms, ["http://x.example/f"]);
    }
}
