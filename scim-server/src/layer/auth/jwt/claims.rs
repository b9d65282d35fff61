use serde_json::{Map, Value};

/// The claims of a token whose signature holds.
pub(super) type Claims = Map<String, Value>;

/// The first of these claims that is a text which may be the name of somebody.
pub(super) fn first_name<'c>(claims: &'c Claims, names: &[String]) -> Option<&'c str> {
    names.iter().find_map(|name| claims.get(name)?.as_str().filter(|text| is_name(text)))
}

/// The scopes of a token: those of the first of these claims that it has. A text with blanks between them (RFC 9068
/// section 2.2.3), or an array.
pub(super) fn scopes<'c>(claims: &'c Claims, names: &[String]) -> Option<Vec<&'c str>> {
    let value = names.iter().find_map(|name| claims.get(name))?;
    Some(match value {
        Value::String(text) => text.split_ascii_whitespace().collect(),
        Value::Array(values) => values.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    })
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= 512 && !text.chars().any(char::is_control)
}
