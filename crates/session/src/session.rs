//! One session as the application sees it during a request.
//!
//! Changes are kept as changes, not as a copy of the whole: if another request has saved in between, they are made again
//! over what it saved, member by member, so that neither is lost.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use serde_json::Value;

use crate::command::Command;
use crate::id::SessionId;
use crate::record::{Data, Record};

/// A session, stored or not yet; made by [`crate::Sessions::open`] or [`crate::SealedSessions::open`]. It does not print its
/// data.
///
/// ```
/// # use mantlet_session::Session;
/// # let mut session = Session::default();
/// assert!(session.get("cart").is_none() && !session.is_changed());
/// session.insert("cart", serde_json::json!([7]));
/// session.auth_changed(Some("alice"));
/// assert_eq!(session.user(), Some("alice"));
/// ```
#[derive(Default)]
pub struct Session {
    pub(crate) base: Option<Arc<Record>>,
    pub(crate) stored: Option<Stored>,
    pub(crate) intent: Intent,
    /// What was there is to go at once; what was set since then is a new session.
    pub(crate) destroyed: bool,
    /// What a store has to be told whatever the application does.
    pub(crate) pending: Vec<Command>,
    /// The data with the changes made; none as long as there are no changes.
    data: Option<Data>,
    changes: Vec<Change>,
    /// Set where the session is read too: the response then depends on the cookie.
    touched: AtomicBool,
}

/// How a stored session was found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stored {
    pub(crate) id: SessionId,
    pub(crate) via: Via,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Via {
    /// The id in force.
    Current,
    /// The id before it: the client is told the one in force again.
    Previous,
    /// A session that another one has replaced: to be read only.
    Retired,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Intent {
    #[default]
    Keep,
    /// Another user, or other rights of the same one.
    Authenticated(Option<String>),
}

#[derive(Clone, Debug)]
enum Change {
    Insert(String, Value),
    Remove(String),
    Clear,
}

impl Change {
    fn make(&self, data: &mut Data) {
        match self {
            Self::Insert(name, value) => {
                data.insert(name.clone(), value.clone());
            }
            Self::Remove(name) => {
                data.shift_remove(name);
            }
            Self::Clear => data.clear(),
        }
    }
}

impl Session {
    pub(crate) fn of(base: Arc<Record>, stored: Option<Stored>) -> Self {
        Self {
            base: Some(base),
            stored,
            ..Self::default()
        }
    }

    /// Whether it was not there before this request.
    pub fn is_new(&self) -> bool {
        self.base.is_none()
    }

    /// Whether changes would be lost: the request came with the id of before a login.
    pub fn is_read_only(&self) -> bool {
        self.stored.is_some_and(|stored| stored.via == Via::Retired)
    }

    /// Whether the application has changed it.
    pub fn is_changed(&self) -> bool {
        !self.changes.is_empty() || self.intent != Intent::Keep || self.destroyed
    }

    /// Whether the application has read or changed it: the response then is for this client alone.
    pub fn is_touched(&self) -> bool {
        self.touched.load(Ordering::Relaxed)
    }

    /// Whose session it is.
    pub fn user(&self) -> Option<&str> {
        match &self.intent {
            Intent::Keep => self.living()?.user.as_deref(),
            Intent::Authenticated(user) => {
                self.touch();
                user.as_deref()
            }
        }
    }

    /// When it began, in seconds since the epoch; none of a new one.
    pub fn created(&self) -> Option<u64> {
        self.living().map(|base| base.created)
    }

    /// When its user logged in, in seconds since the epoch; that of before this request.
    pub fn auth_time(&self) -> Option<u64> {
        self.living()?.auth_time
    }

    fn living(&self) -> Option<&Record> {
        self.touch();
        self.base.as_deref().filter(|_| !self.destroyed)
    }

    /// The data.
    pub fn data(&self) -> &Data {
        self.touch();
        self.own_data()
    }

    fn own_data(&self) -> &Data {
        static EMPTY: LazyLock<Data> = LazyLock::new(Data::new);
        match (&self.data, &self.base) {
            (Some(data), _) => data,
            (None, Some(base)) => &base.data,
            (None, None) => &EMPTY,
        }
    }

    /// One member of the data.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.data().get(name)
    }

    /// Sets a member.
    pub fn insert(&mut self, name: &str, value: impl Into<Value>) {
        self.change(Change::Insert(name.to_owned(), value.into()));
    }

    /// Removes a member.
    pub fn remove(&mut self, name: &str) {
        self.change(Change::Remove(name.to_owned()));
    }

    /// Removes all members. The session stays: see [`Session::destroy`].
    pub fn clear(&mut self) {
        self.change(Change::Clear);
    }

    /// Says that somebody has logged in, or has other rights now; `None`: nobody is logged in any more. The id is replaced:
    /// whoever knew the one from before does not know this one (session fixation, CWE-384). The data stays.
    pub fn auth_changed(&mut self, user: Option<&str>) {
        self.touch();
        self.intent = Intent::Authenticated(user.map(str::to_owned));
    }

    /// Ends it: logout. What is set after this is a new session.
    pub fn destroy(&mut self) {
        self.touch();
        self.changes.clear();
        self.data = Some(Data::new());
        self.intent = Intent::Keep;
        self.destroyed = true;
    }

    fn change(&mut self, change: Change) {
        self.touch();
        let base = &self.base;
        let data = self.data.get_or_insert_with(|| {
            base.as_ref()
                .map(|base| base.data.clone())
                .unwrap_or_default()
        });
        change.make(data);
        self.changes.push(change);
    }

    fn touch(&self) {
        self.touched.store(true, Ordering::Relaxed);
    }

    pub(crate) fn has_changes(&self) -> bool {
        !self.changes.is_empty()
    }

    /// Whether there is nothing to keep: no user and no data.
    pub(crate) fn is_vacant(&self) -> bool {
        let user = match &self.intent {
            Intent::Keep => self
                .base
                .as_ref()
                .filter(|_| !self.destroyed)
                .and_then(|base| base.user.as_ref()),
            Intent::Authenticated(user) => user.as_ref(),
        };
        user.is_none() && self.own_data().is_empty()
    }

    pub(crate) fn take_data(&self) -> Data {
        self.own_data().clone()
    }

    /// The same changes over what somebody else has saved.
    pub(crate) fn rebase(&mut self, record: Arc<Record>) {
        if !self.changes.is_empty() {
            let mut data = record.data.clone();
            for change in &self.changes {
                change.make(&mut data);
            }
            self.data = Some(data);
        }
        self.base = Some(record);
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("new", &self.is_new())
            .field("changed", &self.is_changed())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::id::Proof;

    #[test]
    fn changes_are_made_again_over_what_somebody_else_saved() {
        let mut record = Record::new(Proof::from_bytes([0; 32]), 0);
        record.data.insert("cart".to_owned(), json!([1]));
        let mut session = Session::of(Arc::new(record.clone()), None);
        session.insert("theme", "dark");
        session.remove("draft");
        record.data.insert("cart".to_owned(), json!([1, 2]));
        record.data.insert("draft".to_owned(), json!("x"));
        session.rebase(Arc::new(record));
        assert_eq!(
            Value::Object(session.take_data()),
            json!({"cart": [1, 2], "theme": "dark"})
        );
    }

    #[test]
    fn reading_is_noticed() {
        let session = Session::default();
        assert!(!session.is_touched());
        assert!(session.get("a").is_none());
        assert!(session.is_touched() && !session.is_changed());
    }

    #[test]
    fn after_the_end_nothing_of_it_is_seen() {
        let mut record = Record::new(Proof::from_bytes([0; 32]), 0);
        record.data.insert("cart".to_owned(), json!([1]));
        record.user = Some("alice".to_owned());
        let mut session = Session::of(Arc::new(record), None);
        session.insert("n", 1);
        session.destroy();
        assert!(
            session.data().is_empty() && session.user().is_none() && session.created().is_none()
        );
        session.insert("notice", "you are logged out");
        assert_eq!(
            Value::Object(session.take_data()),
            json!({"notice": "you are logged out"})
        );
    }
}
