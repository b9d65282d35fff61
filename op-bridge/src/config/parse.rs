//! How the text of each setting is read. An empty text is the default, because deployment files often render
//! a setting that nobody has chosen as an empty variable.

use std::net::IpAddr;
use std::path::PathBuf;

use scim_server::layer::forwarded::ForwardedLayer;

use super::{DEFAULT_DATA_DIR, DeletedUsers, ManagedGroups, TrustedProxies};
use crate::account::{is_domain, is_unseen};
use crate::confirm::INTERVAL_MIN;

pub(super) const PORT: &str = "3002";
pub(super) const INTERVAL: &str = "300";
pub(super) const LISTEN: &str = "0.0.0.0";
pub(super) const RATE_LIMIT: &str = "1000";
/// Whoever has accepted is to have access on the next day.
const INTERVAL_MAX: u32 = 86_400;
const MOST_REQUESTS: u32 = 100_000;

pub(super) fn port(text: &str) -> Result<u16, String> {
    or_default(text, PORT).parse().map_err(|_| "a port is a number from 0 to 65535".to_owned())
}

pub(super) fn interval(text: &str) -> Result<u32, String> {
    let text = or_default(text, INTERVAL);
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    // A number with more digits than fit is too large, and not no number.
    let seconds = text.parse().ok().or(is_number.then_some(u32::MAX));
    let seconds = seconds.ok_or_else(|| "it is a whole number of seconds".to_owned())?;
    if i64::from(seconds) < INTERVAL_MIN.num_seconds() {
        return Err(format!("it must be at least {} seconds", INTERVAL_MIN.num_seconds()));
    }
    if seconds > INTERVAL_MAX {
        return Err(format!("it must be at most {INTERVAL_MAX} seconds, which is a day"));
    }
    Ok(seconds)
}

pub(super) fn rate_limit(text: &str) -> Result<u32, String> {
    let requests = or_default(text, RATE_LIMIT).parse().ok().filter(|requests| *requests <= MOST_REQUESTS);
    requests.ok_or_else(|| format!("it is a whole number from 0 to {MOST_REQUESTS}"))
}

/// What the original's language reads as a truth value, and nothing as false.
pub(super) fn switch(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "t" | "true" => Ok(true),
        "" | "0" | "f" | "false" => Ok(false),
        _ => Err("write 1 or true, or 0 or false".to_owned()),
    }
}

pub(super) fn data_dir(text: &str) -> Result<PathBuf, String> {
    Ok(or_default(text, DEFAULT_DATA_DIR).into())
}

pub(super) fn deleted_users(text: &str) -> Result<DeletedUsers, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "" | "hidden" => Ok(DeletedUsers::Hidden),
        "listed" => Ok(DeletedUsers::Listed),
        _ => Err("write `hidden` or `listed`".to_owned()),
    }
}

pub(super) fn managed_groups(text: &str) -> Result<ManagedGroups, String> {
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    Ok(ManagedGroups(names.map(str::to_owned).collect()))
}

pub(super) fn trusted_proxies(text: &str) -> Result<TrustedProxies, String> {
    let networks = text.split(',').map(str::trim).filter(|network| !network.is_empty());
    ForwardedLayer::new().trust(networks).map(TrustedProxies).map_err(|error| error.to_string())
}

pub(super) fn listen(text: &str) -> Result<IpAddr, String> {
    or_default(text, LISTEN)
        .parse()
        .map_err(|_| "it is an IP address such as 0.0.0.0, 127.0.0.1 or ::".to_owned())
}

fn or_default<'a>(text: &'a str, default: &'a str) -> &'a str {
    match text.trim() {
        "" => default,
        text => text,
    }
}

pub(super) fn domain(text: &str) -> Result<super::Domain, String> {
    let text = text.trim().trim_start_matches('@');
    if text.is_empty() {
        return Ok(super::Domain(None));
    }
    if text.len() > 253 || text.chars().any(|c| c.is_whitespace() || is_unseen(c)) || !is_domain(text) {
        return Err("must be a domain such as example.com".to_owned());
    }
    Ok(super::Domain(Some(text.to_owned())))
}

pub(super) fn base_url(text: &str) -> Result<super::BaseUrl, String> {
    let text = text.trim().trim_end_matches('/');
    if text.is_empty() {
        return Ok(super::BaseUrl(None));
    }
    let uri: http::Uri =
        text.parse().map_err(|_| "must be a URL such as https://scim.example.com/scim/v2")?;
    let web = matches!(uri.scheme_str(), Some("http" | "https"));
    if !web
        || uri.authority().is_none_or(|authority| authority.as_str().contains('@'))
        || uri.query().is_some()
    {
        return Err("must be a URL such as https://scim.example.com/scim/v2".to_owned());
    }
    Ok(super::BaseUrl(Some(text.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_take_the_originals_spellings() {
        for (text, value) in [
            ("1", true),
            ("true", true),
            ("TRUE", true),
            ("t", true),
            ("0", false),
            ("false", false),
            ("", false),
            (" ", false),
        ] {
            assert_eq!(switch(text), Ok(value), "{text:?}");
        }
        assert!(switch("yes").is_err());
    }

    #[test]
    fn an_empty_text_is_the_default() {
        assert_eq!(port(""), Ok(3002));
        assert_eq!(interval(" "), Ok(300));
        assert_eq!(listen(""), Ok("0.0.0.0".parse().unwrap()));
        assert_eq!(data_dir(""), Ok(DEFAULT_DATA_DIR.into()));
        assert_eq!(deleted_users(""), Ok(DeletedUsers::Hidden));
        assert_eq!(managed_groups(" , "), Ok(ManagedGroups::default()));
        assert_eq!(rate_limit(" "), Ok(1000));
    }

    #[test]
    fn values_out_of_range_are_refused_with_the_range() {
        assert_eq!(interval("29").unwrap_err(), "it must be at least 30 seconds");
        assert_eq!(interval("30"), Ok(30));
        for text in ["86401", "4294967296", "99999999999999999999"] {
            assert_eq!(
                interval(text).unwrap_err(),
                "it must be at most 86400 seconds, which is a day",
                "{text}"
            );
        }
        assert_eq!(interval("86400"), Ok(86_400));
        assert_eq!(interval("-300").unwrap_err(), "it is a whole number of seconds");
        assert_eq!(interval("5m").unwrap_err(), "it is a whole number of seconds");
        assert_eq!(port("65536").unwrap_err(), "a port is a number from 0 to 65535");
        assert_eq!(deleted_users("gone").unwrap_err(), "write `hidden` or `listed`");
        assert_eq!(rate_limit("0"), Ok(0));
        for text in ["-1", "100001", "many"] {
            assert_eq!(rate_limit(text).unwrap_err(), "it is a whole number from 0 to 100000", "{text}");
        }
        assert!(listen("localhost").is_err());
    }

    #[test]
    fn proxies_are_networks_or_addresses() {
        for text in ["", " , ", "10.0.0.0/8", "10.0.0.0/8, 192.0.2.7,2001:db8::/32"] {
            trusted_proxies(text).unwrap();
        }
        for text in ["proxy.example.com", "10.0.0.0/33", "10.0.0.0/8 192.0.2.7", "*"] {
            let refusal = trusted_proxies(text).unwrap_err();
            assert!(refusal.starts_with(&format!("`{text}` is no network")), "{refusal}");
        }
    }

    #[test]
    fn groups_are_selected_by_id_or_name() {
        let groups = managed_groups("Engineering, abcdefghijklmnopqrstuvwxyz ,").unwrap();
        assert_eq!(groups.iter().count(), 2);
        assert!(groups.selects("x", "ENGINEERING"));
        assert!(groups.selects("x", " Engin\u{ad}eering"), "as names of groups are compared");
        let there = [("x", "Sales"), ("abcdefghijklmnopqrstuvwxyz", "Ops")];
        assert_eq!(groups.unmatched(&there), ["Engineering"]);
        assert!(groups.selects("abcdefghijklmnopqrstuvwxyz", "Sales"));
        assert!(!groups.selects("x", "Sales"));
    }
}
