use std::path::Path;
use std::pin::Pin;
use std::sync::mpsc;

use rusqlite::Connection;
use scim_core::{Object, Registry, Resource};

use super::super::NewResource;
use super::*;

fn user(name: &str) -> Resource {
    Resource::from_attributes([("userName", name)].into_iter().collect::<Object>())
}

async fn create(store: &SqliteStore, id: &str) -> Result<Record, StoreError> {
    let registry = Registry::rfc7643();
    let context = RequestContext::new(Arc::clone(&registry), chrono::DateTime::UNIX_EPOCH);
    let new = NewResource::new(id.parse().unwrap(), user(id), Vec::new());
    let write = Write::create(registry.by_name("User").unwrap(), new).with_load(Load::None);
    store.write(&context, write).await?.into_created()
}

fn refusal(path: &Path) -> String {
    SqliteStore::open(path).unwrap_err().to_string()
}

#[test]
fn what_cannot_be_opened_is_refused_with_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);

    std::fs::write(
        at("text"),
        "this is no database, but long enough to be taken for one by its size".repeat(20),
    )
    .unwrap();
    assert!(refusal(&at("text")).ends_with("is not a SQLite database"), "{}", refusal(&at("text")));

    Connection::open(at("other")).unwrap().execute_batch("CREATE TABLE theirs (a)").unwrap();
    assert!(refusal(&at("other")).ends_with("belongs to another program"), "{}", refusal(&at("other")));

    drop(SqliteStore::open(at("newer")).unwrap());
    Connection::open(at("newer")).unwrap().pragma_update(None, "user_version", 1_000).unwrap();
    assert!(refusal(&at("newer")).contains("newer version of this program"), "{}", refusal(&at("newer")));

    assert!(refusal(&at("none/x")).contains("check that its folder exists"), "{}", refusal(&at("none/x")));
    assert!(refusal(folder.path()).contains("cannot be opened"), "{}", refusal(folder.path()));
}

#[cfg(unix)]
#[test]
fn a_new_database_is_its_owners_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scim.db");
    let _store = SqliteStore::open(&path).unwrap();
    for name in ["scim.db", "scim.db-wal", "scim.db-shm"] {
        let mode = std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn two_stores_on_one_file_see_each_other_and_share_no_version() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scim.db");
    let stores = [SqliteStore::open(&path).unwrap(), SqliteStore::open(&path).unwrap()];
    let mut versions = Vec::new();
    for (n, store) in stores.iter().cycle().take(6).enumerate() {
        versions.push(create(store, &format!("u{n}")).await.unwrap().version.number());
    }
    assert_eq!(versions, [1, 2, 3, 4, 5, 6]);
    assert!(matches!(create(&stores[0], "u5").await, Err(StoreError::Uniqueness { .. })));
}

#[tokio::test]
async fn a_file_that_another_process_keeps_locked_is_unavailable_for_now() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scim.db");
    let options = SqliteOptions::default().with_busy_timeout(std::time::Duration::from_millis(20));
    let store = SqliteStore::open_with(&path, &options).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(matches!(create(&store, "u1").await, Err(StoreError::Unavailable(_))));
    other.execute_batch("ROLLBACK").unwrap();
    create(&store, "u1").await.unwrap();
}

#[tokio::test]
async fn a_damaged_document_is_an_error_and_nothing_worse() {
    let store = SqliteStore::in_memory().unwrap();
    create(&store, "u1").await.unwrap();
    let damage = |batch: &Batch<'_>| {
        let sql = "UPDATE resources SET document = x'7b22'";
        batch.connection().execute(sql, []).map(drop).map_err(error::failed)
    };
    store.writer.run(damage).await.unwrap();
    let registry = Registry::rfc7643();
    let context = RequestContext::new(Arc::clone(&registry), chrono::DateTime::UNIX_EPOCH);
    let user = registry.by_name("User").unwrap();
    // Nothing that SQL sees, so that the document is read.
    let filter = scim_core::scim_filter::Filter::parse("x509Certificates.value co \"YQ==\"").unwrap();
    let filter = filter.resolve(&**user, &scim_core::scim_filter::ResolveOptions::default()).unwrap();
    let scope = super::super::Scope::all(Arc::clone(user)).with_filter(Some(filter));
    let outcome = store.query(&context, &Query::new(vec![scope], 1)).await;
    assert!(matches!(outcome, Err(StoreError::Internal(_))), "{outcome:?}");
}

#[tokio::test]
async fn a_full_disk_loses_nothing_that_was_answered() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("scim.db")).unwrap();
    let limit = async |pages: i64| {
        let set = move |batch: &Batch<'_>| {
            let name = "max_page_count";
            batch.connection().pragma_update_and_check(None, name, pages, |_| Ok(())).map_err(error::failed)
        };
        store.writer.run(set).await.unwrap();
    };
    limit(40).await;
    let mut made = 0_u64;
    let full = loop {
        match create(&store, &format!("user-with-a-rather-long-name-{made}")).await {
            Ok(_) => made += 1,
            Err(error) => break error,
        }
        assert!(made < 10_000);
    };
    assert!(matches!(full, StoreError::Unavailable(_)), "{full:?}");
    assert!(made > 0);
    limit(4_000).await;
    create(&store, "one-more").await.unwrap();
    let registry = Registry::rfc7643();
    let context = RequestContext::new(Arc::clone(&registry), chrono::DateTime::UNIX_EPOCH);
    let scope = super::super::Scope::all(Arc::clone(registry.by_name("User").unwrap()));
    let page = store.query(&context, &Query::new(vec![scope], 10_000)).await.unwrap();
    assert_eq!((page.total_results, page.records.len() as u64), (Some(made + 1), made + 1));
}

async fn found(store: &SqliteStore, name: &str) -> Vec<String> {
    let registry = Registry::rfc7643();
    let context = RequestContext::new(Arc::clone(&registry), chrono::DateTime::UNIX_EPOCH);
    let definition = registry.by_name("User").unwrap();
    let text = format!("userName eq \"{name}\"");
    let filter = scim_core::scim_filter::Filter::parse(&text).unwrap();
    let filter = filter.resolve(&**definition, &scim_core::scim_filter::ResolveOptions::default()).unwrap();
    let scope = super::super::Scope::all(Arc::clone(definition)).with_filter(Some(filter));
    let page = store.query(&context, &Query::new(vec![scope], 10)).await.unwrap();
    page.records.iter().map(|record| record.id.to_string()).collect()
}

#[tokio::test]
async fn user_names_that_were_kept_by_other_rules_are_found_by_those_of_today() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scim.db");
    let store = SqliteStore::open(&path).unwrap();
    create(&store, "straße").await.unwrap();
    create(&store, "anna").await.unwrap();
    drop(store);
    // As the version before left it.
    let old = Connection::open(&path).unwrap();
    old.execute("UPDATE unique_values SET value = 'strasse' WHERE value = 'straße'", []).unwrap();
    take_search_documents(&old);
    old.execute_batch("DROP TABLE key_rules").unwrap();
    old.pragma_update(None, "user_version", 1).unwrap();
    drop(old);
    for _ in 0..2 {
        let store = SqliteStore::open(&path).unwrap();
        assert_eq!(found(&store, "STRAẞE").await, ["straße"]);
        assert_eq!(found(&store, "Anna").await, ["anna"]);
        assert!(matches!(create(&store, "straße").await, Err(StoreError::Uniqueness { .. })));
    }
    let store = SqliteStore::open(&path).unwrap();
    create(&store, "strasse").await.unwrap();
    assert_eq!(found(&store, "STRASSE").await, ["strasse"]);
}

/// Keeps the thread that writes from going on until it is told to; begun once the first receiver has heard of it.
fn hold(store: &Arc<SqliteStore>) -> (mpsc::Receiver<()>, mpsc::Sender<()>, tokio::task::JoinHandle<()>) {
    let (begun, has_begun) = mpsc::channel();
    let (go, may_go) = mpsc::channel();
    let store = Arc::clone(store);
    let task = tokio::spawn(async move {
        let wait = move |_: &Batch<'_>| {
            begun.send(()).map_err(StoreError::internal)?;
            may_go.recv().map_err(StoreError::internal)
        };
        store.writer.run(wait).await.unwrap();
    });
    (has_begun, go, task)
}

/// Polls a future so often that it waits in line, and no further.
async fn poll_once<F: Future + ?Sized>(future: Pin<&mut F>) {
    let mut future = Some(future);
    std::future::poll_fn(|context| {
        if let Some(future) = future.take() {
            assert!(future.poll(context).is_pending());
        }
        std::task::Poll::Ready(())
    })
    .await;
}

async fn names(store: &SqliteStore) -> Vec<(String, u64)> {
    let registry = Registry::rfc7643();
    let context = RequestContext::new(Arc::clone(&registry), chrono::DateTime::UNIX_EPOCH);
    let scope = super::super::Scope::all(Arc::clone(registry.by_name("User").unwrap()));
    let page = store.query(&context, &Query::new(vec![scope], 10_000)).await.unwrap();
    page.records.iter().map(|record| (record.id.to_string(), record.version.number())).collect()
}

#[tokio::test]
async fn a_write_that_nobody_waits_for_any_more_is_not_begun() {
    let store = Arc::new(SqliteStore::in_memory().unwrap());
    let (has_begun, go, held) = hold(&store);
    tokio::task::yield_now().await;
    has_begun.recv().unwrap();
    let mut given_up = Box::pin(create(&store, "given-up"));
    poll_once(given_up.as_mut()).await;
    let mut waited_for = Box::pin(create(&store, "waited-for"));
    poll_once(waited_for.as_mut()).await;
    drop(given_up);
    go.send(()).unwrap();
    held.await.unwrap();
    waited_for.await.unwrap();
    assert_eq!(names(&store).await, [("waited-for".to_owned(), 1)]);
}

/// With no time for more than one write in a transaction: others write between two of a bulk request, and it ends where
/// it is given up.
#[tokio::test]
async fn many_writes_let_others_in_between_and_end_with_their_caller() {
    let options = SqliteOptions::default().with_batch_time(std::time::Duration::ZERO);
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open_with(folder.path().join("scim.db"), &options).unwrap());
    let registry = Registry::rfc7643();
    let context = RequestContext::new(Arc::clone(&registry), chrono::DateTime::UNIX_EPOCH);
    let write = |id: &str| {
        let new = NewResource::new(id.parse().unwrap(), user(id), Vec::new());
        Write::create(registry.by_name("User").unwrap(), new).with_load(Load::None)
    };
    let (first_begun, go_first, first) = hold(&store);
    tokio::task::yield_now().await;
    first_begun.recv().unwrap();
    // In line: a write of many, one of another request, and what holds the next up.
    let writes = ["a", "b", "c", "d"].map(write).into_iter().collect();
    let mut many = store.write_all(&context, writes, None);
    poll_once(many.as_mut()).await;
    let mut other = Box::pin(create(&store, "other"));
    poll_once(other.as_mut()).await;
    let (second_begun, go_second, second) = hold(&store);
    tokio::task::yield_now().await;
    go_first.send(()).unwrap();
    first.await.unwrap();
    second_begun.recv().unwrap();
    other.await.unwrap();
    poll_once(many.as_mut()).await;
    drop(many);
    go_second.send(()).unwrap();
    second.await.unwrap();
    create(&store, "last").await.unwrap();
    let seen = names(&store).await;
    assert_eq!(seen, [("a".to_owned(), 1), ("other".to_owned(), 2), ("last".to_owned(), 3)]);
    // One that is waited for ends as if there had been time.
    let writes = ["e", "a", "f", "other", "g"].map(write).into_iter().collect();
    let outcomes = store.write_all(&context, writes, NonZeroUsize::new(2)).await;
    let done: Vec<bool> = outcomes.iter().map(Result::is_ok).collect();
    assert_eq!(done, [true, false, true, false]);
}

/// Makes a database what it was before there were search documents.
fn take_search_documents(connection: &Connection) {
    connection
        .execute_batch(
            "DROP TABLE search;
             DROP TRIGGER count_created;
             DROP TRIGGER count_deleted;
             DROP TRIGGER count_shaped;
             ALTER TABLE resources DROP COLUMN shape;
             ALTER TABLE counts RENAME TO counts_by_shape;
             CREATE TABLE counts (tenant TEXT NOT NULL, type TEXT NOT NULL, count INTEGER NOT NULL,
                 PRIMARY KEY (tenant, type)) STRICT, WITHOUT ROWID;
             INSERT INTO counts SELECT tenant, type, sum(count) FROM counts_by_shape GROUP BY tenant, type;
             DROP TABLE counts_by_shape;
             CREATE TRIGGER count_created AFTER INSERT ON resources BEGIN
                 INSERT INTO counts (tenant, type, count) VALUES (new.tenant, new.type, 1)
                 ON CONFLICT (tenant, type) DO UPDATE SET count = count + 1;
             END;
             CREATE TRIGGER count_deleted AFTER DELETE ON resources BEGIN
                 UPDATE counts SET count = count - 1 WHERE tenant = old.tenant AND type = old.type;
             END;",
        )
        .unwrap();
}

#[tokio::test]
async fn a_database_without_search_documents_is_searched_and_gets_them() {
    const USERS: usize = 700;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scim.db");
    let options = SqliteOptions::default().with_synchronous(Synchronous::Normal);
    let store = SqliteStore::open_with(&path, &options).unwrap();
    for n in 0..USERS {
        create(&store, &format!("user{n}")).await.unwrap();
    }
    drop(store);
    let old = Connection::open(&path).unwrap();
    take_search_documents(&old);
    old.pragma_update(None, "user_version", 2).unwrap();
    drop(old);
    let store = SqliteStore::open_with(&path, &options).unwrap();
    let sorted = |text: &str| {
        let registry = Registry::rfc7643();
        let definition = registry.by_name("User").unwrap();
        let filter = scim_core::scim_filter::Filter::parse(text).unwrap();
        let options = scim_core::scim_filter::ResolveOptions::default();
        let sort = scim_core::scim_filter::AttrPath::parse("userName").unwrap();
        let scope = super::super::Scope::all(Arc::clone(definition))
            .with_filter(Some(filter.resolve(&**definition, &options).unwrap()))
            .with_sort_by(Some(sort.resolve_sort(&**definition).unwrap()));
        (RequestContext::new(registry, chrono::DateTime::UNIX_EPOCH), Query::new(vec![scope], 2))
    };
    let (context, query) = sorted("userName ew \"9\" and id pr");
    let count = async || {
        let sql = "SELECT count(*) FROM search";
        let count = |batch: &Batch<'_>| batch.connection().query_row(sql, [], |row| row.get(0));
        store.writer.run(move |batch| count(batch).map_err(error::failed)).await.unwrap()
    };
    let before: i64 = count().await;
    assert_eq!(before, 0);
    let mut made = 0;
    while made < i64::try_from(USERS).unwrap() {
        let page = store.query(&context, &query).await.unwrap();
        let ids: Vec<_> = page.records.iter().map(|record| record.id.as_str()).collect();
        assert_eq!((page.total_results, ids), (Some(70), vec!["user109", "user119"]), "after {made}");
        made = count().await;
    }
    let (made, total): (i64, i64) = store
        .writer
        .run(|batch| {
            let sql = "SELECT sum(count) FILTER (WHERE shape > 0), sum(count) FROM counts";
            let counts = batch.connection().query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)));
            counts.map_err(error::failed)
        })
        .await
        .unwrap();
    assert_eq!((made, total), (700, 700));
}

/// How SQLite goes about finding what a filter of users matches.
async fn strategy(store: &SqliteStore, filter: &str) -> Vec<String> {
    use super::super::sql::{Sqlite, Statements, Wanted};

    let registry = Registry::rfc7643();
    let user = Arc::clone(registry.by_name("User").unwrap());
    let filter = scim_core::scim_filter::Filter::parse(filter).unwrap();
    let filter = filter.resolve(&*user, &scim_core::scim_filter::ResolveOptions::default()).unwrap();
    let explain = move |batch: &Batch<'_>| {
        let statements = Statements { dialect: Sqlite, tenant: "t", registry: &registry, definition: &user };
        let start = super::super::Start::Index(1);
        let order = scim_core::message::SortOrder::Ascending;
        let wanted = Wanted {
            filter: Some(&filter),
            sort_by: None,
            order,
            start: &start,
            skip: 0,
            take: 10,
            counted: false,
        };
        let (page, _) = statements.page(&wanted).unwrap();
        let mut statement = batch
            .connection()
            .prepare(&format!("EXPLAIN QUERY PLAN {}", page.text))
            .map_err(error::failed)?;
        // What is bound does not decide how (SQLITE_DBCONFIG_ENABLE_QPSG).
        let values = rusqlite::params_from_iter(page.parameters.iter().map(|_| rusqlite::types::Null));
        let steps = statement.query_map(values, |row| row.get(3)).map_err(error::failed)?;
        steps.collect::<rusqlite::Result<_>>().map_err(error::failed)
    };
    store.writer.run(explain).await.unwrap()
}

#[tokio::test]
async fn beginnings_are_looked_up_in_an_index() {
    let store = SqliteStore::in_memory().unwrap();
    for filter in [
        r#"userName sw "a""#,
        r#"emails sw "a""#,
        r#"emails[type eq "work" and value sw "a"]"#,
        r#"title pr and displayName sw "a""#,
    ] {
        let steps = strategy(&store, filter).await;
        assert!(steps[0].contains("rowid=?"), "{filter}: {steps:?}");
        assert!(steps.iter().any(|step| step.contains("value>? AND value<?")), "{filter}: {steps:?}");
    }
    let steps = strategy(&store, r#"title sw "a""#).await;
    assert!(!steps[0].contains("rowid=?"), "{steps:?}");
}
