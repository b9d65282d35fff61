//! From what was written to what a schema allows: [`Filter`](crate::Filter) to [`ResolvedFilter`].

mod attr;
mod error;
mod filter;
mod path;
mod value;

use std::sync::Arc;

pub use attr::ResolvedAttr;
pub use error::ResolveError;
pub use filter::{ResolvedComparison, ResolvedFilter};
pub use path::ResolvedPath;
pub use value::{InstantValue, StringValue, TypedValue};

use crate::types::{CaseRule, DataType};

/// What resolution needs to know of an attribute or a sub-attribute.
pub trait AttributeDef {
    /// The name in its registered spelling.
    fn name(&self) -> &str;

    /// The name as shared text. Worth overriding where the name is already kept so: resolution then copies nothing.
    fn shared_name(&self) -> Arc<str> {
        self.name().into()
    }

    /// The data type of one value.
    fn data_type(&self) -> DataType;

    /// Whether the attribute has a list of values.
    fn is_multi_valued(&self) -> bool;

    /// How its strings compare.
    fn case_rule(&self) -> CaseRule;

    /// Whether filters and sorting may use it.
    ///
    /// False for an attribute that is never returned, such as `password`: a filter on it would reveal its value piece by
    /// piece (RFC 7643, 7: `returned`).
    fn is_filterable(&self) -> bool;

    /// The sub-attribute of a complex attribute, its name taken without regard to case.
    fn sub_attribute(&self, name: &str) -> Option<&Self>;

    /// The sub-attributes that filters may use, where the attribute has others besides; `None` where they may use all.
    ///
    /// A value that has nothing but those others counts as absent: that it is there is not to be told either.
    fn filterable_sub_attributes(&self) -> Option<Vec<&Self>> {
        None
    }
}

/// What resolution needs to know of one resource type's schemas.
pub trait SchemaView {
    /// How this view describes an attribute.
    type Attribute: AttributeDef;

    /// Which of the type's schemas has this URI, compared without regard to case.
    fn schema(&self, uri: &str) -> Option<SchemaKind>;

    /// The top-level attribute of a schema, its name taken without regard to case.
    ///
    /// The base schema has the common attributes too: `schemas`, `id`, `externalId` and `meta`.
    fn attribute(&self, schema: &SchemaKind, name: &str) -> Option<&Self::Attribute>;

    /// The top-level attribute that goes by a URN, such as a schema inside a schema of RFC 9944, which a path names with
    /// or without its schema's URI in front and perhaps a sub-attribute behind. Asked for paths that name no attribute
    /// by the rules of RFC 7644. Default: there is none.
    fn attribute_by_urn<'p>(&self, path: &'p str) -> Option<(SchemaKind, &Self::Attribute, Option<&'p str>)> {
        let _ = path;
        None
    }
}

impl<V: SchemaView + ?Sized> SchemaView for &V {
    type Attribute = V::Attribute;

    fn schema(&self, uri: &str) -> Option<SchemaKind> {
        (**self).schema(uri)
    }

    fn attribute(&self, schema: &SchemaKind, name: &str) -> Option<&Self::Attribute> {
        (**self).attribute(schema, name)
    }

    fn attribute_by_urn<'p>(&self, path: &'p str) -> Option<(SchemaKind, &Self::Attribute, Option<&'p str>)> {
        (**self).attribute_by_urn(path)
    }
}

impl<V: SchemaView + ?Sized> SchemaView for Arc<V> {
    type Attribute = V::Attribute;

    fn schema(&self, uri: &str) -> Option<SchemaKind> {
        (**self).schema(uri)
    }

    fn attribute(&self, schema: &SchemaKind, name: &str) -> Option<&Self::Attribute> {
        (**self).attribute(schema, name)
    }

    fn attribute_by_urn<'p>(&self, path: &'p str) -> Option<(SchemaKind, &Self::Attribute, Option<&'p str>)> {
        (**self).attribute_by_urn(path)
    }
}

/// One of the schemas of a resource type.
///
/// Complete by definition.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SchemaKind {
    /// The base schema, whose attributes are at the top of a resource.
    Base,
    /// An extension, whose attributes are in an object named by its URI, which is here in its registered spelling.
    Extension(Arc<str>),
}

/// How to resolve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResolveOptions {
    /// What an attribute or a schema that the resource type does not have means.
    pub unknown: UnknownAttributes,
    /// Whether the strings `"true"` and `"false"`, in any case, are booleans where the attribute is one.
    ///
    /// Off by default. Microsoft Entra writes `[primary eq "True"]`.
    pub string_booleans: bool,
}

impl ResolveOptions {
    /// Sets what an unknown attribute means.
    #[must_use]
    pub const fn with_unknown(self, unknown: UnknownAttributes) -> Self {
        Self { unknown, ..self }
    }

    /// Sets whether strings may stand for booleans.
    #[must_use]
    pub const fn with_string_booleans(self, string_booleans: bool) -> Self {
        Self { string_booleans, ..self }
    }
}

/// What a filter on an attribute that the resource type does not have means.
///
/// Complete by definition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnknownAttributes {
    /// The filter is refused. For queries of one resource type.
    #[default]
    Refuse,
    /// The attribute has no value. For queries of several resource types: "For filtered attributes that are not part of a
    /// particular resource type, the service provider SHALL treat the attribute as if there is no attribute value" (RFC
    /// 7644, 3.4.2.1).
    NoValue,
}
