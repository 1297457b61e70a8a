//! End-to-end tests: one binary, so that it is linked once; one module for each thing promised.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at the first thing that is not as it should be"
)]

mod access;
mod acls;
mod admin;
mod alerts;
mod audit_looking;
mod audit_proof;
mod audit_records;
mod backup;
mod certificates;
mod clients;
mod consumers;
mod containers;
mod cors;
mod create;
mod delete;
mod discovery;
mod doctor;
mod doctor_probes;
mod durability;
mod ending;
mod errors;
mod expiry;
mod first_run;
mod forwarding;
mod haproxy;
mod hostile;
mod hsm;
mod isolation;
mod keystone;
mod keystone_outage;
mod kmip;
mod lifecycle;
mod list;
mod load;
mod metadata;
mod network;
mod notices;
mod openapi;
mod orders;
mod outage;
mod paging;
mod quotas;
mod read;
mod replace;
mod review;
mod review_materials;
mod review_owners;
mod rotation;
mod rotation_outage;
mod rotation_report;
mod sandbox;
mod secrecy;
mod service_manager;
mod starts;
mod stores;
mod support_bundle;
mod sweep;
mod telemetry;
mod tls;
mod tokens;
mod transport_keys;
mod undo;
mod upload;
mod why_denied;
