//! Filters, sorting and paging: what they find in tables of an earlier version, and how much of the tables they read.

use scim_core::message::SortOrder;
use scim_filter::AttrPath;
use scim_server::store::MemoryStore;
use tokio_postgres::SimpleQueryMessage;

use super::*;

fn database_of(url: &str) -> String {
    url.split(['/', '?']).nth(3).unwrap().to_owned()
}

/// The first column of the first row.
fn number(url: &str, sql: &str) -> u64 {
    let answer = server::sql(url, sql);
    let row = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    row.unwrap().parse().unwrap()
}

impl Client {
    fn filtered(&self, definition: &Arc<TypeDefinition>, filter: &str, count: usize) -> Query {
        let filter =
            Filter::parse(filter).unwrap().resolve(&**definition, &ResolveOptions::default()).unwrap();
        let scope = Scope::all(Arc::clone(definition)).with_filter(Some(filter));
        Query::new(vec![scope], count).with_load(Load::None)
    }

    fn sorted(&self, by: &str, count: usize) -> Query {
        let by = AttrPath::parse(by).unwrap().resolve_sort(&*self.user).unwrap();
        let scope = Scope::all(Arc::clone(&self.user)).with_sort_by(Some(by));
        Query::new(vec![scope], count).with_load(Load::None)
    }

    async fn found(&self, query: &Query) -> (Option<u64>, Vec<String>) {
        let page = self.store.query(&self.context, query).await.unwrap();
        (page.total_results, page.records.iter().map(|record| record.id.to_string()).collect())
    }

    /// All ids, page after page and back again.
    async fn walked(&self, query: &Query) -> Vec<String> {
        let (mut query, mut ids, mut back) = (query.clone(), Vec::new(), Vec::new());
        let ids_of = |page: &scim_server::store::Page| -> Vec<String> {
            page.records.iter().map(|record| record.id.to_string()).collect()
        };
        let mut page = self.store.query(&self.context, &query).await.unwrap();
        loop {
            ids.extend(ids_of(&page));
            let Some(next) = page.next.clone() else { break };
            query.start = Start::After(next);
            page = self.store.query(&self.context, &query).await.unwrap();
        }
        loop {
            back.extend(ids_of(&page).into_iter().rev());
            let Some(previous) = page.previous.clone() else { break };
            query.start = Start::Before(previous);
            page = self.store.query(&self.context, &query).await.unwrap();
        }
        back.reverse();
        assert_eq!(back, ids);
        ids
    }
}

/// The tables of the version before search documents, with what is in them.
const BACK: &str = "ALTER TABLE scim_resources DROP COLUMN shape, DROP COLUMN search; \
    ALTER TABLE scim_counts DROP CONSTRAINT scim_counts_pkey; ALTER TABLE scim_counts DROP COLUMN shape; \
    ALTER TABLE scim_counts ADD PRIMARY KEY (tenant, type, slot); DELETE FROM scim_migrations WHERE version > 2";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_of_an_earlier_version_are_searched_and_brought_up_to_date() {
    if !server::is_there() {
        return;
    }
    let url = server::shared().database();
    let before = Client::open(&url);
    let body = |n: usize| {
        format!(r#"{{"userName":"u{n:03}","title":"{}"}}"#, if n.is_multiple_of(7) { "x" } else { "y" })
    };
    let writes = (0..700).map(|n| before.creation(&before.user, &format!("u{n:03}"), &body(n))).collect();
    assert!(before.store.write_all(&before.context, writes, None).await.iter().all(Result::is_ok));
    drop(before);
    server::sql(&url, BACK);

    let client = Client::open(&url);
    let expected: Vec<String> = (0..700).step_by(7).map(|n| format!("u{n:03}")).collect();
    let filter = client.filtered(&client.user, r#"title co "X""#, 1_000);
    let mut by_name = client.sorted("userName", 5).with_order(SortOrder::Descending);
    by_name.start = Start::Index(4);
    let check = async || {
        assert_eq!(client.found(&filter).await, (Some(100), expected.clone()));
        let last = ["u696", "u695", "u694", "u693", "u692"].map(str::to_owned);
        assert_eq!(client.found(&by_name).await, (Some(700), last.to_vec()));
    };
    // At once, while they are made anew, and after.
    check().await;
    for _ in 0..2_000 {
        check().await;
        if number(&url, "SELECT count(*) FROM scim_resources WHERE shape = 0 OR search IS NULL") == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(number(&url, "SELECT count(search) FROM scim_resources WHERE shape > 0"), 700);
    check().await;
    // What is written meanwhile and later is counted right.
    let title = r#"{"op":"replace","path":"title","value":"x"}"#;
    client.patch(&client.user, "u001", title, Precondition::Any).await.unwrap();
    assert!(client.delete(&client.user, "u000").await.unwrap());
    assert_eq!(client.found(&filter).await.0, Some(100));
    assert_eq!(client.count().await, 699);
    let differ = "SELECT count(*) FROM (SELECT type, shape, sum(count) AS n FROM scim_counts GROUP BY 1, 2) c \
        FULL JOIN (SELECT type, shape, count(*) AS n FROM scim_resources GROUP BY 1, 2) r USING (type, shape) \
        WHERE coalesce(c.n, 0) <> coalesce(r.n, 0)";
    assert_eq!(number(&url, differ), 0);
}

/// Texts that PostgreSQL does not take as they are, and some about them, sort and compare as in memory.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strange_texts_sort_and_compare_as_in_memory() {
    if !server::is_there() {
        return;
    }
    let long = "é".repeat(2_000);
    let texts = [
        "a",
        "a\0b",
        "a\u{1}b",
        "a\u{1}\u{1}b",
        "a\u{2}b",
        "ab",
        "",
        "\u{10ffff}",
        "\u{ffff}",
        "é",
        "Z",
        &long,
    ];
    let clients = [Client::open(&server::database()), Client::of(Arc::new(MemoryStore::new()))];
    for client in &clients {
        for (n, text) in texts.iter().enumerate() {
            let attributes: Object = [
                ("userName", format!("u{n}")),
                ("displayName", (*text).to_owned()),
                ("title", (*text).to_owned()),
            ]
            .into_iter()
            .collect();
            let new =
                NewResource::new(rid(&format!("u{n:02}")), Resource::from_attributes(attributes), Vec::new());
            client.store.write(&client.context, Write::create(&client.user, new)).await.unwrap();
        }
    }
    let [postgres, memory] = &clients;
    for by in ["displayName", "title", "userName"] {
        for order in [SortOrder::Ascending, SortOrder::Descending] {
            let query = postgres.sorted(by, 1).with_order(order);
            let walked = postgres.walked(&query).await;
            assert_eq!(walked, memory.walked(&query).await, "{by}");
            assert_eq!(walked.len(), texts.len());
        }
    }
    for text in texts {
        let quoted = String::from_utf8(Value::from(text).to_vec()).unwrap();
        for attribute in ["displayName", "title"] {
            for op in ["eq", "ne", "co", "sw", "ew", "gt", "le"] {
                let query = postgres.filtered(&postgres.user, &format!("{attribute} {op} {quoted}"), 100);
                let short: String = quoted.chars().take(20).collect();
                assert_eq!(
                    postgres.found(&query).await,
                    memory.found(&query).await,
                    "{attribute} {op} {short}"
                );
            }
        }
    }
}

/// Of 20,000 users, questions that an index answers read a page's worth, wherever the page is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_index_answers_reads_no_more_than_the_page() {
    if !server::is_there() {
        return;
    }
    let url = server::shared().database();
    let name = database_of(&url);
    let client = Client::open(&url);
    let body = r#"{"userName":"u00000","emails":[{"value":"u00000@example.com","type":"work"}]}"#;
    client.create(&client.user, "u00000", body).await.unwrap();
    client
        .create(&client.group, "all", r#"{"displayName":"all","members":[{"value":"u00000"}]}"#)
        .await
        .unwrap();
    drop(client);
    let values = |table: &str| {
        format!(
            "INSERT INTO {table} (tenant, type, attribute, value, resource) \
             SELECT k.tenant, k.type, k.attribute, replace(k.value, 'u00000', n.name), r.seq \
             FROM {table} k, n JOIN scim_resources r ON r.id = n.name WHERE k.type = 'User'; "
        )
    };
    // The others are copies with other names.
    let fill = format!(
        "CREATE TEMP TABLE n AS SELECT n, 'u' || lpad(n::text, 5, '0') AS name FROM generate_series(1, 19999) n; \
         INSERT INTO scim_resources (tenant, seq, type, id, created, last_modified, version, document, shape, search) \
         SELECT tenant, 100 + n, type, name, created, last_modified, version, \
          convert_to(replace(convert_from(document, 'UTF8'), 'u00000', name), 'UTF8'), shape, \
          replace(search::text, 'u00000', name)::jsonb FROM scim_resources, n WHERE id = 'u00000'; {}{}\
         INSERT INTO scim_relations (tenant, source, attribute, target, added, place) \
         SELECT v.tenant, v.source, v.attribute, 100 + n, v.added, n FROM scim_relations v, n; \
         UPDATE scim_counts SET count = 20000 WHERE type = 'User'; ANALYZE",
        values("scim_unique_values"),
        values("scim_shared_values"),
    );
    server::sql(&url, &fill);

    let client = Client::open(&url);
    let user = &client.user;
    let work = r#"emails[type eq "work" and value eq "U12345@example.com"]"#;
    let members = client.filtered(user, r#"groups.value eq "all""#, 10);
    let (mut middle, mut of_members) = (client.users(10), members);
    let at = Start::After(scim_server::store::Position::new(scim_filter::SortKey::Unassigned, 10_100));
    (middle.start, of_members.start) = (at.clone(), at);
    let ten: Vec<String> = (10_001..10_011).map(|n| format!("u{n:05}")).collect();
    let (one, six) = (vec!["u12345".to_owned()], (12_340..12_346).map(|n| format!("u{n}")).collect());
    let questions = [
        ("userName eq", client.filtered(user, r#"userName eq "U12345""#, 10), one.clone(), 20),
        ("value path", client.filtered(user, work, 10), one.clone(), 20),
        ("userName sw", client.filtered(user, r#"userName sw "u1234" and title eq null"#, 6), six, 200),
        ("page", middle, ten.clone(), 150),
        ("members", of_members, ten, 150),
    ];
    drop(client);
    // What a connection has read is added up once it ends.
    let read = async || {
        let connected = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}' AND application_name = 'scim-server'"
        );
        while number(&server::shared().url("postgres"), &connected) > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        number(
            &url,
            "SELECT (SELECT sum(seq_tup_read) FROM pg_stat_user_tables WHERE relname NOT LIKE '%migrations') \
             + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE relname NOT LIKE '%migrations')",
        )
    };
    let mut before = read().await;
    for (what, query, expected, most) in questions {
        let client = Client::open(&url);
        let (_, found) = client.found(&query).await;
        assert_eq!(found, expected, "{what}");
        drop(client);
        let after = read().await;
        assert!(after - before <= most, "{what} reads {}", after - before);
        before = after;
    }
}

/// A search waits for a connection and for the database no longer than it may, and gives its connection back before
/// anybody reads the answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn searches_end_in_time_and_hold_no_connection() {
    if !server::is_there() {
        return;
    }
    let cluster = server::Cluster::start_new();
    let options = PostgresOptions::default().with_connections(1).with_acquire_timeout(Duration::from_secs(2));
    let client = Client::new(PostgresStore::open_with(&cluster.database(), &options).unwrap());
    for n in 0..100 {
        client.create_user(&format!("u{n}")).await.unwrap();
    }
    let questions = [
        client.filtered(&client.user, r#"userName co "u" and title eq null"#, 100),
        client.filtered(&client.user, r#"meta.location co "u""#, 100),
        client.sorted("userName", 100),
    ];
    // One connection serves them all, and their answers stay unread.
    let mut unread = Vec::new();
    for query in questions.iter().cycle().take(9) {
        unread.push(client.store.query(&client.context, query).await.unwrap());
    }
    assert!(unread.iter().all(|page| page.total_results == Some(100) && page.records.len() == 100));
    cluster.stop();
    for query in &questions {
        match client.store.query(&client.context, query).await {
            Err(StoreError::Unavailable(error)) => assert!(error.retry_after > Duration::ZERO),
            other => panic!("{other:?}"),
        }
    }
    cluster.start();
    for query in &questions {
        assert_eq!(client.found(query).await.0, Some(100));
    }
}

/// To try again would take as long again: the client is told what to do instead.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_that_takes_too_long_is_no_failure_of_the_database() {
    if !server::is_there() {
        return;
    }
    let url = server::database();
    let client = Client::open(&url);
    let writes = (0..5_000).map(|n| {
        let body = format!(r#"{{"userName":"u{n}","title":"{}"}}"#, "x".repeat(200));
        client.creation(&client.user, &format!("u{n}"), &body)
    });
    assert!(client.store.write_all(&client.context, writes.collect(), None).await.iter().all(Result::is_ok));
    // Seconds.
    let terms: Vec<String> = (0..100).map(|n| format!(r#"title co "{}y{n}""#, "x".repeat(30))).collect();
    let dear = client.filtered(&client.user, &terms.join(" or "), 10);
    let options = PostgresOptions::default().with_statement_timeout(Duration::from_millis(30));
    let hasty = PostgresStore::open_with(&url, &options).unwrap();
    let dear = hasty.query(&client.context, &dear).await;
    assert!(matches!(dear, Err(StoreError::QueryWorkSpent)), "{dear:?}");
}
