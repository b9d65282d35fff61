//! Whether data that was stored under one registry can be served under another.

use super::{Registry, TypeDefinition};
use crate::resource_type::Relation;
use crate::schema::{Attribute, Returned, Schema, Uniqueness};
use crate::value::excerpt_path;

/// How many changes an error lists.
const LISTED: usize = 20;

/// A registry cannot take the place of another one while there is data: what stores have kept would be lost to sight,
/// shown although it is secret, or not be found by its indexes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stored resources do not fit the new schemas: {}", self.listed())]
pub struct IncompatibleRegistry {
    changes: Vec<String>,
}

impl IncompatibleRegistry {
    /// Every change that does not fit, in words.
    #[must_use]
    pub fn changes(&self) -> &[String] {
        &self.changes
    }

    fn listed(&self) -> String {
        let mut text = self.changes.iter().take(LISTED).cloned().collect::<Vec<_>>().join("; ");
        let more = self.changes.len().saturating_sub(LISTED);
        if more > 0 {
            text.push_str(&format!("; and {more} more"));
        }
        text
    }
}

impl Registry {
    /// Checks that every resource that was stored under this registry is as good under `next`.
    ///
    /// A registry may grow: by types, by extensions and attributes that are not required, by targets of relations. What
    /// is there may get other descriptions, endpoints, canonical values and `mutability`, and may stop being required.
    /// It keeps its types, multiplicity, comparison, uniqueness and secrecy, because documents and indexes were made
    /// from them when each resource was written.
    ///
    /// # Errors
    /// [`IncompatibleRegistry`] with every change that is none of these.
    pub fn check_successor(&self, next: &Self) -> Result<(), IncompatibleRegistry> {
        let mut changes = Vec::new();
        for old in &self.types {
            match next.by_name(old.name()) {
                None => changes.push(format!("the resource type `{}` is gone", old.name())),
                Some(new) => compare_types(old, new, &mut changes),
            }
        }
        if changes.is_empty() { Ok(()) } else { Err(IncompatibleRegistry { changes }) }
    }
}

fn compare_types(old: &TypeDefinition, new: &TypeDefinition, changes: &mut Vec<String>) {
    let name = old.name();
    if old.base().id() != new.base().id() {
        changes.push(format!("`{name}` has another base schema"));
        return;
    }
    if old.resource_type().display != new.resource_type().display {
        changes.push(format!("`{name}` is shown by another attribute"));
    }
    for relation in old.relations() {
        let kept = new.relation(&relation.attribute);
        let grown = |kept: &Relation| relation.targets.iter().all(|target| kept.targets.contains(target));
        if !kept.is_some_and(grown) {
            changes.push(format!("the relation `{}` of `{name}` is gone or narrower", relation.attribute));
        }
    }
    for relation in new.relations().iter().filter(|relation| {
        old.relation(&relation.attribute).is_none() && old.base().attribute(&relation.attribute).is_some()
    }) {
        changes.push(format!("`{}` of `{name}` has become a relation", relation.attribute));
    }
    compare_schemas(name, old.base(), new.base(), changes);
    for extension in old.extensions() {
        let uri = extension.schema.id().as_str();
        match new.extension(uri) {
            None => changes.push(format!("`{name}` has lost the extension `{uri}`")),
            Some(kept) => {
                if kept.required && !extension.required {
                    changes.push(format!("the extension `{uri}` of `{name}` has become required"));
                }
                compare_schemas(uri, &extension.schema, &kept.schema, changes);
            }
        }
    }
    for extension in new.extensions().iter().filter(|extension| extension.required) {
        let uri = extension.schema.id().as_str();
        if old.extension(uri).is_none() {
            changes.push(format!("the new extension `{uri}` of `{name}` is required"));
        }
    }
}

fn compare_schemas(of: &str, old: &Schema, new: &Schema, changes: &mut Vec<String>) {
    compare_all(of, "", old.attributes(), new.attributes(), changes);
}

fn compare_all(of: &str, parent: &str, old: &[Attribute], new: &[Attribute], changes: &mut Vec<String>) {
    let find = |among: &[Attribute], name: &str| {
        among.iter().position(|attribute| attribute.name().eq_ignore_ascii_case(name))
    };
    for attribute in old {
        let path = format!("{parent}{}", attribute.name());
        let at = excerpt_path(&path);
        match find(new, attribute.name()).and_then(|at| new.get(at)) {
            None => changes.push(format!("`{at}` of `{of}` is gone")),
            Some(kept) => {
                if let Some(change) = change(attribute, kept) {
                    changes.push(format!("`{at}` of `{of}` {change}"));
                }
                let inside = format!("{path}.");
                compare_all(of, &inside, attribute.sub_attributes(), kept.sub_attributes(), changes);
            }
        }
    }
    for attribute in new.iter().filter(|attribute| find(old, attribute.name()).is_none()) {
        if attribute.is_required() && !attribute.is_read_only() {
            let at = excerpt_path(&format!("{parent}{}", attribute.name()));
            changes.push(format!("the new attribute `{at}` of `{of}` is required"));
        }
    }
}

/// What is no longer true of stored values of an attribute.
fn change(old: &Attribute, new: &Attribute) -> Option<&'static str> {
    let hidden = |attribute: &Attribute| attribute.returned() == Returned::Never;
    let unique = |attribute: &Attribute| attribute.uniqueness() != Uniqueness::None;
    if old.data_type() != new.data_type() {
        Some("has another type")
    } else if old.is_multi_valued() != new.is_multi_valued() {
        Some("has become multi-valued or singular")
    } else if old.compared_by() != new.compared_by() {
        Some("is compared in another way")
    } else if unique(old) != unique(new) {
        Some("has become unique or ceased to be")
    } else if hidden(old) != hidden(new) {
        Some("has become a secret or ceased to be")
    } else if !old.is_required() && new.is_required() && !new.is_read_only() {
        Some("has become required")
    } else {
        None
    }
}
