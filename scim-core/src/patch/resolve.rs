use std::sync::Arc;

use scim_filter::{
    CompareOp, ParseOptions, Path, ResolveOptions, ResolvedAttr, ResolvedFilter, ResolvedPath, TypedValue,
};

use super::change::{Action, Change, ChangeSet, RelationAction, RelationChange, Target};
use super::error::{PatchError, PatchErrorKind};
use super::request::{Op, PatchLimits, PatchOperation, PatchRequest, parse_path};
use crate::ids::ResourceId;
use crate::message::MessageError;
use crate::quirk::Quirks;
use crate::registry::TypeDefinition;
use crate::schema::Attribute;
use crate::validate::{Coerce, Issue, IssueKind, ValidationError, is_blank, read_relation};
use crate::value::{Number, Object, Value, excerpt};

impl PatchRequest {
    /// Checks the request against the schemas: every path names an attribute that may be changed like this, every
    /// value has the form the schema asks for. No resource is needed yet.
    ///
    /// # Errors
    /// [`PatchError`] naming the operation: invalidPath and invalidFilter for paths, mutability for attributes that
    /// the client cannot change and for required ones that would be removed, invalidValue for values, noTarget for a
    /// `remove` without a path.
    pub fn resolve(self, definition: &TypeDefinition, quirks: &Quirks) -> Result<ChangeSet, PatchError> {
        let mut set = ChangeSet::default();
        for (n, operation) in self.into_operations().into_iter().enumerate() {
            let mut resolver = Resolver { definition, quirks, operation: n, set: &mut set };
            resolver.operation(operation).map_err(|kind| PatchError::at(n, kind))?;
        }
        Ok(set)
    }
}

type Done = Result<(), PatchErrorKind>;

struct Resolver<'a> {
    definition: &'a TypeDefinition,
    quirks: &'a Quirks,
    operation: usize,
    set: &'a mut ChangeSet,
}

/// What a path names, looked up.
struct Named<'a> {
    extension: Option<Arc<str>>,
    attribute: &'a Attribute,
    sub: Option<&'a Attribute>,
    filter: Option<ResolvedFilter>,
    path: String,
}

impl Named<'_> {
    /// The attribute whose values are written.
    fn written(&self) -> &Attribute {
        self.sub.unwrap_or(self.attribute)
    }
}

impl<'a> Resolver<'a> {
    fn operation(&mut self, operation: PatchOperation) -> Done {
        let PatchOperation { op, path, value } = operation;
        match path {
            Some(path) => self.at_path(op, &path, value),
            None => match (op, value) {
                // "If 'path' is unspecified, the operation fails with ... noTarget" (RFC 7644 section 3.5.2.2)
                (Op::Remove, _) => Err(PatchErrorKind::NoTarget("`remove` needs a `path`".to_owned())),
                (_, Some(Value::Object(members))) => self.without_path(op, members),
                (_, Some(other)) => Err(PatchErrorKind::Message(MessageError::value(format!(
                    "without a `path`, `value` must be an object of attributes, got {}",
                    other.kind()
                )))),
                (op, None) => Err(PatchErrorKind::NoValue { op }),
            },
        }
    }

    fn at_path(&mut self, op: Op, path: &Path<'_>, value: Option<Value>) -> Done {
        match self.resolve_path(path)? {
            ResolvedPath::Resource => match value {
                Some(Value::Object(members)) if op != Op::Remove => self.without_path(op, members),
                _ => Err(PatchErrorKind::Mutability {
                    path: path.to_string(),
                    why: "is the base schema and cannot be removed or given a plain value",
                }),
            },
            ResolvedPath::Extension(uri) => self.extension(op, &uri, value),
            ResolvedPath::Attribute { attr, filter } => {
                let named = self.named(&attr, filter, path.to_string())?;
                self.change(op, named, value)
            }
        }
    }

    fn resolve_path(&self, path: &Path<'_>) -> Result<ResolvedPath, PatchErrorKind> {
        let options = ResolveOptions::default().with_string_booleans(self.quirks.string_booleans);
        path.resolve(self.definition, &options).map_err(|error| {
            // An attribute that does not exist is a bad path, whatever its filter says.
            let in_filter = path.filter().is_some() && path.attr().resolve(self.definition).is_ok();
            PatchErrorKind::unresolved(excerpt(&path.to_string()), &error, in_filter)
        })
    }

    fn named(
        &self,
        attr: &ResolvedAttr,
        filter: Option<ResolvedFilter>,
        path: String,
    ) -> Result<Named<'a>, PatchErrorKind> {
        let attribute = match attr.extension() {
            None => self.definition.attribute(attr.name()),
            Some(uri) => {
                self.definition.extension(uri).and_then(|extension| extension.schema.attribute(attr.name()))
            }
        };
        let attribute = attribute
            .ok_or_else(|| PatchErrorKind::NoTarget(format!("there is no attribute `{}`", excerpt(&path))))?;
        let sub = attr.sub().and_then(|name| attribute.sub(name));
        Ok(Named { extension: attr.extension().map(Arc::from), attribute, sub, filter, path })
    }

    /// "each attribute in value" of an operation without a path (RFC 7644 sections 3.5.2.1 and 3.5.2.3).
    fn without_path(&mut self, op: Op, members: Object) -> Done {
        for (name, value) in members {
            let name = name.as_str();
            if name.eq_ignore_ascii_case("schemas") {
                self.schemas(Op::Add, Some(value))?;
                continue;
            }
            if let Some(attribute) = self.definition.attribute(name) {
                if attribute.is_read_only() {
                    self.read_only_sent_along(attribute, value)?;
                    continue;
                }
                let path = attribute.name().to_owned();
                let named = Named { extension: None, attribute, sub: None, filter: None, path };
                self.change(op, named, Some(value))?;
            } else if let Some(extension) = self.definition.extension(name) {
                let uri = Arc::clone(extension.schema.id().shared());
                self.extension(op, &uri, Some(value))?;
            } else {
                self.key(op, name, value)?;
            }
        }
        Ok(())
    }

    /// A key that is a path: `name.givenName`, `urn:...:User:department`, `emails[type eq "work"].value`.
    fn key(&mut self, op: Op, name: &str, value: Value) -> Done {
        let unknown =
            |problem: String| PatchErrorKind::Target { path: excerpt(name), problem, in_filter: false };
        if !self.quirks.dotted_keys
            && (name.contains('[') || !name.contains(':'))
            && name.contains(['.', '['])
        {
            return Err(unknown("a key of `value` must be the name of an attribute".to_owned()));
        }
        let mut options = ParseOptions::default();
        options.limits = PatchLimits::default().path;
        let resolved = parse_path(name, &options).and_then(|path| Ok((self.resolve_path(&path)?, path)));
        match resolved {
            Ok((_, path)) => self.at_path(op, &path, Some(value)),
            Err(_) if self.quirks.ignore_unknown_attributes => Ok(()),
            Err(kind @ PatchErrorKind::Target { .. }) => Err(kind),
            Err(_) => Err(unknown(format!("{} has no such attribute", self.definition.name()))),
        }
    }

    fn read_only_sent_along(&mut self, attribute: &Attribute, value: Value) -> Done {
        if self.quirks.ignore_read_only_in_patch {
            return Ok(());
        }
        if attribute.is_complex() {
            return Err(set_by_server(attribute.name()));
        }
        let target = Target {
            extension: None,
            attribute: attribute.name().into(),
            filter: None,
            sub: None,
            template: None,
        };
        self.push(target, Action::Expect(value));
        Ok(())
    }

    /// All attributes of an extension (the URN alone as path or key).
    fn extension(&mut self, op: Op, uri: &Arc<str>, value: Option<Value>) -> Done {
        let Some(extension) = self.definition.extension(uri) else { return Ok(()) };
        let clears = matches!(value, None | Some(Value::Null));
        if op == Op::Remove || (op == Op::Replace && value == Some(Value::Null)) {
            if extension.required {
                return Err(PatchErrorKind::Mutability {
                    path: uri.as_ref().to_owned(),
                    why: "is a required extension and cannot be removed",
                });
            }
            for attribute in extension.schema.attributes().iter().filter(|a| !a.is_read_only()) {
                let target = Target {
                    extension: Some(Arc::clone(uri)),
                    attribute: attribute.name().into(),
                    filter: None,
                    sub: None,
                    template: None,
                };
                self.push(target, Action::Remove);
            }
            return Ok(());
        }
        if clears {
            return Err(PatchErrorKind::NoValue { op });
        }
        let members = match value {
            Some(Value::Object(members)) => members,
            other => {
                let got = other.as_ref().map_or("nothing", Value::kind);
                let kind = IssueKind::Type { expected: "an object", got: got.to_owned() };
                return Err(ValidationError::from(Issue::new(uri.as_ref(), kind)).into());
            }
        };
        for (name, value) in members {
            let Some(attribute) = extension.schema.attribute(name.as_str()) else {
                if self.quirks.ignore_unknown_attributes {
                    continue;
                }
                return Err(PatchErrorKind::Target {
                    path: format!("{uri}:{}", excerpt(name.as_str())),
                    problem: "the extension has no such attribute".to_owned(),
                    in_filter: false,
                });
            };
            let path = format!("{uri}:{}", attribute.name());
            let named = Named { extension: Some(Arc::clone(uri)), attribute, sub: None, filter: None, path };
            self.change(op, named, Some(value))?;
        }
        Ok(())
    }

    /// `schemas` follows the data; adding a registered URI is a no-op, removing an extension's removes its data.
    fn schemas(&mut self, op: Op, value: Option<Value>) -> Done {
        let uris = match value {
            Some(Value::Array(items)) => items,
            Some(one @ Value::String(_)) => vec![one],
            _ => {
                return Err(PatchErrorKind::Mutability {
                    path: "schemas".to_owned(),
                    why: "is required and cannot be removed as a whole",
                });
            }
        };
        for uri in uris {
            let text = uri.as_str().unwrap_or_default();
            let extension =
                self.definition.extension(text).map(|extension| Arc::clone(extension.schema.id().shared()));
            match (op, extension) {
                (Op::Remove, Some(uri)) => self.extension(Op::Remove, &uri, None)?,
                (Op::Remove, None) if self.definition.base().id().is(text) => {
                    return Err(PatchErrorKind::Mutability {
                        path: "schemas".to_owned(),
                        why: "must keep the base schema",
                    });
                }
                (Op::Remove, None) => {}
                (_, Some(_)) => {}
                (_, None) if self.definition.base().id().is(text) || self.quirks.assume_schemas => {}
                (_, None) => {
                    let kind = IssueKind::Schemas(format!(
                        "names `{}`, which is no schema of {}",
                        uri.excerpt(),
                        self.definition.name()
                    ));
                    return Err(ValidationError::from(Issue::new("schemas", kind)).into());
                }
            }
        }
        Ok(())
    }

    fn change(&mut self, op: Op, named: Named<'_>, value: Option<Value>) -> Done {
        if named.extension.is_none() {
            if named.attribute.name() == "schemas" {
                return self.schemas(op, value);
            }
            if self.definition.relation(named.attribute.name()).is_some() {
                return self.relation(op, &named, value);
            }
        }
        if named.attribute.is_read_only() || named.written().is_read_only() {
            return Err(set_by_server(&named.path));
        }
        let action = match op {
            Op::Remove => self.removal(&named, value)?,
            Op::Add | Op::Replace => {
                let value = value.ok_or(PatchErrorKind::NoValue { op })?;
                self.writing(op, &named, value)?
            }
        };
        let template = match (&action, &named.filter) {
            (Action::Add(_) | Action::Replace(Some(_)), Some(filter)) if self.quirks.create_on_no_match => {
                template(filter)
            }
            _ => None,
        };
        let target = Target {
            extension: named.extension,
            attribute: named.attribute.name().into(),
            filter: named.filter,
            sub: named.sub.map(|sub| sub.name().into()),
            template,
        };
        self.push(target, action);
        Ok(())
    }

    fn removal(&self, named: &Named<'_>, value: Option<Value>) -> Result<Action, PatchErrorKind> {
        // "If the attribute is removed ... and is required ... mutability" (RFC 7644 section 3.5.2.2)
        if named.filter.is_none() && named.written().is_required() {
            return Err(PatchErrorKind::Mutability {
                path: named.path.clone(),
                why: "is required and cannot be removed",
            });
        }
        let listed = match value {
            Some(value) if !value.is_unassigned() => value,
            _ => return Ok(Action::Remove),
        };
        if named.filter.is_some() || named.sub.is_some() || !named.attribute.is_multi_valued() {
            // The old value, as Microsoft Entra ID sends it along: the path says what goes.
            return Ok(Action::Remove);
        }
        if !self.quirks.remove_listed_values {
            return Err(PatchErrorKind::Message(MessageError::value(format!(
                "`remove` of `{}` has a `value`; say which values with a filter in the path, or leave the value \
                 out to remove all",
                named.path
            ))));
        }
        match self.coerced(named.attribute, listed, &named.path)? {
            Some(Value::Array(values)) => Ok(Action::RemoveListed(values)),
            _ => Ok(Action::RemoveListed(Vec::new())),
        }
    }

    fn writing(&self, op: Op, named: &Named<'_>, value: Value) -> Result<Action, PatchErrorKind> {
        let written = named.written();
        let value = match (&named.filter, named.sub) {
            // One value among several, or all of them, is given as an object of its own.
            (Some(_), None) => self.one_of_many(named, value)?,
            (_, Some(sub)) => self.coerced(sub, value, &named.path)?,
            (None, None) => self.coerced(named.attribute, value, &named.path)?,
        };
        if written.is_required() && value.as_ref().is_none_or(is_blank) {
            return Err(ValidationError::from(Issue::new(named.path.as_str(), IssueKind::Required)).into());
        }
        Ok(match (op, value) {
            (Op::Add, Some(value)) => Action::Add(value),
            // Adding nothing changes nothing.
            (Op::Add, None) => Action::Add(Value::Array(Vec::new())),
            (_, value) => Action::Replace(value),
        })
    }

    fn one_of_many(&self, named: &Named<'_>, value: Value) -> Result<Option<Value>, PatchErrorKind> {
        let value = match value {
            Value::Array(mut items) if items.len() <= 1 => items.pop().unwrap_or(Value::Null),
            other => other,
        };
        let mut coerce = Coerce::new(self.quirks, self.definition.name());
        let value = coerce.single(named.attribute, value, &named.path);
        ValidationError::unless_empty(coerce.issues)?;
        Ok(value)
    }

    fn coerced(
        &self,
        attribute: &Attribute,
        value: Value,
        path: &str,
    ) -> Result<Option<Value>, PatchErrorKind> {
        let value = match value {
            // One object or text stands for a list of one in every mode: common clients send both forms.
            one if attribute.is_multi_valued() && !matches!(one, Value::Array(_) | Value::Null) => {
                Value::Array(vec![one])
            }
            other => other,
        };
        let mut coerce = Coerce::new(self.quirks, self.definition.name());
        let value = coerce.attribute(attribute, value, path);
        ValidationError::unless_empty(coerce.issues)?;
        Ok(value)
    }

    fn relation(&mut self, op: Op, named: &Named<'_>, value: Option<Value>) -> Done {
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
        let ids = |this: &Self, value: Value| {
            let value = match value {
                one @ (Value::Object(_) | Value::String(_)) => Value::Array(vec![one]),
                other => other,
            };
            let mut coerce = Coerce::new(this.quirks, this.definition.name());
            let ids = read_relation(named.attribute, value, &named.path, &mut coerce);
            ValidationError::unless_empty(coerce.issues).map(|()| ids)
        };
        let action = match (op, &named.filter, value) {
            (Op::Remove, Some(filter), _) => match selected_ids(filter) {
                Some(ids) => RelationAction::Remove(ids),
                None => RelationAction::RemoveMatching(filter.clone()),
            },
            (Op::Remove, None, Some(value)) if !value.is_unassigned() => {
                if !self.quirks.remove_listed_values {
                    return Err(PatchErrorKind::Message(MessageError::value(format!(
                        "`remove` of `{0}` has a `value`; say which with `{0}[value eq \"...\"]`, or leave the \
                         value out to remove all",
                        named.path
                    ))));
                }
                RelationAction::Remove(ids(self, value)?)
            }
            (Op::Remove, None, _) => {
                if named.attribute.is_required() {
                    return Err(PatchErrorKind::Mutability {
                        path: named.path.clone(),
                        why: "is required and cannot be removed",
                    });
                }
                RelationAction::Replace(Vec::new())
            }
            (op, _, None) => return Err(PatchErrorKind::NoValue { op }),
            (Op::Add, None, Some(value)) => RelationAction::Add(ids(self, value)?),
            (Op::Replace, None, Some(value)) => RelationAction::Replace(ids(self, value)?),
            (_, Some(filter), Some(_)) => match selected_ids(filter) {
                // The value that the filter names is the one that is to be there.
                Some(ids) if self.quirks.create_on_no_match => RelationAction::Add(ids),
                _ => {
                    return Err(PatchErrorKind::Mutability {
                        path: named.path.clone(),
                        why: "is a reference and cannot be changed; remove the value and add another",
                    });
                }
            },
        };
        self.set.relations.push(RelationChange { attribute: named.attribute.name().into(), action });
        Ok(())
    }

    fn push(&mut self, target: Target, action: Action) {
        self.set.changes.push(Change { operation: self.operation, target, action });
    }
}

fn set_by_server(path: &str) -> PatchErrorKind {
    PatchErrorKind::Mutability { path: path.to_owned(), why: "is set by the server and cannot be changed" }
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

/// What a value made for a filter begins with: `type eq "work" and primary eq true` says it all; anything but
/// equality joined by `and` does not.
fn template(filter: &ResolvedFilter) -> Option<Object> {
    match filter {
        ResolvedFilter::Compare(comparison) if comparison.op == CompareOp::Eq => {
            let value = match &comparison.value {
                TypedValue::Bool(value) => Value::Bool(*value),
                TypedValue::String(text) => Value::from(text.text()),
                TypedValue::Binary(text) => Value::from(&**text),
                TypedValue::Instant(instant) => Value::from(instant.text()),
                TypedValue::Number(number) => Value::Number(Number::from_json(number.as_str()).ok()?),
            };
            Some([(comparison.attr.name(), value)].into_iter().collect())
        }
        ResolvedFilter::And(terms) => {
            let mut object = Object::new();
            for term in terms {
                for (name, value) in template(term)? {
                    if object.insert(name, value).is_some() {
                        return None;
                    }
                }
            }
            Some(object)
        }
        _ => None,
    }
}
