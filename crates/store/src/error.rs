//! Why a store gave no answer.

use crate::redis::Uncountable;

/// Why a store gave no answer. Nothing is known to be taken; after [`StoreError::Timeout`] and [`StoreError::Unreachable`] it may
/// have been.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// No answer in time.
    #[error("no answer in time")]
    Timeout,
    /// No connection, or one that broke.
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    /// It failed a moment ago, and is not asked again yet.
    #[error("failed a moment ago, and is not asked yet")]
    BreakerOpen,
    /// The user, the password, the certificate, or what the user may do.
    #[error("refused us: {0}")]
    Refused(String),
    /// It holds as much as it may (`maxmemory` with `noeviction`).
    #[error("is out of memory")]
    OutOfMemory,
    /// It is a replica: what was the master is one no more.
    #[error("is a replica, and takes no writes")]
    ReadOnly,
    /// It has started, and reads its data.
    #[error("is still reading its data")]
    Loading,
    /// A part of the cluster has no master, or the slot is on its way to another.
    #[error("the cluster cannot serve this key: {0}")]
    ClusterDown(String),
    /// It is a node of a cluster, and was not configured as one.
    #[error("is a node of a cluster: name the nodes as redis+cluster://host:port,host:port")]
    Clustered,
    /// A key of ours holds what we never wrote.
    #[error("holds something else under a key of ours")]
    WrongType,
    /// It does not have the script: it is sent whole. Only [`Trip::outcomes`](crate::redis::Trip::outcomes) says so.
    #[error("does not have the script")]
    NoScript,
    /// An answer that is none.
    #[error("gave an answer that is none: {0}")]
    Malformed(String),
    /// Another error of the server, in its words.
    #[error("answered: {0}")]
    Server(String),
    /// A rule that it cannot count.
    #[error(transparent)]
    Uncountable(#[from] Uncountable),
}

impl StoreError {
    /// All words of [`StoreError::word`], in the order of [`StoreError::index`].
    pub const WORDS: [&'static str; 14] = [
        "timeout",
        "unreachable",
        "breaker_open",
        "refused",
        "out_of_memory",
        "read_only",
        "loading",
        "cluster_down",
        "clustered",
        "wrong_type",
        "no_script",
        "malformed",
        "server",
        "uncountable",
    ];

    /// The word for logs and metrics; it does not change between versions.
    pub const fn word(&self) -> &'static str {
        Self::WORDS[self.index()]
    }

    /// The place of the word in [`StoreError::WORDS`].
    pub const fn index(&self) -> usize {
        match self {
            Self::Timeout => 0,
            Self::Unreachable(_) => 1,
            Self::BreakerOpen => 2,
            Self::Refused(_) => 3,
            Self::OutOfMemory => 4,
            Self::ReadOnly => 5,
            Self::Loading => 6,
            Self::ClusterDown(_) => 7,
            Self::Clustered => 8,
            Self::WrongType => 9,
            Self::NoScript => 10,
            Self::Malformed(_) => 11,
            Self::Server(_) => 12,
            Self::Uncountable(_) => 13,
        }
    }

    /// Whether the store as a whole is in trouble, so that asking it again at once only costs time. A server that is out of memory
    /// answers at once and still knows the keys it has, and what is wrong with one key or one rule says nothing of the others.
    pub const fn is_outage(&self) -> bool {
        matches!(
            self,
            Self::Timeout
                | Self::Unreachable(_)
                | Self::Refused(_)
                | Self::ReadOnly
                | Self::Loading
                | Self::ClusterDown(_)
                | Self::Clustered
                | Self::Malformed(_)
        )
    }

    /// Whether the connection is of no more use: another one may lead to a server that answers.
    pub const fn ends_connection(&self) -> bool {
        matches!(
            self,
            Self::Unreachable(_)
                | Self::Refused(_)
                | Self::ReadOnly
                | Self::Clustered
                | Self::Malformed(_)
        )
    }

    /// An error reply: its first word and the rest.
    pub(crate) fn of_reply(code: &str, detail: &str) -> Self {
        // an error of a command in a script: its code in 7 and later, ERR with the code further on before
        let code = match code {
            "ERR" => detail
                .rsplit(": -")
                .next()
                .and_then(|told| told.split(' ').next())
                .unwrap_or_default(),
            code => code,
        };
        match code {
            "NOSCRIPT" => Self::NoScript,
            "NOAUTH" | "WRONGPASS" | "NOPERM" | "DENIED" => {
                Self::Refused(format!("{code} {detail}"))
            }
            "OOM" => Self::OutOfMemory,
            "READONLY" => Self::ReadOnly,
            "LOADING" => Self::Loading,
            "CLUSTERDOWN" | "TRYAGAIN" | "MASTERDOWN" => {
                Self::ClusterDown(format!("{code} {detail}"))
            }
            "MOVED" | "ASK" | "CROSSSLOT" => Self::Clustered,
            "WRONGTYPE" => Self::WrongType,
            _ => Self::Server(detail.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_variants_and_differ() {
        let all = [
            StoreError::Timeout,
            StoreError::Unreachable(String::new()),
            StoreError::BreakerOpen,
            StoreError::Refused(String::new()),
            StoreError::OutOfMemory,
            StoreError::ReadOnly,
            StoreError::Loading,
            StoreError::ClusterDown(String::new()),
            StoreError::Clustered,
            StoreError::WrongType,
            StoreError::NoScript,
            StoreError::Malformed(String::new()),
            StoreError::Server(String::new()),
            StoreError::Uncountable(Uncountable::Adaptive),
        ];
        for (place, error) in all.iter().enumerate() {
            assert_eq!(error.index(), place);
            let named = format!("{error:?}")
                .split(['(', ' '])
                .next()
                .unwrap()
                .to_lowercase();
            assert_eq!(error.word().replace('_', ""), named);
        }
        assert_eq!(all.len(), StoreError::WORDS.len());
    }

    #[test]
    fn error_replies_have_their_paths() {
        for (code, detail, word) in [
            (
                "NOSCRIPT",
                "No matching script. Please use EVAL.",
                "no_script",
            ),
            (
                "OOM",
                "command not allowed when used memory > 'maxmemory'.",
                "out_of_memory",
            ),
            (
                "ERR",
                "Error running script (call to f_1): @user_script:9: -OOM command not allowed when used memory > 'maxmemory'.",
                "out_of_memory",
            ),
            (
                "READONLY",
                "You can't write against a read only replica.",
                "read_only",
            ),
            (
                "LOADING",
                "Redis is loading the dataset in memory",
                "loading",
            ),
            ("CLUSTERDOWN", "Hash slot not served", "cluster_down"),
            (
                "TRYAGAIN",
                "Multiple keys request during rehashing of slot",
                "cluster_down",
            ),
            ("MOVED", "3999 127.0.0.1:6381", "clustered"),
            ("ASK", "3999 127.0.0.1:6381", "clustered"),
            (
                "WRONGTYPE",
                "Operation against a key holding the wrong kind of value",
                "wrong_type",
            ),
            ("NOAUTH", "Authentication required.", "refused"),
            ("WRONGPASS", "invalid username-password pair", "refused"),
            ("NOPERM", "this user has no permissions", "refused"),
            ("ERR", "unknown command", "server"),
        ] {
            assert_eq!(
                StoreError::of_reply(code, detail).word(),
                word,
                "{code} {detail}"
            );
        }
    }
}
