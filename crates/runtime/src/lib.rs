#![doc = include_str!("../README.md")]

mod alerts;
mod ask;
mod authenticator;
mod backends;
mod backup;
mod chore;
mod doctor;
mod edge;
mod errands;
mod error;
mod expiry;
mod first_run;
mod gauges;
mod kmip;
mod logging;
mod master_key;
mod notices;
mod onlookers;
mod operator;
mod orders;
mod parts;
mod pkcs11;
mod policy_file;
mod review;
mod rotation;
mod sandbox;
mod serve;
mod service_manager;
mod settings;
mod sweep;
mod telemetry;
mod test_record;

pub use backup::{
    BackupCheck, BackupRunError, HSM_CHECK, HSM_DRILL, Manifest, back_up, back_up_master_key, milestones,
    note_milestone, restore, restore_master_key, verify_backup, verify_master_key_backup,
};
pub use doctor::{Control, Examined, Finding, Severity, Site, Verdict, controls, examine};
pub use errands::{
    Prepared, Replacement, ask_for_errand, carry_out_errand, deleted_secrets, find_errand, forget_prepared,
    is_asked_for, prepare_replacement,
};
pub use error::{RunError, chain};
pub use expiry::{acknowledge_ending, carry_out_reading, count_unread, list_endings};
pub use first_run::{FirstRun, prepare};
pub use kmip::{check_kmip, create_kmip_master_key};
pub use logging::start_logging;
pub use master_key::{CanaryVerdict, MasterKeyReport, MasterKeyVerdict, check_master_key, load_master_keys};
pub use notices::send_test_notice;
pub use pkcs11::{connect_tokens, pkcs11_config};
pub use policy_file::{PolicyFile, PolicyFileError};
pub use review::{
    Decided, ReviewFormat, ReviewProblem, ReviewRequest, StartedReview, Unchecked, apply_review_here,
    begin_to_apply, decide_review, latest_reviews, start_review,
};
pub use rotation::{
    MigrationPlan, PrunedKeys, RotationPlan, ask_for_rotation, cancel_rotation, carry_out_rotation,
    enabled_store, find_rotation, is_served, latest_rotation, master_key_backed_up, pause_rotation,
    plan_migration, plan_rotation, prune_master_key, report_rotation, stage_master_key,
};
pub use sandbox::{Confinement, Sandbox, confine};
pub use serve::{Serving, serve};
pub use settings::{
    AlertsSection, AuditSection, CollectorSection, CustodySetting, DeletionSection, DoctorSection,
    EdgeSection, ExpirySection, Flag, IdentityName, IdentitySection, KeystoneSection, KmipSection,
    LoadSection, LogFormat, LogSection, MasterKeySection, NoticesSection, OperatorPlace, OperatorSection,
    OrdersSection, Pkcs11Section, PolicySection, Problem, RotationSection, SandboxSection, SecretPlace,
    Settings, SettingsError, Shown, SourceSection, Sources, StorageSection, StoreKind, StoresSection,
    TelemetrySection, TokenSection, TraceparentTrust,
};
pub use sweep::{Leavings, condemn_leavings, count_to_forget, destroy_leavings, find_leavings};
pub use telemetry::Telemetry;

/// How the server stopped.
pub use strongroom_edge::Stopping;

/// A value of a [`Flag`].
pub use figment::value::Value;
