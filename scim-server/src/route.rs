//! From the path of a request to what it is about.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::sync::Arc;

use http::Method;
use percent_encoding::percent_decode_str;
use scim_core::{Registry, ResourceId, TypeDefinition, excerpt};

use crate::error::{Error, no_endpoint};

/// The path prefixes that something is served under.
#[derive(Clone, Debug)]
pub(crate) struct Mounts(Vec<String>);

impl Mounts {
    /// Prefixes with one slash before and none after each; the root is the empty one. The longest comes first.
    pub(crate) fn new<'a>(prefixes: impl IntoIterator<Item = &'a str>) -> Self {
        let normalized = prefixes.into_iter().map(|prefix| match prefix.trim_matches('/') {
            "" => String::new(),
            prefix => format!("/{prefix}"),
        });
        let mut normalized: Vec<String> = normalized.collect();
        normalized.sort_by_key(|mount| Reverse(mount.len()));
        Self(normalized)
    }

    /// The prefix that a path lies under, and the rest of the path; the longest prefix wins.
    pub(crate) fn split<'p>(&self, path: &'p str) -> Option<(&str, &'p str)> {
        self.0.iter().find_map(|mount| {
            let rest = path.strip_prefix(mount.as_str()).filter(|rest| is_end(rest));
            Some((mount.as_str(), rest.or_else(|| behind(mount, path))?))
        })
    }
}

/// What comes after a prefix. Doubled slashes count as one here too: clients join base URL and path carelessly.
fn behind<'p>(mount: &str, path: &'p str) -> Option<&'p str> {
    mount.split('/').filter(|segment| !segment.is_empty()).try_fold(path, |rest, segment| {
        let rest = rest.strip_prefix('/')?.trim_start_matches('/').strip_prefix(segment)?;
        is_end(rest).then_some(rest)
    })
}

/// Whether a segment of a path ends before this.
fn is_end(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('/')
}

/// Whether a path under a mount is one of the discovery endpoints of RFC 7644 section 4.
pub(crate) fn is_discovery(path: &str) -> bool {
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    matches!(
        (segments.next().and_then(Endpoint::find), segments.next(), segments.next()),
        (Some(Endpoint::ServiceProviderConfig), None, None)
            | (Some(Endpoint::ResourceTypes | Endpoint::Schemas), _, None)
    )
}

/// Whether a segment of a path is the name of an endpoint that every service has.
pub(crate) fn is_reserved(segment: &str) -> bool {
    Endpoint::find(segment).is_some()
}

/// Whether a segment of a path asks for a search by POST (RFC 7644 section 3.4.3).
pub(crate) fn is_search(segment: &str) -> bool {
    matches!(Endpoint::find(segment), Some(Endpoint::Search))
}

/// An endpoint that every service has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Endpoint {
    ServiceProviderConfig,
    ResourceTypes,
    Schemas,
    Bulk,
    Me,
    Search,
}

impl Endpoint {
    /// The one with this name. As those of resource types, the names of endpoints compare without case; what comes
    /// after them, such as ids, does not.
    fn find(segment: &str) -> Option<Self> {
        const NAMES: [(&str, Endpoint); 7] = [
            ("ServiceProviderConfig", Endpoint::ServiceProviderConfig),
            // The name that drafts of RFC 7644 had, and clients still ask for.
            ("ServiceProviderConfigs", Endpoint::ServiceProviderConfig),
            ("ResourceTypes", Endpoint::ResourceTypes),
            ("Schemas", Endpoint::Schemas),
            ("Bulk", Endpoint::Bulk),
            ("Me", Endpoint::Me),
            (".search", Endpoint::Search),
        ];
        NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(segment)).map(|(_, endpoint)| *endpoint)
    }
}

/// What a request is about (RFC 7644 section 3.2).
#[derive(Clone, Debug)]
pub(crate) enum Route {
    /// The base URL: resources of all types.
    Root,
    /// `/.search`
    RootSearch,
    /// `/Users`
    Collection(Arc<TypeDefinition>),
    /// `/Users/.search`
    Search(Arc<TypeDefinition>),
    /// `/Users/{id}`, or the text that cannot be an id, for the message.
    Resource(Arc<TypeDefinition>, Result<ResourceId, String>),
    /// `/ServiceProviderConfig`
    ServiceProviderConfig,
    /// `/ResourceTypes` or `/ResourceTypes/{name}`
    ResourceTypes(Option<String>),
    /// `/Schemas` or `/Schemas/{uri}`
    Schemas(Option<String>),
    /// `/Me`
    Me,
    /// `/Bulk`
    Bulk,
}

impl Route {
    /// Finds what a path under the base URL is about. Doubled and trailing slashes are passed over, as some clients
    /// join base URL and path carelessly. The names of endpoints compare without case, ids do not.
    pub(crate) fn parse(path: &str, registry: &Registry) -> Result<Self, Error> {
        let mut segments = Vec::with_capacity(2);
        for segment in path.split('/').filter(|segment| !segment.is_empty()) {
            segments.push(decode(segment).map_err(Error::Path)?);
        }
        let [endpoint, rest @ ..] = segments.as_slice() else { return Ok(Self::Root) };
        let route = match (Endpoint::find(endpoint), rest) {
            (Some(Endpoint::Search), []) => Self::RootSearch,
            (Some(Endpoint::ServiceProviderConfig), []) => Self::ServiceProviderConfig,
            (Some(Endpoint::ResourceTypes), []) => Self::ResourceTypes(None),
            (Some(Endpoint::ResourceTypes), [name]) => Self::ResourceTypes(Some(name.to_string())),
            (Some(Endpoint::Schemas), []) => Self::Schemas(None),
            (Some(Endpoint::Schemas), [uri]) => Self::Schemas(Some(uri.to_string())),
            (Some(Endpoint::Me), []) => Self::Me,
            (Some(Endpoint::Bulk), []) => Self::Bulk,
            (Some(_), _) => return Err(no_endpoint(path)),
            (None, rest) => match (registry.by_endpoint(endpoint), rest) {
                (Some(definition), []) => Self::Collection(Arc::clone(definition)),
                (Some(definition), [search]) if is_search(search) => Self::Search(Arc::clone(definition)),
                (Some(definition), [id]) => {
                    Self::Resource(Arc::clone(definition), id.parse().map_err(|_| id.to_string()))
                }
                _ => return Err(no_endpoint(path)),
            },
        };
        Ok(route)
    }

    /// The name of the route in logs and metrics: without ids.
    pub(crate) fn name(&self) -> RouteName {
        let of = |definition: &TypeDefinition, suffix: &str| {
            RouteName(["/", definition.endpoint_segment(), suffix].concat().into())
        };
        match self {
            Self::Root => RouteName("/".into()),
            Self::RootSearch => RouteName("/.search".into()),
            Self::Collection(definition) => of(definition, ""),
            Self::Search(definition) => of(definition, "/.search"),
            Self::Resource(definition, _) => of(definition, "/{id}"),
            Self::ServiceProviderConfig => RouteName("/ServiceProviderConfig".into()),
            Self::ResourceTypes(_) => RouteName("/ResourceTypes".into()),
            Self::Schemas(_) => RouteName("/Schemas".into()),
            Self::Me => RouteName("/Me".into()),
            Self::Bulk => RouteName("/Bulk".into()),
        }
    }

    /// The type and the id of the resources that it is about, as far as it has them.
    pub(crate) fn subject(&self) -> (Option<Arc<TypeDefinition>>, Option<ResourceId>) {
        match self {
            Self::Collection(definition) | Self::Search(definition) => (Some(Arc::clone(definition)), None),
            Self::Resource(definition, id) => (Some(Arc::clone(definition)), id.clone().ok()),
            _ => (None, None),
        }
    }

    /// The methods of the route, as the header `Allow` lists them.
    pub(crate) fn allow(&self) -> &'static str {
        match self {
            Self::Root | Self::ServiceProviderConfig | Self::ResourceTypes(_) | Self::Schemas(_) => {
                "GET, HEAD"
            }
            Self::RootSearch | Self::Search(_) | Self::Bulk => "POST",
            Self::Collection(_) => "GET, HEAD, POST",
            Self::Resource(..) | Self::Me => "GET, HEAD, PUT, PATCH, DELETE",
        }
    }

    pub(crate) fn wrong_method(&self, method: &Method) -> Error {
        Error::Method { method: excerpt(method.as_str()), allow: self.allow() }
    }
}

/// The name of a route, such as `/Users/{id}`: an extension of every answer of the service, for logs and metrics.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RouteName(Arc<str>);

impl RouteName {
    /// The name of a route that something else than the service answers, to be set on that answer. Without ids, so that
    /// logs and metrics may group by it.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self(name.into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Decodes one part of a URI. Half an escape and bytes that are not UTF-8 are refused rather than guessed at.
pub(crate) fn decode(text: &str) -> Result<Cow<'_, str>, String> {
    if !text.as_bytes().contains(&b'%') {
        return Ok(text.into());
    }
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let hex = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_hexdigit());
        if byte == b'%' && !(hex(bytes.next()) && hex(bytes.next())) {
            return Err(format!("`{}` in the URL is not valid percent-encoding", excerpt(text)));
        }
    }
    match percent_decode_str(text).decode_utf8() {
        Ok(text) => Ok(text),
        Err(_) => Err(format!("`{}` in the URL does not decode to UTF-8", excerpt(text))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubled_slashes_do_not_hide_a_mount() {
        let mounts = Mounts::new(["/scim/v2", "/scim", "/"]);
        for path in ["/scim/v2/Users", "//scim/v2/Users", "/scim//v2/Users"] {
            assert_eq!(mounts.split(path), Some(("/scim/v2", "/Users")), "{path}");
        }
        assert_eq!(mounts.split("/scim/v22/Users"), Some(("/scim", "/v22/Users")));
        assert_eq!(mounts.split("/scimitar"), Some(("", "/scimitar")));
    }

    fn route(path: &str) -> Result<String, String> {
        Route::parse(path, &Registry::rfc7643())
            .map(|route| route.name().as_str().to_owned())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn paths_lead_to_routes() {
        for (path, name) in [
            ("/Users", "/Users"),
            ("//users/", "/Users"),
            ("/Groups/a%20b", "/Groups/{id}"),
            ("/Users/.search", "/Users/.search"),
            ("/.search", "/.search"),
            ("", "/"),
            ("/Schemas/urn:x", "/Schemas"),
            ("/Me/", "/Me"),
            ("/Bulk", "/Bulk"),
            ("/bulk", "/Bulk"),
            ("/ME", "/Me"),
            ("/.Search", "/.search"),
            ("/users/.SEARCH", "/Users/.search"),
            ("/schemas", "/Schemas"),
            ("/resourcetypes/User", "/ResourceTypes"),
            ("/serviceProviderConfig", "/ServiceProviderConfig"),
            ("/SERVICEPROVIDERCONFIGS", "/ServiceProviderConfig"),
        ] {
            assert_eq!(route(path).unwrap(), name, "{path}");
        }
        for path in ["/Nope", "/Users/1/2", "/v9/Users", "/Bulk/1", "/Me/x"] {
            assert!(route(path).unwrap_err().contains("no endpoint"), "{path}");
        }
    }

    #[test]
    fn what_is_open_or_reserved_is_so_in_every_spelling() {
        for path in [
            "/Schemas",
            "/schemas/urn:x",
            "/RESOURCETYPES",
            "/serviceproviderconfig",
            "/ServiceProviderConfigs",
        ] {
            assert!(is_discovery(path), "{path}");
        }
        for path in ["/Users", "/", "/bulk", "/me", "/.search", "/Schemas/a/b", "/ServiceProviderConfig/x"] {
            assert!(!is_discovery(path), "{path}");
        }
        assert!(["schemas", "BULK", "me", ".Search"].into_iter().all(is_reserved));
        assert!(!is_reserved("Users"));
    }

    #[test]
    fn half_an_escape_is_an_error() {
        for path in ["/Users/%", "/Users/%4", "/Users/%zz", "/Users/%ff"] {
            assert!(route(path).unwrap_err().contains("in the URL"), "{path}");
        }
    }
}
