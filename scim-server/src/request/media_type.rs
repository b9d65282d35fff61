use http::HeaderMap;
use http::header::CONTENT_TYPE;
use scim_core::excerpt;

use crate::error::Error;

/// `application/scim+json` and `application/json` are read, both as UTF-8, and a body that does not say what it is.
///
/// # Errors
/// [`Error::MediaType`] and [`Error::Charset`].
pub(super) fn check(headers: &HeaderMap) -> Result<(), Error> {
    for value in headers.get_all(CONTENT_TYPE) {
        let text = String::from_utf8_lossy(value.as_bytes());
        let mut parts = split(&text);
        let essence = parts.next().unwrap_or_default().trim();
        if !["application/scim+json", "application/json"]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(essence))
        {
            return Err(Error::MediaType(excerpt(&text)));
        }
        for parameter in parts {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let value = unquote(value.trim());
            // "JSON text exchanged between systems ... MUST be encoded using UTF-8" (RFC 8259 section 8.1)
            let is_utf8 = ["utf-8", "utf8"].iter().any(|known| known.eq_ignore_ascii_case(&value));
            if name.trim().eq_ignore_ascii_case("charset") && !is_utf8 {
                return Err(Error::Charset(excerpt(&value)));
            }
        }
    }
    Ok(())
}

/// The parts between semicolons that are not within quotes.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    text.split(move |c| {
        let ends = c == ';' && !is_quoted;
        is_quoted ^= c == '"' && !is_escaped;
        is_escaped = c == '\\' && is_quoted && !is_escaped;
        ends
    })
}

/// The value of a parameter: a token, or a quoted text (RFC 9110 section 5.6.6).
fn unquote(text: &str) -> String {
    let Some(quoted) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else {
        return text.to_owned();
    };
    let mut is_escaped = false;
    let shown = |c: &char| {
        is_escaped = *c == '\\' && !is_escaped;
        !is_escaped
    };
    quoted.chars().filter(shown).collect()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn message(value: &str) -> Option<String> {
        let headers = [(CONTENT_TYPE, HeaderValue::from_str(value).unwrap())].into_iter().collect();
        check(&headers).err().map(|error| error.to_string())
    }

    #[test]
    fn json_in_utf_8() {
        for value in [
            "application/scim+json",
            "Application/JSON ; Charset=UTF-8",
            "application/scim+json;charset=\"utf-8\"",
            "application/json; charset=\"UT\\F-8\"; profile=\"a;charset=latin1\"",
            "application/json; charset=utf8;",
            "application/json; odata.metadata=minimal; IEEE754Compatible",
        ] {
            assert_eq!(message(value), None, "{value}");
        }
        for (value, charset) in [
            ("application/scim+json; charset=iso-8859-1", "iso-8859-1"),
            ("application/json;charset=\"UTF-16\"", "UTF-16"),
            ("application/json;profile=\"\\\";x\";CHARSET=us-ascii", "us-ascii"),
            ("application/json;charset=utf-8;charset=utf-7", "utf-7"),
            ("application/json;charset=", ""),
            ("application/json;charset", ""),
        ] {
            let wanted = format!("the charset `{charset}` cannot be read; SCIM is UTF-8");
            assert_eq!(message(value), Some(wanted), "{value}");
        }
        for value in ["", "text/plain", "application/xml; charset=utf-8", "application/jsonx"] {
            assert!(
                message(value).is_some_and(|message| message.contains("send application/scim+json")),
                "{value}"
            );
        }
    }
}
