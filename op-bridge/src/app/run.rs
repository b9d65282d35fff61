use std::future::Future;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use scim_server::layer::audit::{AuditLayer, TracingSink};
use scim_server::layer::auth::AuthLayer;
use scim_server::layer::limits::LimitsLayer;
use scim_server::layer::panic_guard::PanicGuardLayer;
use scim_server::layer::rate_limit::RateLimitLayer;
use scim_server::layer::trace::TraceLayer;
use scim_server::serve::{ServeOptions, serve};
use scim_server::store::{PostgresStore, ResourceStore, SqliteStore};
use scim_server::{Limits, ScimService};
use tokio::net::TcpListener;
use tower::ServiceBuilder;

use super::database::{self, Keeper};
use super::door::{BehindDoor, Closed, Door};
use super::in_place::InPlace;
use super::lock::DataFolder;
use super::view::{STORE, View, file_in};
use super::{Front, GateTokens, OwnTokens, StartError, WithHealth};
use crate::account::Account;
use crate::account::local::LocalAccount;
use crate::clock::SystemClock;
use crate::config::{Config, ManagedGroups, Secret, TrustedProxies};
use crate::confirm;
use crate::credentials::{SessionFile, SessionGate};
use crate::file;
use crate::health::{Health, Source};
use crate::mapping::{BridgeStore, Settings, registry, view_is_of};
use crate::random::SystemRandom;

/// The greatest page, as the original declares it.
const MAX_RESULTS: usize = 10_000;
/// How often the server says that it lives, and looks for room on the disk; well within the lease of a report.
const HEARTBEAT: Duration = Duration::from_secs(60);
/// How many bytes must fit in the data folder for changes to be taken.
const ROOM: usize = 1 << 18;
/// How long a request may take. Sizes are limited by the service, connections and heads by the server.
const REQUEST_TIME: Duration = Duration::from_secs(30);

/// How long the database may take to hear that this bridge has ended.
const RELEASE: Duration = Duration::from_secs(3);

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
    /// The URL of a PostgreSQL database for what identity providers see. None: a file in the folder.
    pub database_url: Option<Secret>,
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
        options.database_url = config.database_url().cloned();
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
            database_url: None,
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
    view: View,
    gate: Arc<SessionGate>,
    health: Health,
    keeping: Option<Keeping>,
    options: Options,
    folder: DataFolder,
}

/// A view in a database.
#[derive(Debug)]
struct Keeping {
    keeper: Keeper,
    /// While it is not there yet.
    closed: Option<Closed>,
}

/// Where the view is.
enum Place<'o> {
    File(SqliteStore),
    /// At this URL.
    Database(&'o Secret),
}

impl Place<'_> {
    /// Where the data folder has no account, there must be no view of one.
    async fn check_without_account(&self, folder: &Path) -> Result<(), StartError> {
        let lost = || StartError::AccountLost { folder: folder.to_owned(), is_missing: true };
        let is_nobodys = async |view: &SqliteStore| {
            view_is_of(view, &SystemClock, &[]).await.map_err(StartError::Reconcile)
        };
        match self {
            Self::File(view) if !is_nobodys(view).await? => Err(lost()),
            Self::Database(_)
                if let Some(view) = file_in(folder)?
                    && !is_nobodys(&view).await? =>
            {
                Err(lost())
            }
            Self::Database(url) if database::is_claimed(url).await? => {
                Err(StartError::DatabaseOfAnother { folder: folder.to_owned(), is_missing: true })
            }
            Self::File(_) | Self::Database(_) => Ok(()),
        }
    }
}

impl Bridge {
    /// Takes the data folder for itself, opens account and store, brings what identity providers see into line with the
    /// account, and listens. A database that is away is waited for while it runs.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let clock = Arc::new(SystemClock);
        let folder = DataFolder::take(&options.data_dir)?;
        let gate = Arc::new(SessionGate::new(options.session.clone(), &SystemRandom)?);
        let place = match &options.database_url {
            None => Place::File(SqliteStore::open(options.data_dir.join(STORE))?),
            Some(url) => Place::Database(url),
        };
        // Before one is made: what the account kept beside itself must stay as it is, to be restored.
        if !LocalAccount::exists(&options.data_dir) {
            place.check_without_account(&options.data_dir).await?;
        }
        let random = Arc::new(SystemRandom);
        let account = LocalAccount::open(&options.data_dir, Arc::clone(&gate), clock.clone(), random)?;
        let (inner, database): (Arc<dyn ResourceStore>, _) = match place {
            Place::File(file) => (Arc::new(InPlace::new(file, folder.place())), None),
            Place::Database(url) => {
                let database = Arc::new(database::open(url, &account, &folder).await?);
                (Arc::new(InPlace::new(Arc::clone(&database), folder.place())), Some(database))
            }
        };
        let account = Arc::new(account);
        let settings = options.settings.clone();
        let store = BridgeStore::new(Arc::clone(&inner), account.clone(), clock.clone(), settings);
        let view = View {
            inner,
            store: Arc::new(store),
            account,
            data_dir: options.data_dir.clone(),
            managed_groups: options.managed_groups.clone(),
            passed_over: Arc::default(),
        };
        let health = Health::new(clock);
        let keeping = match database {
            None => {
                view.bring_into_line().await?;
                None
            }
            Some(database) => {
                view.check_file().await?;
                let (view, health) = (view.clone(), health.clone());
                let keeper = Keeper { database, view, door: Door::default(), health };
                let closed = keeper.start().await?;
                Some(Keeping { keeper, closed })
            }
        };
        view.warn_of_unmatched_groups().await?;
        let listener = TcpListener::bind(options.address)
            .await
            .map_err(|source| StartError::Listen { address: options.address, source })?;
        Ok(Self { listener, view, gate, health, keeping, options, folder })
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
        let Self { listener, view, gate, health, keeping, options, folder } = self;
        let View { store, account: local, passed_over, .. } = view;
        let account: Arc<dyn Account> = Arc::clone(store.account());
        let door = keeping.as_ref().map(|keeping| keeping.keeper.door.clone());
        let database = keeping.as_ref().map(|keeping| Arc::clone(&keeping.keeper.database));
        let served: Arc<dyn ResourceStore> = match &door {
            None => Arc::clone(&store) as _,
            Some(door) => Arc::new(BehindDoor::new(Arc::clone(&store), door.clone())),
        };
        let mut scim = ScimService::builder(served)
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
            tokio::spawn(select_groups(Arc::clone(&store), gate, options.managed_groups, door)),
            tokio::spawn(keep(keeping)),
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
        if let Some(database) = database {
            release(&database).await;
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
async fn select_groups(
    store: Arc<BridgeStore>,
    gate: Arc<SessionGate>,
    selected: ManagedGroups,
    door: Option<Door>,
) {
    gate.unlocked().await;
    let _inside = match &door {
        Some(door) => Some(door.wait().await),
        None => None,
    };
    if let Err(error) = store.select_groups(&selected).await {
        tracing::error!(error = %error, "the groups of OP_BRIDGE_MANAGED_GROUPS could not be selected");
    }
}

async fn keep(keeping: Option<Keeping>) {
    if let Some(Keeping { keeper, closed }) = keeping {
        keeper.keep(closed).await;
    }
}

/// Lets the next bridge begin at once, wherever that is. Without this it waits for a while.
async fn release(database: &PostgresStore) {
    let released = tokio::time::timeout(RELEASE, database.release_claim()).await;
    if !matches!(released, Ok(Ok(_))) {
        tracing::warn!("the database could not be told that this bridge has ended");
    }
}

/// Reports once in a while, after looking for room on the disk, and whenever a write tells something new.
async fn heartbeat(
    health: Health,
    passed_over: Arc<AtomicUsize>,
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
    let mut was_passed_over = false;
    // It serves. A slow disk takes its time to say more.
    health.report(Source::ScimServer, !store.disk().condition().is_failing());
    loop {
        let is_passed_over = passed_over.load(Ordering::Relaxed) > 0;
        if is_passed_over || was_passed_over {
            health.report(Source::Reconciliation, !is_passed_over);
        }
        was_passed_over |= is_passed_over;
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
