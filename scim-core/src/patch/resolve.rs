use std::collections::HashSet;
use std::sync::Arc;

use scim_filter::{Path, ResolveOptions, ResolvedAttr, ResolvedFilter, ResolvedPath};

use super::change::{Action, Change, ChangeSet, Target, push_filter};
use super::error::{PatchError, PatchErrorKind};
use super::request::{Op, PatchOperation, PatchRequest, PathOptions, parse_options, parse_path};
use super::template::template;
use crate::message::MessageError;
use crate::quirk::{Quirk, Quirks};
use crate::registry::TypeDefinition;
use crate::schema::{Attribute, Schema};
use crate::validate::{At, Coerce, Issue, IssueKind, Slip, ValidationError, is_blank, is_possible_name};
use crate::value::{Object, Value, excerpt, excerpt_path};

impl PatchRequest {
    /// Checks the request against the schemas: every path names an attribute that may be changed like this, every
    /// value has the form the schema asks for. No resource is needed yet.
    ///
    /// # Errors
    /// [`PatchError`] naming the operation: invalidPath and invalidFilter for paths, mutability for attributes that
    /// the client cannot change and for required ones that would be removed, invalidValue for values, noTarget for a
    /// `remove` without a path.
    pub fn resolve(self, definition: &TypeDefinition, quirks: &Quirks) -> Result<ChangeSet, PatchError> {
        let (operations, limits) = self.into_parts();
        let options = parse_options(quirks, &limits);
        let mut set =
            ChangeSet { work_limit: limits.work, copies_limit: limits.copies, ..ChangeSet::default() };
        for (n, operation) in operations.into_iter().enumerate() {
            let mut resolver =
                Resolver { definition, quirks, options: &options, operation: n, given: None, set: &mut set };
            resolver.operation(operation).map_err(|kind| PatchError::at(n, kind))?;
        }
        Ok(set)
    }
}

pub(super) type Done = Result<(), PatchErrorKind>;

pub(super) struct Resolver<'a> {
    pub(super) definition: &'a TypeDefinition,
    pub(super) quirks: &'a Quirks,
    pub(super) options: &'a PathOptions<'a>,
    pub(super) operation: usize,
    /// What the keys of a value have named by now, as canonical paths; `None` for an operation with a path of its own.
    given: Option<HashSet<String>>,
    pub(super) set: &'a mut ChangeSet,
}

/// What a path names, looked up.
pub(super) struct Named<'a> {
    extension: Option<Arc<str>>,
    pub(super) attribute: &'a Attribute,
    pub(super) sub: Option<&'a Attribute>,
    pub(super) filter: Option<ResolvedFilter>,
    /// The path for messages, in the registered spelling.
    pub(super) path: String,
}

impl<'a> Named<'a> {
    /// A whole attribute of the base schema or of an extension.
    fn whole(extension: Option<&Arc<str>>, attribute: &'a Attribute) -> Self {
        let path = match extension {
            None => attribute.name().to_owned(),
            Some(uri) => format!("{uri}:{}", attribute.name()),
        };
        Self { extension: extension.cloned(), attribute, sub: None, filter: None, path }
    }

    /// The attribute whose values are written.
    fn written(&self) -> &Attribute {
        self.sub.unwrap_or(self.attribute)
    }
}

impl<'a> Resolver<'a> {
    fn operation(&mut self, operation: PatchOperation) -> Done {
        let PatchOperation { op, path, value } = operation;
        self.given = path.as_ref().is_none_or(|path| path.attr().schema().is_some()).then(HashSet::new);
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
                    path: excerpt_path(&path.to_string()),
                    why: "is the base schema and cannot be removed or given a plain value",
                }),
            },
            ResolvedPath::Extension(uri) => self.extension(op, &uri, value),
            ResolvedPath::Attribute { attr, filter } => {
                let named = self.named(&attr, filter)?;
                self.change(op, named, value)
            }
        }
    }

    pub(super) fn resolve_path(&self, path: &Path<'_>) -> Result<ResolvedPath, PatchErrorKind> {
        let strict = ResolveOptions::default();
        let resolved = match path.resolve(self.definition, &strict) {
            Err(error) if path.filter().is_some() && self.quirks.is_on(Quirk::StringBooleans) => {
                let resolved = path.resolve(self.definition, &strict.with_string_booleans(true));
                // What does not fit either way is no use of the quirk.
                if resolved.is_ok() && !self.quirks.tolerate(Quirk::StringBooleans) {
                    Err(error)
                } else {
                    resolved
                }
            }
            resolved => resolved,
        };
        resolved.map_err(|error| {
            // What does not exist is a bad path, whatever its filter says.
            let in_filter = path.filter().is_some() && self.is_there(path);
            PatchErrorKind::unresolved(excerpt_path(&path.to_string()), &error, in_filter)
        })
    }

    /// Whether there is what a path names, before its filter and after it.
    fn is_there(&self, path: &Path<'_>) -> bool {
        match (path.attr().resolve(self.definition), path.sub()) {
            (Ok(ResolvedPath::Attribute { attr, .. }), Some(sub)) => {
                self.named(&attr, None).is_ok_and(|named| named.attribute.sub(sub).is_some())
            }
            (found, _) => found.is_ok(),
        }
    }

    fn named(
        &self,
        attr: &ResolvedAttr,
        filter: Option<ResolvedFilter>,
    ) -> Result<Named<'a>, PatchErrorKind> {
        let extension = attr.extension().map(Arc::from);
        let attribute = match &extension {
            None => self.definition.attribute(attr.name()),
            Some(uri) => {
                self.definition.extension(uri).and_then(|extension| extension.schema.attribute(attr.name()))
            }
        };
        let Some(attribute) = attribute else {
            return Err(PatchErrorKind::NoTarget(format!(
                "there is no attribute `{}`",
                excerpt_path(attr.name())
            )));
        };
        let mut named = Named::whole(extension.as_ref(), attribute);
        if let Some(filter) = &filter {
            push_filter(&mut named.path, filter);
        }
        named.sub = attr.sub().and_then(|name| attribute.sub(name));
        if let Some(sub) = named.sub {
            named.path.push('.');
            named.path.push_str(sub.name());
        }
        named.filter = filter;
        Ok(named)
    }

    /// "each attribute in value" of an operation without a path (RFC 7644 sections 3.5.2.1 and 3.5.2.3).
    fn without_path(&mut self, op: Op, members: Object) -> Done {
        for (name, value) in members {
            let name = name.as_str();
            if name.eq_ignore_ascii_case("schemas") {
                // Sent along, it says what the value is made of, not what the resource is to lose.
                self.schemas(Op::Add, None, Some(value))?;
            } else if let Some(attribute) = self.definition.attribute(name) {
                self.sent_along(op, Named::whole(None, attribute), value)?;
            } else if let Some(extension) = self.definition.extension(name) {
                let uri = Arc::clone(extension.schema.id().shared());
                self.extension(op, &uri, Some(value))?;
            } else {
                self.key(op, name, None, value)?;
            }
        }
        Ok(())
    }

    /// A key that is a path: `name.givenName`, `urn:...:User:department`, `emails[type eq "work"].value`; perhaps in the
    /// object of an extension.
    fn key(&mut self, op: Op, name: &str, inside: Option<&Schema>, value: Value) -> Done {
        let unknown =
            |problem: String| PatchErrorKind::Target { path: excerpt_path(name), problem, in_filter: false };
        let filtered = name.contains('[');
        let dotted = (filtered || !name.contains(':')) && name.contains(['.', '[']);
        if dotted && !self.quirks.tolerate(Quirk::DottedKeys) {
            return Err(unknown("a key of `value` must be the name of an attribute".to_owned()));
        }
        let resolved = parse_path(name, self.options).and_then(|path| Ok((self.resolve_path(&path)?, path)));
        match resolved {
            Ok((_, path)) => self.at_path(op, &path, Some(value)),
            // What cannot be read, or selects by what is not there, was meant: only a name that is not known is passed
            // over.
            Err(kind @ (PatchErrorKind::Path { .. } | PatchErrorKind::Target { in_filter: true, .. }))
                if filtered =>
            {
                Err(kind)
            }
            Err(kind) => match Slip::find(self.definition, inside, name.split('[').next().unwrap_or(name)) {
                Some(Slip::Misdirected(problem)) => Err(unknown(problem)),
                Some(Slip::Impossible) => Err(impossible(name)),
                None if self.quirks.tolerate(Quirk::IgnoreUnknownAttributes) => Ok(()),
                None if matches!(kind, PatchErrorKind::Target { .. }) => Err(kind),
                None => Err(unknown(format!("{} has no such attribute", self.definition.name()))),
            },
        }
    }

    /// An attribute among others in a value. What is readOnly may be there with the value that it has.
    fn sent_along(&mut self, op: Op, named: Named<'_>, value: Value) -> Done {
        if !named.attribute.is_read_only() {
            return self.change(op, named, Some(value));
        }
        // What is readOnly and complex (`meta`, `groups`) is not worth loading to find out whether it was repeated.
        if named.attribute.is_complex() && self.quirks.tolerate(Quirk::IgnoreReadOnlyInPatch) {
            return Ok(());
        }
        self.push(named.extension, named.attribute, None, None, Action::Expect(value));
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
                self.push(Some(Arc::clone(uri)), attribute, None, None, Action::Remove);
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
            if name.is("schemas") {
                // Every object may say which schemas it has (RFC 7643 section 3.1); the path says it here.
            } else if let Some(attribute) = extension.schema.attribute(name.as_str()) {
                self.sent_along(op, Named::whole(Some(uri), attribute), value)?;
            } else if name.as_str().contains(['.', '[']) && self.quirks.is_on(Quirk::DottedKeys) {
                self.key(op, &format!("{uri}:{name}"), Some(&extension.schema), value)?;
            } else if !is_possible_name(name.as_str()) {
                return Err(impossible(&format!("{uri}:{name}")));
            } else if !self.quirks.tolerate(Quirk::IgnoreUnknownAttributes) {
                return Err(PatchErrorKind::Target {
                    path: format!("{uri}:{}", excerpt(name.as_str())),
                    problem: "the extension has no such attribute".to_owned(),
                    in_filter: false,
                });
            }
        }
        Ok(())
    }

    /// `schemas` follows the data: adding a registered URI changes nothing, removing an extension's removes its data,
    /// and to replace the list removes the data of extensions that the new one lacks.
    fn schemas(&mut self, op: Op, filter: Option<&ResolvedFilter>, value: Option<Value>) -> Done {
        let mutability = |why| Err(PatchErrorKind::Mutability { path: "schemas".to_owned(), why });
        let definition = self.definition;
        let extensions = || definition.extensions().iter().map(|extension| extension.schema.id());
        let base = definition.base().id();
        if let Some(filter) = filter {
            let selected = |uri: &str| filter.matches_value(&Value::from(uri));
            if op != Op::Remove {
                return mutability("follows the data of the resource; add or remove URIs");
            }
            if selected(base.as_str()) {
                return mutability("must keep the base schema");
            }
            for uri in extensions().filter(|uri| selected(uri.as_str())) {
                self.extension(Op::Remove, uri.shared(), None)?;
            }
            return Ok(());
        }
        let uris = match value {
            Some(Value::Array(items)) => items,
            Some(one @ Value::String(_)) => vec![one],
            Some(Value::Null) if op == Op::Add => return Ok(()),
            _ => return mutability("is required and cannot be removed as a whole"),
        };
        let listed = |uri: &str| {
            uris.iter().any(|item| item.as_str().is_some_and(|item| item.eq_ignore_ascii_case(uri)))
        };
        let known = |uri: &&Value| {
            uri.as_str().is_some_and(|text| base.is(text) || definition.extension(text).is_some())
        };
        match op {
            Op::Remove if listed(base.as_str()) => return mutability("must keep the base schema"),
            Op::Remove => {
                for uri in extensions().filter(|uri| listed(uri.as_str())) {
                    self.extension(Op::Remove, uri.shared(), None)?;
                }
                return Ok(());
            }
            Op::Add | Op::Replace => {}
        }
        if let Some(unknown) = uris.iter().find(|uri| !known(uri))
            && !self.quirks.tolerate(Quirk::AssumeSchemas)
        {
            let text = format!("names `{}`, which is no schema of {}", unknown.excerpt(), definition.name());
            return Err(ValidationError::from(Issue::new("schemas", IssueKind::Schemas(text))).into());
        }
        if op == Op::Replace {
            if !listed(base.as_str()) {
                return mutability("must keep the base schema");
            }
            for uri in extensions().filter(|uri| !listed(uri.as_str())) {
                self.extension(Op::Remove, uri.shared(), None)?;
            }
        }
        Ok(())
    }

    /// "The same attribute twice" in one value: by its name, and in an object or as a path. Which one counts would be a
    /// guess.
    fn give(&mut self, named: &Named<'_>, value: Option<&Value>) -> Done {
        let Some(given) = &mut self.given else { return Ok(()) };
        let parts = named.sub.is_none() && named.attribute.is_complex() && !named.attribute.is_multi_valued();
        let again = match value {
            Some(Value::Object(members)) if parts => members
                .iter()
                .filter_map(|(name, _)| named.attribute.sub(name.as_str()))
                .map(|sub| format!("{}.{}", named.path, sub.name()))
                .find(|path| !given.insert(path.clone())),
            Some(Value::String(_) | Value::Number(_)) if parts => {
                Some(format!("{}.value", named.path)).filter(|path| !given.insert(path.clone()))
            }
            _ => (!given.insert(named.path.clone())).then(|| named.path.clone()),
        };
        match again {
            Some(path) => Err(PatchErrorKind::Message(MessageError::syntax(format!(
                "`{path}` is given twice in one value, each time in other words; send it once"
            )))),
            None => Ok(()),
        }
    }

    fn change(&mut self, op: Op, named: Named<'_>, value: Option<Value>) -> Done {
        self.give(&named, value.as_ref())?;
        if named.extension.is_none() {
            if named.attribute.name() == "schemas" {
                return self.schemas(op, named.filter.as_ref(), value);
            }
            if self.definition.relation(named.attribute.name()).is_some() {
                return self.relation(op, &named, value);
            }
        }
        if named.attribute.is_read_only() || named.written().is_read_only() {
            return Err(set_by_server(&named.path));
        }
        let action = match op {
            Op::Remove => Some(self.removal(&named, value)?),
            Op::Add | Op::Replace => {
                let value = value.ok_or(PatchErrorKind::NoValue { op })?;
                self.writing(op, &named, value)?
            }
        };
        if let Some(action) = action {
            self.push(named.extension, named.attribute, named.sub, named.filter, action);
        }
        Ok(())
    }

    fn removal(&self, named: &Named<'_>, value: Option<Value>) -> Result<Action, PatchErrorKind> {
        // "If the attribute is removed ... and is required ... mutability" (RFC 7644 section 3.5.2.2)
        if named.written().is_required() && (named.filter.is_none() || named.sub.is_some()) {
            return Err(required(&named.path));
        }
        let listed = match value {
            Some(value) if value != Value::Null => value,
            _ => return Ok(Action::Remove),
        };
        if named.filter.is_some() || named.sub.is_some() || !named.attribute.is_multi_valued() {
            // The old value, as Microsoft Entra ID sends it along: the path says what goes.
            return Ok(Action::Remove);
        }
        if !self.quirks.tolerate(Quirk::RemoveListedValues) {
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

    /// What an `add` or `replace` comes to; `None` if nothing.
    fn writing(&mut self, op: Op, named: &Named<'_>, value: Value) -> Result<Option<Action>, PatchErrorKind> {
        let written = named.written();
        let clears = clears(&value);
        let blank = |value: Option<&Value>| written.is_required() && value.is_none_or(is_blank);
        let value = match (&named.filter, named.sub, value) {
            // "a set of sub-attributes" is merged: what it does not name stays (RFC 7644 section 3.5.2.3).
            (None, None, Value::Object(given)) if written.is_complex() && !written.is_multi_valued() => {
                return self.merging(op, named, given);
            }
            // One value among several is given as an object of its own.
            (Some(_), None, value) => self.one_of_many(op, named, value)?,
            (_, _, value) => self.coerced(written, value, &named.path)?,
        };
        if blank(value.as_ref()) && (named.filter.is_none() || named.sub.is_some()) {
            return Err(ValidationError::from(Issue::new(named.path.as_str(), IssueKind::Required)).into());
        }
        // A singular attribute is the smaller loss: `""` for one clears it.
        if op == Op::Replace
            && value.is_none()
            && !clears
            && written.is_multi_valued()
            && named.filter.is_none()
        {
            return Err(nothing_in_it(&named.path));
        }
        Ok(match (op, value) {
            (Op::Add, Some(value)) => Some(Action::Add(value)),
            // NB: adding nothing changes nothing, also where a `replace` by nothing would remove something.
            (Op::Add, None) => None,
            (_, value) => Some(Action::Replace(value)),
        })
    }

    /// An object for a complex attribute: sub-attributes with a value are set, and where it is a `replace`, those
    /// without one are removed.
    fn merging(
        &mut self,
        op: Op,
        named: &Named<'_>,
        given: Object,
    ) -> Result<Option<Action>, PatchErrorKind> {
        let mut emptied: Vec<&Attribute> = Vec::new();
        if op == Op::Replace {
            let empty = given.iter().filter(|(_, value)| value.is_unassigned());
            let subs = empty.filter_map(|(name, _)| named.attribute.sub(name.as_str()));
            emptied.extend(subs.filter(|sub| !sub.is_read_only()));
        }
        if let Some(sub) = emptied.iter().find(|sub| sub.is_required()) {
            let path = format!("{}.{}", named.path, sub.name());
            return Err(ValidationError::from(Issue::new(path, IssueKind::Required)).into());
        }
        let at = At::Path(&named.path);
        let object = Coerce::run(self.quirks, self.definition.name(), |coerce| {
            coerce.members(named.attribute, given, &at)
        })?;
        for sub in emptied {
            self.push(named.extension.clone(), named.attribute, Some(sub), None, Action::Replace(None));
        }
        let object = Value::Object(object);
        Ok((!object.is_unassigned()).then_some(if op == Op::Add {
            Action::Add(object)
        } else {
            Action::Replace(Some(object))
        }))
    }

    fn one_of_many(&self, op: Op, named: &Named<'_>, value: Value) -> Result<Option<Value>, PatchErrorKind> {
        let value = match value {
            Value::Array(mut items) if items.len() <= 1 => items.pop().unwrap_or(Value::Null),
            other => other,
        };
        let at = At::Path(&named.path);
        Ok(Coerce::run(self.quirks, self.definition.name(), |coerce| {
            coerce.partial = op == Op::Add;
            coerce.single(named.attribute, value, &at)
        })?)
    }

    pub(super) fn coerced(
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
        let at = At::Path(path);
        Ok(Coerce::run(self.quirks, self.definition.name(), |coerce| {
            coerce.attribute(attribute, value, &at)
        })?)
    }

    fn push(
        &mut self,
        extension: Option<Arc<str>>,
        attribute: &Attribute,
        sub: Option<&Attribute>,
        filter: Option<ResolvedFilter>,
        action: Action,
    ) {
        let template = match (&action, &filter) {
            (Action::Add(_) | Action::Replace(_), Some(filter))
                if self.quirks.is_on(Quirk::CreateOnNoMatch) =>
            {
                template(attribute, sub, filter, &action, self.quirks)
            }
            _ => None,
        };
        let target = Target {
            extension,
            attribute: attribute.name().into(),
            filter,
            sub: sub.map(|sub| sub.name().into()),
            template,
            quirks: self.quirks.clone(),
        };
        self.set.changes.push(Change { operation: self.operation, target, action });
    }
}

fn impossible(name: &str) -> PatchErrorKind {
    PatchErrorKind::Message(MessageError::syntax(format!("`{}` {}", excerpt_path(name), Slip::IMPOSSIBLE)))
}

/// Whether a value says that an attribute is to have none (RFC 7643 section 2.5).
pub(super) fn clears(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// The error of a value for a list that comes to nothing without saying so, as where a template had nothing to fill in:
/// to take it for an empty list would remove all values, which may cost people their access.
pub(super) fn nothing_in_it(path: &str) -> PatchErrorKind {
    PatchErrorKind::Message(MessageError::value(format!(
        "`{path}` would be replaced by a value with nothing in it; send null or an empty list to remove all values"
    )))
}

pub(super) fn set_by_server(path: &str) -> PatchErrorKind {
    PatchErrorKind::Mutability { path: path.to_owned(), why: "is set by the server and cannot be changed" }
}

pub(super) fn required(path: &str) -> PatchErrorKind {
    PatchErrorKind::Mutability { path: path.to_owned(), why: "is required and cannot be removed" }
}
