/// What a text has to look like where RFC 7643 says so in words only, which no characteristic of an attribute expresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// "in ISO 3166-1 alpha-2 short code format" (section 4.1.2).
    Country,
    /// "a language tag as defined in [RFC5646]" (section 4.1.1).
    LanguageTag,
    /// "the same as the HTTP Accept-Language header field" (section 4.1.1).
    LanguageRanges,
    /// "in IANA Time Zone database format" (section 4.1.1).
    TimeZone,
    /// "a URI that is a uniform resource locator" (sections 4.1.1 and 4.1.2).
    Url,
}

impl Format {
    /// That of an attribute of a User, or of a sub-attribute.
    pub(super) fn of_user(name: &str, sub: Option<&str>) -> Option<Self> {
        let is = |path: (&str, &str)| {
            name.eq_ignore_ascii_case(path.0) && sub.unwrap_or_default().eq_ignore_ascii_case(path.1)
        };
        const TABLE: [((&str, &str), Format); 6] = [
            (("addresses", "country"), Format::Country),
            (("locale", ""), Format::LanguageTag),
            (("photos", "value"), Format::Url),
            (("preferredLanguage", ""), Format::LanguageRanges),
            (("profileUrl", ""), Format::Url),
            (("timezone", ""), Format::TimeZone),
        ];
        TABLE.into_iter().find(|(path, _)| is(*path)).map(|(_, format)| format)
    }
}
