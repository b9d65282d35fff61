//! From what an account refuses to what an identity provider reads.

use std::time::Duration;

use scim_core::{ScimError, ScimType};
use scim_server::store::{StoreError, UnavailableError};

use crate::account::AccountError;

/// When an account that cannot be reached is asked again.
const RETRY_AFTER: Duration = Duration::from_secs(30);

pub(super) fn refusal(error: AccountError) -> StoreError {
    let refused = |status, scim_type: Option<ScimType>| {
        let scim = ScimError::new(status, error.to_string());
        StoreError::Refused(match scim_type {
            Some(scim_type) => scim.with_type(scim_type),
            None => scim,
        })
    };
    match error {
        AccountError::EmailTaken(_) | AccountError::NameTaken(_) | AccountError::NameLooksAlike { .. } => {
            refused(409, Some(ScimType::Uniqueness))
        }
        AccountError::Invalid { .. }
        | AccountError::DomainNotAllowed(_)
        | AccountError::NotFound { .. }
        | AccountError::NobodyAt(_) => refused(400, Some(ScimType::InvalidValue)),
        AccountError::Protected { .. } => refused(403, None),
        AccountError::WrongState { .. } => refused(409, None),
        AccountError::Locked => refused(503, None),
        AccountError::OtherSession => refused(500, None),
        AccountError::Unsupported(_) => refused(501, None),
        AccountError::Unavailable { .. } => {
            StoreError::Unavailable(UnavailableError { retry_after: RETRY_AFTER, cause: Box::new(error) })
        }
    }
}

/// Another resource that the identity provider manages has the value.
pub(super) fn taken(resource_type: &str, attribute: &str, value: &str) -> StoreError {
    StoreError::Uniqueness {
        resource_type: resource_type.to_owned(),
        attribute: attribute.to_owned(),
        value: scim_core::excerpt(value),
    }
}

/// An id of the account that cannot be one of a resource; no account gives such.
pub(super) fn no_id(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::internal(error)
}
