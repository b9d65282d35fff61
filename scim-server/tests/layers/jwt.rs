use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};
use scim_server::Principal;
use scim_server::layer::auth::jwt::{FetchError, FetchKeys, JwtAlgorithm, JwtVerifier, KeySet};
use scim_server::layer::auth::{AnyOf, AuthLayer, Scopes, StaticTokens, TenantAccess, VerifyToken as _};
use tower::Layer as _;

use crate::common::*;

const ISSUER: &str = "https://login.example.com/";
const AUDIENCE: &str = "https://scim.example.com/";
const RSA_N: &str = include_str!("data/rsa-test-key.n");
/// RFC 8037 appendix A.1
const ED_X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
const ED_D: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";

fn rsa() -> EncodingKey {
    let text: String = include_str!("data/rsa-test-key.b64").split_ascii_whitespace().collect();
    EncodingKey::from_rsa_der(&STANDARD.decode(text).unwrap())
}

fn ed() -> EncodingKey {
    // PKCS #8 around the 32 bytes (RFC 8410 section 7)
    let mut der = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    der.extend(URL_SAFE_NO_PAD.decode(ED_D).unwrap());
    EncodingKey::from_ed_der(&der)
}

fn jwk(kid: &str) -> Value {
    match kid {
        kid if kid.starts_with("rsa") => json!({"kty": "RSA", "kid": kid, "n": RSA_N.trim(), "e": "AQAB"}),
        kid => json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": ED_X}),
    }
}

fn key_set(kids: &[&str]) -> KeySet {
    let keys: Vec<Value> = kids.iter().map(|kid| jwk(kid)).collect();
    KeySet::from_json(&json!({"keys": keys}).to_string()).unwrap()
}

fn keys() -> KeySet {
    key_set(&["rsa-1", "ed-1"])
}

fn verifier() -> JwtVerifier {
    JwtVerifier::new(ISSUER, AUDIENCE, keys())
}

fn claims() -> Value {
    let now = get_current_timestamp();
    json!({"iss": ISSUER, "aud": AUDIENCE, "sub": "entra", "exp": now + 600, "nbf": now - 10, "scope": "openid scim"})
}

/// The claims with others in their place; null takes one away.
fn with(changes: Value) -> Value {
    let mut claims = claims();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims
}

fn header(algorithm: Algorithm, kid: &str) -> Header {
    let mut header = Header::new(algorithm);
    header.typ = Some("at+jwt".to_owned());
    header.kid = Some(kid.to_owned());
    header
}

fn signed(claims: &Value) -> String {
    encode(&header(Algorithm::EdDSA, "ed-1"), claims, &ed()).unwrap()
}

/// Why a token is refused.
async fn refusal(verifier: &JwtVerifier, token: &str) -> String {
    let error = verifier.access(token).await.unwrap_err();
    assert!(token.len() < 20 || !format!("{error} {error:?}").contains(&token[..20]), "{error:?}");
    error.to_string()
}

#[tokio::test]
async fn good_tokens_of_each_kind() {
    let verifier = verifier();
    for (algorithm, kid, key) in [
        (Algorithm::RS256, "rsa-1", rsa()),
        (Algorithm::RS512, "rsa-1", rsa()),
        (Algorithm::PS256, "rsa-1", rsa()),
        (Algorithm::EdDSA, "ed-1", ed()),
    ] {
        let access =
            verifier.access(&encode(&header(algorithm, kid), &claims(), &key).unwrap()).await.unwrap();
        assert_eq!(access.principal.as_str(), "entra");
        assert_eq!(access.scopes, Scopes::READ_WRITE);
        assert_eq!(access.tenants, TenantAccess::Unbound);
    }
    for typ in [None, Some("JWT"), Some("jwt"), Some("at+jwt"), Some("AT+JWT"), Some("application/at+jwt")] {
        let mut header = header(Algorithm::EdDSA, "ed-1");
        header.typ = typ.map(str::to_owned);
        verifier.access(&encode(&header, &claims(), &ed()).unwrap()).await.unwrap();
    }
    for claims in [
        with(json!({"aud": ["other", AUDIENCE]})),
        with(json!({"nbf": null})),
        with(json!({"exp": get_current_timestamp() - 30})),
        with(json!({"nbf": get_current_timestamp() + 30})),
    ] {
        verifier.access(&signed(&claims)).await.unwrap();
    }
}

#[tokio::test]
async fn r7644_7_02b_access_tokens_live_for_a_time() {
    let server = Server::new();
    let service = AuthLayer::new(verifier()).layer(server.service.clone());
    let now = get_current_timestamp();
    let get = async |claims: Value| {
        let bearer = format!("Bearer {}", signed(&claims));
        send(service.clone(), "GET", "/Users", &[("authorization", bearer.as_str())], "").await
    };
    get(with(json!({"exp": now + 300}))).await.expect(200);
    for dead in
        [json!({"exp": now - 300}), json!({"exp": 1}), json!({"exp": null}), json!({"nbf": now + 300})]
    {
        let answer = get(with(dead)).await;
        assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"SCIM\", error=\"invalid_token\""));
        answer.refused(401, "");
    }
}

#[tokio::test]
async fn wrong_claims_are_refused() {
    let now = get_current_timestamp();
    for (changes, words) in [
        (json!({"exp": now - 120}), "the access token has expired"),
        (json!({"exp": null}), "the access token lacks a claim"),
        (json!({"exp": "tomorrow"}), "the access token lacks a claim"),
        (json!({"nbf": now + 120}), "the access token is not valid yet"),
        (json!({"nbf": "now"}), "the access token lacks a claim"),
        (json!({"iss": "https://evil.example/"}), "the access token comes from another issuer"),
        (json!({"iss": "https://login.example.com"}), "the access token comes from another issuer"),
        (json!({"iss": [ISSUER, "https://evil.example/"]}), "the access token comes from another issuer"),
        (json!({"iss": null}), "the access token lacks a claim"),
        (json!({"aud": "https://other.example/"}), "the access token is for another audience"),
        (json!({"aud": []}), "the access token is for another audience"),
        (json!({"aud": null}), "the access token lacks a claim"),
        (json!({"sub": null}), "the access token does not say whose it is"),
        (json!({"sub": ""}), "the access token does not say whose it is"),
        (json!({"sub": "a\nb"}), "the access token does not say whose it is"),
        (json!({"sub": 7}), "the access token does not say whose it is"),
    ] {
        let refusal = refusal(&verifier(), &signed(&with(changes.clone()))).await;
        assert!(refusal.starts_with(words), "{changes}: {refusal}");
    }
    let strict = verifier().require_nbf().with_leeway(Duration::ZERO);
    assert!(refusal(&strict, &signed(&with(json!({"nbf": null})))).await.contains("lacks a claim"));
    assert!(refusal(&strict, &signed(&with(json!({"exp": now - 5})))).await.contains("expired"));
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

#[tokio::test]
async fn forged_headers_are_refused() {
    let verifier = verifier();
    let good = signed(&claims());
    let (message, signature) = good.rsplit_once('.').unwrap();
    let (_, body) = message.split_once('.').unwrap();

    for alg in ["none", "None", "NONE", "", "HS257"] {
        for signature in ["", signature] {
            let token = format!("{}.{body}.{signature}", part(&json!({"alg": alg, "kid": "ed-1"})));
            assert_eq!(refusal(&verifier, &token).await, "the access token cannot be read", "{alg}");
        }
    }
    // The public key as the secret of HMAC: the classic confusion.
    for secret in [RSA_N.trim().as_bytes().to_vec(), URL_SAFE_NO_PAD.decode(RSA_N.trim()).unwrap()] {
        let token = encode(&header(Algorithm::HS256, "rsa-1"), &claims(), &EncodingKey::from_secret(&secret))
            .unwrap();
        let refusal = refusal(&verifier, &token).await;
        assert_eq!(refusal, "the access token is signed with an algorithm that is not allowed here");
        // Also where HMAC is allowed, a public key is no secret.
        let lax = JwtVerifier::new(ISSUER, AUDIENCE, keys()).with_algorithms([JwtAlgorithm::HS256]);
        assert_eq!(
            lax.access(&token).await.unwrap_err().to_string(),
            "the access token is signed with a key that is not known here"
        );
    }
    // A key of another family, and one that is nobody's.
    for (algorithm, kid) in [(Algorithm::EdDSA, "rsa-1"), (Algorithm::EdDSA, "ed-2"), (Algorithm::EdDSA, "")]
    {
        let token = encode(&header(algorithm, kid), &claims(), &ed()).unwrap();
        let refusal = refusal(&verifier, &token).await;
        assert_eq!(refusal, "the access token is signed with a key that is not known here", "{kid}");
    }
    let mut without = header(Algorithm::EdDSA, "");
    without.kid = None;
    without.jwk = serde_json::from_value(jwk("ed-1")).unwrap();
    let token = encode(&without, &claims(), &ed()).unwrap();
    assert_eq!(refusal(&verifier, &token).await, "the access token does not name its key in `kid`");

    for typ in ["secevent+jwt", "logout+jwt", "dpop+jwt", "JOSE"] {
        let mut header = header(Algorithm::EdDSA, "ed-1");
        header.typ = Some(typ.to_owned());
        let token = encode(&header, &claims(), &ed()).unwrap();
        assert_eq!(refusal(&verifier, &token).await, "the token is no access token", "{typ}");
    }
    let mut plain = header(Algorithm::EdDSA, "ed-1");
    plain.typ = Some("JWT".to_owned());
    let plain = encode(&plain, &claims(), &ed()).unwrap();
    let strict = JwtVerifier::new(ISSUER, AUDIENCE, keys()).require_at_jwt();
    assert_eq!(refusal(&strict, &plain).await, "the token is no access token");
    let mut critical = header(Algorithm::EdDSA, "ed-1");
    critical.crit = Some(vec!["b64".to_owned()]);
    let token = encode(&critical, &claims(), &ed()).unwrap();
    assert_eq!(
        refusal(&verifier, &token).await,
        "the access token needs an extension that is not known here"
    );
}

#[tokio::test]
async fn bent_tokens_are_refused() {
    let verifier = verifier();
    let good = signed(&claims());
    let (message, signature) = good.rsplit_once('.').unwrap();
    let (head, _) = message.split_once('.').unwrap();
    let other = part(&with(json!({"sub": "somebody-else"})));
    let held = "the signature of the access token does not hold";
    assert_eq!(refusal(&verifier, &format!("{head}.{other}.{signature}")).await, held);
    assert_eq!(refusal(&verifier, &format!("{message}.")).await, held);
    assert_eq!(refusal(&verifier, &format!("{message}.AAAA")).await, held);
    for (token, words) in [
        ("a.b.c".to_owned(), "the access token cannot be read"),
        ("..".to_owned(), "the access token cannot be read"),
        (format!("{message}.!!"), "the access token cannot be read"),
        (format!("{message}.{signature}="), "the access token cannot be read"),
        (format!("{good}.x"), "the bearer token is not valid"),
        (message.to_owned(), "the bearer token is not valid"),
        ("opaque-token".to_owned(), "the bearer token is not valid"),
        (format!("{head}.{}.{signature}", "A".repeat(17_000)), "the access token is longer than 16 KiB"),
    ] {
        assert_eq!(refusal(&verifier, &token).await, words, "{}", token.len());
    }
    for cut in (0..good.len()).step_by(7) {
        refusal(&verifier, &good[..cut]).await;
    }
    // Two of one claim: which counts is anybody's guess.
    let twice = format!(
        "{{\"iss\":\"{ISSUER}\",\"iss\":\"x\",\"aud\":\"{AUDIENCE}\",\"sub\":\"a\",\"exp\":9999999999}}"
    );
    let message = format!("{head}.{}", URL_SAFE_NO_PAD.encode(twice));
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &ed(), Algorithm::EdDSA).unwrap();
    assert_eq!(
        refusal(&verifier, &format!("{message}.{signature}")).await,
        "the access token cannot be read"
    );
}

#[tokio::test]
async fn scopes_principals_and_tenants_come_from_claims() {
    for (changes, scopes) in [
        (json!({"scope": "scim.read"}), Scopes::READ),
        (json!({"scope": "scim.write openid"}), Scopes::WRITE),
        (json!({"scope": "scim.write scim.read"}), Scopes::READ_WRITE),
        (json!({"scope": null, "scp": ["scim.read", 7]}), Scopes::READ),
        (json!({"scope": null, "scp": "scim"}), Scopes::READ_WRITE),
        (json!({"scope": "", "scp": "scim"}), Scopes::NONE),
        (json!({"scope": "scim.readx SCIM"}), Scopes::NONE),
        (json!({"scope": 7}), Scopes::NONE),
        (json!({"scope": null}), Scopes::NONE),
    ] {
        let access = verifier().access(&signed(&with(changes.clone()))).await.unwrap();
        assert_eq!(access.scopes, scopes, "{changes}");
    }
    let roles = verifier().with_scope_claims(["roles"]).with_scope_names(["Users.Read"], ["Users.Write"]);
    let access = roles.access(&signed(&with(json!({"roles": ["Users.Read"]})))).await.unwrap();
    assert_eq!(access.scopes, Scopes::READ);

    for (changes, name) in [
        (json!({"client_id": "c", "azp": "a"}), "entra"),
        (json!({"sub": null, "client_id": "c", "azp": "a"}), "c"),
        (json!({"sub": null, "azp": "a"}), "a"),
    ] {
        let principal = verifier().access(&signed(&with(changes))).await.unwrap().principal;
        assert_eq!(principal.as_str(), name);
        // Nobody with a token of this server's own is ever taken for them.
        assert_ne!(principal, Principal::new(name));
        assert_eq!(principal.to_string(), format!("{name} ({ISSUER})"));
    }

    let bound = verifier().with_tenant_claim("tid");
    let access = bound.access(&signed(&with(json!({"tid": "t-1"})))).await.unwrap();
    assert_eq!(access.tenants, TenantAccess::Only("t-1".parse().unwrap()));
    for tid in [json!(null), json!(""), json!(7), json!("a\u{0}b")] {
        let refusal = refusal(&bound, &signed(&with(json!({"tid": tid})))).await;
        assert_eq!(refusal, "the access token names no tenant");
    }
    let every = verifier().in_every_tenant().access(&signed(&claims())).await.unwrap();
    assert_eq!(every.tenants, TenantAccess::Every);
}

#[tokio::test]
async fn tokens_as_entra_sends_them() {
    let issuer = "https://sts.windows.net/6d4f8e2c-9f0b-4c55-8a1b-0a1b2c3d4e5f/";
    let audience = "8adf8e6e-67b2-4cf2-a259-e3dc5476c621";
    let verifier = JwtVerifier::new(issuer, audience, key_set(&["rsa-entra"]))
        .with_algorithms([JwtAlgorithm::RS256])
        .with_principal_claims(["appid", "azp"])
        .with_tenant_claim("tid")
        .with_default_scopes(Scopes::READ_WRITE);
    let now = get_current_timestamp();
    let claims = json!({"aud": audience, "iss": issuer, "iat": now, "nbf": now, "exp": now + 3900, "aio": "k2",
        "appid": "00000014-0000-0000-c000-000000000000", "appidacr": "2", "idp": issuer, "oid": "o", "rh": "0.A",
        "sub": "s", "tid": "6d4f8e2c-9f0b-4c55-8a1b-0a1b2c3d4e5f", "uti": "u", "ver": "1.0"});
    let mut header = header(Algorithm::RS256, "rsa-entra");
    header.typ = Some("JWT".to_owned());
    header.x5t = Some("rsa-entra".to_owned());
    let access = verifier.access(&encode(&header, &claims, &rsa()).unwrap()).await.unwrap();
    assert_eq!(access.principal.as_str(), "00000014-0000-0000-c000-000000000000");
    assert_eq!(access.scopes, Scopes::READ_WRITE);
    assert_eq!(access.tenants, TenantAccess::Only("6d4f8e2c-9f0b-4c55-8a1b-0a1b2c3d4e5f".parse().unwrap()));
    header.alg = Algorithm::RS384;
    let refusal = refusal(&verifier, &encode(&header, &claims, &rsa()).unwrap()).await;
    assert_eq!(refusal, "the access token is signed with an algorithm that is not allowed here");
}

#[tokio::test]
async fn shared_secrets_only_when_asked_for() {
    let secret = [7; 32];
    let set = KeySet::from_secret("shared", &secret).unwrap();
    let token =
        encode(&header(Algorithm::HS256, "shared"), &claims(), &EncodingKey::from_secret(&secret)).unwrap();
    let asked = JwtVerifier::new(ISSUER, AUDIENCE, set.clone()).with_algorithms([JwtAlgorithm::HS256]);
    asked.access(&token).await.unwrap();
    let other =
        encode(&header(Algorithm::HS256, "shared"), &claims(), &EncodingKey::from_secret(&[8; 32])).unwrap();
    assert!(refusal(&asked, &other).await.contains("signature"));
    let unasked = JwtVerifier::new(ISSUER, AUDIENCE, set.clone());
    assert!(refusal(&unasked, &token).await.contains("algorithm that is not allowed"));
    assert_eq!(
        KeySet::from_secret("x", &[7; 31]).unwrap_err().to_string(),
        "a shared secret must have at least 32 bytes"
    );
    assert_eq!(format!("{set:?}"), "{\"shared\"}");
}

#[test]
fn key_sets() {
    for (keys, words) in [
        (json!([]), "no public key"),
        (
            json!([{"kty": "oct", "kid": "a", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"}]),
            "no public key",
        ),
        (json!([{"kty": "OKP", "crv": "Ed25519", "x": ED_X}]), "no public key"),
        (json!([{"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": ED_X, "use": "enc"}]), "no public key"),
        (
            json!([{"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": ED_X, "key_ops": ["encrypt"]}]),
            "no public key",
        ),
        (json!([{"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": ED_X, "alg": "RS256"}]), "no public key"),
        (json!([{"kty": "new", "kid": "a"}]), "no public key"),
        (json!(vec![jwk("ed-1"); 101]), "more than 100"),
        (json!("keys"), "no JWK Set"),
    ] {
        let error = KeySet::from_json(&json!({"keys": keys}).to_string()).unwrap_err().to_string();
        assert!(error.contains(words), "{keys}: {error}");
    }
    // One that is odd does not spoil the others.
    let mixed = json!({"keys": [{"kty": "new", "kid": "a", "p": {"q": 1}}, jwk("ed-1")]});
    assert_eq!(format!("{:?}", KeySet::from_json(&mixed.to_string()).unwrap()), "{\"ed-1\"}");
}

/// Answers that an issuer gives, one after the other; then it is away.
#[derive(Clone, Debug, Default)]
struct Issuer(Arc<Mutex<(VecDeque<Option<KeySet>>, usize)>>);

impl Issuer {
    fn with(answers: impl IntoIterator<Item = Option<KeySet>>) -> Self {
        Self(Arc::new(Mutex::new((answers.into_iter().collect(), 0))))
    }

    fn asked(&self) -> usize {
        self.0.lock().unwrap().1
    }
}

#[async_trait::async_trait]
impl FetchKeys for Issuer {
    async fn fetch(&self) -> Result<KeySet, FetchError> {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let mut state = self.0.lock().unwrap();
        state.1 += 1;
        state.0.pop_front().flatten().ok_or_else(|| FetchError::new("the issuer is away"))
    }
}

fn signed_by(kid: &str) -> String {
    encode(&header(Algorithm::EdDSA, kid), &claims(), &ed()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn keys_are_rotated_and_forged_ids_make_no_storm() {
    let issuer =
        Issuer::with([Some(key_set(&["ed-1"])), Some(key_set(&["ed-1", "ed-2"])), Some(key_set(&["ed-2"]))]);
    let verifier = Arc::new(JwtVerifier::new(ISSUER, AUDIENCE, issuer.clone()));
    // Many at once: one fetch.
    let many: Vec<_> = (0..20).map(|_| (Arc::clone(&verifier), signed_by("ed-1"))).collect();
    let many = many
        .into_iter()
        .map(|(verifier, token)| tokio::spawn(async move { verifier.access(&token).await.is_ok() }));
    for done in many.collect::<Vec<_>>() {
        assert!(done.await.unwrap());
    }
    assert_eq!(issuer.asked(), 1);
    // A new key is looked for, though not before a minute is over; forged ones neither.
    assert!(verifier.access(&signed_by("ed-2")).await.is_err());
    assert_eq!(issuer.asked(), 1);
    tokio::time::advance(Duration::from_secs(60)).await;
    verifier.access(&signed_by("ed-2")).await.unwrap();
    verifier.access(&signed_by("ed-1")).await.unwrap();
    for n in 0..1000 {
        assert!(verifier.access(&signed_by(&format!("forged-{n}"))).await.is_err());
    }
    assert_eq!(issuer.asked(), 2);
    // After an hour they are read again, and one that was withdrawn is no good any more.
    tokio::time::advance(Duration::from_secs(3600)).await;
    verifier.access(&signed_by("ed-2")).await.unwrap();
    assert_eq!(issuer.asked(), 3);
    assert!(verifier.access(&signed_by("ed-1")).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_not_there_is_refused_though_fetches_may_follow_each_other_closely() {
    let issuer = Issuer::with([Some(key_set(&["ed-1"])), Some(key_set(&["ed-1"]))]);
    let verifier = JwtVerifier::new(ISSUER, AUDIENCE, issuer).with_keys_read_apart(Duration::from_millis(1));
    verifier.access(&signed_by("ed-1")).await.unwrap();
    tokio::time::advance(Duration::from_secs(1)).await;
    let refusal = refusal(&verifier, &signed_by("ed-2")).await;
    assert_eq!(refusal, "the access token is signed with a key that is not known here");
}

#[tokio::test(start_paused = true)]
async fn the_last_good_keys_are_kept_while_the_issuer_is_away() {
    let issuer = Issuer::with([Some(key_set(&["ed-1"]).with_fresh_for(Duration::from_secs(600)))]);
    let verifier = JwtVerifier::new(ISSUER, AUDIENCE, issuer.clone());
    verifier.access(&signed_by("ed-1")).await.unwrap();
    tokio::time::advance(Duration::from_secs(599)).await;
    verifier.access(&signed_by("ed-1")).await.unwrap();
    assert_eq!(issuer.asked(), 1);
    tokio::time::advance(Duration::from_secs(2)).await;
    for _ in 0..10 {
        verifier.access(&signed_by("ed-1")).await.unwrap();
    }
    assert_eq!(issuer.asked(), 2);
    tokio::time::advance(Duration::from_secs(23 * 3600)).await;
    verifier.access(&signed_by("ed-1")).await.unwrap();
    assert_eq!(issuer.asked(), 3);
    // After a day they are no good any more.
    tokio::time::advance(Duration::from_secs(3600)).await;
    let error = verifier.access(&signed_by("ed-1")).await.unwrap_err();
    assert_eq!(error.to_string(), "bearer tokens cannot be checked now");
}

#[tokio::test(start_paused = true)]
async fn without_any_keys_clients_are_told_to_come_back() {
    let server = Server::new();
    let issuer = Issuer::with([None, Some(key_set(&["ed-1"]))]);
    let service =
        AuthLayer::new(JwtVerifier::new(ISSUER, AUDIENCE, issuer.clone())).layer(server.service.clone());
    let bearer = format!("Bearer {}", signed_by("ed-1"));
    let headers = [("authorization", bearer.as_str())];
    for _ in 0..5 {
        let answer = send(service.clone(), "GET", "/Users", &headers, "").await;
        assert_eq!(answer.header("retry-after"), Some("5"));
        assert_eq!(answer.refused(503, ""), "bearer tokens cannot be checked now; try again");
    }
    assert_eq!(issuer.asked(), 1);
    tokio::time::advance(Duration::from_secs(5)).await;
    send(service, "GET", "/Users", &headers, "").await.expect(200);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_does_not_break_a_fetch_off() {
    let issuer = Issuer::with([Some(key_set(&["ed-1"]))]);
    let verifier = JwtVerifier::new(ISSUER, AUDIENCE, issuer.clone());
    let forged = signed_by("forged");
    let impatient = tokio::time::timeout(Duration::from_millis(10), verifier.access(&forged)).await;
    assert!(impatient.is_err());
    verifier.access(&signed_by("ed-1")).await.unwrap();
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn jwts_guard_the_service_beside_fixed_tokens() {
    let server = Server::new();
    let fixed = StaticTokens::new().with("okta", "fixed-token").unwrap();
    let service = AuthLayer::new(AnyOf::new().or(fixed).or(verifier())).layer(server.service.clone());
    let get = |token: String| {
        let service = service.clone();
        async move { send(service, "GET", "/Users", &[("authorization", &format!("Bearer {token}"))], "").await }
    };
    get("fixed-token".to_owned()).await.expect(200);
    get(signed(&claims())).await.expect(200);
    let expired = get(signed(&with(json!({"exp": 1})))).await;
    assert_eq!(expired.header("www-authenticate"), Some("Bearer realm=\"SCIM\", error=\"invalid_token\""));
    assert_eq!(expired.refused(401, ""), "the access token has expired");
    let narrow = get(signed(&with(json!({"scope": "scim.write"})))).await;
    let challenge = "Bearer realm=\"SCIM\", error=\"insufficient_scope\", scope=\"scim.read\"";
    assert_eq!(narrow.header("www-authenticate"), Some(challenge));
    narrow.expect(403);
}
