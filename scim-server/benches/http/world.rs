//! A directory of people and groups.

use std::sync::Arc;

use chrono::DateTime;
use scim_core::{Draft, Object, Quirks, Registry, ResourceId, TypeDefinition, Value, validate};
use scim_server::RequestContext;
use scim_server::store::{Load, MemoryStore, NewResource, ResourceStore, Write};
use tokio::runtime::Runtime;

pub(crate) struct World {
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) users: usize,
    runtime: Runtime,
    context: RequestContext,
    user: Arc<TypeDefinition>,
    group: Arc<TypeDefinition>,
}

impl World {
    pub(crate) fn new() -> Self {
        let registry = Registry::rfc7643();
        let definition = |name| Arc::clone(registry.by_name(name).unwrap());
        let (user, group) = (definition("User"), definition("Group"));
        let context = RequestContext::new(registry, DateTime::UNIX_EPOCH);
        Self {
            store: Arc::new(MemoryStore::new()),
            users: 0,
            runtime: tokio::runtime::Builder::new_current_thread().build().unwrap(),
            context,
            user,
            group,
        }
    }

    /// Creates users up to this number.
    pub(crate) fn grow(&mut self, users: usize) {
        for n in self.users..users {
            self.create(&self.user, id(n), &user("user", n), 0..0);
        }
        self.users = self.users.max(users);
    }

    /// A group of the first so many users.
    pub(crate) fn create_group(&self, name: &str, members: usize) {
        let body = format!(r#"{{"displayName":"{name}"}}"#);
        self.create(&self.group, name.parse().unwrap(), &body, 0..members);
    }

    fn create(
        &self,
        definition: &Arc<TypeDefinition>,
        id: ResourceId,
        body: &str,
        members: std::ops::Range<usize>,
    ) {
        let Value::Object(body) = Value::from_slice(body.as_bytes()).unwrap() else { panic!("no object") };
        let body: Object = body;
        let Draft { resource, mut relations, .. } =
            validate::validate_new(definition, body, &Quirks::interop()).unwrap();
        relations.iter_mut().for_each(|relation| relation.targets.extend(members.clone().map(self::id)));
        let write =
            Write::create(definition, NewResource::new(id, resource, relations)).with_load(Load::None);
        self.runtime.block_on(self.store.write(&self.context, write)).unwrap();
    }
}

/// The id of a user.
pub(crate) fn id(n: usize) -> ResourceId {
    format!("{n:08x}-0000-4000-8000-000000000000").parse().unwrap()
}

/// A full user as in RFC 7643 section 8.3, 1.9 KB.
pub(crate) fn user(prefix: &str, n: usize) -> String {
    const USER: &str = include_str!("user.json");
    USER.replace("bjensen", &format!("{prefix}{n}")).replace("701984", &n.to_string())
}
