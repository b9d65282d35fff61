//! The session file: made together with a token, read from a file or a variable, opened with that token.

use std::io;
use std::path::Path;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::error::Category;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::cipher::{self, Derived, HASH_LEN, IV_LEN, KID_LEN, SALT_LEN};
use super::error::{CreateError, SessionError, WriteError};
use super::secret::{Credentials, PrivateKey};
use super::token::Token;
use crate::account::{AccountId, IntegrationId};
use crate::clock::Clock;
use crate::file::{self, Overwrite};
use crate::random::{self, Random};
use crate::text;

/// The most bytes that are read as a session file; a real one has fewer than 1,000.
pub const SESSION_FILE_MAX: u64 = 64 * 1024;

/// The version that is written and read.
const VERSION: &str = "opb1";
/// The encryption of the credentials, by its JOSE name (RFC 7518 section 5.1).
const ENC: &str = "A256GCM";
/// The type of what is encrypted.
const CTY: &str = "opb1-credentials+json";
/// The type that the original product's files give.
const ORIGINAL_CTY: &str = "b5+jwk+json";
/// The alphabet of device ids.
const LOWER_BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// A session file: half of the credentials, of no use without the [`Token`] it was made with.
///
/// Its parts are encrypted, or public, so `Debug` may show them; it shows the [`SessionSummary`].
#[derive(Clone)]
pub struct SessionFile {
    slot: Slot,
    device_uuid: String,
    domain: String,
    created: String,
}

/// One token's way into the file. A file with several tokens will have several of these.
#[derive(Clone)]
struct Slot {
    salt: [u8; SALT_LEN],
    local_hash: [u8; HASH_LEN],
    kid: [u8; KID_LEN],
    iv: [u8; IV_LEN],
    data: Vec<u8>,
}

impl SessionFile {
    /// Makes a new session, for a new account and integration, and the token that opens it.
    ///
    /// `domain` is the bridge's public host name, or empty. It is kept for information only: it never turns
    /// HTTPS on.
    ///
    /// # Errors
    ///
    /// [`CreateError`] when there is no randomness.
    pub fn create(
        domain: &str,
        clock: &dyn Clock,
        random: &dyn Random,
    ) -> Result<(Self, Token), CreateError> {
        let device_uuid = random::characters::<26>(random, LOWER_BASE32)?;
        let credentials = Credentials::new(
            AccountId::generate(random)?,
            IntegrationId::generate(random)?,
            device_uuid.clone(),
            PrivateKey::generate(random)?,
        );
        let token = Token::generate(random)?;
        let mut salt = [0; SALT_LEN];
        random.fill(&mut salt)?;
        let mut iv = [0; IV_LEN];
        random.fill(&mut iv)?;

        let derived = Derived::new(&token, &salt).ok_or(CreateError::Encrypt)?;
        let local_hash = derived.local_hash;
        let kid = cipher::key_id(&salt, &local_hash);
        let mut file = Self {
            slot: Slot { salt, local_hash, kid, iv, data: Vec::new() },
            device_uuid,
            domain: domain.to_owned(),
            created: clock.now().to_rfc3339_opts(SecondsFormat::Secs, true),
        };
        let plain = Content::encode(&credentials).ok_or(CreateError::Encode)?;
        file.slot.data = derived.encrypt(&iv, &plain, &file.associated_data()).ok_or(CreateError::Encrypt)?;
        Ok((file, token))
    }

    /// Reads the JSON text of a session file.
    ///
    /// # Errors
    ///
    /// [`SessionError`] says which part is missing or wrong, or that the file is the original product's.
    pub fn parse(json: &[u8]) -> Result<Self, SessionError> {
        if json.len() as u64 > SESSION_FILE_MAX {
            return Err(SessionError::TooLong);
        }
        if json.trim_ascii().is_empty() {
            return Err(SessionError::Empty);
        }
        if std::str::from_utf8(json).is_ok_and(holds_token) {
            return Err(SessionError::Token);
        }
        let value: serde_json::Value = serde_json::from_slice(json).map_err(json_error)?;
        if !value.is_object() {
            return Err(SessionError::NotJson { line: 1, column: 1 });
        }
        if is_original(&value) {
            return Err(SessionError::Original);
        }
        match value.get("version") {
            None => return Err(SessionError::MissingField("version")),
            Some(version) if version == VERSION => {}
            Some(serde_json::Value::String(version)) => {
                return Err(SessionError::UnsupportedVersion(text::quote(version)));
            }
            Some(other) => return Err(SessionError::UnsupportedVersion(text::quote(&other.to_string()))),
        }
        // Read again from the text: a `Value` has lost keys that are there twice.
        serde_json::from_slice::<Wire>(json).map_err(json_error)?.try_into()
    }

    /// Reads the session file at `path`.
    ///
    /// # Errors
    ///
    /// [`SessionError`], as [`parse`](Self::parse), and when the file is missing or unreadable.
    pub fn from_path(path: &Path) -> Result<Self, SessionError> {
        match file::read_bounded(path, SESSION_FILE_MAX) {
            Ok(Some(json)) => Self::parse(&json),
            Ok(None) => Err(SessionError::TooLong),
            Err(source) if source.kind() == io::ErrorKind::NotFound => {
                Err(SessionError::NotFound(path.to_owned()))
            }
            Err(source) => Err(SessionError::Unreadable { path: path.to_owned(), source }),
        }
    }

    /// Reads the value of `OP_SESSION`: the path of a session file, or else its text in base64 or base64url,
    /// with or without padding, white space anywhere.
    ///
    /// # Errors
    ///
    /// [`SessionError`], as [`from_path`](Self::from_path) and [`parse`](Self::parse), and when the value is
    /// neither a path nor base64.
    pub fn from_env_text(value: &str) -> Result<Self, SessionError> {
        let trimmed = value.trim_ascii();
        let path = Path::new(trimmed);
        // A value that is too long for a path is an error here, not a file.
        let exists = match path.try_exists() {
            Ok(exists) => exists,
            // Nobody may look into its folder, so that it may well be there.
            Err(error) => error.kind() == io::ErrorKind::PermissionDenied,
        };
        if !trimmed.is_empty() && exists {
            return Self::from_path(path);
        }
        if trimmed.starts_with('{') {
            return Err(SessionError::BareJson);
        }
        if holds_token(trimmed) {
            return Err(SessionError::Token);
        }
        let compact: String = value.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        let compact = compact.trim_end_matches('=');
        // Every JSON object begins with one of these when encoded: `{"`, `{` and white space.
        let looks_encoded = ["ey", "ew"].iter().any(|start| compact.starts_with(start));
        match STANDARD.decode(compact).or_else(|_| URL_SAFE.decode(compact)) {
            Ok(json) if looks_encoded => Self::parse(&json),
            // Cut off, so that the last character is alone.
            Err(base64::DecodeError::InvalidLength(_)) if looks_encoded => Err(SessionError::Truncated),
            _ if trimmed.len() <= text::ECHO_MAX && !trimmed.is_empty() && !looks_encoded => {
                Err(SessionError::NotFound(path.to_owned()))
            }
            _ => Err(SessionError::NeitherPathNorBase64),
        }
    }

    /// Whether `token` is the one that this file was made with. Takes constant time.
    pub fn verifies(&self, token: &Token) -> bool {
        self.derive(token).is_some()
    }

    /// Opens the file with its token.
    ///
    /// # Errors
    ///
    /// [`SessionError::WrongToken`] if the token is another one, [`SessionError::Edited`] if the token is
    /// right but something in the file has been changed.
    pub fn unlock(&self, token: &Token) -> Result<Credentials, SessionError> {
        let derived = self.derive(token).ok_or(SessionError::WrongToken)?;
        let plain = derived
            .decrypt(&self.slot.iv, &self.slot.data, &self.associated_data())
            .ok_or(SessionError::Edited)?;
        Content::decode(&plain, &self.device_uuid).ok_or(SessionError::Edited)
    }

    /// What may be shown to anybody who may see the file.
    pub fn summary(&self) -> SessionSummary {
        SessionSummary {
            version: VERSION.to_owned(),
            device_uuid: self.device_uuid.clone(),
            domain: self.domain.clone(),
            created: self.created.clone(),
            key_id: self.key_id(),
        }
    }

    /// The id of the file's token: it names the token without giving anything of it away.
    pub fn key_id(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.slot.kid)
    }

    /// The file's text, with a line break at the end.
    ///
    /// # Errors
    ///
    /// [`CreateError::Encode`], which can only be a defect of this program.
    pub fn to_json(&self) -> Result<String, CreateError> {
        let mut json = serde_json::to_string(&Wire::from(self)).map_err(|_| CreateError::Encode)?;
        json.push('\n');
        Ok(json)
    }

    /// Writes the file to `path`, readable by the owner only. A crash leaves the old file or the new one.
    ///
    /// # Errors
    ///
    /// [`WriteError`] when the file exists and may not be replaced, or cannot be written.
    pub fn write(&self, path: &Path, overwrite: Overwrite) -> Result<(), WriteError> {
        self.to_json()
            .map_err(io::Error::other)
            .and_then(|json| file::write_private(path, json.as_bytes(), overwrite))
            .map_err(|source| WriteError::new(path, source))
    }

    fn derive(&self, token: &Token) -> Option<Derived> {
        let derived = Derived::new(token, &self.slot.salt)?;
        bool::from(derived.local_hash.ct_eq(&self.slot.local_hash)).then_some(derived)
    }

    fn associated_data(&self) -> Vec<u8> {
        let slot = &self.slot;
        cipher::bind(&[
            VERSION.as_bytes(),
            &slot.salt,
            &slot.local_hash,
            &slot.kid,
            ENC.as_bytes(),
            CTY.as_bytes(),
            &slot.iv,
            self.device_uuid.as_bytes(),
            self.domain.as_bytes(),
            self.created.as_bytes(),
        ])
    }
}

impl std::fmt::Debug for SessionFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SessionFile").field(&self.summary()).finish()
    }
}

/// What a session file says without its token. Nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SessionSummary {
    /// The version of the format.
    pub version: String,
    /// The device that the session was made for.
    pub device_uuid: String,
    /// The bridge's public host name, or empty.
    pub domain: String,
    /// When the session was made, as RFC 3339.
    pub created: String,
    /// The id of the token that opens it.
    pub key_id: String,
}

impl SessionSummary {
    /// When the session was made, if the file states a date.
    pub fn created_at(&self) -> Option<DateTime<Utc>> {
        Some(DateTime::parse_from_rfc3339(&self.created).ok()?.to_utc())
    }
}

/// The file as JSON. Every field is optional here, so that a missing one can be named.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wire {
    version: Option<String>,
    verifier: Option<WireVerifier>,
    enc_credentials: Option<WireCredentials>,
    device_uuid: Option<String>,
    domain: Option<String>,
    created: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WireVerifier {
    salt: Option<String>,
    local_hash: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WireCredentials {
    kid: Option<String>,
    enc: Option<String>,
    cty: Option<String>,
    iv: Option<String>,
    data: Option<String>,
}

impl From<&SessionFile> for Wire {
    fn from(file: &SessionFile) -> Self {
        let encode = |bytes: &[u8]| Some(URL_SAFE_NO_PAD.encode(bytes));
        let slot = &file.slot;
        Self {
            version: Some(VERSION.to_owned()),
            verifier: Some(WireVerifier { salt: encode(&slot.salt), local_hash: encode(&slot.local_hash) }),
            enc_credentials: Some(WireCredentials {
                kid: encode(&slot.kid),
                enc: Some(ENC.to_owned()),
                cty: Some(CTY.to_owned()),
                iv: encode(&slot.iv),
                data: encode(&slot.data),
            }),
            device_uuid: Some(file.device_uuid.clone()),
            domain: Some(file.domain.clone()),
            created: Some(file.created.clone()),
        }
    }
}

impl TryFrom<Wire> for SessionFile {
    type Error = SessionError;

    fn try_from(wire: Wire) -> Result<Self, SessionError> {
        let verifier = wire.verifier.ok_or(SessionError::MissingField("verifier"))?;
        let encrypted = wire.enc_credentials.ok_or(SessionError::MissingField("encCredentials"))?;
        let slot = Slot {
            salt: bytes(verifier.salt, "verifier.salt")?,
            local_hash: bytes(verifier.local_hash, "verifier.localHash")?,
            kid: bytes(encrypted.kid, "encCredentials.kid")?,
            iv: bytes(encrypted.iv, "encCredentials.iv")?,
            data: decode(encrypted.data, "encCredentials.data")?,
        };
        expect(encrypted.enc, ENC, "encCredentials.enc", "only `A256GCM` is supported")?;
        expect(encrypted.cty, CTY, "encCredentials.cty", "only `opb1-credentials+json` is supported")?;
        let file = Self {
            device_uuid: wire.device_uuid.ok_or(SessionError::MissingField("deviceUuid"))?,
            domain: wire.domain.ok_or(SessionError::MissingField("domain"))?,
            created: wire.created.ok_or(SessionError::MissingField("created"))?,
            slot,
        };
        // Without this, a damaged verifier would look like a wrong token.
        if cipher::key_id(&file.slot.salt, &file.slot.local_hash) != file.slot.kid {
            return Err(SessionError::Edited);
        }
        Ok(file)
    }
}

/// What is encrypted. Borrows, so that the secret has one place in memory.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Content<'a> {
    account_id: &'a str,
    integration_id: &'a str,
    private_key: &'a str,
}

impl Content<'_> {
    fn encode(credentials: &Credentials) -> Option<Zeroizing<Vec<u8>>> {
        let private_key = credentials.private_key().to_base64();
        let content = Content {
            account_id: credentials.account().as_str(),
            integration_id: credentials.integration().as_str(),
            private_key: &private_key,
        };
        // Large enough that it never grows and leaves a copy behind.
        let mut plain = Zeroizing::new(Vec::with_capacity(512));
        serde_json::to_writer(&mut *plain, &content).ok()?;
        Some(plain)
    }

    fn decode(plain: &[u8], device_uuid: &str) -> Option<Credentials> {
        let content: Content<'_> = serde_json::from_slice(plain).ok()?;
        Some(Credentials::new(
            content.account_id.parse().ok()?,
            content.integration_id.parse().ok()?,
            device_uuid.to_owned(),
            PrivateKey::from_base64(content.private_key)?,
        ))
    }
}

fn is_original(value: &serde_json::Value) -> bool {
    let version = value.get("version");
    version.is_some_and(|version| version == "2" || version == 2)
        || value.pointer("/encCredentials/cty").is_some_and(|cty| cty == ORIGINAL_CTY)
        || value.get("uniqueKey").is_some()
}

/// Whether a text is a bearer token, as it is or as it is written into a header. What it is must not be repeated then.
fn holds_token(text: &str) -> bool {
    let bare = text.trim().trim_matches(['"', '\'']);
    let bare = bare.split_whitespace().last().unwrap_or_default();
    bare.starts_with(super::token::PREFIX) && !bare.contains(['/', '.'])
}

fn json_error(error: serde_json::Error) -> SessionError {
    let (line, column) = (error.line(), error.column());
    match error.classify() {
        Category::Eof => SessionError::Truncated,
        Category::Data => SessionError::Unexpected { line, column },
        Category::Syntax | Category::Io => SessionError::NotJson { line, column },
    }
}

fn decode(value: Option<String>, field: &'static str) -> Result<Vec<u8>, SessionError> {
    URL_SAFE_NO_PAD
        .decode(value.ok_or(SessionError::MissingField(field))?)
        .map_err(|_| SessionError::BadField { field, problem: "it is not base64url without padding" })
}

fn bytes<const N: usize>(value: Option<String>, field: &'static str) -> Result<[u8; N], SessionError> {
    decode(value, field)?
        .try_into()
        .map_err(|_| SessionError::BadField { field, problem: "it has a wrong length" })
}

fn expect(
    value: Option<String>,
    only: &str,
    field: &'static str,
    problem: &'static str,
) -> Result<(), SessionError> {
    match value {
        None => Err(SessionError::MissingField(field)),
        Some(value) if value == only => Ok(()),
        Some(_) => Err(SessionError::BadField { field, problem }),
    }
}

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);
