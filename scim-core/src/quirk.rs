use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::value::excerpt;

macro_rules! quirks {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $vendor:literal, $evidence:literal;)+) => {
        /// A tolerated deviation from the RFCs.
        ///
        #[doc = "| flag | who sends it |\n|---|---|"]
        $(#[doc = concat!("| `", $name, "` | ", $vendor, " |")])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Quirk {
            $($(#[$doc])* $variant,)+
        }

        impl Quirk {
            /// Every quirk.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$variant),+];

            /// The name in configurations, logs and documents, such as `string_booleans`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// Who sends it, and what.
            #[must_use]
            pub const fn vendor(self) -> &'static str {
                match self { $(Self::$variant => $vendor,)+ }
            }

            /// How it is known that they do.
            #[must_use]
            pub const fn evidence(self) -> &'static str {
                match self { $(Self::$variant => $evidence,)+ }
            }
        }
    };
}

quirks! {
    /// The strings `true` and `false`, in any case, are booleans where the schema wants a boolean. Instead of 400
    /// invalidValue, in filters 400 invalidFilter.
    StringBooleans = "string_booleans",
        "Microsoft Entra ID without its compliance flag, OneLogin templates: `\"active\": \"False\"`",
        "Microsoft's page on SCIM compatibility of provisioning";
    /// PATCH `add` and `replace` with a value filter that matches nothing make the value, if the filter is one or more
    /// `attribute eq literal` joined by `and`. Instead of 400 noTarget.
    CreateOnNoMatch = "create_on_no_match",
        "Microsoft Entra ID: `add` or `replace` on `emails[type eq \"work\"].value` of a user without one",
        "ten public servers that failed on it, among them SCIM-SDK #416 and scim-patch #42, #176, #187";
    /// PATCH `remove` with a multi-valued attribute as the path and a `value` removes the listed values. Instead of 400
    /// invalidValue.
    RemoveListedValues = "remove_listed_values",
        "Microsoft Entra ID without its compliance flag, JumpCloud: `remove` with path `members` and a list in `value`",
        "Microsoft's page on SCIM compatibility of provisioning; ssoready #182";
    /// Keys of a PATCH value without a path, and of a resource in POST and PUT, may be paths. Instead of 400 invalidPath or
    /// invalidValue.
    DottedKeys = "dotted_keys",
        "Microsoft Entra ID with its compliance flag, Microsoft's validator: keys such as `name.givenName`",
        "scimitar #69, SCIM-SDK #267";
    /// A plain value, or a list of one, stands for a complex value with the sub-attribute `value`. Instead of 400
    /// invalidValue.
    ScalarComplexValues = "scalar_complex_values",
        "Microsoft Entra ID: `manager` as a bare id, or as a list of one",
        "SCIM-SDK #686, scimple #1242";
    /// readOnly attributes in a PATCH value without a path are ignored. Instead of 400 mutability.
    IgnoreReadOnlyInPatch = "ignore_read_only_in_patch",
        "Okta group push: `id` beside `displayName`",
        "Okta's reference for SCIM 2.0";
    /// Missing or unknown entries of `schemas` are made good from the endpoint and the data; what names schemas of other
    /// types only is still refused. Instead of 400 invalidSyntax.
    AssumeSchemas = "assume_schemas",
        "Okta wizard apps, OneLogin, Microsoft Entra ID groups: missing, old or partial `schemas`",
        "Infisical #6552";
    /// Attributes and extensions that are not registered are dropped. Instead of 400 invalidValue.
    IgnoreUnknownAttributes = "ignore_unknown_attributes",
        "Microsoft Entra ID, OneLogin: attributes and extensions that are not registered",
        "SCIMReferenceCode #20";
    /// A bare word in a filter is a string. Instead of 400 invalidFilter.
    BareWordLiterals = "bare_word_literals",
        "older clients: `userName eq bjensen`",
        "an example of RFC 7644 section 3.4.2.1 writes `meta.resourceType eq User`";
    /// A single value stands for a list of one. Instead of 400 invalidValue.
    WrapSingleValues = "wrap_single_values",
        "OneLogin templates: `emails` as one object",
        "templates that administrators edit; a comment in the source of django-scim2";
    /// `""` is no value for attributes that are not strings, but never takes the place of a list. Instead of 400 invalidValue.
    EmptyStrings = "empty_strings",
        "OneLogin macros that expand to nothing: `\"active\": \"\"`",
        "templates with macros such as `{$user.active}`";
    /// `userName` may have blanks inside, which RFC 8265 does not allow. Instead of 400 invalidValue.
    UserNameBlanks = "user_name_blanks",
        "directories whose user names have blanks",
        "RFC 8265 section 3.3 has no blanks, which directories allow";
    /// `userName` may have any other characters that the profile UsernameCaseMapped of RFC 8265 does not allow, except
    /// for control characters and invisible ones: symbols, code points that are not assigned. Instead of 400
    /// invalidValue. It is always on where the crate is built without its feature `precis`.
    AnyUserName = "any_user_name",
        "directories whose user names have symbols, unassigned or compatibility code points",
        "RFC 8265 section 3.3 disallows them, which directories do not";
    /// `addresses.country` may be any text, where the RFC has ISO 3166-1 alpha-2. Instead of 400 invalidValue.
    AnyCountry = "any_country",
        "most: `USA` or `Germany` in `addresses.country`",
        "errata 5990 and 5991 of RFC 7643, whose own examples had `USA`";
    /// `profileUrl` and `photos.value` may be any text, where the RFC has URLs. Instead of 400 invalidValue.
    AnyUrl = "any_url",
        "directories whose administrators type: `www.example.com/ann` in `profileUrl`, a file name in `photos`",
        "attributes that are mapped from a text of the directory";
    /// `preferredLanguage` and `locale` may be any text, where the RFC has the syntax of Accept-Language and a language
    /// tag. Instead of 400 invalidValue.
    AnyLanguage = "any_language",
        "directories whose administrators type: `English`, `en-US.UTF-8`",
        "attributes that are mapped from a text of the directory; conformance suites fill in random words";
    /// `timezone` may be any text, where the RFC has names of the IANA database. Instead of 400 invalidValue.
    AnyTimeZone = "any_time_zone",
        "directories of Windows: `Pacific Standard Time`",
        "Windows has names of its own for time zones; conformance suites fill in random words";
    /// A PATCH that sets a `password` succeeds, though the server throws it away. Instead of 400 mutability.
    ForgetPasswords = "forget_passwords",
        "Okta with password synchronization: a PATCH that sets `password` and nothing else",
        "Okta's reference for SCIM 2.0; a PATCH that fails stops the task";
    /// A POST in a bulk request may have no `bulkId`. Instead of 400 invalidValue.
    MissingBulkIds = "missing_bulk_ids",
        "scripts whose bulk requests refer to nothing: a POST without `bulkId`",
        "RFC 7644 section 3.7 requires it, though only references need it";
    /// `attributes` wins over `excludedAttributes`. Instead of 400 invalidValue.
    PreferAttributes = "prefer_attributes",
        "clients that send `attributes` and `excludedAttributes` together",
        "other servers differ on it";
}

impl Quirk {
    const fn bit(self) -> u32 {
        1 << (self as u32)
    }
}

impl fmt::Display for Quirk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that names no quirk.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is no quirk; expected `interop`, `strict` or one of {}", Names)]
pub struct QuirkError {
    word: String,
}

struct Names;

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, quirk) in Quirk::ALL.into_iter().enumerate() {
            write!(f, "{}`{quirk}`", if n == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl FromStr for Quirk {
    type Err = QuirkError;

    fn from_str(word: &str) -> Result<Self, QuirkError> {
        let found = Self::ALL.into_iter().find(|quirk| quirk.name().eq_ignore_ascii_case(word));
        found.ok_or_else(|| QuirkError { word: excerpt(word) })
    }
}

/// The deviations from the RFCs that are tolerated: a set of [`Quirk`]s, and perhaps counters of their use.
///
/// [`Quirks::interop`] is what a server starts with: it takes all that the well-known identity providers send, and
/// changes nothing that the RFCs let succeed. [`Quirks::strict`] turns every flag off, for conformance runs. In a
/// configuration they are a list: `interop,-any_country`.
///
/// Two sets are equal if they have the same flags, whoever counts.
///
/// ```
/// use scim_core::{Quirk, Quirks};
///
/// let quirks: Quirks = "strict, string_booleans".parse()?;
/// assert_eq!(quirks, Quirks::strict().with(Quirk::StringBooleans, true));
/// assert!(!quirks.is_on(Quirk::AnyCountry));
/// assert_eq!(quirks.to_string(), "strict,string_booleans");
/// # Ok::<(), scim_core::QuirkError>(())
/// ```
#[derive(Clone)]
pub struct Quirks {
    flags: u32,
    uses: Option<Arc<QuirkUses>>,
}

impl Quirks {
    /// What identity providers need. The default.
    #[must_use]
    pub const fn interop() -> Self {
        let mut flags = 0;
        let mut n = 0;
        while n < Quirk::ALL.len() {
            flags |= 1 << n;
            n += 1;
        }
        Self { flags, uses: None }
    }

    /// The plain reading of the RFCs.
    #[must_use]
    pub const fn strict() -> Self {
        Self { flags: 0, uses: None }
    }

    /// Turns a quirk on or off.
    #[must_use]
    pub fn with(mut self, quirk: Quirk, on: bool) -> Self {
        if on {
            self.flags |= quirk.bit();
        } else {
            self.flags &= !quirk.bit();
        }
        self
    }

    /// Whether a quirk is on.
    #[must_use]
    pub const fn is_on(&self, quirk: Quirk) -> bool {
        self.flags & quirk.bit() != 0
    }

    /// The quirks that are on.
    pub fn iter(&self) -> impl Iterator<Item = Quirk> + '_ {
        Quirk::ALL.into_iter().filter(|quirk| self.is_on(*quirk))
    }

    /// Counts uses here from now on.
    #[must_use]
    pub fn counted_by(mut self, uses: &Arc<QuirkUses>) -> Self {
        self.uses = Some(Arc::clone(uses));
        self
    }

    /// Where uses are counted.
    #[must_use]
    pub fn uses(&self) -> Option<&Arc<QuirkUses>> {
        self.uses.as_ref()
    }

    /// Whether a deviation is tolerated that a request needs tolerated; if so, this is a use of the quirk.
    #[must_use]
    pub fn tolerate(&self, quirk: Quirk) -> bool {
        let on = self.is_on(quirk);
        if on && let Some(uses) = &self.uses {
            uses.note(quirk);
        }
        on
    }
}

impl Default for Quirks {
    fn default() -> Self {
        Self::interop()
    }
}

impl PartialEq for Quirks {
    fn eq(&self, other: &Self) -> bool {
        self.flags == other.flags
    }
}

impl Eq for Quirks {}

impl fmt::Debug for Quirks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Quirks({self})")
    }
}

impl fmt::Display for Quirks {
    /// As a list that can be read back: `interop` or `strict`, and what differs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let on = self.iter().count();
        if on > Quirk::ALL.len() / 2 {
            f.write_str("interop")?;
            Quirk::ALL
                .into_iter()
                .filter(|quirk| !self.is_on(*quirk))
                .try_for_each(|quirk| write!(f, ",-{quirk}"))
        } else {
            f.write_str("strict")?;
            self.iter().try_for_each(|quirk| write!(f, ",{quirk}"))
        }
    }
}

impl FromStr for Quirks {
    type Err = QuirkError;

    /// A list of names with commas between, each read on top of what stands before it: `interop` and `strict` set all,
    /// `name` or `+name` turns one on, `-name` one off. Nothing stands for `interop`.
    fn from_str(text: &str) -> Result<Self, QuirkError> {
        let mut quirks = Self::interop();
        for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            quirks = match (word.to_ascii_lowercase().as_str(), word.strip_prefix('-')) {
                ("interop", _) => Self::interop(),
                ("strict", _) => Self::strict(),
                (_, Some(name)) => quirks.with(name.trim().parse()?, false),
                (_, None) => quirks.with(word.trim_start_matches('+').trim().parse()?, true),
            };
        }
        Ok(quirks)
    }
}

/// How often each quirk was needed: what a client sent would have been refused, or have come to something else, without
/// it. That a quirk is on is no use of it. A request counts as often as it needs the tolerance; one that fails for
/// another reason has needed it all the same.
#[derive(Debug, Default)]
pub struct QuirkUses([AtomicU64; Quirk::ALL.len()]);

impl QuirkUses {
    /// Counters that are zero.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// How often a quirk was needed.
    #[must_use]
    pub fn count(&self, quirk: Quirk) -> u64 {
        self.0.get(quirk as usize).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// The quirks that were needed, and how often.
    pub fn iter(&self) -> impl Iterator<Item = (Quirk, u64)> + '_ {
        Quirk::ALL.into_iter().map(|quirk| (quirk, self.count(quirk))).filter(|(_, count)| *count > 0)
    }

    fn note(&self, quirk: Quirk) {
        if let Some(count) = self.0.get(quirk as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl fmt::Display for QuirkUses {
    /// One line for a log: `string_booleans=3 dotted_keys=1`, or `none`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut any = false;
        for (quirk, count) in self.iter() {
            write!(f, "{}{quirk}={count}", if any { " " } else { "" })?;
            any = true;
        }
        if any { Ok(()) } else { f.write_str("none") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_every_set_of_quirks() {
        // Every set of up to two that are on, or off.
        let all = Quirks::interop().flags;
        for one in Quirk::ALL {
            for other in Quirk::ALL {
                for flags in [one.bit() | other.bit(), all & !one.bit() & !other.bit(), 0, all] {
                    let quirks = Quirks { flags, uses: None };
                    assert_eq!(quirks.to_string().parse(), Ok(quirks));
                }
            }
        }
        let table = [
            ("", Quirks::interop()),
            (" Strict ", Quirks::strict()),
            ("interop,-any_country", Quirks::interop().with(Quirk::AnyCountry, false)),
            ("strict,+dotted_keys, -DOTTED_KEYS,any_country", Quirks::strict().with(Quirk::AnyCountry, true)),
            ("any_country,strict", Quirks::strict()),
        ];
        for (text, quirks) in table {
            assert_eq!(text.parse(), Ok(quirks), "{text}");
        }
        let error = "interop,-any_county".parse::<Quirks>().unwrap_err().to_string();
        assert!(
            error.starts_with("`any_county` is no quirk; expected `interop`, `strict` or one of `string_b")
        );
    }

    #[test]
    fn only_what_is_needed_and_on_counts() {
        let uses = QuirkUses::new();
        let quirks = Quirks::interop().with(Quirk::AnyCountry, false).counted_by(&uses);
        assert_eq!(uses.to_string(), "none");
        assert!(quirks.is_on(Quirk::DottedKeys) && quirks.clone().tolerate(Quirk::DottedKeys));
        assert!(!quirks.tolerate(Quirk::AnyCountry) && quirks.tolerate(Quirk::StringBooleans));
        assert!(quirks.tolerate(Quirk::StringBooleans));
        assert_eq!(uses.to_string(), "string_booleans=2 dotted_keys=1");
        assert_eq!(uses.count(Quirk::AnyCountry), 0);
    }

    #[test]
    fn every_quirk_says_who_sends_it_and_how_that_is_known() {
        for quirk in Quirk::ALL {
            assert_eq!(quirk.name().parse(), Ok(quirk));
            assert!(!quirk.vendor().is_empty() && !quirk.evidence().is_empty());
        }
    }
}
