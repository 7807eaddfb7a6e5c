//! The request fields that the checks read, gathered in one pass: a lookup for each would cost more than all of them.

use super::is_websocket;
use crate::head::{Fields, Single};
use crate::policy::FieldSizes;
use crate::reason::{FIELD_TOO_LARGE, Reason};

/// What a request says to the checks.
pub(crate) struct Read<'r> {
    pub(super) host: Single<'r>,
    pub(super) origin: Single<'r>,
    pub(super) site: Single<'r>,
    pub(super) mode: Single<'r>,
    pub(super) dest: Single<'r>,
    /// Whether it asks for a WebSocket.
    pub(super) handshake: bool,
    /// Bytes of Cookie and Authorization, all lines together.
    cookie: usize,
    token: usize,
}

impl<'r> Read<'r> {
    pub(crate) fn of(fields: &'r dyn Fields) -> Self {
        let mut read = Self {
            host: Single::Missing,
            origin: Single::Missing,
            site: Single::Missing,
            mode: Single::Missing,
            dest: Single::Missing,
            handshake: false,
            cookie: 0,
            token: 0,
        };
        fields.all(&mut |name, value| {
            let field = match (name.len(), name) {
                (4, b"host") => &mut read.host,
                (6, b"origin") => &mut read.origin,
                (14, b"sec-fetch-site") => &mut read.site,
                (14, b"sec-fetch-mode") => &mut read.mode,
                (14, b"sec-fetch-dest") => &mut read.dest,
                (6, b"cookie") => {
                    read.cookie = read.cookie.saturating_add(value.len());
                    return;
                }
                (13, b"authorization") => {
                    read.token = read.token.saturating_add(value.len());
                    return;
                }
                (7, b"upgrade") => {
                    read.handshake |= is_websocket(value);
                    return;
                }
                _ => return,
            };
            *field = field.and(value);
        });
        read
    }

    /// The fields that may have several lines, and are not read further here.
    pub(super) fn sizes(&self, sizes: &FieldSizes) -> Result<(), &'static Reason> {
        match self.cookie <= sizes.cookie && self.token <= sizes.token {
            true => Ok(()),
            false => Err(&FIELD_TOO_LARGE),
        }
    }
}
