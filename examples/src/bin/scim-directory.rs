//! A SCIM 2.0 directory of users and groups: the library without 1Password.
//!
//! This is what an embedding application writes: a store, a service, layers around it, and a server.

use std::error::Error;
use std::fs::File;
use std::io::IsTerminal as _;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use scim_core::{Quirk, Quirks};
use scim_server::ScimService;
use scim_server::layer::audit::{AuditLayer, AuditSink, JsonLinesSink, TracingSink};
use scim_server::layer::auth::{AuthLayer, StaticTokens};
use scim_server::layer::forwarded::ForwardedLayer;
use scim_server::layer::limits::LimitsLayer;
use scim_server::layer::panic_guard::PanicGuardLayer;
use scim_server::layer::rate_limit::RateLimitLayer;
use scim_server::layer::trace::TraceLayer;
use scim_server::serve::{ServeOptions, serve, shutdown_signal};
use scim_server::store::{MemoryStore, PostgresStore, ResourceStore, SqliteStore};
use tokio::net::TcpListener;
use tower::ServiceBuilder;
use tracing_subscriber::filter::LevelFilter;

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
    #[allow(rustdoc::bare_urls, reason = "it is the text of --help")]
    /// Where resources are kept: memory, sqlite:PATH, or postgres://USER:PASSWORD@HOST/NAME
    ///
    /// Prefer the variable for a password: this one does not stay where other users of this machine see it, but it may be in
    /// the history of a shell.
    #[arg(long, default_value = "memory", env = STORE, hide_env_values = true)]
    store: String,
    #[allow(rustdoc::bare_urls, reason = "it is the text of --help")]
    /// URL that locations begin with, such as https://example.com/scim/v2; default: as the client asked
    #[arg(long)]
    base_url: Option<String>,
    /// Proxies whose X-Forwarded-For, -Host and -Proto are believed, such as 10.0.0.0/8; may be given several times
    ///
    /// From everybody else such headers are taken away.
    #[arg(long, value_name = "CIDR")]
    trust_proxy: Vec<String>,
    /// Requests that one client may make in a second, on average; 0 is no limit
    #[arg(long, value_name = "REQUESTS", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(..=100_000))]
    rate_limit: u32,
    /// File that each request that writes adds a line of JSON to; default: a line in the log
    #[arg(long, value_name = "FILE")]
    audit: Option<PathBuf>,
    /// What is logged: off, error, warn, info (a line for each request), debug or trace
    #[arg(long, value_name = "LEVEL", default_value_t = LevelFilter::INFO)]
    log: LevelFilter,
    /// Keep to the letter of the RFCs instead of tolerating what identity providers send, but for what conformance
    /// suites need
    ///
    /// Countries, languages and time zones that do not exist are kept, and a PATCH that sets a password is answered 200
    /// and the password thrown away: the flags any_country, any_language, any_time_zone and forget_passwords stay on.
    #[arg(long)]
    strict: bool,
}

/// Requests make many small and short-lived values, for which this allocator is faster than that of most systems.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The variable that `--store` may be in.
const STORE: &str = "SCIM_DIRECTORY_STORE";
/// Where the service is found, the newest form first.
const MOUNTS: [&str; 3] = ["/scim/v2", "/scim", "/"];
/// How long a request may take. Sizes are limited by the service, connections and heads by `serve`.
const REQUEST_TIME: Duration = Duration::from_secs(30);
/// What the rate limit counts in.
const SECOND: Duration = Duration::from_secs(1);
/// How many audit events may wait for a slow disk.
const AUDIT_QUEUE: usize = 10_000;

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let log = tracing_subscriber::fmt().with_max_level(options.log).with_writer(std::io::stderr);
    log.with_ansi(std::io::stderr().is_terminal()).init();
    match run(options).await {
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
        Some(("postgres" | "postgresql", _)) => {
            #[cfg(unix)]
            examples::take_from_arguments(STORE, &["--store"], &options.store)?;
            let store = PostgresStore::open(&options.store)?;
            if let Err(error) = store.ready().await {
                let cause = error.source().map(ToString::to_string);
                tracing::warn!(%error, cause, "the database cannot be used yet; each request tries again");
            }
            Arc::new(store)
        }
        // What comes after a colon may be a password.
        other => {
            let kind = other.map_or(&*options.store, |(kind, _)| kind);
            return Err(
                format!("--store is `memory`, `sqlite:PATH` or `postgres://...`, got `{kind}`").into()
            );
        }
    };
    let quirks = if options.strict { Quirks::strict() } else { Quirks::interop() };
    // Conformance suites fill in random words for countries, languages and time zones, and change passwords.
    let suites = [Quirk::AnyCountry, Quirk::AnyLanguage, Quirk::AnyTimeZone, Quirk::ForgetPasswords];
    let quirks = suites.into_iter().fold(quirks, |quirks, quirk| quirks.with(quirk, true));
    let mut builder = ScimService::builder(store).quirks(quirks).mounted_at(MOUNTS);
    if let Some(url) = &options.base_url {
        builder = builder.base_url(url);
    }
    let scim = builder.build();
    let quirk_uses = scim.quirk_uses();
    let proxies = ForwardedLayer::new().trust(options.trust_proxy.iter().map(String::as_str))?;
    let rate = NonZeroU32::new(options.rate_limit).map(|most| RateLimitLayer::new(most.get(), SECOND));
    let file = options.audit.as_deref().map(audit_file).transpose()?.map(Arc::new);
    let audit: Arc<dyn AuditSink> = match &file {
        Some(file) => Arc::clone(file) as _,
        None => Arc::new(TracingSink),
    };
    let service = ServiceBuilder::new()
        .layer(proxies)
        .layer(TraceLayer::new())
        .layer(PanicGuardLayer::new())
        .layer(LimitsLayer::unlimited().with_time(REQUEST_TIME))
        .option_layer(rate)
        .layer(AuthLayer::new(tokens).with_open_discovery(MOUNTS))
        .layer(AuditLayer::new(audit))
        .service(scim);
    let listener = TcpListener::bind(&options.listen)
        .await
        .map_err(|error| format!("{} cannot be listened on: {error}", options.listen))?;
    println!("SCIM 2.0 at http://{}/scim/v2", listener.local_addr()?);
    serve(listener, service, ServeOptions::default(), shutdown_signal()).await?;
    tracing::info!(uses = %quirk_uses, "tolerated deviations that clients needed");
    if file.is_some_and(|file| !file.flush(Duration::from_secs(5)) || file.dropped() > 0) {
        return Err("some audit events could not be written".into());
    }
    Ok(())
}

fn audit_file(path: &Path) -> Result<JsonLinesSink, Box<dyn Error>> {
    let mut options = File::options();
    options.create(true).append(true);
    // It tells who was there, and when: the owner's business.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path);
    let file =
        file.map_err(|error| format!("the audit file {} cannot be opened: {error}", path.display()))?;
    Ok(JsonLinesSink::new(file, AUDIT_QUEUE)?)
}
