//! What spans are called that may leave this process. Everything else that is traced stays in its log.

/// The target of those spans. They carry no more than the ids of the request and of its project, and names of this
/// program's own.
pub const TARGET: &str = "strongroom::trace";

/// The name of the span that a front end makes for a request to be followed. No other span of [`TARGET`] is made
/// outside one.
pub const REQUEST: &str = "request";
