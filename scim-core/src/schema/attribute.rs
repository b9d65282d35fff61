use std::sync::Arc;

use scim_filter::{AttributeDef, CaseRule, DataType};
use serde::Serialize;

use super::characteristics::{Mutability, Returned, Uniqueness};
use super::format::Format;
use crate::value::same_name;

/// One attribute of a schema with all its characteristics (RFC 7643 sections 2.2 and 7).
///
/// Made from JSON or with [`Attribute::new`] and the setters; what a schema leaves out has the defaults of section
/// 2.2. Whether it is legal is checked when the [`Schema`](super::Schema) around it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "Repr")]
pub struct Attribute {
    name: Arc<str>,
    data_type: DataType,
    multi_valued: bool,
    description: String,
    required: bool,
    canonical_values: Vec<String>,
    restricted: bool,
    case_exact: bool,
    user_name: bool,
    format: Option<Format>,
    mutability: Mutability,
    returned: Returned,
    uniqueness: Uniqueness,
    reference_types: Vec<String>,
    sub_attributes: Vec<Self>,
}

impl Attribute {
    /// A singular, optional attribute with the defaults of RFC 7643 section 2.2.
    #[must_use]
    pub fn new(name: &str, data_type: DataType) -> Self {
        Self {
            name: name.into(),
            data_type,
            multi_valued: false,
            description: String::new(),
            required: false,
            canonical_values: Vec::new(),
            restricted: false,
            case_exact: matches!(data_type, DataType::Reference | DataType::Binary),
            user_name: false,
            format: None,
            mutability: Mutability::default(),
            returned: Returned::default(),
            uniqueness: Uniqueness::default(),
            reference_types: Vec::new(),
            sub_attributes: Vec::new(),
        }
    }

    /// A complex attribute with the given sub-attributes.
    #[must_use]
    pub fn complex(name: &str, sub_attributes: impl IntoIterator<Item = Self>) -> Self {
        let mut attribute = Self::new(name, DataType::Complex);
        attribute.sub_attributes.extend(sub_attributes);
        attribute
    }

    /// Sets the sub-attributes.
    #[must_use]
    pub fn with_sub_attributes(mut self, sub_attributes: impl IntoIterator<Item = Self>) -> Self {
        self.sub_attributes = sub_attributes.into_iter().collect();
        self
    }

    /// Adds a sub-attribute.
    #[must_use]
    pub fn with_sub(mut self, sub: Self) -> Self {
        self.sub_attributes.push(sub);
        self
    }

    /// Lets it have several values.
    #[must_use]
    pub fn multi_valued(mut self) -> Self {
        self.multi_valued = true;
        self
    }

    /// Makes it required.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Describes it for people.
    #[must_use]
    pub fn with_description(mut self, text: &str) -> Self {
        text.clone_into(&mut self.description);
        self
    }

    /// Makes case matter. References and binaries are always case exact (RFC 7643 sections 2.3.6 and 2.3.7).
    #[must_use]
    pub fn case_exact(mut self) -> Self {
        self.case_exact = true;
        self
    }

    /// Sets who may change it.
    #[must_use]
    pub fn with_mutability(mut self, mutability: Mutability) -> Self {
        self.mutability = mutability;
        self
    }

    /// Sets when it is returned.
    ///
    /// What is never returned should not be unique: see [`with_uniqueness`](Self::with_uniqueness).
    #[must_use]
    pub fn with_returned(mut self, returned: Returned) -> Self {
        self.returned = returned;
        self
    }

    /// Sets whether two resources may share a value.
    ///
    /// To refuse a value tells whoever tries it that another resource has it, whatever
    /// [`with_returned`](Self::with_returned) says: a secret should not be unique.
    #[must_use]
    pub fn with_uniqueness(mut self, uniqueness: Uniqueness) -> Self {
        self.uniqueness = uniqueness;
        self
    }

    /// Suggests values. Others are taken too, unless [`Attribute::restrict`] is set as well.
    #[must_use]
    pub fn with_canonical_values<'a>(mut self, values: impl IntoIterator<Item = &'a str>) -> Self {
        self.canonical_values = values.into_iter().map(str::to_owned).collect();
        self
    }

    /// Refuses values other than the canonical ones (RFC 7643 section 7: "service providers MAY choose to ...").
    #[must_use]
    pub fn restrict(mut self) -> Self {
        self.restricted = true;
        self
    }

    /// Says what a reference may refer to: resource type names, `external` or `uri`.
    #[must_use]
    pub fn with_reference_types<'a>(mut self, types: impl IntoIterator<Item = &'a str>) -> Self {
        self.reference_types = types.into_iter().map(str::to_owned).collect();
        self
    }

    /// Compares values as user names are compared: by the PRECIS profile UsernameCaseMapped (RFC 7644 section 5).
    #[must_use]
    pub fn compared_as_user_name(mut self) -> Self {
        self.user_name = true;
        self
    }

    /// The name, in the registered spelling.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The data type.
    #[must_use]
    pub fn data_type(&self) -> DataType {
        self.data_type
    }

    /// Whether there can be several values.
    #[must_use]
    pub fn is_multi_valued(&self) -> bool {
        self.multi_valued
    }

    /// Whether it is a complex attribute.
    #[must_use]
    pub fn is_complex(&self) -> bool {
        self.data_type == DataType::Complex
    }

    /// What it is, for people.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Whether a value is required.
    #[must_use]
    pub fn is_required(&self) -> bool {
        self.required
    }

    /// Who may change it.
    #[must_use]
    pub fn mutability(&self) -> Mutability {
        self.mutability
    }

    /// Whether clients cannot write it at all.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.mutability == Mutability::ReadOnly
    }

    /// When it is returned. What clients can only write is never returned, whatever the schema says.
    #[must_use]
    pub fn returned(&self) -> Returned {
        // "writeOnly ... shall not be returned" (RFC 7643 section 7)
        if self.mutability == Mutability::WriteOnly { Returned::Never } else { self.returned }
    }

    /// Whether two resources may share a value.
    #[must_use]
    pub fn uniqueness(&self) -> Uniqueness {
        self.uniqueness
    }

    /// The values that are accepted, where others are refused.
    #[must_use]
    pub fn restricted_to(&self) -> Option<&[String]> {
        self.restricted.then_some(self.canonical_values.as_slice())
    }

    /// The values that are suggested; see [`Attribute::restricted_to`] for whether others are refused.
    #[must_use]
    pub fn canonical_values(&self) -> &[String] {
        &self.canonical_values
    }

    /// What a reference may refer to.
    #[must_use]
    pub fn reference_types(&self) -> &[String] {
        &self.reference_types
    }

    /// How two values are compared.
    #[must_use]
    pub fn compared_by(&self) -> CaseRule {
        if self.user_name {
            CaseRule::UserName
        } else if self.case_exact || matches!(self.data_type, DataType::Reference | DataType::Binary) {
            CaseRule::Exact
        } else {
            CaseRule::Fold
        }
    }

    /// The sub-attributes, if it is complex.
    #[must_use]
    pub fn sub_attributes(&self) -> &[Self] {
        &self.sub_attributes
    }

    /// The sub-attribute with this name, case aside.
    #[must_use]
    pub fn sub(&self, name: &str) -> Option<&Self> {
        self.sub_attributes.iter().find(|sub| same_name(&sub.name, name))
    }

    /// Brings the characteristics into the one form in which JSON says them: what a type settles by itself is as the
    /// type has it.
    pub(super) fn settle(&mut self) {
        self.case_exact = match self.data_type {
            DataType::Reference | DataType::Binary => true,
            DataType::String => self.case_exact,
            _ => false,
        };
        self.returned = self.returned();
        self.sub_attributes.iter_mut().for_each(Self::settle);
    }

    /// The attribute or sub-attribute at a path below this one, for changing.
    pub(super) fn sub_mut(&mut self, name: &str) -> Option<&mut Self> {
        self.sub_attributes.iter_mut().find(|sub| same_name(&sub.name, name))
    }

    pub(crate) fn is_user_name(&self) -> bool {
        self.user_name
    }

    pub(crate) fn format(&self) -> Option<Format> {
        self.format
    }

    /// What the schema of a User says in words only: how user names compare and what form some texts have.
    pub(super) fn set_rules_of_user(&mut self) {
        if self.name.eq_ignore_ascii_case("userName") {
            self.user_name = true;
        }
        self.format = Format::of_user(&self.name, None);
        for sub in &mut self.sub_attributes {
            sub.format = Format::of_user(&self.name, Some(&sub.name));
        }
    }
}

impl AttributeDef for Attribute {
    fn name(&self) -> &str {
        &self.name
    }

    fn shared_name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }

    fn data_type(&self) -> DataType {
        self.data_type
    }

    fn is_multi_valued(&self) -> bool {
        self.multi_valued
    }

    fn case_rule(&self) -> CaseRule {
        self.compared_by()
    }

    /// Nothing that is never returned can be asked about: a filter would reveal it (RFC 7644 section 7.5).
    fn is_filterable(&self) -> bool {
        self.returned() != Returned::Never
    }

    fn sub_attribute(&self, name: &str) -> Option<&Self> {
        self.sub(name)
    }

    fn filterable_sub_attributes(&self) -> Option<Vec<&Self>> {
        let hidden = |sub: &Self| sub.returned() == Returned::Never;
        let seen = || self.sub_attributes.iter().filter(|sub| !hidden(sub)).collect();
        self.sub_attributes.iter().any(hidden).then(seen)
    }
}

/// An attribute as RFC 7643 section 7 writes it in JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Repr {
    name: String,
    #[serde(rename = "type")]
    data_type: &'static str,
    multi_valued: bool,
    description: String,
    required: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    canonical_values: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    case_exact: Option<bool>,
    mutability: Mutability,
    returned: Returned,
    #[serde(skip_serializing_if = "Option::is_none")]
    uniqueness: Option<Uniqueness>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reference_types: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sub_attributes: Vec<Attribute>,
}

impl From<Attribute> for Repr {
    fn from(attribute: Attribute) -> Self {
        let returned = attribute.returned();
        Self {
            name: attribute.name.as_ref().to_owned(),
            data_type: attribute.data_type.as_str(),
            multi_valued: attribute.multi_valued,
            description: attribute.description,
            required: attribute.required,
            canonical_values: attribute.canonical_values,
            case_exact: has_case(attribute.data_type).then_some(attribute.case_exact),
            mutability: attribute.mutability,
            returned,
            uniqueness: (attribute.data_type != DataType::Boolean).then_some(attribute.uniqueness),
            reference_types: attribute.reference_types,
            sub_attributes: attribute.sub_attributes,
        }
    }
}

/// Whether the values of a type are texts in which case may matter (RFC 7643 section 2.3).
fn has_case(data_type: DataType) -> bool {
    matches!(data_type, DataType::String | DataType::Reference | DataType::Binary)
}
