//! A type of an application's own, with the characteristics and data types that the RFC's schemas do not use.

use std::sync::Arc;

use scim_core::schema::{Mutability, Returned, Uniqueness};
use scim_core::scim_filter::DataType;
use scim_core::{Attribute, Registry, ResourceType, Schema};

use crate::common::*;

pub(crate) const ASSET: &str = "urn:example:schemas:Asset";
pub(crate) const OWNER: &str = "urn:example:schemas:Owner";

/// A registry with one type of one schema.
pub(crate) fn registry_of(schema: Schema, name: &str) -> Arc<Registry> {
    let kind = ResourceType::new(name, schema.id().clone());
    Arc::new(Registry::new([Arc::new(schema)], [kind]).unwrap())
}

/// Assets at `/Assets`, with an extension that every asset must have.
pub(crate) fn registry() -> Arc<Registry> {
    let string = |name: &str| Attribute::new(name, DataType::String);
    let schema = Schema::new(
        ASSET.parse().unwrap(),
        "Asset",
        "A thing that somebody looks after",
        [
            string("label").required(),
            string("serial")
                .with_mutability(Mutability::Immutable)
                .with_uniqueness(Uniqueness::Server)
                .case_exact(),
            string("tag").with_uniqueness(Uniqueness::Global),
            string("place").with_mutability(Mutability::Immutable),
            string("firmware").with_returned(Returned::Always),
            string("notes").with_returned(Returned::Request),
            string("secret").with_mutability(Mutability::WriteOnly).with_returned(Returned::Never),
            string("grade").with_canonical_values(["A", "B"]).restrict(),
            string("state").with_mutability(Mutability::ReadOnly),
            string("aliases").multi_valued(),
            Attribute::complex(
                "box",
                [
                    string("size"),
                    string("seal").with_mutability(Mutability::Immutable),
                    string("pin").with_returned(Returned::Never),
                    string("depth").with_returned(Returned::Request),
                ],
            ),
            Attribute::new("weight", DataType::Decimal),
            Attribute::new("ports", DataType::Integer),
            Attribute::new("bought", DataType::DateTime),
            Attribute::new("key", DataType::Binary),
            Attribute::new("manual", DataType::Reference).with_reference_types(["external"]),
            Attribute::new("insured", DataType::Boolean),
        ],
    )
    .unwrap();
    let owner = Schema::new(
        OWNER.parse().unwrap(),
        "Owner",
        "Who has it",
        [string("name").required(), string("room")],
    )
    .unwrap();
    let kind =
        ResourceType::new("Asset", ASSET.parse().unwrap()).with_extension(OWNER.parse().unwrap(), true);
    Arc::new(Registry::new([Arc::new(schema), Arc::new(owner)], [kind]).unwrap())
}

/// Servers of assets, one for each store and each set of quirks.
pub(crate) fn servers() -> impl Iterator<Item = Server> {
    let registry = registry();
    Server::all_with(move |builder| builder.registry(registry.clone()))
}

/// An asset with these attributes besides the required ones.
pub(crate) fn asset(attributes: Value) -> Value {
    let mut body = json!({"schemas": [ASSET, OWNER], "label": "L", OWNER: {"name": "ann"}});
    body.as_object_mut().unwrap().extend(attributes.as_object().unwrap().clone());
    body
}

impl Server {
    /// Creates an asset; its path.
    pub(crate) async fn asset(&self, attributes: Value) -> String {
        let created = self.post("/Assets", &asset(attributes)).await.expect(201);
        format!("/Assets/{}", created.id())
    }

    /// How many assets a filter finds.
    pub(crate) async fn count(&self, filter: &str) -> u64 {
        self.filter("/Assets", filter).await.expect(200).json()["totalResults"].as_u64().unwrap()
    }
}
