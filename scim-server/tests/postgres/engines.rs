//! What databases do that are PostgreSQL to their clients, and PostgreSQL itself seldom does.

use super::*;

/// Undoes the first transactions that create a resource, as a database does that lets nobody wait: at once, or not before
/// the commit.
fn undo_five(url: &str, code: &str, when: &str) {
    let sql = format!(
        "CREATE SEQUENCE tries; \
         CREATE FUNCTION undo() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN \
         IF nextval('tries') <= 5 THEN RAISE EXCEPTION 'restart transaction' USING ERRCODE = '{code}'; END IF; \
         RETURN NULL; END $$; \
         CREATE CONSTRAINT TRIGGER undone AFTER INSERT ON scim_resources DEFERRABLE INITIALLY {when} \
         FOR EACH ROW EXECUTE FUNCTION undo()"
    );
    server::sql(url, &sql);
}

fn tries(url: &str) -> String {
    let answer = server::sql(url, "SELECT last_value FROM tries");
    let row = answer.iter().find_map(|message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    row.unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_undone_is_carried_out_again_within_bounds() {
    if !server::is_there() {
        return;
    }
    for (code, when) in [("40001", "IMMEDIATE"), ("40001", "DEFERRED"), ("40P01", "DEFERRED")] {
        let url = server::shared().database();
        let client = Client::open(&url);
        client.store.get(&client.context, &client.user, &rid("u"), Load::None).await.unwrap();
        undo_five(&url, code, when);
        client.create_user("u1").await.unwrap();
        assert_eq!(tries(&url), "6", "{code} {when}");
        server::sql(&url, "ALTER SEQUENCE tries RESTART");
        let writes = ["u2", "u3"].map(|id| {
            let body = format!(r#"{{"userName":"{id}"}}"#);
            client.creation(&client.user, id, &body)
        });
        let outcomes = client.store.write_all(&client.context, writes.into(), None).await;
        assert!(matches!(outcomes.as_slice(), [Ok(_), Ok(_)]), "{outcomes:?}");
        assert_eq!(client.count().await, 3);

        server::sql(&url, "ALTER SEQUENCE tries RESTART");
        let options = PostgresOptions::default().with_attempts(3);
        let hasty = Client::new(PostgresStore::open_with(&url, &options).unwrap());
        let given_up = hasty.create_user("u4").await;
        assert!(matches!(given_up, Err(StoreError::Contended)), "{given_up:?}");
        assert_eq!(tries(&url), "3", "{code} {when}");
        assert!(client.get(&client.user, "u4").await.unwrap().is_none());
        assert_eq!(client.count().await, 3);
    }
}
