//! What an e-mail address looks like.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The most bytes of a label of a domain, as far as it is ASCII (RFC 1035 section 2.3.4).
const LABEL_MAX: usize = 63;

/// What is wrong with the form of an address, `Mailbox` of RFC 5321 section 4.1.2 and RFC 6531 section 3.3: Unicode may
/// stand everywhere, a domain may be one label, and one may have `_` in it. Whether mail arrives is found out by sending some.
pub(crate) fn problem(email: &str) -> Option<&'static str> {
    let (local, domain) = match email.rsplit_once('@') {
        Some((local, domain)) if !local.is_empty() && !domain.is_empty() => (local, domain),
        _ => return Some("it needs a name, an `@` and a domain"),
    };
    if !is_quoted(local) {
        if local.contains('@') {
            return Some("it has more than one `@`");
        }
        if !local.chars().all(is_atom) {
            return Some(
                "it has a character before the `@` that no address has there unless in double quotes",
            );
        }
        if local.split('.').any(str::is_empty) {
            return Some("what stands before the `@` begins or ends with a dot, or has two in a row");
        }
    }
    (!is_domain(domain) && !is_literal(domain))
        .then_some("what stands after the `@` is no domain such as example.com")
}

/// Whether a text is a domain. That it exists is not said.
pub(crate) fn is_domain(text: &str) -> bool {
    text.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    let legal = |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !label.is_empty()
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.chars().all(legal)
        && (label.len() <= LABEL_MAX || !label.is_ascii())
}

/// `atext` (RFC 5322 section 3.2.3) with what RFC 6532 adds, or a dot.
fn is_atom(c: char) -> bool {
    !c.is_ascii() || c.is_ascii_alphanumeric() || ".!#$%&'*+-/=?^_`{|}~".contains(c)
}

/// `Quoted-string`, in which a backslash goes before a quote.
fn is_quoted(local: &str) -> bool {
    let Some(inner) = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return false };
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        if c == '"' || (c == '\\' && chars.next().is_none()) {
            return false;
        }
    }
    true
}

/// `address-literal` (RFC 5321 section 4.1.3), of the two kinds of addresses that there are.
fn is_literal(domain: &str) -> bool {
    let Some(inner) = domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else { return false };
    match inner.strip_prefix("IPv6:") {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => inner.parse::<Ipv4Addr>().is_ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_mailboxes_pass() {
        for email in [
            "ada@example.com",
            "Ada.Lovelace+scim@mail.example.co.uk",
            "o'brien@example.com",
            "ada_contoso.com#EXT#@tenant.onmicrosoft.com",
            "!#$%&'*+-/=?^_`{|}~@example.com",
            "_@x-y.org",
            "a@localhost",
            "1@2.org",
            "a@foo_bar.local",
            "a@1password.example",
            "zoë@münchen.example",
            "zoe@xn--mnchen-3ya.example",
            "用户@例子.广告",
            "अजय@डाटा.भारत",
            "\"x@y\"@example.com",
            "\"a..b\"@example.com",
            "\"a\\\"b\"@example.com",
            "\"\"@example.com",
            "a@[192.0.2.1]",
            "a@[IPv6:2001:db8::1]",
        ] {
            assert_eq!(problem(email), None, "{email}");
        }
    }

    #[test]
    fn what_no_mailbox_has_does_not_pass() {
        for (begins, emails) in [
            ("it needs", &["", "@", "x", "x@", "@y", "x@y@"][..]),
            ("it has more than one", &["x@@y", "a@b@c.d", "x@y.org@example.com", "@a@b"]),
            (
                "it has a character",
                &[
                    "mailto:x@y.z",
                    "Ada<ada@y.z",
                    "a,b@c.d",
                    "a;b@c.d",
                    "CORP\\ada@c.d",
                    "a(b)@c.d",
                    "\"a@c.d",
                    "a\"@c.d",
                    "\"@c.d",
                    "\"a\"b\"@c.d",
                    "\"a\\\"@c.d",
                ],
            ),
            ("what stands before", &["a..b@c.d", ".a@c.d", "a.@c.d", ".@c.d"]),
            (
                "what stands after",
                &[
                    "a@.c.d",
                    "a@c.d.",
                    "a@c..d",
                    "a@-c.d",
                    "a@c-.d",
                    "a@c,d",
                    "a@c.d>",
                    "a@c.d:25",
                    "a@c/d",
                    "a@[c.d]",
                    "a@[192.0.2.1",
                    "a@192.0.2.1]",
                    "a@[2001:db8::1]",
                ],
            ),
        ] {
            for email in emails {
                assert!(
                    problem(email).is_some_and(|problem| problem.starts_with(begins)),
                    "{email}: {begins}"
                );
            }
        }
        assert!(problem(&format!("a@{}.org", "b".repeat(64))).is_some());
        assert_eq!(problem(&format!("a@{}.org", "b".repeat(63))), None);
    }
}
