//! A schema that is a plain list of attributes: for tests, tools and examples that have no schema of their own.

use std::sync::Arc;

use crate::resolve::{AttributeDef, SchemaKind, SchemaView};
use crate::types::{CaseRule, DataType};

/// The schemas of one resource type.
///
/// ```
/// use scim_filter::simple::{SimpleAttribute, SimpleSchema};
/// use scim_filter::{DataType, Filter, ResolveOptions};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let schema = SimpleSchema::new("urn:example:Printer").with(SimpleAttribute::new("pages", DataType::Integer));
/// let options = ResolveOptions::default();
/// assert!(Filter::parse("pages gt 1000")?.resolve(&schema, &options).is_ok());
/// let error = Filter::parse("pages co 1000")?.resolve(&schema, &options).unwrap_err();
/// assert_eq!(error.to_string(), "operator `co` does not apply to attribute `pages` of type integer");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SimpleSchema {
    uri: Arc<str>,
    attributes: Vec<SimpleAttribute>,
    extensions: Vec<(Arc<str>, Vec<SimpleAttribute>)>,
}

impl SimpleSchema {
    /// A base schema with the common attributes and no others.
    pub fn new(uri: &str) -> Self {
        use DataType::{DateTime, Reference, String};

        let exact = |name, data_type| SimpleAttribute::new(name, data_type).with_case_rule(CaseRule::Exact);
        let common = [
            SimpleAttribute::new("schemas", Reference).multi_valued(),
            exact("id", String),
            exact("externalId", String),
            SimpleAttribute::complex(
                "meta",
                [
                    exact("resourceType", String),
                    SimpleAttribute::new("created", DateTime),
                    SimpleAttribute::new("lastModified", DateTime),
                    exact("location", Reference),
                    exact("version", String),
                ],
            ),
        ];
        Self { uri: uri.into(), attributes: common.into(), extensions: Vec::new() }
    }

    /// The attributes of User and EnterpriseUser (RFC 7643, 4.1 and 4.3) that examples of filters use.
    pub fn user() -> Self {
        use DataType::{Binary, Boolean, Integer, Reference, String};

        let text = |name| SimpleAttribute::new(name, String);
        let plural = |name, value| {
            let subs = [value, text("display"), text("type"), SimpleAttribute::new("primary", Boolean)];
            SimpleAttribute::complex(name, subs).multi_valued()
        };
        let reference = || SimpleAttribute::new("$ref", Reference).with_case_rule(CaseRule::Exact);
        Self::new("urn:ietf:params:scim:schemas:core:2.0:User")
            .with(text("userName").with_case_rule(CaseRule::UserName))
            .with(SimpleAttribute::complex(
                "name",
                ["formatted", "familyName", "givenName", "middleName"].map(text),
            ))
            .with(text("displayName"))
            .with(text("nickName"))
            .with(text("title"))
            .with(text("userType"))
            .with(SimpleAttribute::new("active", Boolean))
            .with(text("password").with_case_rule(CaseRule::Exact).not_filterable())
            .with(plural("emails", text("value")))
            .with(plural("ims", text("value")))
            .with(
                SimpleAttribute::complex(
                    "addresses",
                    ["formatted", "streetAddress", "locality", "region", "postalCode", "country", "type"]
                        .map(text),
                )
                .multi_valued(),
            )
            .with(
                SimpleAttribute::complex(
                    "groups",
                    [text("value"), reference(), text("display"), text("type")],
                )
                .multi_valued(),
            )
            .with(plural(
                "x509Certificates",
                SimpleAttribute::new("value", Binary).with_case_rule(CaseRule::Exact),
            ))
            .with_extension(
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
                [
                    text("employeeNumber"),
                    text("department"),
                    SimpleAttribute::complex("manager", [text("value"), reference(), text("displayName")]),
                ],
            )
            .with_extension(
                "urn:example:params:scim:schemas:extension:load:2.0",
                [
                    SimpleAttribute::new("logins", Integer),
                    SimpleAttribute::new("quota", DataType::Decimal),
                    text("tags").multi_valued(),
                ],
            )
    }

    /// Adds an attribute to the base schema.
    #[must_use]
    pub fn with(mut self, attribute: SimpleAttribute) -> Self {
        self.attributes.push(attribute);
        self
    }

    /// Adds an extension.
    #[must_use]
    pub fn with_extension(
        mut self,
        uri: &str,
        attributes: impl IntoIterator<Item = SimpleAttribute>,
    ) -> Self {
        self.extensions.push((uri.into(), attributes.into_iter().collect()));
        self
    }
}

impl SchemaView for SimpleSchema {
    type Attribute = SimpleAttribute;

    fn schema(&self, uri: &str) -> Option<SchemaKind> {
        if self.uri.eq_ignore_ascii_case(uri) {
            return Some(SchemaKind::Base);
        }
        let (uri, _) = self.extensions.iter().find(|(extension, _)| extension.eq_ignore_ascii_case(uri))?;
        Some(SchemaKind::Extension(Arc::clone(uri)))
    }

    fn attribute(&self, schema: &SchemaKind, name: &str) -> Option<&SimpleAttribute> {
        match schema {
            SchemaKind::Base => find(&self.attributes, name),
            SchemaKind::Extension(uri) => {
                let (_, attributes) = self.extensions.iter().find(|(extension, _)| extension == uri)?;
                find(attributes, name)
            }
        }
    }
}

/// An attribute or a sub-attribute.
#[derive(Clone, Debug)]
pub struct SimpleAttribute {
    name: Arc<str>,
    data_type: DataType,
    case_rule: CaseRule,
    multi_valued: bool,
    filterable: bool,
    subs: Vec<Self>,
}

impl SimpleAttribute {
    /// An attribute of one value that compares without regard to case.
    pub fn new(name: &str, data_type: DataType) -> Self {
        Self {
            name: name.into(),
            data_type,
            case_rule: CaseRule::Fold,
            multi_valued: false,
            filterable: true,
            subs: Vec::new(),
        }
    }

    /// A complex attribute of one value.
    pub fn complex(name: &str, subs: impl IntoIterator<Item = Self>) -> Self {
        Self { subs: subs.into_iter().collect(), ..Self::new(name, DataType::Complex) }
    }

    /// Lets the attribute have a list of values.
    #[must_use]
    pub fn multi_valued(self) -> Self {
        Self { multi_valued: true, ..self }
    }

    /// Sets how strings compare.
    #[must_use]
    pub fn with_case_rule(self, case_rule: CaseRule) -> Self {
        Self { case_rule, ..self }
    }

    /// Keeps the attribute out of filters.
    #[must_use]
    pub fn not_filterable(self) -> Self {
        Self { filterable: false, ..self }
    }
}

impl AttributeDef for SimpleAttribute {
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
        self.case_rule
    }

    fn is_filterable(&self) -> bool {
        self.filterable
    }

    fn sub_attribute(&self, name: &str) -> Option<&Self> {
        find(&self.subs, name)
    }
}

fn find<'s>(attributes: &'s [SimpleAttribute], name: &str) -> Option<&'s SimpleAttribute> {
    attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}
