//! Variables of the original product that this version knows by name only.

use std::fmt;

use super::{Secret, parse};

macro_rules! unsupported {
    ($($field:ident $variable:literal $what:literal $reaction:ident $instead:literal)*) => {
        /// Read, so that an administrator hears of each that has no effect.
        #[derive(Clone, Debug, clap::Args)]
        #[command(next_help_heading = "Settings of the original product that this version does not support")]
        pub(super) struct Unsupported {
            $(
                #[arg(long, env = $variable, value_name = "VALUE", hide_env_values = true, hide_short_help = true, help = $what)]
                $field: Option<Secret>,
            )*
        }

        impl Unsupported {
            fn all(&self) -> impl Iterator<Item = (&'static str, Reaction, &'static str, Option<&Secret>)> {
                [$(($variable, Reaction::$reaction, $instead, self.$field.as_ref())),*].into_iter()
            }
        }
    };
}

unsupported! {
    tls_domain "OP_TLS_DOMAIN" "The host name to get a certificate for; refused" Refuse ""
    letsencrypt_domain "OP_LETSENCRYPT_DOMAIN" "The former name of OP_TLS_DOMAIN; refused" Refuse ""
    tls_cert_file "OP_TLS_CERT_FILE" "A certificate chain; refused" Refuse ""
    tls_key_file "OP_TLS_KEY_FILE" "The key of a certificate; refused" Refuse ""
    letsencrypt_email "OP_LETSENCRYPT_EMAIL" "The e-mail address of the certificate account; ignored"
        Warn "the bridge serves plain HTTP and orders no certificate"
    dns_challenge_config_file "OP_DNS_CHALLENGE_CONFIG_FILE" "How to prove control of a domain; ignored"
        Warn "the bridge serves plain HTTP and orders no certificate"
    redis_url "OP_REDIS_URL" "Where Redis is; ignored" Warn "the bridge needs no Redis and connects to none"
    redis_host "OP_REDIS_HOST" "The host of Redis; ignored" Warn "the bridge needs no Redis and connects to none"
    redis_port "OP_REDIS_PORT" "The port of Redis; ignored" Warn "the bridge needs no Redis and connects to none"
    redis_username "OP_REDIS_USERNAME" "The user at Redis; ignored"
        Warn "the bridge needs no Redis and connects to none"
    redis_password "OP_REDIS_PASSWORD" "The password at Redis; ignored"
        Warn "the bridge needs no Redis and connects to none"
    redis_enable_ssl "OP_REDIS_ENABLE_SSL" "TLS to Redis; ignored"
        WarnIfOn "the bridge needs no Redis and connects to none"
    redis_insecure_ssl "OP_REDIS_INSECURE_SSL" "Unverified TLS to Redis; ignored"
        WarnIfOn "the bridge needs no Redis and connects to none"
    ping_server "OP_PING_SERVER" "One more listener for /ping; ignored"
        WarnIfOn "no listener is opened on port 8080; `/ping` is answered on the main port"
    workspace_credentials "OP_WORKSPACE_CREDENTIALS" "The key of a Google service account; ignored"
        Warn "nothing is fetched from Google Workspace; the bridge waits for SCIM requests"
    workspace_settings "OP_WORKSPACE_SETTINGS" "The settings for Google Workspace; ignored"
        Warn "nothing is fetched from Google Workspace; the bridge waits for SCIM requests"
    domain "OP_DOMAIN" "The sign-in address to accept at set-up; ignored"
        Warn "the bridge has no set-up page; make a session with `op-scim-bridge session new`"
}

/// What to do about a variable that is set.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reaction {
    /// Do not start.
    Refuse,
    /// Say so and go on.
    Warn,
    /// The same, unless the value switches it off.
    WarnIfOn,
}

impl Unsupported {
    pub(super) fn check(&self) -> Result<Vec<Warning>, UnsupportedError> {
        let mut warnings = Vec::new();
        for (variable, reaction, instead, value) in self.all() {
            let Some(value) = value.map(Secret::expose).filter(|value| !value.trim().is_empty()) else {
                continue;
            };
            match reaction {
                Reaction::Refuse => return Err(UnsupportedError { variable }),
                Reaction::WarnIfOn if parse::switch(value) == Ok(false) => {}
                Reaction::Warn | Reaction::WarnIfOn => warnings.push(Warning { variable, instead }),
            }
        }
        Ok(warnings)
    }
}

/// A variable is set that has no effect in this version. `Display` says so, and what happens instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Warning {
    variable: &'static str,
    instead: &'static str,
}

impl Warning {
    /// The variable.
    pub fn variable(&self) -> &'static str {
        self.variable
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is set, but this version does not support it: {}", self.variable, self.instead)
    }
}

/// A variable is set that cannot be ignored safely.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{variable}` is set, but this version does not serve HTTPS itself, and plain HTTP instead would expose the bearer token: let a load balancer or reverse proxy in front of the bridge serve HTTPS, and remove `{variable}`"
)]
pub struct UnsupportedError {
    variable: &'static str,
}

impl UnsupportedError {
    /// The variable.
    pub fn variable(&self) -> &'static str {
        self.variable
    }
}
