//! x

use std::path::Path;
use std::time::Instant;
use strongroom_core::ports::{BackendId, SecretBackend as _};
use strongroom_core::{Clock as _, Payload, ProjectId, SystemClock};
use strongroom_crypto::*;
#[tokio::main(flavor = "current_thread")]
async fn main() {
    let d = tempfile::tempdir().unwrap();
    let p = d.path().join("k");
    create_key_file(&p, SystemClock.now()).unwrap();
    let mk = || MasterKeys::load(Path::new(&p)).unwrap();
    for (name, c) in
        [("cached", Caching::default()), ("uncached", Caching { keys: 0, keep: std::time::Duration::ZERO })]
    {
        let b = SoftBackend::new(BackendId::new("soft"), mk(), c).unwrap();
        let k = b.create_project_key(&ProjectId::new("p").unwrap(), 1, SystemClock.now()).await.unwrap();
        for n in [32usize, 1000, 20000] {
            let pl = Payload::new(vec![1; n]);
            let bind = vec![3u8; 200];
            let s = b.seal(&k, &bind, &pl).await.unwrap();
            for _ in 0..3 {
                let t = Instant::now();
                for _ in 0..20000 {
                    b.seal(&k, &bind, &pl).await.unwrap();
                }
                let seal = t.elapsed() / 20000;
                let t = Instant::now();
                for _ in 0..20000 {
                    b.open(&k, &bind, &s).await.unwrap();
                }
                println!("{name} {n}: seal {seal:?} open {:?}", t.elapsed() / 20000);
            }
        }
        let b = std::sync::Arc::new(b);
        let s = b.seal(&k, b"", &Payload::new(vec![1; 32])).await.unwrap();
        let t = Instant::now();
        std::thread::scope(|sc| {
            for _ in 0..8 {
                sc.spawn(|| {
                    let rt = tokio::runtime::Builder::new_current_thread().build().unwrap();
                    rt.block_on(async {
                        for _ in 0..20000 {
                            b.open(&k, b"", &s).await.unwrap();
                        }
                    })
                });
            }
        });
        println!("8 threads: {:?} per open overall", t.elapsed() / 160000);
    }
    for len in [32usize] {
        let _ = len;
        let key = [1u8; 32];
        let t = Instant::now();
        for _ in 0..100000 {
            std::hint::black_box(ring::aead::LessSafeKey::new(
                ring::aead::UnboundKey::new(&ring::aead::AES_256_GCM, std::hint::black_box(&key)).unwrap(),
            ));
        }
        println!("schedule {:?}", t.elapsed() / 100000);
    }
}
