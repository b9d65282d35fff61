//! Targets of PATCH operations that a schema has checked.

use std::fmt;
use std::sync::Arc;

use super::attr::{Found, Target};
use super::error::name;
use super::filter::of_seen;
use super::{
    AttributeDef as _, ResolveError, ResolveOptions, ResolvedAttr, ResolvedFilter, SchemaKind, SchemaView,
};
use crate::path::{AttrPath, Path};

/// What a path names in a resource type.
///
/// Complete by definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResolvedPath {
    /// The URI of the base schema: the resource as a whole.
    Resource,
    /// The URI of an extension: all of its attributes.
    Extension(Arc<str>),
    /// An attribute.
    Attribute {
        /// The attribute, and the sub-attribute if one is named, before the filter or after it.
        attr: ResolvedAttr,
        /// Selects values of the attribute. Its attributes are sub-attributes of `attr`.
        filter: Option<ResolvedFilter>,
    },
}

impl Path<'_> {
    /// Checks the path against the schemas of a resource type.
    ///
    /// The target may be an attribute that is never returned; those in the filter may not.
    ///
    /// # Errors
    ///
    /// If the resource type has no such attribute, if an attribute without sub-attributes is filtered or given one, or if
    /// the filter does not [resolve](crate::Filter::resolve). The options apply to the filter only, and a name that is not
    /// known is refused whatever they say.
    pub fn resolve<V: SchemaView + ?Sized>(
        &self,
        view: &V,
        options: &ResolveOptions,
    ) -> Result<ResolvedPath, ResolveError> {
        let Some(filter) = self.filter() else { return self.attr().resolve(view) };
        let mut found = match Target::find(view, self.attr())? {
            Target::Schema(_) => {
                return Err(ResolveError::NotAnAttribute { schema: name(self.attr().as_str()) });
            }
            Target::Attribute(found) if found.sub.is_some() => {
                return Err(ResolveError::NotComplex { attribute: name(self.attr().as_str()) });
            }
            Target::Attribute(found) => found,
        };
        found.check_filterable(self.attr())?;
        let attr = found.to_attr();
        let options = options.with_unknown(super::UnknownAttributes::Refuse);
        let filter = found.value_scope::<V>(self.attr(), &attr)?.filter(filter, &options)?;
        let filter = of_seen(found.attribute, filter);
        let attr = match &self.sub {
            None => attr,
            Some(sub) => {
                let path = AttrPath::from_name(sub);
                if found.attribute.data_type() != crate::types::DataType::Complex {
                    return Err(ResolveError::NotComplex { attribute: name(self.attr().as_str()) });
                }
                found.sub = Some(Found::within(found.attribute, &path)?.attribute);
                found.to_attr()
            }
        };
        Ok(ResolvedPath::Attribute { attr, filter: Some(filter) })
    }
}

impl fmt::Display for ResolvedPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resource => Ok(()),
            Self::Extension(uri) => f.write_str(uri),
            Self::Attribute { attr, filter: None } => attr.fmt(f),
            Self::Attribute { attr, filter: Some(filter) } => {
                write!(f, "{}[{filter}]", attr.parent().as_ref().unwrap_or(attr))?;
                match attr.sub() {
                    Some(sub) => write!(f, ".{sub}"),
                    None => Ok(()),
                }
            }
        }
    }
}

impl From<SchemaKind> for ResolvedPath {
    fn from(schema: SchemaKind) -> Self {
        match schema {
            SchemaKind::Base => Self::Resource,
            SchemaKind::Extension(uri) => Self::Extension(uri),
        }
    }
}
