//! Changes of multi-valued attributes.

use std::collections::{HashMap, HashSet};

use super::apply::{Done, Spot, merge, set_sub};
use super::change::Action;
use super::error::PatchErrorKind;
use super::work::{Work, bytes, weight};
use crate::quirk::Quirk;
use crate::schema::{Attribute, Mutability};
use crate::validate::{
    At, Issues, covers, element_value, has_guarded_parts, identity_key, is_primary, keep_element_parts,
    keep_parts, same_identity, value_key, without_duplicates,
};
use crate::value::{Object, Value};

/// Up to this many pairs are compared one by one; for more an index is made.
const FEW: usize = 64;

pub(super) struct List<'a> {
    pub(super) spot: &'a Spot<'a>,
    pub(super) work: &'a mut Work,
}

/// What has happened to a list.
#[derive(Default)]
struct Outcome {
    changed: bool,
    /// The elements that were changed or added; where they are primary they win over those that were (section 3.5.2).
    touched: Vec<usize>,
}

impl List<'_> {
    pub(super) fn change(&mut self, object: &mut Object, action: &Action) -> Done {
        let attribute = self.spot.attribute;
        let name = attribute.name();
        let mut items = match object.get_mut(name) {
            Some(Value::Array(items)) => std::mem::take(items),
            Some(one) => vec![std::mem::replace(one, Value::Null)],
            None => Vec::new(),
        };
        self.work.look(&items, self.spot.target.filter.as_ref())?;
        let whole = self.spot.target.filter.is_none() && self.spot.target.sub.is_none();
        let Outcome { changed, mut touched } = match action {
            Action::Add(value) if whole => self.add(&mut items, value)?,
            Action::Replace(Some(value)) if whole => self.replace_all(&mut items, value)?,
            Action::RemoveListed(values) => self.remove_listed(&mut items, values)?,
            Action::Add(value) => self.change_selected(&mut items, value, true)?,
            Action::Replace(Some(value)) => self.change_selected(&mut items, value, false)?,
            _ => self.remove(&mut items, matches!(action, Action::Replace(_)))?,
        };
        if changed {
            items = without_duplicates(attribute, items, &mut touched);
            demote_primary(&mut items, &touched);
        }
        // "if the array is empty, the attribute is unassigned" (section 3.5.2.2)
        match object.get_mut(name) {
            _ if items.is_empty() => drop(object.remove(name)),
            Some(place) => *place = Value::Array(items),
            None => drop(object.insert(name, items)),
        }
        Ok(())
    }

    fn add(&mut self, items: &mut Vec<Value>, value: &Value) -> Result<Outcome, PatchErrorKind> {
        let attribute = self.spot.attribute;
        let given = elements(value);
        let indexed = items.len().saturating_mul(given.len()) > FEW;
        let mut by_value: HashMap<String, Vec<usize>> = HashMap::new();
        if indexed {
            for (n, item) in items.iter().enumerate() {
                by_value.note(attribute, item, n);
            }
        }
        let (mut touched, mut primary) = (Vec::new(), Vec::new());
        for value in given {
            let all = || (0..items.len()).collect::<Vec<_>>();
            let candidates = match distinguishing(attribute, value) {
                Some(key) if indexed => by_value.get(&key).cloned().unwrap_or_default(),
                _ => all(),
            };
            let heaviness = weight(value);
            self.work.pay(heaviness.saturating_mul(u64::try_from(candidates.len()).unwrap_or(u64::MAX)))?;
            // "If the value already exists, no changes SHOULD be made" (section 3.5.2.1)
            let at = |n: &usize| items.get(*n);
            if candidates.iter().filter_map(at).any(|item| covers(attribute, item, value)) {
                continue;
            }
            let known = element_value(value).and_then(|_| {
                let same =
                    |n: &usize| items.get(*n).is_some_and(|item| same_identity(attribute, item, value));
                candidates.iter().copied().find(same)
            });
            match (known, known.and_then(|n| items.get_mut(n)), value) {
                (Some(n), Some(item), Value::Object(given)) => {
                    let had = item.clone();
                    if let Value::Object(parts) = item {
                        merge(parts, given);
                    }
                    self.spot.guard_parts(&had, item)?;
                    if is_primary(value) { &mut primary } else { &mut touched }.push(n);
                }
                _ => {
                    if indexed {
                        by_value.note(attribute, value, items.len());
                    }
                    if is_primary(value) { &mut primary } else { &mut touched }.push(items.len());
                    items.push(value.clone());
                }
            }
        }
        // The last one wins: what was said to be primary, not what was so before and got something else.
        touched.append(&mut primary);
        Ok(Outcome { changed: !touched.is_empty(), touched })
    }

    fn replace_all(&mut self, items: &mut Vec<Value>, value: &Value) -> Result<Outcome, PatchErrorKind> {
        let attribute = self.spot.attribute;
        let mut new = Value::Array(elements(value).to_vec());
        if has_guarded_parts(attribute) {
            let old = Value::Array(std::mem::take(items));
            let mut issues = Issues::default();
            keep_parts(
                attribute,
                &mut new,
                &old,
                &At::Path(&self.spot.target.path()),
                &|_| false,
                &mut issues,
            );
            issues.into_result()?;
        }
        if let Value::Array(new) = new {
            *items = new;
        }
        Ok(Outcome { changed: true, touched: Vec::new() })
    }

    /// Takes away whole values, or a sub-attribute of each.
    fn remove(&mut self, items: &mut Vec<Value>, replaces: bool) -> Result<Outcome, PatchErrorKind> {
        let target = self.spot.target;
        let selects = |item: &Value| target.filter.as_ref().is_none_or(|filter| filter.matches_value(item));
        let mut any = false;
        match self.spot.sub() {
            None => items.retain(|item| {
                let goes = selects(item);
                any |= goes;
                !goes
            }),
            Some(sub) => {
                for item in items.iter_mut().filter(|item| selects(item)) {
                    any = true;
                    if let Value::Object(parts) = item
                        && parts.remove(sub.name()).is_some()
                        && sub.mutability() == Mutability::Immutable
                    {
                        return Err(self.spot.immutable_part(sub));
                    }
                }
                items.retain(|item| !item.is_unassigned());
            }
        }
        // A `replace` by nothing needs something to replace as any other; a `remove` does not (P3 of the decisions).
        if !any && replaces && target.filter.is_some() {
            let tolerated = target.template.is_some() && target.quirks.tolerate(Quirk::CreateOnNoMatch);
            if !tolerated {
                return Err(self.spot.no_match());
            }
        }
        Ok(Outcome { changed: any, touched: Vec::new() })
    }

    /// Takes away the values that are listed: by `value`, and by `type` where that is said; others by all they say.
    fn remove_listed(&mut self, items: &mut Vec<Value>, listed: &[Value]) -> Result<Outcome, PatchErrorKind> {
        let attribute = self.spot.attribute;
        let before = items.len();
        let mut keys = HashSet::new();
        let mut others = Vec::new();
        for value in listed {
            match (element_value(value), value.as_object().and_then(|object| object.get("type"))) {
                (None, _) if attribute.is_complex() => others.push(value),
                (None, _) => drop(keys.insert(value_key(attribute, value))),
                (Some(_), Some(_)) => drop(keys.insert(identity_key(attribute, value))),
                (Some(_), None) => keys.extend(distinguishing(attribute, value)),
            }
        }
        for value in &others {
            self.work.pay(weight(value).saturating_mul(u64::try_from(before).unwrap_or(u64::MAX)))?;
        }
        items.retain(|item| {
            let mut own = distinguishing(attribute, item).into_iter().chain([identity_key(attribute, item)]);
            !own.any(|key| keys.contains(&key)) && !others.iter().any(|value| covers(attribute, item, value))
        });
        Ok(Outcome { changed: items.len() != before, touched: Vec::new() })
    }

    /// `add` and `replace` on the elements that a filter selects, or on a sub-attribute of all.
    fn change_selected(
        &mut self,
        items: &mut Vec<Value>,
        value: &Value,
        adds: bool,
    ) -> Result<Outcome, PatchErrorKind> {
        let (attribute, target, sub) = (self.spot.attribute, self.spot.target, self.spot.sub());
        let guarded = has_guarded_parts(attribute);
        let path = if guarded { target.path_of_value() } else { String::new() };
        let length = bytes(value);
        let mut any = false;
        let mut touched = Vec::new();
        for (n, item) in items.iter_mut().enumerate() {
            if !target.filter.as_ref().is_none_or(|filter| filter.matches_value(&*item)) {
                continue;
            }
            // What was sent is bounded by the body; what is made of it by being set again and again is not.
            if any {
                self.work.copy(length)?;
            }
            any = true;
            let had = item.clone();
            match (sub, &mut *item, value) {
                (Some(sub), Value::Object(parts), value) => set_sub(parts, sub, value, adds),
                (None, Value::Object(parts), Value::Object(given)) if adds => merge(parts, given),
                (None, item, value) => *item = value.clone(),
                (Some(_), _, _) => {}
            }
            if guarded {
                // What the client cannot write or see stays with a value that is overwritten.
                let mut issues = Issues::default();
                keep_element_parts(attribute, item, &had, &At::Path(&path), &|_| false, &mut issues);
                issues.into_result()?;
            }
            if *item != had {
                touched.push(n);
            }
        }
        if any {
            return Ok(Outcome { changed: !touched.is_empty(), touched });
        }
        let made = match (&target.template, &target.filter, sub) {
            (Some(template), _, _) if target.quirks.tolerate(Quirk::CreateOnNoMatch) => template.clone(),
            (None, None, Some(_)) => Object::new(),
            _ => return Err(self.spot.no_match()),
        };
        let mut parts = made;
        match (sub, value) {
            (Some(sub), value) => set_sub(&mut parts, sub, value, adds),
            (None, Value::Object(given)) => merge(&mut parts, given),
            (None, _) => {}
        }
        touched.push(items.len());
        items.push(Value::Object(parts));
        Ok(Outcome { changed: true, touched })
    }
}

/// An index of elements by what [`distinguishing`] says of them.
trait ByValue {
    fn note(&mut self, attribute: &Attribute, element: &Value, n: usize);
}

impl ByValue for HashMap<String, Vec<usize>> {
    fn note(&mut self, attribute: &Attribute, element: &Value, n: usize) {
        if let Some(key) = distinguishing(attribute, element) {
            self.entry(key).or_default().push(n);
        }
    }
}

/// A text that an element shares with every element that could cover it: of its `value`, or of the whole if it is
/// simple. `None` for a complex one without a `value`.
fn distinguishing(attribute: &Attribute, element: &Value) -> Option<String> {
    if !attribute.is_complex() {
        return Some(value_key(attribute, element));
    }
    let value = element_value(element)?;
    Some(value_key(attribute.sub("value").unwrap_or(attribute), value))
}

fn elements(value: &Value) -> &[Value] {
    match value {
        Value::Array(values) => values,
        one => std::slice::from_ref(one),
    }
}

/// "a PATCH operation that sets a value's `primary` to true SHALL cause the server to set it to false for any other
/// value" (RFC 7644 section 3.5.2).
fn demote_primary(items: &mut [Value], touched: &[usize]) {
    let Some(winner) = touched.iter().rev().copied().find(|n| items.get(*n).is_some_and(is_primary)) else {
        return;
    };
    for (n, item) in items.iter_mut().enumerate() {
        if n != winner
            && is_primary(item)
            && let Value::Object(parts) = item
        {
            parts.insert("primary", false);
        }
    }
}
