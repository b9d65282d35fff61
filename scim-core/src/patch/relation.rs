//! Changes of relations, such as `Group.members`.

use scim_filter::{CompareOp, ResolvedFilter, TypedValue};

use super::change::{RelationAction, RelationChange};
use super::error::PatchErrorKind;
use super::request::Op;
use super::resolve::{Done, Named, Resolver, required, set_by_server};
use crate::ids::ResourceId;
use crate::message::MessageError;
use crate::validate::{At, Coerce, Issue, IssueKind, ValidationError, read_relation};
use crate::value::Value;

impl Resolver<'_> {
    pub(super) fn relation(&mut self, op: Op, named: &Named<'_>, value: Option<Value>) -> Done {
        if named.attribute.is_read_only() {
            return Err(set_by_server(&named.path));
        }
        // "members ... sub-attributes are immutable" (RFC 7643 section 4.2)
        if named.sub.is_some() {
            return Err(PatchErrorKind::Mutability {
                path: named.path.clone(),
                why: "is part of a reference and cannot be changed; remove the value and add another",
            });
        }
        let action = match (op, &named.filter, value) {
            (Op::Remove, Some(filter), _) => match selected_ids(filter) {
                Some(ids) => RelationAction::Remove(ids),
                None => RelationAction::RemoveMatching(filter.clone()),
            },
            (Op::Remove, None, Some(value)) if value != Value::Null => {
                if !self.quirks.remove_listed_values {
                    return Err(PatchErrorKind::Message(MessageError::value(format!(
                        "`remove` of `{0}` has a `value`; say which with `{0}[value eq \"...\"]`, or leave the \
                         value out to remove all",
                        named.path
                    ))));
                }
                RelationAction::Remove(self.ids(named, value)?)
            }
            (Op::Remove, None, _) => {
                if named.attribute.is_required() {
                    return Err(required(&named.path));
                }
                RelationAction::Replace(Vec::new())
            }
            (op, _, None) => return Err(PatchErrorKind::NoValue { op }),
            (Op::Add, None, Some(value)) => RelationAction::Add(self.ids(named, value)?),
            (Op::Replace, None, Some(value)) => {
                let ids = self.ids(named, value)?;
                if ids.is_empty() && named.attribute.is_required() {
                    return Err(
                        ValidationError::from(Issue::new(named.path.as_str(), IssueKind::Required)).into()
                    );
                }
                RelationAction::Replace(ids)
            }
            (_, Some(filter), Some(value)) => self.selected_values(named, filter, value)?,
        };
        self.set.relations.push(RelationChange { attribute: named.attribute.name().into(), action });
        Ok(())
    }

    /// `add` and `replace` with a filter: the value that the filter names is the one that is to be there; anything
    /// else would change a reference in place.
    fn selected_values(
        &self,
        named: &Named<'_>,
        filter: &ResolvedFilter,
        value: Value,
    ) -> Result<RelationAction, PatchErrorKind> {
        if self.quirks.create_on_no_match
            && let Some(ids) = selected_ids(filter)
        {
            let says_which = match &value {
                Value::Object(members) => members.contains("value"),
                other => *other != Value::Null,
            };
            if !says_which || self.ids(named, value)? == ids {
                return Ok(RelationAction::Add(ids));
            }
        }
        Err(PatchErrorKind::Mutability {
            path: named.path.clone(),
            why: "is a reference and cannot be changed; remove the value and add another",
        })
    }

    fn ids(&self, named: &Named<'_>, value: Value) -> Result<Vec<ResourceId>, PatchErrorKind> {
        let value = match value {
            one @ (Value::Object(_) | Value::String(_)) => Value::Array(vec![one]),
            other => other,
        };
        let at = At::Path(&named.path);
        let ids = Coerce::run(self.quirks, self.definition.name(), |coerce| {
            read_relation(named.attribute, value, &at, coerce)
        });
        Ok(ids?)
    }
}

/// The ids that a filter such as `value eq "a" or value eq "b"` names; `None` where it asks something else.
fn selected_ids(filter: &ResolvedFilter) -> Option<Vec<ResourceId>> {
    match filter {
        ResolvedFilter::Compare(comparison)
            if comparison.attr.name() == "value" && comparison.op == CompareOp::Eq =>
        {
            match &comparison.value {
                // An id that cannot exist selects nothing.
                TypedValue::String(text) => Some(text.text().parse().into_iter().collect()),
                _ => None,
            }
        }
        ResolvedFilter::Or(terms) => {
            let mut ids = Vec::new();
            for term in terms {
                ids.extend(selected_ids(term)?);
            }
            Some(ids)
        }
        _ => None,
    }
}
