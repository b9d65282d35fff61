//! Names that no schema has: which may be passed over, and which show that the client meant something else.

use crate::registry::TypeDefinition;
use crate::schema::{Attribute, Schema};
use crate::value::{excerpt, is_unseen};

/// Whether the name may be one of another server: what clients call their own attributes is often no name by RFC 7643
/// section 2.1 (`Cost Centre`, `@type`). One that is empty, begins or ends with white space, or has characters that
/// cannot be seen, is a slip of somebody who meant an attribute that there is.
pub(crate) fn is_possible_name(name: &str) -> bool {
    !name.is_empty() && name.trim() == name && !name.chars().any(|c| c.is_control() || is_unseen(c))
}

/// A name that no schema has and that cannot be meant for another server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Slip {
    /// Meant for something that there is; what is wrong with it.
    Misdirected(String),
    /// [Impossible](is_possible_name).
    Impossible,
}

impl Slip {
    pub(crate) const IMPOSSIBLE: &str = "is no name that an attribute can have";

    /// What the path that names nothing was, the filter aside; `inside` is the extension in whose object it stood, whose
    /// URI the path begins with. `None` if it may be passed over.
    pub(crate) fn find(definition: &TypeDefinition, inside: Option<&Schema>, path: &str) -> Option<Self> {
        let (name, problem) = match inside {
            None => (path, misdirected(definition, path)),
            Some(schema) => {
                let name = path.get(schema.id().as_str().len().saturating_add(1)..).unwrap_or(path);
                (name, part_of_simple(|name| schema.attribute(name), name))
            }
        };
        if is_possible_name(name) { problem.map(Self::Misdirected) } else { Some(Self::Impossible) }
    }
}

/// What is wrong with a path that names nothing, if it was meant for something that there is.
fn misdirected(definition: &TypeDefinition, path: &str) -> Option<String> {
    let extensions = definition.extensions().iter().map(|extension| &extension.schema);
    for schema in std::iter::once(definition.base()).chain(extensions) {
        if names_nothing_of(schema, path) {
            return Some(format!(
                "names no attribute of the schema `{}`; a name follows the URI of its schema after a colon",
                schema.id()
            ));
        }
    }
    let is_after_type = |(front, _): &(&str, &str)| front.eq_ignore_ascii_case(definition.name());
    if let Some((_, name)) = path.split_once(':').filter(is_after_type) {
        let name = excerpt(name);
        return Some(format!("has the name of the resource type in front; the attribute is `{name}`"));
    }
    part_of_simple(|name| definition.attribute(name), path)
}

/// Whether a path that cannot be resolved begins with the URI of a schema. With a further colon it may be the URI of
/// another one.
fn names_nothing_of(schema: &Schema, path: &str) -> bool {
    let uri = schema.id().as_str();
    let Some((front, rest)) = path.split_at_checked(uri.len()) else { return false };
    front.eq_ignore_ascii_case(uri)
        && rest.strip_prefix([':', '.']).is_some_and(|name| !name.is_empty() && !name.contains(':'))
}

fn part_of_simple<'a>(find: impl Fn(&str) -> Option<&'a Attribute>, name: &str) -> Option<String> {
    let (name, sub) = name.split_once('.')?;
    let attribute = find(name)?;
    if !attribute.is_complex() {
        return Some(format!("names a part of `{}`, which has no parts", attribute.name()));
    }
    sub.contains('.')
        .then(|| format!("names a part of a part of `{}`; parts have no parts", attribute.name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_a_name_is_told_from_a_slip() {
        for name in [
            "shoeSize",
            "$ref",
            "a-b_2",
            "name.nick",
            "urn:example:none",
            "URN:x:2.0:User:a.b",
            "https://x.org/s:a",
            "2nd",
            "@type",
            "a.b.c",
            "Cost Centre",
            "gr\u{f6}\u{df}e",
        ] {
            assert!(is_possible_name(name), "{name}");
        }
        for name in ["", "active ", " userName", "a\tb", "act\u{200b}ive", "urn:example:none ", "active\u{0}"]
        {
            assert!(!is_possible_name(name), "{name:?}");
        }
    }

    #[test]
    fn what_was_meant_for_a_known_schema_is_told_from_what_is_unknown() {
        let registry = crate::Registry::rfc7643();
        let users = registry.by_name("User").unwrap();
        let (core, enterprise) = (crate::urn::USER, crate::urn::ENTERPRISE_USER);
        for path in [
            format!("{core}.active"),
            format!("{core}:activ"),
            format!("{}:name.x", core.to_uppercase()),
            format!("{enterprise}:departmentt"),
            "active.value".to_owned(),
            "USERNAME.x".to_owned(),
            "name.givenName.x".to_owned(),
            "User:active".to_owned(),
        ] {
            assert!(misdirected(users, &path).is_some(), "{path}");
        }
        for path in ["shoeSize", "name.nick", "shoe.size", "urn:example:none", "urn:example:none:active"] {
            assert_eq!(misdirected(users, path), None);
        }
        for path in [format!("{core}s:active"), format!("{core}:more:active"), format!("{core}:")] {
            assert_eq!(misdirected(users, &path), None, "{path}");
        }
    }
}
