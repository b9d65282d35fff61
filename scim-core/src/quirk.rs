/// Tolerated deviations from the RFCs, one flag each.
///
/// [`Quirks::interop`] is what a server starts with: it takes all that the well-known identity providers send, and
/// changes nothing that the RFCs let succeed. [`Quirks::strict`] turns every flag off, for conformance runs.
///
/// | flag | who sends it | instead of |
/// |---|---|---|
/// | `string_booleans` | Microsoft Entra ID without its compliance flag: `"active": "False"` | 400 invalidValue |
/// | `create_on_no_match` | Entra: `add`/`replace` on `emails[type eq "work"].value` of a user without one | 400 noTarget |
/// | `remove_listed_values` | Entra without the flag, JumpCloud: `remove` with path `members` and a list in `value` | 400 invalidValue |
/// | `dotted_keys` | Entra: a PATCH value without a path with keys such as `name.givenName` | 400 invalidPath |
/// | `scalar_complex_values` | Entra: `manager` as a bare id, or as a list of one | 400 invalidValue |
/// | `ignore_read_only_in_patch` | Okta: `id` beside `displayName` in a PATCH value without a path | 400 mutability |
/// | `assume_schemas` | Okta wizard apps, OneLogin: missing, old or partial `schemas` in a resource | 400 invalidSyntax |
/// | `ignore_unknown_attributes` | Entra, OneLogin: attributes and extensions that are not registered | 400 invalidValue |
/// | `bare_word_literals` | older clients: `userName eq bjensen` | 400 invalidFilter |
/// | `wrap_single_values` | OneLogin: `emails` as one object | 400 invalidValue |
/// | `empty_strings` | OneLogin macros that expand to `""`: no value, where a string cannot stand | 400 invalidValue |
/// | `user_name_blanks` | directories whose user names have blanks | 400 invalidValue |
/// | `any_user_name` | directories whose user names have symbols, or came with characters that cannot be seen | 400 invalidValue |
/// | `any_country` | most: `USA` or `Germany` in `addresses.country`, where the RFC has ISO 3166-1 alpha-2 | 400 invalidValue |
/// | `prefer_attributes` | clients that send `attributes` and `excludedAttributes` together | 400 invalidValue |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quirks {
    /// The strings `true` and `false`, in any case, are booleans where the schema wants a boolean.
    pub string_booleans: bool,
    /// PATCH `add` and `replace` with a value filter that matches nothing make the value, if the filter is one or
    /// more `attribute eq literal` joined by `and`.
    pub create_on_no_match: bool,
    /// PATCH `remove` with a multi-valued attribute as the path and a `value` removes the listed values.
    pub remove_listed_values: bool,
    /// Keys of a PATCH value without a path may be paths.
    pub dotted_keys: bool,
    /// A plain value, or a list of one, stands for a complex value with the sub-attribute `value`.
    pub scalar_complex_values: bool,
    /// readOnly attributes in a PATCH value without a path are ignored.
    pub ignore_read_only_in_patch: bool,
    /// Missing or unknown entries of `schemas` are made good from the endpoint and the data.
    pub assume_schemas: bool,
    /// Attributes and extensions that are not registered are dropped.
    pub ignore_unknown_attributes: bool,
    /// A bare word in a filter is a string.
    pub bare_word_literals: bool,
    /// A single value stands for a list of one.
    pub wrap_single_values: bool,
    /// `""` is no value for attributes that are not strings.
    pub empty_strings: bool,
    /// `userName` may have blanks inside, which RFC 8265 does not allow.
    pub user_name_blanks: bool,
    /// `userName` may have any other characters that the profile UsernameCaseMapped of RFC 8265 does not allow, except
    /// for control characters: symbols, zero-width characters, code points that are not assigned.
    pub any_user_name: bool,
    /// `addresses.country` may be any text.
    pub any_country: bool,
    /// `attributes` wins over `excludedAttributes`.
    pub prefer_attributes: bool,
}

impl Quirks {
    /// What identity providers need. The default.
    #[must_use]
    pub const fn interop() -> Self {
        Self::all(true)
    }

    /// The plain reading of the RFCs.
    #[must_use]
    pub const fn strict() -> Self {
        Self::all(false)
    }

    const fn all(on: bool) -> Self {
        Self {
            string_booleans: on,
            create_on_no_match: on,
            remove_listed_values: on,
            dotted_keys: on,
            scalar_complex_values: on,
            ignore_read_only_in_patch: on,
            assume_schemas: on,
            ignore_unknown_attributes: on,
            bare_word_literals: on,
            wrap_single_values: on,
            empty_strings: on,
            user_name_blanks: on,
            any_user_name: on,
            any_country: on,
            prefer_attributes: on,
        }
    }
}

impl Default for Quirks {
    fn default() -> Self {
        Self::interop()
    }
}
