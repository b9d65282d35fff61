//! What holds for every body and every PATCH.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod common;

use common::{MODES, definition};
use proptest::prelude::*;
use proptest::sample::select;
use scim_core::fuzzing::{patch_document, resource_document};
use scim_core::patch::{PatchLimits, PatchRequest};
use scim_core::validate::{validate_new, validate_replacement};
use scim_core::{Object, Projection, QueryParams, Quirks, Resource, Value, strategies, urn};

fn swap_case(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_ascii_uppercase() { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() })
        .collect()
}

/// The same with every name in the other case.
fn with_other_names(object: &Object) -> Object {
    fn turn(value: &Value) -> Value {
        match value {
            Value::Object(object) => with_other_names(object).into(),
            Value::Array(items) => Value::Array(items.iter().map(turn).collect()),
            other => other.clone(),
        }
    }
    object
        .iter()
        .map(|(name, value)| (swap_case(name.as_str()).as_str().into(), turn(value)))
        .collect::<Vec<(scim_core::AttrName, Value)>>()
        .into_iter()
        .collect()
}

fn apply(before: &Resource, body: &Object, quirks: &Quirks) -> Option<(Resource, bool)> {
    let users = definition("User");
    let request = PatchRequest::from_object(body.clone(), quirks, &PatchLimits::default()).ok()?;
    let changes = request.resolve(&users, quirks).ok()?;
    let mut after = before.clone();
    let changed = changes.apply(&users, &mut after).ok()?;
    Some((after, changed))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn json_keeps_every_digit_and_letter(value in strategies::json_value()) {
        let text = value.to_vec();
        prop_assert_eq!(&Value::from_slice(&text).unwrap(), &value);
        prop_assert_eq!(&serde_json::to_vec(&value).unwrap(), &text, "both ways of writing agree");
    }

    #[test]
    fn legal_users_and_groups_mean_the_same_in_every_mode(user in strategies::user(), group in strategies::group()) {
        for (kind, body) in [("User", user), ("Group", group)] {
            let definition = definition(kind);
            let [strict, interop] = MODES.map(|quirks| validate_new(&definition, body.clone(), &quirks));
            prop_assert!(strict.is_ok(), "{:?}", strict);
            prop_assert_eq!(&strict, &interop);
            resource_document(&body.to_vec());
        }
    }

    #[test]
    fn the_case_of_names_never_matters(user in strategies::user(), patch in strategies::legal_patch()) {
        let users = definition("User");
        let draft = validate_new(&users, user.clone(), &MODES[0]).unwrap();
        let turned = validate_new(&users, with_other_names(&user), &MODES[0]);
        prop_assert_eq!(turned.as_ref(), Ok(&draft));
        let after = apply(&draft.resource, &patch, &MODES[0]);
        prop_assert_eq!(apply(&draft.resource, &with_other_names(&patch), &MODES[0]), after);
    }

    #[test]
    fn any_json_is_refused_or_legal(value in strategies::json_value()) {
        resource_document(&value.to_vec());
        patch_document(&value.to_vec());
    }

    #[test]
    fn patches_keep_their_promises(patch in strategies::patch()) {
        patch_document(&patch.to_vec());
    }

    #[test]
    fn legal_patches_mean_the_same_in_every_mode(user in strategies::user(), patch in strategies::legal_patch()) {
        let before = validate_new(&definition("User"), user, &MODES[0]).unwrap().resource;
        let [strict, interop] = MODES.map(|quirks| apply(&before, &patch, &quirks));
        prop_assert!(strict.is_some());
        prop_assert_eq!(strict, interop);
    }

    #[test]
    fn adding_twice_is_adding_once(user in strategies::user(), emails in strategies::multi_values(&["a@example.com", "A@example.com", "x"])) {
        let before = validate_new(&definition("User"), user, &MODES[0]).unwrap().resource;
        let operation: Object = [("op", Value::from("add")), ("path", "emails".into()), ("value", emails.into())].into_iter().collect();
        let body: Object =
            [("schemas", Value::Array(vec![urn::PATCH_OP.into()])), ("Operations", Value::Array(vec![operation.into()]))].into_iter().collect();
        let (once, _) = apply(&before, &body, &MODES[0]).unwrap();
        prop_assert_eq!(apply(&once, &body, &MODES[0]).unwrap(), (once, false));
    }

    #[test]
    fn to_put_back_what_was_read_changes_nothing(user in strategies::user()) {
        let users = definition("User");
        let current = validate_new(&users, user, &MODES[0]).unwrap().resource;
        let mut shown = Projection::default_set().apply(&users, current.attributes());
        prop_assert!(!shown.contains("password"));
        shown.insert("id", "2819c223");
        shown.insert("meta", Object::new());
        for quirks in MODES {
            let draft = validate_replacement(&users, shown.clone(), &current, &quirks).unwrap();
            prop_assert_eq!(&draft.resource, &current);
        }
    }

    #[test]
    fn a_projection_shows_parts_and_writes_what_it_shows(
        user in strategies::user(),
        names in proptest::collection::vec(select(vec!["userName", "emails.value", "emails", "name.givenName", "password", "schemas", "id", "nope", urn::ENTERPRISE_USER, urn::USER]), 0..4),
        without in any::<bool>(),
    ) {
        let users = definition("User");
        let resource = validate_new(&users, user, &MODES[0]).unwrap().resource;
        let mut params = QueryParams::default();
        params.set(if without { "excludedAttributes" } else { "attributes" }, &names.join(",")).unwrap();
        let projection = Projection::new(&users, &params, &MODES[0]).unwrap();
        let shown = projection.apply(&users, resource.attributes());
        prop_assert!(!shown.contains("password") && shown.contains("schemas"));
        prop_assert_eq!(&projection.apply(&users, &shown), &shown, "what is shown shows itself");
        let mut written = Vec::new();
        projection.write(&users, resource.attributes(), &mut written);
        prop_assert_eq!(written, shown.to_vec());
    }

    #[test]
    fn what_is_hidden_comes_back(user in strategies::user()) {
        let users = definition("User");
        let resource = validate_new(&users, user, &MODES[0]).unwrap().resource;
        let mut visible = resource.clone();
        let hidden = visible.split_hidden(&users);
        prop_assert_eq!(hidden.contains("password"), resource.attributes().contains("password"));
        prop_assert!(!visible.attributes().contains("password"));
        visible.restore_hidden(hidden);
        prop_assert_eq!(visible, resource);
    }
}
