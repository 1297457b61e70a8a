use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use strongroom_edge::{ClientCertificates, TlsFiles};

use super::reader::Reader;

const PATH_OR_NONE: &str = "a path as text, or \"\" for none";

/// What is asked of clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Asked {
    Off,
    Optional,
    Required,
}

/// Certificate, key and authorities of clients; `None` for plain HTTP.
pub(super) fn tls(reader: &mut Reader) -> Option<TlsFiles> {
    let certificate = reader.get("tls.certificate", PathBuf::new(), PATH_OR_NONE);
    let key = reader.get("tls.key", PathBuf::new(), PATH_OR_NONE);
    let allowed = "\"off\", \"optional\" or \"required\"";
    let asked = reader.get("tls.client_certificates", Asked::Off, allowed);
    let authorities = reader.get("tls.client_ca", PathBuf::new(), PATH_OR_NONE);
    let client_crls: Vec<PathBuf> = reader.get("tls.client_crl_files", Vec::new(), "a list of paths");
    let given = |path: &PathBuf| !path.as_os_str().is_empty();
    if given(&certificate) != given(&key) {
        reader.refuse("tls.key", "tls.certificate and tls.key are given both or not at all");
    }
    if (asked == Asked::Off) == given(&authorities) {
        let reason = "clients are asked for certificates when tls.client_certificates is \"optional\" or \
                      \"required\" and tls.client_ca names their authorities; give both or neither";
        reader.refuse("tls.client_ca", reason);
    }
    if asked != Asked::Off && !given(&certificate) {
        reader.refuse(
            "tls.client_certificates",
            "client certificates need TLS; give tls.certificate and tls.key",
        );
    }
    if asked == Asked::Off && !client_crls.is_empty() {
        let reason = "lists of revoked certificates are for clients that are asked for one; set \
                      tls.client_certificates and tls.client_ca";
        reader.refuse("tls.client_crl_files", reason);
    }
    let clients = match asked {
        Asked::Off => ClientCertificates::Off,
        Asked::Optional => ClientCertificates::Optional(authorities),
        Asked::Required => ClientCertificates::Required(authorities),
    };
    given(&certificate).then_some(TlsFiles { certificate, key, clients, client_crls })
}
