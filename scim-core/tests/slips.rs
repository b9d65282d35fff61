//! Keys that nobody can have meant for another server are not passed over: a person would stay active who is to be
//! suspended.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod common;

use common::{MODES, definition, object, resolve, resource};
use scim_core::validate::{validate_new, validate_replacement};
use scim_core::{Quirks, ScimType, urn};

const CORE: &str = urn::USER;
const ENTERPRISE: &str = urn::ENTERPRISE_USER;

fn body(members: &str) -> String {
    format!(r#"{{"schemas":["{CORE}"],"userName":"ann",{members}}}"#)
}

/// What is sent, and what the error says of it; whether it names something that there is.
fn slips() -> Vec<(String, String, bool)> {
    let key = |key: &str| (format!(r#""{key}":false"#), format!("`{key}` "));
    let escaped = |key: &str, shown: &str| (format!(r#""{key}":false"#), shown.to_owned());
    let impossible = [
        key("active "),
        key(" userName"),
        escaped("act\\u0000ive", "`act\\u{0}ive` is no name"),
        escaped("act\\u200bive", "`act\\u{200b}ive` is no name"),
        key(&format!("{CORE}:active ")),
        (r#""name":{"givenName ":"A"}"#.to_owned(), "`name.givenName ` is no name".to_owned()),
        (r#""emails":[{"value ":"A"}]"#.to_owned(), "value ` is no name".to_owned()),
        (format!(r#""{ENTERPRISE}":{{"department ":"A"}}"#), ":department ` is no name".to_owned()),
    ];
    let misdirected = [
        key(&format!("{CORE}.active")),
        key(&format!("{CORE}:activ")),
        key(&format!("{}:activ", CORE.to_uppercase())),
        key(&format!("{ENTERPRISE}:departmentt")),
        key("active.value"),
        key("User:active"),
        key("name.givenName.x"),
        (format!(r#""{ENTERPRISE}":{{"department.x":"A"}}"#), ":department.x` ".to_owned()),
        (format!(r#""{CORE}":{{"active.x":true}}"#), "`active.x` ".to_owned()),
    ];
    let impossible = impossible.map(|(sent, says)| (sent, says, false));
    let misdirected = misdirected.map(|(sent, says)| (sent, says, true));
    impossible.into_iter().chain(misdirected).collect()
}

#[test]
fn a_body_with_one_is_refused_in_every_mode() {
    let users = definition("User");
    let had = resource(&users, &body(r#""active":true"#));
    for (sent, says, _) in slips() {
        // Strict mode refuses the object under the URI of the base schema as such.
        let modes =
            if sent.contains(&format!("\"{CORE}\":")) { vec![Quirks::interop()] } else { MODES.to_vec() };
        for quirks in modes {
            let sent = object(&body(&sent));
            let errors = [
                validate_new(&users, sent.clone(), &quirks).unwrap_err(),
                validate_replacement(&users, sent, &had, &quirks).unwrap_err(),
            ];
            for error in errors {
                assert_eq!(error.scim_type(), ScimType::InvalidSyntax, "{error}");
                assert!(error.to_string().contains(&says), "{says}: {error}");
            }
        }
    }
}

#[test]
fn a_patch_with_one_is_refused_in_tolerant_mode_too() {
    for (sent, says, is_misdirected) in slips() {
        for op in ["add", "replace"] {
            let operations = format!(r#"[{{"op":"{op}","value":{{{sent}}}}}]"#);
            let (scim_type, error) =
                resolve(&definition("User"), &operations, &Quirks::interop()).unwrap_err();
            let expected = if is_misdirected { ScimType::InvalidPath } else { ScimType::InvalidSyntax };
            assert_eq!(scim_type, expected, "{error}");
            assert!(error.contains(&says), "{says}: {error}");
            resolve(&definition("User"), &operations, &Quirks::strict()).unwrap_err();
        }
    }
}

#[test]
fn what_is_merely_unknown_is_passed_over() {
    let users = definition("User");
    let further = format!("{CORE}s:active");
    for key in [
        "shoeSize",
        "shoe.size",
        "name.nick",
        "urn:example:none:active",
        "shoes[a eq 1].b",
        "Cost Centre",
        "@type",
        &further,
    ] {
        let sent = format!(r#""{key}":false"#);
        validate_new(&users, object(&body(&sent)), &Quirks::interop()).unwrap();
        let error = validate_new(&users, object(&body(&sent)), &Quirks::strict()).unwrap_err();
        assert_eq!(error.scim_type(), ScimType::InvalidValue, "{error}");
        let operations = format!(r#"[{{"op":"add","value":{{{sent}}}}}]"#);
        if !key.contains('[') {
            assert!(resolve(&users, &operations, &Quirks::interop()).unwrap().is_empty(), "{key}");
        }
        let (scim_type, _) = resolve(&users, &operations, &Quirks::strict()).unwrap_err();
        assert_eq!(scim_type, ScimType::InvalidPath);
    }
}

#[test]
fn one_attribute_in_two_spellings_is_refused_in_a_patch_as_in_a_body() {
    let users = definition("User");
    for (sent, path) in [
        (format!(r#""{CORE}:active":false,"active":true"#), "active"),
        (format!(r#""active":true,"{CORE}:active":true"#), "active"),
        (format!(r#""{CORE}":{{"active":false}},"active":true"#), "active"),
        (r#""name":{"familyName":"A"},"name.familyName":"B""#.to_owned(), "name.familyName"),
        (format!(r#""name.familyName":"B","{CORE}:name.familyName":"A""#), "name.familyName"),
        (
            format!(r#""{ENTERPRISE}":{{"department":"A"}},"{ENTERPRISE}:department":"B""#),
            &format!("{ENTERPRISE}:department"),
        ),
        (
            format!(r#""{ENTERPRISE}":{{"manager":"1","manager.value":"2"}}"#),
            &format!("{ENTERPRISE}:manager.value"),
        ),
        (
            format!(r#""emails[type eq \"work\"].value":"a","{CORE}:emails[type eq \"work\"].value":"b""#),
            r#"emails[type eq "work"].value"#,
        ),
    ] {
        let error = validate_new(&users, object(&body(&sent)), &Quirks::interop()).unwrap_err();
        assert_eq!(error.scim_type(), ScimType::InvalidSyntax, "{sent}: {error}");
        let mut operations = vec![format!(r#"[{{"op":"replace","value":{{{sent}}}}}]"#)];
        operations.push(format!(r#"[{{"op":"replace","path":"{CORE}","value":{{{sent}}}}}]"#));
        for operations in operations {
            let (scim_type, error) = resolve(&users, &operations, &Quirks::interop()).unwrap_err();
            assert_eq!(scim_type, ScimType::InvalidSyntax, "{error}");
            assert!(error.contains(&format!("`{path}` is given twice")), "{error}");
        }
    }
    // One operation after another may set the same.
    let twice = r#"[{"op":"replace","value":{"active":false}},{"op":"replace","value":{"active":true}},
        {"op":"replace","value":{"name":{"givenName":"A"},"name.familyName":"B"}}]"#;
    resolve(&users, twice, &Quirks::interop()).unwrap();
}
