//! The program as it is called, against a server in this process.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::process::{Command, Output};

use scim_server::ScimService;
use scim_server::layer::auth::{AuthLayer, StaticTokens};
use scim_server::serve::{ServeOptions, serve};
use scim_server::store::MemoryStore;
use serde_json::Value;
use tower::ServiceBuilder;

const TOKEN: &str = "bG9hZC10ZXN0cy1vbmx5LXVzZS10aGlz";

/// Serves an empty directory for as long as the test runs, and returns its base URL.
fn served() -> String {
    let (address, listening) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            address.send(listener.local_addr().unwrap()).unwrap();
            let tokens = StaticTokens::new().with("test", TOKEN).unwrap();
            let scim = ScimService::builder(MemoryStore::new()).build();
            let service = ServiceBuilder::new().layer(AuthLayer::new(tokens)).service(scim);
            serve(listener, service, ServeOptions::default(), std::future::pending()).await.unwrap();
        });
    });
    format!("http://{}", listening.recv().unwrap())
}

fn scim_load(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_scim-load"))
        .args(arguments)
        .env("SCIM_LOAD_TOKEN", TOKEN)
        .output()
        .unwrap()
}

fn figures(arguments: &[&str]) -> Value {
    let output = scim_load(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn other_machines_are_not_loaded_by_accident() {
    for command in ["seed", "run", "steps", "sync"] {
        let output = scim_load(&[command, "--target", "http://192.0.2.1/scim/v2"]);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && stderr.contains("--allow-remote"), "{command}: {stderr}");
    }
}

#[test]
fn steps_are_measured_beside_a_constant_answer() {
    let out = tempfile::tempdir().unwrap();
    let (file, svg) = (out.path().join("figures.json"), out.path().join("chart.svg"));
    let url = served();
    let sizes = "--sizes=200,400";
    let output = scim_load(&[
        "steps",
        "--target",
        &url,
        sizes,
        "--seconds=0.1",
        "--groups=10",
        "--out",
        file.to_str().unwrap(),
    ]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let figures: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let users: Vec<_> =
        figures.as_array().unwrap().iter().map(|size| size["users"].as_u64().unwrap()).collect();
    assert_eq!(users, [0, 200, 400]);
    let steps = figures[1]["steps"].as_object().unwrap();
    for step in [
        "get",
        "user_name",
        "value_path",
        "page_first",
        "page_middle",
        "cursor_first",
        "cursor_middle",
        "scan",
        "patch",
        "create",
        "member_10",
    ] {
        let step = &steps.get(step).unwrap_or_else(|| panic!("{step} was not measured"));
        assert_eq!(step["measured"]["wrong"], 0, "{step}");
        // The constant server gives the same statuses.
        let statuses =
            |of: &str| step[of]["statuses"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(statuses("measured"), statuses("h"), "{step}");
    }
    let output = scim_load(&["chart", file.to_str().unwrap(), "--out", svg.to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let svg = std::fs::read_to_string(svg).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("userName eq"), "{svg}");
}

#[test]
fn a_mixed_load_is_checked_against_what_is_there() {
    let url = served();
    let output = scim_load(&["seed", "--target", &url, "--users=300", "--groups=2", "--members=100"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let figures = figures(&["run", "--target", &url, "--users=300", "--groups=3", "--seconds=0.3"]);
    assert_eq!(figures["users_before"], 300);
    assert_eq!(figures["measured"]["wrong"], 0);
    assert_eq!(figures["measured"]["unanswered"], 0);
    let created = figures["measured"]["statuses"]["201"].as_u64().unwrap_or_default();
    assert_eq!(figures["users_after"].as_u64().unwrap(), 300 + created);
}

#[test]
fn a_first_synchronisation_is_read_back() {
    let figures = figures(&["sync", "--target", &served(), "--users=150", "--groups=10"]);
    assert_eq!(figures["wrong"].as_array().unwrap().len(), 0);
    let phases: Vec<_> = figures["phases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["measured"]["answers"].as_u64().unwrap())
        .collect();
    assert_eq!(phases, [300, 20, 300]);
    assert_eq!(figures["phases"][0]["tenths"].as_array().unwrap().len(), 10);
}

#[test]
fn a_server_that_refuses_is_an_error() {
    let output = Command::new(env!("CARGO_BIN_EXE_scim-load"))
        .args(["run", "--target", &served(), "--seconds=0.1"])
        .env_remove("SCIM_LOAD_TOKEN")
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && stderr.contains("401"), "{stderr}");
}

#[test]
fn the_comparison_with_peers_is_taken_over_and_judged() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let step = |rate: f64| serde_json::json!({"rps": rate, "p50_us": 8000.0 / rate * 1000.0});
    let servers = serde_json::json!({
        "when": "2026-11-22T03:00:00Z", "cores": 2, "scale": 10_000, "conns": 8, "load_avg_start": [0.1, 0.1, 0.1],
        "targets": {
            "scim-directory": {"filter_eq@10000": step(30_000.0), "rss_mib@10000": 18.5},
            "peer": {"filter_eq@10000": step(200.0)},
        },
        "about": {"peer": {"version": "1.0", "language": "Rust"}},
    });
    let filters = include_str!("../../scim-filter/benches/filters.txt").lines();
    let parsers = serde_json::json!({"filters_ns": filters.map(|_| serde_json::json!({"peer": 1e9})).collect::<Vec<_>>()});
    let mut arguments = vec!["report", "--only=nothing", "--directory", env!("CARGO_BIN_EXE_scim-load")];
    let (servers, parsers) =
        (file("servers.json", &servers.to_string()), file("parsers.json", &parsers.to_string()));
    file(
        "benchmarks.md",
        "<!-- generated by `scim-load report`: begin -->\n<!-- generated by `scim-load report`: end -->\n",
    );
    let docs = folder.path().to_str().unwrap();
    arguments.extend(["--docs", docs, "--peers", &servers, "--peer-parsers", &parsers]);
    let document = |arguments: &[&str]| {
        let output = scim_load(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        std::fs::read_to_string(folder.path().join("benchmarks.md")).unwrap()
    };
    let once = document(&arguments);
    let target = once.lines().find(|line| line.contains("against the fastest correct peer")).unwrap();
    assert!(target.contains("150 times") && target.ends_with("| reached |"), "{target}");
    // A parser that takes a second is slower than ours, which was measured just then.
    let target = once.lines().find(|line| line.contains("against the fastest Rust peer")).unwrap();
    assert!(target.ends_with("| reached |"), "{target}");
    assert!(once.contains("## Against peers") && once.contains("ours right after the others"), "{once}");
    // They are kept for the next time.
    assert_eq!(document(&arguments[..6]), once);
    let output = scim_load(&["report", "--only=nothing", "--docs", docs, "--peers", &parsers]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        !output.status.success() && stderr.contains("parsers.json has no figures of servers"),
        "{stderr}"
    );
}
