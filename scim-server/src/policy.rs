//! What requests are about to do, for those who decide whether they may (RFC 7644 section 2).
//!
//! A layer that has an opinion puts a [`Policy`] on the request. [`ScimService`](crate::ScimService) asks it once it
//! knows what the request, whatever its path looks like, comes to: about each single request, about each operation of a
//! Bulk, and about each resource type that a search would look at. What a policy refuses is answered with its error, and
//! nothing of it is done; the other operations of a Bulk are carried out.
//!
//! ```
//! use http::Request;
//! use scim_core::ScimError;
//! use scim_server::policy::{Intent, Policies};
//! use scim_server::store::MemoryStore;
//! use scim_server::{Body, ScimService};
//! use tower::ServiceExt;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let service = ScimService::builder(MemoryStore::new()).build();
//! let service = service.map_request(|mut request: Request<Body>| {
//!     Policies::add(request.extensions_mut(), |intent: &Intent<'_>| {
//!         if intent.action.only_reads() || intent.is_about("Group") {
//!             return Ok(());
//!         }
//!         Err(ScimError::new(403, "only groups are changed here"))
//!     });
//!     request
//! });
//! for (method, path, status) in [("GET", "/Users", 200), ("DELETE", "//users/1", 403), ("DELETE", "/Groups/1", 404)] {
//!     let request = Request::builder().method(method).uri(path).body(Body::empty())?;
//!     assert_eq!(service.clone().oneshot(request).await?.status(), status);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A policy says what may be done to resources of a type, not what of them may be seen: the groups of a user are
//! shown with the user, and the answer to a write shows what was written, unless the request is
//! [`WriteOnly`](crate::context::WriteOnly).

use std::fmt;
use std::sync::Arc;

use http::{Extensions, Method};
use scim_core::{ResourceId, ScimError, TypeDefinition};

use crate::context::RequestContext;
use crate::error::Error;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// Reading one resource.
    Read,
    /// Looking at the resources of a type, by GET or `.search`. A search over several types is one intent for each.
    Search,
    /// POST.
    Create,
    /// PUT.
    Replace,
    /// PATCH.
    Patch,
    /// DELETE.
    Delete,
    /// Reading what the server is like (RFC 7644 section 4). It has no resource type.
    Discover,
}

impl Action {
    /// Whether nothing is written.
    #[must_use]
    pub fn only_reads(self) -> bool {
        matches!(self, Self::Read | Self::Search | Self::Discover)
    }

    /// What a method does to a resource.
    pub(crate) fn on_resource(method: &Method) -> Self {
        match *method {
            Method::PUT => Self::Replace,
            Method::PATCH => Self::Patch,
            Method::DELETE => Self::Delete,
            _ => Self::Read,
        }
    }
}

/// What a request, or one operation of a Bulk, is about to do.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Intent<'a> {
    /// What is to be done.
    pub action: Action,
    /// To resources of this type. None where the action is [`Action::Discover`].
    pub resource_type: Option<&'a TypeDefinition>,
    /// To this resource. None where it is to be created, where there are many, and where the id is none that a
    /// resource can have.
    pub id: Option<&'a ResourceId>,
    /// Whether the client has said of which version: in `If-Match`, or in the `version` of an operation.
    pub names_version: bool,
    /// Whether it is an operation of a Bulk.
    pub in_bulk: bool,
    /// Who asks, and whose data it is about.
    pub context: &'a RequestContext,
}

impl<'a> Intent<'a> {
    /// The intent to do this, for tests of policies and for services that ask policies themselves.
    #[must_use]
    pub fn new(action: Action, context: &'a RequestContext) -> Self {
        Self { action, resource_type: None, id: None, names_version: false, in_bulk: false, context }
    }

    /// To resources of this type.
    #[must_use]
    pub fn to_type(mut self, definition: &'a TypeDefinition) -> Self {
        self.resource_type = Some(definition);
        self
    }

    /// To this resource, if there is one.
    #[must_use]
    pub fn to_id(mut self, id: Option<&'a ResourceId>) -> Self {
        self.id = id;
        self
    }

    /// Whether the client has said of which version.
    #[must_use]
    pub fn naming_version(mut self, names_version: bool) -> Self {
        self.names_version = names_version;
        self
    }

    /// As an operation of a Bulk.
    #[must_use]
    pub fn in_bulk(mut self) -> Self {
        self.in_bulk = true;
        self
    }

    /// Whether it is about resources of the type with this name, such as `User`.
    #[must_use]
    pub fn is_about(&self, resource_type: &str) -> bool {
        self.resource_type.is_some_and(|definition| definition.name() == resource_type)
    }

    /// Asks the policies of the request.
    pub(crate) fn ask(&self) -> Result<(), Error> {
        self.context.policies.check(self).map_err(Error::Policy)
    }
}

/// Decides what may be done. Functions from an [`Intent`] are policies.
pub trait Policy: Send + Sync {
    /// Lets an intent pass, or refuses it.
    ///
    /// # Errors
    /// The answer to what is refused, such as a 403.
    fn check(&self, intent: &Intent<'_>) -> Result<(), ScimError>;
}

impl<F: Fn(&Intent<'_>) -> Result<(), ScimError> + Send + Sync> Policy for F {
    fn check(&self, intent: &Intent<'_>) -> Result<(), ScimError> {
        self(intent)
    }
}

/// The policies that a request is held to, as an extension of it. All of them have to agree.
#[derive(Clone, Default)]
pub struct Policies(Vec<Arc<dyn Policy>>);

impl Policies {
    /// Holds a request to one more policy.
    pub fn add(extensions: &mut Extensions, policy: impl Policy + 'static) {
        extensions.get_or_insert_default::<Self>().0.push(Arc::new(policy));
    }

    /// Those of a request, which may be none.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Self {
        extensions.get::<Self>().cloned().unwrap_or_default()
    }

    /// Asks all of them. [`ScimService`](crate::ScimService) does so; a service of your own that stands in its place has
    /// to do it itself.
    ///
    /// # Errors
    /// The first refusal.
    pub fn check(&self, intent: &Intent<'_>) -> Result<(), ScimError> {
        self.0.iter().try_for_each(|policy| policy.check(intent))
    }
}

impl fmt::Debug for Policies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policies").field("policies", &self.0.len()).finish()
    }
}
