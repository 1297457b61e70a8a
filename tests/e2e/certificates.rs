//! Callers who are known by their client certificates.

use std::fs;
use std::path::Path;
use std::process::Command;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType, IsCa,
    KeyIdMethod, KeyPair, RevokedCertParams, SerialNumber, date_time_ymd,
};
use serde_json::json;
use strongroom_tests::{Server, run, write_private};

const RULES: &str = r#"
[identity]
sources = ["certificate"]

[[identity.certificate.rules]]
common_name = "nova-*"
user = "{common_name}"
project = "compute"
roles = ["member", "reader"]

[[identity.certificate.rules]]
common_name = "auditor"
user = "auditor"
project = "compute"
roles = ["reader"]
"#;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(folder: &Path, name: &str) -> Authority {
    let mut parameters = CertificateParams::default();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.distinguished_name.push(DnType::CommonName, name);
    let authority = CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap();
    fs::write(folder.join(format!("{name}.pem")), authority.pem()).unwrap();
    authority
}

/// A certificate and its key, in files of that name.
fn issue(folder: &Path, authority: &Authority, name: &str, host: Option<&str>) {
    issue_numbered(folder, authority, name, host, None);
}

fn issue_numbered(
    folder: &Path,
    authority: &Authority,
    name: &str,
    host: Option<&str>,
    serial: Option<SerialNumber>,
) {
    let mut parameters =
        CertificateParams::new(host.map(str::to_owned).into_iter().collect::<Vec<_>>()).unwrap();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.serial_number = serial;
    let key = KeyPair::generate().unwrap();
    let certificate = parameters.signed_by(&key, authority).unwrap();
    fs::write(folder.join(format!("{name}.pem")), certificate.pem()).unwrap();
    write_private(&folder.join(format!("{name}.key")), &key.serialize_pem());
}

#[test]
fn a_certificate_names_user_project_and_roles_by_the_first_rule_that_fits() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let ours = authority(folder, "authority");
    issue(folder, &ours, "server", Some("127.0.0.1"));
    for name in ["nova-1", "auditor", "cinder"] {
        issue(folder, &ours, name, None);
    }
    issue(folder, &authority(folder, "stranger"), "nova-2", None);
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    fs::write(folder.join("strongroom.toml"), RULES).unwrap();
    let data = folder.join("data");
    let mut command = Server::https_command(&data);
    command.args(["--config", &path("strongroom.toml")]);
    command.env("STRONGROOM_TLS__CERTIFICATE", path("server.pem"));
    command.env("STRONGROOM_TLS__KEY", path("server.key"));
    command.env("STRONGROOM_TLS__CLIENT_CERTIFICATES", "optional");
    command.env("STRONGROOM_TLS__CLIENT_CA", path("authority.pem"));
    let server = Server::try_start(command, &data).unwrap();
    let ask = |name: Option<&str>, arguments: &[&str]| {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--output", "/dev/null", "--write-out", "%{http_code}"]);
        curl.args(["--cacert", &path("authority.pem")]);
        if let Some(name) = name {
            curl.args(["--cert", &path(&format!("{name}.pem")), "--key", &path(&format!("{name}.key"))]);
        }
        run(curl.arg(format!("{}/v1/secrets", server.endpoint())).args(arguments)).stdout
    };
    let secret = json!({"payload": "correct horse", "payload_content_type": "text/plain"}).to_string();
    let store = ["--json", &secret];
    assert_eq!(ask(Some("nova-1"), &store), "201");
    assert_eq!(ask(Some("auditor"), &store), "403");
    // No rule is about this one; nobody; and what would be believed elsewhere.
    assert_eq!(ask(Some("cinder"), &store), "401");
    assert_eq!(ask(None, &store), "401");
    assert_eq!(ask(None, &["--header", "X-Project-Id: compute", "--header", "X-Roles: admin"]), "401");
    // The listener closes the connection of one whose authority is not trusted.
    assert_eq!(ask(Some("nova-2"), &store), "000");
    let records = server.records();
    let created = records.iter().find(|record| record["action"] == "secret.create").unwrap();
    let expected = json!({"user": "nova-1", "project": "compute", "roles": ["member", "reader"], "source": "certificate"});
    assert_eq!(created["caller"], expected);
}

#[test]
fn a_revoked_certificate_stands_for_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let ours = authority(folder, "authority");
    issue(folder, &ours, "server", Some("127.0.0.1"));
    issue(folder, &ours, "nova-1", None);
    let revoked = SerialNumber::from(4711);
    issue_numbered(folder, &ours, "nova-2", None, Some(revoked.clone()));
    let entry = RevokedCertParams {
        serial_number: revoked,
        revocation_time: date_time_ymd(2024, 1, 1),
        reason_code: None,
        invalidity_date: None,
    };
    let list = CertificateRevocationListParams {
        this_update: date_time_ymd(2024, 1, 1),
        next_update: date_time_ymd(4000, 1, 1),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: vec![entry],
        key_identifier_method: KeyIdMethod::Sha256,
    };
    fs::write(folder.join("crl.pem"), list.signed_by(&ours).unwrap().pem().unwrap()).unwrap();
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    fs::write(folder.join("strongroom.toml"), RULES).unwrap();
    let data = folder.join("data");
    let mut command = Server::https_command(&data);
    command.args(["--config", &path("strongroom.toml")]);
    command.env("STRONGROOM_TLS__CERTIFICATE", path("server.pem"));
    command.env("STRONGROOM_TLS__KEY", path("server.key"));
    command.env("STRONGROOM_TLS__CLIENT_CERTIFICATES", "required");
    command.env("STRONGROOM_TLS__CLIENT_CA", path("authority.pem"));
    command.env("STRONGROOM_TLS__CLIENT_CRL_FILES", format!("[{:?}]", path("crl.pem")));
    let server = Server::try_start(command, &data).unwrap();
    for (name, expected) in [("nova-1", "200"), ("nova-2", "000")] {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--output", "/dev/null", "--write-out", "%{http_code}"]);
        curl.args(["--cacert", &path("authority.pem"), "--cert", &path(&format!("{name}.pem"))]);
        curl.args(["--key", &path(&format!("{name}.key"))]).arg(format!("{}/v1/secrets", server.endpoint()));
        assert_eq!(run(&mut curl).stdout, expected, "{name}");
    }
}
