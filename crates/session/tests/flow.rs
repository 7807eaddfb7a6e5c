//! Sessions over a store, request by request.

#![allow(clippy::expect_used, clippy::panic)]

use mantlet_session::{
    CloseError, Command, Cookie, CookieSettings, Event, Lifetimes, Local, NoRandom, Outcome, Reply,
    Ring, SaveError, Secret, Session, Sessions, Settled, Store, conformance,
};
use proptest::prelude::*;
use serde_json::json;

const NOW: u64 = 1_800_000_000;

/// A service with one store, and a counter for randomness.
struct Service {
    sessions: Sessions,
    store: Local,
    drawn: std::cell::Cell<u64>,
}

/// What a request was told.
struct Told {
    outcome: Outcome,
    event: Option<Event>,
    trips: usize,
}

fn sessions(fills: &[u8], lifetimes: Lifetimes) -> Sessions {
    let secrets = fills
        .iter()
        .map(|&fill| Secret::new(&[fill; 32]).expect("long enough"));
    let ring = Ring::new(secrets.collect()).expect("a ring");
    let (cookie, _) = Cookie::new(CookieSettings::default()).expect("a cookie");
    Sessions::new(&ring, cookie, lifetimes).expect("fitting")
}

impl Service {
    fn new() -> Self {
        Self {
            sessions: sessions(&[1], Lifetimes::default()),
            store: Local::new(16 << 20),
            drawn: std::cell::Cell::new(0),
        }
    }

    fn random(&self) -> impl FnMut(&mut [u8]) -> Result<(), NoRandom> + '_ {
        |bytes| {
            self.drawn.set(self.drawn.get() + 1);
            let number = self.drawn.get().to_be_bytes();
            for (byte, drawn) in bytes.iter_mut().zip(number.iter().cycle()) {
                *byte = *drawn;
            }
            Ok(())
        }
    }

    fn ask(&self, command: Command, now: u64) -> Reply {
        self.store.run(&[command], now).expect("memory").remove(0)
    }

    fn open(&self, cookie: &str, now: u64) -> mantlet_session::Opened {
        let line = [cookie.as_bytes()];
        let found = if cookie.is_empty() {
            self.sessions.read([])
        } else {
            self.sessions.read(line)
        };
        let reply = found.load().map(|load| self.ask(load, now));
        self.sessions.open(found, reply, now)
    }

    fn close(&self, session: Session, now: u64) -> (Outcome, usize) {
        let mut closing = self
            .sessions
            .close(session, now, &mut self.random())
            .expect("closed");
        let mut trips = 0;
        loop {
            trips += usize::from(!closing.commands().is_empty());
            let replies = self.store.run(closing.commands(), now).expect("memory");
            match self
                .sessions
                .settle(closing, &replies, now, &mut self.random())
                .expect("settled")
            {
                Settled::Done(outcome) => return (outcome, trips),
                Settled::Again(again) => closing = *again,
            }
        }
    }

    /// One request: its cookie, and what the application does.
    fn request(&self, cookie: &str, now: u64, work: impl FnOnce(&mut Session)) -> Told {
        let mut opened = self.open(cookie, now);
        work(&mut opened.session);
        let (outcome, trips) = self.close(opened.session, now);
        Told {
            outcome,
            event: opened.event,
            trips,
        }
    }

    /// Somebody who has logged in: the cookie.
    fn login(&self, user: &str, now: u64) -> String {
        pair(&self.request("", now, |session| {
            session.insert("n", 0);
            session.auth_changed(Some(user));
        }))
    }

    fn user(&self, cookie: &str, now: u64) -> Option<String> {
        let opened = self.open(cookie, now);
        opened.session.user().map(str::to_owned)
    }
}

fn pair(told: &Told) -> String {
    let cookie = told.outcome.cookie.as_deref().expect("a cookie");
    cookie.split(';').next().expect("a pair").to_owned()
}

#[test]
fn the_local_store_conforms() {
    let store = Local::new(64 << 20);
    for case in conformance::CASES {
        (case.run)(&store, NOW).unwrap_or_else(|failure| panic!("{}: {failure}", case.name));
    }
}

#[test]
fn a_store_that_loses_updates_is_found_by_the_suite() {
    /// Makes every update one of the version that is there.
    struct LastWins(Local);
    impl Store for LastWins {
        fn run(
            &self,
            batch: &[Command],
            now: u64,
        ) -> Result<Vec<Reply>, mantlet_session::StoreError> {
            let mut batch = batch.to_vec();
            for command in &mut batch {
                if let Command::Update { key, version, .. } = command
                    && let Some(Reply::Loaded(record)) =
                        self.0.run(&[Command::Load { key: *key }], now)?.pop()
                {
                    *version = record.version;
                }
            }
            self.0.run(&batch, now)
        }
    }
    let store = LastWins(Local::new(64 << 20));
    let failed: Vec<&str> = conformance::CASES
        .iter()
        .filter(|case| (case.run)(&store, NOW).is_err())
        .map(|case| case.name)
        .collect();
    assert!(
        failed.contains(&"of two saves of one version one is told of the other"),
        "{failed:?}"
    );
}

#[test]
fn nothing_is_written_and_sent_until_data_is_set() {
    let service = Service::new();
    let told = service.request("", NOW, |_| ());
    assert_eq!(
        (told.outcome.cookie, told.outcome.private, told.trips),
        (None, false, 0)
    );
    let told = service.request("", NOW, |session| {
        assert!(session.get("cart").is_none());
    });
    assert_eq!(
        (told.outcome.cookie, told.outcome.private, told.trips),
        (None, true, 0)
    );
    let told = service.request("", NOW, |session| {
        session.insert("a", 1);
        session.remove("a");
    });
    assert_eq!((told.outcome.cookie, told.trips), (None, 0));
    assert!(service.store.is_empty());
}

#[test]
fn a_session_is_read_in_one_trip_and_written_only_when_due() {
    let service = Service::new();
    let cookie = service.login("alice", NOW);
    let told = service.request(&cookie, NOW + 100, |session| {
        assert_eq!(session.user(), Some("alice"))
    });
    assert_eq!(
        (told.trips, told.outcome.cookie, told.event),
        (0, None, None)
    );
    let told = service.request(&cookie, NOW + 180, |_| ());
    assert_eq!(told.trips, 1, "a tenth of the idle time has passed");
    let told = service.request(&cookie, NOW + 300, |_| ());
    assert_eq!(told.trips, 0, "and was written");
}

#[test]
fn forged_repeated_and_unknown_ids_are_never_adopted() {
    let service = Service::new();
    let cookie = service.login("alice", NOW);
    let rows = service.store.len();
    let (name, value) = cookie.split_once('=').expect("a pair");
    let last = if value.ends_with('A') { 'B' } else { 'A' };
    let forged = format!("{name}={}{last}", &value[..value.len() - 1]);
    for (cookie, event) in [
        (forged, Event::Forged),
        (format!("{name}=v1.{}", "A".repeat(91)), Event::Forged),
        (format!("{name}="), Event::Forged),
        (format!("{cookie}; {cookie}"), Event::Repeated),
    ] {
        let found = service.sessions.read([cookie.as_bytes()]);
        assert_eq!(found.load(), None, "the store is not asked");
        assert_eq!(service.open(&cookie, NOW).event, Some(event));
    }
    // sealed by us, and not in this store
    let other = Service::new();
    other.drawn.set(100);
    let told = other.request(&cookie, NOW, |session| session.insert("a", 1));
    assert_eq!(told.event, Some(Event::Unknown));
    assert_ne!(pair(&told), cookie, "the id is a new one");
    assert_eq!((service.store.len(), other.store.len()), (rows, 1));
}

#[test]
fn a_session_ends_by_idle_and_by_absolute_time() {
    let service = Service::new();
    let cookie = service.login("alice", NOW);
    let told = service.request(&cookie, NOW + 1800, |session| assert!(session.is_new()));
    assert_eq!(told.event, Some(Event::Unknown), "the store counts too");

    let mut cookie = service.login("bob", NOW);
    let mut now = NOW;
    while now + 900 < NOW + 12 * 3600 {
        now += 900;
        let told = service.request(&cookie, now, |session| {
            assert_eq!(session.user(), Some("bob"))
        });
        if told.outcome.cookie.is_some() {
            cookie = pair(&told);
        }
    }
    assert_eq!(
        service.user(&cookie, NOW + 12 * 3600 - 1).as_deref(),
        Some("bob")
    );
    assert_eq!(service.user(&cookie, NOW + 12 * 3600), None);
}

#[test]
fn a_row_that_a_store_keeps_too_long_is_deleted() {
    let service = Service::new();
    let cookie = service.login("alice", NOW);
    let found = service.sessions.read([cookie.as_bytes()]);
    let Reply::Loaded(record) = service.ask(found.load().expect("an id"), NOW) else {
        panic!("it is there");
    };
    let opened = service
        .sessions
        .open(found, Some(Reply::Loaded(record)), NOW + 1800);
    assert_eq!(opened.event, Some(Event::Expired));
    let closing = service
        .sessions
        .close(opened.session, NOW + 1800, &mut service.random())
        .expect("closed");
    assert!(matches!(closing.commands(), [Command::Delete { .. }]));
}

#[test]
fn a_login_replaces_the_id_and_the_old_one_shows_nothing_of_it() {
    let service = Service::new();
    let before = pair(&service.request("", NOW, |session| session.insert("cart", json!([1]))));
    let told = service.request(&before, NOW + 5, |session| {
        session.auth_changed(Some("alice"))
    });
    let after = pair(&told);
    assert_ne!(before, after);
    assert_eq!(
        service.open(&after, NOW + 5).session.get("cart"),
        Some(&json!([1]))
    );
    // on its way when the login came: the session of before, to be read
    let late = service.request(&before, NOW + 14, |session| {
        assert!(session.is_read_only() && session.user().is_none());
        assert_eq!(session.get("cart"), Some(&json!([1])));
        session.insert("cart", json!([2]));
    });
    assert_eq!(late.outcome.saved, Err(SaveError::ReadOnly));
    assert_eq!(
        late.outcome.cookie, None,
        "the new cookie is not overwritten"
    );
    assert_eq!(service.user(&after, NOW + 14).as_deref(), Some("alice"));
}

#[test]
fn the_id_of_before_a_login_ends_the_session_when_it_comes_late() {
    let service = Service::new();
    let before = pair(&service.request("", NOW, |session| session.insert("a", 1)));
    let after = pair(&service.request(&before, NOW, |session| session.auth_changed(Some("alice"))));
    let told = service.request(&before, NOW + 10, |session| assert!(session.is_new()));
    assert_eq!(told.event, Some(Event::Reused));
    assert_eq!(service.open(&after, NOW + 11).event, Some(Event::Deleted));
}

#[test]
fn the_id_rotates_and_a_client_that_missed_it_is_told_again() {
    let service = Service::new();
    let first = service.login("alice", NOW);
    let told = service.request(&first, NOW + 900, |_| ());
    let second = pair(&told);
    assert_ne!(first, second);
    // the response was lost: the client comes with the first id, long after the grace, and is told the same again
    let told = service.request(&first, NOW + 1000, |session| {
        assert_eq!(session.user(), Some("alice"))
    });
    assert_eq!(pair(&told), second);
    // a save under the previous id is a save
    let told = service.request(&first, NOW + 1001, |session| session.insert("n", 1));
    assert_eq!((pair(&told), told.outcome.saved), (second.clone(), Ok(())));
    // now the new one has come
    let told = service.request(&second, NOW + 1002, |session| {
        assert_eq!(session.get("n"), Some(&json!(1)))
    });
    assert_eq!(told.trips, 1, "that it came is written");
    assert_eq!(
        pair(&service.request(&first, NOW + 1011, |_| ())),
        second,
        "within the grace"
    );
    assert_eq!(service.user(&second, NOW + 1011).as_deref(), Some("alice"));
    // after it, whoever has the first one has stolen it
    let told = service.request(&first, NOW + 1012, |session| assert!(session.is_new()));
    assert_eq!(told.event, Some(Event::Reused));
    assert_eq!(
        service.open(&second, NOW + 1013).event,
        Some(Event::Deleted)
    );
}

#[test]
fn requests_at_once_rotate_once() {
    let service = Service::new();
    let first = service.login("alice", NOW);
    let (a, b) = (
        service.open(&first, NOW + 900),
        service.open(&first, NOW + 900),
    );
    let (one, _) = service.close(a.session, NOW + 900);
    let (two, trips) = service.close(b.session, NOW + 900);
    assert!(one.cookie.is_some());
    assert_eq!(one.cookie, two.cookie);
    assert_eq!(
        trips, 1,
        "it was told of the other, and had nothing more to write"
    );
}

#[test]
fn of_requests_at_once_no_change_is_lost() {
    let service = Service::new();
    let cookie = service.login("alice", NOW);
    let (mut a, mut b) = (service.open(&cookie, NOW), service.open(&cookie, NOW));
    a.session.insert("theme", "dark");
    b.session.insert("n", 5);
    assert_eq!(service.close(a.session, NOW).0.saved, Ok(()));
    let (outcome, trips) = service.close(b.session, NOW);
    assert_eq!((outcome.saved, trips), (Ok(()), 2));
    let data = service.open(&cookie, NOW).session.data().clone();
    assert_eq!(
        serde_json::Value::Object(data),
        json!({"n": 5, "theme": "dark"})
    );
}

#[test]
fn a_session_that_was_ended_meanwhile_does_not_come_back() {
    let service = Service::new();
    let cookie = service.login("alice", NOW);
    let mut slow = service.open(&cookie, NOW);
    let told = service.request(&cookie, NOW, Session::destroy);
    assert!(told.outcome.clear_site_data);
    assert!(
        told.outcome
            .cookie
            .is_some_and(|cookie| cookie.contains("Max-Age=0"))
    );
    slow.session.insert("n", 9);
    let (outcome, _) = service.close(slow.session, NOW + 1);
    assert_eq!(
        (outcome.saved, outcome.cookie),
        (Err(SaveError::Gone), None)
    );
    assert_eq!(service.open(&cookie, NOW + 2).event, Some(Event::Deleted));
}

#[test]
fn a_logout_that_was_on_its_way_at_a_login_ends_both() {
    let service = Service::new();
    let before = pair(&service.request("", NOW, |session| session.insert("n", 0)));
    let after = pair(&service.request(&before, NOW, |session| session.auth_changed(Some("alice"))));
    service.request(&before, NOW + 1, Session::destroy);
    assert_eq!(service.open(&after, NOW + 2).event, Some(Event::Deleted));
}

#[test]
fn what_is_set_after_a_logout_is_a_new_session_and_the_old_one_is_gone_at_once() {
    let service = Service::new();
    let alice = service.login("alice", NOW);
    let told = service.request(&alice, NOW, |session| {
        session.destroy();
        session.insert("notice", "you are logged out");
    });
    assert!(
        !told.outcome.clear_site_data,
        "it would take the new cookie too"
    );
    assert_eq!(service.open(&alice, NOW).event, Some(Event::Deleted));
    let after = service.open(&pair(&told), NOW).session;
    assert!(after.user().is_none() && after.get("notice").is_some() && after.get("n").is_none());

    let alice = service.login("alice", NOW);
    let told = service.request(&alice, NOW, |session| {
        session.destroy();
        session.auth_changed(Some("bob"));
    });
    assert_eq!(service.open(&alice, NOW).event, Some(Event::Deleted));
    let after = service.open(&pair(&told), NOW).session;
    assert_eq!((after.user(), after.get("n")), (Some("bob"), None));
}

#[test]
fn a_logout_takes_the_cookie_away_whatever_the_store_says() {
    let service = Service::new();
    let alice = service.login("alice", NOW);
    let mut session = service.open(&alice, NOW).session;
    session.destroy();
    let closing = service
        .sessions
        .close(session, NOW, &mut service.random())
        .expect("closed");
    let settled = service
        .sessions
        .settle(closing, &[], NOW, &mut service.random());
    let Ok(Settled::Done(outcome)) = settled else {
        panic!("it is over");
    };
    assert_eq!(outcome.saved, Err(SaveError::Unanswered));
    assert!(
        outcome
            .cookie
            .is_some_and(|cookie| cookie.contains("Max-Age=0"))
    );
}

#[test]
fn a_store_that_does_not_answer_leaves_no_cookie() {
    let service = Service::new();
    let mut session = service.open("", NOW).session;
    session.auth_changed(Some("alice"));
    let closing = service
        .sessions
        .close(session, NOW, &mut service.random())
        .expect("closed");
    let settled = service
        .sessions
        .settle(closing, &[], NOW, &mut service.random());
    let Ok(Settled::Done(outcome)) = settled else {
        panic!("it is over");
    };
    assert_eq!(
        (outcome.saved, outcome.cookie),
        (Err(SaveError::Unanswered), None)
    );
}

#[test]
fn a_login_beside_a_slow_save_keeps_the_user() {
    let service = Service::new();
    let before = pair(&service.request("", NOW, |session| session.insert("n", 0)));
    let mut slow = service.open(&before, NOW);
    slow.session.insert("n", 1);
    let mut login = service.open(&before, NOW);
    login.session.auth_changed(Some("alice"));
    service.close(slow.session, NOW);
    let (outcome, trips) = service.close(login.session, NOW);
    assert_eq!(trips, 2, "the login was told of the save");
    let after = outcome.cookie.expect("a cookie");
    let opened = service.open(after.split(';').next().expect("a pair"), NOW);
    assert_eq!(
        (opened.session.user(), opened.session.get("n")),
        (Some("alice"), Some(&json!(1)))
    );

    // and the other way round: the login was first
    let before = pair(&service.request("", NOW, |session| session.insert("n", 0)));
    let mut slow = service.open(&before, NOW);
    slow.session.insert("n", 1);
    service.request(&before, NOW, |session| session.auth_changed(Some("bob")));
    let (outcome, _) = service.close(slow.session, NOW);
    assert_eq!(
        (outcome.saved, outcome.cookie),
        (Err(SaveError::Gone), None)
    );
}

#[test]
fn a_user_is_logged_out_everywhere_but_here() {
    let service = Service::new();
    let cookies: Vec<String> = (0..3).map(|_| service.login("alice", NOW)).collect();
    let here = service.sessions.read([cookies[1].as_bytes()]);
    let Some(Command::Load { key }) = here.load() else {
        panic!("an id");
    };
    let user = "alice".to_owned();
    let told = service.ask(
        Command::DeleteByUser {
            user,
            except: Some(key),
            until: NOW + 60,
        },
        NOW,
    );
    assert_eq!(told, Reply::Count(2));
    let users: Vec<_> = cookies
        .iter()
        .map(|cookie| service.user(cookie, NOW))
        .collect();
    assert_eq!(users, [None, Some("alice".to_owned()), None]);
}

#[test]
fn a_ring_rotates_without_logging_anybody_out() {
    let mut service = Service::new();
    let first = service.login("alice", NOW);
    service.sessions = sessions(&[2, 1], Lifetimes::default());
    assert_eq!(service.user(&first, NOW + 60).as_deref(), Some("alice"));
    let second = pair(&service.request(&first, NOW + 900, |_| ()));
    assert_eq!(service.user(&second, NOW + 901).as_deref(), Some("alice"));
    service.sessions = sessions(&[2], Lifetimes::default());
    assert_eq!(service.user(&second, NOW + 902).as_deref(), Some("alice"));
    assert_eq!(
        service.open(&first, NOW + 902).event,
        Some(Event::Forged),
        "of a secret that is gone"
    );
}

#[test]
fn what_is_too_large_or_cannot_be_drawn_is_an_error() {
    let service = Service::new();
    let mut session = service.open("", NOW).session;
    session.insert("pad", "x".repeat(70_000));
    let closed = service.sessions.close(session, NOW, &mut service.random());
    assert!(matches!(closed.err(), Some(CloseError::TooLarge { .. })));
    let mut session = service.open("", NOW).session;
    session.insert("a", 1);
    let closed = service.sessions.close(session, NOW, &mut |_| Err(NoRandom));
    assert_eq!(closed.err(), Some(CloseError::NoRandom(NoRandom)));
}

#[test]
fn a_full_store_forgets_the_anonymous_and_keeps_who_has_logged_in() {
    let mut service = Service::new();
    service.store = Local::new(1 << 20);
    let alice = service.login("alice", NOW);
    for at in 0..3000 {
        let told = service.request("", NOW + at / 100, |session| {
            session.insert("a", "x".repeat(500))
        });
        assert_eq!(told.outcome.saved, Ok(()));
    }
    assert!(
        service.store.bytes() <= 1 << 20,
        "{}",
        service.store.bytes()
    );
    assert_eq!(service.user(&alice, NOW + 60).as_deref(), Some("alice"));
    let mut full = false;
    for at in 0..3000 {
        let told = service.request("", NOW + 60, |session| {
            session.insert("a", "x".repeat(500));
            session.auth_changed(Some(&format!("{at}")));
        });
        full |= told.outcome.saved == Err(SaveError::Full) && told.outcome.cookie.is_none();
    }
    assert!(full && service.store.bytes() <= 1 << 20);
    assert_eq!(service.user(&alice, NOW + 60).as_deref(), Some("alice"));
    let swept = service.ask(Command::Sweep { limit: usize::MAX }, NOW + 13 * 3600);
    assert!(matches!(swept, Reply::Count(1..)));
    assert!(service.store.is_empty() && service.store.bytes() == 0);
}

#[test]
fn the_seed_settings_have_no_idle_time_and_a_lasting_cookie() {
    let mut service = Service::new();
    let settings = CookieSettings {
        name: "session_id".to_owned(),
        secure: false,
        persistent: true,
        ..CookieSettings::default()
    };
    let (cookie, warnings) = Cookie::new(settings).expect("it works");
    assert_eq!(warnings.len(), 1);
    let ring = Ring::new(vec![
        Secret::danger_short(b"session-secret-key").expect("not empty"),
    ]);
    let lifetimes = Lifetimes {
        idle: None,
        absolute: 86_400,
        ..Lifetimes::default()
    };
    service.sessions = Sessions::new(&ring.expect("a ring"), cookie, lifetimes).expect("fitting");
    let told = service.request("", NOW, |session| session.auth_changed(Some("alice")));
    let set = told.outcome.cookie.clone().expect("a cookie");
    assert!(
        set.ends_with("; Path=/; Max-Age=86400; HttpOnly; SameSite=Lax"),
        "{set}"
    );
    assert_eq!(
        service.user(&pair(&told), NOW + 86_399).as_deref(),
        Some("alice")
    );
    assert_eq!(service.user(&pair(&told), NOW + 86_400), None);
}

proptest! {
    #[test]
    fn any_cookie_line_is_nothing_or_refused(line in prop::collection::vec(any::<u8>(), 0..200), named in any::<bool>()) {
        let sessions = sessions(&[1], Lifetimes::default());
        let line = if named { [b"__Host-mantlet-sid=v1.", &line[..]].concat() } else { line };
        prop_assert!(sessions.read([&line[..]]).load().is_none());
    }

    /// Requests of one browser in any order of work and time: a user that is seen has logged in and not out since.
    #[test]
    fn only_who_has_logged_in_is_seen(steps in prop::collection::vec((0u8..5, 1u64..1200), 1..40)) {
        let service = Service::new();
        let (mut now, mut cookie) = (NOW, String::new());
        let mut expected: Option<(String, u64, u64)> = None;
        for (step, wait) in steps {
            now += wait;
            let lives = |expected: &Option<(String, u64, u64)>| {
                expected.clone().filter(|(_, began, seen)| now < began + 12 * 3600 && now < seen + 1800)
            };
            let seen = service.user(&cookie, now);
            match lives(&expected) {
                // a use is written once in a tenth of the idle time: it may end that much earlier
                Some((user, _, last)) => if now < last + 1800 - 180 { prop_assert_eq!(seen, Some(user)) },
                None => prop_assert_eq!(seen, None),
            }
            let told = service.request(&cookie, now, |session| match step {
                0 => session.auth_changed(Some("alice")),
                1 => session.auth_changed(Some("bob")),
                2 => session.destroy(),
                3 => session.insert("n", now),
                _ => (),
            });
            match step {
                0 => expected = Some(("alice".to_owned(), now, now)),
                1 => expected = Some(("bob".to_owned(), now, now)),
                2 => expected = None,
                _ => {
                    let still = service.user(&cookie, now).is_some() || told.outcome.cookie.as_ref().is_some_and(|_| service.user(&pair(&told), now).is_some());
                    expected = lives(&expected).filter(|_| still).map(|(user, began, _)| (user, began, now));
                }
            }
            if told.outcome.cookie.is_some() {
                cookie = pair(&told);
            }
        }
    }
}
