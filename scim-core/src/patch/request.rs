use std::fmt;

use scim_filter::{Limits, ParseOptions, Path};

use super::error::{PatchError, PatchErrorKind};
use crate::message::MessageError;
use crate::quirk::{Quirk, Quirks};
use crate::urn;
use crate::value::{Object, Value, excerpt, excerpt_path};

/// A PATCH message: at least one operation, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct PatchRequest {
    operations: Vec<PatchOperation>,
    limits: PatchLimits,
}

/// One operation of a PATCH. Its value is not part of `Debug`, as it may be a password.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct PatchOperation {
    /// What is to be done.
    pub op: Op,
    /// Where; without a path the value names the attributes itself.
    pub path: Option<Path<'static>>,
    /// With what. `None` when the member is absent; a `null` that was written is [`Value::Null`].
    pub value: Option<Value>,
}

impl fmt::Debug for PatchOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PatchOperation")
            .field("op", &self.op)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// The three operations of RFC 7644 section 3.5.2.
///
/// Complete by definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// Section 3.5.2.1.
    Add,
    /// Section 3.5.2.2.
    Remove,
    /// Section 3.5.2.3.
    Replace,
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Add => "add",
            Self::Remove => "remove",
            Self::Replace => "replace",
        })
    }
}

/// How much one PATCH may ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PatchLimits {
    /// How many operations. Default 1,000.
    pub operations: usize,
    /// How long and deep a path may be.
    pub path: Limits,
    /// How much looking at values all operations together may cost, so that many operations on long lists stay
    /// cheap: an operation on a multi-valued attribute costs a unit for every value and sub-value of the list and for
    /// every 64 bytes of text in them, and that much again for every comparison in its filter. Default 2,000,000: a
    /// thousand operations, each with a filter, on a list of three hundred e-mail addresses.
    pub work: u64,
    /// How many bytes a value may come to by being set in several elements of a list at once, as by
    /// `emails[type eq "work"].display`, all operations together and the first element of each not counted. Without it a
    /// short request could make a resource of any size. Default 1 MiB.
    pub copies: u64,
}

impl Default for PatchLimits {
    fn default() -> Self {
        Self { operations: 1000, path: Limits::default(), work: 2_000_000, copies: 1024 * 1024 }
    }
}

impl PatchLimits {
    /// Sets the greatest number of operations.
    #[must_use]
    pub fn with_operations(mut self, operations: usize) -> Self {
        self.operations = operations;
        self
    }

    /// Sets how long and deep a path may be.
    #[must_use]
    pub fn with_path(mut self, path: Limits) -> Self {
        self.path = path;
        self
    }

    /// Sets how much looking at values all operations together may cost.
    #[must_use]
    pub fn with_work(mut self, work: u64) -> Self {
        self.work = work;
        self
    }

    /// Sets how many bytes a value may come to by being set in several elements at once.
    #[must_use]
    pub fn with_copies(mut self, bytes: u64) -> Self {
        self.copies = bytes;
        self
    }
}

impl PatchRequest {
    /// A request of the given operations, with the default [`PatchLimits`].
    #[must_use]
    pub fn new(operations: Vec<PatchOperation>) -> Self {
        Self { operations, limits: PatchLimits::default() }
    }

    /// The operations in their order.
    #[must_use]
    pub fn operations(&self) -> &[PatchOperation] {
        &self.operations
    }

    pub(super) fn into_parts(self) -> (Vec<PatchOperation>, PatchLimits) {
        (self.operations, self.limits)
    }

    /// Reads a PATCH message. `op` is taken in any case, as Microsoft Entra ID writes it with a capital.
    ///
    /// # Errors
    /// [`PatchError`] with scimType invalidSyntax when the message does not keep to its form, invalidPath or
    /// invalidFilter when a path cannot be read. Nothing about the schemas is checked yet.
    pub fn from_object(body: Object, quirks: &Quirks, limits: &PatchLimits) -> Result<Self, PatchError> {
        let message = |error: MessageError| PatchError::of_message(error);
        crate::message::check_schemas(&body, urn::PATCH_OP, "a PATCH").map_err(message)?;
        let operations = body.into_iter().find(|(name, _)| name.is("Operations")).map(|(_, value)| value);
        let operations = match operations {
            Some(Value::Array(operations)) => operations,
            Some(Value::Object(one)) if quirks.tolerate(Quirk::WrapSingleValues) => vec![Value::Object(one)],
            Some(other) => {
                let text = format!("`Operations` must be a list, got {}", other.kind());
                return Err(message(MessageError::syntax(text)));
            }
            None => return Err(message(MessageError::syntax("`Operations` is missing"))),
        };
        if operations.is_empty() {
            return Err(message(MessageError::syntax(
                "`Operations` is empty; a PATCH has at least one operation",
            )));
        }
        if operations.len() > limits.operations {
            let text =
                format!("{} operations are more than the limit of {}", operations.len(), limits.operations);
            return Err(message(MessageError::syntax(text)));
        }
        let options = parse_options(quirks, limits);
        let operations = operations
            .into_iter()
            .enumerate()
            .map(|(n, operation)| read(operation, &options).map_err(|kind| PatchError::at(n, kind)))
            .collect::<Result<_, _>>()?;
        Ok(Self { operations, limits: limits.clone() })
    }
}

/// How paths are read: within the limits, and leniently where the strict reading fails.
#[derive(Clone, Debug)]
pub(super) struct PathOptions<'a> {
    strict: ParseOptions,
    quirks: &'a Quirks,
}

pub(super) fn parse_options<'a>(quirks: &'a Quirks, limits: &PatchLimits) -> PathOptions<'a> {
    PathOptions { strict: ParseOptions::default().with_limits(limits.path), quirks }
}

fn read(operation: Value, options: &PathOptions<'_>) -> Result<PatchOperation, PatchErrorKind> {
    let syntax = |text: String| PatchErrorKind::Message(MessageError::syntax(text));
    let Value::Object(members) = operation else {
        return Err(syntax(format!("an operation must be an object, got {}", operation.kind())));
    };
    let (mut op, mut path, mut value) = (None, None, None);
    for (name, member) in members {
        if name.is("op") {
            op = Some(member);
        } else if name.is("path") {
            path = Some(member);
        } else if name.is("value") {
            value = Some(member);
        }
    }
    let op = match &op {
        Some(Value::String(word)) if word.eq_ignore_ascii_case("add") => Op::Add,
        Some(Value::String(word)) if word.eq_ignore_ascii_case("remove") => Op::Remove,
        Some(Value::String(word)) if word.eq_ignore_ascii_case("replace") => Op::Replace,
        Some(Value::String(word)) => {
            return Err(syntax(format!("`op` must be add, remove or replace, got `{}`", excerpt(word))));
        }
        Some(other) => return Err(syntax(format!("`op` must be a string, got {}", other.kind()))),
        None => return Err(syntax("`op` is missing".to_owned())),
    };
    let path = match path {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(parse_path(&text, options)?),
        Some(other) => return Err(syntax(format!("`path` must be a string, got {}", other.kind()))),
    };
    Ok(PatchOperation { op, path, value })
}

pub(super) fn parse_path(text: &str, options: &PathOptions<'_>) -> Result<Path<'static>, PatchErrorKind> {
    let PathOptions { strict, quirks } = options;
    let path = match Path::parse_with(text, strict) {
        Err(error) if error.is_in_filter() && quirks.is_on(Quirk::BareWordLiterals) => {
            let path = Path::parse_with(text, &strict.with_bare_words(true));
            // What cannot be read either way is no use of the quirk.
            if path.is_ok() && !quirks.tolerate(Quirk::BareWordLiterals) { Err(error) } else { path }
        }
        path => path,
    };
    path.map(Path::into_owned).map_err(|error| PatchErrorKind::Path { path: excerpt_path(text), error })
}
