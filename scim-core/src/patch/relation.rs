//! Changes of relations, such as `Group.members`.

use scim_filter::{CaseRule, CompareOp, ResolvedFilter, ResolvedPath, TypedValue};

use super::change::{RelationAction, RelationChange};
use super::error::PatchErrorKind;
use super::expected::Expected;
use super::request::{Op, parse_path};
use super::resolve::{Done, Named, Resolver, clears, nothing_in_it, required, set_by_server};
use crate::ids::ResourceId;
use crate::message::MessageError;
use crate::quirk::Quirk;
use crate::schema::Attribute;
use crate::validate::{At, Coerce, Issue, IssueKind, ValidationError, read_relation};
use crate::value::{Object, Value};

impl Resolver<'_> {
    pub(super) fn relation(&mut self, op: Op, named: &Named<'_>, value: Option<Value>) -> Done {
        if named.attribute.is_read_only() {
            return Err(set_by_server(&named.path));
        }
        if let Some(sub) = named.sub {
            return self.part_of_reference(op, named, sub, value);
        }
        let action = match (op, &named.filter, value) {
            (Op::Remove, Some(filter), _) => match selected_ids(filter) {
                Some(ids) => RelationAction::Remove(ids),
                None => RelationAction::RemoveMatching(filter.clone()),
            },
            (Op::Remove, None, Some(value)) => {
                // NB: null may be a list that was not filled in as well as no value, and to take all out is never the safe
                // guess.
                if value == Value::Null || !self.quirks.tolerate(Quirk::RemoveListedValues) {
                    return Err(PatchErrorKind::Message(MessageError::value(format!(
                        "`remove` of `{0}` has a `value`; say which with `{0}[value eq \"...\"]`, or leave the \
                         value out to remove all",
                        named.path
                    ))));
                }
                RelationAction::Remove(self.ids(named, value)?)
            }
            (Op::Remove, None, None) => {
                if named.attribute.is_required() {
                    return Err(required(&named.path));
                }
                RelationAction::Replace(Vec::new())
            }
            (op, _, None) => return Err(PatchErrorKind::NoValue { op }),
            (Op::Add, None, Some(value)) => RelationAction::Add(self.ids(named, value)?),
            (Op::Replace, None, Some(value)) => {
                let clears = clears(&value);
                let ids = self.ids(named, value)?;
                if ids.is_empty() && !clears {
                    return Err(nothing_in_it(&named.path));
                }
                if ids.is_empty() && named.attribute.is_required() {
                    return Err(
                        ValidationError::from(Issue::new(named.path.as_str(), IssueKind::Required)).into()
                    );
                }
                RelationAction::Replace(ids)
            }
            (_, Some(filter), Some(value)) => return self.selected_values(op, named, filter, value),
        };
        self.push_relation(named, None, action);
        Ok(())
    }

    /// "members ... sub-attributes are immutable" (RFC 7643 section 4.2): what is there may be repeated. What a whole value
    /// says beyond `value` goes unheard, as the server knows better; a path to it is a wish to change it.
    fn part_of_reference(
        &mut self,
        op: Op,
        named: &Named<'_>,
        sub: &Attribute,
        value: Option<Value>,
    ) -> Done {
        let refused = || PatchErrorKind::Mutability {
            path: named.path.clone(),
            why: "is part of a reference and cannot be changed; remove the value and add another",
        };
        if op == Op::Remove {
            return Err(refused());
        }
        let value = value.ok_or(PatchErrorKind::NoValue { op })?;
        let value = self.coerced(sub, value, &named.path)?;
        let mut given = Object::new();
        if sub.name() == "value" {
            given.insert("value", value.ok_or_else(refused)?);
        } else {
            return match value {
                Some(value) => self.repeated_part(named, sub, &value),
                None if op == Op::Add => Ok(()),
                None => Err(refused()),
            };
        }
        match &named.filter {
            Some(filter) => self.selected_values(op, named, filter, Value::Object(given)),
            None => Err(refused()),
        }
    }

    /// A path to what the server sets about references (`display`, `$ref`, `type`): the value that is there may be
    /// repeated, and no other be set.
    fn repeated_part(&mut self, named: &Named<'_>, sub: &Attribute, value: &Value) -> Done {
        let all = ResolvedFilter::Constant(true);
        let filter = named.filter.as_ref().unwrap_or(&all);
        let mut expected = self.expected(named, filter, Some(self.equal(named, sub.name(), value)?));
        expected.must_match = named.filter.is_some();
        let mut made = Vec::new();
        if let Some(ids) = selected_ids(filter)
            && self.quirks.tolerate(Quirk::CreateOnNoMatch)
        {
            expected.must_match = false;
            made = ids;
        }
        self.push_relation(named, Some(expected), RelationAction::Add(made));
        Ok(())
    }

    /// `add` and `replace` with a filter: the value that the filter names is the one that is to be there; anything
    /// else would change a reference in place.
    fn selected_values(&mut self, op: Op, named: &Named<'_>, filter: &ResolvedFilter, value: Value) -> Done {
        let value = match value {
            Value::Array(mut items) if items.len() <= 1 => items.pop().unwrap_or(Value::Null),
            other => other,
        };
        let says_which = match &value {
            Value::Null if op == Op::Add => return Ok(()),
            // A value that is replaced by nothing goes.
            Value::Null => {
                let action = match selected_ids(filter) {
                    Some(ids) => RelationAction::Remove(ids),
                    None => RelationAction::RemoveMatching(filter.clone()),
                };
                let expected =
                    (!self.quirks.is_on(Quirk::CreateOnNoMatch)).then(|| self.expected(named, filter, None));
                self.push_relation(named, expected, action);
                return Ok(());
            }
            Value::Object(members) => members.contains("value"),
            _ => true,
        };
        let given = if says_which { Some(self.ids(named, value)?) } else { None };
        let refused = || PatchErrorKind::Mutability { path: named.path.clone(), why: REFERENCE };
        if let Some(ids) = selected_ids(filter)
            // NB: whether the value is there only the store can tell; who adds it like this does because it is not.
            && self.quirks.tolerate(Quirk::CreateOnNoMatch)
        {
            if given.is_some_and(|given| given != ids) {
                return Err(refused());
            }
            self.push_relation(named, None, RelationAction::Add(ids));
            return Ok(());
        }
        let same = match given.as_deref() {
            None => None,
            Some([id]) => Some(self.equal(named, "value", &Value::from(id.as_str()))?),
            Some(_) => return Err(refused()),
        };
        let expected = self.expected(named, filter, same);
        // Adds nothing: what is to be there is there, or else this fails.
        self.push_relation(named, Some(expected), RelationAction::Add(Vec::new()));
        Ok(())
    }

    /// The filter for values with this sub-attribute, which compares as its schema says.
    fn equal(&self, named: &Named<'_>, sub: &str, value: &Value) -> Result<ResolvedFilter, PatchErrorKind> {
        let mut literal = Vec::new();
        value.write(&mut literal);
        let literal = String::from_utf8_lossy(&literal);
        let path = parse_path(&format!("{}[{sub} eq {literal}]", named.attribute.name()), self.options)?;
        match self.resolve_path(&path)? {
            ResolvedPath::Attribute { filter: Some(filter), .. } => Ok(filter),
            _ => Ok(ResolvedFilter::Constant(false)),
        }
    }

    fn expected(&self, named: &Named<'_>, filter: &ResolvedFilter, same: Option<ResolvedFilter>) -> Expected {
        Expected {
            operation: self.operation,
            path: named.path.clone(),
            filter: filter.clone(),
            same,
            must_match: true,
        }
    }

    fn push_relation(&mut self, named: &Named<'_>, expected: Option<Expected>, action: RelationAction) {
        let attribute = named.attribute.name().into();
        self.set.relations.push(RelationChange { attribute, expected, action });
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

pub(super) const REFERENCE: &str = "is a reference and cannot be changed; remove the value and add another";

/// The ids that a filter such as `value eq "a" or value eq "b"` names; `None` where it asks something else, or where
/// it finds ids that are spelled in another case.
fn selected_ids(filter: &ResolvedFilter) -> Option<Vec<ResourceId>> {
    match filter {
        ResolvedFilter::Compare(comparison)
            if comparison.attr.name() == "value"
                && comparison.op == CompareOp::Eq
                && comparison.attr.case_rule() == CaseRule::Exact =>
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
