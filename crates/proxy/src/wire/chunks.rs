//! The chunked coding (RFC 9112 section 7.1), walked to find its end. What is malformed never ends.

/// Bytes of chunk extensions in one body.
const MAX_EXTENSIONS: usize = 16 * 1024;
/// Bytes of the trailer section.
const MAX_TRAILERS: usize = 16 * 1024;

/// Where in a chunked body the next byte is.
#[derive(Clone, Debug)]
pub(super) struct Chunks {
    at: At,
    extensions: usize,
    trailers: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// The first digit of a size.
    Size,
    /// Another digit, or what follows the size.
    MoreSize(u64),
    /// Space after the size: an extension or the end of the line comes.
    Space(u64),
    Extension(u64),
    SizeLf(u64),
    Data(u64),
    DataCr,
    DataLf,
    /// The start of a trailer line, or of the last, empty line.
    Line,
    Trailer,
    TrailerLf,
    EndLf,
}

/// What a walk came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Walk {
    /// All bytes belong to the body, and it goes on.
    Inside,
    /// The body ended after so many bytes.
    Ended(usize),
    /// The byte after so many is malformed.
    Malformed(usize),
}

impl Chunks {
    pub(super) fn new() -> Self {
        Self {
            at: At::Size,
            extensions: 0,
            trailers: 0,
        }
    }

    pub(super) fn walk(&mut self, bytes: &[u8]) -> Walk {
        let mut pos = 0;
        while let Some(&byte) = bytes.get(pos) {
            if let At::Data(left) = self.at {
                let here = (bytes.len() - pos) as u64;
                if here < left {
                    self.at = At::Data(left - here);
                    return Walk::Inside;
                }
                // left <= here, which is a length in memory
                pos += left as usize;
                self.at = At::DataCr;
                continue;
            }
            if self.at == At::EndLf && byte == b'\n' {
                return Walk::Ended(pos + 1);
            }
            match self.next(byte) {
                Some(at) => self.at = at,
                None => return Walk::Malformed(pos),
            }
            pos += 1;
        }
        Walk::Inside
    }

    /// The state after `byte`; `None` if it may not stand here.
    fn next(&mut self, byte: u8) -> Option<At> {
        let digit = char::from(byte).to_digit(16).map(u64::from);
        Some(match (self.at, byte) {
            (At::Size, _) => At::MoreSize(digit?),
            (At::MoreSize(size) | At::Space(size), b'\r') => At::SizeLf(size),
            (At::MoreSize(size) | At::Space(size), b';') => At::Extension(size),
            (At::MoreSize(size) | At::Space(size), b' ' | b'\t') => {
                self.count_extension()?;
                At::Space(size)
            }
            (At::MoreSize(size), _) => At::MoreSize(size.checked_mul(16)?.checked_add(digit?)?),
            (At::Extension(size), b'\r') => At::SizeLf(size),
            (At::Extension(size), byte) if byte != b'\n' => {
                self.count_extension()?;
                At::Extension(size)
            }
            (At::SizeLf(0), b'\n') => At::Line,
            (At::SizeLf(size), b'\n') => At::Data(size),
            (At::DataCr, b'\r') => At::DataLf,
            (At::DataLf, b'\n') => At::Size,
            (At::Line, b'\r') => At::EndLf,
            (At::Trailer, b'\r') => At::TrailerLf,
            (At::TrailerLf, b'\n') => At::Line,
            (At::Line | At::Trailer, byte) if byte != b'\n' => {
                self.trailers += 1;
                (self.trailers < MAX_TRAILERS).then_some(At::Trailer)?
            }
            _ => return None,
        })
    }

    fn count_extension(&mut self) -> Option<()> {
        self.extensions += 1;
        (self.extensions < MAX_EXTENSIONS).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_ends_where_it_ends_however_it_arrives() {
        let cases: &[(&str, Walk)] = &[
            ("0\r\n\r\nGET", Walk::Ended(5)),
            ("5\r\nhello\r\n0\r\n\r\n", Walk::Ended(15)),
            (
                "A;x=\"y\"\r\n0123456789\r\n00\r\na: b\r\n\r\nrest",
                Walk::Ended(33),
            ),
            ("2 \t;x\r\nab\r\n0\r\n\r\n", Walk::Ended(16)),
            ("5\r\nhel", Walk::Inside),
            ("", Walk::Inside),
            ("\r\n", Walk::Malformed(0)),
            ("5\nhello", Walk::Malformed(1)),
            ("5\r\nhelloX", Walk::Malformed(8)),
            ("5\r\nhello\nX", Walk::Malformed(8)),
            ("0x5\r\n", Walk::Malformed(1)),
            ("5 5\r\n", Walk::Malformed(2)),
            ("5;a\nb\r\n", Walk::Malformed(3)),
            ("0\r\na: b\n\r\n", Walk::Malformed(7)),
            ("0\r\n\rX", Walk::Malformed(4)),
            ("+5\r\n", Walk::Malformed(0)),
            ("10000000000000000\r\n", Walk::Malformed(16)),
        ];
        for (text, expected) in cases {
            let bytes = text.as_bytes();
            for split in 0..=bytes.len() {
                let mut chunks = Chunks::new();
                let found = match chunks.walk(&bytes[..split]) {
                    Walk::Inside => match chunks.walk(&bytes[split..]) {
                        Walk::Inside => Walk::Inside,
                        Walk::Ended(n) => Walk::Ended(split + n),
                        Walk::Malformed(n) => Walk::Malformed(split + n),
                    },
                    ended => ended,
                };
                assert_eq!(found, *expected, "{text:?} at {split}");
            }
        }
    }

    #[test]
    fn extensions_and_trailers_are_bounded() {
        let mut long = b"1;".to_vec();
        long.resize(2 * MAX_EXTENSIONS, b'x');
        assert!(matches!(Chunks::new().walk(&long), Walk::Malformed(_)));
        let mut long = b"0\r\n".to_vec();
        long.resize(2 * MAX_TRAILERS, b'x');
        assert!(matches!(Chunks::new().walk(&long), Walk::Malformed(_)));
    }
}
