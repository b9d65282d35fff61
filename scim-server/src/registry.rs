use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use scim_core::{IncompatibleRegistry, Registry};

/// The schemas and resource types that a [`ScimService`](crate::ScimService) serves, to be exchanged while it runs.
///
/// A request sees one registry from its beginning to its end: those in flight keep theirs, the next ones see the new
/// one. Clones are one handle.
///
/// # What becomes of stored data
///
/// Stores keep documents, indexes and the values that are unique as the schemas had it when each resource was written.
/// Nothing is rewritten when the schemas change, and nothing needs to be: [`RegistryHandle::set`] refuses a registry
/// under which stored data would be lost to sight, shown although it is secret, or found by the wrong index. New types,
/// new extensions and new attributes come without data, so that they are served, validated, searched, sorted, patched
/// and kept unique from the first request on. [`Registry::check_successor`] has the rules.
///
/// Other changes are migrations: read the resources under the old registry, write them under the new one into a store
/// or tenant of its own, and start there. [`RegistryHandle::set_unchecked`] is for a service whose store is empty.
///
/// ```
/// use scim_core::{Attribute, Registry, Schema, scim_filter::DataType};
/// use scim_server::{ScimService, store::MemoryStore};
///
/// let service = ScimService::builder(MemoryStore::new()).build();
/// let handle = service.registry();
/// let badge = Attribute::new("badge", DataType::String);
/// let staff = Schema::new("urn:example:2.0:Staff".parse()?, "Staff", "Who works here", [badge])?;
/// handle.set(handle.get().to_builder().extension("User", staff, false).build()?)?;
///
/// let error = handle.set(Registry::rfc7643()).unwrap_err().to_string();
/// assert!(error.ends_with("`User` has lost the extension `urn:example:2.0:Staff`"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct RegistryHandle(Arc<Served>);

struct Served {
    registry: RwLock<Arc<Registry>>,
    /// How often it was exchanged. Written under the lock.
    version: AtomicU64,
}

impl RegistryHandle {
    pub(crate) fn new(registry: Arc<Registry>) -> Self {
        Self(Arc::new(Served { registry: RwLock::new(registry), version: AtomicU64::new(0) }))
    }

    /// What is served now.
    #[must_use]
    pub fn get(&self) -> Arc<Registry> {
        self.seen().1
    }

    /// A number that changes with what is served: looking at it keeps nobody else waiting.
    pub(crate) fn version(&self) -> u64 {
        self.0.version.load(Ordering::Acquire)
    }

    /// What is served now, and its number.
    pub(crate) fn seen(&self) -> (u64, Arc<Registry>) {
        let current = self.0.registry.read().unwrap_or_else(PoisonError::into_inner);
        (self.version(), Arc::clone(&current))
    }

    fn exchange(&self, current: &mut Arc<Registry>, registry: Arc<Registry>) -> Arc<Registry> {
        self.0.version.fetch_add(1, Ordering::Release);
        std::mem::replace(current, registry)
    }

    /// Serves another registry from now on, and returns the one before.
    ///
    /// # Errors
    /// [`IncompatibleRegistry`] when stored resources would not fit; what is served stays.
    pub fn set(&self, registry: impl Into<Arc<Registry>>) -> Result<Arc<Registry>, IncompatibleRegistry> {
        let registry = registry.into();
        // Checked under the lock, so that of two who exchange it at once the second is checked against the first.
        let mut current = self.0.registry.write().unwrap_or_else(PoisonError::into_inner);
        current.check_successor(&registry)?;
        Ok(self.exchange(&mut current, registry))
    }

    /// As [`RegistryHandle::set`], whatever is stored.
    pub fn set_unchecked(&self, registry: impl Into<Arc<Registry>>) -> Arc<Registry> {
        let mut current = self.0.registry.write().unwrap_or_else(PoisonError::into_inner);
        self.exchange(&mut current, registry.into())
    }
}

impl fmt::Debug for RegistryHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let registry = self.get();
        let names: Vec<&str> = registry.types().iter().map(|definition| definition.name()).collect();
        f.debug_tuple("RegistryHandle").field(&names).finish()
    }
}
