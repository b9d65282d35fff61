//! The resource model of SCIM 2.0: schemas, validation, PATCH and projection (RFC 7643, RFC 7644).
//!
//! It turns what a client has sent into what a server stores and answers, and says what is wrong with it in words that
//! help. It knows no HTTP, no storage, no clock and no randomness, and never waits: those are `scim-server`'s. Filters
//! and paths are [`scim_filter`]'s.
//!
//! ```
//! use scim_core::validate::validate_new;
//! use scim_core::{Object, PatchLimits, PatchRequest, Quirks, Registry, Value};
//!
//! let quirks = Quirks::interop();
//! let registry = Registry::rfc7643();
//! let users = registry.by_name("User").ok_or("no User")?;
//! let object = |json: &str| match Value::from_slice(json.as_bytes()) {
//!     Ok(Value::Object(object)) => Ok(object),
//!     other => Err(format!("no JSON object: {other:?}")),
//! };
//!
//! let body = object(r#"{"userName":"bjensen","emails":[{"value":"b@example.com","type":"work"}]}"#)?;
//! let mut user = validate_new(users, body, &quirks)?.resource;
//!
//! let patch = object(
//!     r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
//!         "Operations":[{"op":"Replace","path":"emails[type eq \"work\"].value","value":"n@example.com"}]}"#,
//! )?;
//! let changes = PatchRequest::from_object(patch, &quirks, &PatchLimits::default())?.resolve(users, &quirks)?;
//! assert!(changes.apply(users, &mut user)?);
//! assert_eq!(user.get(None, "emails"), object(r#"{"e":[{"value":"n@example.com","type":"work"}]}"#)?.get("e"));
//!
//! let error = validate_new(users, object(r#"{"active":"maybe"}"#)?, &quirks).unwrap_err();
//! assert_eq!(
//!     error.to_string(),
//!     "`active` must be true or false, got the string `maybe`; `userName` is required and must not be empty"
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Main types
//!
//! - [`Value`] and [`Object`]: JSON with names that are compared without case, numbers kept to the last digit, and
//!   duplicate members refused.
//! - [`Schema`] and [`Attribute`]: from JSON or built; [`ResourceType`] and [`Registry`] put them together, and a
//!   [`TypeDefinition`] is all that a request for one type needs to know. A type or extension of your own is data.
//! - [`Resource`]: attributes in the form that the schemas ask for. [`User`], [`Group`] and [`EnterpriseUser`] are
//!   typed views.
//! - [`validate::validate_new`] for POST and [`validate::validate_replacement`] for PUT yield a [`Draft`], or a
//!   [`ValidationError`] that lists the problems with their paths.
//! - [`PatchRequest`] is a PATCH as it was sent, [`ChangeSet`] what it comes to for a type; [`ChangeSet::apply`] changes
//!   a resource, all or nothing.
//! - [`Projection`]: which attributes an answer shows.
//! - [`Quirks`]: the deviations that are tolerated, one [`Quirk`] each; [`QuirkUses`] counts which were needed.
//! - [`message`]: errors, lists and searches.
//!
//! # Limits
//!
//! | limit | default | set by |
//! |---|---|---|
//! | depth of JSON | 64, at most 256 | [`JsonLimits::depth`] |
//! | values in one JSON text | 1,000,000 | [`JsonLimits::values`] |
//! | operations of a PATCH | 1,000 | [`PatchLimits::operations`] |
//! | length, depth and terms of a PATCH path | those of [`scim_filter::Limits`] | [`PatchLimits::path`] |
//! | work of a PATCH | 2,000,000 values looked at | [`PatchLimits::work`] |
//! | bytes of a value that a PATCH sets in several elements | 1 MiB | [`PatchLimits::copies`] |
//! | issues that an error keeps | 100, and counts the others | fixed |
//! | length of an id | 512 bytes | fixed |
//!
//! The number of bytes that are read is the caller's to limit. The cost of everything else grows with the size of the
//! input, not with its square.
//!
//! # Features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `devices` | off | the module `packs::device`: devices and endpoint applications (RFC 9944) |
//! | `precis` | on | user names are held to RFC 8265 where the quirk `any_user_name` is off; its tables take seconds to build |
//! | `proptest` | off | the module `strategies`: users, groups, whole schemas and PATCH documents for property tests |
//!
//! # What of the RFCs is here
//!
//! RFC 7643 entirely, as far as it is about data: sections 2 to 4 and 7 are checked, 5 and 6 are in [`schema`] and
//! [`ResourceType`]. RFC 7644: the data of 3.3 (POST), 3.5.1 (PUT), 3.5.2 (PATCH), 3.9 (projection), 3.10 (notation),
//! 3.12 (errors), and the parameters of 3.4.2 and 3.4.3; RFC 9865: parameters, members and errors. Not here: bulk
//! operations (3.7).

#[doc(hidden)]
pub mod fuzzing;
pub mod ids;
pub mod message;
#[cfg(feature = "devices")]
pub mod packs;
pub mod patch;
mod projection;
mod quirk;
mod registry;
mod resource;
mod resource_type;
pub mod schema;
#[cfg(feature = "proptest")]
pub mod strategies;
pub mod urn;
pub mod validate;
mod value;

pub use ids::{ResourceId, SchemaUri, TenantId, Version};
pub use message::{QueryParams, ScimError, ScimType};
pub use patch::{ChangeSet, PatchError, PatchLimits, PatchRequest};
pub use projection::Projection;
pub use quirk::{Quirk, QuirkError, QuirkUses, Quirks};
pub use registry::{
    Derived, Extension, IncompatibleRegistry, Registry, RegistryBuilder, RegistryError, TypeDefinition,
};
pub use resource::{
    Address, EnterpriseUser, Group, GroupRef, Manager, Member, MultiValued, Name, Resource, TypedError, User,
};
pub use resource_type::{Relation, ResourceType, SchemaExtension};
pub use schema::{Attribute, Schema};
pub use scim_filter;
pub use validate::{Draft, RelationValues, ValidationError};
pub use value::{
    AttrName, JsonError, JsonErrorKind, JsonLimits, Number, NumberError, Object, Value, Values, excerpt,
    is_unseen, raw_members, write_json_string,
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
