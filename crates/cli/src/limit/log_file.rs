//! A log, line by line: a file or standard input, gzip or not, in memory that is bounded.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

/// Bytes of a line, at the most. Servers bound the request line and each field to 8 KiB or so.
const LONGEST: usize = 64 * 1024;

/// What is read at once.
const CHUNK: usize = 256 * 1024;

/// What gzip begins with (RFC 1952 section 2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// A log that is read.
pub(super) struct LogFile {
    name: String,
    reader: BufReader<Box<dyn Read>>,
    line: Vec<u8>,
}

/// Why there is no next line.
#[derive(Debug)]
pub(super) enum Unreadable {
    /// It is longer than anybody's; the one after it can be read.
    TooLong,
    Io(io::Error),
}

impl LogFile {
    /// Opens a file, or standard input for `-`.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        match path.as_os_str() == "-" {
            true => Self::new("standard input".to_owned(), io::stdin()),
            false => Self::new(path.display().to_string(), File::open(path)?),
        }
    }

    fn new(name: String, mut bytes: impl Read + 'static) -> io::Result<Self> {
        let mut start = Vec::new();
        bytes.by_ref().take(2).read_to_end(&mut start)?;
        let packed = start == GZIP;
        let whole = Cursor::new(start).chain(bytes);
        let bytes: Box<dyn Read> = match packed {
            true => Box::new(MultiGzDecoder::new(BufReader::with_capacity(CHUNK, whole))),
            false => Box::new(whole),
        };
        Ok(Self {
            name,
            reader: BufReader::with_capacity(CHUNK, bytes),
            line: Vec::new(),
        })
    }

    /// What it is called in messages.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The next line; `None` at the end.
    pub(super) fn line(&mut self) -> Result<Option<&[u8]>, Unreadable> {
        self.line.clear();
        let mut bounded = (&mut self.reader).take(LONGEST as u64);
        let read = bounded.read_until(b'\n', &mut self.line);
        let read = read.map_err(Unreadable::Io)?;
        if read == LONGEST && self.line.last() != Some(&b'\n') {
            self.reader.skip_until(b'\n').map_err(Unreadable::Io)?;
            return Err(Unreadable::TooLong);
        }
        Ok((read > 0).then_some(&self.line))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn lines(bytes: Vec<u8>) -> Vec<String> {
        let mut log = LogFile::new("log".to_owned(), Cursor::new(bytes)).expect("opened");
        let mut lines = Vec::new();
        loop {
            match log.line() {
                Ok(Some(line)) => lines.push(String::from_utf8_lossy(line).into_owned()),
                Ok(None) => return lines,
                Err(Unreadable::TooLong) => lines.push("too long".to_owned()),
                Err(Unreadable::Io(error)) => {
                    lines.push(error.kind().to_string());
                    return lines;
                }
            }
        }
    }

    fn packed(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).expect("packed");
        encoder.finish().expect("packed")
    }

    #[test]
    fn a_log_is_read_whatever_it_is_packed_in() {
        for text in ["", "\n", "a\nb", "a\r\nb\n", "x"] {
            let plain = lines(text.into());
            assert_eq!(plain.concat(), text);
            assert_eq!(lines(packed(text)), plain);
        }
        // logs that were rotated and joined
        let two = [packed("a\n"), packed("b\n")].concat();
        assert_eq!(lines(two), ["a\n", "b\n"]);
    }

    #[test]
    fn a_packed_log_that_breaks_off_is_an_error() {
        let mut half = packed(&"some line\n".repeat(1000));
        half.truncate(half.len() / 2);
        let last = lines(half).pop().expect("something");
        assert_eq!(last, io::ErrorKind::UnexpectedEof.to_string());
    }

    #[test]
    fn a_line_without_end_is_not_kept() {
        let long = "x".repeat(3 * LONGEST);
        assert_eq!(
            lines(format!("a\n{long}\nb\n").into()),
            ["a\n", "too long", "b\n"]
        );
        assert_eq!(lines(long.into()), ["too long"]);
        let just = "x".repeat(LONGEST - 1) + "\n";
        assert_eq!(lines(just.clone().into()), [just]);
    }
}
