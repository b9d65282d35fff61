//! The session file as an administrator meets it: whole, cut off, edited, foreign, encoded.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use op_bridge::clock::ManualClock;
use op_bridge::credentials::{Overwrite, SESSION_FILE_MAX, SessionError, SessionFile, Token, WriteError};
use op_bridge::random::SystemRandom;
use proptest::prelude::*;
use serde_json::{Value, json};

static SESSION: LazyLock<(String, Token)> = LazyLock::new(|| {
    let clock = ManualClock::new("2026-11-22T12:30:00Z".parse().unwrap());
    let (file, token) = SessionFile::create("scim.example.com", &clock, &SystemRandom).unwrap();
    (file.to_json().unwrap(), token)
});

/// Reads and opens; what both refuse with.
fn open(json: &[u8]) -> Result<(), SessionError> {
    SessionFile::parse(json)?.unlock(&SESSION.1).map(drop)
}

fn edited(edit: impl FnOnce(&mut Value)) -> SessionError {
    let mut value: Value = serde_json::from_str(&SESSION.0).unwrap();
    edit(&mut value);
    open(value.to_string().as_bytes()).unwrap_err()
}

/// Messages are for people: one line, lower case, no full stop, no names of types.
fn assert_reads_well(error: &SessionError) {
    let text = error.to_string();
    assert!(!text.is_empty() && !text.contains('\n') && !text.ends_with('.'), "{text}");
    assert!(text.starts_with(|c: char| c.is_lowercase() || c == '`'), "{text}");
    for internal in ["serde", "Error", "String", "Option", "struct"] {
        assert!(!text.contains(internal), "{text}");
    }
}

#[test]
fn a_session_opens_with_its_token_only() {
    let (json, token) = &*SESSION;
    let file = SessionFile::parse(json.as_bytes()).unwrap();
    let credentials = file.unlock(token).unwrap();
    assert_eq!(credentials.device_uuid(), file.summary().device_uuid);
    assert_eq!(
        credentials.private_key().public_key(),
        file.unlock(token).unwrap().private_key().public_key()
    );

    let other = Token::generate(&SystemRandom).unwrap();
    assert!(!file.verifies(&other));
    assert!(matches!(file.unlock(&other), Err(SessionError::WrongToken)));
}

#[test]
fn what_can_be_seen_without_the_token_is_no_secret() {
    let (json, token) = &*SESSION;
    let file = SessionFile::parse(json.as_bytes()).unwrap();
    let summary = serde_json::to_value(file.summary()).unwrap();
    assert_eq!(summary["version"], "opb1");
    assert_eq!(summary["domain"], "scim.example.com");
    assert_eq!(summary["created"], "2026-11-22T12:30:00Z");
    assert_eq!(summary.as_object().unwrap().len(), 5);
    let private = file.unlock(token).unwrap();
    for secret in [&token.expose()[4..30], private.account().as_str(), private.integration().as_str()] {
        assert!(!json.contains(secret) && !format!("{file:?}").contains(secret));
    }
}

#[test]
fn the_file_has_the_documented_fields() {
    let value: Value = serde_json::from_str(&SESSION.0).unwrap();
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&value), ["created", "deviceUuid", "domain", "encCredentials", "verifier", "version"]);
    assert_eq!(keys(&value["verifier"]), ["localHash", "salt"]);
    assert_eq!(keys(&value["encCredentials"]), ["cty", "data", "enc", "iv", "kid"]);
}

#[test]
fn a_file_cut_off_anywhere_is_truncated() {
    let json = SESSION.0.trim_end();
    for len in 0..json.len() {
        let error = open(&json.as_bytes()[..len]).unwrap_err();
        match len {
            0 => assert!(matches!(error, SessionError::Empty)),
            _ => assert!(matches!(error, SessionError::Truncated), "at {len}: {error}"),
        }
        assert_reads_well(&error);
    }
    open(json.as_bytes()).unwrap();
}

#[test]
fn white_space_may_be_changed() {
    let value: Value = serde_json::from_str(&SESSION.0).unwrap();
    open(serde_json::to_string_pretty(&value).unwrap().as_bytes()).unwrap();
    open(format!("\r\n {}", SESSION.0).as_bytes()).unwrap();
}

#[test]
fn every_missing_field_is_named() {
    for (object, field) in [
        ("", "version"),
        ("", "verifier"),
        ("", "encCredentials"),
        ("", "deviceUuid"),
        ("", "domain"),
        ("", "created"),
        ("/verifier", "salt"),
        ("/verifier", "localHash"),
        ("/encCredentials", "kid"),
        ("/encCredentials", "enc"),
        ("/encCredentials", "cty"),
        ("/encCredentials", "iv"),
        ("/encCredentials", "data"),
    ] {
        let error = edited(|value| {
            value.pointer_mut(object).unwrap().as_object_mut().unwrap().remove(field).unwrap();
        });
        let name = format!("{object}.{field}").replace('/', "");
        assert_eq!(
            error.to_string(),
            format!("the session file has no field `{}`", name.trim_start_matches('.'))
        );
    }
}

#[test]
fn every_value_is_bound_to_the_token() {
    for (field, value) in [
        ("/domain", json!("evil.example.com")),
        ("/domain", json!("")),
        ("/deviceUuid", json!("abcdefghijklmnopqrstuvwxyz")),
        ("/created", json!("2027-11-22T12:30:00Z")),
    ] {
        let error = edited(|file| *file.pointer_mut(field).unwrap() = value);
        assert!(matches!(error, SessionError::Edited), "{field}: {error}");
    }
    let (other, _) =
        SessionFile::create("", &ManualClock::new(chrono::DateTime::UNIX_EPOCH), &SystemRandom).unwrap();
    let other: Value = serde_json::from_str(&other.to_json().unwrap()).unwrap();
    for field in [
        "/verifier/salt",
        "/verifier/localHash",
        "/encCredentials/kid",
        "/encCredentials/iv",
        "/encCredentials/data",
    ] {
        let error = edited(|file| *file.pointer_mut(field).unwrap() = other.pointer(field).unwrap().clone());
        assert!(matches!(error, SessionError::Edited), "{field}: {error}");
    }
    // A whole verifier of another session, with its key id: the token at hand is then the wrong one.
    let error = edited(|file| {
        file["verifier"] = other["verifier"].clone();
        file["encCredentials"]["kid"] = other["encCredentials"]["kid"].clone();
    });
    assert!(matches!(error, SessionError::WrongToken), "{error}");
}

#[test]
fn foreign_files_are_recognised() {
    let originals = [
        json!({"version": "2", "verifier": {"salt": "c2FsdA", "localHash": "aGFzaA"},
               "encCredentials": {"kid": "localauthv2", "enc": "A256GCM", "cty": "b5+jwk+json", "iv": "aXY", "data": "ZGF0YQ"},
               "deviceUuid": "abc", "domain": "scim.example.com"}),
        json!({"version": 2}),
        json!({"verifier": {}, "encCredentials": {"cty": "b5+jwk+json"}}),
        json!({"version": "3", "uniqueKey": {"alg": "A256GCM"}}),
    ];
    for original in originals {
        let error = open(original.to_string().as_bytes()).unwrap_err();
        assert!(matches!(error, SessionError::Original), "{error}");
        let advice = error.to_string();
        assert!(
            advice.contains("op-scim-bridge session new") && advice.contains("identity provider"),
            "{advice}"
        );
    }
    let error = edited(|file| file["version"] = json!("opb2"));
    assert_eq!(
        error.to_string(),
        "the session file has version `opb2`, which this bridge cannot read: it reads `opb1`"
    );
}

#[test]
fn what_is_no_session_file_is_refused() {
    let long = vec![b' '; usize::try_from(SESSION_FILE_MAX).unwrap() + 1];
    let deep = "[".repeat(60_000);
    for text in [b"[]".as_slice(), b"null", b"\"opb1\"", b"hello", b"\xff\xfe", b"{}", &long, deep.as_bytes()]
    {
        assert_reads_well(&open(text).unwrap_err());
    }
    let twice = SESSION.0.replacen('{', "{\"domain\":\"a\",", 1);
    assert!(matches!(open(twice.as_bytes()), Err(SessionError::Unexpected { .. })));
    assert!(matches!(edited(|file| file["more"] = json!(1)), SessionError::Unexpected { .. }));
}

#[test]
fn a_variable_holds_a_path_or_any_base64() {
    let (json, token) = &*SESSION;
    let reads = |text: &str| SessionFile::from_env_text(text).is_ok_and(|file| file.verifies(token));
    for engine in [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD] {
        let text = engine.encode(json);
        assert!(reads(&text));
        let lines: Vec<&str> =
            text.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
        assert!(reads(&format!(" {}\r\n", lines.join("\n"))), "white space anywhere");
    }
    // Both alphabets matter: bytes that encode to `+` or `/`, here in a comment-like domain.
    let (other, other_token) =
        SessionFile::create("÷?>", &ManualClock::new(Default::default()), &SystemRandom).unwrap();
    let other = other.to_json().unwrap();
    for engine in [STANDARD, URL_SAFE] {
        assert!(SessionFile::from_env_text(&engine.encode(&other)).unwrap().verifies(&other_token));
    }

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scim session");
    fs::write(&path, json).unwrap();
    assert!(reads(path.to_str().unwrap()));
    assert!(reads(&format!("{}\n", path.display())));

    let refused = |text: &str| SessionFile::from_env_text(text).unwrap_err();
    assert!(matches!(refused("/nowhere/scimsession"), SessionError::NotFound(_)));
    assert!(matches!(refused(json), SessionError::BareJson));
    assert!(matches!(refused(folder.path().to_str().unwrap()), SessionError::Unreadable { .. }));
    assert!(matches!(refused(&"!".repeat(100)), SessionError::NeitherPathNorBase64));
    assert!(matches!(refused(&STANDARD.encode(br#"{"version":"2"}"#)), SessionError::Original));
    let text = STANDARD.encode(json);
    for len in 4..text.trim_end_matches('=').len() - 4 {
        let error = refused(&text[..len]);
        assert!(
            matches!(error, SessionError::Truncated | SessionError::NeitherPathNorBase64),
            "{len}: {error}"
        );
    }
}

#[test]
fn files_are_private_and_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let (path, token_path) = (folder.path().join("scimsession"), folder.path().join("token"));
    let (file, token) =
        SessionFile::create("", &ManualClock::new(Default::default()), &SystemRandom).unwrap();
    file.write(&path, Overwrite::Refuse).unwrap();
    token.write(&token_path, Overwrite::Refuse).unwrap();
    for path in [&path, &token_path] {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert!(matches!(file.write(&path, Overwrite::Refuse), Err(WriteError::Exists(_))));
    assert!(matches!(token.write(&token_path, Overwrite::Refuse), Err(WriteError::Exists(_))));
    assert!(
        SessionFile::from_path(&path)
            .unwrap()
            .verifies(&fs::read_to_string(&token_path).unwrap().parse().unwrap())
    );

    let (newer, newer_token) =
        SessionFile::create("", &ManualClock::new(Default::default()), &SystemRandom).unwrap();
    newer.write(&path, Overwrite::Replace).unwrap();
    assert!(SessionFile::from_path(&path).unwrap().verifies(&newer_token));
}

/// Every position, each with several other bytes: whatever changes the meaning of the file is refused.
#[test]
fn every_edit_of_one_byte_is_refused() {
    let json = SESSION.0.as_bytes();
    let meaning: Value = serde_json::from_slice(json).unwrap();
    for at in 0..json.len() {
        for byte in [b'A', b'B', b'0', b' ', b'"', b'}', b',', 0, 0xff, json[at] ^ 1, json[at] ^ 0x20] {
            let mut edited = json.to_vec();
            edited[at] = byte;
            if serde_json::from_slice::<Value>(&edited).is_ok_and(|value| value == meaning) {
                continue;
            }
            let error = open(&edited).expect_err("the edit is noticed");
            assert_reads_well(&error);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_edits_are_refused(edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let json = SESSION.0.as_bytes();
        let mut edited = json.to_vec();
        for (at, byte) in edits {
            *at.get_mut(&mut edited) = byte;
        }
        let meaning: Value = serde_json::from_slice(json).unwrap();
        if serde_json::from_slice::<Value>(&edited).is_ok_and(|value| value == meaning) {
            return Ok(());
        }
        assert_reads_well(&open(&edited).expect_err("the edit is noticed"));
    }

    #[test]
    fn nothing_that_is_read_as_a_session_panics(text in "\\PC{0,200}", bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = SessionFile::from_env_text(&text);
        let _ = SessionFile::from_env_text(&STANDARD.encode(&bytes));
        let _ = SessionFile::parse(&bytes);
        let _ = text.parse::<Token>();
    }
}

/// The two secrets mixed up: the error must not say the one that is meant for nobody but the identity provider.
#[test]
fn a_token_in_place_of_a_session_is_not_repeated() {
    let token = SESSION.1.expose();
    let token = token.as_str();
    for value in [token.to_owned(), format!("\"{token}\""), format!("Bearer {token}"), format!(" {token}\n")]
    {
        let error = SessionFile::from_env_text(&value).unwrap_err();
        assert!(error.to_string().starts_with("there is a bearer token where"), "{error}");
        assert!(!format!("{error} {error:?}").contains(token));
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("{token}\n")).unwrap();
    let error = SessionFile::from_path(file.path()).unwrap_err();
    assert!(error.to_string().starts_with("there is a bearer token where"), "{error}");
}
