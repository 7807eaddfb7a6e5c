//! A body as text, as far as it may be long: Content-Encoding undone (RFC 9110 section 8.4), the rest cut.
//!
//! What is decoded is bounded as well as what comes, so that a small bomb stays small.

use std::io::Read;

use brotli_decompressor::Decompressor;
use flate2::read::MultiGzDecoder;
use http_body_util::BodyExt;
use hyper::body::Incoming;

use crate::failure::Failure;
use crate::options::Options;

/// A body that was read, and what is to be said of it.
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) remark: Option<String>,
}

pub(crate) async fn read(
    mut incoming: Incoming,
    encoding: &str,
    options: &Options,
) -> Result<Text, Failure> {
    let mut bytes = Vec::new();
    let mut is_cut = false;
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|error| Failure::of_exchange(&error, options.head))?;
        let Some(data) = frame.data_ref() else {
            continue;
        };
        let room = options.body - bytes.len();
        bytes.extend_from_slice(&data[..data.len().min(room)]);
        if data.len() > room {
            is_cut = true;
            break;
        }
    }
    decoded(&bytes, is_cut, encoding, options.body)
}

fn decoded(bytes: &[u8], is_cut: bool, encoding: &str, limit: usize) -> Result<Text, Failure> {
    match encoding.trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(text(bytes.to_vec(), is_cut, limit)),
        "gzip" | "x-gzip" => expanded(MultiGzDecoder::new(bytes), is_cut, encoding, limit),
        "br" => expanded(Decompressor::new(bytes, 4096), is_cut, encoding, limit),
        other => Ok(Text {
            text: String::new(),
            remark: Some(format!(
                "the body is not read: its Content-Encoding, {other:?}, was not asked for"
            )),
        }),
    }
}

fn expanded(
    decoder: impl Read,
    is_cut: bool,
    encoding: &str,
    limit: usize,
) -> Result<Text, Failure> {
    let mut out = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let read = decoder.take(most).read_to_end(&mut out);
    let is_long = out.len() > limit;
    out.truncate(limit);
    match read {
        // what was cut ends early for the decoder too
        Err(_) if !is_cut => Err(Failure::Encoding(encoding.to_owned())),
        _ => Ok(text(out, is_cut || is_long, limit)),
    }
}

fn text(bytes: Vec<u8>, is_cut: bool, limit: usize) -> Text {
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    };
    let remark =
        is_cut.then(|| format!("the body is cut at {limit} bytes; what follows is not judged"));
    Text { text, remark }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    }

    #[test]
    fn gzip_and_brotli_are_undone() {
        let told = decoded(&gzip(b"<p>hello"), false, "gzip", 100).expect("gzip");
        assert_eq!((told.text.as_str(), told.remark), ("<p>hello", None));
        // the same, as a brotli encoder wrote it
        let brotli = [
            0x8b, 0x03, 0x80, 0x3c, 0x70, 0x3e, 0x68, 0x65, 0x6c, 0x6c, 0x6f, 0x03,
        ];
        let told = decoded(&brotli, false, "BR", 100).expect("brotli");
        assert_eq!(told.text, "<p>hello");
    }

    #[test]
    fn a_bomb_is_cut_and_said() {
        let bomb = gzip(&vec![b'a'; 10 << 20]);
        let told = decoded(&bomb, false, "gzip", 1000).expect("gzip");
        assert_eq!(told.text.len(), 1000);
        assert!(told.remark.expect("a remark").contains("cut at 1000"));
    }

    #[test]
    fn a_broken_encoding_fails_unless_it_was_cut_here() {
        let whole = gzip(&[b"<p>hello".as_slice(); 100].concat());
        let half = &whole[..whole.len() - 4];
        assert!(matches!(
            decoded(half, false, "gzip", 9999),
            Err(Failure::Encoding(_))
        ));
        let told = decoded(half, true, "gzip", 9999).expect("cut");
        assert!(told.text.starts_with("<p>hello"));
        assert!(matches!(
            decoded(b"junk", false, "br", 99),
            Err(Failure::Encoding(_))
        ));
    }

    #[test]
    fn an_encoding_that_was_not_asked_for_is_said() {
        let told = decoded(b"x", false, "zstd", 9).expect("no failure");
        assert_eq!(told.text, "");
        assert!(told.remark.expect("a remark").contains("zstd"));
    }
}
