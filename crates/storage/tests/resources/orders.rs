use std::collections::HashSet;

use strongroom_core::order::{Order, OrderFailure, OrderQuery, OrderResult, OrderState, OrderType};
use strongroom_core::ports::Writer;
use strongroom_core::{ContainerId, OrderId, SecretId};

use crate::support::{Store, at, order, part, project, project_key, sealed, user};

async fn place(store: &Store, orders: &[Order]) {
    let orders = orders.to_vec();
    store.write(move |writer| orders.iter().try_for_each(|order| writer.insert_order(order))).await;
}

async fn found(store: &Store, id: OrderId) -> Option<Order> {
    store.read(move |reader| reader.order(id)).await
}

async fn claim(store: &Store, worker: &'static str, now: i64) -> Option<OrderId> {
    let claim = move |writer: &mut dyn Writer| {
        let is_there = writer.has_order_for(worker, at(now))?;
        let claimed = writer.claim_order(worker, at(now), at(now + 60))?;
        assert_eq!(is_there, claimed.is_some());
        Ok(claimed)
    };
    let claimed = store.write(claim).await;
    claimed.map(|order| order.id)
}

#[tokio::test]
async fn an_order_reads_back_and_loses_its_passphrase_when_it_ends() {
    let store = Store::new();
    let key = project_key("p");
    let plain = Order { creator: Some(user("ann")), ..order("p", "{}") };
    let locked = Order {
        order_type: OrderType::Asymmetric,
        passphrase: Some(sealed(key.id)),
        ..order("p", r#"{"algorithm": "rsa"}"#)
    };
    store.write(move |writer| writer.insert_project_key(&key)).await;
    place(&store, &[plain.clone(), locked.clone()]).await;
    assert_eq!(found(&store, plain.id).await, Some(plain.clone()));
    assert_eq!(found(&store, locked.id).await, Some(locked.clone()));
    let page = store.read(|reader| reader.orders(&project("p"), &OrderQuery::default())).await;
    assert_eq!(page.items, [plain.clone(), locked.clone()]);

    let made = OrderState::Active(OrderResult::Container(ContainerId::random()));
    let ended = Order { state: made.clone(), passphrase: None, updated: at(9), ..locked };
    let id = ended.id;
    store.write(move |writer| writer.end_order(id, &made, at(9))).await;
    assert_eq!(found(&store, id).await, Some(ended));

    for state in [
        OrderState::Active(OrderResult::Secret(SecretId::random())),
        OrderState::Failed(OrderFailure::new(400, "no such algorithm")),
    ] {
        let (id, end) = (plain.id, state.clone());
        store.write(move |writer| writer.end_order(id, &end, at(9))).await;
        assert_eq!(found(&store, id).await.unwrap().state, state);
    }
    store.assert_sound();
}

#[tokio::test]
async fn deleting_takes_the_passphrase_along() {
    let store = Store::new();
    let key = project_key("p");
    let locked = Order { passphrase: Some(sealed(key.id)), ..order("p", "{}") };
    let id = locked.id;
    store.write(move |writer| writer.insert_project_key(&key)).await;
    place(&store, &[locked]).await;
    assert!(store.write(move |writer| writer.delete_order(id)).await);
    assert!(!store.write(move |writer| writer.delete_order(id)).await);
    assert_eq!(found(&store, id).await, None);
    store.assert_sound();
}

#[tokio::test]
async fn a_list_shows_one_project_and_finds_any_part_of_the_meta_text() {
    let store = Store::new();
    let metas = [r#"{"name": "50%"}"#, r#"{"name": "5_"}"#, "{\"name\": \"\u{fc}ber\"}"];
    let orders = metas.map(|meta| order("p", meta));
    place(&store, &orders).await;
    place(&store, &[order("q", metas[0])]).await;
    let query = |meta: &str| OrderQuery { meta: Some(meta.to_owned()), ..OrderQuery::default() };
    for (query, indices, total) in [
        (OrderQuery::default(), &[0, 1, 2][..], 3),
        (OrderQuery { paging: part(1, 1), ..OrderQuery::default() }, &[1], 3),
        (query(""), &[0, 1, 2], 3),
        (query("%"), &[0], 1),
        (query("_"), &[1], 1),
        (query("\u{fc}b"), &[2], 1),
        (query("NAME"), &[], 0),
        (query(r#"{"name": "5"#), &[0, 1], 2),
        (OrderQuery { paging: part(1, 1), ..query("5") }, &[1], 2),
    ] {
        let asked = query.clone();
        let page = store.read(move |reader| reader.orders(&project("p"), &asked)).await;
        let expected: Vec<_> = indices.iter().map(|index: &usize| orders[*index].clone()).collect();
        assert_eq!((page.items, page.total), (expected, total), "{query:?}");
    }
}

#[tokio::test]
async fn the_oldest_order_that_nobody_works_on_is_claimed() {
    let store = Store::new();
    let orders = [order("p", "1"), order("q", "2"), order("p", "3")];
    let [first, second, third] = [orders[0].id, orders[1].id, orders[2].id];
    place(&store, &orders).await;
    assert_eq!(claim(&store, "a", 100).await, Some(first));
    assert_eq!(claim(&store, "a", 100).await, Some(second), "not the one it has already");
    store
        .write(move |writer| {
            writer.end_order(second, &OrderState::Failed(OrderFailure::new(500, "")), at(101))
        })
        .await;
    assert_eq!(claim(&store, "b", 101).await, Some(third));
    assert_eq!(claim(&store, "b", 159).await, None);
    // The first one's time is up, and it has another chance with whoever asks.
    assert_eq!(claim(&store, "b", 160).await, Some(first));
    assert_eq!(claim(&store, "a", 160).await, None);
    let claimed = found(&store, first).await.unwrap();
    assert_eq!((claimed.state, claimed.updated), (OrderState::Pending, at(1)), "a claim is no change");
}

#[tokio::test]
async fn what_was_claimed_in_an_earlier_life_is_claimed_again_at_once() {
    let mut store = Store::new();
    let orders = [order("p", "1"), order("p", "2")];
    place(&store, &orders).await;
    assert_eq!(claim(&store, "a", 100).await, Some(orders[0].id));
    assert_eq!(claim(&store, "b", 100).await, Some(orders[1].id));
    store.reopen();
    assert_eq!(claim(&store, "a", 101).await, Some(orders[0].id));
    assert_eq!(claim(&store, "a", 101).await, None, "the other is another worker's until its time is up");
    assert_eq!(claim(&store, "a", 160).await, Some(orders[1].id));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_two_claims_get_the_same_order() {
    let store = std::sync::Arc::new(Store::new());
    let orders: Vec<_> = (0..50).map(|_| order("p", "{}")).collect();
    place(&store, &orders).await;
    let mut claims = Vec::new();
    for _ in 0..64 {
        let store = std::sync::Arc::clone(&store);
        claims.push(tokio::spawn(async move { claim(&store, "a", 100).await }));
    }
    let mut claimed = Vec::new();
    for one in claims {
        claimed.extend(one.await.unwrap());
    }
    assert_eq!(claimed.len(), 50);
    assert_eq!(claimed.into_iter().collect::<HashSet<_>>(), orders.iter().map(|order| order.id).collect());
}

#[tokio::test]
async fn a_prolonged_claim_lasts_and_only_its_holder_can_prolong_it() {
    let store = Store::new();
    let placed = order("p", "{}");
    let id = placed.id;
    place(&store, &[placed]).await;
    assert_eq!(claim(&store, "a", 100).await, Some(id));
    store.write(move |writer| writer.prolong_orders("b", &[id], at(900))).await;
    store.write(move |writer| writer.prolong_orders("a", &[OrderId::random()], at(900))).await;
    store.write(move |writer| writer.prolong_orders("a", &[id], at(200))).await;
    assert_eq!(claim(&store, "b", 199).await, None);
    assert_eq!(claim(&store, "b", 200).await, Some(id));
    store.write(move |writer| writer.prolong_orders("a", &[id], at(900))).await;
    assert_eq!(claim(&store, "a", 260).await, Some(id));
}

#[tokio::test]
async fn a_claim_that_is_abandoned_leaves_the_order_free() {
    let store = Store::new();
    let placed = order("p", "{}");
    place(&store, std::slice::from_ref(&placed)).await;
    store.abandon(|writer| writer.claim_order("a", at(100), at(160)).map(drop)).await;
    assert_eq!(claim(&store, "b", 100).await, Some(placed.id));
}

#[tokio::test]
async fn those_that_wait_are_counted_and_the_oldest_is_known() {
    let store = Store::new();
    assert_eq!(store.read(|reader| reader.pending_orders()).await, (0, None));
    let [first, second] = [order("p", "{}"), order("q", "{}")];
    let second = Order { created: at(5), ..second };
    place(&store, &[first.clone(), second.clone()]).await;
    assert_eq!(store.read(|reader| reader.pending_orders()).await, (2, Some(first.created)));
    let ended = OrderState::Failed(OrderFailure::new(400, "no such algorithm"));
    store.write(move |writer| writer.end_order(first.id, &ended, at(9))).await;
    assert_eq!(store.read(|reader| reader.pending_orders()).await, (1, Some(second.created)));
}
