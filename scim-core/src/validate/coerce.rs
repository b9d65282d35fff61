use std::collections::BTreeSet;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
#[cfg(feature = "precis")]
use precis_profiles::{UsernameCaseMapped, precis_core::profile::PrecisFastInvocation as _};
use scim_filter::{DataType, comparison_key};

use super::at::At;
use super::identity::{is_primary, without_duplicates};
use super::issue::{IssueKind, Issues, ValidationError};
use super::names::{Slip, is_possible_name};
use crate::quirk::{Quirk, Quirks};
use crate::schema::{Attribute, Format, Mutability, Returned};
use crate::value::{Object, Value, excerpt, is_unseen};

/// Brings the values of one body or PATCH operation into the form the schema asks for, collecting what is wrong.
///
/// "Unassigned" comes out as `None`: RFC 7643 section 2.5 makes `null`, `[]` and absence one state.
pub(crate) struct Coerce<'a> {
    pub(crate) quirks: &'a Quirks,
    /// The name that messages use for the resource type.
    pub(crate) resource_type: &'a str,
    pub(crate) issues: Issues,
    /// The paths of attributes that were given no value on purpose, where that differs from leaving them out.
    pub(crate) cleared: Vec<String>,
    /// The paths of attributes that were given a value, or none on purpose, and that are never returned.
    pub(crate) hidden: BTreeSet<String>,
    /// Whether a complex value is merged into one that is there, and so need not have all that is required.
    pub(crate) partial: bool,
    /// Whether this is inside a value that is never returned, and so never repeated in a message.
    secret: bool,
}

impl<'a> Coerce<'a> {
    pub(crate) fn new(quirks: &'a Quirks, resource_type: &'a str) -> Self {
        Self {
            quirks,
            resource_type,
            issues: Issues::default(),
            cleared: Vec::new(),
            hidden: BTreeSet::new(),
            partial: false,
            secret: false,
        }
    }

    /// What `read` returns, or everything that it found wrong.
    pub(crate) fn run<T>(
        quirks: &'a Quirks,
        resource_type: &'a str,
        read: impl FnOnce(&mut Self) -> T,
    ) -> Result<T, ValidationError> {
        let mut coerce = Self::new(quirks, resource_type);
        let value = read(&mut coerce);
        coerce.issues.into_result()?;
        Ok(value)
    }

    pub(crate) fn issue(&mut self, at: &At<'_>, kind: IssueKind) {
        self.issues.push(at, kind);
    }

    /// A name that no schema has: passed over where that is tolerated, unless it is a slip.
    pub(crate) fn unknown(&mut self, at: &At<'_>, name: &str) {
        if !is_possible_name(name) {
            self.issue(at, IssueKind::Key(Slip::IMPOSSIBLE.to_owned()));
        } else if !self.quirks.tolerate(Quirk::IgnoreUnknownAttributes) {
            let resource_type = self.resource_type.to_owned();
            self.issue(at, IssueKind::Unknown { resource_type });
        }
    }

    /// The value of an attribute: a list if it is multi-valued.
    pub(crate) fn attribute(&mut self, attribute: &Attribute, value: Value, at: &At<'_>) -> Option<Value> {
        let value = match value {
            Value::Null => None,
            value if attribute.is_multi_valued() => self.list(attribute, value, at),
            value => self.single(attribute, value, at),
        };
        let cannot_be_seen = attribute.returned() == Returned::Never;
        if cannot_be_seen {
            self.hidden.insert(at.attribute_path());
        }
        if value.is_none() && (cannot_be_seen || attribute.mutability() == Mutability::Immutable) {
            self.cleared.push(at.to_string());
        }
        value
    }

    fn list(&mut self, attribute: &Attribute, value: Value, at: &At<'_>) -> Option<Value> {
        let items = match value {
            Value::Array(items) => items,
            one if self.quirks.tolerate(Quirk::WrapSingleValues) => vec![one],
            other => {
                let got = self.described(attribute, &other);
                self.issue(at, IssueKind::Type { expected: "a list", got });
                return None;
            }
        };
        let mut values = Vec::with_capacity(items.len());
        for (n, item) in items.into_iter().enumerate() {
            if let Some(value) = self.single(attribute, item, &At::Item(at, n)) {
                values.push(value);
            }
        }
        let values = without_duplicates(attribute, values, &mut Vec::new());
        if values.iter().filter(|value| is_primary(value)).count() > 1 {
            self.issue(at, IssueKind::SeveralPrimary);
        }
        (!values.is_empty()).then_some(Value::Array(values))
    }

    /// One value of an attribute: of a singular one, or an element of a multi-valued one.
    pub(crate) fn single(&mut self, attribute: &Attribute, value: Value, at: &At<'_>) -> Option<Value> {
        if matches!(value, Value::Null)
            || (is_empty_text(&value) && !is_text(attribute) && self.quirks.tolerate(Quirk::EmptyStrings))
        {
            return None;
        }
        match attribute.data_type() {
            DataType::Complex => self.complex(attribute, value, at),
            DataType::Boolean => self.boolean(attribute, value, at),
            DataType::Integer => self.number(attribute, value, at, true),
            DataType::Decimal => self.number(attribute, value, at, false),
            DataType::String | DataType::Reference | DataType::DateTime | DataType::Binary => {
                self.text(attribute, value, at)
            }
        }
    }

    fn complex(&mut self, attribute: &Attribute, value: Value, at: &At<'_>) -> Option<Value> {
        let members = self.complex_members(attribute, value, at)?;
        let object = self.members(attribute, members, at);
        if object.is_empty() {
            return None;
        }
        if self.partial {
            return Some(Value::Object(object));
        }
        for sub in attribute.sub_attributes().iter().filter(|sub| sub.is_required() && !sub.is_read_only()) {
            if object.get(sub.name()).is_none_or(is_blank) {
                self.issue(&At::Sub(at, sub.name()), IssueKind::Required);
            }
        }
        Some(Value::Object(object))
    }

    /// The members of a value that is to be an object; a plain one where that is tolerated.
    pub(crate) fn complex_members(
        &mut self,
        attribute: &Attribute,
        value: Value,
        at: &At<'_>,
    ) -> Option<Object> {
        let mut value = value;
        // An element of a list is no list of one. An empty list is no value of a multi-valued attribute only (RFC 7643
        // section 2.5), and a list of null is none of any: where one value goes, as in a PATCH, it must not remove that.
        if let Value::Array(items) = &mut value
            && matches!(items.as_slice(), [item] if *item != Value::Null)
            && !attribute.is_multi_valued()
            && self.quirks.tolerate(Quirk::ScalarComplexValues)
            && let Some(item) = items.pop()
        {
            value = item;
        }
        let plain = matches!(value, Value::String(_) | Value::Number(_));
        if plain && attribute.sub("value").is_some() && self.quirks.tolerate(Quirk::ScalarComplexValues) {
            value = Value::Object([("value", value)].into_iter().collect());
        }
        match value {
            Value::Object(members) => Some(members),
            other => {
                let got = self.described(attribute, &other);
                self.issue(at, IssueKind::Type { expected: "an object", got });
                None
            }
        }
    }

    /// The sub-attributes that a complex value gives: readOnly ones are the server's and ignored (RFC 7644 section
    /// 3.3), the others come out in the registered spelling.
    pub(crate) fn members(&mut self, attribute: &Attribute, members: Object, at: &At<'_>) -> Object {
        let outside = self.secret;
        self.secret |= attribute.returned() == Returned::Never;
        let mut object = Object::with_capacity(members.len());
        for (name, value) in members {
            let Some(sub) = attribute.sub(name.as_str()) else {
                self.unknown(&At::Sub(at, &excerpt(name.as_str())), name.as_str());
                continue;
            };
            if sub.is_read_only() {
                continue;
            }
            if let Some(value) = self.attribute(sub, value, &At::Sub(at, sub.name())) {
                object.push_spelled(name, sub.name(), value);
            }
        }
        self.secret = outside;
        object
    }

    fn boolean(&mut self, attribute: &Attribute, value: Value, at: &At<'_>) -> Option<Value> {
        match &value {
            Value::Bool(_) => return Some(value),
            Value::String(text) => {
                let is = |word: &str| text.trim().eq_ignore_ascii_case(word);
                if (is("true") || is("false")) && self.quirks.tolerate(Quirk::StringBooleans) {
                    return Some(Value::Bool(is("true")));
                }
            }
            _ => {}
        }
        let got = self.described(attribute, &value);
        self.issue(at, IssueKind::Type { expected: "true or false", got });
        None
    }

    fn number(&mut self, attribute: &Attribute, value: Value, at: &At<'_>, integer: bool) -> Option<Value> {
        match &value {
            Value::Number(number) if !integer || number.is_integer() => Some(value),
            _ => {
                // "a whole number with no fractional part or exponent" (RFC 7643 section 2.3.4)
                let expected = if integer { "a whole number" } else { "a number" };
                let got = self.described(attribute, &value);
                self.issue(at, IssueKind::Type { expected, got });
                None
            }
        }
    }

    fn text(&mut self, attribute: &Attribute, value: Value, at: &At<'_>) -> Option<Value> {
        let Value::String(text) = value else {
            let got = self.described(attribute, &value);
            self.issue(at, IssueKind::Type { expected: "a string", got });
            return None;
        };
        let secret = self.secret || attribute.returned() == Returned::Never;
        let shown = |text: &str| if secret { "...".to_owned() } else { excerpt(text) };
        if let Some(expected) = self.wrong_text(attribute, &text) {
            self.issue(at, IssueKind::Format { expected, got: shown(&text) });
            return None;
        }
        if let Some(allowed) = attribute.restricted_to() {
            let rule = attribute.compared_by();
            let key = comparison_key(&text, rule);
            if !allowed.iter().any(|value| comparison_key(value, rule) == key) {
                let got = shown(&text);
                self.issue(at, IssueKind::NotCanonical { allowed: allowed.join(", "), got });
                return None;
            }
        }
        Some(Value::String(text))
    }

    /// What a text ought to be, if it is not.
    fn wrong_text(&self, attribute: &Attribute, text: &str) -> Option<&'static str> {
        // All visible characters of ASCII are those of an identifier (RFC 8264 section 9.11).
        let odd_user_name = attribute.is_user_name() && !text.bytes().all(|byte| byte.is_ascii_graphic());
        match attribute.data_type() {
            DataType::DateTime if scim_filter::parse_date_time(text).is_none() => {
                Some("a dateTime such as 2026-01-31T08:30:00Z")
            }
            DataType::Binary if !is_base64(text) => Some("base64"),
            DataType::Reference if has_control(text) => Some("a URI"),
            _ if text.contains('\0') => Some("a string without NUL characters"),
            // What the profile UsernameCaseMapped does not allow (RFC 8265 section 3.3), of which blanks are in use most.
            _ if odd_user_name && text.chars().any(char::is_control) => {
                Some("a name without control characters")
            }
            // Two names must not look the same. Joiners stay: some scripts cannot be written without them.
            _ if odd_user_name
                && text.chars().any(|c| is_unseen(c) && !matches!(c, '\u{200c}' | '\u{200d}')) =>
            {
                Some("a name without invisible characters")
            }
            _ if odd_user_name
                && !text.trim().is_empty()
                && text.contains(char::is_whitespace)
                && !self.quirks.tolerate(Quirk::UserNameBlanks) =>
            {
                Some("a name without blanks")
            }
            _ if odd_user_name && !is_precis_user_name(text) && !self.quirks.tolerate(Quirk::AnyUserName) => {
                Some(
                    "a name without symbols, characters that cannot be seen and other characters that RFC 8265 does \
                     not allow",
                )
            }
            _ => attribute
                .format()
                .filter(|format| !format.accepts(text) && !self.quirks.tolerate(format.quirk()))
                .map(Format::expected),
        }
    }

    /// A value in words for a message, unless it is never to be seen.
    fn described(&self, attribute: &Attribute, value: &Value) -> String {
        let secret = self.secret || attribute.returned() == Returned::Never;
        match value {
            Value::Bool(_) | Value::Number(_) if !secret => format!("`{}`", value.excerpt()),
            Value::String(_) if !secret => format!("the string `{}`", value.excerpt()),
            _ => value.kind().to_owned(),
        }
    }
}

/// Standard alphabet (RFC 4648 section 4), padding optional (RFC 7643 section 2.3.6). Line breaks are not part of it.
fn is_base64(text: &str) -> bool {
    const ENGINE: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    ENGINE.decode(text).is_ok()
}

/// The tables of RFC 8265 are not built in.
#[cfg(not(feature = "precis"))]
fn is_precis_user_name(_: &str) -> bool {
    true
}

/// Whether the code points of a name, blanks aside, are those of an identifier (RFC 8265 section 3.3.2). Neither letter
/// case nor the direction of writing is judged: the one is mapped where names are compared, the other is no matter of
/// single code points.
#[cfg(feature = "precis")]
fn is_precis_user_name(text: &str) -> bool {
    let allowed = |text: &str| text.is_empty() || UsernameCaseMapped::prepare(text).is_ok();
    if text.contains(char::is_whitespace) {
        allowed(&text.replace(char::is_whitespace, ""))
    } else {
        allowed(text)
    }
}

/// Whether there is a control character.
fn has_control(text: &str) -> bool {
    // Those past ASCII begin with this byte.
    text.bytes().any(|byte| byte.is_ascii_control() || byte == 0xc2) && text.chars().any(char::is_control)
}

fn is_text(attribute: &Attribute) -> bool {
    attribute.data_type() == DataType::String
}

fn is_empty_text(value: &Value) -> bool {
    matches!(value, Value::String(text) if text.is_empty())
}

/// Whether a required attribute with this value still has none: unassigned, or a text of blanks only.
pub(crate) fn is_blank(value: &Value) -> bool {
    match value {
        Value::String(text) => text.trim().is_empty(),
        other => other.is_unassigned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `wrong_text` relies on.
    #[test]
    fn visible_ascii_characters_are_those_of_an_identifier() {
        for char in (0..128_u8).map(char::from) {
            let allowed = is_precis_user_name(&format!("a{char}b"));
            assert_eq!(allowed, char.is_ascii_graphic() || char.is_whitespace(), "{char:?}");
            assert!(!char.is_ascii_graphic() || is_precis_user_name(&char.to_string()), "{char:?}");
        }
    }

    #[test]
    fn control_characters_are_found() {
        for char in (0..0x250).filter_map(char::from_u32) {
            assert_eq!(has_control(&format!("a{char}")), char.is_control(), "{char:?}");
        }
    }
}
