use serde_json::json;
use strongroom_core::{Clock as _, SystemClock, Timestamp};
use strongroom_runtime::{Settings, check_kmip, create_kmip_master_key};

use super::{CommandResult, Ended, row};
use crate::flags::Output;
use crate::print;

const MICROS_PER_DAY: i64 = 24 * 3600 * 1_000_000;

/// `kmip create-master-key`.
pub(crate) fn create_master_key(settings: &Settings, next_version: bool, output: Output) -> CommandResult {
    let runtime = runtime()?;
    let (version, object) = runtime.block_on(create_kmip_master_key(&settings.kmip, next_version))?;
    let file = settings.kmip.master_key_file.display().to_string();
    let advice = "back the key up with the KMIP server's own means, and this file with the database: \
                  without the key no secret can be read";
    print::result(
        output,
        &json!({"version": version.0, "uid": object.uid, "file": file, "advice": advice}),
        &[
            row(["VERSION", "OBJECT", "FILE"]),
            row([&version.to_string(), &object.uid, &file]),
            row([&format!("Now {advice}.")]),
        ],
    )?;
    Ok(Ended::Well)
}

/// `kmip check`.
pub(crate) fn check(settings: &Settings, output: Output) -> CommandResult {
    let report = runtime()?.block_on(check_kmip(&settings.kmip))?;
    let texts = |items: Vec<String>| if items.is_empty() { "-".to_owned() } else { items.join(", ") };
    let versions: Vec<_> = report.versions.iter().map(|(major, minor)| format!("{major}.{minor}")).collect();
    let operations: Vec<_> = report.operations.iter().map(ToString::to_string).collect();
    let lacking: Vec<_> = report.lacking().iter().map(ToString::to_string).collect();
    let own_days = days_left(report.certificates.own);
    let server_days = report.certificates.server.map(days_left);
    let vendor = report.vendor.clone();
    let mut rows = vec![
        row(["server", &report.endpoint]),
        row(["made by", vendor.as_deref().unwrap_or("-")]),
        row(["speaks", &texts(versions.clone())]),
        row(["can do", &texts(operations.clone())]),
        row(["lacks", &texts(lacking.clone())]),
        row(["own certificate", &format!("{own_days} days left")]),
        row([
            "server's certificate",
            &server_days.map_or("-".to_owned(), |days| format!("{days} days left")),
        ]),
    ];
    let mut keys = Vec::new();
    for key in &report.master_keys {
        let state = key.state.as_ref().map_or_else(ToString::to_string, ToString::to_string);
        let works = key.works.as_ref().map_or_else(ToString::to_string, |()| "works".to_owned());
        rows.push(row([&format!("master key {}", key.version), &format!("{}: {state}; {works}", key.uid)]));
        keys.push(json!({
            "version": key.version.0,
            "uid": key.uid,
            "state": state,
            "works": key.works.is_ok(),
        }));
    }
    if report.master_keys.is_empty() {
        rows.push(row([
            "master key",
            "NONE: run `strongroom-admin kmip create-master-key`, or restore the file",
        ]));
    }
    let sound = report.is_sound();
    rows.push(row(["verdict", if sound { "sound" } else { "UNSOUND" }]));
    let value = json!({
        "sound": sound,
        "server": report.endpoint,
        "vendor": vendor,
        "versions": versions,
        "operations": operations,
        "lacking": lacking,
        "own_certificate_days": own_days,
        "server_certificate_days": server_days,
        "master_keys": keys,
    });
    print::result(output, &value, &rows)?;
    Ok(if sound { Ended::Well } else { Ended::Unsound })
}

fn days_left(until: Timestamp) -> i64 {
    (until.as_micros() - SystemClock.now().as_micros()) / MICROS_PER_DAY
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}
