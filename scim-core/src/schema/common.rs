use std::sync::LazyLock;

use scim_filter::DataType;

use super::{Attribute, Mutability, Returned, Uniqueness};

/// The attributes that every resource has, whatever its schema says: `schemas`, `id`, `externalId` and `meta`
/// (RFC 7643 section 3.1).
#[must_use]
pub fn common_attributes() -> &'static [Attribute] {
    static ATTRIBUTES: LazyLock<Vec<Attribute>> = LazyLock::new(|| {
        let server = |name, data_type| {
            Attribute::new(name, data_type).with_mutability(Mutability::ReadOnly).case_exact()
        };
        vec![
            Attribute::new("schemas", DataType::String)
                .with_description("The URIs of the schemas that the resource uses.")
                .multi_valued()
                .required()
                .with_returned(Returned::Always),
            server("id", DataType::String)
                .with_description("The identifier that the server has given the resource.")
                .with_returned(Returned::Always)
                .with_uniqueness(Uniqueness::Server),
            Attribute::new("externalId", DataType::String)
                .with_description("The identifier that the client has given the resource.")
                .case_exact(),
            Attribute::complex(
                "meta",
                [
                    server("resourceType", DataType::String),
                    server("created", DataType::DateTime),
                    server("lastModified", DataType::DateTime),
                    server("location", DataType::Reference),
                    server("version", DataType::String),
                ],
            )
            .with_description("What the server says about the resource.")
            .with_mutability(Mutability::ReadOnly),
        ]
    });
    &ATTRIBUTES
}
