//! What the bridge answers besides SCIM, and how it starts and does not start.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::fs;
use std::net::TcpListener;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta};
use clap::Parser;
use http::{Method, Request, Response};
use http_body_util::BodyExt as _;
use op_bridge::account::Account;
use op_bridge::app::{Bridge, Front, GateTokens, Options, OwnTokens, WithHealth};
use op_bridge::clock::{ManualClock, SystemClock};
use op_bridge::command::{self, Dev};
use op_bridge::config::Config;
use op_bridge::confirm;
use op_bridge::credentials::{SessionFile, SessionGate};
use op_bridge::health::{Health, Source};
use op_bridge::mapping::{BridgeStore, Settings, registry};
use op_bridge::random::SystemRandom;
use scim_server::layer::auth::AuthLayer;
use scim_server::store::SqliteStore;
use scim_server::{Body, ScimService};
use serde_json::Value;
use support::Setup;
use tower::{ServiceBuilder, ServiceExt as _, service_fn};

async fn inside(_: Request<Body>) -> Result<Response<Body>, std::convert::Infallible> {
    Ok(Response::new(Body::from(b"\"inside\"".to_vec())))
}

async fn ask(
    gate: &Arc<SessionGate>,
    health: &Health,
    method: Method,
    path: &str,
    token: Option<&str>,
) -> Response<Vec<u8>> {
    ask_with(gate, health, method, path, token, &[]).await
}

async fn ask_with(
    gate: &Arc<SessionGate>,
    health: &Health,
    method: Method,
    path: &str,
    token: Option<&str>,
    headers: &[(&str, &str)],
) -> Response<Vec<u8>> {
    let service = ServiceBuilder::new()
        .layer_fn(Front::new)
        .layer(AuthLayer::new(GateTokens(Arc::clone(gate))))
        .layer_fn(|inner| WithHealth::new(inner, health.clone()))
        .service(service_fn(inside));
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let response = service.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    Response::from_parts(parts, body.collect().await.unwrap().to_bytes().to_vec())
}

fn health() -> (Health, ManualClock) {
    let clock = ManualClock::new(DateTime::UNIX_EPOCH);
    (Health::new(Arc::new(clock.clone())), clock)
}

#[tokio::test]
async fn what_needs_no_token_and_what_does() {
    let setup = Setup::locked();
    let (health, _) = health();
    health.report(Source::ScimServer, true);
    let token = setup.token.expose();
    let token: &str = &token;
    // Method, path, with the token?, status, the beginning of the body.
    let table = [
        (Method::GET, "/ping", false, 200, "pong\n"),
        (Method::HEAD, "/ping", false, 200, ""),
        (Method::POST, "/ping", false, 405, "{"),
        (Method::DELETE, "/app/", true, 405, "{"),
        (Method::POST, "/", false, 401, ""),
        (Method::GET, "/", false, 307, ""),
        (Method::GET, "/", true, 200, "\"inside\""),
        (Method::GET, "/app", false, 200, "op-scim-bridge "),
        (Method::GET, "/app/", false, 200, "op-scim-bridge "),
        (Method::GET, "/application", false, 401, ""),
        (Method::GET, "/health", false, 401, ""),
        (Method::GET, "/health", true, 200, "{"),
        (Method::POST, "/health", false, 401, ""),
        (Method::POST, "/health", true, 405, "{"),
        (Method::GET, "/scim/v2/Users", false, 401, ""),
        (Method::GET, "/scim/v2/Users", true, 200, "\"inside\""),
    ];
    for (method, path, with_token, status, begins) in table {
        let answer = ask(&setup.gate, &health, method.clone(), path, with_token.then_some(token)).await;
        let text = String::from_utf8(answer.body().clone()).unwrap();
        assert_eq!(answer.status(), status, "{method} {path} {with_token}: {text}");
        assert!(text.starts_with(begins), "{method} {path}: {text}");
        if status == 405 {
            assert_eq!(answer.headers()["allow"], "GET, HEAD", "{method} {path}");
            assert!(text.contains(&format!("{method} is not possible here")), "{text}");
        }
    }
    for path in ["/ping", "/", "/app", "/health"] {
        let hosts = [("host", "a"), ("host", "b")];
        let token = (path == "/health").then_some(token);
        let answer = ask_with(&setup.gate, &health, Method::GET, path, token, &hosts).await;
        let text = String::from_utf8(answer.body().clone()).unwrap();
        assert_eq!(answer.status(), 400, "{path}: {text}");
        assert!(text.contains("the header Host is given more than once"), "{text}");
        let answer = ask_with(&setup.gate, &health, Method::GET, path, token, &hosts[..1]).await;
        assert_ne!(answer.status(), 400, "{path}");
    }
    let home = ask(&setup.gate, &health, Method::GET, "/", None).await;
    assert_eq!(home.headers()["location"], "/app");
}

#[tokio::test]
async fn a_wrong_token_is_401_and_a_broken_session_is_500() {
    let setup = Setup::locked();
    let (health, _) = health();
    let (_, other) = SessionFile::create("", &SystemClock, &SystemRandom).unwrap();
    for wrong in ["nonsense", &other.expose()] {
        let refused = ask(&setup.gate, &health, Method::GET, "/health", Some(wrong)).await;
        assert_eq!(refused.status(), 401);
        assert!(setup.gate.credentials().is_none());
    }
    // The verifier is right and what it guards is not.
    let mut json: Value = serde_json::from_slice(&fs::read(written(&setup)).unwrap()).unwrap();
    let data = json["encCredentials"]["data"].as_str().unwrap().to_owned();
    let swapped: String = data.chars().rev().collect();
    assert_ne!(swapped, data);
    json["encCredentials"]["data"] = swapped.into();
    let path = setup.folder.path().join("broken");
    fs::write(&path, json.to_string()).unwrap();
    let broken = Arc::new(SessionGate::new(SessionFile::from_path(&path).unwrap(), &SystemRandom).unwrap());
    let answer = ask(&broken, &health, Method::GET, "/health", Some(&setup.token.expose())).await;
    let text = String::from_utf8(answer.body().clone()).unwrap();
    assert_eq!(answer.status(), 500, "{text}");
    assert!(text.contains("the log of the bridge says why"), "{text}");

    let closed = Arc::new(SessionGate::closed());
    let answer = ask(&closed, &health, Method::GET, "/health", Some(&setup.token.expose())).await;
    assert_eq!(answer.status(), 500);
}

/// A session that belongs to another account than the one in the data folder: nothing of the account is shown.
#[tokio::test]
async fn a_session_of_another_account_sees_nothing() {
    let setup = Setup::unlocked();
    let ada = op_bridge::account::NewPerson::new("ada@example.com", "Ada Lovelace");
    let ada = setup.account.provision(ada).await.unwrap().person.id;
    let people = setup.account.people().await.unwrap();
    let (file, other) = SessionFile::create("", &SystemClock, &SystemRandom).unwrap();
    let gate = Arc::new(SessionGate::new(file, &SystemRandom).unwrap());
    let account: Arc<dyn Account> = Arc::new(support::open(setup.folder.path(), &gate, &setup.clock));
    let inner = Arc::new(SqliteStore::open(setup.folder.path().join("scim.sqlite3")).unwrap());
    let store = BridgeStore::new(inner, Arc::clone(&account), Arc::new(SystemClock), Settings::default());
    store.reconcile().await.unwrap();
    let (health, _) = health();
    let service = ServiceBuilder::new()
        .layer_fn(Front::new)
        .layer(AuthLayer::new(OwnTokens { tokens: GateTokens(Arc::clone(&gate)), account }))
        .layer_fn(|inner| WithHealth::new(inner, health.clone()))
        .service(ScimService::builder(store).registry(registry()).mounted_at(["/scim", "/"]).build());
    let user = format!("/scim/Users/{ada}");
    let requests = [
        (Method::GET, "/"),
        (Method::GET, "/health"),
        (Method::GET, "/scim/Users"),
        (Method::GET, "/Users?filter=userName%20eq%20%22ada%40example.com%22"),
        (Method::GET, user.as_str()),
        (Method::GET, "/scim/Groups"),
        (Method::GET, "/scim/ServiceProviderConfig"),
        (Method::POST, "/scim/.search"),
        (Method::POST, "/scim/Users"),
        (Method::PUT, user.as_str()),
        (Method::PATCH, user.as_str()),
        (Method::DELETE, user.as_str()),
        (Method::GET, "/no/such/path"),
    ];
    for (method, path) in requests {
        let request = Request::builder()
            .method(method.clone())
            .uri(path)
            .header("authorization", format!("Bearer {}", &*other.expose()))
            .header("content-type", "application/scim+json")
            .body(Body::from(b"{}".to_vec()))
            .unwrap();
        let answer = service.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(body.to_vec()).unwrap();
        assert_eq!(status, 500, "{method} {path}: {text}");
        let json: Value = serde_json::from_str(&text).unwrap();
        let detail = json["detail"].as_str().unwrap();
        assert!(detail.contains("use the session file it was set up with"), "{method} {path}: {text}");
        assert!(!text.contains("ada@") && !text.contains("Lovelace"), "{method} {path}: {text}");
    }
    assert_eq!(setup.account.people().await.unwrap(), people, "and nothing is done");
}

fn written(setup: &Setup) -> std::path::PathBuf {
    let path = setup.folder.path().join("scimsession");
    setup.file.write(&path, op_bridge::credentials::Overwrite::Refuse).unwrap();
    path
}

#[tokio::test]
async fn health_is_503_once_a_component_fails_or_falls_silent() {
    let setup = Setup::locked();
    let (health, clock) = health();
    let token = setup.token.expose();
    health.report(Source::ScimServer, true);
    let look = async || {
        let answer = ask(&setup.gate, &health, Method::GET, "/health", Some(&token)).await;
        assert_eq!(answer.headers()["content-type"], "application/json");
        (answer.status().as_u16(), serde_json::from_slice::<Value>(answer.body()).unwrap())
    };
    let (status, json) = look().await;
    assert_eq!(status, 200);
    let keys: Vec<&String> = json.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["build", "reports", "retrievedAt", "version"]);
    let report = json["reports"][0].as_object().unwrap();
    assert_eq!(report.keys().collect::<Vec<_>>(), ["expires", "source", "state", "time"]);
    assert_eq!((&report["source"], &report["state"]), (&"SCIMServer".into(), &"healthy".into()));

    health.report(Source::Account, false);
    let (status, json) = look().await;
    assert_eq!((status, json["reports"][0]["state"].as_str()), (503, Some("unhealthy")));
    health.report(Source::Account, true);
    assert_eq!(look().await.0, 200);
    clock.advance(TimeDelta::minutes(11));
    assert_eq!(look().await.0, 503);
}

/// Nothing happens in the account before the token has been seen; asking for `/health` with it is enough.
#[tokio::test(start_paused = true)]
async fn a_locked_bridge_waits_for_the_token() {
    let setup = Setup::unlocked();
    let ada = op_bridge::account::NewPerson::new("ada@example.com", "Ada");
    let id = setup.account.provision(ada).await.unwrap().person.id;
    setup.account.accept("ada@example.com").await.unwrap();
    let mut setup = setup;
    setup.restart();
    let (health, clock) = health();
    let account: Arc<dyn Account> = setup.account.clone();
    let interval = TimeDelta::seconds(30);
    let task =
        tokio::spawn(confirm::run(account, setup.gate.clone(), health.clone(), Arc::new(clock), interval));
    tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
    assert_eq!(setup.account.awaiting_confirmation().await.unwrap().len(), 1);
    let token = setup.token.expose();
    ask(&setup.gate, &health, Method::GET, "/health", Some(&token)).await;
    while !setup.account.awaiting_confirmation().await.unwrap().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(setup.account.person(&id).await.unwrap().unwrap().state.as_str(), "ACTIVE");
    task.abort();
}

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    config: Config,
}

fn options(folder: &std::path::Path, more: &[&str]) -> Result<Options, op_bridge::app::StartError> {
    let session = folder.join("scimsession").display().to_string();
    let data = folder.display().to_string();
    let mut arguments = vec![
        "bridge",
        "--session",
        &session,
        "--data-dir",
        &data,
        "--bridge-listen",
        "127.0.0.1",
        "--port",
        "0",
    ];
    arguments.extend(more);
    Options::from_config(&Cli::parse_from(arguments).config)
}

#[tokio::test]
async fn a_domain_in_the_session_turns_no_https_on_but_the_variables_refuse() {
    let folder = tempfile::tempdir().unwrap();
    let (file, _token) = SessionFile::create("scim.example.com", &SystemClock, &SystemRandom).unwrap();
    let missing = options(folder.path(), &[]).unwrap_err();
    let hint = command::hint(&missing).unwrap();
    assert!(missing.to_string().contains("there is no session file at"), "{missing}");
    assert!(hint.starts_with("op-scim-bridge session new --session /"), "{hint}");

    file.write(&folder.path().join("scimsession"), op_bridge::credentials::Overwrite::Refuse).unwrap();
    for flag in ["--tls-domain", "--tls-cert-file", "--tls-key-file", "--letsencrypt-domain"] {
        let refused = options(folder.path(), &[flag, "scim.example.com"]).unwrap_err();
        assert!(refused.to_string().contains("does not serve HTTPS itself"), "{refused}");
    }
    let bridge =
        Bridge::start(options(folder.path(), &["--redis-url", "redis://nowhere"]).unwrap()).await.unwrap();
    let address = bridge.address().unwrap();
    assert_eq!(address.ip().to_string(), "127.0.0.1");
}

#[tokio::test]
async fn one_bridge_on_a_data_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (file, _token) = SessionFile::create("", &SystemClock, &SystemRandom).unwrap();
    file.write(&folder.path().join("scimsession"), op_bridge::credentials::Overwrite::Refuse).unwrap();
    let first = Bridge::start(options(folder.path(), &[]).unwrap()).await.unwrap();
    let refused = Bridge::start(options(folder.path(), &[]).unwrap()).await.unwrap_err();
    assert!(refused.to_string().contains("another bridge is running on the data folder"), "{refused}");
    assert!(refused.to_string().contains(&folder.path().display().to_string()), "{refused}");
    assert!(command::hint(&refused).unwrap().contains("--data-dir"));
    // Run to its end, it lets go of the folder.
    first.run(std::future::ready(())).await.unwrap();
    Bridge::start(options(folder.path(), &[]).unwrap()).await.unwrap();
}

/// A lost account is restored: neither is a new one made, nor is it taken for one that everybody has left.
#[tokio::test]
async fn a_view_without_its_account_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let (file, token) = SessionFile::create("", &SystemClock, &SystemRandom).unwrap();
    file.write(&dir.join("scimsession"), op_bridge::credentials::Overwrite::Refuse).unwrap();
    let gate = Arc::new(SessionGate::new(file, &SystemRandom).unwrap());
    gate.authenticate(&token.expose()).unwrap();
    let start = async || Bridge::start(options(dir, &[]).unwrap()).await;
    drop(start().await.unwrap());
    drop(start().await.expect("an account without people is none that was lost"));

    let account = support::open(dir, &gate, &ManualClock::new(DateTime::UNIX_EPOCH));
    account.provision(op_bridge::account::NewPerson::new("ada@example.com", "Ada")).await.unwrap();
    drop(account);
    drop(start().await.unwrap());
    let path = dir.join("account.sqlite3");
    let backup = dir.join("backup");
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute("VACUUM INTO ?1", [backup.display().to_string()])
        .unwrap();
    let remove = || {
        for name in ["account.sqlite3", "account.sqlite3-wal", "account.sqlite3-shm"] {
            let _ = fs::remove_file(dir.join(name));
        }
    };
    let refused = async |pattern: &str| {
        let refused = start().await.unwrap_err();
        assert!(refused.to_string().contains(pattern), "{refused}");
        assert!(command::hint(&refused).unwrap().starts_with("restore account.sqlite3 from the backup"));
    };
    remove();
    refused("account.sqlite3 is missing").await;
    refused("account.sqlite3 is missing").await;
    assert!(!path.exists(), "none is made");
    fs::write(&path, "").unwrap();
    refused("account.sqlite3 is missing or empty").await;
    assert_eq!(fs::metadata(&path).unwrap().len(), 0);
    remove();
    drop(support::open(dir, &gate, &ManualClock::new(DateTime::UNIX_EPOCH)));
    refused("account.sqlite3 is a new account").await;

    remove();
    fs::copy(&backup, &path).unwrap();
    drop(start().await.expect("the backup is taken"));
    remove();
    fs::remove_file(dir.join("scim.sqlite3")).unwrap();
    start().await.expect("both are gone: a new beginning");
}

#[tokio::test]
async fn dev_uses_everything_again_and_explains_what_is_broken() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("dev");
    let first = Dev::start(&dir, 0, "op-scim-bridge").await.unwrap();
    let token = fs::read_to_string(dir.join("token")).unwrap();
    assert!(first.banner().contains(token.trim()));
    drop(first);
    let second = Dev::start(&dir, 0, "op-scim-bridge").await.unwrap();
    assert!(second.banner().contains(token.trim()));
    drop(second);

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let error = Dev::start(&dir, taken.local_addr().unwrap().port(), "x").await.unwrap_err();
    assert!(error.to_string().contains("cannot listen on 127.0.0.1:"), "{error}");
    assert!(command::hint(&error).unwrap().contains("--port"));

    let (_, other) = SessionFile::create("", &SystemClock, &SystemRandom).unwrap();
    fs::write(dir.join("token"), other.expose().as_bytes()).unwrap();
    let error = Dev::start(&dir, 0, "x").await.unwrap_err();
    assert!(error.to_string().contains("does not open the session beside it"), "{error}");
    fs::remove_file(dir.join("token")).unwrap();
    let error = Dev::start(&dir, 0, "x").await.unwrap_err();
    assert!(error.to_string().contains("has the file scimsession but not the file token"), "{error}");
    assert!(command::hint(&error).unwrap().contains("delete the folder"));

    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Dev::start(&file, 0, "x").await.unwrap_err();
    assert!(error.to_string().contains("cannot be used"), "{error}");
    assert!(command::hint(&error).unwrap().contains("--dir"));
}

#[tokio::test]
async fn listings_have_the_json_that_scripts_read() {
    let setup = Setup::unlocked();
    let ada = op_bridge::account::NewPerson::new("ada@example.com", "Ada");
    let ada = setup.account.provision(ada).await.unwrap().person.id;
    let group = setup.account.create_group("Engineering").await.unwrap().group.id;
    setup.account.grant(&group, &ada).await.unwrap();
    let people: Value = serde_json::from_str(&command::people(&setup.account, true).await.unwrap()).unwrap();
    let person = people.as_array().unwrap().last().unwrap();
    assert_eq!(
        *person,
        serde_json::json!({"id": ada.as_str(), "email": "ada@example.com", "pendingEmail": null, "name": "Ada",
            "state": "TRANSFER_STARTED", "provisioned": true})
    );
    let groups: Value = serde_json::from_str(&command::groups(&setup.account, true).await.unwrap()).unwrap();
    let listed = groups.as_array().unwrap().last().unwrap();
    assert_eq!(
        (&listed["name"], &listed["kind"], &listed["managed"]),
        (&"Engineering".into(), &"custom".into(), &true.into())
    );
    assert_eq!(listed["members"][0]["membership"], "pending");
    let table = command::groups(&setup.account, false).await.unwrap();
    assert!(table.lines().last().unwrap().ends_with("ada@example.com"), "{table}");
    assert!(
        command::accept(&setup.account, "ada@example.com")
            .await
            .unwrap()
            .contains("has accepted the invitation")
    );
    assert!(command::accept(&setup.account, "ada@example.com").await.unwrap().contains("nothing is waiting"));
    let nobody = command::accept(&setup.account, "bob@example.com").await.unwrap_err();
    assert_eq!(nobody.to_string(), "nobody in the account has the e-mail address `bob@example.com`");
}
