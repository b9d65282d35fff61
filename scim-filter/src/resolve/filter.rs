//! Filters that a schema has checked.

use std::fmt;

use super::attr::{Found, Target};
use super::error::name;
use super::{
    AttributeDef, ResolveError, ResolveOptions, ResolvedAttr, SchemaView, TypedValue, UnknownAttributes,
};
use crate::ast::{CompareOp, Comparison, Filter, Literal, Terms, ValuePath};
use crate::eval::NoParts;
use crate::path::AttrPath;
use crate::types::DataType;

/// A filter whose attributes exist, whose operators suit their types, and whose values are of those types.
///
/// It owns what it holds. `Display` prints it as a filter. Compared to the [`Filter`] it came from:
///
/// - names are in their registered spelling;
/// - `emails co "x"` is `emails.value co "x"`;
/// - `a eq null` is `not (a pr)`, and `a ne null` is `a pr`;
/// - an attribute that has no value by [`UnknownAttributes::NoValue`] has left a [`Constant`](Self::Constant).
///
/// Complete by definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResolvedFilter {
    /// All of these hold. Two at least.
    And(Vec<Self>),
    /// At least one of these holds. Two at least.
    Or(Vec<Self>),
    /// This does not hold.
    Not(Box<Self>),
    /// The attribute compares to a value.
    Compare(ResolvedComparison),
    /// The attribute has a value.
    Present(ResolvedAttr),
    /// One and the same value of the attribute meets the filter.
    ValuePath {
        /// The attribute.
        attr: ResolvedAttr,
        /// The filter, whose attributes are sub-attributes of `attr`.
        filter: Box<Self>,
    },
    /// Every resource matches, or none does.
    ///
    /// Only the whole filter, or all of what is inside `[ ]` or `not ( )`, is one.
    Constant(bool),
}

/// A comparison that a schema has checked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResolvedComparison {
    /// The attribute, which is not complex.
    pub attr: ResolvedAttr,
    /// The operator, which suits the attribute's type.
    pub op: CompareOp,
    /// The value, which is of the attribute's type.
    pub value: TypedValue,
}

impl ResolvedComparison {
    /// A comparison of an attribute, for a query that no client wrote.
    ///
    /// # Errors
    ///
    /// If the attribute is complex, or the operator or the value does not suit its type. `null` suits none.
    pub fn new(
        attr: ResolvedAttr,
        op: CompareOp,
        value: &Literal<'_>,
        options: &ResolveOptions,
    ) -> Result<Self, ResolveError> {
        let value = TypedValue::read(&attr, op, value, options)?;
        Ok(Self { attr, op, value })
    }
}

impl Filter<'_> {
    /// Checks the filter against the schemas of a resource type.
    ///
    /// # Errors
    ///
    /// If the resource type has no such attribute (unless [`ResolveOptions::unknown`] lets it be), the attribute may not be
    /// filtered by, or the operator or the value does not suit the attribute's type.
    pub fn resolve<V: SchemaView + ?Sized>(
        &self,
        view: &V,
        options: &ResolveOptions,
    ) -> Result<ResolvedFilter, ResolveError> {
        Scope::Resource(view).filter(self, options)
    }
}

/// Where the names of a filter are looked up.
pub(super) enum Scope<'s, V: SchemaView + ?Sized> {
    /// Among the attributes of the resource type.
    Resource(&'s V),
    /// Inside `[ ]`: among the sub-attributes of this attribute.
    Value(&'s V::Attribute, &'s ResolvedAttr),
}

impl<'s, V: SchemaView + ?Sized> Scope<'s, V> {
    pub(super) fn filter(
        &self,
        filter: &Filter<'_>,
        options: &ResolveOptions,
    ) -> Result<ResolvedFilter, ResolveError> {
        match filter {
            Filter::And(terms) => self.terms(terms, options, true),
            Filter::Or(terms) => self.terms(terms, options, false),
            Filter::Not(filter) => Ok(self.filter(filter, options)?.negate()),
            Filter::Compare(comparison) => self.compare(comparison, options),
            Filter::Present(attr) => match self.find(attr, options)? {
                Some(found) => Ok(self.present(&found)),
                None => Ok(ResolvedFilter::Constant(false)),
            },
            Filter::ValuePath(path) => self.value_path(path, options),
        }
    }

    /// Resolves the terms of an `and` (which one false term decides) or an `or` (which one true term decides).
    fn terms(
        &self,
        terms: &Terms<'_>,
        options: &ResolveOptions,
        all: bool,
    ) -> Result<ResolvedFilter, ResolveError> {
        let mut resolved = Vec::with_capacity(terms.as_slice().len());
        let mut decided = false;
        for term in terms {
            match self.filter(term, options)? {
                ResolvedFilter::Constant(value) => decided |= value != all,
                term => resolved.push(term),
            }
        }
        if decided {
            return Ok(ResolvedFilter::Constant(!all));
        }
        Ok(match resolved.len() {
            0 => ResolvedFilter::Constant(all),
            1 => resolved.pop().unwrap_or(ResolvedFilter::Constant(all)),
            _ if all => ResolvedFilter::And(resolved),
            _ => ResolvedFilter::Or(resolved),
        })
    }

    fn compare(
        &self,
        comparison: &Comparison<'_>,
        options: &ResolveOptions,
    ) -> Result<ResolvedFilter, ResolveError> {
        let Comparison { attr: path, op, value } = comparison;
        let Some(found) = self.find(path, options)? else {
            // What has no value is not identical to any, and identical to `null`.
            let holds = if *value == Literal::Null { *op == CompareOp::Eq } else { *op == CompareOp::Ne };
            return Ok(ResolvedFilter::Constant(holds));
        };
        if *value == Literal::Null {
            let present = self.present(&found);
            return match op {
                CompareOp::Eq => Ok(present.negate()),
                CompareOp::Ne => Ok(present),
                _ => Err(ResolveError::NullNotAllowed { attribute: name(path.as_str()), op: *op }),
            };
        }
        let attr = match self {
            Self::Resource(_) => found.to_simple_attr(path)?,
            Self::Value(..) => self.to_attr(&found),
        };
        if attr.data_type() == DataType::Complex {
            return Err(ResolveError::NeedsSubAttribute { attribute: name(path.as_str()) });
        }
        let Some(part) =
            found.part_of_seen(&attr).filter(|part| *op == CompareOp::Ne || part.is_assumed_false())
        else {
            return ResolvedComparison::new(attr, *op, value, options).map(ResolvedFilter::Compare);
        };
        // What holds where the part is missing would hold for a value that cannot be seen at all: ask the others only.
        let part = ResolvedComparison::new(part, *op, value, options).map(ResolvedFilter::Compare)?;
        let parent = attr.parent().unwrap_or(attr);
        let filter = Box::new(of_seen(found.attribute, part));
        let any = ResolvedFilter::ValuePath { attr: parent, filter };
        Ok(match op {
            CompareOp::Ne => ResolvedFilter::Or(vec![self.present(&found.whole()).negate(), any]),
            _ => any,
        })
    }

    fn value_path(
        &self,
        path: &ValuePath<'_>,
        options: &ResolveOptions,
    ) -> Result<ResolvedFilter, ResolveError> {
        let Some(found) = self.find(&path.attr, options)? else { return Ok(ResolvedFilter::Constant(false)) };
        let attr = self.to_attr(&found);
        let inner = found.value_scope::<V>(&path.attr, &attr)?;
        let filter = match inner.filter(&path.filter, options)? {
            ResolvedFilter::Constant(false) => return Ok(ResolvedFilter::Constant(false)),
            filter => filter,
        };
        let filter = match of_seen(found.target(), filter) {
            ResolvedFilter::Constant(false) => return Ok(ResolvedFilter::Constant(false)),
            filter => filter,
        };
        Ok(ResolvedFilter::ValuePath { attr, filter: Box::new(filter) })
    }

    /// The attribute has a value, or of a value with parts that nobody may ask about, another part.
    fn present(&self, found: &Found<'s, V::Attribute>) -> ResolvedFilter {
        let attr = self.to_attr(found);
        match found.parts().filter(|_| found.sub.is_none()) {
            None => ResolvedFilter::Present(attr),
            Some(parts) => any_of(parts.iter().map(|part| ResolvedFilter::Present(part.to_attr())).collect()),
        }
    }

    /// The attribute that a path names, or nothing if it counts as one without a value.
    fn find(
        &self,
        path: &AttrPath<'_>,
        options: &ResolveOptions,
    ) -> Result<Option<Found<'s, V::Attribute>>, ResolveError> {
        let found = match self {
            Self::Resource(view) => Target::find(*view, path).and_then(|target| match target {
                Target::Attribute(found) => Ok(found),
                Target::Schema(_) => Err(ResolveError::NotAnAttribute { schema: name(path.as_str()) }),
            }),
            Self::Value(parent, _) => Found::within(*parent, path),
        };
        match found {
            Ok(found) => {
                found.check_filterable(path)?;
                Ok(Some(found))
            }
            Err(error) if options.unknown == UnknownAttributes::NoValue && error.is_unknown() => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn to_attr(&self, found: &Found<'s, V::Attribute>) -> ResolvedAttr {
        match self {
            Self::Value(parent, attr) if parent.data_type() != DataType::Complex => attr.of_value(),
            _ => found.to_attr(),
        }
    }
}

impl<'s, A: AttributeDef> Found<'s, A> {
    /// The scope inside the brackets after this attribute.
    pub(super) fn value_scope<V>(
        &self,
        path: &AttrPath<'_>,
        attr: &'s ResolvedAttr,
    ) -> Result<Scope<'s, V>, ResolveError>
    where
        V: SchemaView<Attribute = A> + ?Sized,
    {
        let target = self.target();
        if target.data_type() != DataType::Complex && !target.is_multi_valued() {
            return Err(ResolveError::NotComplex { attribute: name(path.as_str()) });
        }
        Ok(Scope::Value(target, attr))
    }
}

/// A filter inside the brackets, for those values only of which something can be seen.
///
/// To a filter a value of nothing but parts that nobody may ask about is empty, so only one that holds for an empty value
/// needs to say that it wants more.
pub(super) fn of_seen<A: AttributeDef>(attribute: &A, filter: ResolvedFilter) -> ResolvedFilter {
    let Some(parts) = attribute.filterable_sub_attributes() else { return filter };
    if !filter.matches_value(NoParts) {
        return filter;
    }
    let part = |part| ResolvedFilter::Present(Found::part(part).to_attr());
    match any_of(parts.into_iter().map(part).collect()) {
        ResolvedFilter::Constant(false) => ResolvedFilter::Constant(false),
        seen if filter == ResolvedFilter::Constant(true) => seen,
        seen => ResolvedFilter::And(vec![seen, filter]),
    }
}

/// One of several; none of no one.
fn any_of(mut terms: Vec<ResolvedFilter>) -> ResolvedFilter {
    match terms.len() {
        0 => ResolvedFilter::Constant(false),
        1 => terms.pop().unwrap_or(ResolvedFilter::Constant(false)),
        _ => ResolvedFilter::Or(terms),
    }
}

impl ResolvedFilter {
    fn negate(self) -> Self {
        match self {
            Self::Constant(value) => Self::Constant(!value),
            filter => Self::Not(Box::new(filter)),
        }
    }
}

impl fmt::Display for ResolvedFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (terms, separator) = match self {
            Self::And(terms) => (terms, " and "),
            Self::Or(terms) => (terms, " or "),
            Self::Not(filter) => return write!(f, "not ({filter})"),
            Self::Compare(ResolvedComparison { attr, op, value }) => return write!(f, "{attr} {op} {value}"),
            Self::Present(attr) => return write!(f, "{attr} pr"),
            Self::ValuePath { attr, filter } => return write!(f, "{attr}[{filter}]"),
            Self::Constant(value) => return write!(f, "{value}"),
        };
        for (index, term) in terms.iter().enumerate() {
            if index > 0 {
                f.write_str(separator)?;
            }
            let in_brackets = match term {
                Self::Or(_) => true,
                Self::And(_) => matches!(self, Self::And(_)),
                _ => false,
            };
            if in_brackets {
                write!(f, "({term})")?;
            } else {
                write!(f, "{term}")?;
            }
        }
        Ok(())
    }
}
