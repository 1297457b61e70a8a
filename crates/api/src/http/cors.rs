//! What browsers on pages of other origins may do (spec section 3.5).

use http::Method;
use http::header::{self, HeaderName};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::settings::{AllowedOrigin, CorsSettings};

/// Headers that pages may send and read.
const HEADERS: [HeaderName; 10] = [
    HeaderName::from_static("x-auth-token"),
    HeaderName::from_static("x-openstack-request-id"),
    HeaderName::from_static("x-project-id"),
    HeaderName::from_static("x-identity-status"),
    HeaderName::from_static("x-user-id"),
    HeaderName::from_static("x-storage-token"),
    HeaderName::from_static("x-domain-id"),
    HeaderName::from_static("x-user-domain-id"),
    HeaderName::from_static("x-project-domain-id"),
    HeaderName::from_static("x-roles"),
];

/// Headers that the reference lets pages send without having to be told.
const SIMPLE_HEADERS: [HeaderName; 8] = [
    header::ACCEPT,
    header::ACCEPT_LANGUAGE,
    header::CONTENT_TYPE,
    header::CACHE_CONTROL,
    header::CONTENT_LANGUAGE,
    header::EXPIRES,
    header::LAST_MODIFIED,
    header::PRAGMA,
];

/// Answers what browsers ask beforehand, and marks answers that pages may read.
pub(crate) fn cors_layer(settings: &CorsSettings) -> CorsLayer {
    let origins = &settings.allowed_origins;
    let origins = if origins.iter().any(AllowedOrigin::is_any) {
        // Named rather than starred: browsers refuse a star together with credentials.
        AllowOrigin::mirror_request()
    } else {
        AllowOrigin::list(origins.iter().map(|origin| origin.as_header().clone()))
    };
    CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::PUT, Method::POST, Method::DELETE, Method::PATCH])
        .allow_headers(HEADERS.into_iter().chain(SIMPLE_HEADERS).collect::<Vec<_>>())
        .expose_headers(HEADERS)
        .allow_credentials(settings.allow_credentials)
        .max_age(settings.max_age)
}
