//! The bridge: an identity provider talks SCIM to it, and people come into a 1Password account.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use op_bridge::account::local::LocalAccount;
use op_bridge::app::{Bridge, Options, StartError, shutdown_signal};
use op_bridge::clock::SystemClock;
use op_bridge::command::{self, Dev};
use op_bridge::config::{Config, DevConfig};
use op_bridge::credentials::SessionGate;
use op_bridge::logging::{Format, Level, Logging};
use op_bridge::random::SystemRandom;

/// Requests make many small and short-lived values, for which this allocator is faster than that of most systems.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A SCIM bridge for 1Password accounts: provisions, confirms, suspends and groups people
///
/// To try it out on this machine: `op-scim-bridge dev`. Without a sub-command it serves, as with `serve`.
///
/// Every setting is a flag and an environment variable; `op-scim-bridge serve --help` says what each does.
///
/// Independent of AgileBits and 1Password, and not affiliated with them.
#[derive(Parser)]
#[command(name = "op-scim-bridge", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    config: Config,
}

#[derive(Subcommand)]
enum Command {
    /// Serve identity providers (the default)
    Serve {
        #[command(flatten)]
        config: Box<Config>,
    },
    /// Try it out: make a session and an account in one folder, and serve them on this machine
    Dev {
        /// The folder; made if it does not exist
        #[arg(long, default_value = command::DEV_DIR)]
        dir: PathBuf,
        #[command(flatten)]
        config: DevConfig,
    },
    /// Make or show a session file
    #[command(subcommand)]
    Session(Session),
    /// Look into the local account, and play a person's part in it
    #[command(subcommand)]
    Account(Account),
}

#[derive(Subcommand)]
enum Session {
    /// Make a session file and the bearer token that opens it, each readable by its owner only
    New {
        /// Where to write the session file, for the bridge
        #[arg(long)]
        session: PathBuf,
        /// Where to write the bearer token, for the identity provider
        #[arg(long)]
        token_file: PathBuf,
    },
    /// Show what a session file says without its token
    Show {
        #[command(flatten)]
        config: Box<Config>,
    },
}

#[derive(Subcommand)]
enum Account {
    /// List everybody with their state
    People(Listing),
    /// List the groups with their members
    Groups(Listing),
    /// Accept the invitation, or the new address, that waits for a person
    Accept {
        /// The person's e-mail address
        email: String,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Args)]
struct Listing {
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
struct Place {
    /// The bridge's data folder; by default /var/lib/op-scim-bridge, else that of `dev`
    #[arg(long, env = "OP_BRIDGE_DATA_DIR")]
    data_dir: Option<PathBuf>,
}

impl Place {
    fn open(&self) -> Result<LocalAccount, Box<dyn Error>> {
        let usual = [op_bridge::config::DEFAULT_DATA_DIR, command::DEV_DIR].map(PathBuf::from);
        let folders = self.data_dir.as_ref().map_or(usual.as_slice(), std::slice::from_ref);
        let Some(folder) = folders.iter().find(|folder| LocalAccount::exists(folder)) else {
            let places: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
            let places = places.join(" or ");
            return Err(format!(
                "there is no account in {places}; name the bridge's data folder with --data-dir"
            )
            .into());
        };
        if self.data_dir.is_none() {
            command::say(&format!("the account in {}; --data-dir names another one", folder.display()));
        }
        let gate = Arc::new(SessionGate::closed());
        Ok(LocalAccount::open(folder, gate, Arc::new(SystemClock), Arc::new(SystemRandom))?)
    }
}

/// The variable that `--database-url` may be in.
const DATABASE: &str = "OP_BRIDGE_DATABASE_URL";

#[tokio::main]
async fn main() -> ExitCode {
    // The settings are those of `serve`, and explained there; without a sub-command they are taken all the same.
    let command = Cli::command()
        .override_usage("op-scim-bridge [SETTINGS]\n       op-scim-bridge <COMMAND>")
        .mut_args(|argument| argument.hide(true))
        .mut_subcommand("session", |session| session.mut_subcommand("show", only_session));
    let cli = match command.try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => return refuse_settings(&error),
    };
    let json = match &cli {
        Cli { command: None, config } => config.json_logs,
        Cli { command: Some(Command::Serve { config }), .. } => config.json_logs,
        Cli { command: Some(Command::Dev { config, .. }), .. } => config.json_logs,
        _ => false,
    };
    let done = match cli {
        Cli { command: None, config } => serve(&config).await,
        Cli { command: Some(command), .. } => run(command).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let (text, hint) = (command::explain(&*error), command::hint(&*error));
            if json {
                tracing::error!(hint, "{text}");
            } else {
                command::say(&format!("error: {text}"));
                hint.iter().for_each(|hint| command::say(&format!("hint: {hint}")));
            }
            ExitCode::FAILURE
        }
    }
}

/// Settings that cannot be understood, or a request for help. Whoever collects the logs of a serving bridge as JSON gets
/// the error as JSON, too.
fn refuse_settings(error: &clap::Error) -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let serves =
        !arguments.first().is_some_and(|first| ["dev", "session", "account"].iter().any(|c| first == c));
    let logging = Logging { format: Format::Json, level: Level::Info };
    let hint = Config::switch_hint(&arguments).filter(|_| error.use_stderr());
    if error.use_stderr() && serves && Config::asks_for_json_logs(&arguments) && logging.start().is_ok() {
        let text = error.to_string();
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        tracing::error!(hint, "{}", lines.join(" ").trim_start_matches("error: "));
    } else {
        // Where even this cannot be written there is nobody to tell.
        let _ = error.print();
        hint.iter().for_each(|hint| command::say(&format!("hint: {hint}")));
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// Of all settings, showing a session needs one.
fn only_session(show: clap::Command) -> clap::Command {
    show.mut_args(|argument| if argument.get_id() == "session" { argument } else { argument.hide(true) })
}

async fn serve(config: &Config) -> Result<(), Box<dyn Error>> {
    #[cfg(unix)]
    if let Some(url) = config.database_url() {
        examples::take_from_arguments(DATABASE, &["--bridge-database-url", "--database-url"], url.expose())?;
    }
    config.logging().start()?;
    let bridge = Bridge::start(Options::from_config(config)?).await?;
    tracing::info!(
        "listening on http://{}; waiting for the bearer token to unlock the session of {}",
        bridge.address()?,
        config.session_place()
    );
    Ok(bridge.run(shutdown_signal()).await?)
}

async fn run(command: Command) -> Result<(), Box<dyn Error>> {
    match command {
        Command::Serve { config } => serve(&config).await?,
        Command::Dev { dir, config } => {
            config.logging().start()?;
            let program = std::env::args().next().unwrap_or_else(|| "op-scim-bridge".to_owned());
            let dev = Dev::start(&dir, config.port, &program).await?;
            command::print(&format!("{}\n", dev.banner()))?;
            dev.run(shutdown_signal()).await?;
        }
        Command::Session(Session::New { session, token_file }) => {
            command::new_session(&session, &token_file)?;
            command::print(&format!(
                "session file  {}  (for the bridge: OP_SESSION)\n\
                 bearer token  {}  (for the identity provider, and nobody else)\n",
                session.display(),
                token_file.display()
            ))?;
        }
        Command::Session(Session::Show { config }) => {
            let file = config
                .session_file()
                .map_err(|source| StartError::Session { place: config.session_place(), source })?;
            command::print(&command::show_session(&file)?)?;
        }
        Command::Account(Account::People(listing)) => {
            command::print(&command::people(&listing.place.open()?, listing.json).await?)?;
        }
        Command::Account(Account::Groups(listing)) => {
            command::print(&command::groups(&listing.place.open()?, listing.json).await?)?;
        }
        Command::Account(Account::Accept { email, place }) => {
            command::print(&command::accept(&place.open()?, &email).await?)?;
        }
    }
    Ok(())
}
