//! PATCH beside a naive model: plain JSON, no schema, no index, a dozen lines per operation.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod common;

use common::{definition, object, patch};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use scim_core::validate::validate_new;
use scim_core::{Quirks, strategies};
use serde_json::{Value as Json, json};

#[derive(Clone, Debug)]
enum Step {
    Set(&'static str, String),
    Clear(&'static str),
    Add(Vec<Json>),
    ReplaceAll(Vec<Json>),
    RemoveAll,
    RemoveType(&'static str),
    SetDisplay(&'static str, String),
    MakePrimary(&'static str),
}

const TYPES: [&str; 4] = ["work", "home", "Other", "fax"];

fn step() -> impl Strategy<Value = Step> {
    let emails = || {
        let element = (select(vec!["a", "b", "c"]), proptest::option::of(select(TYPES.to_vec())));
        (vec(element, 0..4), proptest::option::of(0..4_usize)).prop_map(|(elements, primary)| {
            let mut seen = Vec::new();
            let mut list = Vec::new();
            for (n, (value, kind)) in elements.into_iter().enumerate() {
                if seen.contains(&(value, kind)) {
                    continue;
                }
                seen.push((value, kind));
                let mut element = json!({ "value": value });
                if let Some(kind) = kind {
                    element["type"] = json!(kind);
                }
                if primary == Some(n) {
                    element["primary"] = json!(true);
                }
                list.push(element);
            }
            list
        })
    };
    let names = || select(vec!["title", "nickName", "name.givenName", "name.familyName"]);
    prop_oneof![
        (names(), "[a-z]{1,3}").prop_map(|(name, text)| Step::Set(name, text)),
        names().prop_map(Step::Clear),
        emails().prop_map(Step::Add),
        emails().prop_map(Step::ReplaceAll),
        Just(Step::RemoveAll),
        select(TYPES.to_vec()).prop_map(Step::RemoveType),
        (select(TYPES.to_vec()), "[a-z]{1,3}").prop_map(|(kind, text)| Step::SetDisplay(kind, text)),
        select(TYPES.to_vec()).prop_map(Step::MakePrimary),
    ]
}

fn operation(step: &Step) -> Json {
    let selected = |kind: &str, rest: &str| format!("emails[type eq \"{kind}\"]{rest}");
    match step {
        Step::Set(name, text) => json!({"op": "replace", "path": name, "value": text}),
        Step::Clear(name) => json!({"op": "remove", "path": name}),
        Step::Add(list) => json!({"op": "add", "path": "emails", "value": list}),
        Step::ReplaceAll(list) => json!({"op": "replace", "path": "emails", "value": list}),
        Step::RemoveAll => json!({"op": "remove", "path": "emails"}),
        Step::RemoveType(kind) => json!({"op": "remove", "path": selected(kind, "")}),
        Step::SetDisplay(kind, text) => {
            json!({"op": "replace", "path": selected(kind, ".display"), "value": text})
        }
        Step::MakePrimary(kind) => json!({"op": "add", "path": selected(kind, ".primary"), "value": true}),
    }
}

/// Does it to plain JSON; false where there is nothing to do it to.
fn naive(user: &mut Json, step: &Step) -> bool {
    let empty = Vec::new();
    let mut emails = user["emails"].as_array().unwrap_or(&empty).clone();
    let lower = |value: &Json| value.as_str().map(str::to_lowercase);
    let is_type = |element: &Json, kind: &str| lower(&element["type"]) == Some(kind.to_lowercase());
    let mut primary: Option<usize> = None;
    match step {
        Step::Set(name, text) => {
            match name.split_once('.') {
                None => user[*name] = json!(text),
                Some((parent, sub)) => {
                    if !user[parent].is_object() {
                        user[parent] = json!({});
                    }
                    user[parent][sub] = json!(text);
                }
            }
            return true;
        }
        Step::Clear(name) => {
            match name.split_once('.') {
                None => drop(user.as_object_mut().unwrap().remove(*name)),
                Some((parent, sub)) => {
                    if let Some(parts) = user[parent].as_object_mut() {
                        parts.remove(sub);
                    }
                    if user[parent].as_object().is_none_or(serde_json::Map::is_empty) {
                        user.as_object_mut().unwrap().remove(parent);
                    }
                }
            }
            return true;
        }
        Step::RemoveAll => emails.clear(),
        Step::ReplaceAll(list) => emails.clone_from(list),
        Step::RemoveType(kind) => emails.retain(|element| !is_type(element, kind)),
        Step::Add(list) => {
            for new in list {
                let says = |element: &Json| {
                    new.as_object().unwrap().iter().all(|(name, value)| match value {
                        Json::String(_) => lower(&element[name]) == lower(value),
                        value => element[name] == *value,
                    })
                };
                let same = |element: &Json| {
                    lower(&element["value"]) == lower(&new["value"])
                        && lower(&element["type"]) == lower(&new["type"])
                };
                if emails.iter().any(says) {
                    continue;
                }
                let at = emails.iter().position(same).unwrap_or_else(|| {
                    emails.push(json!({}));
                    emails.len() - 1
                });
                for (name, value) in new.as_object().unwrap() {
                    emails[at][name] = value.clone();
                }
                if new["primary"] == json!(true) {
                    primary = Some(at);
                }
            }
        }
        Step::SetDisplay(kind, _) | Step::MakePrimary(kind) => {
            let mut any = false;
            for (n, element) in emails.iter_mut().enumerate().filter(|(_, element)| is_type(element, kind)) {
                any = true;
                match step {
                    Step::SetDisplay(_, text) => element["display"] = json!(text),
                    _ if element["primary"] != json!(true) => {
                        element["primary"] = json!(true);
                        primary = Some(n);
                    }
                    _ => {}
                }
            }
            if !any {
                return false;
            }
        }
    }
    if let Some(winner) = primary {
        for (n, element) in emails.iter_mut().enumerate() {
            if n != winner && element["primary"] == json!(true) {
                element["primary"] = json!(false);
            }
        }
    }
    if emails.is_empty() {
        user.as_object_mut().unwrap().remove("emails");
    } else {
        user["emails"] = json!(emails);
    }
    true
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn the_model_agrees(user in strategies::user(), steps in vec(step(), 1..8)) {
        let users = definition("User");
        let before = validate_new(&users, user, &Quirks::strict()).unwrap().resource;
        let operations: Vec<Json> = steps.iter().map(operation).collect();
        let outcome = patch(&users, &before, &json!(operations).to_string(), &Quirks::strict());
        let mut model: Json = serde_json::from_slice(&before.attributes().to_vec()).unwrap();
        let possible = steps.iter().all(|step| naive(&mut model, step));
        match outcome {
            Ok((after, _)) => {
                prop_assert!(possible, "{operations:?}");
                prop_assert_eq!(after.attributes(), &object(&model.to_string()), "{:?}", operations);
            }
            Err((kind, text)) => {
                prop_assert!(!possible, "{text}");
                prop_assert_eq!(kind.as_str(), "noTarget", "{}", text);
            }
        }
    }
}
