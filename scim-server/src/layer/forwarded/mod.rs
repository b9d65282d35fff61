//! What proxies say about the client: host, scheme and address, believed only from proxies that are trusted.
//!
//! Of a request that comes from anybody else these headers are taken away, so that nothing behind this layer can be told
//! lies with them: whoever may send `X-Forwarded-Host` would choose what locations say to other clients. What a trusted
//! proxy says becomes the authority and scheme of the request's URI and its `Host`, which is what locations are made of,
//! and the extension [`ClientAddr`](crate::context::ClientAddr).
//!
//! The server has to set the extension [`PeerAddr`](crate::context::PeerAddr); without it nobody is trusted, unless
//! [`trust_every_peer`](ForwardedLayer::trust_every_peer) says so, as behind a Unix socket.
//!
//! ```
//! use http::Request;
//! use scim_server::context::{ClientAddr, PeerAddr};
//! use scim_server::layer::forwarded::ForwardedLayer;
//! use scim_server::Body;
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let layer = ForwardedLayer::new().trust(["10.0.0.0/8"])?;
//! let service = ServiceBuilder::new().layer(layer).service(service_fn(|request: Request<Body>| async move {
//!     let client = ClientAddr::of(request.extensions()).map(|client| client.0.to_string());
//!     let answer = format!("{} for {}", request.uri(), client.unwrap_or_default());
//!     Ok::<_, std::convert::Infallible>(http::Response::new(Body::from(answer.into_bytes())))
//! }));
//! for (peer, said) in [
//!     ("10.1.2.3:4711", "https://id.example.com/Users for 192.0.2.7"),
//!     ("203.0.113.9:4711", "/Users for 203.0.113.9"),
//! ] {
//!     let request = Request::get("/Users")
//!         .extension(PeerAddr(peer.parse()?))
//!         .header("X-Forwarded-Host", "id.example.com")
//!         .header("X-Forwarded-Proto", "https")
//!         .header("X-Forwarded-For", "192.0.2.7")
//!         .body(Body::empty())?;
//!     let body = service.clone().oneshot(request).await?.into_body();
//!     assert_eq!(http_body_util::BodyExt::collect(body).await?.to_bytes(), said);
//! }
//! # Ok(())
//! # }
//! ```

mod layer;
mod parse;
mod service;

pub use layer::{ForwardedLayer, NetworkError};
pub use service::ForwardedService;
