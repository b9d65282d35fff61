//! An authorization server: signs access tokens, publishes its keys over HTTP, changes them.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};
use serde_json::{Value, json};

pub(crate) const ISSUER: &str = "https://login.example.com/";
pub(crate) const AUDIENCE: &str = "https://scim.example.com/";

/// Where keys are published and tokens are made.
#[derive(Debug)]
pub(crate) struct Issuer {
    keys: Arc<Mutex<Vec<Key>>>,
    url: String,
    fetches: Arc<AtomicUsize>,
    made: AtomicUsize,
}

struct Key {
    id: String,
    signing: EncodingKey,
    public: Value,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.id)
    }
}

impl Key {
    fn new(id: String) -> Self {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
        let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        let public = json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": id, "x": x});
        Self { id, signing: EncodingKey::from_ed_der(document.as_ref()), public }
    }
}

impl Issuer {
    /// With one key, at an address of this machine.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        let keys = Arc::new(Mutex::new(Vec::new()));
        let fetches = Arc::new(AtomicUsize::new(0));
        let (published, fetched) = (Arc::clone(&keys), Arc::clone(&fetches));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { break };
                let _ = stream.read(&mut [0; 8192]);
                fetched.fetch_add(1, Ordering::Relaxed);
                let keys: Vec<Value> = lock(&published).iter().map(|key: &Key| key.public.clone()).collect();
                let body = json!({"keys": keys}).to_string();
                let length = body.len();
                let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close";
                let _ = write!(stream, "{head}\r\nContent-Length: {length}\r\n\r\n{body}");
            }
        });
        let issuer = Self { keys, url, fetches, made: AtomicUsize::new(0) };
        issuer.rotate();
        issuer
    }

    /// The `jwks_uri`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Signs with a new key from now on; those before it stay published.
    pub(crate) fn rotate(&self) {
        let n = self.made.fetch_add(1, Ordering::Relaxed);
        lock(&self.keys).push(Key::new(format!("key-{n}")));
    }

    /// Publishes only the newest key.
    pub(crate) fn withdraw_old(&self) {
        let mut keys = lock(&self.keys);
        let newest = keys.pop();
        *keys = newest.into_iter().collect();
    }

    /// How often the keys were asked for.
    pub(crate) fn fetches(&self) -> usize {
        self.fetches.load(Ordering::Relaxed)
    }

    /// A token of ten minutes for a tenant.
    pub(crate) fn token(&self, tenant: &str) -> String {
        let keys = lock(&self.keys);
        let key = keys.last().unwrap();
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(key.id.clone());
        let claims = json!({
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": format!("idp of {tenant}"),
            "exp": get_current_timestamp() + 600,
            "scope": "scim",
            "tenant": format!("t-{tenant}"),
        });
        encode(&header, &claims, &key.signing).unwrap()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}
