//! A server that lies: TLS and the protocol are right, its answers are not.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use strongroom_crypto_kmip::protocol::tags;
use strongroom_crypto_kmip::ttlv::{Item, decode, encode, message_length};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What is asked of the liar, as far as a lie may need it.
pub(crate) struct Asked {
    pub(crate) operation: u32,
    pub(crate) batch_id: Vec<u8>,
    pub(crate) uid: String,
}

/// Serves until the runtime ends; each answer is what `lie` makes of the question, and ends its connection.
pub(crate) async fn serve(
    [certificate, key]: [String; 2],
    lie: impl Fn(&Asked) -> Vec<u8> + Send + Sync + 'static,
) -> SocketAddr {
    let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = acceptor.accept(stream).await.unwrap();
            let mut header = [0; 8];
            stream.read_exact(&mut header).await.unwrap();
            let mut message = header.to_vec();
            message.resize(message_length(header).unwrap(), 0);
            stream.read_exact(message.get_mut(8..).unwrap()).await.unwrap();
            stream.write_all(&lie(&asked(&message))).await.unwrap();
            stream.shutdown().await.unwrap();
        }
    });
    address
}

fn asked(message: &[u8]) -> Asked {
    let message = decode(message).unwrap();
    let item = message.find(tags::BATCH_ITEM).unwrap();
    let payload = item.find(tags::REQUEST_PAYLOAD).unwrap();
    Asked {
        operation: item.enumeration_of(tags::OPERATION).unwrap(),
        batch_id: item.bytes_of(tags::UNIQUE_BATCH_ITEM_ID).unwrap().to_vec(),
        uid: payload.text_of(tags::UNIQUE_IDENTIFIER).unwrap().to_owned(),
    }
}

impl Asked {
    /// An answer of one key, as it should be, unless what is told here differs from what was asked.
    pub(crate) fn answer(&self) -> Vec<u8> {
        self.answer_in((1, 4), 1)
    }

    /// The same in that version of the protocol and with that count of answers.
    pub(crate) fn answer_in(&self, version: (i32, i32), count: i32) -> Vec<u8> {
        let material = Item::bytes(tags::KEY_MATERIAL, &[7; 32]);
        let value = Item::structure(tags::KEY_VALUE, vec![material]);
        let object = Item::structure(tags::SECRET_DATA, vec![Item::structure(tags::KEY_BLOCK, vec![value])]);
        let payload = Item::structure(
            tags::RESPONSE_PAYLOAD,
            vec![
                Item::enumeration(tags::OBJECT_TYPE, 7),
                Item::text(tags::UNIQUE_IDENTIFIER, &self.uid),
                object,
            ],
        );
        let answer = Item::structure(
            tags::BATCH_ITEM,
            vec![
                Item::enumeration(tags::OPERATION, self.operation),
                Item::bytes(tags::UNIQUE_BATCH_ITEM_ID, &self.batch_id),
                Item::enumeration(tags::RESULT_STATUS, 0),
                payload,
            ],
        );
        let version = Item::structure(
            tags::PROTOCOL_VERSION,
            vec![
                Item::integer(tags::PROTOCOL_VERSION_MAJOR, version.0),
                Item::integer(tags::PROTOCOL_VERSION_MINOR, version.1),
            ],
        );
        let header =
            Item::structure(tags::RESPONSE_HEADER, vec![version, Item::integer(tags::BATCH_COUNT, count)]);
        let mut items = vec![header];
        items.extend((0..count).map(|_| answer.clone()));
        encode(&Item::structure(tags::RESPONSE_MESSAGE, items)).to_vec()
    }
}
