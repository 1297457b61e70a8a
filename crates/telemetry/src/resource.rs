use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;

/// Who measures: this program, in this version, at this instance.
pub(crate) fn resource(instance: &str) -> Resource {
    Resource::builder_empty()
        .with_service_name("strongroom")
        .with_attributes([
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", instance.to_owned()),
        ])
        .build()
}
