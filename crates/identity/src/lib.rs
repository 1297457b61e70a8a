#![doc = include_str!("../README.md")]

mod unauthenticated;

pub use unauthenticated::UnauthenticatedContext;
