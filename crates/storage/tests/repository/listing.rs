//! Lists are what a naive model says, after any mixture of inserts, deletes, expiries and sweeps.

use std::collections::HashMap;
use std::num::NonZero;

use proptest::prelude::*;
use strongroom_core::secret::{BitLength, DateFilter, Label, Paging, SecretQuery, Sort};
use strongroom_core::{Secret, SecretId, SecretType};
use tokio::runtime;

use crate::fixture::{Sqlite, Subject, at, list, project, secret, write};
use crate::model;

#[derive(Debug, Clone)]
enum Step {
    /// Many alike, so that several buckets come to be.
    Insert(usize, Shape),
    /// From that share of the list on, so many.
    Delete(prop::sample::Index, usize),
    /// The same, so that it can be undone.
    Hide(prop::sample::Index, usize),
    /// Some of those that can be, a few of which are destroyed instead.
    Restore(prop::sample::Index, usize),
    /// Seconds pass, and with them secrets.
    Wait(i64),
    Sweep,
}

#[derive(Debug, Clone)]
struct Shape {
    name: Option<&'static str>,
    algorithm: Option<&'static str>,
    mode: Option<&'static str>,
    bits: Option<i64>,
    secret_type: SecretType,
    /// Seconds from the time of insertion.
    lifetime: Option<i64>,
}

fn label() -> impl Strategy<Value = Option<&'static str>> {
    prop::sample::select(vec![None, Some("a"), Some("A"), Some("ab"), Some("é"), Some(""), Some("b_%")])
}

fn shape() -> impl Strategy<Value = Shape> {
    let bits = prop::option::of(prop::sample::select(vec![128, 256]));
    let lifetime = prop::option::of(1..60_i64);
    let types = prop::sample::select(SecretType::ALL.to_vec());
    (label(), label(), label(), bits, types, lifetime).prop_map(
        |(name, algorithm, mode, bits, secret_type, lifetime)| Shape {
            name,
            algorithm,
            mode,
            bits,
            secret_type,
            lifetime,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1..4_usize, shape()).prop_map(|(count, shape)| Step::Insert(count, shape)),
        1 => (200..700_usize, shape()).prop_map(|(count, shape)| Step::Insert(count, shape)),
        2 => (any::<prop::sample::Index>(), 1..300_usize).prop_map(|(from, count)| Step::Delete(from, count)),
        2 => (any::<prop::sample::Index>(), 1..300_usize).prop_map(|(from, count)| Step::Hide(from, count)),
        2 => (any::<prop::sample::Index>(), 1..300_usize).prop_map(|(from, count)| Step::Restore(from, count)),
        2 => (1..40_i64).prop_map(Step::Wait),
        1 => Just(Step::Sweep),
    ]
}

fn query() -> impl Strategy<Value = SecretQuery> {
    let pattern = || {
        prop_oneof![
            4 => Just(None),
            3 => prop::sample::select(vec!["a%", "A", "%b", "_", "", "%", "É", "b_%", "%a%"]).prop_map(Some),
        ]
    };
    let dates = prop::sample::select(vec!["", "", "", "gt:1970-01-01T00:00:30", "lte:1970-01-01T00:01"]);
    let sort = prop::sample::select(vec![
        "",
        "",
        "name",
        "name:desc",
        "created",
        "created:desc",
        "expiration",
        "expiration:desc,name",
        "status",
        "status:desc,bit_length",
        "algorithm:desc,mode",
        "secret_type,updated:desc",
    ]);
    let bits =
        prop_oneof![4 => Just(None), 1 => prop::sample::select(vec![128, 256, 999_999]).prop_map(Some)];
    let secret_type =
        prop_oneof![4 => Just(None), 1 => prop::sample::select(vec!["opaque", "none"]).prop_map(Some)];
    let paging = (0..12_u32, prop_oneof![Just(0), 0..20_u64, 0..2_000_u64]);
    (pattern(), pattern(), pattern(), bits, secret_type, (dates.clone(), dates), sort, paging).prop_map(
        |(name, algorithm, mode, bits, secret_type, (created, expiration), sort, (limit, offset))| {
            SecretQuery {
                name: name.map(str::to_owned),
                algorithm: algorithm.map(str::to_owned),
                mode: mode.map(str::to_owned),
                bits: bits.and_then(NonZero::new),
                secret_type: secret_type.map(str::to_owned),
                created: DateFilter::parse("created", created).unwrap(),
                expiration: DateFilter::parse("expiration", expiration).unwrap(),
                sort: Sort::parse(sort).unwrap(),
                paging: Paging { limit, offset },
                ..SecretQuery::default()
            }
        },
    )
}

/// Plays the steps on both and compares them after each.
async fn play(repository: &impl Subject, steps: Vec<Step>, queries: Vec<SecretQuery>) {
    let (project, other) = (project("p"), project("other"));
    let mut model: Vec<Secret> = Vec::new();
    let mut hidden: Vec<Secret> = Vec::new();
    // Every secret there ever was.
    let mut inserted: HashMap<SecretId, usize> = HashMap::new();
    let mut now = 0;
    for step in steps {
        match step {
            Step::Insert(count, shape) => {
                let new: Vec<Secret> = (0..count).map(|_| shaped(&secret(&project, now), &shape)).collect();
                for secret in &new {
                    inserted.insert(secret.id, inserted.len());
                }
                model.extend(new.iter().cloned());
                let noise = secret(&other, now);
                write(repository, move |writer| {
                    writer.insert_secret(&noise)?;
                    new.iter().try_for_each(|secret| writer.insert_secret(secret))
                })
                .await
                .unwrap();
            }
            Step::Delete(from, count) if !model.is_empty() => {
                let from = from.index(model.len());
                let gone: Vec<_> =
                    model.drain(from..(from + count).min(model.len())).map(|one| one.id).collect();
                write(repository, move |writer| {
                    for id in &gone {
                        assert!(writer.delete_secret(*id)?);
                    }
                    Ok(())
                })
                .await
                .unwrap();
            }
            Step::Hide(from, count) if !model.is_empty() => {
                let from = from.index(model.len());
                let gone: Vec<_> = model.drain(from..(from + count).min(model.len())).collect();
                hidden.extend(gone.iter().cloned());
                write(repository, move |writer| {
                    for secret in &gone {
                        assert!(writer.hide_secret(secret.id, at(now), None)?);
                        assert!(
                            !writer.hide_secret(secret.id, at(now), None)?
                                && !writer.delete_secret(secret.id)?
                        );
                    }
                    Ok(())
                })
                .await
                .unwrap();
            }
            Step::Restore(from, count) if !hidden.is_empty() => {
                let from = from.index(hidden.len());
                let some: Vec<_> = hidden.drain(from..(from + count).min(hidden.len())).collect();
                let (purged, back): (Vec<_>, Vec<_>) =
                    some.into_iter().partition(|secret| secret.id.as_bytes()[0] % 8 == 0);
                for secret in &back {
                    let place = model.partition_point(|one| inserted[&one.id] < inserted[&secret.id]);
                    model.insert(place, secret.clone());
                }
                write(repository, move |writer| {
                    for secret in &back {
                        assert!(writer.restore_secret(secret.id)?);
                        assert!(!writer.destroy_deleted_secret(secret.id)?);
                    }
                    for secret in &purged {
                        assert!(writer.destroy_deleted_secret(secret.id)?);
                        assert!(!writer.restore_secret(secret.id)?);
                    }
                    Ok(())
                })
                .await
                .unwrap();
            }
            Step::Delete(..) | Step::Hide(..) | Step::Restore(..) => {}
            Step::Wait(seconds) => now += seconds,
            Step::Sweep => {
                repository.sweep(at(now)).await;
            }
        }
        let everyday = [0, 1, 500, 512, 513, 900]
            .map(|offset| SecretQuery { paging: Paging { limit: 3, offset }, ..SecretQuery::default() });
        for query in queries.iter().chain(&everyday) {
            let expected = model::page(&model, query, at(now));
            let found = list(repository, &project, query.clone(), at(now)).await;
            assert_eq!(found.total, expected.total, "{query:?}");
            let ids = |secrets: &[Secret]| secrets.iter().map(|one| one.id).collect::<Vec<_>>();
            assert_eq!(ids(&found.items), ids(&expected.items), "{query:?}");
            assert_eq!(found.items, expected.items);
        }
    }
    assert_eq!(repository.findings(), Vec::<String>::new());
}

fn shaped(plain: &Secret, shape: &Shape) -> Secret {
    let label = |text: Option<&str>| text.map(|text| Label::new("name", text).unwrap());
    Secret {
        name: label(shape.name),
        algorithm: label(shape.algorithm),
        mode: label(shape.mode),
        bit_length: shape.bits.map(|bits| BitLength::new(bits).unwrap()),
        secret_type: shape.secret_type,
        expiration: shape.lifetime.map(|seconds| plain.created.plus_seconds(seconds)),
        ..plain.clone()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn lists_are_what_the_model_says(
        steps in prop::collection::vec(step(), 1..14),
        queries in prop::collection::vec(query(), 1..8),
    ) {
        let runtime = runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(play(&Sqlite::create(), steps, queries));
    }
}
