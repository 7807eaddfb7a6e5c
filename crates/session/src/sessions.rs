//! The life of a session in one request: what to ask the store, what to tell it, and which cookie to send.
//!
//! Decision order on the way in ([`Sessions::read`], [`Sessions::open`]):
//! 1. no cookie: a new, empty session; twice the cookie, or a seal that is not ours: the same, and the store is not asked;
//! 2. the store does not know the id, or knows that it is gone: the same; an id is never adopted;
//! 3. the idle or the absolute time is over: the same, and the row is deleted;
//! 4. the id in force: the session. If the id was replaced and now comes for the first time, the previous one has 10 more
//!    seconds;
//! 5. the previous id, within its time: the session, and the client is told the id in force again;
//! 6. a session that a login has replaced, within 10 seconds: as it was before the login, to be read only;
//! 7. any other id of this row was valid once: it was stolen, or the client lost it. The session is deleted, and the one
//!    that took its place.
//!
//! On the way out ([`Sessions::close`], [`Sessions::settle`]): nothing is written for a new session without data and user.
//! A login writes a new session under a new id and leaves the old one to 6. Everything else is one update of the version
//! that was read; if somebody else has saved in between, the changes are made again over that. A session that is gone
//! meanwhile stays gone. The cookie is known when the store has answered, not before.
//!
//! ```
//! use mantlet_session::*;
//! # let mut seed = 0u8;
//! # let mut random = move |bytes: &mut [u8]| { seed += 1; bytes.fill(seed); Ok(()) };
//! let ring = Ring::new(vec![Secret::new(&[1; 32])?])?;
//! let (cookie, _) = Cookie::new(CookieSettings::default())?;
//! let sessions = Sessions::new(&ring, cookie, Lifetimes::default())?;
//! let store = Local::new(64 << 20);
//! let now = 1_800_000_000; // seconds since the epoch
//!
//! let mut session = sessions.open(sessions.read([]), None, now).session;
//! session.insert("theme", "dark");
//! let closing = sessions.close(session, now, &mut random)?;
//! let replies = store.run(closing.commands(), now).expect("memory can be reached");
//! let Settled::Done(outcome) = sessions.settle(closing, &replies, now, &mut random)? else { panic!() };
//! let set_cookie = outcome.cookie.expect("a new session");
//!
//! let sent = set_cookie.split(';').next().expect("the pair");
//! let found = sessions.read([sent.as_bytes()]);
//! let load = found.load().expect("an id");
//! let reply = store.run(&[load], now).expect("memory can be reached").pop();
//! let opened = sessions.open(found, reply, now);
//! assert_eq!(opened.session.get("theme"), Some(&"dark".into()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::sync::Arc;

use crate::command::{Command, Reply};
use crate::cookie::{Cookie, Sent};
use crate::error::ConfigError;
use crate::id::{IdSeal, RANDOM, SessionId};
use crate::lifetime::Lifetimes;
use crate::outcome::{CloseError, Event, Outcome, Random, SaveError};
use crate::record::{Previous, Record, Retired, weight_of};
use crate::ring::Ring;
use crate::session::{Intent, Session, Stored, Via};

/// The most that the data of a session may take, in bytes of memory, estimated.
pub const MAX_DATA: usize = 64 * 1024;
/// How often a save is tried again when others save in between.
const ATTEMPTS: u8 = 8;

/// What a request brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// No cookie.
    Nothing,
    /// A cookie that counts for nothing.
    Refused(Event),
    /// An id that was sealed here.
    Id(SessionId),
}

impl Found {
    /// What to ask the store; none if there is nothing to ask.
    pub fn load(&self) -> Option<Command> {
        match self {
            Self::Id(id) => Some(Command::Load { key: id.row() }),
            _ => None,
        }
    }
}

/// A session to hand to the application.
#[derive(Debug)]
pub struct Opened {
    /// The session; a new one if there was none.
    pub session: Session,
    /// What to log.
    pub event: Option<Event>,
}

impl Opened {
    pub(crate) fn fresh(event: Option<Event>) -> Self {
        Self {
            session: Session::default(),
            event,
        }
    }
}

/// A session on its way to the store.
#[derive(Debug)]
pub struct Closing {
    session: Session,
    commands: Vec<Command>,
    cookie: Option<String>,
    attempts: u8,
}

impl Closing {
    /// What to ask the store, in one batch; nothing may be asked.
    pub fn commands(&self) -> &[Command] {
        &self.commands
    }
}

/// What the store's answer makes of a session that is closed.
#[derive(Debug)]
pub enum Settled {
    /// It is over.
    Done(Outcome),
    /// Somebody else has saved: run this batch, and settle again.
    Again(Box<Closing>),
}

/// Sessions that a store keeps, under a cookie that has an id.
#[derive(Clone, Debug)]
pub struct Sessions {
    seal: IdSeal,
    cookie: Cookie,
    lifetimes: Lifetimes,
}

impl Sessions {
    /// Sessions of these settings.
    ///
    /// # Errors
    /// [`ConfigError`] if the times do not fit together.
    pub fn new(ring: &Ring, cookie: Cookie, lifetimes: Lifetimes) -> Result<Self, ConfigError> {
        lifetimes.check()?;
        Ok(Self {
            seal: IdSeal::new(ring, cookie.name())?,
            cookie,
            lifetimes,
        })
    }

    /// Its cookie.
    pub const fn cookie(&self) -> &Cookie {
        &self.cookie
    }

    /// The same with a Secure cookie, to be made once and used for requests that came over https.
    #[must_use]
    pub fn secured(&self) -> Self {
        Self {
            cookie: self.cookie.secured(),
            ..self.clone()
        }
    }

    /// What the lines of Cookie bring.
    pub fn read<'a>(&'a self, lines: impl IntoIterator<Item = &'a [u8]>) -> Found {
        match self.cookie.read(lines) {
            Sent::None => Found::Nothing,
            Sent::Repeated => Found::Refused(Event::Repeated),
            Sent::One(value) => self
                .seal
                .open(value)
                .map_or(Found::Refused(Event::Forged), Found::Id),
        }
    }

    /// The session of a request, from what it brought and the store's answer to [`Found::load`]. `now` is in seconds since
    /// the epoch.
    pub fn open(&self, found: Found, reply: Option<Reply>, now: u64) -> Opened {
        let id = match found {
            Found::Nothing => return Opened::fresh(None),
            Found::Refused(event) => return Opened::fresh(Some(event)),
            Found::Id(id) => id,
        };
        let record = match reply {
            Some(Reply::Loaded(record)) => record,
            Some(Reply::Deleted) => return Opened::fresh(Some(Event::Deleted)),
            _ => return Opened::fresh(Some(Event::Unknown)),
        };
        let until = self.lifetimes.tombstone(now);
        let delete = |key| Command::Delete { key, until };
        let retired = record.retired.as_ref();
        if retired.is_none() && now >= self.lifetimes.expires(record.created, record.last_seen) {
            let mut opened = Opened::fresh(Some(Event::Expired));
            opened.session.pending.push(delete(id.row()));
            return opened;
        }
        match via(&id, &record, now) {
            Some(via) => Opened {
                session: Session::of(record, Some(Stored { id, via })),
                event: None,
            },
            None => {
                let mut opened = Opened::fresh(Some(Event::Reused));
                opened.session.pending.push(delete(id.row()));
                opened
                    .session
                    .pending
                    .extend(retired.map(|retired| delete(retired.successor())));
                opened
            }
        }
    }

    /// Ends the work with a session: what the store has to be asked now.
    ///
    /// # Errors
    /// [`CloseError`]: the session is not saved, and the response must not be sent as if it were.
    pub fn close(
        &self,
        session: Session,
        now: u64,
        random: Random<'_>,
    ) -> Result<Closing, CloseError> {
        self.attempt(session, 0, now, random)
    }

    /// Reads the store's answers to [`Closing::commands`]; none at all if it could not be reached.
    ///
    /// # Errors
    /// [`CloseError`] if what has to be tried again cannot be.
    pub fn settle(
        &self,
        closing: Closing,
        replies: &[Reply],
        now: u64,
        random: Random<'_>,
    ) -> Result<Settled, CloseError> {
        let failure = closing
            .commands
            .iter()
            .zip(replies)
            .find(|(command, reply)| reply.is_failure(command));
        let done = |closing: &Closing, cookie, saved| {
            Ok(Settled::Done(Outcome {
                cookie,
                private: closing.session.is_touched() || closing.cookie.is_some(),
                clear_site_data: closing.session.destroyed && closing.session.is_vacant(),
                saved,
            }))
        };
        // a logout takes the cookie away, whatever the store says
        let gone = closing.session.destroyed.then(|| self.cookie.clear());
        if replies.len() != closing.commands.len() {
            return done(&closing, gone, Err(SaveError::Unanswered));
        }
        let reply = match failure {
            None => {
                let session = &closing.session;
                let lost = session.is_read_only() && session.is_changed() && !session.destroyed;
                let saved = if lost {
                    Err(SaveError::ReadOnly)
                } else {
                    Ok(())
                };
                return done(&closing, closing.cookie.clone(), saved);
            }
            Some((_, reply)) => reply.clone(),
        };
        if closing.attempts >= ATTEMPTS {
            return done(&closing, gone, Err(SaveError::Contended));
        }
        let Closing {
            mut session,
            attempts,
            ..
        } = match reply {
            Reply::Conflict(_) | Reply::Exists => closing,
            Reply::Full => return done(&closing, gone, Err(SaveError::Full)),
            _ => return done(&closing, gone, Err(SaveError::Gone)),
        };
        if let (Reply::Conflict(record), Some(stored)) = (reply, session.stored) {
            let Some(via @ (Via::Current | Via::Previous)) = via(&stored.id, &record, now) else {
                // somebody has logged in, in between, or the id was replaced and this one's time is over
                let saved = Err(SaveError::Gone);
                return Ok(Settled::Done(Outcome {
                    cookie: None,
                    private: session.is_touched(),
                    clear_site_data: false,
                    saved,
                }));
            };
            session.stored = Some(Stored { via, ..stored });
            session.rebase(record);
        }
        self.attempt(session, attempts + 1, now, random)
            .map(|closing| Settled::Again(Box::new(closing)))
    }

    fn attempt(
        &self,
        mut session: Session,
        attempts: u8,
        now: u64,
        random: Random<'_>,
    ) -> Result<Closing, CloseError> {
        let mut commands = std::mem::take(&mut session.pending);
        if session.destroyed {
            let until = self.lifetimes.tombstone(now);
            let own = session.stored.map(|stored| stored.id.row());
            let base = session.base.as_ref();
            let retired = base.and_then(|base| base.retired.as_ref());
            // a logout that was on its way when somebody logged in ends both
            let keys = own.into_iter().chain(retired.map(Retired::successor));
            commands.extend(keys.map(|key| Command::Delete { key, until }));
        }
        let living = session
            .stored
            .zip(session.base.clone())
            .filter(|_| !session.destroyed);
        let cookie = match (living, &session.intent) {
            (Some((stored, _)), _) if stored.via == Via::Retired => None,
            (Some((stored, base)), Intent::Authenticated(user)) => {
                let created = self.create(&session, user.clone(), now, random)?;
                commands.push(self.retire(&stored.id, &base, &created.id, now));
                commands.push(created.command);
                Some(created.cookie)
            }
            (Some((stored, base)), Intent::Keep) => {
                let (command, cookie) = self.keep(&session, &stored, &base, now, random)?;
                commands.extend(command);
                cookie
            }
            (None, _) if session.is_vacant() => session.destroyed.then(|| self.cookie.clear()),
            (None, intent) => {
                let user = match intent {
                    Intent::Authenticated(user) => user.clone(),
                    Intent::Keep => None,
                };
                let created = self.create(&session, user, now, random)?;
                commands.push(created.command);
                Some(created.cookie)
            }
        };
        Ok(Closing {
            session,
            commands,
            cookie,
            attempts,
        })
    }

    /// A new session under a new id.
    fn create(
        &self,
        session: &Session,
        user: Option<String>,
        now: u64,
        random: Random<'_>,
    ) -> Result<Created, CloseError> {
        let mut bytes = [0; RANDOM];
        random(&mut bytes)?;
        let id = SessionId::from_random(&bytes);
        let mut record = Record::new(id.proof(), now);
        record.auth_time = user.as_ref().map(|_| now);
        record.user = user;
        record.data = session.take_data();
        fits(&record)?;
        let expires = self.lifetimes.expires(now, now);
        Ok(Created {
            id,
            cookie: self.set(&id, &record, now),
            command: Command::Create {
                key: id.row(),
                record: Arc::new(record),
                expires,
            },
        })
    }

    /// The old session of a login: to be read for the time of grace, and then a trap for whoever still has its id.
    fn retire(&self, id: &SessionId, base: &Record, successor: &SessionId, now: u64) -> Command {
        let mut record = base.clone();
        record.version += 1;
        record.retired = Some(Retired::new(
            now.saturating_add(self.lifetimes.grace),
            &successor.row(),
        ));
        Command::Update {
            key: id.row(),
            version: base.version,
            record: Arc::new(record),
            expires: self.lifetimes.tombstone(now),
        }
    }

    /// The same session: a save, a rotation, a touch, or nothing; and the cookie, if the client has another id.
    fn keep(
        &self,
        session: &Session,
        stored: &Stored,
        base: &Record,
        now: u64,
        random: Random<'_>,
    ) -> Result<(Option<Command>, Option<String>), CloseError> {
        let key = stored.id.row();
        let expires = self
            .lifetimes
            .expires(base.created, now.max(base.last_seen));
        let unconfirmed = stored.via == Via::Current
            && base
                .previous
                .as_ref()
                .is_some_and(|previous| previous.until.is_none());
        let previous_until = unconfirmed.then(|| now.saturating_add(self.lifetimes.grace));
        let rotates =
            stored.via == Via::Current && self.lifetimes.is_rotation_due(base.rotated, now);
        let in_force = match (&base.previous, stored.via) {
            (Some(previous), Via::Previous) => {
                self.seal.next(&stored.id, previous.salt(), previous.key())
            }
            _ => None,
        };
        let mut cookie = in_force.map(|id| self.set(&id, base, now));
        if !session.has_changes() && !rotates {
            let due = unconfirmed || self.lifetimes.is_touch_due(base.last_seen, now);
            let touch = due.then_some(Command::Touch {
                key,
                last_seen: now,
                expires,
                previous_until,
            });
            return Ok((touch, cookie));
        }
        let mut record = base.clone();
        record.version += 1;
        record.last_seen = record.last_seen.max(now);
        record.data = session.take_data();
        if let Some(previous) = &mut record.previous {
            previous.until = previous.until.or(previous_until);
        }
        if rotates {
            let mut salt = [0; 16];
            random(&mut salt)?;
            let rotation = self.seal.rotation_key();
            // the key is that of the ring's first secret: it is there
            if let Some(next) = self.seal.next(&stored.id, &salt, rotation) {
                record.previous = Some(Previous::new(stored.id.proof(), salt, rotation));
                record.set_current(next.proof());
                record.rotated = now;
                cookie = Some(self.set(&next, base, now));
            }
        }
        fits(&record)?;
        let update = Command::Update {
            key,
            version: base.version,
            record: Arc::new(record),
            expires,
        };
        Ok((Some(update), cookie))
    }

    fn set(&self, id: &SessionId, record: &Record, now: u64) -> String {
        let left = record
            .created
            .saturating_add(self.lifetimes.absolute)
            .saturating_sub(now);
        self.cookie.set(&self.seal.seal(id), Some(left))
    }
}

struct Created {
    id: SessionId,
    command: Command,
    cookie: String,
}

/// What an id is to a record; none if its time is over.
fn via(id: &SessionId, record: &Record, now: u64) -> Option<Via> {
    let proof = id.proof();
    let in_force = proof.matches(&record.current());
    let before = record.previous.as_ref().is_some_and(|previous| {
        proof.matches(&previous.proof()) && previous.until.is_none_or(|until| now < until)
    });
    match &record.retired {
        Some(retired) if (in_force || before) && now < retired.until => Some(Via::Retired),
        Some(_) => None,
        None if in_force => Some(Via::Current),
        None if before => Some(Via::Previous),
        None => None,
    }
}

fn fits(record: &Record) -> Result<(), CloseError> {
    let size = weight_of(&record.data);
    if size > MAX_DATA {
        return Err(CloseError::TooLarge {
            size,
            max: MAX_DATA,
        });
    }
    Ok(())
}
