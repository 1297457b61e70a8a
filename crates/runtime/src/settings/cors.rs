use std::time::Duration;

use strongroom_api::{AllowedOrigin, CorsSettings};

use super::reader::Reader;
use super::sections::seconds;

/// What browsers on pages of other origins may do; nothing while no origin is named.
pub(super) fn cors(reader: &mut Reader) -> Option<CorsSettings> {
    const ALLOWED: &str = "a list of origins, such as [\"https://dashboard.example\"], or [\"*\"]";
    let given: Vec<String> = reader.get("cors.allowed_origins", Vec::new(), ALLOWED);
    let mut allowed_origins = Vec::new();
    for text in given {
        match AllowedOrigin::new(&text) {
            Ok(origin) => allowed_origins.push(origin),
            Err(error) => reader.refuse("cors.allowed_origins", format!("{text:?} is {error}")),
        }
    }
    let settings = CorsSettings {
        allow_credentials: reader.get("cors.allow_credentials", true, "true or false"),
        max_age: seconds(reader, "cors.max_age_seconds", Duration::from_hours(1)),
        allowed_origins,
    };
    (!settings.allowed_origins.is_empty()).then_some(settings)
}

#[cfg(test)]
mod tests {
    use figment::value::Value;

    use super::super::{Flag, Settings, Sources};
    use super::*;

    fn load(origins: &[&str]) -> Result<Option<CorsSettings>, String> {
        let value = Value::from(origins.to_vec());
        let flags = vec![Flag { name: "--origins", key: "cors.allowed_origins", value }];
        let sources = Sources { flags, ..Sources::default() };
        Settings::load(&sources).map(|(settings, _)| settings.api.cors).map_err(|error| error.to_string())
    }

    #[test]
    fn cors_is_off_until_an_origin_is_named() {
        assert_eq!(load(&[]), Ok(None));
        let settings = load(&["https://one.example", "http://two.example:8080"]).unwrap().unwrap();
        assert_eq!(settings.allowed_origins.len(), 2);
        assert!(settings.allow_credentials);
        let told = load(&["https://one.example/path", "*", "one.example"]).unwrap_err();
        assert!(told.contains("\"https://one.example/path\"") && told.contains("\"one.example\""), "{told}");
    }
}
