//! Attributes as a schema knows them.

use std::fmt;
use std::sync::Arc;

use super::error::name;
use super::{AttributeDef, ResolveError, ResolvedPath, SchemaKind, SchemaView};
use crate::path::AttrPath;
use crate::types::{CaseRule, DataType};

/// An attribute, or a sub-attribute of one, that a resource type has.
///
/// Names are in their registered spelling. Inside `[ ]` names are those of sub-attributes: there `type` is an attribute
/// with no extension and no sub-attribute. Cheap to clone.
///
/// `Display` prints the canonical path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ResolvedAttr {
    extension: Option<Arc<str>>,
    name: Arc<str>,
    sub: Option<Arc<str>>,
    data_type: DataType,
    case_rule: CaseRule,
    multi_valued: bool,
    assumed_false: bool,
    /// The parts that can be seen of a value that has others too, by which values are chosen to sort by.
    seen: Option<Arc<[Arc<str>]>>,
}

impl ResolvedAttr {
    /// The URI of the extension that the attribute is of; `None` for an attribute of the base schema.
    pub fn extension(&self) -> Option<&str> {
        self.extension.as_deref()
    }

    /// The name of the attribute.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of the sub-attribute.
    pub fn sub(&self) -> Option<&str> {
        self.sub.as_deref()
    }

    /// The type of the target: of the sub-attribute, if there is one.
    pub fn data_type(&self) -> DataType {
        self.data_type
    }

    /// How strings of the target compare; [`CaseRule::Exact`] for a complex one, which has no strings of its own.
    pub fn case_rule(&self) -> CaseRule {
        self.case_rule
    }

    /// Whether the attribute (not its sub-attribute) has a list of values.
    pub fn is_multi_valued(&self) -> bool {
        self.multi_valued
    }

    /// Whether a value without the target counts as one that says `false`: `primary` of a multi-valued attribute.
    ///
    /// "If not specified, the value of "primary" SHALL be assumed to be "false"" (RFC 7643 section 2.4). It does not count as
    /// present for all that.
    pub fn is_assumed_false(&self) -> bool {
        self.assumed_false
    }

    /// The names of those parts of a value of a multi-valued complex attribute that filters and sorting may use, where it
    /// has others besides; else `None`.
    pub(crate) fn seen(&self) -> Option<&[Arc<str>]> {
        self.seen.as_deref()
    }

    /// The attribute without its sub-attribute, as which it has the type [`Complex`](DataType::Complex).
    pub fn parent(&self) -> Option<Self> {
        self.sub.as_ref()?;
        Some(Self {
            sub: None,
            data_type: DataType::Complex,
            case_rule: CaseRule::Exact,
            assumed_false: false,
            ..self.clone()
        })
    }
}

impl fmt::Display for ResolvedAttr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(extension) = &self.extension {
            write!(f, "{extension}:")?;
        }
        f.write_str(&self.name)?;
        if let Some(sub) = &self.sub {
            write!(f, ".{sub}")?;
        }
        Ok(())
    }
}

impl AttrPath<'_> {
    /// Finds what the path names: an attribute, a sub-attribute, an extension as a whole, or the resource as a whole. For
    /// the `attributes` and `excludedAttributes` parameters.
    ///
    /// # Errors
    ///
    /// If the resource type has no such schema, attribute or sub-attribute.
    pub fn resolve<V: SchemaView + ?Sized>(&self, view: &V) -> Result<ResolvedPath, ResolveError> {
        Ok(match Target::find(view, self)? {
            Target::Schema(SchemaKind::Base) => ResolvedPath::Resource,
            Target::Schema(SchemaKind::Extension(uri)) => ResolvedPath::Extension(uri),
            Target::Attribute(found) => ResolvedPath::Attribute { attr: found.to_attr(), filter: None },
        })
    }

    /// Finds the attribute to sort by (RFC 7644, 3.4.2.3). For the `sortBy` parameter.
    ///
    /// A multi-valued complex attribute stands for its `value` sub-attribute.
    ///
    /// # Errors
    ///
    /// If the resource type has no such attribute, or it is complex without a sub-attribute to take, or is never returned,
    /// so that its order would reveal it.
    pub fn resolve_sort<V: SchemaView + ?Sized>(&self, view: &V) -> Result<ResolvedAttr, ResolveError> {
        match Target::find(view, self)? {
            Target::Schema(_) => Err(ResolveError::NotAnAttribute { schema: name(self.as_str()) }),
            Target::Attribute(found) => {
                found.check_filterable(self)?;
                found.to_simple_attr(self)
            }
        }
    }
}

/// What an attribute path names.
pub(super) enum Target<'s, A> {
    Schema(SchemaKind),
    Attribute(Found<'s, A>),
}

/// An attribute of a schema, and perhaps a sub-attribute of it.
pub(super) struct Found<'s, A> {
    pub(super) extension: Option<Arc<str>>,
    pub(super) attribute: &'s A,
    pub(super) sub: Option<&'s A>,
    /// Whether the target is part of a value of a multi-valued attribute.
    of_many: bool,
}

impl<'s, A: AttributeDef> Target<'s, A> {
    /// Finds what a path names: the longest registered URI first, then the attribute after the last colon.
    pub(super) fn find<V>(view: &'s V, path: &AttrPath<'_>) -> Result<Self, ResolveError>
    where
        V: SchemaView<Attribute = A> + ?Sized,
    {
        let (schema, attribute, sub) = match Self::find_by_name(view, path) {
            Ok(found) => found,
            Err(error) => match path.schema().and_then(|_| view.attribute_by_urn(path.as_str())) {
                Some((schema, attribute, sub)) => (schema, Some(attribute), sub),
                None => return Err(error),
            },
        };
        let Some(attribute) = attribute else { return Ok(Self::Schema(schema)) };
        let extension = match schema {
            SchemaKind::Base => None,
            SchemaKind::Extension(uri) => Some(uri),
        };
        let sub = sub.map(|sub| find_sub(attribute, sub)).transpose()?;
        let of_many = sub.is_some() && attribute.is_multi_valued();
        Ok(Self::Attribute(Found { extension, attribute, sub, of_many }))
    }

    /// As RFC 7644 splits paths: a schema, an attribute of it and the name of a sub-attribute.
    fn find_by_name<'p, V>(
        view: &'s V,
        path: &'p AttrPath<'_>,
    ) -> Result<(SchemaKind, Option<&'s A>, Option<&'p str>), ResolveError>
    where
        V: SchemaView<Attribute = A> + ?Sized,
    {
        let schema = match path.schema() {
            None => SchemaKind::Base,
            Some(uri) => {
                if let Some(schema) = view.schema(path.as_str()) {
                    return Ok((schema, None, None));
                }
                view.schema(uri).ok_or_else(|| ResolveError::UnknownSchema { schema: name(uri) })?
            }
        };
        let attribute = view
            .attribute(&schema, path.name())
            .ok_or_else(|| ResolveError::UnknownAttribute { attribute: name(path.as_str()) })?;
        Ok((schema, Some(attribute), path.sub()))
    }
}

/// A sub-attribute by its name.
fn find_sub<'s, A: AttributeDef>(attribute: &'s A, sub: &str) -> Result<&'s A, ResolveError> {
    if attribute.data_type() != DataType::Complex {
        return Err(ResolveError::NotComplex { attribute: attribute.name().to_owned() });
    }
    attribute.sub_attribute(sub).ok_or_else(|| ResolveError::UnknownSubAttribute {
        attribute: attribute.name().to_owned(),
        sub: name(sub),
    })
}

impl<'s, A: AttributeDef> Found<'s, A> {
    /// What a path inside `[ ]` names: a sub-attribute of the parent.
    ///
    /// NB: `schemas[value eq "x"]`: the values of a simple attribute go by the name `value` (RFC 7643, 2.4).
    pub(super) fn within(parent: &'s A, path: &AttrPath<'_>) -> Result<Self, ResolveError> {
        let simple = parent.data_type() != DataType::Complex;
        if path.schema().is_some()
            || path.sub().is_some()
            || (simple && !path.name().eq_ignore_ascii_case("value"))
        {
            return Err(ResolveError::UnknownSubAttribute {
                attribute: parent.name().to_owned(),
                sub: name(path.as_str()),
            });
        }
        let attribute = if simple { parent } else { find_sub(parent, path.name())? };
        Ok(Self { extension: None, attribute, sub: None, of_many: !simple && parent.is_multi_valued() })
    }

    /// The attribute that is compared.
    pub(super) fn target(&self) -> &'s A {
        self.sub.unwrap_or(self.attribute)
    }

    pub(super) fn to_attr(&self) -> ResolvedAttr {
        let target = self.target();
        ResolvedAttr {
            extension: self.extension.clone(),
            name: self.attribute.shared_name(),
            sub: self.sub.map(AttributeDef::shared_name),
            data_type: target.data_type(),
            case_rule: match target.data_type() {
                DataType::Complex => CaseRule::Exact,
                _ => target.case_rule(),
            },
            multi_valued: self.attribute.is_multi_valued(),
            assumed_false: self.of_many
                && target.data_type() == DataType::Boolean
                && target.name().eq_ignore_ascii_case("primary"),
            seen: self.parts().filter(|_| self.attribute.is_multi_valued()).map(|parts| {
                parts.iter().filter_map(|part| part.sub).map(AttributeDef::shared_name).collect()
            }),
        }
    }

    /// Those parts of a complex attribute that filters may use, where it has others besides.
    pub(super) fn parts(&self) -> Option<Vec<Self>> {
        let parts = self.attribute.filterable_sub_attributes()?;
        let part = |sub| Found {
            extension: self.extension.clone(),
            attribute: self.attribute,
            sub: Some(sub),
            of_many: self.attribute.is_multi_valued(),
        };
        Some(parts.into_iter().map(part).collect())
    }

    /// The compared part as it is named inside the brackets, where values may have nothing but other parts that filters
    /// may not use.
    pub(super) fn part_of_seen(&self, compared: &ResolvedAttr) -> Option<ResolvedAttr> {
        let sub = self.attribute.sub_attribute(compared.sub()?)?;
        if !self.attribute.is_multi_valued() || self.attribute.filterable_sub_attributes().is_none() {
            return None;
        }
        Some(Found { extension: None, attribute: sub, sub: None, of_many: true }.to_attr())
    }

    /// The attribute without the sub-attribute.
    pub(super) fn whole(&self) -> Self {
        Self { extension: self.extension.clone(), attribute: self.attribute, sub: None, of_many: false }
    }

    /// A part of a value, as it is named inside the brackets.
    pub(super) fn part(attribute: &'s A) -> Self {
        Self { extension: None, attribute, sub: None, of_many: false }
    }

    /// The attribute as one of simple values: a multi-valued complex attribute stands for its `value` sub-attribute.
    ///
    /// "emails co" in the examples of RFC 7644, 3.4.2.2 is the same as "emails.value co".
    pub(super) fn to_simple_attr(&self, path: &AttrPath<'_>) -> Result<ResolvedAttr, ResolveError> {
        if self.target().data_type() != DataType::Complex {
            return Ok(self.to_attr());
        }
        let value = match self.sub {
            None if self.attribute.is_multi_valued() => self.attribute.sub_attribute("value"),
            _ => None,
        };
        let needs_sub = || ResolveError::NeedsSubAttribute { attribute: name(path.as_str()) };
        let found = Found {
            extension: self.extension.clone(),
            attribute: self.attribute,
            sub: Some(value.ok_or_else(needs_sub)?),
            of_many: true,
        };
        found.check_filterable(path)?;
        Ok(found.to_attr())
    }

    pub(super) fn check_filterable(&self, path: &AttrPath<'_>) -> Result<(), ResolveError> {
        if self.attribute.is_filterable() && self.target().is_filterable() {
            Ok(())
        } else {
            Err(ResolveError::NotFilterable { attribute: name(path.as_str()) })
        }
    }
}

impl ResolvedAttr {
    /// The name of the value itself, inside the brackets of a simple attribute.
    pub(super) fn of_value(&self) -> Self {
        Self { extension: None, name: "value".into(), multi_valued: false, ..self.clone() }
    }
}
