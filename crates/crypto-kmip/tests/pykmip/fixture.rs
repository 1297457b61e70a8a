use std::sync::Arc;
use std::time::Duration;

use strongroom_core::Timestamp;
use strongroom_core::ports::BackendId;
use strongroom_crypto::Caching;
use strongroom_crypto_kmip::{
    Client, ClientSettings, Custody, Endpoint, KmipBackend, MasterKeyObjects, TlsFiles, create_master_key,
};

use crate::kmip_server::KmipServer;

pub(crate) fn now() -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000).unwrap()
}

/// Settings for that server alone, quick to lose patience.
pub(crate) fn settings(server: &KmipServer) -> ClientSettings {
    let tls = TlsFiles::new(server.ca(), server.certificate(), server.key());
    let mut settings = ClientSettings::new(vec![Endpoint::parse(&server.endpoint()).unwrap()], tls);
    settings.connect_timeout = Duration::from_secs(10);
    settings.answer_timeout = Duration::from_secs(20);
    settings
}

pub(crate) fn client(server: &KmipServer) -> Arc<Client> {
    Arc::new(Client::new(settings(server)))
}

/// A master key of one version, fresh.
pub(crate) async fn master(client: &Client) -> MasterKeyObjects {
    let object = create_master_key(client, now()).await.unwrap();
    MasterKeyObjects::default().with_next(object).unwrap()
}

pub(crate) fn backend(client: &Arc<Client>, masters: MasterKeyObjects, custody: Custody) -> KmipBackend {
    let id = BackendId::new(KmipBackend::DEFAULT_ID);
    KmipBackend::new(id, Arc::clone(client), masters, custody, Caching::default()).unwrap()
}
