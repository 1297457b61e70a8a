//! Writes the API's OpenAPI description, as it is committed in `docs/openapi.json`.
#![expect(clippy::print_stdout, reason = "that is what it is for")]

fn main() -> Result<(), serde_json::Error> {
    println!("{}", serde_json::to_string_pretty(strongroom_api::openapi())?);
    Ok(())
}
