//! Many writes at once: they come to what they come to one by one, and ask the database no more often than they must.

use std::io::{Read, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use scim_server::store::MemoryStore;

use super::*;

/// A way to a server that counts how often something is said after an answer has come.
struct Counted {
    _folder: tempfile::TempDir,
    url: String,
    count: Arc<AtomicUsize>,
}

impl Counted {
    fn new() -> Self {
        let url = server::shared().database();
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join(".s.PGSQL.5432")).unwrap();
        let count = Arc::new(AtomicUsize::new(0));
        let (socket, counter) = (server::shared().socket(), Arc::clone(&count));
        std::thread::spawn(move || {
            for here in listener.incoming().map_while(Result::ok) {
                let there = UnixStream::connect(&socket).unwrap();
                let has_answered = Arc::new(AtomicBool::new(true));
                let (asked, counter) = (Arc::clone(&has_answered), Arc::clone(&counter));
                pass_on(here.try_clone().unwrap(), there.try_clone().unwrap(), move || {
                    if asked.swap(false, Ordering::SeqCst) {
                        counter.fetch_add(1, Ordering::SeqCst);
                    }
                });
                pass_on(there, here, move || has_answered.store(true, Ordering::SeqCst));
            }
        });
        let (front, back) = url.split_once("host=").unwrap();
        let rest = back.split_once('&').unwrap().1;
        let host = folder.path().to_str().unwrap().replace('/', "%2F");
        Self { url: format!("{front}host={host}&{rest}"), _folder: folder, count }
    }

    /// How often the database was asked meanwhile.
    async fn during<T>(&self, work: impl Future<Output = T>) -> (T, usize) {
        let before = self.count.load(Ordering::SeqCst);
        let done = work.await;
        (done, self.count.load(Ordering::SeqCst) - before)
    }
}

fn pass_on(mut from: UnixStream, mut to: UnixStream, note: impl Fn() + Send + 'static) {
    std::thread::spawn(move || {
        let mut bytes = [0; 1 << 16];
        while let Ok(read @ 1..) = from.read(&mut bytes) {
            note();
            if to.write_all(&bytes[..read]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(std::net::Shutdown::Both);
    });
}

fn user_body(n: usize) -> String {
    format!(r#"{{"userName":"User{n}","emails":[{{"value":"{n}@example.com"}}]}}"#)
}

/// What a write asks for comes in one exchange, what it changes with the commit in another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_is_asked_no_more_often_than_it_must_be() {
    if !server::is_there() {
        return;
    }
    let counted = Counted::new();
    let options = PostgresOptions::default().with_connections(1);
    let client = Client::new(PostgresStore::open_with(&counted.url, &options).unwrap());
    client.create(&client.group, "g", r#"{"displayName":"G"}"#).await.unwrap();
    let title = r#"{"op":"replace","path":"title","value":"T"}"#;
    // Statements are prepared when they are first used, and what is sent at once may arrive in two parts, with an answer
    // between them: the least counts.
    let mut least = [usize::MAX; 3];
    for n in 0..20 {
        let id = &format!("u{n}");
        let (_, create) = counted.during(client.create_user(id)).await;
        let (_, patch) = counted.during(client.patch(&client.user, id, title, Precondition::Any)).await;
        let (_, join) = counted.during(client.add_member("g", id)).await;
        for (least, count) in least.iter_mut().zip([create, patch, join]) {
            *least = count.min(*least);
        }
    }
    assert_eq!(least, [2; 3], "create, PATCH of an attribute, one more member");
    let writes: Vec<Write> =
        (0..1_000).map(|n| client.creation(&client.user, &format!("b{n}"), &user_body(n))).collect();
    let (outcomes, count) = counted.during(client.store.write_all(&client.context, writes, None)).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert!(count <= 200, "{count} exchanges for 1000 writes");
    // With the groups of each.
    let query = Query::new(vec![Scope::all(Arc::clone(&client.user))], 500);
    client.store.query(&client.context, &query).await.unwrap();
    let (page, count) = counted.during(client.store.query(&client.context, &query)).await;
    assert_eq!(page.unwrap().records.len(), 500);
    assert!(count <= 20, "{count} exchanges for a page");
}

/// One list of writes, larger than what is asked about at once, on two stores.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_writes_come_to_what_they_come_to_in_memory() {
    if !server::is_there() {
        return;
    }
    let clients = [Client::open(&server::database()), Client::of(Arc::new(MemoryStore::new()))];
    let mut seen = Vec::new();
    for client in &clients {
        let mut writes = Vec::new();
        for n in 0..400 {
            // Names that are taken, in some portions.
            let name = if n % 97 == 50 { n - 1 } else { n };
            writes.push(client.creation(&client.user, &format!("u{n}"), &user_body(name)));
        }
        for n in 0..40 {
            let members = format!(r#"{{"value":"u{n}"}},{{"value":"u{}"}}"#, n + 300);
            let body = format!(r#"{{"displayName":"G{n}","members":[{members}]}}"#);
            writes.push(client.creation(&client.group, &format!("g{n}"), &body));
        }
        for n in 0..200 {
            // Of two that are asked about at once, the later sees what the earlier has done.
            let (user, group) = (format!("u{}", n % 70), format!("g{}", n % 50));
            let rename = format!(r#"{{"op":"replace","path":"userName","value":"User{}"}}"#, 1_000 + n % 90);
            writes.push(client.patching(&client.user, &user, &rename, Precondition::Any));
            let add = format!(r#"{{"op":"add","path":"members","value":[{{"value":"u{}"}}]}}"#, n * 2);
            writes.push(client.patching(&client.group, &group, &add, Precondition::Any));
            if n % 3 == 0 {
                let out = format!(r#"{{"op":"remove","path":"members[value eq \"u{}\"]"}}"#, n * 2 % 130);
                let out = client.patching(&client.group, &group, &out, Precondition::Any);
                writes.push(out.with_load(Load::AtMost(50)));
            }
        }
        for n in 0..120 {
            // Some twice, some that refer to each other, some that are not there.
            let (definition, id) = match n % 4 {
                0 => (&client.group, format!("g{}", n / 8)),
                _ => (&client.user, format!("u{}", n * 4 % 430)),
            };
            writes.push(Write::delete(Target::new(definition, &rid(&id))));
        }
        writes.push(client.creation(&client.user, "u4", &user_body(9_999)));
        let mut outcomes = Vec::new();
        for outcome in client.store.write_all(&client.context, writes, None).await {
            outcomes.push(match outcome {
                Ok(Outcome::Written(written)) => format!("{} {}", written.changed, related(&written.record)),
                Ok(Outcome::Created(records)) => related(&records[0]),
                other => format!("{other:?}"),
            });
        }
        let all = [&client.user, &client.group].map(|definition| Scope::all(Arc::clone(definition)));
        let page = client.store.query(&client.context, &Query::new(all.to_vec(), 1_000)).await.unwrap();
        outcomes.push(format!("{:?}", page.total_results));
        outcomes.extend(page.records.iter().map(related));
        seen.push(outcomes);
    }
    for (n, (database, memory)) in seen[0].iter().zip(&seen[1]).enumerate() {
        assert_eq!(database, memory, "outcome {n}");
    }
    assert_eq!(seen[0].len(), seen[1].len());
}

/// A record without its version.
fn related(record: &Record) -> String {
    let document = String::from_utf8_lossy(&record.document);
    let of = |related: &scim_server::store::Related| {
        let ids =
            related.references.as_ref().map(|all| all.iter().map(|r| r.id.to_string()).collect::<Vec<_>>());
        format!("{} {ids:?}", related.attribute)
    };
    let related: Vec<String> = record.related.iter().map(of).collect();
    format!("{document} {related:?} {}", record.last_modified)
}
