//! Settings as an administrator gives them: through the environment, by flags, and as `--help` explains them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

use std::process::Command;

use clap::{CommandFactory as _, Parser};
use op_bridge::clock::SystemClock;
use op_bridge::config::{Config, DeletedUsers};
use op_bridge::credentials::{Overwrite, SessionError, SessionFile};
use op_bridge::logging::{Format, Level};
use op_bridge::random::SystemRandom;

/// Serves people from a directory.
#[derive(Debug, Parser)]
#[command(name = "bridge")]
struct Bridge {
    #[command(flatten)]
    config: Config,
}

fn flags(flags: &[&str]) -> Config {
    Bridge::try_parse_from([&["bridge"], flags].concat()).unwrap().config
}

/// Environment variables belong to a process, so the settings are read in one of their own: this test
/// again, told by a variable to print what it reads.
fn with_variables(variables: &[(&str, &str)]) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "reads_and_prints", "--nocapture"])
        .env_clear()
        .env("TEST_READS_AND_PRINTS", "1")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    printed.split("-----").nth(1).unwrap_or_else(|| panic!("{printed}")).to_owned()
}

#[test]
fn reads_and_prints() {
    if std::env::var_os("TEST_READS_AND_PRINTS").is_none() {
        return;
    }
    match Bridge::try_parse_from(["bridge"]) {
        Ok(Bridge { config }) => {
            println!("-----{}\n{:?}\n{config:?}", config.address(), config.interval());
            match config.check_unsupported() {
                Ok(warnings) => warnings.iter().for_each(|warning| println!("warning: {warning}")),
                Err(error) => println!("refused: {error}"),
            }
            println!("-----");
        }
        Err(error) => println!("-----{error}-----"),
    }
}

#[test]
fn without_settings_the_originals_defaults_hold() {
    let config = flags(&[]);
    assert_eq!(config.address().to_string(), "0.0.0.0:3002");
    assert_eq!(config.interval().num_seconds(), 300);
    assert_eq!(config.bridge_deleted_users, DeletedUsers::Hidden);
    assert_eq!(config.bridge_managed_groups.iter().count(), 0);
    assert_eq!((config.logging().format, config.logging().level), (Format::Text, Level::Info));
    assert_eq!(config.check_unsupported(), Ok(vec![]));
    assert!(matches!(
        config.session_file(),
        Err(SessionError::NotFound(path)) if path.to_str() == Some("/home/opuser/.op/scimsession")
    ));
}

#[test]
fn variables_are_read_and_empty_ones_count_as_unset() {
    let printed =
        with_variables(&[("OP_PORT", "8080"), ("OP_CONFIRMATION_INTERVAL", "60"), ("OP_DEBUG", "true")]);
    assert!(printed.starts_with("0.0.0.0:8080\n"), "{printed}");
    assert!(printed.contains("debug: true") && printed.contains("trace: false"), "{printed}");
    assert!(printed.contains("confirmation_interval: 60"), "{printed}");

    let names = [
        "OP_SESSION",
        "OP_PORT",
        "OP_CONFIRMATION_INTERVAL",
        "OP_JSON_LOGS",
        "OP_PRETTY_LOGS",
        "OP_DEBUG",
        "OP_TRACE",
        "OP_BRIDGE_DATA_DIR",
        "OP_BRIDGE_DELETED_USERS",
        "OP_BRIDGE_MANAGED_GROUPS",
        "OP_BRIDGE_LISTEN",
        "OP_TLS_DOMAIN",
        "OP_REDIS_URL",
        "OP_PING_SERVER",
    ];
    let empty = with_variables(&names.map(|name| (name, "")));
    let unset = with_variables(&[]);
    assert!(unset.starts_with("0.0.0.0:3002\n"), "{unset}");
    let comparable = |text: &str| text.replace("Some(Secret(empty))", "None");
    assert_eq!(comparable(&empty), unset);
}

#[test]
fn a_flag_wins_and_switches_need_no_value() {
    assert!(flags(&["--json-logs"]).json_logs);
    assert!(!flags(&["--json-logs=0"]).json_logs);
    let logging = flags(&["--json-logs", "--pretty-logs", "--debug", "--trace"]).logging();
    assert_eq!((logging.format, logging.level), (Format::Json, Level::Trace));
    assert_eq!(flags(&["--pretty-logs"]).logging().format, Format::Pretty);
    assert_eq!(flags(&["--data-dir", "/data"]).bridge_data_dir.to_str(), Some("/data"));
    assert_eq!(flags(&["--bridge-listen", "::1", "--port=0"]).address().to_string(), "[::1]:0");
}

#[test]
fn bad_values_are_refused_in_words() {
    let printed = with_variables(&[("OP_CONFIRMATION_INTERVAL", "10")]);
    assert!(printed.contains("it must be at least 30 seconds"), "{printed}");
    assert!(printed.contains("--confirmation-interval"), "{printed}");
}

#[test]
fn unsupported_variables_warn_and_say_what_happens_instead() {
    let printed = with_variables(&[
        ("OP_REDIS_URL", "redis://:hunter2@redis:6379"),
        ("OP_PING_SERVER", "0"),
        ("OP_REDIS_ENABLE_SSL", "false"),
        ("OP_WORKSPACE_SETTINGS", "/secrets/settings.json"),
    ]);
    let warnings: Vec<_> = printed.lines().filter(|line| line.starts_with("warning")).collect();
    assert_eq!(
        warnings,
        [
            "warning: `OP_REDIS_URL` is set, but this version does not support it: the bridge needs no Redis and connects to none",
            "warning: `OP_WORKSPACE_SETTINGS` is set, but this version does not support it: nothing is fetched from Google Workspace; the bridge waits for SCIM requests",
        ]
    );
    assert!(!printed.contains("hunter2"), "a password is never printed");
}

#[test]
fn an_administrator_who_expects_https_does_not_get_plain_http() {
    for variable in ["OP_TLS_DOMAIN", "OP_LETSENCRYPT_DOMAIN", "OP_TLS_CERT_FILE", "OP_TLS_KEY_FILE"] {
        let printed = with_variables(&[(variable, "scim.example.com")]);
        let expected = format!("refused: `{variable}` is set, but this version does not serve HTTPS itself");
        assert!(printed.contains(&expected), "{printed}");
    }
}

#[test]
fn help_explains_every_setting_and_shows_no_secret() {
    let help = Bridge::command().render_long_help().to_string();
    assert!(help.starts_with("Serves people from a directory\n"), "{help}");
    for name in [
        "--session",
        "[env: OP_SESSION]",
        "[default: 3002]",
        "[default: 300]",
        "OP_CONFIRMATION_INTERVAL",
        "OP_BRIDGE_DATA_DIR",
        "[default: /var/lib/op-scim-bridge]",
        "hidden|listed",
        "OP_BRIDGE_MANAGED_GROUPS",
        "OP_TLS_DOMAIN",
        "at least 30",
    ] {
        assert!(help.contains(name), "{name} is missing in:\n{help}");
    }
}

/// What stands in the setting by mistake may be secret.
#[test]
fn the_place_of_the_session_is_never_its_text() {
    let json = r#"{"version":"opb1","domain":"scim.example.com/a","encCredentials":{}}"#;
    for text in [json, "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln", "e30/e30=", "ey.\n/"] {
        assert_eq!(flags(&["--session", text]).session_place(), "OP_SESSION", "{text}");
    }
    for path in ["./scimsession", "/run/secrets/op.d/scimsession"] {
        assert_eq!(flags(&["--session", path]).session_place(), path);
    }
}

#[test]
fn the_session_is_found_by_path_or_base64() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scimsession");
    let (file, token) = SessionFile::create("", &SystemClock, &SystemRandom).unwrap();
    file.write(&path, Overwrite::Refuse).unwrap();

    let config = flags(&["--session", path.to_str().unwrap()]);
    assert!(config.session_file().unwrap().verifies(&token));
    assert!(!format!("{config:?}").contains("scimsession"));

    let missing = flags(&["--session", "/nowhere/scimsession"]).session_file().unwrap_err();
    assert_eq!(
        missing.to_string(),
        "there is no session file at `/nowhere/scimsession`: give the path of the file in `OP_SESSION`, or make one with `op-scim-bridge session new`"
    );
}

#[test]
fn the_url_of_a_database_is_not_shown() {
    let url = "postgres://scim:hush@db.example.com/bridge";
    for flag in ["--database-url", "--bridge-database-url"] {
        let config = flags(&[flag, url]);
        assert_eq!(config.database_url().unwrap().expose(), url);
        assert!(!format!("{config:?}").contains("hush"), "{config:?}");
    }
    let printed = with_variables(&[("OP_BRIDGE_DATABASE_URL", url)]);
    assert!(printed.contains("bridge_database_url: Some(Secret(redacted))"), "{printed}");
    for empty in ["", " "] {
        assert!(flags(&["--database-url", empty]).database_url().is_none());
    }
}
