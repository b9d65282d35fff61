use crate::urn;
use crate::value::{Object, Value, excerpt};

use super::ScimType;

/// The parameters of a query, as written: from the URL of a GET or the body of a `.search` (RFC 7644 sections 3.4.2
/// and 3.4.3, RFC 9865).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueryParams {
    /// The filter.
    pub filter: Option<String>,
    /// The attribute to sort by.
    pub sort_by: Option<String>,
    /// The direction of sorting.
    pub sort_order: SortOrder,
    /// The 1-based index of the first result; below 1 counts as 1.
    pub start_index: Option<i64>,
    /// How many results at most; below 0 counts as 0.
    pub count: Option<i64>,
    /// The cursor of the page; empty for the first one (RFC 9865 section 2).
    pub cursor: Option<String>,
    /// The attributes to return.
    pub attributes: Vec<String>,
    /// The attributes to leave out.
    pub excluded_attributes: Vec<String>,
}

/// The direction of sorting.
///
/// Complete by definition (RFC 7644 section 3.4.2.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortOrder {
    /// Smallest first. The default.
    #[default]
    Ascending,
    /// Greatest first.
    Descending,
}

/// A message that does not keep to the form the protocol asks for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct MessageError {
    scim_type: ScimType,
    text: String,
}

impl MessageError {
    pub(crate) fn syntax(text: impl Into<String>) -> Self {
        Self { scim_type: ScimType::InvalidSyntax, text: text.into() }
    }

    pub(crate) fn value(text: impl Into<String>) -> Self {
        Self { scim_type: ScimType::InvalidValue, text: text.into() }
    }

    /// The scimType of the answer.
    #[must_use]
    pub fn scim_type(&self) -> ScimType {
        self.scim_type
    }
}

impl QueryParams {
    /// Takes one parameter of a URL's query. Unknown ones are ignored, as RFC 7644 section 3.4.2 asks; their names
    /// are compared without case, as all names of the protocol are. Take `cursor` before `count`: a bad number there is
    /// `invalidCount` in a query by cursor and `invalidValue` in any other.
    ///
    /// # Errors
    /// [`MessageError`] when a number is none, or `sortOrder` is neither `ascending` nor `descending`.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), MessageError> {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        if is("filter") {
            self.filter = Some(value.to_owned());
        } else if is("sortBy") {
            self.sort_by = Some(value.trim().to_owned()).filter(|path| !path.is_empty());
        } else if is("sortOrder") {
            self.sort_order = sort_order(value)?;
        } else if is("startIndex") {
            self.start_index = Some(number("startIndex", value)?);
        } else if is("count") {
            self.count = Some(number("count", value).map_err(|error| self.about_count(error))?);
        } else if is("cursor") {
            self.cursor = Some(value.to_owned());
        } else if is("attributes") {
            self.attributes.extend(names(value));
        } else if is("excludedAttributes") {
            self.excluded_attributes.extend(names(value));
        }
        Ok(())
    }

    /// The parameters of a `.search` body.
    ///
    /// # Errors
    /// [`MessageError`] when `schemas` does not name a SearchRequest or a member has the wrong type.
    pub fn from_search(body: &Object) -> Result<Self, MessageError> {
        check_schemas(body, urn::SEARCH_REQUEST, "a SearchRequest")?;
        let mut params = Self::default();
        if let Some(cursor) = body.get("cursor").filter(|value| **value != Value::Null) {
            let text = cursor.as_str().ok_or_else(|| wrong("cursor", "a string", cursor))?;
            params.set("cursor", text)?;
        }
        for (name, value) in body.iter() {
            let name = name.as_str();
            let is = |known: &str| name.eq_ignore_ascii_case(known);
            if *value == Value::Null || is("schemas") {
                continue;
            }
            if is("filter") || is("sortBy") || is("sortOrder") {
                let text = value.as_str().ok_or_else(|| wrong(name, "a string", value))?;
                params.set(name, text)?;
            } else if is("startIndex") || is("count") {
                let Value::Number(number) = value else {
                    let error = wrong(name, "a whole number", value);
                    return Err(if is("count") { params.about_count(error) } else { error });
                };
                params.set(name, &number.as_str())?;
            } else if is("attributes") || is("excludedAttributes") {
                let list = value.as_array().ok_or_else(|| wrong(name, "a list of names", value))?;
                for item in list {
                    let text = item.as_str().ok_or_else(|| wrong(name, "a list of names", item))?;
                    params.set(name, text)?;
                }
            }
        }
        Ok(params)
    }

    /// The problem with `count`, as the kind of paging calls it (RFC 9865 section 2.1).
    fn about_count(&self, error: MessageError) -> MessageError {
        match self.cursor {
            Some(_) => MessageError { scim_type: ScimType::InvalidCount, ..error },
            None => error,
        }
    }
}

/// "The body of each request MUST contain the `schemas` attribute with the URI" of its message (RFC 7644 section
/// 3.1).
pub(crate) fn check_schemas(body: &Object, uri: &str, what: &str) -> Result<(), MessageError> {
    let named = match body.get("schemas") {
        Some(Value::Array(uris)) => {
            uris.iter().any(|value| value.as_str().is_some_and(|text| text.eq_ignore_ascii_case(uri)))
        }
        Some(Value::String(text)) => text.eq_ignore_ascii_case(uri),
        _ => false,
    };
    if named {
        Ok(())
    } else {
        Err(MessageError::syntax(format!("`schemas` must be [\"{uri}\"] in the body of {what}")))
    }
}

fn wrong(name: &str, expected: &str, got: &Value) -> MessageError {
    MessageError::value(format!("`{}` must be {expected}, got {}", excerpt(name), got.kind()))
}

fn names(value: &str) -> impl Iterator<Item = String> {
    value.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned)
}

fn sort_order(value: &str) -> Result<SortOrder, MessageError> {
    if value.eq_ignore_ascii_case("ascending") || value.is_empty() {
        Ok(SortOrder::Ascending)
    } else if value.eq_ignore_ascii_case("descending") {
        Ok(SortOrder::Descending)
    } else {
        Err(MessageError::value(format!(
            "`sortOrder` must be ascending or descending, got `{}`",
            excerpt(value)
        )))
    }
}

/// A whole number; what is greater than 64 bits can hold saturates.
fn number(name: &str, value: &str) -> Result<i64, MessageError> {
    let text = value.trim();
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(MessageError::value(format!(
            "`{name}` must be a whole number, got `{}`",
            excerpt(value)
        )));
    }
    let greatest = if text.starts_with('-') { i64::MIN } else { i64::MAX };
    Ok(text.parse().unwrap_or(greatest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_and_saturate() {
        let mut params = QueryParams::default();
        params.set("COUNT", " 10 ").unwrap();
        params.set("startIndex", "-99999999999999999999").unwrap();
        assert_eq!((params.count, params.start_index), (Some(10), Some(i64::MIN)));
        for bad in ["abc", "", "1.5", "1e3", "--1", "0x1"] {
            let error = params.set("count", bad).unwrap_err();
            assert_eq!(error.scim_type(), ScimType::InvalidValue);
            assert!(error.to_string().contains("`count` must be a whole number"), "{error}");
        }
    }

    #[test]
    fn a_bad_count_is_named_after_the_kind_of_paging() {
        let body = |text: &str| Value::from_slice(text.as_bytes()).unwrap().as_object().unwrap().clone();
        let search = |more: &str| {
            let search = format!(r#"{{"schemas":["{}"],{more}}}"#, urn::SEARCH_REQUEST);
            QueryParams::from_search(&body(&search))
        };
        for (more, scim_type) in [
            (r#""count":"5""#, ScimType::InvalidValue),
            (r#""count":"5","cursor":null"#, ScimType::InvalidValue),
            (r#""count":"5","cursor":"""#, ScimType::InvalidCount),
            (r#""count":1.5,"Cursor":"x""#, ScimType::InvalidCount),
            (r#""startIndex":1.5,"cursor":"x""#, ScimType::InvalidValue),
            (r#""cursor":5"#, ScimType::InvalidValue),
        ] {
            assert_eq!(search(more).unwrap_err().scim_type(), scim_type, "{more}");
        }
        assert_eq!(search(r#""cursor":"""#).unwrap().cursor.as_deref(), Some(""));
        assert_eq!(search(r#""cursor":null"#).unwrap().cursor, None);
        let mut params = QueryParams::default();
        params.set("CURSOR", "x y").unwrap();
        assert_eq!(params.cursor.as_deref(), Some("x y"));
        assert_eq!(params.set("count", "x").unwrap_err().scim_type(), ScimType::InvalidCount);
    }

    #[test]
    fn names_are_split_at_commas_and_trimmed() {
        let mut params = QueryParams::default();
        params.set("attributes", " userName , emails.value,,").unwrap();
        assert_eq!(params.attributes, ["userName", "emails.value"]);
        params.set("unheardOf", "x").unwrap();
    }

    #[test]
    fn a_search_says_what_it_is() {
        let body = |text: &str| Value::from_slice(text.as_bytes()).unwrap().as_object().unwrap().clone();
        assert!(QueryParams::from_search(&body("{}")).is_err());
        assert!(QueryParams::from_search(&body(r#"{"schemas":["urn:x:y"]}"#)).is_err());
        let ok = format!(
            r#"{{"schemas":["{}"],"filter":"a pr","count":5,"attributes":["a","b"],"sortOrder":"descending"}}"#,
            urn::SEARCH_REQUEST
        );
        let params = QueryParams::from_search(&body(&ok)).unwrap();
        assert_eq!(params.sort_order, SortOrder::Descending);
        assert_eq!(params.attributes, ["a", "b"]);
        let bad = format!(r#"{{"schemas":["{}"],"count":"5"}}"#, urn::SEARCH_REQUEST);
        assert!(QueryParams::from_search(&body(&bad)).unwrap_err().to_string().contains("a whole number"));
    }
}
