use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Resource;
use crate::urn;
use crate::value::{Object, Value};

/// A resource that does not have the form of the type it was to be read as.
#[derive(Debug, thiserror::Error)]
#[error("cannot be read as {what}: {cause}")]
pub struct TypedError {
    what: &'static str,
    cause: serde_json::Error,
}

macro_rules! record {
    ($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident: $type:ty,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        #[non_exhaustive]
        pub struct $name { $($(#[$fdoc])* #[serde(skip_serializing_if = "is_default")] pub $field: $type,)+ }
    };
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

record! {
    /// The components of a person's name (RFC 7643 section 4.1.1).
    Name {
        /// The full name.
        formatted: Option<String>,
        /// The family name.
        family_name: Option<String>,
        /// The given name.
        given_name: Option<String>,
        /// The middle name or names.
        middle_name: Option<String>,
        /// The title before the name.
        honorific_prefix: Option<String>,
        /// The suffix after the name.
        honorific_suffix: Option<String>,
    }
}

record! {
    /// A value of `emails`, `phoneNumbers` and the like (RFC 7643 section 2.4).
    MultiValued {
        /// The value.
        value: Option<String>,
        /// A name for display.
        display: Option<String>,
        /// What it is used for.
        #[serde(rename = "type")]
        kind: Option<String>,
        /// Whether it is the preferred one.
        primary: bool,
    }
}

record! {
    /// A postal address (RFC 7643 section 4.1.2).
    Address {
        /// The full address.
        formatted: Option<String>,
        /// Street and house number.
        street_address: Option<String>,
        /// The city.
        locality: Option<String>,
        /// The state or region.
        region: Option<String>,
        /// The postal code.
        postal_code: Option<String>,
        /// The country, ISO 3166-1 alpha-2.
        country: Option<String>,
        /// What it is used for.
        #[serde(rename = "type")]
        kind: Option<String>,
        /// Whether it is the preferred one.
        primary: bool,
    }
}

record! {
    /// A group that a user belongs to (RFC 7643 section 4.1.2). Set by the server.
    GroupRef {
        /// The id of the group.
        value: Option<String>,
        /// The URI of the group.
        #[serde(rename = "$ref")]
        reference: Option<String>,
        /// The name of the group.
        display: Option<String>,
        /// `direct` or `indirect`.
        #[serde(rename = "type")]
        kind: Option<String>,
    }
}

record! {
    /// A member of a group (RFC 7643 section 4.2).
    Member {
        /// The id of the member.
        value: Option<String>,
        /// The URI of the member.
        #[serde(rename = "$ref")]
        reference: Option<String>,
        /// The name of the member.
        display: Option<String>,
        /// The resource type of the member.
        #[serde(rename = "type")]
        kind: Option<String>,
    }
}

record! {
    /// The manager of a user (RFC 7643 section 4.3).
    Manager {
        /// The id of the manager.
        value: Option<String>,
        /// The URI of the manager.
        #[serde(rename = "$ref")]
        reference: Option<String>,
        /// The manager's name. Set by the server.
        display_name: Option<String>,
    }
}

record! {
    /// The enterprise extension of a user (RFC 7643 section 4.3).
    EnterpriseUser {
        /// The number that the organization has given the person.
        employee_number: Option<String>,
        /// The cost centre.
        cost_center: Option<String>,
        /// The organization.
        organization: Option<String>,
        /// The division.
        division: Option<String>,
        /// The department.
        department: Option<String>,
        /// The manager.
        manager: Option<Manager>,
    }
}

record! {
    /// A user (RFC 7643 section 4.1) with the enterprise extension: a typed view of a [`Resource`].
    User {
        /// The schemas that the user has.
        schemas: Vec<String>,
        /// The id.
        id: Option<String>,
        /// The client's id.
        external_id: Option<String>,
        /// The name to sign in with.
        user_name: String,
        /// The person's name.
        name: Option<Name>,
        /// The name for display.
        display_name: Option<String>,
        /// The casual name.
        nick_name: Option<String>,
        /// The URL of a profile.
        profile_url: Option<String>,
        /// The title.
        title: Option<String>,
        /// The relationship to the organization.
        user_type: Option<String>,
        /// The preferred languages.
        preferred_language: Option<String>,
        /// The locale.
        locale: Option<String>,
        /// The time zone.
        timezone: Option<String>,
        /// Whether the account is in use.
        active: Option<bool>,
        /// Email addresses.
        emails: Vec<MultiValued>,
        /// Phone numbers.
        phone_numbers: Vec<MultiValued>,
        /// Instant messaging addresses.
        ims: Vec<MultiValued>,
        /// Photos.
        photos: Vec<MultiValued>,
        /// Postal addresses.
        addresses: Vec<Address>,
        /// Groups. Set by the server.
        groups: Vec<GroupRef>,
        /// Entitlements.
        entitlements: Vec<MultiValued>,
        /// Roles.
        roles: Vec<MultiValued>,
        /// Certificates.
        #[serde(rename = "x509Certificates")]
        x509_certificates: Vec<MultiValued>,
        /// The enterprise extension.
        #[serde(rename = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User")]
        enterprise: Option<EnterpriseUser>,
    }
}

record! {
    /// A group (RFC 7643 section 4.2): a typed view of a [`Resource`].
    Group {
        /// The schemas that the group has.
        schemas: Vec<String>,
        /// The id.
        id: Option<String>,
        /// The client's id.
        external_id: Option<String>,
        /// The name.
        display_name: String,
        /// The members.
        members: Vec<Member>,
    }
}

impl User {
    /// Reads a resource of the type User.
    ///
    /// # Errors
    /// [`TypedError`] when an attribute does not have its type; a resource that validation has let through always
    /// does.
    pub fn from_resource(resource: &Resource) -> Result<Self, TypedError> {
        read("a User", resource)
    }

    /// The email address to write to: the primary one, else the first.
    #[must_use]
    pub fn primary_email(&self) -> Option<&str> {
        let primary = self.emails.iter().find(|email| email.primary);
        primary.or_else(|| self.emails.first())?.value.as_deref()
    }

    /// The user as a JSON object, with `schemas` filled in when there are none; absent values are left out.
    #[must_use]
    pub fn to_object(&self) -> Object {
        let mut uris = vec![urn::USER];
        uris.extend(self.enterprise.is_some().then_some(urn::ENTERPRISE_USER));
        write(self, &uris)
    }
}

impl Group {
    /// Reads a resource of the type Group.
    ///
    /// # Errors
    /// As [`User::from_resource`].
    pub fn from_resource(resource: &Resource) -> Result<Self, TypedError> {
        read("a Group", resource)
    }

    /// The group as a JSON object, with `schemas` filled in when there are none; absent values are left out.
    #[must_use]
    pub fn to_object(&self) -> Object {
        write(self, &[urn::GROUP])
    }
}

fn read<T: DeserializeOwned>(what: &'static str, resource: &Resource) -> Result<T, TypedError> {
    serde_json::from_slice(&resource.attributes().to_vec()).map_err(|cause| TypedError { what, cause })
}

fn write<T: Serialize>(value: &T, uris: &[&str]) -> Object {
    let json = serde_json::to_vec(value).unwrap_or_default();
    let Ok(Value::Object(mut object)) = Value::from_slice(&json) else { return Object::new() };
    if object.get("schemas").is_none_or(Value::is_unassigned) {
        object.insert("schemas", uris.iter().map(|uri| Value::from(*uri)).collect::<Vec<_>>());
    }
    object
}
