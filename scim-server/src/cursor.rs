//! Cursors: places in the answer to one query, sealed so that nobody can read, change or lend them (RFC 9865).
//!
//! A cursor holds everything that its page needs; the server keeps nothing for it.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead as _, Generate as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use chrono::{DateTime, Utc};
use scim_core::message::{QueryParams, SortOrder};
use scim_filter::{NumberText, NumberValue, SortKey};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

use crate::context::RequestContext;
use crate::error::Error;
use crate::store::{Position, Start};

/// The key that the cursors of a server are sealed with: 32 bytes that nobody can guess.
///
/// Servers with the same key accept each other's cursors, and so does a server that is started again with it.
#[derive(Clone)]
pub struct CursorKey(Zeroizing<[u8; 32]>);

impl CursorKey {
    /// A key of these bytes. They should be random, and be used for nothing else.
    #[must_use]
    pub fn new(mut bytes: [u8; 32]) -> Self {
        let key = Self(Zeroizing::new(bytes));
        bytes.zeroize();
        key
    }
}

impl fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CursorKey(..)")
    }
}

/// Why a cursor cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CursorError {
    /// It is none of this server's, or was given out for another query or to somebody else. Which of these is not
    /// said.
    #[error("the cursor does not belong to this query; begin again with an empty cursor")]
    Invalid,
    /// It is too old.
    #[error("the cursor has expired; begin again with an empty cursor")]
    Expired,
}

/// Seals and opens cursors.
#[derive(Clone)]
pub(crate) struct Cursors {
    /// None where there was no random key to be had; then there are no cursors.
    cipher: Option<XChaCha20Poly1305>,
}

/// What a cursor says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cursor {
    pub(crate) start: Start,
    /// How many resources each page has.
    pub(crate) count: usize,
    /// How many resources matched when they were last counted.
    pub(crate) total: Option<u64>,
}

/// What a cursor belongs to.
pub(crate) struct Binding(Vec<u8>);

/// The version of what is sealed, and the first byte of every cursor.
const VERSION: u8 = 1;
/// Bytes of a nonce: so many that random ones never meet.
const NONCE: usize = 24;
/// The longest cursor there is, in characters: a key of [`Position::KEY_LENGTH`] characters, each escaped, and room.
const LONGEST: usize = 4_096;

impl Cursors {
    /// Cursors of a key, or of a random one.
    pub(crate) fn new(key: Option<&CursorKey>) -> Self {
        let cipher = match key {
            Some(key) => XChaCha20Poly1305::new_from_slice(key.0.as_slice()).ok(),
            None => chacha20poly1305::Key::try_generate().ok().map(|mut key| {
                let cipher = XChaCha20Poly1305::new(&key);
                key.as_mut_slice().zeroize();
                cipher
            }),
        };
        Self { cipher }
    }

    /// The text of a cursor: characters that RFC 3986 calls unreserved.
    pub(crate) fn seal(
        &self,
        cursor: &Cursor,
        binding: &Binding,
        now: DateTime<Utc>,
        timeout: Duration,
    ) -> Result<String, Error> {
        let fail = |what: &str| Error::Internal(format!("a cursor could not be sealed: {what}"));
        let cipher = self.cipher.as_ref().ok_or_else(|| fail("there was no random key"))?;
        let nonce = XNonce::try_generate().map_err(|error| fail(&error.to_string()))?;
        let (back, position) = match &cursor.start {
            Start::After(position) => (false, position),
            Start::Before(position) => (true, position),
            Start::Index(_) => return Err(fail("it has no position")),
        };
        let timeout = i64::try_from(whole_seconds(timeout)).unwrap_or(i64::MAX);
        let expires = now.timestamp().saturating_add(timeout);
        let key = Key::from(position.key());
        let plain: Plain = (back, cursor.count, cursor.total, expires, position.row(), key);
        let plain = serde_json::to_vec(&plain).map_err(|error| fail(&error.to_string()))?;
        let payload = Payload { msg: &plain, aad: &binding.0 };
        let sealed = cipher.encrypt(&nonce, payload).map_err(|error| fail(&error.to_string()))?;
        Ok(URL_SAFE_NO_PAD.encode([&[VERSION][..], nonce.as_slice(), &sealed].concat()))
    }

    /// What a text says that [`Cursors::seal`] made for the same binding.
    pub(crate) fn open(
        &self,
        text: &str,
        binding: &Binding,
        now: DateTime<Utc>,
    ) -> Result<Cursor, CursorError> {
        let (back, count, total, expires, row, key) =
            self.unseal(text, binding).ok_or(CursorError::Invalid)?;
        if now.timestamp() > expires {
            return Err(CursorError::Expired);
        }
        let position = Position::new(key.into_sort_key().ok_or(CursorError::Invalid)?, row);
        let start = if back { Start::Before(position) } else { Start::After(position) };
        Ok(Cursor { start, count, total })
    }

    fn unseal(&self, text: &str, binding: &Binding) -> Option<Plain> {
        if text.len() > LONGEST {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (version, rest) = bytes.split_first()?;
        let (nonce, sealed) = rest.split_at_checked(NONCE)?;
        let nonce = XNonce::try_from(nonce).ok().filter(|_| *version == VERSION)?;
        let plain = self.cipher.as_ref()?.decrypt(&nonce, Payload { msg: sealed, aad: &binding.0 }).ok()?;
        serde_json::from_slice(&plain).ok()
    }
}

impl fmt::Debug for Cursors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cursors(..)")
    }
}

impl Binding {
    /// What belongs to a query: who asks, for which types, with which filter and in which order.
    pub(crate) fn new<'a>(
        context: &'a RequestContext,
        types: impl Iterator<Item = &'a str>,
        params: &'a QueryParams,
    ) -> Self {
        let order = match params.sort_order {
            SortOrder::Ascending => "ascending",
            SortOrder::Descending => "descending",
        };
        let mut bound = vec![VERSION];
        // Each part says whether it is there and how long it is, so that no two lists of parts give the same bytes.
        let mut part = |text: Option<&str>| {
            bound.push(u8::from(text.is_some()));
            let text = text.unwrap_or_default();
            bound.extend_from_slice(&(text.len() as u64).to_be_bytes());
            bound.extend_from_slice(text.as_bytes());
        };
        part(Some(context.tenant.as_str()));
        part(context.principal.as_ref().map(|principal| principal.as_str()));
        part(params.filter.as_deref());
        part(params.sort_by.as_deref());
        part(params.sort_by.is_some().then_some(order));
        types.for_each(|name| part(Some(name)));
        Self(bound)
    }
}

/// A time-out in whole seconds, as cursors and ServiceProviderConfig have it; at least one.
pub(crate) fn whole_seconds(timeout: Duration) -> u64 {
    timeout.as_secs().saturating_add(u64::from(timeout.subsec_nanos() > 0)).max(1)
}

/// What is sealed: whether the page lies before the position, its count, the total, when the cursor expires in seconds
/// since 1970, and the row and key of the position.
type Plain = (bool, usize, Option<u64>, i64, i64, Key);

/// A sort key as it is sealed.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Key {
    #[serde(rename = "u")]
    Unassigned,
    #[serde(rename = "b")]
    Bool(bool),
    #[serde(rename = "n")]
    Number(String),
    /// Seconds since 1970 and nanoseconds.
    #[serde(rename = "i")]
    Instant(i64, u32),
    #[serde(rename = "t")]
    Text(String),
}

impl From<&SortKey> for Key {
    fn from(key: &SortKey) -> Self {
        match key {
            SortKey::Bool(value) => Self::Bool(*value),
            SortKey::Number(value) => Self::Number(value.as_str().to_owned()),
            SortKey::Instant(value) => Self::Instant(value.timestamp(), value.timestamp_subsec_nanos()),
            SortKey::Text(value) => Self::Text(value.clone()),
            SortKey::Unassigned => Self::Unassigned,
        }
    }
}

impl Key {
    fn into_sort_key(self) -> Option<SortKey> {
        Some(match self {
            Self::Unassigned => SortKey::Unassigned,
            Self::Bool(value) => SortKey::Bool(value),
            Self::Number(text) => SortKey::Number(NumberValue::from(&NumberText::new(&text)?)),
            Self::Instant(seconds, nanos) => SortKey::Instant(DateTime::from_timestamp(seconds, nanos)?),
            Self::Text(text) => SortKey::Text(text),
        })
    }
}

#[cfg(test)]
mod tests {
    use scim_core::Registry;

    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    fn binding(types: &[&str], params: &QueryParams) -> Binding {
        let context = RequestContext::new(Registry::rfc7643(), at(0));
        Binding::new(&context, types.iter().copied(), params)
    }

    fn cursor(key: SortKey) -> Cursor {
        Cursor { start: Start::After(Position::new(key, 7)), count: 10, total: Some(99) }
    }

    #[test]
    fn every_kind_of_key_comes_back() {
        let cursors = Cursors::new(Some(&CursorKey::new([7; 32])));
        let number = NumberValue::from(&NumberText::new("-12.50e+3").unwrap());
        let longest = SortKey::Text("\u{1}".repeat(Position::KEY_LENGTH));
        let widest = SortKey::Text("\u{20000}".repeat(Position::KEY_LENGTH));
        let binding = binding(&["User"], &QueryParams::default());
        for key in [
            SortKey::Unassigned,
            SortKey::Bool(true),
            SortKey::Number(number),
            SortKey::Instant(DateTime::from_timestamp(-5, 123_456_789).unwrap()),
            SortKey::Text("a\u{0}\"\u{e9}".to_owned()),
            longest,
            widest,
        ] {
            let cursor = cursor(key);
            let text = cursors.seal(&cursor, &binding, at(0), Duration::from_secs(60)).unwrap();
            assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b)), "{text}");
            assert_eq!(cursors.open(&text, &binding, at(60)), Ok(cursor));
            assert_eq!(cursors.open(&text, &binding, at(61)), Err(CursorError::Expired));
        }
    }

    #[test]
    fn nothing_but_what_was_sealed_opens() {
        let cursors = Cursors::new(None);
        let user = binding(&["User"], &QueryParams::default());
        let sealed = cursor(SortKey::Text("Ada".to_owned()));
        let text = cursors.seal(&sealed, &user, at(0), Duration::from_secs(60)).unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(&text).unwrap();
        for at_byte in 0..bytes.len() {
            let mut edited = bytes.clone();
            edited[at_byte] ^= 1;
            let edited = URL_SAFE_NO_PAD.encode(&edited);
            assert_eq!(cursors.open(&edited, &user, at(0)), Err(CursorError::Invalid), "byte {at_byte}");
            let short = URL_SAFE_NO_PAD.encode(&bytes[..at_byte]);
            assert_eq!(cursors.open(&short, &user, at(0)), Err(CursorError::Invalid), "{at_byte} bytes");
        }
        assert_eq!(Cursors::new(None).open(&text, &user, at(0)), Err(CursorError::Invalid), "another key");
        assert_eq!(cursors.open(&"A".repeat(1 << 20), &user, at(0)), Err(CursorError::Invalid));
        let again = cursors.seal(&sealed, &user, at(0), Duration::from_secs(60)).unwrap();
        assert_ne!(again, text, "equal places cannot be told by their cursors");
    }

    #[test]
    fn a_cursor_belongs_to_one_query() {
        let params = |filter: Option<&str>, sort: Option<&str>, order| {
            let mut params = QueryParams::default();
            params.filter = filter.map(str::to_owned);
            params.sort_by = sort.map(str::to_owned);
            params.sort_order = order;
            params
        };
        let all: Vec<Vec<u8>> = [
            (&["User"][..], None, None, SortOrder::Ascending),
            (&["Group"], None, None, SortOrder::Ascending),
            (&["User", "Group"], None, None, SortOrder::Ascending),
            (&["UserGroup"], None, None, SortOrder::Ascending),
            (&["User"], Some(""), None, SortOrder::Ascending),
            (&["User"], Some("a pr"), None, SortOrder::Ascending),
            (&["User"], None, Some("a pr"), SortOrder::Ascending),
            (&["User"], None, Some("a pr"), SortOrder::Descending),
        ]
        .into_iter()
        .map(|(types, filter, sort, order)| binding(types, &params(filter, sort, order)).0)
        .collect();
        for (n, one) in all.iter().enumerate() {
            assert!(all.iter().skip(n + 1).all(|other| other != one), "{n}");
        }
        let context = RequestContext::new(Registry::rfc7643(), at(0));
        let mut named = context.clone();
        named.principal = Some(crate::context::Principal::new(""));
        let other = context.clone().with_tenant("other".parse().unwrap());
        let of =
            |context: &RequestContext| Binding::new(context, ["User"].into_iter(), &QueryParams::default()).0;
        assert_ne!(of(&context), of(&named));
        assert_ne!(of(&context), of(&other));
    }

    #[test]
    fn keys_are_not_shown() {
        assert_eq!(format!("{:?}", CursorKey::new([0x41; 32])), "CursorKey(..)");
    }
}
