use std::future::Future;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use scim_server::layer::audit::{AuditLayer, TracingSink};
use scim_server::layer::auth::AuthLayer;
use scim_server::layer::limits::LimitsLayer;
use scim_server::layer::panic_guard::PanicGuardLayer;
use scim_server::layer::rate_limit::RateLimitLayer;
use scim_server::layer::trace::TraceLayer;
use scim_server::serve::{ServeOptions, serve};
use scim_server::store::{ResourceStore, SqliteOpenError, SqliteStore, StoreError};
use scim_server::{Limits, ScimService};
use tokio::net::TcpListener;
use tower::ServiceBuilder;

use super::in_place::InPlace;
use super::lock::DataFolder;
use super::{Front, GateTokens, OwnTokens, WithHealth};
use crate::account::Account;
use crate::account::local::{LocalAccount, OpenError};
use crate::clock::SystemClock;
use crate::config::{Config, ManagedGroups, TrustedProxies, UnsupportedError};
use crate::confirm;
use crate::credentials::{SessionError, SessionFile, SessionGate};
use crate::file;
use crate::health::{Health, Source};
use crate::mapping::{BridgeStore, Reconciled, Settings, registry, view_is_of};
use crate::random::{RandomError, SystemRandom};
use crate::text;

/// The file of the bridge's own store, in the data folder.
const STORE: &str = "scim.sqlite3";
/// The greatest page, as the original declares it.
const MAX_RESULTS: usize = 10_000;
/// How often the server says that it lives, and looks for room on the disk; well within the lease of a report.
const HEARTBEAT: Duration = Duration::from_secs(60);
/// How many bytes must fit in the data folder for changes to be taken.
const ROOM: usize = 1 << 18;
/// How long a request may take. Sizes are limited by the service, connections and heads by the server.
const REQUEST_TIME: Duration = Duration::from_secs(30);

/// What the limit of requests counts in.
const SECOND: Duration = Duration::from_secs(1);

/// What a bridge is started with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// The session.
    pub session: SessionFile,
    /// The folder of the databases.
    pub data_dir: PathBuf,
    /// Where to listen; port 0 takes any free one.
    pub address: SocketAddr,
    /// The time between two looks for people to confirm.
    pub interval: TimeDelta,
    /// Groups that an administrator has selected.
    pub managed_groups: ManagedGroups,
    /// What an administrator has decided about the mapping.
    pub settings: Settings,
    /// What locations begin with.
    pub base_url: Option<String>,
    /// Who is believed about host, scheme and client.
    pub trusted_proxies: TrustedProxies,
    /// How many requests one client may make in a second. None: as many as it likes.
    pub rate_limit: Option<NonZeroU32>,
}

/// Why a bridge does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The settings ask for something that this version does not have.
    #[error(transparent)]
    Unsupported(#[from] UnsupportedError),
    /// There is no usable session.
    #[error("{}", session_message(place, source))]
    Session {
        /// The file, or the variable.
        place: String,
        /// What is wrong with it.
        source: SessionError,
    },
    /// Another bridge runs on the data folder.
    #[error("another bridge is running on the data folder `{}`, and only one may", .0.display())]
    InUse(PathBuf),
    /// There is no randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The account cannot be opened.
    #[error(transparent)]
    Account(#[from] OpenError),
    /// The bridge's own store cannot be opened.
    #[error(transparent)]
    Store(#[from] SqliteOpenError),
    /// There is a view with people, but no account, or one that none of them is in.
    #[error(
        "the data folder `{}` has lost its account: scim.sqlite3 has people whom identity providers see, and {}",
        folder.display(),
        if *is_missing { "account.sqlite3 is missing or empty" } else { "account.sqlite3 is a new account without them" }
    )]
    AccountLost {
        /// The data folder.
        folder: PathBuf,
        /// There is no account at all.
        is_missing: bool,
    },
    /// View and account could not be compared.
    #[error("what identity providers see could not be compared with the account: {0}")]
    Reconcile(StoreError),
    /// The address cannot be listened on.
    #[error("the bridge cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

/// Names the place once, where the sentence does not do so itself.
pub(crate) fn session_message(place: &str, source: &SessionError) -> String {
    let sentence = source.to_string();
    if sentence.contains(place) { sentence } else { format!("{place}: {sentence}") }
}

impl Options {
    /// What the settings say.
    ///
    /// # Errors
    ///
    /// [`StartError::Unsupported`] and [`StartError::Session`].
    pub fn from_config(config: &Config) -> Result<Self, StartError> {
        for warning in config.check_unsupported()? {
            tracing::warn!("{warning}");
        }
        let session = config
            .session_file()
            .map_err(|source| StartError::Session { place: config.session_place(), source })?;
        let place = PathBuf::from(config.session_place());
        if file::is_open_to_others(&place) {
            tracing::warn!(
                file = %place.display(),
                "the session file can be read by every user of this machine: take that away with `chmod 600`"
            );
        }
        let mut options = Self::new(session, config.bridge_data_dir.clone(), config.address());
        options.interval = config.interval();
        options.managed_groups = config.bridge_managed_groups.clone();
        options.settings.deleted_users = config.bridge_deleted_users;
        options.settings.email_domain =
            config.bridge_email_domain.as_ref().and_then(|domain| domain.as_deref()).map(str::to_owned);
        options.base_url = config.bridge_base_url.as_ref().and_then(|url| url.as_deref()).map(str::to_owned);
        options.trusted_proxies = config.bridge_trusted_proxies.clone();
        options.rate_limit = NonZeroU32::new(config.bridge_rate_limit);
        Ok(options)
    }

    /// A bridge with the defaults of every other setting.
    pub fn new(session: SessionFile, data_dir: PathBuf, address: SocketAddr) -> Self {
        Self {
            session,
            data_dir,
            address,
            interval: TimeDelta::minutes(5),
            managed_groups: ManagedGroups::default(),
            settings: Settings::default(),
            base_url: None,
            trusted_proxies: TrustedProxies::default(),
            rate_limit: None,
        }
    }
}

/// A bridge that listens and is ready to be run.
#[derive(Debug)]
pub struct Bridge {
    listener: TcpListener,
    store: Arc<BridgeStore>,
    account: Arc<LocalAccount>,
    gate: Arc<SessionGate>,
    health: Health,
    passed_over: usize,
    options: Options,
    folder: DataFolder,
}

impl Bridge {
    /// Takes the data folder for itself, opens account and store, brings what identity providers see into line with the account, and listens.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let clock = Arc::new(SystemClock);
        let folder = DataFolder::take(&options.data_dir)?;
        let gate = Arc::new(SessionGate::new(options.session.clone(), &SystemRandom)?);
        let random = Arc::new(SystemRandom);
        let lost = |is_missing| StartError::AccountLost { folder: options.data_dir.clone(), is_missing };
        let inner = InPlace::new(SqliteStore::open(options.data_dir.join(STORE))?, folder.place());
        let inner: Arc<dyn ResourceStore> = Arc::new(inner);
        // Before one is made: what the account kept beside itself must stay as it is, to be restored.
        if !LocalAccount::exists(&options.data_dir)
            && !view_is_of(&*inner, &*clock, &[]).await.map_err(StartError::Reconcile)?
        {
            return Err(lost(true));
        }
        let account = LocalAccount::open(&options.data_dir, Arc::clone(&gate), clock.clone(), random)?;
        let account = Arc::new(account);
        let settings = options.settings.clone();
        let store = BridgeStore::new(Arc::clone(&inner), account.clone(), clock.clone(), settings);
        let store = Arc::new(store);
        let people =
            account.people().await.map_err(|error| StartError::Reconcile(StoreError::internal(error)))?;
        // Nobody is ever deleted in an account: where there is nobody but the first owner, nobody has ever been.
        if let [_] | [] = people.as_slice()
            && !view_is_of(&*inner, &*clock, &people).await.map_err(StartError::Reconcile)?
        {
            return Err(lost(false));
        }
        let reconciled = store.reconcile().await.map_err(StartError::Reconcile)?;
        if reconciled != Reconciled::default() {
            tracing::info!(?reconciled, "what identity providers see was brought into line with the account");
        }
        for name in store.unmatched_groups(&options.managed_groups).await.map_err(StartError::Reconcile)? {
            tracing::warn!(
                "OP_BRIDGE_MANAGED_GROUPS names a group that the account does not have, {}: nothing is selected by it",
                text::quote(&name)
            );
        }
        let listener = TcpListener::bind(options.address)
            .await
            .map_err(|source| StartError::Listen { address: options.address, source })?;
        let (health, passed_over) = (Health::new(clock), reconciled.passed_over);
        Ok(Self { listener, store, account, gate, health, passed_over, options, folder })
    }

    /// The address that it listens on.
    ///
    /// # Errors
    ///
    /// When the socket does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// What checks tokens and unlocks the session.
    pub fn gate(&self) -> &SessionGate {
        &self.gate
    }

    /// Serves until `shutdown` is ready; requests under way are then finished.
    ///
    /// # Errors
    ///
    /// When the listener fails.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> io::Result<()> {
        let Self { listener, store, account: local, gate, health, passed_over, options, folder } = self;
        let account: Arc<dyn Account> = Arc::clone(store.account());
        let mut scim = ScimService::builder(Arc::clone(&store))
            .registry(registry())
            .limits(Limits::default().with_max_count(MAX_RESULTS))
            .mounted_at(["/scim/v2", "/scim", "/"]);
        if let Some(url) = &options.base_url {
            scim = scim.base_url(url);
        }
        let rate_limit = options.rate_limit.map(|most| RateLimitLayer::new(most.get(), SECOND));
        let service = ServiceBuilder::new()
            .layer(options.trusted_proxies.layer())
            .layer(TraceLayer::new())
            .layer(PanicGuardLayer::new())
            .layer(LimitsLayer::unlimited().with_time(REQUEST_TIME))
            .option_layer(rate_limit)
            .layer_fn(Front::new)
            .layer(AuthLayer::new(OwnTokens {
                tokens: GateTokens(Arc::clone(&gate)),
                account: Arc::clone(&account),
            }))
            .layer_fn(|inner| WithHealth::new(inner, health.clone()))
            .layer(AuditLayer::new(TracingSink))
            .service(scim.build());

        let clock = Arc::new(SystemClock);
        let confirming = confirm::run(account, Arc::clone(&gate), health.clone(), clock, options.interval);
        let background = [
            tokio::spawn(confirming),
            tokio::spawn(own(Arc::clone(&local), Arc::clone(&gate))),
            tokio::spawn(select_groups(Arc::clone(&store), gate, options.managed_groups)),
            tokio::spawn(heartbeat(health, passed_over, local, store, options.data_dir)),
        ];
        let serving = ServeOptions::default();
        let patience = serving.shutdown_timeout;
        let shutdown = async move {
            shutdown.await;
            tracing::info!(
                "stopping: no new connections are taken, and requests under way have {} seconds to finish",
                patience.as_secs()
            );
        };
        let served = serve(listener, service, serving, shutdown).await;
        for task in background {
            task.abort();
            // Aborted, or ended by itself: either way it does nothing any more.
            let _ = task.await;
        }
        drop(folder);
        if served.is_ok() {
            tracing::info!("stopped");
        }
        served
    }
}

/// Makes the account the session's own as soon as that is unlocked, not when it first writes.
async fn own(account: Arc<LocalAccount>, gate: Arc<SessionGate>) {
    gate.unlocked().await;
    if let Err(error) = account.own().await {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "the account could not be taken for this session"
        );
    }
}

/// Selects groups once the session is unlocked: the account lets nobody do it before.
async fn select_groups(store: Arc<BridgeStore>, gate: Arc<SessionGate>, selected: ManagedGroups) {
    gate.unlocked().await;
    if let Err(error) = store.select_groups(&selected).await {
        tracing::error!(error = %error, "the groups of OP_BRIDGE_MANAGED_GROUPS could not be selected");
    }
}

/// Reports once in a while, after looking for room on the disk, and whenever a write tells something new.
async fn heartbeat(
    health: Health,
    passed_over: usize,
    account: Arc<LocalAccount>,
    store: Arc<BridgeStore>,
    folder: PathBuf,
) {
    let (mut of_account, mut of_store) = (account.disk().watch(), store.disk().watch());
    let look_for_room = async || {
        let room = has_room(folder.clone()).await;
        account.disk().note_room(room);
        store.disk().note_room(room);
        room
    };
    // Otherwise the account is the confirmation watcher's to report.
    let mut account_failed = false;
    // It serves. A slow disk takes its time to say more.
    health.report(Source::ScimServer, true);
    loop {
        if passed_over > 0 {
            health.report(Source::Reconciliation, false);
        }
        // What has failed is tried again: whoever waits for a healthy bridge may be the one who asks it to write.
        if look_for_room().await {
            if account.disk().condition().write_failed {
                log_failure("the account", account.probe().await);
            }
            if store.disk().condition().write_failed {
                log_failure("the view of identity providers", store.probe().await);
            }
        }
        let next = tokio::time::sleep(HEARTBEAT);
        tokio::pin!(next);
        loop {
            let works = !of_account.borrow_and_update().is_failing();
            if account_failed || !works {
                health.report(Source::Account, works);
            }
            account_failed = !works;
            health.report(Source::ScimServer, !of_store.borrow_and_update().is_failing());
            tokio::select! {
                () = &mut next => break,
                Ok(()) = of_account.changed() => {}
                Ok(()) = of_store.changed() => {}
            }
            look_for_room().await;
        }
    }
}

fn log_failure(what: &'static str, probed: Result<(), impl std::error::Error + 'static>) {
    if let Err(error) = probed {
        tracing::error!(error = &error as &dyn std::error::Error, "{what} cannot be written");
    }
}

/// Whether the data folder takes a file as large as a few changes.
async fn has_room(folder: PathBuf) -> bool {
    let probe = move || -> io::Result<()> {
        let mut file = tempfile::tempfile_in(&folder)?;
        file.write_all(&[0; ROOM])?;
        file.sync_data()
    };
    let probed =
        tokio::task::spawn_blocking(probe).await.unwrap_or_else(|error| Err(io::Error::other(error)));
    if let Err(error) = &probed {
        tracing::error!(%error, "nothing can be written in the data folder: look whether its disk is full or read-only");
    }
    probed.is_ok()
}
