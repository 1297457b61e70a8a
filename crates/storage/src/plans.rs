//! How SQLite goes about each question: what is stored besides must cost nothing.

use std::sync::mpsc;

use diesel::Connection as _;
use diesel::connection::InstrumentationEvent;
use diesel::prelude::*;
use diesel::sql_types::Text;
use strongroom_core::acl::Acl;
use strongroom_core::consumer::{ContainerUse, SecretUse, Use};
use strongroom_core::container::ContainerQuery;
use strongroom_core::errand::End;
use strongroom_core::order::OrderQuery;
use strongroom_core::ports::{BackendId, EndingQuery, MasterKeyVersion, StorageError, Writer};
use strongroom_core::quota::Counted;
use strongroom_core::review::Day;
use strongroom_core::secret::{Paging, SecretQuery};
use strongroom_core::{
    ConsumerId, ContainerId, ErrandId, Object, OrderId, ProjectId, ProjectKeyId, ReviewId, SecretId,
    Timestamp, TransportKeyId, UserId,
};

use crate::Connection;
use crate::run::Run;
use crate::session::Session;
use crate::sqlite::{self, OpenOptions};
use crate::tables::projects;
use crate::tally::Tally;

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Text)]
    detail: String,
}

/// The plan of each statement that `act` runs, in a database that knows the project.
fn plans<T>(act: impl FnOnce(&mut dyn Writer) -> Result<T, StorageError>) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let options = OpenOptions { create: true, upgrade: false };
    let mut connection: Connection =
        sqlite::open(&folder.path().join("plans.db"), options, 0).unwrap().writer;
    projects::find_or_insert(&mut connection, &project()).unwrap();
    let (send, asked) = mpsc::channel();
    connection.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            send.send(query.to_string()).unwrap();
        }
    });
    act(&mut Session::new(&mut connection, &mut Tally::default(), Run::new())).unwrap();
    connection.set_instrumentation(|_: InstrumentationEvent<'_>| ());
    let explained = |sql: String| {
        let sql = sql.replace("LIKE ?", "LIKE 'abc%'");
        let steps: Vec<Step> =
            diesel::sql_query(format!("EXPLAIN QUERY PLAN {sql}")).load(&mut connection).unwrap();
        steps.into_iter().map(|step| step.detail).collect::<Vec<_>>().join("; ")
    };
    asked.try_iter().map(explained).collect()
}

fn project() -> ProjectId {
    ProjectId::new("p").unwrap()
}

fn now() -> Timestamp {
    Timestamp::from_micros(0).unwrap()
}

const PAGE: Paging = Paging { limit: 10, offset: 20 };

/// No table is gone through, and nothing is sorted.
fn assert_ordered_search(plans: &[String], index: &str) {
    for plan in plans {
        assert!(!plan.contains("SCAN") && !plan.contains("TEMP B-TREE"), "{plan}");
    }
    assert!(plans.iter().any(|plan| plan.contains(index)), "{index}: {plans:?}");
}

#[test]
fn every_list_follows_an_index() {
    let secret = Object::from(SecretId::random());
    let container = Object::from(ContainerId::random());
    let all_containers = ContainerQuery { paging: PAGE, ..ContainerQuery::default() };
    let all_orders = OrderQuery { paging: PAGE, ..OrderQuery::default() };
    let of_meta = OrderQuery { meta: Some("aes".to_owned()), ..all_orders.clone() };
    for (plans, index) in [
        (plans(|writer| writer.consumers(secret, PAGE)), "consumers_by_position"),
        (plans(|writer| writer.consumers(container, PAGE)), "consumers_by_use"),
        (plans(|writer| writer.containers(&project(), &all_containers)), "containers_by_position"),
        (plans(|writer| writer.orders(&project(), &all_orders)), "orders_by_position"),
        (plans(|writer| writer.orders(&project(), &of_meta)), "orders_by_position"),
        (plans(|writer| writer.transport_keys(Some("kra"), PAGE)), "transport_keys_by_plugin"),
        (plans(|writer| writer.acl(secret)), "acls"),
        (plans(|writer| writer.container(ContainerId::random())), "containers"),
    ] {
        assert_ordered_search(&plans, index);
    }
}

#[test]
fn a_list_of_everything_is_read_in_its_own_order() {
    for plans in
        [plans(|writer| writer.configured_quotas(PAGE)), plans(|writer| writer.transport_keys(None, PAGE))]
    {
        assert_eq!(plans.len(), 2);
        assert!(!plans[1].contains("TEMP B-TREE"), "{}", plans[1]);
    }
}

#[test]
fn containers_are_found_by_name_without_looking_at_the_others() {
    let query = ContainerQuery { name: Some("abc%".to_owned()), ..ContainerQuery::default() };
    let plans = plans(|writer| writer.containers(&project(), &query));
    let of_containers = plans.iter().filter(|plan| plan.contains("containers USING"));
    for plan in of_containers.clone() {
        assert!(plan.contains("containers_by_name (project=? AND name>? AND name<?)"), "{plan}");
    }
    assert_eq!(of_containers.count(), 2);
}

#[test]
fn what_is_shared_with_a_user_is_found_from_the_user() {
    let user = Some(UserId::new("ann").unwrap());
    let query = SecretQuery { shared_with: user, paging: PAGE, ..SecretQuery::default() };
    let plans = plans(|writer| writer.secrets(&project(), &query, now()));
    assert_eq!(plans.len(), 2);
    for plan in plans {
        assert!(!plan.contains("SCAN"), "{plan}");
        assert!(plan.contains("secrets USING INDEX sqlite_autoindex_secrets_1 (id=?)"), "{plan}");
        assert!(plan.contains("acl_users USING COVERING INDEX acl_users_by_user (user=?)"), "{plan}");
    }
}

#[test]
fn everything_else_is_searched() {
    let secret = Object::from(SecretId::random());
    let container = Object::from(ContainerId::random());
    let of_secret = Use::Secret(SecretUse::new("nova", "server", "1").unwrap());
    let of_container = Use::Container(ContainerUse::new("n", "u").unwrap());
    let acl = Acl { users: Vec::new(), project_access: true, created: now(), updated: now() };
    for plans in [
        plans(|writer| writer.uses(&[secret, container])),
        plans(|writer| writer.consumer(secret, ConsumerId::random())),
        plans(|writer| writer.consumer_by_use(secret, &of_secret)),
        plans(|writer| writer.consumer_by_use(container, &of_container)),
        plans(|writer| writer.order(OrderId::random())),
        plans(|writer| writer.project_quotas(&project())),
        plans(|writer| writer.transport_key(TransportKeyId::random())),
        plans(|writer| writer.put_acl(secret, &acl)),
        plans(|writer| writer.delete_secret(SecretId::random())),
        plans(|writer| writer.deleted_secret(SecretId::random())),
        plans(|writer| writer.sealed_deleted_secret(SecretId::random())),
        plans(|writer| writer.restore_secret(SecretId::random())),
        plans(|writer| writer.destroy_deleted_secret(SecretId::random())),
        plans(|writer| writer.errand(ErrandId::random())),
        plans(|writer| writer.candidate(SecretId::random())),
        plans(|writer| writer.candidates(Some(SecretId::random()), 9)),
        plans(|writer| writer.fingerprints_under(ProjectKeyId::random(), now(), None, 9)),
        plans(|writer| writer.note_read(SecretId::random(), Day(1))),
        plans(|writer| writer.spare(ReviewId::random(), None)),
        plans(|writer| writer.last_errand_of(SecretId::random())),
        plans(|writer| writer.end_errand(ErrandId::random(), &End::Done, now())),
        plans(|writer| writer.forget_errands(now())),
        plans(|writer| writer.replaced(SecretId::random())),
        plans(|writer| writer.repoint(SecretId::random(), SecretId::random())),
        plans(|writer| writer.delete_container(ContainerId::random())),
        plans(|writer| writer.delete_order(OrderId::random())),
        plans(|writer| writer.delete_consumer(ConsumerId::random())),
    ] {
        assert!(!plans.is_empty());
        for plan in plans {
            assert!(!plan.contains("SCAN"), "{plan}");
        }
    }
}

#[test]
fn counts_stay_within_the_project() {
    for (kind, index) in [
        (Counted::Orders, "orders_by_position (project=?)"),
        (Counted::Containers, "containers_by_position (project=?)"),
        (Counted::SecretConsumers, "consumers_by_project (project=? AND kind=?)"),
        (Counted::ContainerConsumers, "consumers_by_project (project=? AND kind=?)"),
        (Counted::Secrets, "secrets_by_expiration (project=? AND live=? AND expiration<?)"),
    ] {
        let plans = plans(|writer| writer.count(&project(), kind, now()));
        let last = plans.last().unwrap();
        assert!(last.contains("COVERING INDEX") && last.contains(index), "{index}: {last}");
    }
}

#[test]
fn what_is_under_an_older_key_is_found_without_looking_at_the_rest() {
    let (soft, master) = (BackendId::new("soft"), MasterKeyVersion(1));
    let (key, secret) = (ProjectKeyId::random(), SecretId::random());
    for (plans, index) in [
        (plans(|writer| writer.project_keys_under(&soft, master, Some(key), 9)), "project_keys_by_master"),
        (plans(|writer| writer.count_project_keys_under(&soft, master)), "project_keys_by_master"),
        (plans(|writer| writer.secrets_sealed_under(key, Some(secret), 9)), "payloads_by_key"),
        (plans(|writer| writer.count_sealed_under(key)), "payloads_by_key"),
        (plans(|writer| writer.delete_project_key(key)), "order_passphrases_by_key"),
        (plans(|writer| writer.next_keyed_project(&soft, Some(&project()))), "sqlite_autoindex_projects_1"),
        (plans(|writer| writer.delete_project_key(key)), "disposals_by_key"),
        (plans(|writer| writer.due_disposal(&soft, now())), "disposals_by_due"),
        (plans(|writer| writer.count_disposals(&soft)), "disposals_by_due"),
        (plans(|writer| writer.project_key_versions(&project(), &soft)), "sqlite_autoindex_project_keys_2"),
        (plans(|writer| writer.open_rotation(&soft)), "sqlite_autoindex_rotations_2"),
        (plans(|writer| writer.claim_rotation(&soft, "a", now(), now())), "sqlite_autoindex_rotations_2"),
        (plans(|writer| writer.rotations(&soft, 1)), "rotations_by_backend"),
        (plans(|writer| writer.delete_project_key(key)), "errands_by_key"),
    ] {
        let searching = plans.into_iter().filter(|plan| !plan.contains("CONSTANT ROW")).collect::<Vec<_>>();
        assert_ordered_search(&searching, index);
    }
}

#[test]
fn what_ends_is_found_by_its_end() {
    let after = Some((now(), SecretId::random()));
    let query = EndingQuery { until: now(), project: None, after, limit: 9 };
    for (plans, index) in [
        (plans(|writer| writer.endings(&query)), "endings_by_end (ends>? AND ends<?)"),
        (
            plans(|writer| writer.count_endings(now(), now())),
            "COVERING INDEX endings_by_end (ends>? AND ends<?)",
        ),
        (plans(|writer| writer.has_ending_for("a", now())), "endings_by_due (due<?)"),
        (plans(|writer| writer.claim_ending("a", now(), now())), "endings_by_due (due<?)"),
        (plans(|writer| writer.has_unread_certificate(now())), "unread_certificates_by_due (due<?)"),
        (plans(|writer| writer.claim_unread_certificate(now(), now())), "unread_certificates_by_due (due<?)"),
        (plans(|writer| writer.ending(SecretId::random())), "endings USING PRIMARY KEY"),
    ] {
        assert_ordered_search(&plans, index);
    }
}

#[test]
fn what_waits_for_its_time_is_found_first() {
    let later = Some((now(), SecretId::random()));
    for (plans, index) in [
        (plans(|writer| writer.deleted_secrets(None, None, 9)), "deleted_secrets_by_time"),
        (plans(|writer| writer.deleted_secrets(None, later, 9)), "deleted_secrets_by_time (deleted>?)"),
        (plans(|writer| writer.deleted_secrets(Some(&project()), later, 9)), "deleted_secrets_by_project"),
        (plans(|writer| writer.next_errand()), "errands_by_open"),
        (plans(|writer| writer.review_to_apply()), "reviews_by_stage"),
        (plans(|writer| writer.next_condemned(ReviewId::random())), "condemned_secrets USING"),
        (plans(|writer| writer.expired_secrets(now(), 9)), "secrets_expiring (live=? AND expiration<?)"),
        (plans(|writer| writer.replaced_until(now(), 9)), "replacements_by_until"),
    ] {
        let plan = plans.join("; ");
        assert!(plan.contains(index) && !plan.contains("TEMP B-TREE"), "{index}: {plan}");
    }
}

#[test]
fn a_claim_passes_over_every_order_that_has_ended() {
    let [claim, look] = [
        plans(|writer| writer.claim_order("a", now(), now())),
        plans(|writer| writer.has_order_for("a", now())),
    ];
    assert_eq!(claim, ["SEARCH orders USING INDEX orders_by_state (state=?)"]);
    assert_eq!(look, claim);
}

#[test]
fn what_is_counted_again_and_again_is_counted_by_an_index_alone() {
    let [count, oldest] = &plans(|writer| writer.pending_orders())[..] else { panic!("two questions") };
    assert_eq!(count, "SEARCH orders USING COVERING INDEX orders_by_state (state=?)");
    assert_eq!(oldest, "SEARCH orders USING INDEX orders_by_state (state=?)");
}
