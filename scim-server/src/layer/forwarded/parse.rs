//! The values of `Forwarded` and `X-Forwarded-*`.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName};

/// How many proxies a request may have come through: as many elements of a list are read.
const MOST_HOPS: usize = 32;

/// What one proxy has said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Hop {
    pub(super) client: Option<IpAddr>,
    pub(super) host: Option<String>,
    pub(super) proto: Option<String>,
}

/// A header that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

/// The texts of all headers of a name as one list, the nearest proxy's element first.
pub(super) fn list(headers: &HeaderMap, name: &HeaderName) -> Result<Vec<String>, Unreadable> {
    let mut elements = Vec::new();
    for value in headers.get_all(name) {
        let text = value.to_str().map_err(|_| Unreadable)?;
        elements.extend(split(text, ',')?.into_iter().map(str::to_owned));
    }
    if elements.len() > MOST_HOPS {
        return Err(Unreadable);
    }
    elements.reverse();
    Ok(elements)
}

/// Splits at a separator outside quotes; blanks around the parts are cut off, empty parts left out.
fn split(text: &str, separator: char) -> Result<Vec<&str>, Unreadable> {
    let mut parts = Vec::new();
    let (mut start, mut quoted, mut escaped) = (0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            c if c == separator && !quoted => {
                parts.push(text.get(start..at).unwrap_or_default());
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    if quoted {
        return Err(Unreadable);
    }
    parts.push(text.get(start..).unwrap_or_default());
    Ok(parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect())
}

/// One element of `Forwarded`: `for=192.0.2.43;proto=https;host="id.example.com"` (RFC 7239 section 4).
pub(super) fn element(text: &str) -> Result<Hop, Unreadable> {
    let mut hop = Hop::default();
    for pair in split(text, ';')? {
        let (name, value) = pair.split_once('=').ok_or(Unreadable)?;
        let value = match value.strip_prefix('"').and_then(|value| value.strip_suffix('"')) {
            Some(quoted) => quoted.replace('\\', ""),
            None => value.to_owned(),
        };
        match name.trim().to_ascii_lowercase().as_str() {
            "for" if hop.client.is_none() => hop.client = address(&value),
            "host" if hop.host.is_none() => hop.host = Some(value),
            "proto" if hop.proto.is_none() => hop.proto = Some(value),
            "for" | "host" | "proto" => return Err(Unreadable),
            _ => {}
        }
    }
    Ok(hop)
}

/// An address with or without a port; `unknown` and made-up names (RFC 7239 section 6) are none.
pub(super) fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    if let Some((address, _)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return address.parse().ok();
    }
    let without_port = || text.split_once(':').and_then(|(address, _)| address.parse().ok());
    text.parse().ok().or_else(without_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_of_rfc7239() {
        let hop = element("For=\"[2001:db8:cafe::17]:4711\";proto=https; host=\"id.example.com:8443\";by=_x")
            .unwrap();
        assert_eq!(hop.client, Some("2001:db8:cafe::17".parse().unwrap()));
        assert_eq!(hop.host.as_deref(), Some("id.example.com:8443"));
        assert_eq!(hop.proto.as_deref(), Some("https"));
        assert_eq!(element("for=unknown").unwrap().client, None);
        assert_eq!(element("for=192.0.2.43:80").unwrap().client, Some("192.0.2.43".parse().unwrap()));
        for bad in ["for", "for=a;for=b=1;for=1.2.3.4;for=1.2.3.4", "host=a;host=b", "for=\"1.2.3.4"] {
            assert_eq!(element(bad), Err(Unreadable), "{bad}");
        }
    }

    #[test]
    fn quoted_separators_do_not_separate() {
        assert_eq!(split("a, \"b,c\" ,,d", ',').unwrap(), ["a", "\"b,c\"", "d"]);
        assert_eq!(split("\"a\\\",b\",c", ',').unwrap(), ["\"a\\\",b\"", "c"]);
    }
}
