//! A resource type of your own with an extension of your own: a directory of printers, served with everything that
//! users and groups have. `cargo run --example own_type`, then `curl http://127.0.0.1:8080/Printers`.

use scim_core::scim_filter::DataType::{Integer, String};
use scim_core::{Attribute, Registry, ResourceType, Schema, SchemaUri, schema::Uniqueness};
use scim_server::store::MemoryStore;
use scim_server::{ScimService, serve};

const PRINTER: &str = "urn:example:2.0:Printer";
const LEASE: &str = r#"{"id": "urn:example:2.0:Lease", "name": "Lease", "description": "Whose the printer is", "attributes":
    [{"name": "owner", "required": true}, {"name": "until", "type": "dateTime"}]}"#;

/// The types of RFC 7643, and printers.
pub(crate) fn registry() -> Result<Registry, Box<dyn std::error::Error>> {
    let uri: SchemaUri = PRINTER.parse()?;
    let trays =
        Attribute::complex("trays", [Attribute::new("value", Integer), Attribute::new("type", String)]);
    let printer = Schema::new(
        uri.clone(),
        "Printer",
        "What prints",
        [
            Attribute::new("serial", String).required().case_exact().with_uniqueness(Uniqueness::Server),
            Attribute::new("place", String),
            trays.multi_valued(),
        ],
    )?;
    let kind = ResourceType::new("Printer", uri).with_display("serial");
    let builder = Registry::builder().rfc7643().schema(printer).resource_type(kind);
    Ok(builder.extension("Printer", Schema::from_json(LEASE)?, false).build()?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let service = ScimService::builder(MemoryStore::new()).registry(registry()?).build();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    Ok(serve::serve(listener, service, serve::ServeOptions::default(), serve::shutdown_signal()).await?)
}
