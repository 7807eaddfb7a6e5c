//! Sessions in the cookie itself, sealed: nobody can read or change them, and no store is needed.
//!
//! ```text
//! cookie value = "v1." BASE64URL( key id [4] | nonce [12] | AES-256-GCM-SIV( JSON ) | tag [16] )
//! AAD          = "v1." cookie name | key id
//! ```
//!
//! AES-256-GCM-SIV (RFC 8452) loses nothing but the equality of two texts if a nonce comes twice.
//!
//! What this cannot do, and a store can: a copy of the cookie works until its time is over, after a logout too. The one
//! revocation there is, is the user's epoch ([`SealedSessions::ask_epoch`], [`SealedSessions::admit`]); without it, "log out
//! everywhere" does nothing. OWASP ASVS 7.4.1 asks for more: take [`crate::Sessions`] where it matters. The last of two
//! requests that change one session at once wins. A cookie of more than [`MAX_COOKIE`] bytes is refused, since browsers drop
//! it without a word.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::command::{Command, Reply};
use crate::cookie::{Cookie, Sent};
use crate::error::ConfigError;
use crate::id::Proof;
use crate::lifetime::Lifetimes;
use crate::outcome::{CloseError, Event, Outcome, Random};
use crate::record::{Data, Record};
use crate::ring::{KeyId, Purpose, Ring};
use crate::session::{Intent, Session};
use crate::sessions::Opened;

/// The longest name and value of a cookie, in bytes: browsers take 4096 with the attributes.
pub const MAX_COOKIE: usize = 3800;
const VERSION: &str = "v1.";
const KEY: usize = 4;
const TAG: usize = 16;

/// Sessions that the client keeps.
#[derive(Clone)]
pub struct SealedSessions {
    keys: Arc<[(KeyId, LessSafeKey)]>,
    cookie: Cookie,
    lifetimes: Lifetimes,
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    /// When it was sealed.
    iat: u64,
    created: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    auth: Option<u64>,
    data: Data,
}

impl SealedSessions {
    /// Sessions of these settings.
    ///
    /// # Errors
    /// [`ConfigError`] if the times do not fit together.
    pub fn new(ring: &Ring, cookie: Cookie, lifetimes: Lifetimes) -> Result<Self, ConfigError> {
        lifetimes.check()?;
        let keys = ring.derive(Purpose::Seal, cookie.name())?.map(|id, key| {
            let key = UnboundKey::new(&AES_256_GCM_SIV, key).ok()?;
            Some((id, LessSafeKey::new(key)))
        });
        // 32 bytes are the length of the algorithm's key
        let keys: Option<Vec<_>> = keys.into_iter().collect();
        Ok(Self {
            keys: keys.ok_or(ConfigError::Derivation)?.into(),
            cookie,
            lifetimes,
        })
    }

    /// The same with a Secure cookie, to be made once and used for requests that came over https.
    #[must_use]
    pub fn secured(&self) -> Self {
        Self {
            cookie: self.cookie.secured(),
            ..self.clone()
        }
    }

    /// The session of the lines of Cookie. `now` is in seconds since the epoch.
    pub fn open<'a>(&'a self, lines: impl IntoIterator<Item = &'a [u8]>, now: u64) -> Opened {
        let value = match self.cookie.read(lines) {
            Sent::None => return Opened::fresh(None),
            Sent::Repeated => return Opened::fresh(Some(Event::Repeated)),
            Sent::One(value) => value,
        };
        let Some(sealed) = self.unseal(value) else {
            return Opened::fresh(Some(Event::Forged));
        };
        if now >= self.lifetimes.expires(sealed.created, sealed.iat) {
            return Opened::fresh(Some(Event::Expired));
        }
        let mut record = Record::new(Proof::from_bytes([0; 32]), sealed.created);
        record.last_seen = sealed.iat;
        record.user = sealed.user;
        record.auth_time = sealed.auth;
        record.data = sealed.data;
        Opened {
            session: Session::of(Arc::new(record), None),
            event: None,
        }
    }

    /// What to ask a store before the session is used, if there is one that keeps epochs.
    pub fn ask_epoch(opened: &Opened) -> Option<Command> {
        let user = opened.session.base.as_ref()?.user.clone()?;
        Some(Command::Epoch { user })
    }

    /// The session if it began at or after its user's epoch; else a new one.
    pub fn admit(opened: Opened, reply: &Reply) -> Opened {
        match (reply, &opened.session.base) {
            (Reply::Epoch(Some(not_before)), Some(base)) if base.created < *not_before => {
                Opened::fresh(Some(Event::Deleted))
            }
            _ => opened,
        }
    }

    /// Ends the work with a session. It is sealed again if it was changed, or if its use is worth telling.
    ///
    /// # Errors
    /// [`CloseError`]: there is no cookie, and the response must not be sent as if there were.
    pub fn close(
        &self,
        session: &Session,
        now: u64,
        random: Random<'_>,
    ) -> Result<Outcome, CloseError> {
        let base = session.base.as_deref().filter(|_| !session.destroyed);
        let sealed = match &session.intent {
            Intent::Authenticated(user) => Some(Sealed {
                iat: now,
                created: now,
                auth: user.as_ref().map(|_| now),
                user: user.clone(),
                data: session.take_data(),
            }),
            Intent::Keep => {
                let used =
                    base.is_some_and(|base| self.lifetimes.is_touch_due(base.last_seen, now));
                (session.has_changes() || used).then(|| Sealed {
                    iat: base.map_or(now, |base| base.last_seen.max(now)),
                    created: base.map_or(now, |base| base.created),
                    user: base.and_then(|base| base.user.clone()),
                    auth: base.and_then(|base| base.auth_time),
                    data: session.take_data(),
                })
            }
        };
        let cookie = match sealed {
            Some(sealed) if base.is_some() || !session.is_vacant() => {
                let left = sealed
                    .created
                    .saturating_add(self.lifetimes.absolute)
                    .saturating_sub(now);
                Some(self.cookie.set(&self.seal(&sealed, random)?, Some(left)))
            }
            _ => session.destroyed.then(|| self.cookie.clear()),
        };
        Ok(Outcome {
            private: session.is_touched() || cookie.is_some(),
            clear_site_data: session.destroyed && session.is_vacant(),
            cookie,
            saved: Ok(()),
        })
    }

    fn seal(&self, sealed: &Sealed, random: Random<'_>) -> Result<String, CloseError> {
        let (id, key) = &self.keys[0];
        let mut nonce = [0; NONCE_LEN];
        random(&mut nonce)?;
        let mut text = serde_json::to_vec(sealed).map_err(|_| CloseError::Seal)?;
        let bytes = KEY + NONCE_LEN + text.len() + TAG;
        let size = self.cookie.name().len() + 1 + VERSION.len() + (bytes * 4).div_ceil(3);
        if size > MAX_COOKIE {
            return Err(CloseError::TooLarge {
                size,
                max: MAX_COOKIE,
            });
        }
        let aad = Aad::from(self.aad(*id));
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut text)
            .map_err(|_| CloseError::Seal)?;
        let mut value = VERSION.to_owned();
        URL_SAFE_NO_PAD.encode_string([&id.0[..], &nonce, &text].concat(), &mut value);
        Ok(value)
    }

    fn unseal(&self, value: &[u8]) -> Option<Sealed> {
        if value.len() > MAX_COOKIE {
            return None;
        }
        let text = value.strip_prefix(VERSION.as_bytes())?;
        let mut bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (head, sealed) = bytes.split_at_mut_checked(KEY + NONCE_LEN)?;
        let (id, key) = self.keys.iter().find(|(id, _)| id.0 == head[..KEY])?;
        let nonce = Nonce::try_assume_unique_for_key(&head[KEY..]).ok()?;
        let aad = Aad::from(self.aad(*id));
        let json = key.open_in_place(nonce, aad, sealed).ok()?;
        serde_json::from_slice(json).ok()
    }

    fn aad(&self, id: KeyId) -> Vec<u8> {
        [VERSION.as_bytes(), self.cookie.name().as_bytes(), &id.0].concat()
    }
}

impl fmt::Debug for SealedSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedSessions({} keys)", self.keys.len())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cookie::CookieSettings;
    use crate::ring::Secret;

    const NOW: u64 = 1_800_000_000;

    fn sessions(fills: &[u8], name: &str) -> SealedSessions {
        let secrets = fills
            .iter()
            .map(|&fill| Secret::new(&[fill; 32]).expect("long enough"));
        let settings = CookieSettings {
            name: name.to_owned(),
            ..CookieSettings::default()
        };
        let (cookie, _) = Cookie::new(settings).expect("a cookie");
        let ring = Ring::new(secrets.collect()).expect("a ring");
        SealedSessions::new(&ring, cookie, Lifetimes::default()).expect("fitting")
    }

    fn random(bytes: &mut [u8]) -> Result<(), crate::NoRandom> {
        bytes.fill(7);
        Ok(())
    }

    fn pair(outcome: &Outcome) -> String {
        let cookie = outcome.cookie.as_deref().expect("a cookie");
        cookie.split(';').next().expect("a pair").to_owned()
    }

    fn opened(sessions: &SealedSessions, pair: &str, now: u64) -> Opened {
        sessions.open([pair.as_bytes()], now)
    }

    fn logged_in(sessions: &SealedSessions) -> String {
        let mut session = sessions.open([], NOW).session;
        session.insert("cart", json!([1]));
        session.auth_changed(Some("alice"));
        pair(&sessions.close(&session, NOW, &mut random).expect("small"))
    }

    #[test]
    fn a_session_comes_back_and_nothing_is_readable() {
        let sessions = sessions(&[1], "__Host-s");
        let pair = logged_in(&sessions);
        assert!(!pair.contains("alice"));
        let back = opened(&sessions, &pair, NOW + 60);
        assert_eq!(
            (back.session.user(), back.session.auth_time()),
            (Some("alice"), Some(NOW))
        );
        assert_eq!(back.session.get("cart"), Some(&json!([1])));
        assert_eq!(back.event, None);
    }

    #[test]
    fn every_changed_byte_another_name_and_another_secret_are_refused() {
        let ours = sessions(&[1], "__Host-s");
        let good = logged_in(&ours);
        let name = "__Host-s=".len();
        for at in name..good.len() {
            let mut forged = good.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            let told = ours.open([&forged[..]], NOW);
            assert!(
                told.session.is_new() && told.event == Some(Event::Forged),
                "{at}"
            );
            assert!(opened(&ours, &good[..at], NOW).session.is_new());
        }
        let other_name = sessions(&[1], "__Host-t");
        let moved = good.replace("__Host-s", "__Host-t");
        assert_eq!(opened(&other_name, &moved, NOW).event, Some(Event::Forged));
        assert_eq!(
            opened(&sessions(&[2], "__Host-s"), &good, NOW).event,
            Some(Event::Forged)
        );
        let rotated = sessions(&[2, 1], "__Host-s");
        assert_eq!(opened(&rotated, &good, NOW).session.user(), Some("alice"));
    }

    #[test]
    fn it_ends_by_idle_and_by_absolute_time_and_lives_by_use() {
        let sessions = sessions(&[1], "__Host-s");
        let mut pair = logged_in(&sessions);
        assert_eq!(
            opened(&sessions, &pair, NOW + 1800).event,
            Some(Event::Expired)
        );
        let mut now = NOW;
        while now + 1000 < NOW + 12 * 3600 {
            now += 1000;
            let session = opened(&sessions, &pair, now).session;
            assert_eq!(session.user(), Some("alice"), "{}", now - NOW);
            pair = self::pair(&sessions.close(&session, now, &mut random).expect("small"));
        }
        assert_eq!(
            opened(&sessions, &pair, NOW + 12 * 3600).event,
            Some(Event::Expired)
        );
    }

    #[test]
    fn nothing_is_sent_for_nothing() {
        let sessions = sessions(&[1], "__Host-s");
        let session = sessions.open([], NOW).session;
        let outcome = sessions.close(&session, NOW, &mut random).expect("small");
        assert_eq!((outcome.cookie, outcome.private), (None, false));
        let session = opened(&sessions, &logged_in(&sessions), NOW + 10).session;
        assert_eq!(
            sessions
                .close(&session, NOW + 10, &mut random)
                .expect("small")
                .cookie,
            None
        );
        let mut session = sessions.open([], NOW).session;
        session.destroy();
        let outcome = sessions.close(&session, NOW, &mut random).expect("small");
        assert!(
            outcome.clear_site_data
                && outcome
                    .cookie
                    .is_some_and(|cookie| cookie.contains("Max-Age=0"))
        );
    }

    #[test]
    fn a_cookie_that_browsers_would_drop_is_refused() {
        let sessions = sessions(&[1], "__Host-s");
        let sealed = |length: usize| {
            let mut session = sessions.open([], NOW).session;
            session.insert("pad", "x".repeat(length));
            sessions.close(&session, NOW, &mut random)
        };
        let fits = (2600..3000)
            .rev()
            .find_map(|length| sealed(length).ok())
            .expect("some length");
        assert!(
            (3790..=MAX_COOKIE).contains(&pair(&fits).len()),
            "{}",
            pair(&fits).len()
        );
        assert!(matches!(
            sealed(3000),
            Err(CloseError::TooLarge {
                max: MAX_COOKIE,
                ..
            })
        ));
    }

    #[test]
    fn what_began_before_the_epoch_of_its_user_does_not_count() {
        let sessions = sessions(&[1], "__Host-s");
        let back = || opened(&sessions, &logged_in(&sessions), NOW + 5);
        assert_eq!(
            SealedSessions::ask_epoch(&back()),
            Some(Command::Epoch {
                user: "alice".to_owned()
            })
        );
        let admitted = |epoch| {
            SealedSessions::admit(back(), &Reply::Epoch(epoch))
                .session
                .is_new()
        };
        assert!(!admitted(None) && !admitted(Some(NOW)) && admitted(Some(NOW + 1)));
    }
}
