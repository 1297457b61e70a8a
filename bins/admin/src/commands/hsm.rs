use std::path::Path;

use serde_json::json;
use strongroom_crypto_pkcs11::{
    PinSource, Pkcs11Backend, Pkcs11Config, Severity, TokenConfig, TokenReport, TokenState, check,
    generate_master_key,
};
use strongroom_runtime::{HSM_CHECK, HSM_DRILL, RunError, Settings, note_milestone, pkcs11_config};
use tokio::runtime::Runtime;

use super::{CommandResult, Ended, hsm_drill, row};
use crate::flags::{HsmCommand, Output};
use crate::{print, prompt};

/// `hsm`.
pub(crate) fn run(
    settings: &Settings,
    credentials: Option<&Path>,
    command: &HsmCommand,
    output: Output,
) -> CommandResult {
    let config = pkcs11_config(&settings.pkcs11, credentials, &|selector| {
        prompt::pin(&selector.to_string()).map(PinSource::Typed).map_err(RunError::Prompt)
    })?;
    match command {
        HsmCommand::GenerateMasterKey { token, next } => generate(&config, *token, *next, output),
        HsmCommand::Check => examine(settings, &config, output),
        HsmCommand::List => list(config, output),
        HsmCommand::Drill { token, seconds, report } => {
            let ended = hsm_drill::run(config, *token, *seconds, report.as_deref(), output)?;
            if ended == Ended::Well {
                let place = report.as_deref().map(|file| format!("see {}", file.display()));
                note_milestone(settings, HSM_DRILL, &place.unwrap_or_default())?;
            }
            Ok(ended)
        }
    }
}

fn generate(config: &Pkcs11Config, number: usize, next: bool, output: Output) -> CommandResult {
    let token = chosen(config, number)?;
    let version = generate_master_key(token, &config.key_label, next)?.to_string();
    let mut advice = vec!["back the token up with its vendor's tool: without the key no secret can be read"];
    if config.tokens.len() > 1 {
        advice.push("copy the key to the other tokens with the vendor's tool, under the same label and id");
    }
    if next {
        advice.push("it is not used before a rotation, or a restart, takes it into use");
    }
    let mut rows =
        vec![row(["TOKEN", "LABEL", "VERSION"]), row([&token.to_string(), &config.key_label, &version])];
    rows.extend(advice.iter().map(|advice| row([&format!("Now {advice}.")])));
    let value = json!({
        "token": token.to_string(), "label": config.key_label, "version": version, "advice": advice,
    });
    print::result(output, &value, &rows)?;
    Ok(Ended::Well)
}

fn examine(settings: &Settings, config: &Pkcs11Config, output: Output) -> CommandResult {
    let mut reports = Vec::new();
    for token in &config.tokens {
        reports.push(check(token, &config.key_label, config.custody)?);
    }
    let sound = !reports.is_empty() && reports.iter().all(TokenReport::is_sound);
    if sound {
        let findings = reports.iter().flat_map(|report| &report.findings);
        let warnings = findings.filter(|finding| finding.severity == Severity::Warning);
        let warnings: Vec<_> = warnings.map(|finding| finding.text.as_str()).collect();
        note_milestone(settings, HSM_CHECK, &warnings.join("; "))?;
    }
    let rows: Vec<_> = reports.iter().flat_map(described).collect();
    print::result(output, &json!({"sound": sound, "tokens": reports}), &rows)?;
    Ok(if sound { Ended::Well } else { Ended::Unsound })
}

fn described(report: &TokenReport) -> Vec<Vec<String>> {
    let versions: Vec<_> = report.master_keys.iter().map(|key| key.version.to_string()).collect();
    let mut rows = vec![
        row(["token", &report.token]),
        row(["label, serial", &format!("{}, {}", report.label, report.serial)]),
        row(["model", &report.model]),
        row(["firmware, hardware", &format!("{}, {}", report.firmware, report.hardware)]),
        row(["module", &report.library]),
        row(["mechanisms", &report.mechanisms.join(", ")]),
        row(["other mechanisms", &report.other_mechanisms.len().to_string()]),
        row(["tries until the PIN locks", report.login_tries]),
        row(["master key versions", &versions.join(", ")]),
        row(["other objects", &report.foreign_objects.join(", ")]),
    ];
    rows.extend(report.findings.iter().map(|finding| {
        let severity = match finding.severity {
            Severity::Fatal => "FATAL",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        row([severity, &finding.text])
    }));
    rows
}

fn list(config: Pkcs11Config, output: Output) -> CommandResult {
    let runtime = Runtime::new()?;
    let backend = runtime.block_on(Pkcs11Backend::connect(config))?;
    let statuses = backend.statuses();
    let mut rows = vec![row(["TOKEN", "STATE", "REASON"])];
    rows.extend(statuses.iter().map(|status| {
        let state = match status.state {
            TokenState::Ready => "ready",
            TokenState::Down => "DOWN",
            TokenState::Stopped => "STOPPED",
        };
        row([&status.token, state, status.reason.as_deref().unwrap_or("-")])
    }));
    let sound = statuses.iter().all(|status| status.state == TokenState::Ready);
    print::result(output, &json!({"sound": sound, "tokens": statuses}), &rows)?;
    Ok(if sound { Ended::Well } else { Ended::Unsound })
}

fn chosen(config: &Pkcs11Config, number: usize) -> Result<&TokenConfig, String> {
    let token = number.checked_sub(1).and_then(|number| config.tokens.get(number));
    token.ok_or_else(|| format!("there is no token {number}; the settings name {}", config.tokens.len()))
}
