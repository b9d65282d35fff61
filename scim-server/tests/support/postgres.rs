//! A PostgreSQL server of one's own for tests: in a temporary folder, with no port, gone when the test program ends; or
//! another one, of PostgreSQL or of what speaks its language, at the URL in `POSTGRES_TESTS_URL`.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// A running server. It ends, and its folder goes, when this is dropped or the process ends in whatever way.
pub(crate) struct Cluster {
    folder: PathBuf,
    programs: PathBuf,
    user: Option<&'static str>,
    port: u16,
    /// Waits for the end of its input, which this process keeps open while it lives, and cleans up.
    cleaner: Child,
}

/// Whether there is a server to test with. Without one, the tests that need it are passed over, and this says so once;
/// with `POSTGRES_TESTS=required`, as CI has it, that is an error.
pub(crate) fn is_there() -> bool {
    static IS_THERE: OnceLock<bool> = OnceLock::new();
    *IS_THERE.get_or_init(|| {
        if programs().is_some() {
            return true;
        }
        let is_required = std::env::var("POSTGRES_TESTS").is_ok_and(|value| value == "required");
        assert!(!is_required, "{MISSING}");
        // Past what the test runner keeps to itself.
        let _ = writeln!(std::io::stderr(), "not tested with PostgreSQL: {MISSING}");
        false
    })
}

const MISSING: &str = "the initdb and pg_ctl of a PostgreSQL server are neither on the PATH nor in /usr/lib/postgresql: \
    install it, on Debian by `apt-get install postgresql`; it need not run";

/// The server of one's own that the tests of one program share: for those that look into it, which each server has its
/// own ways for.
pub(crate) fn shared() -> &'static Cluster {
    static SHARED: OnceLock<Cluster> = OnceLock::new();
    SHARED.get_or_init(Cluster::start_new)
}

/// The URL of a database in the server that tests are to use, where that is not one of their own. The user may make new
/// ones there; nobody takes them away.
fn given() -> Option<String> {
    std::env::var("POSTGRES_TESTS_URL").ok().filter(|url| !url.is_empty())
}

/// The URL of a new database: in the server that is given, if one is, and otherwise in the shared one.
pub(crate) fn database() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let Some(given) = given() else { return shared().database() };
    let name = format!("scim_test_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    sql(&given, &format!("CREATE DATABASE {name}"));
    let (front, back) = given.split_once("://").expect("a URL in POSTGRES_TESTS_URL");
    let (server, rest) = back.split_once('/').unwrap_or((back, ""));
    let options = rest.find('?').map_or("", |at| &rest[at..]);
    let url = format!("{front}://{server}/{name}{options}");
    prepare(&url, &name);
    url
}

/// Runs what is to be done with a new database of a given server once it has its tables, such as spreading them over
/// machines: the program in `POSTGRES_TESTS_PREPARE`, with the URL and the name of the database.
fn prepare(url: &str, name: &str) {
    let Some(program) = std::env::var_os("POSTGRES_TESTS_PREPARE").filter(|program| !program.is_empty())
    else {
        return;
    };
    let store = scim_server::store::PostgresStore::open(url).unwrap();
    wait(async move { store.ready().await.unwrap() });
    output(Command::new(program).args([url, name]).stdin(Stdio::null()));
}

/// Runs a statement in the database at a URL, as somebody else.
pub(crate) fn sql(url: &str, sql: &str) -> Vec<tokio_postgres::SimpleQueryMessage> {
    let (url, sql) = (url.to_owned(), sql.to_owned());
    wait(async move {
        let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
        let connection = tokio::spawn(connection);
        let answer = client.simple_query(&sql).await.unwrap();
        drop(client);
        connection.await.unwrap().unwrap();
        answer
    })
}

/// Waits for what needs a runtime, wherever this is.
fn wait<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(work)
    })
    .join()
    .unwrap()
}

impl Cluster {
    /// Makes a server and starts it.
    pub(crate) fn start_new() -> Self {
        Self::start_with(None, "", &[])
    }

    /// The same on a port of this machine, with further settings and files.
    pub(crate) fn start_with(port: Option<u16>, further: &str, files: &[(&str, &str)]) -> Self {
        let programs = programs().expect(MISSING);
        // PostgreSQL does not run as root.
        let user = (output(Command::new("id").arg("-u")) == "0").then(|| {
            let known = |user: &&str| Command::new("id").arg(user).output().is_ok_and(|o| o.status.success());
            ["postgres", "nobody"].into_iter().find(known).expect("a user to run PostgreSQL as")
        });
        let folder = tempfile::Builder::new().prefix("scim-pg-").tempdir().unwrap().keep();
        if let Some(user) = user {
            output(Command::new("chown").arg(user).arg(&folder));
        }
        let script = r#"trap '' INT TERM HUP; cat >/dev/null; "$@" -m immediate stop; rm -rf "$FOLDER""#;
        let data = folder.join("data");
        let mut arguments = command_line(user, &programs.join("pg_ctl"));
        arguments.extend(["-D".into(), data.clone().into(), "-s".into()]);
        let cleaner = Command::new("sh")
            .args(["-c", script, "sh"])
            .args(&arguments)
            .env("FOLDER", &folder)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        let cluster = Self { folder, programs, user, port: port.unwrap_or(5432), cleaner };
        cluster.run("initdb", &["-U", "scim", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]);
        let settings = format!(
            "listen_addresses = '{}'\nport = {}\nunix_socket_directories = '{}'\nmax_connections = 300\n\
             fsync = off\nfull_page_writes = off\nlog_statement = none\ndeadlock_timeout = 50ms\n{further}",
            if port.is_some() { "127.0.0.1" } else { "" },
            cluster.port,
            cluster.folder.display(),
        );
        let file = data.join("postgresql.conf");
        let before = fs::read_to_string(&file).unwrap();
        fs::write(&file, before + &settings).unwrap();
        for (name, text) in files {
            let path = data.join(name);
            fs::write(&path, text).unwrap();
            output(Command::new("chmod").arg("600").arg(&path));
            if let Some(user) = user {
                output(Command::new("chown").arg(user).arg(&path));
            }
        }
        cluster.start();
        cluster
    }

    /// Starts it after it was stopped.
    pub(crate) fn start(&self) {
        let log = self.folder.join("log");
        self.run("pg_ctl", &["-s", "-w", "-t", "60", "-l", log.to_str().unwrap(), "start"]);
    }

    /// Stops it at once, as a crash would.
    pub(crate) fn stop(&self) {
        self.run("pg_ctl", &["-s", "-w", "-m", "immediate", "stop"]);
    }

    /// Where it listens.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.join(format!(".s.PGSQL.{}", self.port))
    }

    /// The URL of a database.
    pub(crate) fn url(&self, name: &str) -> String {
        let folder = self.folder.to_str().unwrap().replace('/', "%2F");
        format!("postgres:///{name}?host={folder}&port={}&user=scim", self.port)
    }

    /// The URL of a new database.
    pub(crate) fn database(&self) -> String {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("scim{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        self.url(&name)
    }

    /// Runs a statement in a database, as somebody else.
    pub(crate) fn sql(&self, database: &str, sql: &str) -> Vec<tokio_postgres::SimpleQueryMessage> {
        self::sql(&self.url(database), sql)
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let line = command_line(self.user, &self.programs.join(program));
        let (first, rest) = line.split_first().unwrap();
        let mut command = Command::new(first);
        command.args(rest).arg("-D").arg(self.folder.join("data")).args(arguments).current_dir("/");
        // What stays behind must not hold the pipes of this process open.
        let log = fs::File::options().create(true).append(true).open(self.folder.join("messages")).unwrap();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let status = command.status().unwrap_or_else(|error| panic!("{program} cannot be run: {error}"));
        let messages = || fs::read_to_string(self.folder.join("messages")).unwrap_or_default();
        assert!(status.success(), "{program} {arguments:?}: {}", messages());
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.cleaner.stdin.take());
        let _ = self.cleaner.wait();
    }
}

fn command_line(user: Option<&str>, program: &Path) -> Vec<std::ffi::OsString> {
    let mut line: Vec<std::ffi::OsString> = Vec::new();
    if let Some(user) = user {
        line.extend(["runuser", "-u", user, "--"].map(Into::into));
    }
    line.push(program.into());
    line
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The folder of `initdb` and `pg_ctl`: on the path, or where Debian puts them, the newest version first.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let mut debian: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let folder = entry.ok()?.path();
            Some((folder.file_name().and_then(OsStr::to_str)?.parse().ok()?, folder.join("bin")))
        })
        .collect();
    debian.sort_unstable_by_key(|(version, _)| std::cmp::Reverse(*version));
    folders.extend(debian.into_iter().map(|(_, folder)| folder));
    let complete = |folder: &PathBuf| ["initdb", "pg_ctl"].iter().all(|name| folder.join(name).is_file());
    folders.into_iter().find(complete)
}
