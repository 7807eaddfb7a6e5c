//! Replies out of the bytes of a connection, as they come.

use std::io::{self, Read};

use crate::error::StoreError;

/// What a reply of ours can be: a script's numbers, OK, or an error.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reply {
    /// Numbers: a script's.
    Numbers(Vec<i64>),
    /// OK, PONG.
    Okay,
    /// An error.
    Error(StoreError),
    /// Anything else.
    Other,
}

impl From<redis::Value> for Reply {
    fn from(value: redis::Value) -> Self {
        match value {
            redis::Value::Array(values) => values
                .into_iter()
                .map(|value| match value {
                    redis::Value::Int(number) => Some(number),
                    _ => None,
                })
                .collect::<Option<_>>()
                .map_or(Self::Other, Self::Numbers),
            redis::Value::Okay | redis::Value::SimpleString(_) => Self::Okay,
            redis::Value::ServerError(error) => {
                let detail = error.details().unwrap_or_default();
                Self::Error(StoreError::of_reply(error.code(), detail))
            }
            _ => Self::Other,
        }
    }
}

/// Bytes that a reply may take: those of ours take a few hundred.
const LONGEST: usize = 64 * 1024;

/// Decodes replies (RESP 2) from bytes that come in any pieces.
///
/// ```
/// use mantlet_store::redis::{Replies, Reply};
///
/// let mut replies = Replies::new();
/// replies.feed(b"*2\r\n:1\r\n:9");
/// assert_eq!(replies.next_reply()?, None);
/// replies.feed(b"9\r\n+OK\r\n");
/// assert_eq!(replies.next_reply()?, Some(Reply::Numbers(vec![1, 99])));
/// assert_eq!(replies.next_reply()?, Some(Reply::Okay));
/// assert_eq!(replies.next_reply()?, None);
/// # Ok::<(), mantlet_store::StoreError>(())
/// ```
#[derive(Default)]
pub struct Replies {
    parser: redis::Parser,
    come: Come,
    /// Bytes that were fed since the last reply began.
    unread: usize,
    broken: bool,
}

impl Replies {
    /// A decoder at the beginning of a connection.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds bytes that came.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.come.bytes.drain(..self.come.read);
        self.come.read = 0;
        self.come.bytes.extend_from_slice(bytes);
        self.unread = self.unread.saturating_add(bytes.len());
    }

    /// The next reply that is whole, if there is one.
    ///
    /// # Errors
    /// [`StoreError::Malformed`] for bytes that are no reply, and for a reply above 64 KiB. What follows has no meaning: the
    /// connection has to be closed.
    pub fn next_reply(&mut self) -> Result<Option<Reply>, StoreError> {
        if self.broken {
            return Err(StoreError::Malformed(
                "bytes after those that were no reply".to_owned(),
            ));
        }
        self.come.dry = false;
        match self.parser.parse_value(&mut self.come) {
            Ok(value) => {
                self.unread = 0;
                Ok(Some(value.into()))
            }
            Err(_) if self.come.dry && self.unread <= LONGEST => Ok(None),
            Err(error) => {
                self.broken = true;
                Err(StoreError::Malformed(error.to_string()))
            }
        }
    }
}

impl std::fmt::Debug for Replies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replies").finish_non_exhaustive()
    }
}

/// The bytes that came as a reader: "would block" where there are no more, upon which the parser keeps what it has.
#[derive(Default)]
struct Come {
    bytes: Vec<u8>,
    read: usize,
    dry: bool,
}

impl Read for Come {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = &self.bytes[self.read..];
        if left.is_empty() {
            self.dry = true;
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let length = left.len().min(into.len());
        into[..length].copy_from_slice(&left[..length]);
        self.read += length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_error_is_an_error_reply() {
        let mut replies = Replies::new();
        replies.feed(b"-NOSCRIPT No matching script. Please use EVAL.\r\n");
        assert_eq!(
            replies.next_reply(),
            Ok(Some(Reply::Error(StoreError::NoScript)))
        );
    }

    #[test]
    fn bytes_that_are_no_reply_end_it() {
        let mut replies = Replies::new();
        replies.feed(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        assert_eq!(replies.next_reply().unwrap_err().word(), "malformed");
        replies.feed(b"+OK\r\n");
        assert_eq!(replies.next_reply().unwrap_err().word(), "malformed");
    }

    #[test]
    fn a_reply_without_end_ends_it() {
        for start in [&b"*2147483647\r\n"[..], b"$9223372036854775807\r\n", b"+"] {
            let mut replies = Replies::new();
            replies.feed(start);
            assert_eq!(replies.next_reply(), Ok(None), "{start:?}");
            replies.feed(&[b'1'; LONGEST]);
            assert_eq!(
                replies.next_reply().unwrap_err().word(),
                "malformed",
                "{start:?}"
            );
        }
    }

    #[test]
    fn arrays_in_arrays_have_an_end() {
        let mut replies = Replies::new();
        replies.feed(&b"*1\r\n".repeat(LONGEST / 4));
        assert_eq!(replies.next_reply().unwrap_err().word(), "malformed");
    }

    /// What is read of `pieces`, and whether it ended in an error.
    fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Reply>, bool) {
        let mut replies = Replies::new();
        let mut read = Vec::new();
        for piece in pieces {
            replies.feed(piece);
            loop {
                match replies.next_reply() {
                    Ok(Some(reply)) => read.push(reply),
                    Ok(None) => break,
                    Err(_) => return (read, true),
                }
            }
        }
        (read, false)
    }

    proptest! {
        #[test]
        fn replies_in_any_pieces_are_read_alike(
            replies in proptest::collection::vec(
                prop_oneof![
                    proptest::collection::vec(any::<i64>(), 0..12).prop_map(|numbers| {
                        let told: String = numbers.iter().map(|n| format!(":{n}\r\n")).collect();
                        (format!("*{}\r\n{told}", numbers.len()), Reply::Numbers(numbers))
                    }),
                    Just(("+OK\r\n".to_owned(), Reply::Okay)),
                    Just(("$3\r\na\r\n\r\n".to_owned(), Reply::Other)),
                    Just(("-OOM no\r\n".to_owned(), Reply::Error(StoreError::OutOfMemory))),
                ],
                0..8,
            ),
            piece in 1_usize..20,
        ) {
            let (bytes, expected): (Vec<_>, Vec<_>) = replies.into_iter().unzip();
            let bytes = bytes.concat();
            prop_assert_eq!(read(bytes.as_bytes().chunks(piece)), (expected, false));
        }

        #[test]
        fn any_bytes_are_read_to_an_end(
            bytes in prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..200),
                "([*:+$%~|>=(!,#_-][0-9-]{0,20}\r\n){0,20}".prop_map(String::into_bytes),
            ],
            piece in 1_usize..20,
        ) {
            prop_assert!(read(bytes.chunks(piece)).0.len() <= bytes.len());
        }
    }
}
