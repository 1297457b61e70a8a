//! The API over real parts in a temporary folder.

use std::net::Ipv4Addr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use strongroom_api::{Api, ApiSettings};
use strongroom_audit::{Journal, Options};
use strongroom_core::ports::BackendId;
use strongroom_core::{Clock as _, KeyManager, SystemClock};
use strongroom_crypto::{Caching, MasterKeys, SoftBackend, create_key_file};
use strongroom_edge::{Peer, Scheme};
use strongroom_identity::UnauthenticatedContext;
use strongroom_storage::{OpenOptions, SqliteRepository};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt as _;

use crate::request::Request;

/// As many secrets as one byte can point at.
const REMEMBERED: usize = 256;

/// The API, the runtime it lives on, and the secrets it has made lately.
pub struct Stage {
    runtime: Runtime,
    api: Api,
    secrets: Vec<String>,
    made: usize,
    _folder: TempDir,
}

impl Stage {
    /// Opens everything in a folder of its own.
    pub fn set() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
        let manager = runtime.block_on(manager(&folder));
        let settings = ApiSettings::default();
        let api = Api::new(manager, Arc::new(UnauthenticatedContext), settings);
        Self { runtime, api, secrets: Vec::new(), made: 0, _folder: folder }
    }

    /// Sends the request and judges the answer.
    pub fn play(&mut self, request: Request) {
        let Some(mut request) = request.build(&self.secrets) else { return };
        request.extensions_mut().insert(Peer::new(Ipv4Addr::LOCALHOST.into(), Scheme::Http));
        let service = self.api.clone().into_service::<Full<Bytes>>();
        let reply = self.runtime.block_on(async {
            let reply = service.oneshot(request).await.unwrap_or_else(|never| match never {});
            let (head, body) = reply.into_parts();
            (head, body.collect().await.expect("a body in memory").to_bytes())
        });
        let (head, body) = reply;
        assert!(!head.status.is_server_error(), "{head:?} {body:?}");
        assert!(head.headers.contains_key("x-openstack-request-id"), "{head:?}");
        if head.headers.get("content-type").is_some_and(|value| value == "application/json") {
            let parsed: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
            if let Some((_, id)) = parsed["secret_ref"].as_str().and_then(|text| text.rsplit_once('/')) {
                self.remember(id.to_owned());
            }
        }
    }

    fn remember(&mut self, id: String) {
        if self.secrets.len() < REMEMBERED {
            self.secrets.push(id);
        } else {
            self.secrets[self.made % REMEMBERED] = id;
        }
        self.made += 1;
    }
}

async fn manager(folder: &TempDir) -> KeyManager {
    let at = |name: &str| folder.path().join(name);
    create_key_file(&at("master.key"), SystemClock.now()).expect("a key file");
    let keys = MasterKeys::load(&at("master.key")).expect("the key file made above");
    let backend = SoftBackend::new(BackendId::new("soft"), keys, Caching::default()).expect("locked memory");
    let create = OpenOptions { create: true, upgrade: true };
    let repository = SqliteRepository::open(&at("secrets.sqlite"), create).expect("a new database");
    let create = Options { create: true, ..Options::default() };
    let journal = Journal::open(&at("journal"), create).expect("a new journal");
    let builder = KeyManager::builder().repository(repository).backend(backend).audit(journal);
    builder.build().await.expect("sound parts")
}
