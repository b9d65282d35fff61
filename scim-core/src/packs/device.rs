//! Devices and the applications that reach them (RFC 9944).
//!
//! ```
//! use scim_core::Registry;
//! use scim_core::packs::device;
//!
//! let registry = device::register(Registry::builder().rfc7643()).build()?;
//! assert!(registry.by_endpoint("Devices").is_some() && registry.by_endpoint("EndpointApps").is_some());
//! # Ok::<(), scim_core::RegistryError>(())
//! ```
//!
//! The characteristics are those of the RFC's tables, as the last draft has them (draft-ietf-scim-device-model-18), with
//! which every attribute has been compared. Where its text, tables and appendices differ, or RFC 7643 has no word for
//! what they say, this is what the pack does:
//!
//! | what | here |
//! |---|---|
//! | uniqueness "manufacturer" and "enterprise" | `none`: it is for them to see to, not for the server |
//! | `isRandom`: required in the table, not in the text | not required |
//! | `key` of `pairingJustWorks`: required, and always null | not required |
//! | `applicationType`: required and readOnly, so that no client can say it | as the RFC says; see below |
//! | `irk`, `bootstrapKey`, `fdoVoucher`: returned in an appendix, never in the tables | never returned |
//! | `subjectName`: required and caseExact in the table, neither in the text | required and caseExact |
//! | the endpoint of EndpointApp: `/EndpointApp` in an appendix, `/EndpointApps` in every example | `/EndpointApps` |
//! | `clientToken`: made by the server where there is no `certificateInfo` | readOnly; left to the store |
//! | patterns of MAC and EUI-64 addresses, six digits of a pass key | not checked |
//! | `separateBroadcastAddress` and `irk` exclude each other | not checked |
//! | `deviceControlEnterpriseEndpoint` and other readOnly attributes | the server's to set |
//! | pairing methods nested in the BLE extension | complex attributes that go by their URNs |
//!
//! A server that lets its clients say what an application is for changes that attribute:
//!
//! ```
//! use scim_core::packs::device;
//! use scim_core::schema::{Attribute, Mutability, Schema};
//!
//! let immutable = |attribute: Attribute| attribute.with_mutability(Mutability::Immutable);
//! let endpoint_app = Schema::clone(&device::endpoint_app()).adjust("applicationType", immutable)?;
//! # let _ = endpoint_app;
//! # Ok::<(), scim_core::schema::SchemaError>(())
//! ```

use std::sync::{Arc, LazyLock};

use crate::registry::RegistryBuilder;
use crate::resource_type::ResourceType;
use crate::schema::{Schema, builtin};

macro_rules! schemas {
    ($($(#[$doc:meta])* $name:ident = $file:literal,)+) => {
        $($(#[$doc])*
        #[must_use]
        pub fn $name() -> Arc<Schema> {
            static SCHEMA: LazyLock<Arc<Schema>> =
                LazyLock::new(|| Arc::new(builtin(include_str!(concat!("rfc9944/", $file, ".json")))));
            Arc::clone(&SCHEMA)
        })+

        /// All schemas of the pack.
        #[must_use]
        pub fn schemas() -> Vec<Arc<Schema>> {
            vec![$($name()),+]
        }
    };
}

schemas! {
    /// `urn:ietf:params:scim:schemas:core:2.0:Device`
    device = "device",
    /// `urn:ietf:params:scim:schemas:core:2.0:EndpointApp`
    endpoint_app = "endpoint_app",
    /// Bluetooth Low Energy: `urn:ietf:params:scim:schemas:extension:ble:2.0:Device`, with the pairing methods in it.
    ble = "ble",
    /// Wi-Fi Easy Connect: `urn:ietf:params:scim:schemas:extension:dpp:2.0:Device`
    dpp = "dpp",
    /// Ethernet MAB: `urn:ietf:params:scim:schemas:extension:ethernet-mab:2.0:Device`
    ethernet_mab = "ethernet_mab",
    /// FIDO Device Onboard: `urn:ietf:params:scim:schemas:extension:fido-device-onboard:2.0:Device`
    fido_device_onboard = "fido_device_onboard",
    /// Zigbee: `urn:ietf:params:scim:schemas:extension:zigbee:2.0:Device`
    zigbee = "zigbee",
    /// Applications behind a gateway: `urn:ietf:params:scim:schemas:extension:endpointAppsExt:2.0:Device`
    endpoint_apps_ext = "endpoint_apps_ext",
}

/// The resource type Device at `/Devices` with every extension, none of them required.
#[must_use]
pub fn device_type() -> ResourceType {
    let extensions = [ble(), dpp(), ethernet_mab(), fido_device_onboard(), zigbee(), endpoint_apps_ext()];
    let device = ResourceType::new("Device", device().id().clone())
        .with_description("Device")
        .with_display("displayName");
    extensions.iter().fold(device, |device, extension| device.with_extension(extension.id().clone(), false))
}

/// The resource type EndpointApp at `/EndpointApps`.
#[must_use]
pub fn endpoint_app_type() -> ResourceType {
    ResourceType::new("EndpointApp", endpoint_app().id().clone())
        .with_description("Application that controls devices or receives data from them")
        .with_display("applicationName")
}

/// Adds both resource types with their schemas. Where there are Groups with `members`, devices and applications can be
/// members of them, and show them as `groups`.
pub fn register(builder: RegistryBuilder) -> RegistryBuilder {
    let mut builder = schemas().into_iter().fold(builder, RegistryBuilder::schema);
    if builder.has_type("Group") {
        builder = builder.change_type("Group", |mut group| {
            for relation in group.relations.iter_mut().filter(|relation| &*relation.attribute == "members") {
                relation.targets.extend(["Device".into(), "EndpointApp".into()]);
            }
            group
        });
    }
    builder.resource_type(device_type()).resource_type(endpoint_app_type())
}
