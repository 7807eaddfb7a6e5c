//! One trip, without the travelling: what is asked as the words of a command, and what the reply means.

use std::fmt::Write as _;
use std::time::Duration;

use mantlet_limit::{Admission, Outcome, Take};

use super::count::Count;
use super::replies::Reply;
use super::script::Script;
use crate::error::StoreError;

/// Numbers in a reply for each limit.
const TOLD: usize = 5;

/// What a request asks of Redis.
///
/// ```
/// use std::time::Duration;
/// use mantlet_limit::{Algorithm, Quota, RemoteKey, Rule, Take};
/// use mantlet_store::redis::{Reply, Trip};
///
/// let rule = Rule::new(Quota::new(100, Duration::from_secs(60))?, Algorithm::TokenBucket)?;
/// let take = Take { limit: "per-client".into(), rule, key: RemoteKey::new(&[b"192.0.2.1"]), cost: 1 };
/// let trip = Trip::take("mantlet", &[take])?;
/// let mut sent = Vec::new();
/// trip.write(&mut sent);                  // EVALSHA, in RESP
/// let reply = Reply::Numbers(vec![1, 99, 600_000, 600_000, 0]);
/// let outcomes = trip.outcomes(&reply)?;  // Err(NoScript): write_whole, once
/// assert_eq!(outcomes[0].remaining, 99);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Trip {
    script: &'static Script,
    parts: Vec<Part>,
    /// The part of each take: takes of one key are one part.
    of: Vec<usize>,
}

#[derive(Clone, Debug)]
struct Part {
    key: String,
    count: Count,
    cost: u64,
}

impl Trip {
    /// Takes the cost of all `takes`, or of none. Keys begin with `prefix`.
    ///
    /// # Errors
    /// [`StoreError::Uncountable`].
    pub fn take(prefix: &str, takes: &[Take]) -> Result<Self, StoreError> {
        Self::new(Script::take(), prefix, takes)
    }

    /// Gives the cost of all `takes` back.
    ///
    /// A bucket's level falls by as much. Of a window, what was taken last is given back: exact if nobody took of the same key in
    /// between, else the window may let in as many more for as long as lay between the two. It is meant for the request that took,
    /// and within its window.
    ///
    /// # Errors
    /// [`StoreError::Uncountable`].
    pub fn give_back(prefix: &str, takes: &[Take]) -> Result<Self, StoreError> {
        Self::new(Script::give_back(), prefix, takes)
    }

    fn new(script: &'static Script, prefix: &str, takes: &[Take]) -> Result<Self, StoreError> {
        let mut parts = Vec::<Part>::with_capacity(takes.len());
        let mut of = Vec::with_capacity(takes.len());
        for take in takes {
            let count = Count::new(&take.rule)?;
            let key = key(prefix, take, &count);
            let cost = u64::from(take.cost);
            let known = parts
                .iter_mut()
                .enumerate()
                .find(|(_, part)| part.key == key);
            if let Some((place, part)) = known {
                // twice the same key in one script: each would read the state without the other's cost
                part.cost = part.cost.saturating_add(cost);
                of.push(place);
            } else {
                of.push(parts.len());
                parts.push(Part { key, count, cost });
            }
        }
        Ok(Self { script, parts, of })
    }

    /// The keys, each once.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().map(|part| part.key.as_str())
    }

    /// The words of the command, for a client that is not ours: EVALSHA, or EVAL with the `whole` script.
    pub fn words(&self, whole: bool) -> Vec<Vec<u8>> {
        let command = self.command(whole);
        let words = command.args_iter().filter_map(|word| match word {
            redis::Arg::Simple(bytes) => Some(bytes.to_vec()),
            _ => None,
        });
        words.collect()
    }

    /// Appends the command to `out`: EVALSHA.
    pub fn write(&self, out: &mut Vec<u8>) {
        self.command(false).write_packed_command(out);
    }

    /// Appends the command to `out` with the script in it, after [`StoreError::NoScript`]: EVAL. The server keeps the script.
    pub fn write_whole(&self, out: &mut Vec<u8>) {
        self.command(true).write_packed_command(out);
    }

    /// Whether it may be made again over another connection, when one broke before the answer, as servers close those that are idle.
    /// A cost that is then taken twice admits nobody; one that is given back twice would.
    #[cfg(any(feature = "tokio", feature = "blocking"))]
    pub(crate) fn may_be_repeated(&self) -> bool {
        std::ptr::eq(self.script, Script::take())
    }

    pub(crate) fn command(&self, whole: bool) -> redis::Cmd {
        // the command, script, count; a key and five words for each part
        let words = 3 + 6 * self.parts.len();
        let source = if whole {
            self.script.source().len()
        } else {
            40
        };
        let mut command = redis::Cmd::with_capacity(words, source + 160 * self.parts.len());
        if whole {
            command.arg("EVAL").arg(self.script.source());
        } else {
            command.arg("EVALSHA").arg(self.script.sha());
        }
        command.arg(self.parts.len());
        for part in &self.parts {
            command.arg(&part.key);
        }
        for part in &self.parts {
            command.arg(part.count.kind()).arg(part.cost);
            for number in part.count.numbers() {
                command.arg(number);
            }
        }
        command
    }

    /// What `reply` says to each take.
    ///
    /// # Errors
    /// [`StoreError::NoScript`] when the command has to be sent whole; the error that the reply is; [`StoreError::Malformed`] for
    /// a reply that is not the script's.
    pub fn outcomes(&self, reply: &Reply) -> Result<Vec<Outcome>, StoreError> {
        let numbers = match reply {
            Reply::Numbers(numbers) => numbers,
            Reply::Error(error) => return Err(error.clone()),
            other => return Err(StoreError::Malformed(format!("{other:?} to a script"))),
        };
        if numbers.len() != TOLD * self.parts.len() {
            let told = numbers.len();
            let asked = self.parts.len();
            return Err(StoreError::Malformed(format!(
                "{told} numbers to {asked} limits"
            )));
        }
        let mut parts = Vec::with_capacity(self.parts.len());
        for (part, told) in self.parts.iter().zip(numbers.chunks_exact(TOLD)) {
            parts.push(outcome(part, told)?);
        }
        Ok(self.of.iter().map(|place| parts[*place]).collect())
    }
}

/// The key of `take`.
pub(crate) fn key(prefix: &str, take: &Take, count: &Count) -> String {
    let mut key = String::with_capacity(prefix.len() + take.limit.len() + 72);
    key.push_str(prefix);
    key.push_str(":{");
    for byte in take.key.as_bytes() {
        for nibble in [byte >> 4, byte & 15] {
            key.push(char::from(b"0123456789abcdef"[usize::from(nibble)]));
        }
    }
    key.push_str("}:");
    key.push_str(&take.limit);
    // writing to a string does not fail
    let _ = write!(key, ":{count}");
    key
}

/// The cluster's slot of `take`, 0 to 16383: takes of one key share it.
pub fn slot(take: &Take) -> u16 {
    // the hash tag alone is hashed: CRC-16/XMODEM (Redis Cluster Specification, "Hash tags")
    let mut crc = 0_u16;
    for byte in take.key.as_bytes() {
        for nibble in [byte >> 4, byte & 15] {
            crc ^= u16::from(b"0123456789abcdef"[usize::from(nibble)]) << 8;
            for _ in 0..8 {
                let carry = crc & 0x8000 != 0;
                crc <<= 1;
                if carry {
                    crc ^= 0x1021;
                }
            }
        }
    }
    crc % 16_384
}

fn outcome(part: &Part, told: &[i64]) -> Result<Outcome, StoreError> {
    let &[admitted, remaining, next, reset, retry] = told else {
        return Err(StoreError::Malformed(
            "a limit in other than five numbers".to_owned(),
        ));
    };
    let micros = |number: i64| {
        u64::try_from(number)
            .map(Duration::from_micros)
            .map_err(|_| StoreError::Malformed(format!("{number} microseconds")))
    };
    let admission = match admitted {
        1 => Admission::Admitted,
        0 if part.cost > u64::from(part.count.burst()) => Admission::Oversized,
        0 => Admission::Exceeded,
        _ => return Err(StoreError::Malformed(format!("{admitted} for yes or no"))),
    };
    Ok(Outcome {
        admission,
        remaining: u32::try_from(remaining)
            .map_err(|_| StoreError::Malformed(format!("{remaining} left")))?,
        next: micros(next)?,
        reset: micros(reset)?,
        retry_after: micros(retry)?,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use mantlet_limit::{Algorithm, Mode, Quota, RemoteKey, Rule};

    use super::*;

    fn take(limit: &str, who: &[u8], cost: u32) -> Take {
        let quota = Quota::new(10, Duration::from_secs(1)).unwrap();
        Take {
            limit: Arc::from(limit),
            rule: Rule::new(quota, Algorithm::SlidingWindow(Mode::Interpolated)).unwrap(),
            key: RemoteKey::new(&[who]),
            cost,
        }
    }

    #[test]
    fn the_command_is_evalsha_with_keys_and_five_words_each() {
        let trip = Trip::take("mantlet", &[take("login", b"a", 3)]).unwrap();
        let words = trip.words(false);
        let words: Vec<_> = words
            .iter()
            .map(|word| str::from_utf8(word).unwrap())
            .collect();
        assert_eq!(words[0], "EVALSHA");
        assert_eq!(words[1], Script::take().sha());
        assert_eq!(words[2], "1");
        assert!(words[3].starts_with("mantlet:{"));
        assert!(words[3].ends_with("}:login:i-10-1000000-10"));
        assert_eq!(words[4..], ["i", "3", "10", "100000", "0"]);
        let mut bytes = Vec::new();
        trip.write(&mut bytes);
        assert!(bytes.starts_with(b"*9\r\n$7\r\nEVALSHA\r\n$40\r\n"));
        bytes.clear();
        trip.write_whole(&mut bytes);
        assert!(bytes.starts_with(b"*9\r\n$4\r\nEVAL\r\n"));
    }

    #[test]
    fn takes_of_one_key_are_one_and_cost_their_sum() {
        let takes = [take("a", b"x", 2), take("b", b"x", 1), take("a", b"x", 3)];
        let trip = Trip::take("mantlet", &takes).unwrap();
        assert_eq!(trip.keys().count(), 2);
        assert_eq!(trip.words(false)[6], b"5");
        let reply = Reply::Numbers(vec![1, 5, 1, 2, 0, 1, 9, 3, 4, 0]);
        let left: Vec<_> = trip
            .outcomes(&reply)
            .unwrap()
            .iter()
            .map(|one| one.remaining)
            .collect();
        assert_eq!(left, [5, 9, 5]);
    }

    #[test]
    fn a_cost_above_the_burst_is_oversized() {
        let trip = Trip::take("mantlet", &[take("a", b"x", 11)]).unwrap();
        let outcomes = trip
            .outcomes(&Reply::Numbers(vec![0, 10, 0, 0, 0]))
            .unwrap();
        assert_eq!(outcomes[0].admission, Admission::Oversized);
    }

    #[test]
    fn replies_that_are_none_of_the_script_are_malformed() {
        let trip = Trip::take("mantlet", &[take("a", b"x", 1)]).unwrap();
        for reply in [
            Reply::Okay,
            Reply::Other,
            Reply::Numbers(vec![]),
            Reply::Numbers(vec![1, 1, 1, 1]),
            Reply::Numbers(vec![2, 1, 1, 1, 1]),
            Reply::Numbers(vec![1, -1, 1, 1, 1]),
            Reply::Numbers(vec![1, i64::MAX, 1, 1, 1]),
            Reply::Numbers(vec![1, 1, -1, 1, 1]),
        ] {
            assert_eq!(
                trip.outcomes(&reply).unwrap_err().word(),
                "malformed",
                "{reply:?}"
            );
        }
        let reply = Reply::Error(StoreError::NoScript);
        assert_eq!(trip.outcomes(&reply), Err(StoreError::NoScript));
    }

    #[test]
    fn slots_are_those_of_the_cluster() {
        let take = take("a", b"x", 1);
        let key = Trip::take("mantlet", std::slice::from_ref(&take)).unwrap();
        let tag = key
            .keys()
            .next()
            .unwrap()
            .split(['{', '}'])
            .nth(1)
            .unwrap()
            .to_owned();
        let crc = tag.bytes().fold(0_u16, |crc, byte| {
            (0..8).fold(crc ^ u16::from(byte) << 8, |crc, _| {
                if crc & 0x8000 == 0 {
                    crc << 1
                } else {
                    crc << 1 ^ 0x1021
                }
            })
        });
        assert_eq!(slot(&take), crc % 16_384);
    }
}
