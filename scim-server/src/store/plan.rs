//! Which indexes answer a filter.

use std::sync::Arc;

use scim_core::TypeDefinition;
use scim_filter::{
    CaseRule, CompareOp, ResolvedAttr, ResolvedComparison, ResolvedFilter, StringValue, TypedValue,
};

use super::encode::{Index, filter_index, path};

/// How to find the resources of one type that a filter may match.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plan {
    /// Where to look.
    pub access: Access,
    /// Whether what is found there is just what matches, so that nothing is left to be tested.
    pub exact: bool,
}

/// Where to look for resources.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Access {
    /// At every resource of the type.
    Everything,
    /// At what any of these finds. Nothing matches if there are none.
    Lookups(Vec<Lookup>),
}

/// A question that an index answers.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Lookup {
    /// Which resource has this id?
    Id(IdKey),
    /// Which resources have this value of an indexed attribute?
    Key {
        /// The kind of index.
        index: Index,
        /// The canonical path of the attribute.
        attribute: Arc<str>,
        /// The comparison key of the value.
        value: Arc<str>,
    },
    /// Which resources refer to that one?
    Holders {
        /// The attribute of the relation.
        relation: Arc<str>,
        /// The resource that is referred to.
        target: IdKey,
    },
    /// Which resources does that one refer to?
    Held {
        /// The type that has the relation.
        source_type: Arc<str>,
        /// The attribute of the relation.
        relation: Arc<str>,
        /// The resource that refers.
        source: IdKey,
    },
}

/// An id, as an attribute compares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IdKey {
    /// The comparison key.
    pub key: Arc<str>,
    /// Whether ids that differ in case are others.
    pub exact: bool,
}

impl IdKey {
    /// The id that a comparison is with, unless it compares in a way that no index does.
    pub(super) fn new(attr: &ResolvedAttr, value: &StringValue) -> Option<Self> {
        let exact = match attr.case_rule() {
            CaseRule::Exact => true,
            CaseRule::Fold => false,
            CaseRule::UserName => return None,
        };
        Some(Self { key: value.key().into(), exact })
    }
}

impl Plan {
    const SCAN: Self = Self { access: Access::Everything, exact: false };

    /// How to find what a filter matches; everything without one.
    pub(super) fn new(definition: &TypeDefinition, filter: Option<&ResolvedFilter>) -> Self {
        match filter {
            None => Self { access: Access::Everything, exact: true },
            Some(filter) => plan(definition, filter).unwrap_or(Self::SCAN),
        }
    }

    pub(super) fn lookups(&self) -> &[Lookup] {
        match &self.access {
            Access::Everything => &[],
            Access::Lookups(lookups) => lookups,
        }
    }

    /// The smaller, the fewer resources are likely to be found.
    fn cost(&self) -> usize {
        self.lookups().iter().map(Lookup::cost).sum()
    }
}

impl Lookup {
    /// Whether no more than one resource can be found.
    #[cfg(feature = "sqlite")]
    pub(super) fn finds_one(&self) -> bool {
        matches!(self, Self::Id(_) | Self::Key { index: Index::Unique, .. })
    }

    fn cost(&self) -> usize {
        match self {
            Self::Id(_) | Self::Key { index: Index::Unique, .. } => 1,
            Self::Key { index: Index::Shared, .. } => 10,
            Self::Holders { .. } => 100,
            Self::Held { .. } => 1_000,
        }
    }
}

/// `None` where every resource has to be looked at.
fn plan(definition: &TypeDefinition, filter: &ResolvedFilter) -> Option<Plan> {
    match filter {
        ResolvedFilter::Constant(true) => Some(Plan { access: Access::Everything, exact: true }),
        ResolvedFilter::Constant(false) => Some(Plan { access: Access::Lookups(Vec::new()), exact: true }),
        ResolvedFilter::And(terms) => {
            let plans = terms.iter().filter_map(|term| plan(definition, term));
            let best = plans.filter(|plan| plan.access != Access::Everything).min_by_key(Plan::cost)?;
            Some(Plan { exact: false, ..best })
        }
        ResolvedFilter::Or(terms) => {
            let mut all = Plan { access: Access::Lookups(Vec::new()), exact: true };
            for term in terms {
                let one = plan(definition, term)?;
                let (Access::Lookups(found), Access::Lookups(more)) = (&mut all.access, one.access) else {
                    return None;
                };
                found.extend(more);
                all.exact &= one.exact;
            }
            Some(all)
        }
        ResolvedFilter::Compare(comparison) => {
            let lookup = lookup(definition, &comparison.attr, comparison.attr.sub(), comparison)?;
            Some(Plan { access: Access::Lookups(vec![lookup]), exact: true })
        }
        ResolvedFilter::ValuePath { attr, filter } if attr.sub().is_none() => {
            let exact = matches!(**filter, ResolvedFilter::Compare(_));
            let found = filter.conjuncts().into_iter().find_map(|inner| {
                let ResolvedFilter::Compare(comparison) = inner else { return None };
                lookup(definition, attr, Some(comparison.attr.name()), comparison)
            })?;
            Some(Plan { access: Access::Lookups(vec![found]), exact })
        }
        ResolvedFilter::ValuePath { .. } | ResolvedFilter::Not(_) | ResolvedFilter::Present(_) => None,
    }
}

/// The lookup for `attr.sub eq "value"`.
fn lookup(
    definition: &TypeDefinition,
    attr: &ResolvedAttr,
    sub: Option<&str>,
    comparison: &ResolvedComparison,
) -> Option<Lookup> {
    let (CompareOp::Eq, TypedValue::String(value)) = (comparison.op, &comparison.value) else { return None };
    if let Some(index) = filter_index(definition, attr.extension(), attr.name(), sub)
        && attr.name() != "id"
    {
        let attribute = path(attr.extension(), attr.name(), sub);
        return Some(Lookup::Key { index, attribute, value: value.key().into() });
    }
    if attr.extension().is_some() {
        return None;
    }
    let id = IdKey::new(&comparison.attr, value)?;
    match sub {
        None if attr.name() == "id" => Some(Lookup::Id(id)),
        Some("value") => {
            if let Some(relation) = definition.relation(attr.name()) {
                return Some(Lookup::Holders { relation: Arc::clone(&relation.attribute), target: id });
            }
            let mut derived =
                definition.derived().iter().filter(|d| d.attribute.eq_ignore_ascii_case(attr.name()));
            match (derived.next(), derived.next()) {
                (Some(one), None) => Some(Lookup::Held {
                    source_type: Arc::clone(&one.source),
                    relation: Arc::clone(&one.relation),
                    source: id,
                }),
                _ => None,
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use scim_core::Registry;
    use scim_filter::{Filter, ResolveOptions};

    use super::*;

    fn planned(type_name: &str, filter: &str) -> Plan {
        let registry = Registry::rfc7643();
        let definition = registry.by_name(type_name).unwrap();
        let filter =
            Filter::parse(filter).unwrap().resolve(&**definition, &ResolveOptions::default()).unwrap();
        Plan::new(definition, Some(&filter))
    }

    #[test]
    fn what_an_index_answers_is_looked_up() {
        let table = [
            ("User", r#"userName eq "A""#, 1, true),
            ("User", r#"id eq "A""#, 1, true),
            ("User", r#"externalId eq "A""#, 10, true),
            ("User", r#"displayName eq "A" or userName eq "b""#, 11, true),
            ("User", r#"emails eq "a@x""#, 10, true),
            ("User", r#"emails[value eq "a@x"]"#, 10, true),
            ("User", r#"emails[type eq "work" and value eq "a@x"]"#, 10, false),
            ("User", r#"active eq true and (userName eq "a" and title pr)"#, 1, false),
            ("User", r#"displayName eq "a" and userName eq "a""#, 1, false),
            ("User", r#"groups.value eq "g""#, 1_000, true),
            ("Group", r#"members[value eq "u"]"#, 100, true),
            ("Group", r#"members.value eq "u" and displayName eq "g""#, 10, false),
        ];
        for (type_name, filter, cost, exact) in table {
            let plan = planned(type_name, filter);
            assert_ne!(plan.access, Access::Everything, "{filter}");
            assert_eq!((plan.cost(), plan.exact), (cost, exact), "{filter}");
        }
    }

    #[test]
    fn what_no_index_answers_is_scanned() {
        for filter in [
            r#"userName ne "a""#,
            r#"userName sw "a""#,
            r#"not (userName eq "a")"#,
            r#"userName eq "a" or title pr"#,
            r#"userName eq "a" or not (title pr)"#,
            r#"emails.type eq "work""#,
            r#"emails[not (value eq "a")]"#,
            r#"emails[value eq "a" or type eq "b"]"#,
            r#"groups.display eq "x""#,
            r#"active eq true"#,
            r#"meta.resourceType eq "User""#,
            r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value eq "x""#,
        ] {
            assert_eq!(planned("User", filter), Plan::SCAN, "{filter}");
        }
    }
}
