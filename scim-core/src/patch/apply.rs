use scim_filter::ResolvedFilter;

use super::change::{Action, Change, ChangeSet, Target};
use super::error::{PatchError, PatchErrorKind};
use crate::registry::TypeDefinition;
use crate::resource::Resource;
use crate::schema::{Attribute, Mutability};
use crate::validate::{check_required, is_primary, same_identity, same_value, without_duplicates};
use crate::value::{Object, Value};

impl ChangeSet {
    /// Applies the changes of attributes to a resource, in order. Relations are the store's.
    ///
    /// Returns whether anything has changed: a change to the value that is already there is none (RFC 7644 section
    /// 3.5.2.1). On an error the resource is as it was.
    ///
    /// # Errors
    /// [`PatchError`] with scimType noTarget when a filter matches nothing, mutability when an immutable attribute
    /// would get another value, invalidValue when a required attribute is left without a value.
    pub fn apply(&self, definition: &TypeDefinition, resource: &mut Resource) -> Result<bool, PatchError> {
        if self.changes.is_empty() {
            return Ok(false);
        }
        let mut changed = resource.clone();
        for change in &self.changes {
            apply_one(definition, &mut changed, change)
                .map_err(|kind| PatchError::at(change.operation, kind))?;
        }
        changed.stamp_schemas(definition);
        check_required(definition, &changed).map_err(PatchError::of_result)?;
        if changed == *resource {
            return Ok(false);
        }
        *resource = changed;
        Ok(true)
    }
}

type Done = Result<(), PatchErrorKind>;

fn apply_one(definition: &TypeDefinition, resource: &mut Resource, change: &Change) -> Done {
    let target = &change.target;
    let (attribute, object) = match &target.extension {
        None => (definition.attribute(&target.attribute), Some(resource.attributes_mut())),
        Some(uri) => (
            definition.extension(uri).and_then(|extension| extension.schema.attribute(&target.attribute)),
            resource.attributes_mut().ensure_object(uri),
        ),
    };
    let (Some(attribute), Some(object)) = (attribute, object) else {
        return Err(PatchErrorKind::NoTarget(format!("there is no attribute `{}`", target.path())));
    };
    let at = At { attribute, target };
    match &change.action {
        Action::Expect(value) => match object.get(attribute.name()) {
            Some(current) if same_value(attribute, current, value) => Ok(()),
            _ => Err(at.mutability("is set by the server and cannot be changed")),
        },
        action => {
            at.guard_immutable(object, action)?;
            if attribute.is_multi_valued() {
                at.multi_valued(object, action)
            } else {
                at.singular(object, action)
            }
        }
    }
}

struct At<'a> {
    attribute: &'a Attribute,
    target: &'a Target,
}

impl At<'_> {
    fn mutability(&self, why: &'static str) -> PatchErrorKind {
        PatchErrorKind::Mutability { path: self.target.path(), why }
    }

    fn sub(&self) -> Option<&Attribute> {
        self.target.sub.as_deref().and_then(|name| self.attribute.sub(name))
    }

    /// "immutable ... MAY be set if it has no value" (RFC 7644 section 3.5.2): the value it has may be repeated.
    fn guard_immutable(&self, object: &Object, action: &Action) -> Done {
        const WHY: &str = "is immutable and already has a value";
        let current = object.get(self.attribute.name());
        if self.attribute.mutability() == Mutability::Immutable
            && let Some(current) = current
        {
            let repeats = match action {
                Action::Add(value) | Action::Replace(Some(value)) if self.target.sub.is_none() => {
                    same_value(self.attribute, current, value)
                }
                _ => false,
            };
            return if repeats { Ok(()) } else { Err(self.mutability(WHY)) };
        }
        let Some(sub) = self.sub().filter(|sub| sub.mutability() == Mutability::Immutable) else {
            return Ok(());
        };
        let elements: &[Value] = match current {
            Some(Value::Array(items)) => items,
            Some(one) => std::slice::from_ref(one),
            None => &[],
        };
        for element in elements.iter().filter(|element| self.selects(element)) {
            let Some(had) = element.as_object().and_then(|object| object.get(sub.name())) else { continue };
            let repeats = match action {
                Action::Add(value) | Action::Replace(Some(value)) => same_value(sub, had, value),
                _ => false,
            };
            if !repeats {
                return Err(self.mutability(WHY));
            }
        }
        Ok(())
    }

    fn selects(&self, element: &Value) -> bool {
        self.target.filter.as_ref().is_none_or(|filter| filter.matches_value(element))
    }

    fn singular(&self, object: &mut Object, action: &Action) -> Done {
        let name = self.attribute.name();
        let Some(sub) = self.sub() else {
            match action {
                Action::Add(value) | Action::Replace(Some(value)) => match value {
                    // "a set of sub-attributes ... those not specified are left" (sections 3.5.2.1 and 3.5.2.3)
                    Value::Object(given) => merge_into(object, name, given),
                    value => drop(object.insert(name, value.clone())),
                },
                _ => drop(object.remove(name)),
            }
            return Ok(());
        };
        match action {
            Action::Add(value) | Action::Replace(Some(value)) => {
                if let Some(parts) = object.ensure_object(name) {
                    set_sub(parts, sub, value, matches!(action, Action::Add(_)));
                }
            }
            _ => {
                if let Some(Value::Object(parts)) = object.get_mut(name) {
                    parts.remove(sub.name());
                    if parts.is_empty() {
                        object.remove(name);
                    }
                }
            }
        }
        Ok(())
    }

    fn multi_valued(&self, object: &mut Object, action: &Action) -> Done {
        let name = self.attribute.name();
        let mut items = match object.remove(name) {
            Some(Value::Array(items)) => items,
            Some(one) => vec![one],
            None => Vec::new(),
        };
        let before = items.len();
        // Which elements this operation has made primary; they win over those that were (section 3.5.2).
        let mut touched: Vec<usize> = Vec::new();
        match (action, &self.target.filter, self.sub()) {
            (Action::Add(value), None, None) => self.add(&mut items, value, &mut touched),
            (Action::Replace(value), None, None) => {
                items = match value {
                    Some(Value::Array(values)) => values.clone(),
                    Some(one) => vec![one.clone()],
                    None => Vec::new(),
                };
            }
            (Action::Remove, None, None) => items.clear(),
            (Action::RemoveListed(values), _, _) => {
                items.retain(|item| !values.iter().any(|value| covers(self.attribute, item, value)));
            }
            (Action::Add(_) | Action::Replace(Some(_)), filter, sub) => {
                self.change_selected(&mut items, action, filter.as_ref(), sub, &mut touched)?;
            }
            (_, filter, None) => items.retain(|item| !filter.as_ref().is_none_or(|f| f.matches_value(item))),
            (_, _, Some(sub)) => {
                for item in items.iter_mut().filter(|item| self.selects(item)) {
                    if let Value::Object(parts) = item {
                        parts.remove(sub.name());
                    }
                }
                items.retain(|item| !item.is_unassigned());
            }
        }
        demote_primary(&mut items, &touched);
        if items.len() > before || !touched.is_empty() {
            items = without_duplicates(self.attribute, items);
        }
        // "if the array is empty, the attribute is unassigned" (section 3.5.2.2)
        if !items.is_empty() {
            object.insert(name, items);
        }
        Ok(())
    }

    fn add(&self, items: &mut Vec<Value>, value: &Value, touched: &mut Vec<usize>) {
        let given = match value {
            Value::Array(values) => values.as_slice(),
            one => std::slice::from_ref(one),
        };
        for value in given {
            // "If the value already exists, no changes SHOULD be made" (section 3.5.2.1)
            if items.iter().any(|item| covers(self.attribute, item, value)) {
                continue;
            }
            let known = items.iter().position(|item| same_identity(self.attribute, item, value));
            match (known, known.and_then(|at| items.get_mut(at)), value) {
                (Some(at), Some(Value::Object(parts)), Value::Object(given)) => {
                    merge(parts, given);
                    touched.push(at);
                }
                _ => {
                    touched.push(items.len());
                    items.push(value.clone());
                }
            }
        }
    }

    /// `add` and `replace` on the elements that a filter selects, or on a sub-attribute of all.
    fn change_selected(
        &self,
        items: &mut Vec<Value>,
        action: &Action,
        filter: Option<&ResolvedFilter>,
        sub: Option<&Attribute>,
        touched: &mut Vec<usize>,
    ) -> Done {
        let (Action::Add(value) | Action::Replace(Some(value))) = action else { return Ok(()) };
        let adds = matches!(action, Action::Add(_));
        let mut any = false;
        for (n, item) in items.iter_mut().enumerate() {
            if !filter.is_none_or(|filter| filter.matches_value(&*item)) {
                continue;
            }
            any = true;
            let before = item.clone();
            match (sub, &mut *item, value) {
                (Some(sub), Value::Object(parts), value) => set_sub(parts, sub, value, adds),
                (None, Value::Object(parts), Value::Object(given)) if adds => merge(parts, given),
                (None, item, Value::Array(values)) if values.len() == 1 => {
                    *item = values.first().cloned().unwrap_or(Value::Null);
                }
                (None, item, value) => *item = value.clone(),
                (Some(_), _, _) => {}
            }
            if *item != before {
                touched.push(n);
            }
        }
        if any {
            return Ok(());
        }
        let Some(template) = self.target.template.as_ref().or(filter.is_none().then_some(&EMPTY)) else {
            return Err(PatchErrorKind::NoTarget(format!(
                "no value of `{}` matches the filter",
                self.target.path()
            )));
        };
        let mut parts = template.clone();
        match (sub, value) {
            (Some(sub), value) => set_sub(&mut parts, sub, value, adds),
            (None, Value::Object(given)) => merge(&mut parts, given),
            (None, Value::Array(values)) => {
                for given in values.iter().filter_map(Value::as_object) {
                    merge(&mut parts, given);
                }
            }
            (None, _) => {}
        }
        touched.push(items.len());
        items.push(Value::Object(parts));
        Ok(())
    }
}

static EMPTY: Object = Object::new();

fn merge(parts: &mut Object, given: &Object) {
    for (name, value) in given.iter() {
        parts.insert(name.clone(), value.clone());
    }
}

fn merge_into(object: &mut Object, name: &str, given: &Object) {
    if let Some(parts) = object.ensure_object(name) {
        merge(parts, given);
    }
}

fn set_sub(parts: &mut Object, sub: &Attribute, value: &Value, adds: bool) {
    if adds && sub.is_multi_valued() {
        let mut items = match parts.remove(sub.name()) {
            Some(Value::Array(items)) => items,
            _ => Vec::new(),
        };
        match value {
            Value::Array(values) => items.extend(values.iter().cloned()),
            one => items.push(one.clone()),
        }
        parts.insert(sub.name(), without_duplicates(sub, items));
    } else {
        parts.insert(sub.name(), value.clone());
    }
}

/// Whether an element has all that `value` says: equal, or an object with at least these sub-attributes.
fn covers(attribute: &Attribute, element: &Value, value: &Value) -> bool {
    match (element, value) {
        (Value::Object(element), Value::Object(given)) => given.iter().all(|(name, value)| {
            match (attribute.sub(name.as_str()), element.get(name.as_str())) {
                (Some(sub), Some(has)) => same_value(sub, has, value),
                (_, has) => has == Some(value),
            }
        }),
        _ => same_value(attribute, element, value),
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
