//! A database that is kept for one program, of which one process writes at a time.

use scim_server::store::{ClaimError, Claimant};

use super::*;

/// A store whose claim can be asked for, and a client of it.
fn claiming(url: &str, owner: &str, place: &str) -> (Arc<PostgresStore>, Client) {
    let claimant = Claimant::new(owner).with_place(place);
    let options = PostgresOptions::default().with_claimant(claimant);
    let store = Arc::new(PostgresStore::open_with(url, &options).unwrap());
    (Arc::clone(&store), Client::of(store))
}

async fn is_refused(client: &Client, id: &str) {
    match client.create_user(id).await {
        Err(StoreError::Unavailable(error)) => {
            assert!(error.cause.to_string().contains("not this process's to write to"), "{}", error.cause);
        }
        other => panic!("{id}: {other:?}"),
    }
    let write = client.creation(&client.user, id, &format!(r#"{{"userName":"{id}"}}"#));
    let written = client.store.write_all(&client.context, vec![write], None).await;
    assert!(matches!(written.as_slice(), [Err(StoreError::Unavailable(_))]), "{id}: {written:?}");
    assert!(client.get(&client.user, id).await.unwrap().is_none(), "{id}");
}

fn seen(claimed: Result<(), ClaimError>) -> i64 {
    match claimed {
        Err(ClaimError::InUse { seen }) => seen,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_process_writes_at_a_time() {
    if !server::is_there() {
        return;
    }
    let url = server::database();
    let (a, by_a) = claiming(&url, "bridge", "here");
    let (b, by_b) = claiming(&url, "bridge", "there");
    is_refused(&by_a, "early").await;
    assert!(!a.renew_claim().await.unwrap());
    a.claim().await.unwrap();
    a.claim().await.unwrap();
    by_a.create_user("u1").await.unwrap();

    let before = seen(b.claim().await);
    is_refused(&by_b, "u2").await;
    while !a.renew_claim().await.unwrap() || seen(b.claim().await) == before {}
    assert_eq!(by_b.count().await, 1, "whoever has no claim reads");

    // The one who goes says so.
    assert!(a.release_claim().await.unwrap());
    is_refused(&by_a, "u2").await;
    b.claim().await.unwrap();
    by_b.create_user("u2").await.unwrap();
    assert!(!a.release_claim().await.unwrap() && !a.renew_claim().await.unwrap());
    seen(a.claim().await);

    // One that is killed is waited for, except where it was.
    let (c, by_c) = claiming(&url, "bridge", "there");
    c.claim().await.unwrap();
    by_c.create_user("u3").await.unwrap();
    is_refused(&by_b, "u4").await;
    seen(a.claim().await);
    server::sql(&url, "UPDATE scim_claims SET seen = seen - 20001");
    a.claim().await.unwrap();
    by_a.create_user("u4").await.unwrap();
    is_refused(&by_c, "u5").await;
    assert_eq!(by_a.count().await, 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_is_kept_for_one_owner() {
    if !server::is_there() {
        return;
    }
    let url = server::database();
    let (one, by_one) = claiming(&url, "one", "here");
    one.claim().await.unwrap();
    by_one.create_user("u1").await.unwrap();
    one.release_claim().await.unwrap();
    let (other, by_other) = claiming(&url, "other", "here");
    assert!(matches!(other.claim().await, Err(ClaimError::Owner)));
    is_refused(&by_other, "u2").await;
    let error = PostgresStore::open(&url).unwrap().ready().await.unwrap_err();
    assert!(shown(&error).contains("kept for one program"), "{}", shown(&error));
    // What everybody has written to is nobody's.
    let url = server::database();
    Client::open(&url).create_user("u1").await.unwrap();
    let (late, _) = claiming(&url, "late", "here");
    assert!(matches!(late.claim().await, Err(ClaimError::NotEmpty)));
}

/// What a process began to write before another one has taken over is there for that, or never will be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_takes_over_waits_for_what_is_under_way() {
    if !server::is_there() {
        return;
    }
    let url = server::database();
    let (first, by_first) = claiming(&url, "bridge", "here");
    first.claim().await.unwrap();
    let mut tasks = JoinSet::new();
    for n in 0..8 {
        let client = by_first.clone();
        tasks.spawn(async move {
            for round in 0.. {
                match client.create_user(&format!("u{n}-{round}")).await {
                    Ok(_) => {}
                    Err(StoreError::Unavailable(_)) => return round,
                    Err(other) => panic!("{other:?}"),
                }
            }
            0
        });
    }
    while by_first.count().await < 50 {
        assert!(first.renew_claim().await.unwrap());
    }
    let (second, by_second) = claiming(&url, "bridge", "here");
    second.claim().await.unwrap();
    let inherited = by_second.count().await;
    let answered: u64 = tasks.join_all().await.into_iter().sum();
    assert_eq!((by_second.count().await, answered), (inherited, inherited));
}
