//! Telling of secrets that end, with real parts, cut off at every point: whatever is told is told once, or again under
//! the same id when nobody can know.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use proptest::prelude::*;
use strongroom_audit::{Journal, Options, Records};
use strongroom_core::expiry::{Window, Windows, acknowledge};
use strongroom_core::ports::BackendId;
use strongroom_core::{
    CallContext, Caller, Clock, Deletion, DueNotice, KeyManager, NewSecret, ProjectId, SecretId, Timestamp,
    Turn, UserId,
};
use strongroom_crypto::{Caching, MasterKeys, SoftBackend, create_key_file};
use strongroom_storage::{Desk, OpenOptions, ReadOnlyView, SqliteRepository};
use tempfile::TempDir;

const DAY: i64 = 86_400;
/// The certificate of the fixture is good until then.
const CERTIFICATE_ENDS: &str = "2027-11-24T13:27:38";
const CHAIN: &[u8] = include_bytes!("fixtures/chain.pem");

/// A clock that stands still until it is set.
#[derive(Clone, Default)]
struct Hand(Arc<AtomicI64>);

impl Hand {
    fn set(&self, now: Timestamp) {
        self.0.store(now.as_micros(), Ordering::Relaxed);
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::Relaxed)).unwrap()
    }
}

struct Place {
    folder: TempDir,
    clock: Hand,
    windows: Vec<u16>,
}

impl Place {
    fn new(days_left: i64) -> Self {
        let place = Self {
            folder: tempfile::tempdir().unwrap(),
            clock: Hand::default(),
            windows: vec![90, 30, 7, 1],
        };
        place.days_left(days_left);
        create_key_file(&place.folder.path().join("master.key"), place.clock.now()).unwrap();
        place
    }

    /// Sets the clock so that the certificate has so many days left.
    fn days_left(&self, days: i64) {
        self.clock.set(certificate_ends().plus_seconds(-days * DAY));
    }

    async fn open(&self) -> KeyManager {
        let path = self.folder.path();
        let keys = MasterKeys::load(&path.join("master.key")).unwrap();
        let backend = SoftBackend::new(BackendId::new("soft"), keys, Caching::default()).unwrap();
        let options = OpenOptions { create: true, upgrade: false };
        let journal = Options { create: true, ..Options::default() };
        let default = self.windows.iter().filter_map(|days| Window::new(*days)).collect();
        KeyManager::builder()
            .repository(SqliteRepository::open(&path.join("db"), options).unwrap())
            .audit(Journal::open(&path.join("journal"), journal).unwrap())
            .backend(backend)
            .clock(self.clock.clone())
            .windows(Windows { default, ..Windows::default() })
            .build()
            .await
            .unwrap()
    }

    fn records(&self, action: &str) -> usize {
        let records = Records::open(&self.folder.path().join("journal"), 0).unwrap();
        let name = format!("\"action\":\"{action}\"");
        records.filter(|record| record.as_ref().unwrap().json.contains(&name)).count()
    }

    fn acknowledge(&self, id: SecretId) -> bool {
        let mut desk = Desk::open(&self.folder.path().join("db")).unwrap();
        let (by, now) = (UserId::new("root").unwrap(), self.clock.now());
        desk.write(|writer| acknowledge(writer, id, &by, "renewed", now)).unwrap().is_some()
    }
}

fn certificate_ends() -> Timestamp {
    Timestamp::parse(CERTIFICATE_ENDS).unwrap()
}

fn me() -> CallContext {
    Caller::embedded(ProjectId::new("p").unwrap(), UserId::new("u").unwrap()).into()
}

async fn store(keys: &KeyManager) -> SecretId {
    let new = NewSecret::bytes(CHAIN.to_vec()).named("site").unwrap();
    keys.secrets().create(&me(), new).await.unwrap().release().id
}

/// The next notice, after whatever else there is to do.
async fn next(keys: &KeyManager) -> Option<DueNotice> {
    loop {
        match keys.expiry().next().await.unwrap() {
            Turn::Notice(notice) => return Some(*notice),
            Turn::Worked => {}
            Turn::Nothing => return None,
        }
    }
}

/// Delivers what is due; gives the ids.
async fn deliver_all(keys: &KeyManager) -> Vec<String> {
    let mut ids = Vec::new();
    while let Some(notice) = next(keys).await {
        let deliver = async || {
            ids.push(notice.id());
            Ok::<_, ()>(())
        };
        keys.expiry().tell(&notice, deliver).await.unwrap().unwrap();
    }
    ids
}

#[tokio::test]
async fn a_certificate_that_enters_late_is_told_once_for_each_window_left() {
    let place = Place::new(20);
    let keys = place.open().await;
    let id = store(&keys).await;
    let told = |window: u16| vec![format!("expiry/{id}/{CERTIFICATE_ENDS}/{window}")];
    assert_eq!(deliver_all(&keys).await, told(30));
    assert_eq!(deliver_all(&keys).await, Vec::<String>::new());
    for (days_left, expected) in
        [(8, vec![]), (7, told(7)), (2, vec![]), (1, told(1)), (0, vec![]), (-5, vec![])]
    {
        place.days_left(days_left);
        assert_eq!(deliver_all(&keys).await, expected, "{days_left} days left");
    }
    // Both halves of each notice are on record.
    assert_eq!(place.records("expiry.notice"), 6);
}

#[tokio::test]
async fn the_earlier_of_expiration_and_certificate_counts() {
    let place = Place::new(100);
    let keys = place.open().await;
    let new = NewSecret::bytes(CHAIN.to_vec()).expiring(certificate_ends().plus_seconds(-5 * DAY));
    keys.secrets().create(&me(), new).await.unwrap().release();
    let late = NewSecret::without_payload().expiring(certificate_ends().plus_seconds(5 * DAY));
    let late = keys.secrets().create(&me(), late).await.unwrap().release().id;
    assert_eq!(keys.expiry().counts().await.unwrap().last().unwrap().1, 0);
    place.days_left(88);
    let windows: Vec<_> =
        keys.expiry().counts().await.unwrap().iter().map(|(window, count)| (window.days(), *count)).collect();
    assert_eq!(windows, [(1, 0), (7, 0), (30, 0), (90, 1)]);
    assert_eq!(deliver_all(&keys).await.len(), 1);
    // The certificate that is uploaded later ends before the expiration.
    let upload = strongroom_core::NewPayload::from_json(
        std::str::from_utf8(CHAIN).unwrap(),
        Some("text/plain"),
        None,
        10_000,
    );
    keys.secrets()
        .upload(&me(), late, strongroom_core::Upload::from(upload.unwrap()))
        .await
        .unwrap()
        .release();
    assert_eq!(deliver_all(&keys).await, [format!("expiry/{late}/{CERTIFICATE_ENDS}/90")]);
}

#[tokio::test]
async fn what_is_deleted_is_told_no_more_and_what_is_acknowledged_neither() {
    let place = Place::new(91);
    let keys = place.open().await;
    let (gone, known, other) = (store(&keys).await, store(&keys).await, store(&keys).await);
    keys.secrets().delete(&me(), gone, Deletion::UnlessUsed).await.unwrap().release();
    assert!(place.acknowledge(known));
    assert!(!place.acknowledge(gone) && !place.acknowledge(SecretId::random()));
    place.days_left(90);
    let ids = deliver_all(&keys).await;
    assert!(ids.len() == 1 && ids[0].contains(&other.to_string()), "{ids:?}");
    // Given while a notice of it is being delivered.
    place.days_left(30);
    let notice = next(&keys).await.unwrap();
    let given = async || if place.acknowledge(other) { Ok(()) } else { Err(()) };
    keys.expiry().tell(&notice, given).await.unwrap().unwrap();
    place.days_left(1);
    assert_eq!(deliver_all(&keys).await, Vec::<String>::new());
    assert_eq!(place.records("expiry.acknowledge"), 4);
    let mut view = ReadOnlyView::open(&place.folder.path().join("db")).unwrap();
    for id in [known, other] {
        let ending = view.read(|reader| reader.ending(id)).unwrap().unwrap();
        assert!(ending.is_acknowledged(), "{ending:?}");
    }
    let journal = place.folder.path().join("journal");
    let mut records = Records::open(&journal, 0).unwrap().map(|record| record.unwrap().json);
    let record = records.find(|line| line.contains("expiry.acknowledge")).unwrap();
    assert!(record.contains("\"user\":\"root\"") && record.contains("\"source\":\"operator\""), "{record}");
}

#[tokio::test]
async fn a_notice_that_does_not_get_through_is_tried_again_after_a_while() {
    let place = Place::new(20);
    let keys = place.open().await;
    store(&keys).await;
    let notice = next(&keys).await.unwrap();
    assert_eq!(keys.expiry().tell(&notice, async || Err("away")).await.unwrap(), Err("away"));
    assert_eq!(next(&keys).await, None, "not at once");
    place.clock.set(place.clock.now().plus_seconds(121));
    assert_eq!(deliver_all(&keys).await, [notice.id()]);
}

#[tokio::test]
async fn other_windows_hold_from_the_next_start_on() {
    let mut place = Place::new(60);
    let keys = place.open().await;
    let id = store(&keys).await;
    assert_eq!(deliver_all(&keys).await.len(), 1);
    drop(keys);
    place.windows = vec![90, 61];
    let keys = place.open().await;
    assert_eq!(deliver_all(&keys).await, Vec::<String>::new(), "it is not looked at");
    assert_eq!(keys.expiry().revise().await.unwrap(), 1);
    assert_eq!(keys.expiry().revise().await.unwrap(), 0);
    assert_eq!(deliver_all(&keys).await, [format!("expiry/{id}/{CERTIFICATE_ENDS}/61")]);
}

/// Where a server is cut off.
#[derive(Debug, Clone, Copy)]
enum Cut {
    AfterClaim,
    BeforeDelivery,
    AfterDelivery,
    Nowhere,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, ..ProptestConfig::default() })]

    /// Servers die at any point and come back days later. What a receiver has got of one window has one id; it has
    /// got it more than once only where a server died after it was delivered; and the narrowest window that was open
    /// at the end was told.
    #[test]
    fn nothing_is_lost_and_nothing_is_told_anew(
        lives in proptest::collection::vec((0_i64..15, prop::sample::select(vec![
            Cut::AfterClaim, Cut::BeforeDelivery, Cut::AfterDelivery, Cut::Nowhere,
        ])), 1..7),
    ) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            let mut days_left = 95;
            let place = Place::new(days_left);
            let id = store(&place.open().await).await;
            let (mut received, mut repeatable) = (Vec::new(), Vec::new());
            for (days, cut) in lives.into_iter().chain([(0, Cut::Nowhere)]) {
                days_left -= days;
                place.days_left(days_left);
                let keys = place.open().await;
                match cut {
                    Cut::Nowhere => received.extend(deliver_all(&keys).await),
                    Cut::AfterClaim => drop(next(&keys).await),
                    Cut::BeforeDelivery | Cut::AfterDelivery => {
                        let Some(notice) = next(&keys).await else { continue };
                        let expiry = keys.expiry();
                        let telling = expiry.tell(&notice, async || {
                            if matches!(cut, Cut::AfterDelivery) {
                                received.push(notice.id());
                                repeatable.push(notice.id());
                            }
                            pending::<Result<(), ()>>().await
                        });
                        // The journal has the intent by then, and the rest never comes.
                        let cut_off = tokio::time::timeout(std::time::Duration::from_millis(50), telling).await;
                        assert!(cut_off.is_err());
                    }
                }
            }
            let open = [1, 7, 30, 90].into_iter().find(|window| days_left <= *window);
            if let Some(window) = open {
                let narrowest = format!("expiry/{id}/{CERTIFICATE_ENDS}/{window}");
                assert!(received.contains(&narrowest), "{window} is missing: {received:?}");
            } else {
                assert_eq!(received, Vec::<String>::new());
            }
            for told in &received {
                let times = received.iter().filter(|other| *other == told).count();
                let deaths = repeatable.iter().filter(|other| *other == told).count();
                assert!(times <= deaths + 1, "{told} was told {times} times, {deaths} servers died");
            }
        });
    }
}
