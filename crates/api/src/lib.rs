#![doc = include_str!("../README.md")]

mod acls;
mod admission;
mod answer;
mod attributes;
mod authenticate;
mod call;
mod consumers;
mod containers;
mod discovery;
mod fault;
mod handlers;
mod health;
mod http;
mod metadata;
mod observer;
mod openapi;
mod operation;
mod orders;
mod pipeline;
mod quotas;
mod references;
mod routes;
mod secrets;
mod settings;
mod stores;
mod transport_keys;

pub use admission::Admission;
pub use fault::turned_away;
pub use observer::{Answered, Observer};
pub use openapi::document as openapi;
pub use pipeline::Api;
pub use settings::{AllowedOrigin, ApiSettings, BaseUrl, CorsSettings, InvalidBaseUrl, InvalidOrigin};
