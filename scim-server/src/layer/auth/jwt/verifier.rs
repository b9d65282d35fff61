use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Header, Validation};
use scim_core::ScimError;
use serde_json::Value;

use super::cache::KeyCache;
use super::claims::{Claims, first_name, scopes};
use super::{FetchKeys, JwtAlgorithm};
use crate::context::Principal;
use crate::layer::auth::{Access, AuthError, Scope, Scopes, TenantAccess, VerifyToken};

/// Longer tokens are not looked at, in bytes.
const LONGEST: usize = 16 * 1024;
/// The greatest leeway.
const MOST_LEEWAY: Duration = Duration::from_secs(60 * 60);

/// Verifies the access tokens of one issuer. It has to run on tokio.
///
/// | what | default |
/// |---|---|
/// | algorithms | all whose keys are public: RS, PS, ES, EdDSA |
/// | leeway of `exp` and `nbf` | 60 seconds |
/// | scopes | `scim` for everything, `scim.read`, `scim.write`; in the claim `scope` or `scp` |
/// | principal | `sub`, else `client_id`, `azp`, `appid`; issued by `iss` |
/// | tenant | none |
/// | keys | read again after an hour, not more often than each minute, in use for a day |
#[derive(Debug)]
pub struct JwtVerifier {
    issuer: String,
    keys: KeyCache,
    algorithms: Vec<Algorithm>,
    validation: Validation,
    needs_at_jwt: bool,
    read: Vec<String>,
    write: Vec<String>,
    scope_claims: Vec<String>,
    default_scopes: Scopes,
    principal_claims: Vec<String>,
    tenant_claim: Option<String>,
    every_tenant: bool,
}

fn strings<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    texts.into_iter().map(str::to_owned).collect()
}

impl JwtVerifier {
    /// Takes tokens that have exactly this `iss`, and this among their `aud`.
    #[must_use]
    pub fn new(issuer: &str, audience: &str, keys: impl FetchKeys + 'static) -> Self {
        // Without this the library panics where another crate has turned on its other provider as well.
        let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        validation.validate_nbf = true;
        Self {
            issuer: issuer.to_owned(),
            keys: KeyCache::new(Arc::new(keys)),
            algorithms: JwtAlgorithm::ASYMMETRIC.map(JwtAlgorithm::inner).to_vec(),
            validation,
            needs_at_jwt: false,
            read: strings(["scim.read", "scim"]),
            write: strings(["scim.write", "scim"]),
            scope_claims: strings(["scope", "scp"]),
            default_scopes: Scopes::NONE,
            principal_claims: strings(["sub", "client_id", "azp", "appid"]),
            tenant_claim: None,
            every_tenant: false,
        }
    }

    /// Takes tokens for this audience as well.
    #[must_use]
    pub fn with_audience(mut self, audience: &str) -> Self {
        self.validation.aud.get_or_insert_default().insert(audience.to_owned());
        self
    }

    /// Takes tokens that are signed with one of these, and no others.
    #[must_use]
    pub fn with_algorithms(mut self, algorithms: impl IntoIterator<Item = JwtAlgorithm>) -> Self {
        self.algorithms = algorithms.into_iter().map(JwtAlgorithm::inner).collect();
        self
    }

    /// How far clocks may be apart; at most an hour.
    #[must_use]
    pub fn with_leeway(mut self, leeway: Duration) -> Self {
        self.validation.leeway = leeway.min(MOST_LEEWAY).as_secs();
        self
    }

    /// Takes only tokens with `nbf`. Those that have it are held to it anyway; many issuers leave it out, and RFC 9068
    /// does not ask for it.
    #[must_use]
    pub fn require_nbf(mut self) -> Self {
        self.validation.required_spec_claims.insert("nbf".to_owned());
        self
    }

    /// Takes only tokens whose `typ` is `at+jwt` (RFC 9068 section 2.1). By default it may also be `JWT` or missing, as
    /// Entra, Okta and others have it.
    #[must_use]
    pub fn require_at_jwt(mut self) -> Self {
        self.needs_at_jwt = true;
        self
    }

    /// The scopes that let read, and those that let write. The first of each is named to clients that lack it.
    #[must_use]
    pub fn with_scope_names<'a>(
        mut self,
        read: impl IntoIterator<Item = &'a str>,
        write: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        (self.read, self.write) = (strings(read), strings(write));
        self
    }

    /// The claims that scopes are in; the first that a token has counts. With `roles`, Entra's application roles work.
    #[must_use]
    pub fn with_scope_claims<'a>(mut self, claims: impl IntoIterator<Item = &'a str>) -> Self {
        self.scope_claims = strings(claims);
        self
    }

    /// What tokens are good for that have none of these claims. Default: nothing.
    #[must_use]
    pub fn with_default_scopes(mut self, scopes: Scopes) -> Self {
        self.default_scopes = scopes;
        self
    }

    /// The claims that the principal is in; the first that a token has counts. A token without any is refused.
    #[must_use]
    pub fn with_principal_claims<'a>(mut self, claims: impl IntoIterator<Item = &'a str>) -> Self {
        self.principal_claims = strings(claims);
        self
    }

    /// The claim that says which tenant a token is for. A token without it is refused.
    #[must_use]
    pub fn with_tenant_claim(mut self, claim: &str) -> Self {
        self.tenant_claim = Some(claim.to_owned());
        self
    }

    /// Lets tokens of this issuer see the data of all tenants. Not together with
    /// [`with_tenant_claim`](Self::with_tenant_claim), which wins.
    #[must_use]
    pub fn in_every_tenant(mut self) -> Self {
        self.every_tenant = true;
        self
    }

    /// Reads keys again when they have this age, or that of `Cache-Control` if it is less. Default: an hour.
    #[must_use]
    pub fn with_keys_refreshed_after(mut self, age: Duration) -> Self {
        self.keys.times.refresh_after = age;
        self
    }

    /// The least time between two readings of the keys, whatever tokens come. Default: a minute.
    #[must_use]
    pub fn with_keys_read_apart(mut self, time: Duration) -> Self {
        self.keys.times.apart = time;
        self
    }

    /// Uses keys up to this age while the issuer cannot be reached. Default: a day.
    #[must_use]
    pub fn with_keys_kept(mut self, age: Duration) -> Self {
        self.keys.times.keep = age;
        self
    }

    /// What the header says must be right before any key is looked for.
    fn check_header(&self, header: &Header) -> Result<(), AuthError> {
        if !self.algorithms.contains(&header.alg) {
            return Err(refused("the access token is signed with an algorithm that is not allowed here"));
        }
        // "If any of the listed extension Header Parameters are not understood ... then the JWS is invalid" (RFC 7515
        // section 4.1.11); none is understood here.
        if header.crit.is_some() {
            return Err(refused("the access token needs an extension that is not known here"));
        }
        let typ = header.typ.as_deref().map(str::to_ascii_lowercase);
        let typ = typ.as_deref().map(|typ| typ.strip_prefix("application/").unwrap_or(typ));
        match typ {
            Some("at+jwt") => Ok(()),
            None | Some("jwt") if !self.needs_at_jwt => Ok(()),
            _ => Err(refused("the token is no access token")),
        }
    }

    fn access_of(&self, claims: &Claims) -> Result<Access, AuthError> {
        // The library also takes an array that has the issuer in it.
        if claims.get("iss").and_then(Value::as_str) != Some(&self.issuer) {
            return Err(refused("the access token comes from another issuer"));
        }
        let principal = first_name(claims, &self.principal_claims)
            .ok_or_else(|| refused("the access token does not say whose it is"))?;
        let has =
            |scopes: &[&str], names: &[String]| names.iter().any(|name| scopes.contains(&name.as_str()));
        let scopes = scopes(claims, &self.scope_claims).map_or(self.default_scopes, |scopes| Scopes {
            read: has(&scopes, &self.read),
            write: has(&scopes, &self.write),
        });
        let tenants = match &self.tenant_claim {
            Some(claim) => {
                let tenant = claims.get(claim).and_then(|value| value.as_str()?.parse().ok());
                TenantAccess::Only(tenant.ok_or_else(|| refused("the access token names no tenant"))?)
            }
            None if self.every_tenant => TenantAccess::Every,
            None => TenantAccess::Unbound,
        };
        let principal = Principal::new(principal).issued_by(&self.issuer);
        Ok(Access::new(principal).with_scopes(scopes).with_tenants(tenants))
    }
}

#[async_trait]
impl VerifyToken for JwtVerifier {
    async fn verify(&self, token: &str) -> Result<Principal, AuthError> {
        self.access(token).await.map(|access| access.principal)
    }

    async fn access(&self, token: &str) -> Result<Access, AuthError> {
        if token.split('.').count() != 3 {
            return Err(AuthError::Unknown);
        }
        if token.len() > LONGEST {
            return Err(refused("the access token is longer than 16 KiB"));
        }
        // Also where the algorithm is unknown, as `none` is.
        let header =
            jsonwebtoken::decode_header(token).map_err(|_| refused("the access token cannot be read"))?;
        self.check_header(&header)?;
        let Some(kid) = header.kid.as_deref() else {
            return Err(refused("the access token does not name its key in `kid`"));
        };
        let key = self.keys.find(kid, header.alg).await;
        let key = key.map_err(|no_keys| AuthError::Unavailable { retry_after: no_keys.retry_after })?;
        let key =
            key.ok_or_else(|| refused("the access token is signed with a key that is not known here"))?;
        let mut validation = self.validation.clone();
        validation.algorithms = vec![header.alg];
        let decoded = jsonwebtoken::decode::<Claims>(token, &key.decoding, &validation);
        let decoded = decoded.map_err(|error| refused(sentence(error.kind())))?;
        self.access_of(&decoded.claims)
    }

    fn scope_name(&self, scope: Scope) -> Option<&str> {
        let names = match scope {
            Scope::Read => &self.read,
            Scope::Write => &self.write,
        };
        names.first().map(String::as_str)
    }
}

fn refused(detail: &str) -> AuthError {
    AuthError::Refused(ScimError::new(401, detail))
}

/// What the client's administrator can do something about.
fn sentence(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::ExpiredSignature => "the access token has expired",
        ErrorKind::ImmatureSignature => "the access token is not valid yet",
        ErrorKind::InvalidIssuer => "the access token comes from another issuer",
        ErrorKind::InvalidAudience => "the access token is for another audience",
        ErrorKind::MissingRequiredClaim(_) | ErrorKind::InvalidClaimFormat(_) => {
            "the access token lacks a claim out of `iss`, `aud`, `exp` and `nbf`, or has it in a wrong form"
        }
        ErrorKind::InvalidSignature => "the signature of the access token does not hold",
        _ => "the access token cannot be read",
    }
}
