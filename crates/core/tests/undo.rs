//! Deleting with an undo window, and what operators ask for: against a model, in races, and while keys are rotated.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use proptest::prelude::*;
use strongroom_audit::{Journal, Options, Records};
use strongroom_core::access::IdentitySource;
use strongroom_core::acl::AclRequest;
use strongroom_core::consumer::{SecretUse, Use};
use strongroom_core::container::{ContainerType, Member, NewContainer};
use strongroom_core::errand::{Act, End, Errand, Successor};
use strongroom_core::ports::{BackendId, MasterKeyVersion, SecretBackend as _, StoredPayload};
use strongroom_core::quota::EffectiveQuotas;
use strongroom_core::rotation::Goal;
use strongroom_core::secret::{Label, MetadataKey, MetadataValue, SecretQuery};
use strongroom_core::undo::UndoWindow;
use strongroom_core::{
    AclChange, CallContext, Caller, Clock, Deletion, Error, KeyManager, NewSecret, Object, Pace, Payload,
    PayloadFormat, ProjectId, Roles, SecretId, SecretType, Timestamp, UserId,
};
use strongroom_crypto::{Caching, MasterKeys, SoftBackend, create_key_file};
use strongroom_storage::{OpenOptions, ReadOnlyView, SqliteRepository};

/// Seconds after an arbitrary beginning.
#[derive(Clone, Default)]
struct Watch(Arc<AtomicI64>);

impl Clock for Watch {
    fn now(&self) -> Timestamp {
        start().plus_seconds(self.0.load(Ordering::Relaxed))
    }
}

fn start() -> Timestamp {
    Timestamp::parse("2050-01-01T00:00:00").unwrap()
}

/// A folder with everything in it, and the time there.
struct Place {
    folder: tempfile::TempDir,
    watch: Watch,
}

struct Open {
    keys: KeyManager,
    repository: Arc<SqliteRepository>,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        create_key_file(&folder.path().join("key"), start()).unwrap();
        Self { folder, watch: Watch::default() }
    }

    fn backend(&self) -> SoftBackend {
        let keys = MasterKeys::load(&self.folder.path().join("key")).unwrap();
        SoftBackend::new(BackendId::new("soft"), keys, Caching::default()).unwrap()
    }

    async fn open(&self, seconds: u32, quotas: EffectiveQuotas) -> Open {
        let path = self.folder.path();
        let options = OpenOptions { create: true, upgrade: false };
        let repository = Arc::new(SqliteRepository::open(&path.join("db"), options).unwrap());
        let journal = Options { create: true, ..Options::default() };
        let keys = KeyManager::builder()
            .repository(Arc::clone(&repository))
            .audit(Journal::open(&path.join("journal"), journal).unwrap())
            .backend(self.backend())
            .clock(self.watch.clone())
            .quotas(quotas)
            .undo_window(UndoWindow { seconds })
            .build()
            .await
            .unwrap();
        Open { keys, repository }
    }

    fn passes(&self, seconds: i64) {
        self.watch.0.fetch_add(seconds, Ordering::Relaxed);
    }

    fn view(&self) -> ReadOnlyView {
        ReadOnlyView::open(&self.folder.path().join("db")).unwrap()
    }

    fn assert_sound(&self) {
        assert_eq!(self.view().check().unwrap(), Vec::<String>::new());
    }

    /// What the journal says of an action.
    fn records(&self, action: &str) -> Vec<String> {
        let records = Records::open(&self.folder.path().join("journal"), 0).unwrap();
        let name = format!("\"action\":\"{action}\"");
        records.map(|record| record.unwrap().json).filter(|line| line.contains(&name)).collect()
    }

    /// What replaces a secret, sealed as the operator's tool does it.
    async fn successor(&self, old: SecretId, text: &str, overlap: u32) -> Successor {
        let (secret, sealed) = self.view().read(|reader| reader.sealed_secret(old)).unwrap().unwrap();
        let (stored, key) = sealed.unwrap();
        let mut successor = Successor {
            id: SecretId::random(),
            created: self.watch.now(),
            expiration: secret.expiration,
            payload: None,
            overlap,
        };
        let binding = successor.of(&secret, stored.content_type).binding(stored.content_type);
        let payload = Payload::new(text.as_bytes().to_vec());
        let sealed = self.backend().seal(&key, &binding, &payload).await.unwrap();
        successor.payload = Some(StoredPayload { sealed, key: key.id, ..stored });
        successor
    }
}

impl Open {
    /// Has an errand done.
    async fn done(&self, secret: SecretId, act: Act) -> Result<(), String> {
        let operator = UserId::new("olga").unwrap();
        let Errand { id, .. } =
            self.keys.errands().ask(secret, act, operator).await.map_err(|error| error.to_string())?;
        while self.keys.errands().work().await.unwrap() {}
        match self.keys.errands().find(id).await.unwrap().unwrap().end.unwrap() {
            End::Done => Ok(()),
            End::Refused(why) => Err(why),
        }
    }

    async fn store(&self, new: NewSecret) -> Result<SecretId, Error> {
        let created = self.keys.secrets().create(&me("p"), new).await;
        created.map(|done| done.release().id).map_err(strongroom_core::Refused::into_error)
    }

    async fn delete(&self, id: SecretId) -> bool {
        let deleted = self.keys.secrets().delete(&me("p"), id, Deletion::Anyway).await;
        deleted.map(strongroom_core::Done::release).is_ok()
    }

    async fn reads(&self, id: SecretId) -> Option<Vec<u8>> {
        let read = self.keys.secrets().payload(&me("p"), id, PayloadFormat::Stored).await;
        read.ok().map(|read| read.release().payload.expose().to_vec())
    }

    async fn listed(&self) -> Vec<SecretId> {
        let page = self.keys.secrets().list(&me("p"), SecretQuery::default()).await.unwrap().release();
        assert_eq!(u64::try_from(page.items.len()).unwrap(), page.total);
        page.items.into_iter().map(|item| item.secret.id).collect()
    }
}

fn me(project: &str) -> CallContext {
    CallContext::from(Caller {
        user: Some(UserId::new("ann").unwrap()),
        project: Some(ProjectId::new(project).unwrap()),
        roles: Roles::new(["admin", "member", "reader"]),
        source: IdentitySource::Unauthenticated,
    })
}

fn secrets(limit: i64) -> EffectiveQuotas {
    EffectiveQuotas { secrets: limit, ..EffectiveQuotas::default() }
}

#[derive(Debug, Clone)]
enum Step {
    Create(Option<i64>),
    Delete(prop::sample::Index),
    Restore(prop::sample::Index),
    Purge(prop::sample::Index),
    Replace(prop::sample::Index, u32),
    Wait(i64),
    /// What a server's tasks do now and then.
    Work,
    /// The server is started anew, with another window.
    Window(u32),
}

fn step() -> impl Strategy<Value = Step> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        4 => prop::option::weighted(0.3, 1..40_i64).prop_map(Step::Create),
        4 => index().prop_map(Step::Delete),
        3 => index().prop_map(Step::Restore),
        1 => index().prop_map(Step::Purge),
        1 => (index(), prop::sample::select(vec![0, 5])).prop_map(|(which, overlap)| Step::Replace(which, overlap)),
        3 => (1..15_i64).prop_map(Step::Wait),
        2 => Just(Step::Work),
        1 => prop::sample::select(vec![0, 10, 20]).prop_map(Step::Window),
    ]
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    There,
    Deleted(i64),
    Gone,
}

#[derive(Debug, Clone)]
struct Known {
    id: SecretId,
    text: String,
    expiration: Option<i64>,
    state: State,
    /// Which one takes its place, and from when on alone.
    successor: Option<(SecretId, i64)>,
}

const QUOTA: usize = 4;

/// What should be, worked out the plain way.
struct Model {
    known: Vec<Known>,
    now: i64,
    window: i64,
}

impl Model {
    fn is_live(&self, one: &Known) -> bool {
        one.state == State::There && one.expiration.is_none_or(|at| at > self.now)
    }

    fn live(&self) -> Vec<SecretId> {
        self.known.iter().filter(|one| self.is_live(one)).map(|one| one.id).collect()
    }

    fn take_away(&mut self, which: usize) {
        self.known[which].state = if self.window > 0 { State::Deleted(self.now) } else { State::Gone };
    }

    fn may_be_restored(&self, one: &Known) -> bool {
        matches!(one.state, State::Deleted(at) if at > self.now - self.window)
            && one.expiration.is_none_or(|at| at > self.now)
            && self.live().len() < QUOTA
    }

    fn may_be_replaced(&self, one: &Known, overlap: u32) -> bool {
        let room = if overlap == 0 { QUOTA + 1 } else { QUOTA };
        self.is_live(one) && one.successor.is_none() && self.live().len() < room
    }

    /// What a server's tasks do.
    fn work(&mut self) {
        let live = self.live();
        for which in 0..self.known.len() {
            if let Some((new, until)) = self.known[which].successor
                && until <= self.now
            {
                if live.contains(&self.known[which].id) && live.contains(&new) {
                    self.take_away(which);
                }
                self.known[which].successor = None;
            }
        }
        let (now, window) = (self.now, self.window);
        for one in &mut self.known {
            let expired = one.state == State::There && one.expiration.is_some_and(|at| at <= now);
            let over = matches!(one.state, State::Deleted(at) if at <= now - window);
            if expired || over {
                one.state = State::Gone;
            }
        }
    }
}

async fn play(steps: Vec<Step>) {
    let place = Place::new();
    let quotas = secrets(i64::try_from(QUOTA).unwrap());
    let mut model = Model { known: Vec::new(), now: 0, window: 10 };
    let mut open = place.open(10, quotas).await;
    for step in steps {
        let count = model.known.len();
        match &step {
            Step::Create(lifetime) => {
                let text = format!("secret {count}");
                let expiration = lifetime.map(|seconds| model.now + seconds);
                let mut new = NewSecret::text(text.clone());
                if let Some(at) = expiration {
                    new = new.expiring(start().plus_seconds(at));
                }
                let stored = open.store(new).await;
                assert_eq!(stored.is_ok(), model.live().len() < QUOTA, "{stored:?}");
                if let Ok(id) = stored {
                    let state = State::There;
                    model.known.push(Known { id, text, expiration, state, successor: None });
                }
            }
            Step::Wait(seconds) => {
                model.now += seconds;
                place.passes(*seconds);
            }
            Step::Work => {
                let now = open.keys.now();
                open.keys.delete_replaced(100).await.unwrap();
                open.repository.sweep_expired(now).await.unwrap();
                open.keys.destroy_expired(now, 100).await.unwrap();
                open.keys.destroy_deleted(100).await.unwrap();
                model.work();
            }
            Step::Window(seconds) => {
                drop(open);
                open = place.open(*seconds, quotas).await;
                model.window = i64::from(*seconds);
            }
            _ if count == 0 => {}
            Step::Delete(which) => {
                let which = which.index(count);
                let was = model.is_live(&model.known[which]);
                assert_eq!(open.delete(model.known[which].id).await, was);
                if was {
                    model.take_away(which);
                }
            }
            Step::Restore(which) => {
                let which = which.index(count);
                let may = model.may_be_restored(&model.known[which]);
                let restored = open.done(model.known[which].id, Act::Restore).await;
                assert_eq!(restored.is_ok(), may, "{restored:?}");
                if may {
                    model.known[which].state = State::There;
                }
            }
            Step::Purge(which) => {
                let one = &mut model.known[which.index(count)];
                let purged = open.done(one.id, Act::Purge).await;
                assert_eq!(purged.is_ok(), matches!(one.state, State::Deleted(_)), "{purged:?}");
                if purged.is_ok() {
                    one.state = State::Gone;
                }
            }
            Step::Replace(which, overlap) => {
                let which = which.index(count);
                let one = model.known[which].clone();
                if !model.is_live(&one) {
                    continue;
                }
                let text = format!("successor {count}");
                let successor = place.successor(one.id, &text, *overlap).await;
                let (id, may) = (successor.id, model.may_be_replaced(&one, *overlap));
                let replaced = open.done(one.id, Act::Replace(successor)).await;
                assert_eq!(replaced.is_ok(), may, "{replaced:?}");
                if may {
                    let (state, expiration) = (State::There, one.expiration);
                    model.known.push(Known { id, text, expiration, state, successor: None });
                    if *overlap == 0 {
                        model.take_away(which);
                    } else {
                        model.known[which].successor = Some((id, model.now + i64::from(*overlap)));
                    }
                }
            }
        }
        assert_eq!(open.listed().await, model.live(), "after {step:?}");
        for one in &model.known {
            let expected = model.is_live(one).then(|| one.text.clone().into_bytes());
            assert_eq!(open.reads(one.id).await, expected, "after {step:?}");
            let there =
                place.view().read(|reader| Ok((reader.payload(one.id)?, reader.deleted_secret(one.id)?)));
            let (payload, deleted) = there.unwrap();
            assert_eq!(payload.is_some(), one.state != State::Gone, "after {step:?}");
            assert_eq!(deleted.is_some(), matches!(one.state, State::Deleted(_)), "after {step:?}");
        }
    }
    place.assert_sound();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn secrets_go_and_come_back_as_the_model_says(steps in prop::collection::vec(step(), 1..40)) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(play(steps));
    }
}

fn uses(resource: &str) -> Use {
    Use::Secret(SecretUse::new("nova", "server", resource).unwrap())
}

/// A secret with everything that can belong to one, in two containers.
async fn furnished(open: &Open) -> (SecretId, [strongroom_core::Object; 2]) {
    let id = open.store(NewSecret::text("s3cret").named("n").unwrap()).await.unwrap();
    let member = || Member { name: None, secret: id };
    let mut containers = Vec::new();
    for name in ["kept", "gone"] {
        let name = Some(Label::new("name", name).unwrap());
        let new = NewContainer::new(ContainerType::Generic, name, vec![member()]).unwrap();
        let made = open.keys.containers().create(&me("p"), new).await.unwrap().release();
        containers.push(Object::Container(made.id));
    }
    let key = MetadataKey::new("colour").unwrap();
    let pair = (key, MetadataValue::new("blue").unwrap());
    open.keys.metadata().add(&me("p"), id, pair).await.unwrap().release();
    let acl = AclRequest { project_access: Some(false), users: None };
    open.keys.acls().change(&me("p"), id.into(), AclChange::Replace, acl).await.unwrap().release();
    open.keys.consumers().register(&me("p"), id.into(), uses("1")).await.unwrap().release();
    (id, [containers[0], containers[1]])
}

#[tokio::test]
async fn everything_that_belongs_to_a_secret_goes_and_comes_back_with_it() {
    let place = Place::new();
    let open = place.open(100, EffectiveQuotas::default()).await;
    let (id, [kept, gone]) = furnished(&open).await;
    let before = open.keys.secrets().describe(&me("p"), id).await.unwrap().release();
    assert!(open.delete(id).await);
    assert!(open.keys.metadata().all(&me("p"), id).await.is_err());
    assert!(open.keys.acls().get(&me("p"), id.into()).await.is_err());
    assert!(open.keys.consumers().register(&me("p"), id.into(), uses("3")).await.is_err());
    let Object::Container(kept) = kept else { panic!("{kept:?}") };
    let Object::Container(gone) = gone else { panic!("{gone:?}") };
    let members = async || open.keys.containers().describe(&me("p"), kept).await.unwrap().release();
    assert_eq!(members().await.container.members, []);
    open.keys.containers().delete(&me("p"), gone).await.unwrap().release();
    place.assert_sound();

    assert_eq!(open.done(id, Act::Restore).await, Ok(()));
    let after = open.keys.secrets().describe(&me("p"), id).await.unwrap().release();
    assert_eq!(after, before);
    assert_eq!(open.reads(id).await.unwrap(), b"s3cret");
    assert_eq!(members().await.container.members, [Member { name: None, secret: id }]);
    assert_eq!(open.keys.metadata().all(&me("p"), id).await.unwrap().release().len(), 1);
    let acl = open.keys.acls().get(&me("p"), id.into()).await.unwrap().release();
    assert!(!acl.unwrap().project_access);
    place.assert_sound();
    let told = place.records("secret.restore");
    assert_eq!(told.len(), 2);
    assert!(told.iter().all(|line| line.contains("\"user\":\"olga\"") && line.contains("\"operator\"")));
}

#[tokio::test]
async fn a_successor_takes_every_place_of_the_secret_and_the_secret_goes_later() {
    let place = Place::new();
    let open = place.open(0, EffectiveQuotas::default()).await;
    let (id, [kept, _]) = furnished(&open).await;
    let before = open.keys.secrets().describe(&me("p"), id).await.unwrap().release();
    let successor = place.successor(id, "new", 60).await;
    let new = successor.id;
    assert_eq!(open.done(id, Act::Replace(successor)).await, Ok(()));
    let Object::Container(kept) = kept else { panic!("{kept:?}") };
    let container = open.keys.containers().describe(&me("p"), kept).await.unwrap().release().container;
    assert_eq!(container.members, [Member { name: None, secret: new }]);
    let after = open.keys.secrets().describe(&me("p"), new).await.unwrap().release();
    assert_eq!((after.uses, after.secret.name), (before.uses, before.secret.name));
    assert_eq!(open.keys.metadata().all(&me("p"), new).await.unwrap().release().len(), 1);
    assert!(!open.keys.acls().get(&me("p"), new.into()).await.unwrap().release().unwrap().project_access);
    assert_eq!(
        (open.reads(id).await.unwrap(), open.reads(new).await.unwrap()),
        (b"s3cret".to_vec(), b"new".to_vec())
    );

    // Somebody comes to use the old one again, which is waited for.
    open.keys.consumers().register(&me("p"), id.into(), uses("9")).await.unwrap().release();
    place.passes(61);
    assert_eq!(open.keys.delete_replaced(9).await.unwrap(), 1);
    assert!(open.reads(id).await.is_some());
    open.keys.consumers().remove(&me("p"), id.into(), uses("9")).await.unwrap().release();
    assert_eq!(open.keys.delete_replaced(9).await.unwrap(), 0, "it is not looked at all the time");
    place.passes(3600);
    assert_eq!(open.keys.delete_replaced(9).await.unwrap(), 1);
    assert_eq!(open.listed().await, [new]);
    place.assert_sound();
    assert_eq!(place.records("secret.replace").len(), 2);
    assert_eq!(place.records("secret.delete").len(), 2);
}

/// Whatever the order, a limit holds, and what is restored is restored whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restores_and_creations_race_for_the_last_places() {
    const LIMIT: usize = 10;
    let place = Place::new();
    let open = Arc::new(place.open(1000, secrets(i64::try_from(LIMIT).unwrap())).await);
    let mut deleted = Vec::new();
    for number in 0..LIMIT {
        deleted.push(open.store(NewSecret::text(format!("{number}"))).await.unwrap());
    }
    for id in &deleted {
        assert!(open.delete(*id).await);
    }
    let operator = UserId::new("olga").unwrap();
    for id in &deleted {
        open.keys.errands().ask(*id, Act::Restore, operator.clone()).await.unwrap();
    }
    let mut racers = Vec::new();
    for racer in 0..24 {
        let open = Arc::clone(&open);
        racers.push(tokio::spawn(async move {
            if racer % 2 == 0 {
                open.store(NewSecret::text("new")).await.is_ok()
            } else {
                // Several at once also try the same errand.
                open.keys.errands().work().await.unwrap();
                false
            }
        }));
    }
    let mut made = 0;
    for racer in racers {
        made += usize::from(racer.await.unwrap());
    }
    while open.keys.errands().work().await.unwrap() {}
    let listed = open.listed().await;
    assert_eq!(listed.len(), LIMIT);
    let restored = deleted.iter().filter(|id| listed.contains(id)).count();
    assert_eq!(restored + made, LIMIT);
    for (number, id) in deleted.iter().enumerate() {
        if listed.contains(id) {
            assert_eq!(open.reads(*id).await.unwrap(), format!("{number}").into_bytes());
        }
    }
    place.assert_sound();
}

/// What is known about a secret's end goes and comes back with it, and is found out anew for its successor.
#[tokio::test]
async fn ends_are_known_after_a_restore_and_of_a_successor() {
    let place = Place::new();
    let open = place.open(1000, EffectiveQuotas::default()).await;
    let later = start().plus_seconds(10_000_000);
    let new = NewSecret::text("s3cret").of_type(SecretType::Certificate).expiring(later);
    let id = open.store(new).await.unwrap();
    let ending = |id| place.view().read(|reader| reader.ending(id)).unwrap();
    let before = ending(id);
    assert!(before.is_some());
    assert!(open.delete(id).await);
    assert_eq!(ending(id), None);
    place.assert_sound();
    assert_eq!(open.done(id, Act::Restore).await, Ok(()));
    assert_eq!(ending(id), before);
    let successor = place.successor(id, "new", 60).await;
    let new = successor.id;
    assert_eq!(open.done(id, Act::Replace(successor)).await, Ok(()));
    assert_eq!(ending(new).unwrap().ends, later);
    let unread = || place.view().read(|reader| reader.count_unread_certificates()).unwrap();
    assert_eq!(unread(), 1);
    assert!(open.delete(new).await);
    assert_eq!(unread(), 0);
    assert_eq!(open.done(new, Act::Restore).await, Ok(()));
    assert_eq!(unread(), 1);
    assert!(open.keys.expiry().read_certificate().await.unwrap());
    assert_eq!(unread(), 0);
    place.assert_sound();
}

/// A deleted secret is brought under a new project key like any other, and still opens when it is restored.
#[tokio::test]
async fn rotations_reach_what_is_deleted() {
    let place = Place::new();
    let open = place.open(1000, EffectiveQuotas::default()).await;
    let id = open.store(NewSecret::text("s3cret")).await.unwrap();
    let waiting = open.store(NewSecret::text("old")).await.unwrap();
    assert!(open.delete(id).await);
    let key = |id| place.view().read(|reader| reader.payload(id)).unwrap().unwrap().key;
    let before = key(id);
    // What is sealed for somebody who waits for his turn keeps its key.
    let successor = place.successor(waiting, "new", 0).await;
    let new = successor.id;
    let operator = UserId::new("olga").unwrap();
    open.keys.errands().ask(waiting, Act::Replace(successor), operator).await.unwrap();
    place.passes(1);
    open.keys.rotations().ask(BackendId::new("soft"), Goal::EveryProjectKey).await.unwrap();
    let mut shift = open.keys.rotations().claim().await.unwrap().unwrap();
    while shift.step().await.unwrap() != Pace::Ended {}
    assert_eq!((shift.rotation().changed, shift.rotation().failed), (2, 0));
    assert_ne!(key(id), before);
    while open.keys.errands().work().await.unwrap() {}
    assert_eq!(open.reads(new).await.unwrap(), b"new");
    assert_eq!(open.done(id, Act::Restore).await, Ok(()));
    assert_eq!(open.reads(id).await.unwrap(), b"s3cret");
    place.assert_sound();
    assert_eq!(place.backend().master_key_versions().await.unwrap(), [MasterKeyVersion(1)]);
}

#[tokio::test]
async fn one_thing_at_a_time_is_asked_for_and_what_is_sealed_in_vain_is_dropped() {
    let place = Place::new();
    let open = place.open(1000, secrets(1)).await;
    let id = open.store(NewSecret::text("s3cret")).await.unwrap();
    let operator = UserId::new("olga").unwrap();
    let errands = open.keys.errands();
    let successor = place.successor(id, "new", 60).await;
    let asked = errands.ask(id, Act::Replace(successor.clone()), operator.clone()).await.unwrap();
    let same = errands.ask(id, Act::Replace(successor.clone()), operator.clone()).await.unwrap();
    assert_eq!(same.id, asked.id);
    let other = Successor { id: SecretId::random(), ..successor };
    for act in [Act::Restore, Act::Replace(other)] {
        assert!(errands.ask(id, act, operator.clone()).await.is_err());
    }
    assert!(errands.work().await.unwrap(), "it is refused: the quota has no room for both");
    assert!(!errands.work().await.unwrap());
    let ended = errands.find(asked.id).await.unwrap().unwrap();
    assert!(matches!(&ended.end, Some(End::Refused(why)) if why.contains("quota")), "{ended:?}");
    assert!(matches!(&ended.act, Act::Replace(successor) if successor.payload.is_none()), "{ended:?}");
    assert_eq!(open.listed().await, [id]);
    let again = errands.ask(id, Act::Restore, operator.clone()).await.unwrap();
    assert_eq!(errands.ask(id, Act::Restore, operator).await.unwrap(), again);
    place.assert_sound();
}
