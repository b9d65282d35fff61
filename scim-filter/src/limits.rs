//! What bounds the parsing of one input.

/// Bounds on one filter or path, checked while it is parsed.
///
/// Reaching a bound ends parsing at once, so that neither the time nor the stack nor the memory that an input takes
/// grows past them.
///
/// ```
/// use scim_filter::{Filter, Limits, ParseErrorKind, ParseOptions};
///
/// let few = ParseOptions::from(Limits::default().with_terms(2));
/// let error = Filter::parse_with("a pr or b pr or c pr", &few).unwrap_err();
/// assert_eq!(error.kind(), ParseErrorKind::TooManyTerms);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The longest input, in bytes. 8 KiB by default. Never more than 4 GiB, whatever is set.
    pub length: usize,
    /// How deep `( )` and `[ ]` may be nested. 64 by default.
    ///
    /// The parser, the printer, the evaluator and `Drop` recurse once or twice per level, so keep this well under a thousand.
    pub depth: usize,
    /// How many comparisons (`title pr` counts as one) a filter may have. 256 by default.
    pub terms: usize,
}

impl Limits {
    /// The limits for a filter in the body of a `POST .search` request: those of [`Default`], but 64 KiB long.
    pub const fn search() -> Self {
        Self { length: 64 * 1024, ..Self::DEFAULT }
    }

    /// Sets the longest input, in bytes.
    #[must_use]
    pub const fn with_length(self, length: usize) -> Self {
        Self { length, ..self }
    }

    /// Sets how deep brackets may be nested.
    #[must_use]
    pub const fn with_depth(self, depth: usize) -> Self {
        Self { depth, ..self }
    }

    /// Sets how many comparisons a filter may have.
    #[must_use]
    pub const fn with_terms(self, terms: usize) -> Self {
        Self { terms, ..self }
    }

    const DEFAULT: Self = Self { length: 8 * 1024, depth: 64, terms: 256 };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// How to parse: the [`Limits`], and the deviations from the grammar to accept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParseOptions {
    /// The bounds on the input.
    pub limits: Limits,
    /// Whether a bare word is taken as a string: `meta.resourceType eq User`, as an example of RFC 7644, 3.4.2.2 has it.
    ///
    /// Off by default: a value is a JSON literal, and a JSON string has its quotes.
    pub bare_words: bool,
}

impl ParseOptions {
    /// Sets the limits.
    #[must_use]
    pub const fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Sets whether a bare word is taken as a string.
    #[must_use]
    pub const fn with_bare_words(self, bare_words: bool) -> Self {
        Self { bare_words, ..self }
    }
}

impl From<Limits> for ParseOptions {
    fn from(limits: Limits) -> Self {
        Self::default().with_limits(limits)
    }
}
