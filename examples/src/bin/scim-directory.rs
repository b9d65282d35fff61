//! A SCIM 2.0 directory of users and groups: the library without 1Password.
//!
//! This is what an embedding application writes: a store, a service, layers around it, and a server.

use std::error::Error;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use scim_core::{Quirk, Quirks};
use scim_server::ScimService;
use scim_server::layer::auth::{AuthLayer, StaticTokens};
use scim_server::layer::trace::TraceLayer;
use scim_server::serve::{ServeOptions, serve, shutdown_signal};
use scim_server::store::{MemoryStore, ResourceStore, SqliteStore};
use tokio::net::TcpListener;
use tower::ServiceBuilder;

/// Serves users and groups over SCIM 2.0 at /scim/v2, /scim and /
#[derive(Parser)]
#[command(version)]
struct Options {
    /// Address and port to listen on; port 0 takes any free one
    #[arg(long, default_value = "127.0.0.1:8880")]
    listen: String,
    /// File that holds the bearer token
    #[arg(long, required_unless_present = "token", conflicts_with = "token")]
    token_file: Option<PathBuf>,
    /// The bearer token itself; other users of this machine can see it, so prefer --token-file
    #[arg(long)]
    token: Option<String>,
    /// Where resources are kept: memory, or sqlite:PATH
    #[arg(long, default_value = "memory")]
    store: String,
    #[allow(rustdoc::bare_urls, reason = "it is the text of --help")]
    /// URL that locations begin with, such as https://example.com/scim/v2; default: as the client asked
    #[arg(long)]
    base_url: Option<String>,
    /// Keep to the letter of the RFCs instead of tolerating what identity providers send
    #[arg(long)]
    strict: bool,
}

/// Where the service is found, the newest form first.
const MOUNTS: [&str; 3] = ["/scim/v2", "/scim", "/"];

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal()).init();
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let token = match (&options.token, &options.token_file) {
        (Some(token), _) => token.clone(),
        (None, Some(file)) => std::fs::read_to_string(file)
            .map_err(|error| format!("the token file {} cannot be read: {error}", file.display()))?,
        (None, None) => return Err("give a token with --token-file FILE".into()),
    };
    let tokens = StaticTokens::new().with("client", token.trim())?;
    let store: Arc<dyn ResourceStore> = match options.store.split_once(':') {
        None if options.store == "memory" => Arc::new(MemoryStore::new()),
        Some(("sqlite", path)) => Arc::new(SqliteStore::open(path)?),
        _ => return Err(format!("--store is `memory` or `sqlite:PATH`, got `{}`", options.store).into()),
    };
    let quirks = if options.strict { Quirks::strict() } else { Quirks::interop() };
    // Conformance suites fill in countries that do not exist.
    let quirks = quirks.with(Quirk::AnyCountry, true);
    let mut builder = ScimService::builder(store).quirks(quirks).mounted_at(MOUNTS);
    if let Some(url) = &options.base_url {
        builder = builder.base_url(url);
    }
    let scim = builder.build();
    let quirk_uses = scim.quirk_uses();
    let service = ServiceBuilder::new()
        .layer(TraceLayer::new())
        .layer(AuthLayer::new(tokens).with_open_discovery(MOUNTS))
        .service(scim);
    let listener = TcpListener::bind(&options.listen)
        .await
        .map_err(|error| format!("{} cannot be listened on: {error}", options.listen))?;
    println!("SCIM 2.0 at http://{}/scim/v2", listener.local_addr()?);
    serve(listener, service, ServeOptions::default(), shutdown_signal()).await?;
    tracing::info!(uses = %quirk_uses, "tolerated deviations that clients needed");
    Ok(())
}
