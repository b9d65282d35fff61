//! Ways to look into a filter: which attributes it uses, and what an index can answer.

use crate::ast::{CompareOp, Filter};
use crate::path::AttrPath;
use crate::resolve::{ResolvedAttr, ResolvedComparison, ResolvedFilter, TypedValue};

impl<'a> Filter<'a> {
    /// Calls `visit` with each attribute path from left to right, and with that of the `[ ]` around it if there is one.
    pub fn for_each_attr<'f>(&'f self, mut visit: impl FnMut(&'f AttrPath<'a>, Option<&'f AttrPath<'a>>)) {
        self.walk(None, &mut visit);
    }

    fn walk<'f>(
        &'f self,
        parent: Option<&'f AttrPath<'a>>,
        visit: &mut impl FnMut(&'f AttrPath<'a>, Option<&'f AttrPath<'a>>),
    ) {
        match self {
            Self::And(terms) | Self::Or(terms) => terms.iter().for_each(|term| term.walk(parent, visit)),
            Self::Not(filter) => filter.walk(parent, visit),
            Self::Compare(comparison) => visit(&comparison.attr, parent),
            Self::Present(attr) => visit(attr, parent),
            Self::ValuePath(path) => {
                visit(&path.attr, parent);
                path.filter.walk(Some(&path.attr), visit);
            }
        }
    }
}

/// An equality that every matching resource fulfils.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Equality<'f> {
    /// The attribute; if the comparison stood inside `[ ]`, the one before them.
    pub attr: &'f ResolvedAttr,
    /// The sub-attribute that is compared, from inside `[ ]` or after the dot.
    pub sub: Option<&'f str>,
    /// The value.
    pub value: &'f TypedValue,
    /// Whether the equality says as much as its term of the filter: `userName eq "x"`, `emails[value eq "x"]`.
    ///
    /// If not, as for `emails[type eq "work" and value eq "x"]`, what it finds has still to be tested.
    pub is_whole_term: bool,
}

impl ResolvedFilter {
    /// The terms that all must hold: those of an `and`, and of each `and` inside it, or else the filter itself.
    pub fn conjuncts(&self) -> Vec<&Self> {
        let mut found = Vec::new();
        self.each_conjunct(&mut |term| found.push(term));
        found
    }

    fn each_conjunct<'f>(&'f self, visit: &mut impl FnMut(&'f Self)) {
        match self {
            Self::And(terms) => terms.iter().for_each(|term| term.each_conjunct(visit)),
            term => visit(term),
        }
    }

    /// The equalities that every matching resource fulfils, which an index may answer: each `a eq v` among the
    /// [conjuncts](Self::conjuncts), and those among the conjuncts inside `[ ]`.
    ///
    /// ```
    /// use scim_filter::{Filter, ResolveOptions};
    /// # use scim_filter::simple::SimpleSchema;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let schema = SimpleSchema::user();
    /// let filter = Filter::parse(r#"active eq true and emails[type eq "work" and value eq "b@example.com"]"#)?;
    /// let filter = filter.resolve(&schema, &ResolveOptions::default())?;
    /// let found: Vec<_> = filter.equalities().iter().map(|it| (it.attr.name(), it.sub, it.value.to_string())).collect();
    /// assert_eq!(found, [
    ///     ("active", None, "true".to_owned()),
    ///     ("emails", Some("type"), "\"work\"".to_owned()),
    ///     ("emails", Some("value"), "\"b@example.com\"".to_owned()),
    /// ]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn equalities(&self) -> Vec<Equality<'_>> {
        let mut found = Vec::new();
        self.each_conjunct(&mut |term| match term {
            Self::Compare(ResolvedComparison { attr, op: CompareOp::Eq, value, .. }) => {
                found.push(Equality { attr, sub: attr.sub(), value, is_whole_term: true });
            }
            Self::ValuePath { attr, filter } => filter.each_conjunct(&mut |inner| {
                if let Self::Compare(ResolvedComparison { attr: sub, op: CompareOp::Eq, value, .. }) = inner {
                    let is_whole_term = matches!(**filter, Self::Compare(_));
                    found.push(Equality { attr, sub: Some(sub.name()), value, is_whole_term });
                }
            }),
            _ => {}
        });
        found
    }

    /// The comparisons of a filter that is nothing but one or more `a eq v` joined by `and`.
    ///
    /// Such a filter describes the value it looks for: that of `emails[type eq "work"]` is one of the type `work`.
    pub fn as_equalities(&self) -> Option<Vec<&ResolvedComparison>> {
        let terms = self.conjuncts().into_iter();
        terms
            .map(|term| match term {
                Self::Compare(comparison) if comparison.op == CompareOp::Eq => Some(comparison),
                _ => None,
            })
            .collect()
    }

    /// Calls `visit` with each attribute from left to right, and with that of the `[ ]` around it if there is one.
    pub fn for_each_attr<'f>(&'f self, mut visit: impl FnMut(&'f ResolvedAttr, Option<&'f ResolvedAttr>)) {
        self.walk(None, &mut visit);
    }

    fn walk<'f>(
        &'f self,
        parent: Option<&'f ResolvedAttr>,
        visit: &mut impl FnMut(&'f ResolvedAttr, Option<&'f ResolvedAttr>),
    ) {
        match self {
            Self::And(terms) | Self::Or(terms) => terms.iter().for_each(|term| term.walk(parent, visit)),
            Self::Not(filter) => filter.walk(parent, visit),
            Self::Compare(comparison) => visit(&comparison.attr, parent),
            Self::Present(attr) => visit(attr, parent),
            Self::ValuePath { attr, filter } => {
                visit(attr, parent);
                filter.walk(Some(attr), visit);
            }
            Self::Constant(_) => {}
        }
    }
}
