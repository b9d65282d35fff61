//! A bridge over a local account, asked in SCIM.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use http::{Method, Request};
use http_body_util::BodyExt as _;
use op_bridge::account::{Account, Person, PersonId};
use op_bridge::clock::SystemClock;
use op_bridge::mapping::{BridgeStore, Reconciled, Settings, registry};
use scim_server::store::MemoryStore;
use scim_server::{Body, ScimService};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tower::ServiceExt as _;

use crate::scripted::{ScriptedAccount, ScriptedStore};
use crate::support::Setup;

pub(crate) struct World {
    pub(crate) setup: Setup,
    pub(crate) account: Arc<ScriptedAccount>,
    pub(crate) store: Arc<ScriptedStore>,
    pub(crate) bridge: Arc<BridgeStore>,
    pub(crate) settings: Settings,
    died: Arc<Notify>,
}

#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) json: Value,
    pub(crate) etag: Option<String>,
}

impl Answer {
    /// The body, if the status is the expected one.
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.json);
        self.json
    }

    /// Fails with this status and scimType, and a detail that says `detail`.
    #[track_caller]
    pub(crate) fn refuses(self, status: u16, scim_type: &str, detail: &str) {
        assert_eq!(self.status, status, "{}", self.json);
        assert_eq!(self.json["scimType"].as_str().unwrap_or_default(), scim_type, "{}", self.json);
        let text = self.json["detail"].as_str().unwrap_or_default();
        assert!(text.contains(detail), "`{detail}` is not in: {text}");
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Settings::default())
    }

    pub(crate) fn listed() -> Self {
        let mut settings = Settings::default();
        settings.deleted_users = op_bridge::config::DeletedUsers::Listed;
        Self::with(settings)
    }

    pub(crate) fn with(settings: Settings) -> Self {
        let setup = Setup::unlocked();
        let died = Arc::new(Notify::new());
        let account = Arc::new(ScriptedAccount::new(setup.account.clone(), &died));
        let store = Arc::new(ScriptedStore::new(Arc::new(MemoryStore::new()), &died));
        let bridge = Arc::new(bridge(&account, &store, &settings));
        Self { setup, account, store, bridge, settings, died }
    }

    /// As after a crash: nothing goes wrong any more, no lock is held, and the view is reconciled.
    pub(crate) async fn restart(&mut self) -> Reconciled {
        self.account.script.heal();
        self.store.script.heal();
        self.bridge = Arc::new(bridge(&self.account, &self.store, &self.settings));
        self.bridge.reconcile().await.unwrap()
    }

    /// The bridge's own store is gone.
    pub(crate) async fn lose_store(&mut self) -> Reconciled {
        self.store = Arc::new(ScriptedStore::new(Arc::new(MemoryStore::new()), &self.died));
        self.restart().await
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.send_if(method, path, body, None).await
    }

    pub(crate) async fn send_if(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
        if_match: Option<&str>,
    ) -> Answer {
        let service = ScimService::builder(Arc::clone(&self.bridge)).registry(registry()).build();
        let mut request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).unwrap())
            .uri(format!("http://bridge.example.com{path}"))
            .header("content-type", "application/scim+json");
        if let Some(version) = if_match {
            request = request.header("if-match", version);
        }
        let body = body.map(|json| json.to_string().into_bytes()).unwrap_or_default();
        let response = service.oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        let etag = response.headers().get("etag").map(|value| value.to_str().unwrap().to_owned());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let json = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
        Answer { status, json, etag }
    }

    /// Sends a request during which the process dies, as the script says, and starts anew.
    pub(crate) async fn crash(&mut self, method: &str, path: &str, body: Option<Value>) -> Reconciled {
        tokio::select! {
            biased;
            () = self.died.notified() => {}
            answer = self.send(method, path, body) => panic!("it did not die but answered {answer:?}"),
        }
        self.restart().await
    }

    /// The same, for a request that may not reach the call in which it would die.
    pub(crate) async fn crash_or_answer(&mut self, method: &str, path: &str, body: Option<Value>) -> bool {
        let died = tokio::select! {
            biased;
            () = self.died.notified() => true,
            _ = self.send(method, path, body) => false,
        };
        self.restart().await;
        died
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None).await
    }

    pub(crate) async fn post_user(&self, email: &str, name: &str) -> Answer {
        self.send("POST", "/Users", Some(user(email, name))).await
    }

    /// A person whom the identity provider has created, by id.
    pub(crate) async fn user(&self, email: &str) -> String {
        let made = self.post_user(email, email.split('@').next().unwrap()).await.is(201);
        made["id"].as_str().unwrap().to_owned()
    }

    /// A person who has accepted and is confirmed.
    pub(crate) async fn member(&self, email: &str) -> String {
        let id = self.user(email).await;
        self.setup.account.accept(email).await.unwrap();
        self.setup.account.confirm(&id.parse().unwrap()).await.unwrap();
        id
    }

    pub(crate) async fn group(&self, name: &str, members: &[&str]) -> String {
        let made = self.send("POST", "/Groups", Some(group(name, members))).await.is(201);
        made["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn patch(&self, path: &str, operations: Value) -> Answer {
        self.send("PATCH", path, Some(patch(operations))).await
    }

    pub(crate) async fn set(&self, path: &str, attribute: &str, value: Value) -> Answer {
        self.patch(path, json!([{"op": "replace", "path": attribute, "value": value}])).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, None).await
    }

    /// How many users or groups a filter finds.
    pub(crate) async fn found(&self, path: &str, filter: &str) -> u64 {
        let filter = filter.replace(' ', "%20").replace('"', "%22");
        let page = self.get(&format!("{path}?filter={filter}")).await.is(200);
        page["totalResults"].as_u64().unwrap()
    }

    pub(crate) async fn person(&self, id: &str) -> Person {
        let id: PersonId = id.parse().unwrap();
        self.setup.account.person(&id).await.unwrap().unwrap()
    }

    pub(crate) async fn by_email(&self, email: &str) -> Option<Person> {
        self.setup.account.person_by_email(email).await.unwrap()
    }

    /// The members of a group, by id: in the view and in the account, where they must be the same.
    pub(crate) async fn members(&self, id: &str) -> BTreeSet<String> {
        let view = ids(&self.get(&format!("/Groups/{id}")).await.is(200)["members"], "value");
        let account = self.setup.account.members(&id.parse().unwrap()).await.unwrap();
        let account: BTreeSet<_> = account.iter().map(|member| member.person.to_string()).collect();
        assert_eq!(view, account, "view and account differ in the members of a group");
        view
    }

    /// Everything about everybody and every group that the account keeps, for comparing before and after.
    pub(crate) async fn account_state(&self) -> Value {
        let account = &self.setup.account;
        let people: BTreeMap<_, _> = account
            .people()
            .await
            .unwrap()
            .into_iter()
            .map(|p| (p.id.to_string(), json!([p.email, p.pending_email, p.name, p.state])))
            .collect();
        json!({"people": people, "groups": self.account_groups(true).await})
    }

    async fn account_groups(&self, all: bool) -> BTreeMap<String, Value> {
        let mut groups = BTreeMap::new();
        for group in self.setup.account.groups().await.unwrap() {
            if group.managed || all {
                let members = self.setup.account.members(&group.id).await.unwrap();
                let members: BTreeSet<_> = members.iter().map(|m| m.person.to_string()).collect();
                groups.insert(group.id.to_string(), json!([group.name, members]));
            }
        }
        groups
    }

    /// All that an identity provider reads, without versions and times.
    pub(crate) async fn view(&self) -> Value {
        let mut all = BTreeMap::new();
        for path in ["/Users", "/Groups"] {
            let page = self.get(&format!("{path}?count=1000")).await.is(200);
            for resource in page["Resources"].as_array().into_iter().flatten() {
                let mut resource = resource.clone();
                resource.as_object_mut().unwrap().remove("meta");
                all.insert(resource["id"].as_str().unwrap().to_owned(), resource);
            }
        }
        json!(all)
    }

    /// The view is what the account says, for everybody in it; nobody whom the bridge invited and who can sign in
    /// is missing.
    pub(crate) async fn agrees(&self) {
        let view = self.view().await;
        let people = self.setup.account.people().await.unwrap();
        let mut users = BTreeSet::new();
        for (id, resource) in view.as_object().unwrap() {
            if resource.get("userName").is_none() {
                continue;
            }
            users.insert(id.clone());
            let Some(person) = people.iter().find(|person| person.id.as_str() == id) else {
                panic!("the account does not have {resource}")
            };
            let address = person.pending_email.as_deref().unwrap_or(&person.email);
            let shown = resource["userName"].as_str().unwrap();
            assert_eq!(shown.to_lowercase(), address.to_lowercase(), "{resource}");
            assert_eq!(resource["displayName"], person.name.as_str(), "{resource}");
            assert_eq!(resource["active"], person.state.is_active_for_scim(), "{resource}");
        }
        for person in people.iter().filter(|p| p.provisioned_by_bridge && p.state.is_active_for_scim()) {
            assert!(users.contains(person.id.as_str()), "the view lacks {person:?}");
        }
        let groups = self.account_groups(false).await;
        let mut shown = BTreeMap::new();
        for (id, resource) in view.as_object().unwrap() {
            if resource.get("userName").is_none() {
                let members: BTreeSet<_> = ids(&resource["members"], "value");
                shown.insert(id.clone(), json!([resource["displayName"], members]));
            }
        }
        let visible = |group: &Value| {
            let members = group[1].as_array().unwrap();
            let members: Vec<_> =
                members.iter().filter(|id| users.contains(id.as_str().unwrap())).cloned().collect();
            json!([group[0], members])
        };
        let groups: BTreeMap<_, _> = groups.iter().map(|(id, group)| (id.clone(), visible(group))).collect();
        assert_eq!(shown, groups, "view (left) and account (right) differ in groups");
    }
}

fn bridge(account: &Arc<ScriptedAccount>, store: &Arc<ScriptedStore>, settings: &Settings) -> BridgeStore {
    let (account, store) = (Arc::clone(account), Arc::clone(store));
    BridgeStore::new(store, account, Arc::new(SystemClock), settings.clone())
}

/// The values of one key in a list of objects.
pub(crate) fn ids(list: &Value, key: &str) -> BTreeSet<String> {
    list.as_array().into_iter().flatten().map(|item| item[key].as_str().unwrap().to_owned()).collect()
}

pub(crate) fn user(email: &str, name: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": email,
        "displayName": name,
        "emails": [{"value": email, "type": "work", "primary": true}],
    })
}

pub(crate) fn group(name: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName": name,
        "members": members,
    })
}

pub(crate) fn patch(operations: Value) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations})
}
