use http::request::Parts;
use scim_core::TenantId;

use crate::context::Principal;
use crate::layer::only_reads;

/// What a token is good for: who it belongs to, what may be done with it and to whose data.
///
/// The layer puts it on requests as an extension, beside [`Principal`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Access {
    /// Who it belongs to.
    pub principal: Principal,
    /// What may be done with it.
    pub scopes: Scopes,
    /// Whose data it is for.
    pub tenants: TenantAccess,
}

impl Access {
    /// Reading and writing, where there are no tenants.
    #[must_use]
    pub fn new(principal: Principal) -> Self {
        Self { principal, scopes: Scopes::READ_WRITE, tenants: TenantAccess::Unbound }
    }

    /// Sets what may be done.
    #[must_use]
    pub fn with_scopes(mut self, scopes: Scopes) -> Self {
        self.scopes = scopes;
        self
    }

    /// Sets whose data it is for.
    #[must_use]
    pub fn with_tenants(mut self, tenants: TenantAccess) -> Self {
        self.tenants = tenants;
        self
    }
}

/// Whose data a token is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TenantAccess {
    /// Nobody has said. It works where there are no tenants, and nowhere else.
    #[default]
    Unbound,
    /// The data of this tenant.
    Only(TenantId),
    /// The data of all tenants, as an operator has it.
    Every,
}

/// What may be done with a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Scopes {
    /// GET, HEAD, and POST to a `.search`.
    pub read: bool,
    /// Everything else.
    pub write: bool,
}

impl Scopes {
    /// Nothing at all.
    pub const NONE: Self = Self { read: false, write: false };
    /// Reading and writing.
    pub const READ_WRITE: Self = Self { read: true, write: true };
    /// Reading only.
    pub const READ: Self = Self { read: true, write: false };
    /// Writing only. The layer marks requests as [`WriteOnly`](crate::context::WriteOnly), so that the answers to writes show
    /// `id`, `schemas`, `meta` and what is `returned: always`, and no more.
    pub const WRITE: Self = Self { read: false, write: true };

    /// Whether this is among them.
    #[must_use]
    pub fn has(self, scope: Scope) -> bool {
        match scope {
            Scope::Read => self.read,
            Scope::Write => self.write,
        }
    }
}

/// One of the two things that may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// GET, HEAD, and POST to a `.search`.
    Read,
    /// Everything else.
    Write,
}

impl Scope {
    /// What a request needs.
    #[must_use]
    pub fn of(parts: &Parts) -> Self {
        if only_reads(&parts.method, parts.uri.path()) { Self::Read } else { Self::Write }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}
