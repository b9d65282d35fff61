//! The binaries as an administrator meets them: sessions, starting, stopping, health, logs, secrets.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use common::http::Client;
use common::poll;
use common::server::{
    BRIDGE, DIRECTORY, Kind, PATIENCE, Process, Server, bare, bridge_command, new_session, run, text,
};
use regex::Regex;
use rustix::process::Signal;
use serde_json::{Value, json};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

#[test]
fn a_new_session_is_two_private_files_that_do_not_hold_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let output = run(bridge_command(dir.path())
        .args(["session", "new", "--session"])
        .arg(dir.path().join("scimsession"))
        .arg("--token-file")
        .arg(dir.path().join("token")));
    assert!(output.status.success(), "{}", text(&output));
    for file in ["scimsession", "token"] {
        let mode = fs::metadata(dir.path().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    let token = fs::read_to_string(dir.path().join("token")).unwrap().trim().to_owned();
    assert!(
        token.len() >= 32 && !token.contains(char::is_whitespace),
        "a token of {} characters",
        token.len()
    );
    assert!(!text(&output).contains(&token), "the token is printed");
    let session = fs::read_to_string(dir.path().join("scimsession")).unwrap();
    assert!(!session.contains(&token), "the session holds the token");
    let session: Value = serde_json::from_str(&session).unwrap();
    for key in ["version", "verifier", "encCredentials", "deviceUuid", "domain"] {
        assert!(session.get(key).is_some(), "no {key}: {session}");
    }
    let other = tempfile::tempdir().unwrap();
    assert_ne!(new_session(other.path()), token);
}

#[test]
fn a_session_that_cannot_be_made_says_why_and_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "").unwrap();
    for (session, token, pattern) in [
        ("same/file", "same/../same/file", "are the same file, `same/file`(?s:.)*hint: .*--token-file"),
        (
            "file/in/scimsession",
            "token",
            "the folder `file/in` cannot be made: .+(?s:.)*hint: .*a file stands",
        ),
        ("scimsession", "file", "`file` exists already(?s:.)*hint: "),
    ] {
        let output = run(bridge_command(dir.path()).args([
            "session",
            "new",
            "--session",
            session,
            "--token-file",
            token,
        ]));
        assert!(!output.status.success(), "{session} {token}");
        assert!(matches(&text(&output), pattern), "{session} {token}: {}", text(&output));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "{session} {token}");
    }
}

#[test]
fn a_session_can_be_shown_without_its_secrets() {
    let dir = tempfile::tempdir().unwrap();
    let token = new_session(dir.path());
    let session: Value = serde_json::from_slice(&fs::read(dir.path().join("scimsession")).unwrap()).unwrap();
    let output = run(bridge_command(dir.path()).args(["session", "show"]));
    assert!(output.status.success(), "{}", text(&output));
    let shown = text(&output);
    assert!(shown.contains(session["deviceUuid"].as_str().unwrap()), "{shown}");
    assert!(!shown.contains(&token));
    assert!(!shown.contains(longest(&session["encCredentials"]).as_str()));
}

/// Session file, what the refusal must say.
#[test]
fn serve_refuses_what_is_no_session_of_its_own() {
    let original = json!({
        "version": "2",
        "verifier": {"salt": "c3ludGhldGljLXNhbHQ", "localHash": "c3ludGhldGljLWhhc2g"},
        "encCredentials": {"kid": "localauthv2keykid", "enc": "A256GCM", "cty": "b5+jwk+json", "iv": "c3ludGg", "data": "c3ludGhldGlj"},
        "deviceUuid": "synthetic0device0uuid00000",
        "domain": "",
    });
    let good = tempfile::tempdir().unwrap();
    new_session(good.path());
    let good = fs::read_to_string(good.path().join("scimsession")).unwrap();
    let (head, _) = good.split_at(good.len() / 2);
    let rows = [
        ("missing", None, "session new"),
        ("empty", Some(String::new()), "session"),
        ("truncated", Some(head.to_owned()), "truncat|incomplete|cut|damaged|not complete|ends"),
        ("no JSON", Some("hello".to_owned()), "session"),
        ("of the original product", Some(original.to_string()), "session new"),
    ];
    let mut said = Vec::new();
    for (what, content, pattern) in rows {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("scimsession");
        if let Some(content) = content {
            fs::write(&file, content).unwrap();
        }
        let output = run(bridge_command(dir.path()).arg("serve"));
        assert!(!output.status.success(), "{what}: serves all the same");
        let printed = text(&output).replace(&file.display().to_string(), "FILE");
        assert!(matches(&printed, pattern), "{what}: {printed}");
        assert!(printed.contains("FILE"), "{what}: which file? {printed}");
        assert!(!matches(&printed, "panicked|RUST_BACKTRACE"), "{what}: {printed}");
        said.push((what, printed));
    }
    let said_of = |what: &str| &said.iter().find(|(name, _)| *name == what).unwrap().1;
    assert_ne!(said_of("missing"), said_of("truncated"));
    assert_ne!(said_of("truncated"), said_of("of the original product"));
}

#[test]
fn an_edited_session_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let token = new_session(dir.path());
    let file = dir.path().join("scimsession");
    let text = fs::read_to_string(&file).unwrap();
    let session: Value = serde_json::from_str(&text).unwrap();
    let sealed = longest(&session["encCredentials"]);
    let middle = sealed.len() / 2;
    let other = |c: char| if c == 'A' { 'B' } else { 'A' };
    let edited: String =
        sealed.chars().enumerate().map(|(n, c)| if n == middle { other(c) } else { c }).collect();
    fs::write(&file, text.replace(&sealed, &edited)).unwrap();

    let pattern = "damaged|edited|changed|altered|tamper|corrupt|modified|intact";
    let mut process = Process::spawn(bridge_command(dir.path()).arg("serve"));
    let address = Regex::new(r"127\.0\.0\.1:[1-9]").unwrap();
    let complaint = Regex::new(&format!("(?i){pattern}")).unwrap();
    let serves = process.wait_for("its address or a complaint", |line| {
        if complaint.is_match(line) { Some(false) } else { address.is_match(line).then_some(true) }
    });
    if serves {
        // What is sealed can only be looked at once there is a token.
        let answer = Client::new(&process.origin(), "/scim", Some(&token)).get("/Users");
        assert!(answer.status >= 400, "{}", answer.text());
        if !complaint.is_match(&answer.text()) {
            process.wait_for("a complaint", |line| complaint.is_match(line).then_some(()));
        }
        assert!(process.log().contains(&file.display().to_string()), "which file? {}", process.log());
    } else {
        assert!(!process.wait().success());
    }
}

#[test]
fn a_damaged_database_is_not_said_to_be_unwritable() {
    let server = Server::start(Kind::Bridge);
    let data = server.data_dir();
    let restore = |name: &str| {
        for file in [name.to_owned(), format!("{name}-wal"), format!("{name}-shm")] {
            let _ = fs::remove_file(data.join(file));
        }
    };
    let dir = server.dir().to_owned();
    let mut server = server;
    assert!(server.terminate().success());
    for (name, pattern, hint) in [
        (
            "account.sqlite3",
            "account.sqlite3` cannot be opened",
            "hint: the file is damaged, or no database: restore",
        ),
        (
            "scim.sqlite3",
            "scim.sqlite3` is not a SQLite database",
            "hint: restore it from the backup; or move it away",
        ),
    ] {
        let before = fs::read(data.join(name)).unwrap();
        restore(name);
        fs::write(data.join(name), "garbage ".repeat(1000)).unwrap();
        let printed = text(&run(bridge_command(&dir).arg("serve")));
        assert!(matches(&printed, pattern) && printed.contains(hint), "{name}: {printed}");
        assert!(!printed.contains("writable"), "{name}: {printed}");
        if name.starts_with("account") {
            let printed = text(&run(bridge_command(&dir).args(["account", "people"])));
            assert!(printed.contains(hint), "{printed}");
        }
        restore(name);
        fs::write(data.join(name), before).unwrap();
    }
}

#[test]
fn a_token_of_another_session_is_refused() {
    let server = Server::start(Kind::Bridge);
    let other = tempfile::tempdir().unwrap();
    let token = new_session(other.path());
    let client = Client::new(server.client().origin(), "/scim", Some(&token));
    let error = client.get("/Users").expect(401);
    assert!(matches(error["detail"].as_str().unwrap(), "token"), "{error}");
    assert_eq!(server.client().get("/Users").status, 200, "and the right one still works");
}

/// A mounted file, or its text in the variable, in both alphabets (as secrets stores keep it).
#[test]
fn the_session_may_be_in_the_variable_itself() {
    let dir = tempfile::tempdir().unwrap();
    let token = new_session(dir.path());
    let session = fs::read(dir.path().join("scimsession")).unwrap();
    let mut wrapped = STANDARD.encode(&session);
    wrapped.insert(40, '\n');
    for value in [STANDARD.encode(&session), URL_SAFE_NO_PAD.encode(&session), wrapped] {
        let process = Process::spawn(bridge_command(dir.path()).arg("serve").env("OP_SESSION", &value));
        let client = Client::new(&process.origin(), "/scim", Some(&token));
        assert_eq!(client.get("/Users").status, 200, "{value}");
    }
}

#[test]
fn every_variable_is_a_flag_and_is_explained() {
    let dir = tempfile::tempdir().unwrap();
    let token = new_session(dir.path());
    let help = text(&run(bare(BRIDGE).args(["serve", "--help"])));
    for variable in [
        "OP_SESSION",
        "OP_PORT",
        "OP_CONFIRMATION_INTERVAL",
        "OP_BRIDGE_DATA_DIR",
        "OP_BRIDGE_LISTEN",
        "OP_JSON_LOGS",
        "OP_PRETTY_LOGS",
        "OP_DEBUG",
    ] {
        assert!(help.contains(variable), "{variable} is not in the help:\n{help}");
    }
    let mut command = bare(BRIDGE);
    command.current_dir(dir.path()).arg("serve").arg("--session").arg(dir.path().join("scimsession"));
    command.args(["--port", "0", "--data-dir"]).arg(dir.path().join("elsewhere"));
    let process = Process::spawn(command.env("OP_BRIDGE_LISTEN", "127.0.0.1"));
    assert_eq!(Client::new(&process.origin(), "", Some(&token)).get("/Users").status, 200);
    assert!(dir.path().join("elsewhere").is_dir());
}

#[test]
fn a_bad_setting_is_named() {
    let rows = [
        ("OP_CONFIRMATION_INTERVAL", "10", r"\b30\b"),
        ("OP_CONFIRMATION_INTERVAL", "soon", "soon"),
        ("OP_CONFIRMATION_INTERVAL", "4294967296", "at most 86400"),
        ("OP_PORT", "70000", "70000"),
        ("OP_BRIDGE_LISTEN", "nowhere", "nowhere"),
    ];
    for (variable, value, pattern) in rows {
        let dir = tempfile::tempdir().unwrap();
        new_session(dir.path());
        let output = run(bridge_command(dir.path()).arg("serve").env(variable, value));
        assert!(!output.status.success(), "{variable}={value}");
        let printed = text(&output);
        assert!(matches(&printed, pattern), "{variable}={value}: {printed}");
        assert!(
            matches(&printed, &format!("{variable}|{}", flag(variable))),
            "{variable}={value}: {printed}"
        );
    }
}

#[test]
fn the_directory_says_what_it_lacks() {
    let dir = tempfile::tempdir().unwrap();
    let rows: [(&[&str], &str); 5] = [
        (&["--listen", "127.0.0.1:0", "--store", "memory"], "token"),
        (&["--listen", "nowhere", "--token", "long-enough-for-a-token", "--store", "memory"], "nowhere"),
        (&["--listen", "127.0.0.1:0", "--token", "long-enough-for-a-token", "--store", "oracle"], "oracle"),
        (&["--listen", "127.0.0.1:0", "--token-file", "no-such-file", "--store", "memory"], "no-such-file"),
        (&["--colour"], "colour"),
    ];
    for (arguments, pattern) in rows {
        let output: Output = run(bare(DIRECTORY).current_dir(dir.path()).args(arguments));
        assert!(!output.status.success(), "{arguments:?}");
        assert!(matches(&text(&output), pattern), "{arguments:?}: {}", text(&output));
    }
    let help = text(&run(bare(DIRECTORY).arg("--help")));
    for flag in ["--listen", "--token-file", "--store", "--strict"] {
        assert!(help.contains(flag), "{help}");
    }
}

/// Neither by the log, nor by errors, nor among the arguments that everybody on the machine sees.
#[test]
fn the_password_of_the_database_is_never_shown() {
    let token = ["--listen", "127.0.0.1:0", "--token", "long-enough-for-a-token"];
    // Nobody listens on port 1.
    let away = "postgres://scim:hush%21hush@127.0.0.1:1/scim";
    for variable in [true, false] {
        let mut command = bare(DIRECTORY);
        command.args(token);
        match variable {
            true => command.env("SCIM_DIRECTORY_STORE", away),
            false => command.args(["--strict", "--store", away]),
        };
        let process = Process::spawn(&mut command);
        let client = Client::new(&process.origin(), "/scim/v2", Some("long-enough-for-a-token"));
        let answer = client.get("/Users");
        assert_eq!(answer.status, 503, "{}", answer.text());
        assert!(answer.header("retry-after").is_some(), "{answer:?}");
        let shown = format!("{answer:?}{}{}", answer.text(), process.log());
        assert!(matches(&shown, "database cannot be used yet"), "{shown}");
        assert!(!shown.contains("hush"), "{shown}");
        if let Ok(arguments) = fs::read(format!("/proc/{}/cmdline", process.id())) {
            assert!(contains(&arguments, b"long-enough"), "{}", String::from_utf8_lossy(&arguments));
            assert!(!contains(&arguments, b"hush"), "{}", String::from_utf8_lossy(&arguments));
        }
    }
    for url in [
        "postgres://u:hush@h:port/db",
        "postgres:hush",
        "pg://u:hush@h/db",
        "postgres://u:hush@h/db?sslmode=x",
    ] {
        let output = run(bare(DIRECTORY).args(token).args(["--store", url]));
        assert!(!output.status.success() && !text(&output).contains("hush"), "{}", text(&output));
        assert!(matches(&text(&output), "error: .*(postgres://|sslmode)"), "{}", text(&output));
    }
    let help = text(&run(bare(DIRECTORY).arg("--help").env("SCIM_DIRECTORY_STORE", away)));
    assert!(help.contains("SCIM_DIRECTORY_STORE") && !help.contains("hush"), "{help}");
}

#[test]
fn dev_makes_everything_and_says_where_to_look() {
    let dir = tempfile::tempdir().unwrap();
    let start =
        |arguments: &[&str]| Process::spawn(bare(BRIDGE).current_dir(dir.path()).arg("dev").args(arguments));
    let process = start(&["--port", "0"]);
    let (client, token) = follow_curl_line(&process);
    let body = json!({"schemas": [USER], "userName": "wanda@example.com", "active": true});
    let wanda = client.post("/scim/v2/Users", &body).expect(201)["id"].clone();
    let folder = dir.path().join("op-scim-bridge-dev");
    assert!(folder.is_dir());
    assert!(matches(&process.log(), "account people"), "where to look: {}", process.log());
    assert!(matches(&process.log(), "user name .*@example.com"), "plain user names: {}", process.log());
    let plain = json!({"schemas": [USER], "userName": "tomas"});
    client.post("/scim/v2/Users", &plain).expect(201);
    for entry in files(&folder) {
        let mode = fs::metadata(&entry).unwrap().permissions().mode();
        let secret = fs::read(&entry).is_ok_and(|bytes| contains(&bytes, token.as_bytes()));
        assert!(
            !secret || mode & 0o077 == 0,
            "{} holds the token and is readable for others",
            entry.display()
        );
    }
    drop(process);

    // The second time it finds what it made, and the token that was given to the identity provider still works.
    let process = start(&["--port", "0"]);
    let (client, again) = follow_curl_line(&process);
    assert_eq!(again, token);
    assert_eq!(client.get(&format!("/scim/Users/{}", wanda.as_str().unwrap())).status, 200);
    drop(process);

    let elsewhere = dir.path().join("elsewhere");
    let process = start(&["--port", "0", "--dir", elsewhere.to_str().unwrap()]);
    let (client, other) = follow_curl_line(&process);
    assert_ne!(other, token);
    assert_eq!(client.get("/scim/Users?count=0").expect(200)["totalResults"], 0);
    assert!(elsewhere.is_dir());
}

#[test]
fn ping_is_open_and_health_is_in_the_originals_shape() {
    let server = Server::start(Kind::Bridge);
    let client = server.client_at("");
    assert_eq!(client.anonymous().get("/ping").status, 200);
    assert_eq!(client.anonymous().get("/health").status, 401);
    assert_eq!(client.get("/Users?count=0").status, 200);
    // Components report when they begin to work; right after the session is unlocked, some have yet to.
    let health = poll("a report of the confirmation watcher", PATIENCE, || {
        let health = client.get("/health").expect(200);
        let found =
            health["reports"].as_array().unwrap().iter().any(|r| r["source"] == "ConfirmationWatcher");
        if found { Ok(health) } else { Err(health.to_string()) }
    });
    for key in ["build", "version", "retrievedAt"] {
        assert!(health[key].is_string(), "{key}: {health}");
    }
    let reports = health["reports"].as_array().unwrap();
    let sources: Vec<&str> = reports.iter().map(|report| report["source"].as_str().unwrap()).collect();
    assert!(sources.is_sorted(), "{sources:?}");
    for source in ["ConfirmationWatcher", "SCIMServer"] {
        assert!(sources.contains(&source), "{sources:?}");
    }
    for report in reports {
        assert_eq!(report["state"], "healthy", "{report}");
        let (time, expires) = (report["time"].as_str().unwrap(), report["expires"].as_str().unwrap());
        assert!(time.ends_with('Z') && expires.ends_with('Z') && time < expires, "{report}");
    }
}

/// A request that the server is in the middle of is answered, and kept, when it is asked to stop.
#[test]
fn a_stop_finishes_what_was_begun() {
    for kind in [Kind::Bridge, Kind::DirectorySqlite] {
        for signal in signals(kind) {
            let mut server = Server::start(kind);
            let client = server.client();
            let idle = client.connect().unwrap();
            let body = json!({"schemas": [USER], "userName": "last@example.com", "active": true}).to_string();
            let lines = format!(
                "Content-Type: application/scim+json\r\nContent-Length: {}\r\nExpect: 100-continue\r\n",
                body.len()
            );
            let mut stream = client.connect().unwrap();
            stream.write_all(&client.head("POST", b"/Users", lines.as_bytes())).unwrap();
            // The server asks for the body once it works on the request.
            assert!(read_until(&mut stream, "\r\n\r\n").starts_with("HTTP/1.1 100"));
            server.signal(signal);
            poll("the end of listening", PATIENCE, || match client.connect() {
                Ok(_) => Err("still listening".to_owned()),
                Err(_) => Ok(()),
            });
            stream.write_all(body.as_bytes()).unwrap();
            let head = read_until(&mut stream, "\r\n\r\n");
            assert!(head.starts_with("HTTP/1.1 201"), "{kind:?}: {head}");
            let status = server.wait();
            assert_eq!(status.code(), Some(0), "{kind:?}: {}", server.log());
            if kind == Kind::Bridge {
                let log = server.log();
                let says = |word: &str| log.lines().filter(|line| line.contains(word)).count();
                assert_eq!((says("stopping: no new connections"), says("stopped")), (1, 1), "{log}");
                assert!(log.lines().last().unwrap().contains("stopped"), "{log}");
            }
            drop(idle);
            let server = server.restart();
            assert_eq!(server.client().all("/Users").len(), 1, "{kind:?}");
        }
    }
}

/// A second bridge would undo what the first does; commands of the administrator go on beside it.
#[test]
fn a_data_folder_has_one_bridge_even_after_kill_9() {
    let mut server = Server::start(Kind::Bridge);
    let folder = server.data_dir().display().to_string();
    let output = run(bridge_command(server.dir()).arg("serve"));
    assert!(!output.status.success(), "{}", text(&output));
    assert!(text(&output).contains("another bridge is running on the data folder"), "{}", text(&output));
    assert!(text(&output).contains(&folder) && text(&output).contains("hint: "), "{}", text(&output));

    let body = json!({"schemas": [USER], "userName": "wanda@example.com"});
    server.client().post("/Users", &body).expect(201);
    for arguments in [&["people"][..], &["groups"], &["accept", "wanda@example.com"]] {
        let output = run(bridge_command(server.dir()).arg("account").args(arguments));
        assert!(output.status.success(), "{arguments:?}: {}", text(&output));
    }
    server.kill_9();
    let server = server.restart();
    assert_eq!(server.client().all("/Users").len(), 1);
}

#[test]
fn debug_and_trace_say_more() {
    let words = ["request received", "account change", "account database read"];
    for (variable, says) in
        [(None, [false; 3]), (Some("OP_DEBUG"), [true, true, false]), (Some("OP_TRACE"), [true; 3])]
    {
        let variables: Vec<_> = variable.map(|name| (name, "1")).into_iter().collect();
        let mut server = Server::start_with(Kind::Bridge, &variables);
        let body = json!({"schemas": [USER], "userName": "wanda@example.com"});
        server.client().post("/Users", &body).expect(201);
        assert!(server.terminate().success());
        let log = server.log();
        assert_eq!(words.map(|word| log.contains(word)), says, "{variable:?}: {log}");
        assert!(!log.contains("wanda"), "{variable:?}: {log}");
    }
}

#[test]
fn logs_are_json_when_asked_for_and_never_hold_secrets() {
    let loud = [("OP_JSON_LOGS", "1"), ("OP_TRACE", "1"), ("OP_DEBUG", "1")];
    let mut server = Server::start_with(Kind::Bridge, &loud);
    let client = server.client();
    let wrong = "d3JvbmctdG9rZW4tdGhhdC1ub2JvZHktbWF5LXNlZQ";
    let body =
        json!({"schemas": [USER], "userName": "wanda@example.com", "password": "pLac3holder-never-logged"});
    let id = client.post("/Users", &body).expect(201)["id"].as_str().unwrap().to_owned();
    let change = json!([{"op": "replace", "value": {"password": "N3w-pw-never-logged"}}]);
    let status = client.patch(&format!("/Users/{id}"), &change).status;
    assert!(matches!(status, 200 | 204), "{status}");
    client.get("/Users?filter=userName%20eq%20%22looked.up%40example.com%22").expect(200);
    Client::new(client.origin(), "/scim", Some(wrong)).get("/Users").expect(401);
    client.post("/Users", &json!("never-logged")).expect(400);
    assert!(server.terminate().success());
    let log = server.log();
    let secrets = [server.token(), wrong, "never-logged", "looked.up"];
    for secret in secrets {
        assert!(!log.contains(secret), "the log holds {secret}");
    }
    assert!(!log.trim().is_empty());
    for line in log.lines().filter(|line| !line.is_empty()) {
        let entry: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        for key in ["time", "level", "message"] {
            assert!(entry[key].is_string(), "no {key}: {line}");
        }
    }
}

#[test]
fn the_log_names_the_routes_beside_scim() {
    let mut server = Server::start_with(Kind::Bridge, &[("OP_JSON_LOGS", "1")]);
    let client = server.client_at("");
    for path in ["/health", "/ping", "/app", "/app/"] {
        assert_eq!(client.get(path).status, 200, "{path}");
    }
    assert!(server.terminate().success());
    let lines: Vec<Value> = server.log().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let routes: Vec<_> = lines.iter().filter_map(|line| line["route"].as_str()).collect();
    assert!(routes.ends_with(&["/health", "/ping", "/app", "/app"]), "{routes:?}");
}

/// What keeps a bridge from serving is JSON too: the settings, the session, the port.
#[test]
fn errors_before_serving_are_json_when_logs_are() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for (arguments, variable, value, with_session, pattern, hint) in [
        (&[][..], "OP_CONFIRMATION_INTERVAL", "10", true, "at least 30", false),
        (&["serve"], "OP_PORT", "70000", true, "70000", false),
        (&["serve", "--no-such-flag"], "OP_DEBUG", "0", true, "--no-such-flag", false),
        (&["serve", "--debug", "yes"], "OP_TRACE", "0", true, "'yes'", true),
        (&["--debug", "2"], "OP_TRACE", "0", true, "'2'", true),
        (&["serve"], "OP_DEBUG", "0", false, "there is no session file", true),
        (&["serve"], "OP_TLS_DOMAIN", "scim.example.com", true, "does not serve HTTPS itself", false),
        (&["serve"], "OP_PORT", port.as_str(), true, "cannot listen on", true),
    ] {
        let dir = tempfile::tempdir().unwrap();
        if with_session {
            new_session(dir.path());
        }
        for json in [("OP_JSON_LOGS", "1"), ("OP_JSON_LOGS", "0")] {
            let output = run(bridge_command(dir.path()).args(arguments).envs([json, (variable, value)]));
            let printed = text(&output);
            assert!(
                !output.status.success() && matches(&printed, pattern),
                "{arguments:?} {variable}: {printed}"
            );
            let lines: Vec<Result<Value, _>> = printed.lines().map(serde_json::from_str).collect();
            if json.1 == "0" {
                assert!(lines.iter().all(Result::is_err), "{printed}");
                continue;
            }
            let last = lines.last().unwrap().as_ref().unwrap_or_else(|_| panic!("{printed}"));
            assert!(lines.iter().all(Result::is_ok), "{printed}");
            assert_eq!(last["level"], "error", "{printed}");
            assert!(matches(last["message"].as_str().unwrap(), pattern), "{printed}");
            assert_eq!(last["hint"].is_string(), hint, "{printed}");
        }
    }
    // Whoever types a command reads what it says.
    let dir = tempfile::tempdir().unwrap();
    let output = run(bridge_command(dir.path()).args(["account", "peple"]).env("OP_JSON_LOGS", "1"));
    assert!(text(&output).starts_with("error: "), "{}", text(&output));
}

/// Nobody is told what can be asked without a token but how to ask.
#[test]
fn discovery_says_what_there_is() {
    for kind in [Kind::Bridge, Kind::DirectoryMemory] {
        let server = Server::start(kind);
        let client = server.client();
        let config = client.get("/ServiceProviderConfig").expect(200);
        for (feature, supported) in [
            ("patch", true),
            ("bulk", true),
            ("filter", true),
            ("changePassword", false),
            ("etag", true),
            ("sort", true),
        ] {
            assert_eq!(config[feature]["supported"], json!(supported), "{kind:?}: {feature}");
        }
        assert_eq!(config["authenticationSchemes"][0]["type"], "oauthbearertoken", "{kind:?}");
        let types = client.get("/ResourceTypes").expect(200);
        let endpoints: Vec<&str> =
            types["Resources"].as_array().unwrap().iter().map(|t| t["endpoint"].as_str().unwrap()).collect();
        assert_eq!(endpoints, ["/Users", "/Groups"], "{kind:?}");
        let schemas = client.get("/Schemas").expect(200);
        for schema in schemas["Resources"].as_array().unwrap() {
            let one = client.get(&format!("/Schemas/{}", schema["id"].as_str().unwrap())).expect(200);
            assert_eq!(&one, schema, "{kind:?}");
        }
    }
}

/// The address and the token of the curl line that `dev` prints, tried out.
fn follow_curl_line(process: &Process) -> (Client, String) {
    let line = process.wait_for("a curl line", |line| line.contains("curl ").then(|| line.to_owned()));
    let token = Regex::new(r"Bearer ([^\s'\x22]+)").unwrap().captures(&line).map(|found| found[1].to_owned());
    let token = token.unwrap_or_else(|| panic!("no token in {line}"));
    let url = Regex::new(r"http://127\.0\.0\.1:[0-9]+[^\s'\x22]*")
        .unwrap()
        .find(&line)
        .map(|found| found.as_str().to_owned());
    let url = url.unwrap_or_else(|| panic!("no address in {line}"));
    let client = Client::new(&process.origin(), "", Some(&token));
    let path = url.strip_prefix(client.origin()).unwrap();
    assert_eq!(client.get(path).status, 200, "{line}");
    (client, token)
}

fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut read = String::new();
    let mut byte = [0];
    while !read.ends_with(end) && stream.read(&mut byte).is_ok_and(|n| n == 1) {
        read.push(char::from(byte[0]));
    }
    read
}

fn matches(text: &str, pattern: &str) -> bool {
    Regex::new(&format!("(?i){pattern}")).unwrap().is_match(text)
}

/// `--confirmation-interval` of `OP_CONFIRMATION_INTERVAL`.
fn flag(variable: &str) -> String {
    let name = variable.trim_start_matches("OP_");
    format!("--{}", name.to_lowercase().replace('_', "-"))
}

/// The longest text anywhere in a value.
fn longest(value: &Value) -> String {
    let parts: Vec<String> = match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().map(longest).collect(),
        Value::Object(object) => object.values().map(longest).collect(),
        _ => Vec::new(),
    };
    parts.into_iter().max_by_key(String::len).unwrap_or_default()
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// What ends a server in order; the terminal of a bridge may close as well.
fn signals(kind: Kind) -> Vec<Signal> {
    let hang_up = (kind.is_bridge() && !is_hang_up_ignored()).then_some(Signal::HUP);
    [Signal::TERM, Signal::INT].into_iter().chain(hang_up).collect()
}

/// As under `nohup`, whose children inherit it.
fn is_hang_up_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    u64::from_str_radix(ignored.trim(), 16).unwrap() & 1 == 1
}

/// A reader that has gone, and a disk that is full.
#[test]
fn output_that_cannot_be_written_is_no_panic() {
    let server = Server::start(Kind::Bridge);
    let data = server.data_dir();
    let print = |out: std::process::Stdio| {
        let mut command = bare(BRIDGE);
        command.args(["account", "people", "--data-dir"]).arg(&data);
        let child = command.stdout(out).stderr(std::process::Stdio::piped()).spawn().unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(!matches(&text(&output), "panicked|RUST_BACKTRACE"), "{}", text(&output));
        output
    };
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let gone = print(writer.into());
    assert!(gone.status.success(), "{}", text(&gone));
    assert_eq!(text(&gone), "");
    let full = print(fs::File::options().write(true).open("/dev/full").unwrap().into());
    assert!(!full.status.success());
    assert!(text(&full).contains("error: the output cannot be written"), "{}", text(&full));
}

#[test]
fn what_everybody_may_read_and_groups_that_are_not_there_are_warned_of() {
    let dir = tempfile::tempdir().unwrap();
    new_session(dir.path());
    let session = dir.path().join("scimsession");
    let data = dir.path().join("data");
    let start = || {
        let mut process = Process::spawn(
            bridge_command(dir.path()).arg("serve").env("OP_BRIDGE_MANAGED_GROUPS", " owners, Finanse"),
        );
        let client = Client::new(&process.origin(), "", None);
        assert_eq!(client.get("/ping").status, 200);
        process.signal(Signal::TERM);
        assert!(process.wait().success());
        process.log()
    };
    let log = start();
    assert!(!matches(&log, "every user"), "{log}");
    assert!(matches(&log, "does not have, `Finanse`") && !matches(&log, "does not have, `owners"), "{log}");
    fs::set_permissions(&session, fs::Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).unwrap();
    let log = start();
    assert!(matches(&log, "session file can be read by every user"), "{log}");
    assert!(matches(&log, "data folder is open to every user"), "{log}");
}

#[test]
fn a_folder_is_no_session_and_dev_takes_the_usual_settings() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("s")).unwrap();
    for command in [&["serve"][..], &["session", "show"]] {
        let output = run(bridge_command(dir.path()).args(command).env("OP_SESSION", "s"));
        assert!(!output.status.success());
        assert!(matches(&text(&output), "`s` cannot be read(?s:.)*hint: .*is a folder"), "{}", text(&output));
    }
    let process = Process::spawn(
        bare(BRIDGE).current_dir(dir.path()).arg("dev").env("OP_PORT", "0").env("OP_JSON_LOGS", "1"),
    );
    process.origin();
    let line = process.log().lines().find(|line| line.starts_with('{')).map(str::to_owned);
    if let Some(line) = line {
        serde_json::from_str::<Value>(&line).unwrap();
    }
    drop(process);
    fs::write(dir.path().join("op-scim-bridge-dev/scimsession"), "{").unwrap();
    let broken = run(bare(BRIDGE).current_dir(dir.path()).arg("dev"));
    assert!(text(&broken).contains("op-scim-bridge-dev/scimsession"), "{}", text(&broken));
}
