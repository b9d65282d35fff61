//! The examples of the RFCs, from files named by section, with the verified errata applied.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod common;

use common::{MODES, definition, object, text, value};
use scim_core::patch::{PatchLimits, PatchRequest, RelationAction};
use scim_core::validate::{validate_new, validate_replacement};
use scim_core::{
    EnterpriseUser, Group, Object, Quirks, ResourceType, Schema, TypeDefinition, User, Value, urn,
};

const MINIMAL: &str = include_str!("data/rfc7643-8.1-user-minimal.json");
const FULL: &str = include_str!("data/rfc7643-8.2-user-full.json");
const ENTERPRISE: &str = include_str!("data/rfc7643-8.3-enterprise_user.json");
const GROUP: &str = include_str!("data/rfc7643-8.4-group.json");
const CONFIG: &str = include_str!("data/rfc7643-8.5-service_provider_config.json");
const TYPES: &str = include_str!("data/rfc7643-8.6-resource_types.json");

/// What a client may set of a document.
fn writable(definition: &TypeDefinition, document: &Object) -> Object {
    let mut object = document.clone();
    object.retain(|name, _| {
        definition.attribute(name.as_str()).is_none_or(|attribute| !attribute.is_read_only())
            && definition.relation(name.as_str()).is_none()
    });
    if let Some(Value::Object(data)) = object.get_mut(urn::ENTERPRISE_USER)
        && let Some(Value::Object(manager)) = data.get_mut("manager")
    {
        manager.remove("displayName");
    }
    object
}

#[test]
fn resources_are_accepted_whole_and_come_back_as_they_were() {
    for (kind, json) in [("User", MINIMAL), ("User", FULL), ("User", ENTERPRISE), ("Group", GROUP)] {
        let definition = definition(kind);
        let document = object(json);
        assert_eq!(
            value(&text(Some(&document.clone().into()))),
            value(json),
            "what is read is what is written"
        );
        for quirks in MODES {
            let draft = validate_new(&definition, document.clone(), &quirks).unwrap();
            assert_eq!(*draft.resource.attributes(), writable(&definition, &document));
            let members = document.get("members").and_then(Value::as_array).map_or(0, <[Value]>::len);
            assert_eq!(draft.relations.iter().map(|r| r.targets.len()).sum::<usize>(), members);
            let again =
                validate_replacement(&definition, document.clone(), &draft.resource, &quirks).unwrap();
            assert_eq!(again, draft, "to send back what was read changes nothing");
        }
    }
}

#[test]
fn discovery_documents_keep_to_their_schemas() {
    fn check(attributes: &[scim_core::Attribute], object: &Object, path: &str) {
        for attribute in attributes.iter().filter(|attribute| attribute.is_required()) {
            assert!(object.contains(attribute.name()), "{path}.{} is missing", attribute.name());
        }
        for (name, value) in object.iter() {
            if ["schemas", "id", "meta"].iter().any(|common| name.is(common)) {
                continue;
            }
            let attribute = attributes.iter().find(|attribute| name.is(attribute.name()));
            let attribute = attribute.unwrap_or_else(|| panic!("{path}.{name} is not defined"));
            let values = match value {
                Value::Array(items) => {
                    assert!(attribute.is_multi_valued(), "{path}.{name} is no list");
                    items.as_slice()
                }
                one => std::slice::from_ref(one),
            };
            for value in values.iter().filter_map(Value::as_object) {
                check(attribute.sub_attributes(), value, &format!("{path}.{name}"));
            }
        }
    }
    let [config, resource_type, _] = Schema::discovery();
    check(config.attributes(), &object(CONFIG), "ServiceProviderConfig");
    for item in value(TYPES).as_array().unwrap() {
        check(resource_type.attributes(), item.as_object().unwrap(), "ResourceType");
    }
}

#[test]
fn resource_types_are_read_and_written() {
    let types: Vec<serde_json::Value> = serde_json::from_str(TYPES).unwrap();
    for json in types {
        let read: ResourceType = serde_json::from_value(json.clone()).unwrap();
        let written = serde_json::to_value(&read).unwrap();
        for (name, value) in written.as_object().unwrap() {
            assert_eq!(json.get(name), Some(value), "{name}");
        }
        assert_eq!(&*read.endpoint, json["endpoint"].as_str().unwrap());
    }
}

#[test]
fn typed_views_read_and_write_the_examples() {
    let definition = definition("User");
    for json in [MINIMAL, FULL, ENTERPRISE] {
        let draft = validate_new(&definition, object(json), &MODES[0]).unwrap();
        let user = User::from_resource(&draft.resource).unwrap();
        // A typed user has no password to leak.
        let mut expected = draft.resource.attributes().clone();
        expected.remove("password");
        assert_eq!(user.to_object(), expected);
        let again = validate_new(&definition, user.to_object(), &MODES[0]).unwrap();
        assert_eq!(User::from_resource(&again.resource).unwrap(), user);
    }
    let draft = validate_new(&definition, object(ENTERPRISE), &MODES[0]).unwrap();
    let user = User::from_resource(&draft.resource).unwrap();
    assert_eq!(user.primary_email(), Some("bjensen@example.com"));
    let EnterpriseUser { manager, cost_center, .. } = user.enterprise.clone().unwrap();
    assert_eq!(
        (cost_center.as_deref(), manager.unwrap().value.as_deref()),
        (Some("4130"), Some("26118915-6090-4610-87e4-49d8ca9f808d"))
    );

    let group = common::definition("Group");
    let draft = validate_new(&group, object(GROUP), &MODES[0]).unwrap();
    let typed = Group::from_resource(&draft.resource).unwrap();
    assert_eq!(typed.display_name, "Tour Guides");
    assert_eq!(typed.to_object(), *draft.resource.attributes());
}

fn changes(kind: &str, json: &str, quirks: &Quirks) -> scim_core::ChangeSet {
    PatchRequest::from_object(object(json), quirks, &PatchLimits::default())
        .and_then(|request| request.resolve(&definition(kind), quirks))
        .unwrap()
}

#[track_caller]
fn user_after(json: &str, name: &str, expected: &str) {
    let definition = definition("User");
    for quirks in MODES {
        let mut user = validate_new(&definition, object(FULL), &quirks).unwrap().resource;
        changes("User", json, &quirks).apply(&definition, &mut user).unwrap();
        assert_eq!(user.get(None, name), Some(&value(expected)), "{}", text(user.get(None, name)));
    }
}

#[test]
fn patch_examples_change_users() {
    user_after(
        include_str!("data/rfc7644-3.5.2.1-add_emails.json"),
        "emails",
        r#"[{"value":"bjensen@example.com","type":"work","primary":true},{"value":"babs@jensen.org","type":"home"}]"#,
    );
    user_after(
        include_str!("data/rfc7644-3.5.2.2-remove_email.json"),
        "emails",
        r#"[{"value":"babs@jensen.org","type":"home"}]"#,
    );
    user_after(
        include_str!("data/rfc7644-3.5.2.3-replace_emails.json"),
        "emails",
        r#"[{"value":"bjensen@example.com","type":"work","primary":true},{"value":"babs@jensen.org","type":"home"}]"#,
    );
    let home = r#"{"type":"home","streetAddress":"456 Hollywood Blvd","locality":"Hollywood","region":"CA","postalCode":"91608","country":"US","formatted":"456 Hollywood Blvd\nHollywood, CA 91608 US"}"#;
    user_after(
        include_str!("data/rfc7644-3.5.2.3-replace_work_address.json"),
        "addresses",
        &format!(
            r#"[{{"type":"work","streetAddress":"911 Universal City Plaza","locality":"Hollywood","region":"CA","postalCode":"91608","country":"US","formatted":"911 Universal City Plaza\nHollywood, CA 91608 US","primary":true}},{home}]"#
        ),
    );
    user_after(
        include_str!("data/rfc7644-3.5.2.3-replace_street_address.json"),
        "addresses",
        &format!(
            r#"[{{"type":"work","streetAddress":"1010 Broadway Ave","locality":"Hollywood","region":"CA","postalCode":"91608","country":"US","formatted":"100 Universal City Plaza\nHollywood, CA 91608 US","primary":true}},{home}]"#
        ),
    );
}

#[test]
fn patch_examples_change_members() {
    let actions = |json: &str| -> Vec<RelationAction> {
        let [set, interop] = MODES.map(|quirks| changes("Group", json, &quirks));
        assert_eq!(set, interop);
        assert!(set.changes.is_empty());
        set.relations.into_iter().map(|change| change.action).collect()
    };
    let id = |text: &str| text.parse::<scim_core::ResourceId>().unwrap();
    let (babs, james) =
        (id("2819c223-7f76-453a-919d-413861904646"), id("08e1d05d-121c-4561-8b96-473d93df9210"));
    assert_eq!(
        actions(include_str!("data/rfc7644-3.5.2.1-add_members.json")),
        [RelationAction::Add(vec![babs.clone()])]
    );
    assert_eq!(
        actions(include_str!("data/rfc7644-3.5.2.2-remove_one_member.json")),
        [RelationAction::Remove(vec![babs.clone()])]
    );
    assert_eq!(
        actions(include_str!("data/rfc7644-3.5.2.2-remove_all_members.json")),
        [RelationAction::Replace(vec![])]
    );
    assert_eq!(
        actions(include_str!("data/rfc7644-3.5.2.2-remove_and_add_one_member.json")),
        [RelationAction::Remove(vec![babs.clone()]), RelationAction::Add(vec![james.clone()])]
    );
    assert_eq!(
        actions(include_str!("data/rfc7644-3.5.2.3-replace_members.json")),
        [RelationAction::Replace(vec![babs, james])]
    );
}
