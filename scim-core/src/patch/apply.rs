use super::change::{Action, Change, ChangeSet, Target};
use super::error::{PatchError, PatchErrorKind};
use super::list::List;
use super::work::Work;
use crate::quirk::Quirk;
use crate::registry::TypeDefinition;
use crate::resource::Resource;
use crate::schema::{Attribute, Mutability, Returned};
use crate::validate::{
    check_required, covers, element_value, has_guarded_parts, same_value, without_duplicates,
};
use crate::value::{Object, Value};

impl ChangeSet {
    /// Applies the changes of attributes to a resource, in order. Relations are the store's.
    ///
    /// Returns whether anything has changed: a change to the value that is already there is none (RFC 7644 section
    /// 3.5.2.1), unless that value is never returned: whether it has been guessed shall not be told. On an error the
    /// resource is as it was.
    ///
    /// # Errors
    /// [`PatchError`] with scimType noTarget when a filter matches nothing, mutability when an immutable attribute
    /// would get another value, invalidValue when a required attribute is left without a value, tooMany when the
    /// operations ask for more than [`PatchLimits::work`](super::PatchLimits::work) or
    /// [`PatchLimits::copies`](super::PatchLimits::copies) on a resource of this size.
    pub fn apply(&self, definition: &TypeDefinition, resource: &mut Resource) -> Result<bool, PatchError> {
        if self.changes.is_empty() {
            return Ok(false);
        }
        let mut changed = resource.clone();
        let mut work = Work::new(self.work_limit, self.copies_limit);
        for change in &self.changes {
            apply_one(definition, &mut changed, change, &mut work)
                .map_err(|kind| PatchError::at(change.operation, kind))?;
        }
        changed.stamp_schemas(definition);
        check_required(definition, &changed).map_err(PatchError::of_result)?;
        if changed == *resource {
            return Ok(self.sets_hidden(definition));
        }
        *resource = changed;
        Ok(true)
    }

    /// Whether any change is about something that is never returned, and so counts as one whatever was there.
    #[must_use]
    pub fn sets_hidden(&self, definition: &TypeDefinition) -> bool {
        self.changes.iter().any(|change| is_hidden(definition, change))
    }
}

pub(super) type Done = Result<(), PatchErrorKind>;

/// Whether a change is about something that is never returned.
fn is_hidden(definition: &TypeDefinition, Change { target, action, .. }: &Change) -> bool {
    let attribute = match &target.extension {
        None => definition.attribute(&target.attribute),
        Some(uri) => definition.extension(uri).and_then(|found| found.schema.attribute(&target.attribute)),
    };
    let Some(attribute) = attribute else { return false };
    let never = |attribute: &Attribute| attribute.returned() == Returned::Never;
    let mut hidden = attribute.sub_attributes().iter().filter(|sub| never(sub));
    let names = |sub: &Attribute, value: &Value| {
        let has = |value: &Value| value.as_object().is_some_and(|object| object.contains(sub.name()));
        has(value) || value.as_array().is_some_and(|items| items.iter().any(has))
    };
    match (&target.sub, action) {
        (_, Action::Expect(_)) => false,
        _ if never(attribute) => true,
        (Some(sub), _) => attribute.sub(sub).is_some_and(never),
        (None, Action::Add(value) | Action::Replace(Some(value))) => hidden.any(|sub| names(sub, value)),
        (None, Action::RemoveListed(values)) => {
            hidden.any(|sub| values.iter().any(|value| names(sub, value)))
        }
        (None, Action::Replace(None) | Action::Remove) => hidden.next().is_some(),
    }
}

fn apply_one(definition: &TypeDefinition, resource: &mut Resource, change: &Change, work: &mut Work) -> Done {
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
    let spot = Spot { attribute, target };
    if let Action::Expect(value) = &change.action {
        let repeated = is_repeated(attribute, object.get(attribute.name()), value);
        return if repeated || target.quirks.tolerate(Quirk::IgnoreReadOnlyInPatch) {
            Ok(())
        } else {
            Err(spot.mutability("is set by the server and cannot be changed"))
        };
    }
    // "immutable ... MAY be set if it has no value" (RFC 7644 section 3.5.2); the value it has may be repeated.
    let fixed = match attribute.mutability() {
        Mutability::Immutable => object.get(attribute.name()).cloned(),
        _ => None,
    };
    if attribute.is_multi_valued() {
        List { spot: &spot, work }.change(object, &change.action)?;
    } else {
        spot.singular(object, &change.action)?;
    }
    match fixed {
        Some(had) if object.get(attribute.name()).is_some_and(|now| same_value(attribute, now, &had)) => {
            object.insert(attribute.name(), had);
            Ok(())
        }
        Some(_) => Err(spot.mutability(IMMUTABLE)),
        None => Ok(()),
    }
}

/// Whether a value that was sent along is the one that is there. A complex one may say less: what an object does not
/// name stays as it is (RFC 7644 section 3.5.2.3).
fn is_repeated(attribute: &Attribute, current: Option<&Value>, value: &Value) -> bool {
    match (current, value) {
        (None, value) => value.is_unassigned(),
        (Some(current), Value::Object(_)) if !attribute.is_multi_valued() => {
            covers(attribute, current, value)
        }
        (Some(current), value) => same_value(attribute, current, value),
    }
}

pub(super) const IMMUTABLE: &str = "is immutable and already has a value";

/// The attribute that a change is about.
pub(super) struct Spot<'a> {
    pub(super) attribute: &'a Attribute,
    pub(super) target: &'a Target,
}

impl Spot<'_> {
    fn mutability(&self, why: &'static str) -> PatchErrorKind {
        PatchErrorKind::Mutability { path: self.target.path(), why }
    }

    pub(super) fn sub(&self) -> Option<&Attribute> {
        self.target.sub.as_deref().and_then(|name| self.attribute.sub(name))
    }

    /// The error of a filter that matches nothing.
    pub(super) fn no_match(&self) -> PatchErrorKind {
        PatchErrorKind::no_match(&self.target.path())
    }

    /// The error of a sub-attribute that cannot change any more.
    pub(super) fn immutable_part(&self, sub: &Attribute) -> PatchErrorKind {
        let mut target = self.target.clone();
        target.sub = Some(sub.name().into());
        PatchErrorKind::Mutability { path: target.path(), why: IMMUTABLE }
    }

    fn singular(&self, object: &mut Object, action: &Action) -> Done {
        let name = self.attribute.name();
        if let Some(filter) = &self.target.filter
            && !object.get(name).is_some_and(|value| filter.matches_value(value))
        {
            return match action {
                Action::Add(_) | Action::Replace(_) => Err(self.no_match()),
                _ => Ok(()),
            };
        }
        if !self.attribute.is_complex() {
            match action {
                Action::Add(value) | Action::Replace(Some(value)) => drop(object.insert(name, value.clone())),
                _ => drop(object.remove(name)),
            }
            return Ok(());
        }
        let had = has_guarded_parts(self.attribute).then(|| object.get(name).cloned()).flatten();
        match (self.sub(), action) {
            // "a set of sub-attributes ... those not specified are left" (sections 3.5.2.1 and 3.5.2.3)
            (None, Action::Add(Value::Object(given)) | Action::Replace(Some(Value::Object(given)))) => {
                if let Some(parts) = object.ensure_object(name) {
                    merge(parts, given);
                }
            }
            (None, _) => {
                let parts = object.get(name).and_then(Value::as_object);
                if let Some(sub) = self.attribute.sub_attributes().iter().find(|sub| {
                    sub.mutability() == Mutability::Immutable
                        && parts.is_some_and(|parts| parts.contains(sub.name()))
                }) {
                    return Err(self.immutable_part(sub));
                }
                object.remove(name);
                return Ok(());
            }
            (Some(sub), Action::Add(value) | Action::Replace(Some(value))) => {
                if let Some(parts) = object.ensure_object(name) {
                    set_sub(parts, sub, value, matches!(action, Action::Add(_)));
                }
            }
            (Some(sub), _) => {
                if let Some(Value::Object(parts)) = object.get_mut(name) {
                    parts.remove(sub.name());
                }
            }
        }
        if let (Some(had), Some(now)) = (had, object.get_mut(name)) {
            self.guard_parts(&had, now)?;
        }
        if object.get(name).is_some_and(Value::is_unassigned) {
            object.remove(name);
        }
        Ok(())
    }

    /// Sees to it that a complex value that was changed in place keeps its immutable sub-attributes, and loses what
    /// the server has said about another value.
    pub(super) fn guard_parts(&self, had: &Value, now: &mut Value) -> Done {
        let other_thing = match (self.attribute.sub("value"), element_value(had), element_value(now)) {
            (Some(sub), Some(old), Some(new)) => !same_value(sub, old, new),
            _ => false,
        };
        let (Value::Object(had), Value::Object(now)) = (had, now) else { return Ok(()) };
        for sub in self.attribute.sub_attributes() {
            let Some(old) = had.get(sub.name()) else { continue };
            match sub.mutability() {
                Mutability::Immutable
                    if !now.get(sub.name()).is_some_and(|new| same_value(sub, old, new)) =>
                {
                    return Err(self.immutable_part(sub));
                }
                Mutability::ReadOnly if other_thing => drop(now.remove(sub.name())),
                _ => {}
            }
        }
        Ok(())
    }
}

pub(super) fn merge(parts: &mut Object, given: &Object) {
    for (name, value) in given.iter() {
        parts.insert(name.clone(), value.clone());
    }
}

pub(super) fn set_sub(parts: &mut Object, sub: &Attribute, value: &Value, adds: bool) {
    if adds && sub.is_multi_valued() {
        let mut items = match parts.remove(sub.name()) {
            Some(Value::Array(items)) => items,
            _ => Vec::new(),
        };
        match value {
            Value::Array(values) => items.extend(values.iter().cloned()),
            one => items.push(one.clone()),
        }
        parts.insert(sub.name(), without_duplicates(sub, items, &mut Vec::new()));
    } else {
        parts.insert(sub.name(), value.clone());
    }
}
