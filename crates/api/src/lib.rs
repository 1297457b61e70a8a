#![doc = include_str!("../README.md")]

mod answer;
mod authenticate;
mod discovery;
mod fault;
mod health;
mod http;
mod metadata;
mod operation;
mod pipeline;
mod routes;
mod secrets;
mod server;
mod settings;

pub use pipeline::Api;
pub use server::{Server, ServerLimits, Stopping};
pub use settings::{ApiSettings, BaseUrl, InvalidBaseUrl};
