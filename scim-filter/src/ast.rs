//! The syntax tree of a filter: what was written, before any schema has seen it.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use crate::error::ParseError;
use crate::grammar;
use crate::limits::ParseOptions;
use crate::path::AttrPath;

/// A filter as written (RFC 7644, 3.4.2.2).
///
/// `a and b and c` is one [`And`](Self::And) of three; `(a and b) and c` is an `And` of an `And` and `c`. A filter that
/// borrows from the input costs no memory of its own unless it has `and`, `or`, `not`, `[ ]` or an escape in a string.
///
/// `Display` prints the canonical form, which parses into the same tree.
///
/// ```
/// use scim_filter::{CompareOp, Filter, Literal};
///
/// # fn main() -> Result<(), scim_filter::ParseError> {
/// let filter = Filter::parse(r#"userName EQ "bjensen""#)?;
/// assert_eq!(filter.to_string(), r#"userName eq "bjensen""#);
/// let Filter::Compare(comparison) = filter else { panic!("a comparison") };
/// assert_eq!(comparison.op, CompareOp::Eq);
/// assert_eq!(comparison.value, Literal::String("bjensen".into()));
/// # Ok(())
/// # }
/// ```
///
/// Complete by definition.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Filter<'a> {
    /// All of the terms hold.
    And(Terms<'a>),
    /// At least one of the terms holds.
    Or(Terms<'a>),
    /// The filter does not hold.
    Not(Box<Self>),
    /// An attribute compares to a value.
    Compare(Comparison<'a>),
    /// An attribute has a value: `pr`.
    Present(AttrPath<'a>),
    /// One and the same value of an attribute meets a filter: `emails[type eq "work" and primary eq true]`.
    ValuePath(ValuePath<'a>),
}

impl<'a> Filter<'a> {
    /// Parses a filter within the default [`Limits`](crate::Limits).
    ///
    /// # Errors
    ///
    /// If the text is not a filter.
    pub fn parse(text: &'a str) -> Result<Self, ParseError> {
        Self::parse_with(text, &ParseOptions::default())
    }

    /// Parses a filter.
    ///
    /// # Errors
    ///
    /// If the text is not a filter, or not within the limits.
    pub fn parse_with(text: &'a str, options: &ParseOptions) -> Result<Self, ParseError> {
        grammar::filter(text, options)
    }

    /// What stands where the parser has not yet put a filter. It never leaves this crate.
    pub(crate) const EMPTY: Self = Self::Present(AttrPath::EMPTY);

    /// Puts a filter where none is yet.
    #[inline]
    pub(crate) fn put(&mut self, filter: Self) {
        debug_assert_eq!(*self, Self::EMPTY, "a filter is put in its place once");
        // To drop the empty one, which has nothing to give back, would take as long as to parse an operator.
        std::mem::forget(std::mem::replace(self, filter));
    }

    /// Takes the filter out.
    #[inline]
    pub(crate) fn take(&mut self) -> Self {
        std::mem::replace(self, Self::EMPTY)
    }

    /// A filter that does not borrow from the input.
    pub fn into_owned(self) -> Filter<'static> {
        match self {
            Self::And(terms) => Filter::And(terms.into_owned()),
            Self::Or(terms) => Filter::Or(terms.into_owned()),
            Self::Not(filter) => Filter::Not(Box::new(filter.into_owned())),
            Self::Compare(comparison) => Filter::Compare(comparison.into_owned()),
            Self::Present(attr) => Filter::Present(attr.into_owned()),
            Self::ValuePath(path) => Filter::ValuePath(path.into_owned()),
        }
    }
}

impl<'a> TryFrom<&'a str> for Filter<'a> {
    type Error = ParseError;

    fn try_from(text: &'a str) -> Result<Self, ParseError> {
        Self::parse(text)
    }
}

impl FromStr for Filter<'static> {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Filter::parse(text).map(Filter::into_owned)
    }
}

/// The terms of an `and` or an `or`: two at least.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Terms<'a>(Vec<Filter<'a>>);

impl<'a> Terms<'a> {
    /// Terms of two filters and any number of others.
    pub fn new(first: Filter<'a>, second: Filter<'a>, others: impl IntoIterator<Item = Filter<'a>>) -> Self {
        Self([first, second].into_iter().chain(others).collect())
    }

    /// Terms of a list, unless it has fewer than two, which is given back.
    ///
    /// # Errors
    ///
    /// The list itself, if it has fewer than two filters.
    pub fn from_vec(terms: Vec<Filter<'a>>) -> Result<Self, Vec<Filter<'a>>> {
        if terms.len() < 2 { Err(terms) } else { Ok(Self(terms)) }
    }

    /// The terms in their order.
    pub fn as_slice(&self) -> &[Filter<'a>] {
        &self.0
    }

    /// The terms in their order.
    pub fn iter(&self) -> std::slice::Iter<'_, Filter<'a>> {
        self.0.iter()
    }

    /// The list of terms.
    pub fn into_vec(self) -> Vec<Filter<'a>> {
        self.0
    }

    /// The first term, which at least one other has to follow.
    #[inline]
    pub(crate) fn one(first: Filter<'a>) -> Self {
        let mut terms = Vec::with_capacity(2);
        terms.push(first);
        Self(terms)
    }

    /// Room for one more term.
    #[inline]
    pub(crate) fn grow(&mut self) -> &mut Filter<'a> {
        self.0.push_mut(Filter::EMPTY)
    }

    fn into_owned(self) -> Terms<'static> {
        Terms(self.0.into_iter().map(Filter::into_owned).collect())
    }
}

impl fmt::Debug for Terms<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.0).finish()
    }
}

impl<'t, 'a> IntoIterator for &'t Terms<'a> {
    type Item = &'t Filter<'a>;
    type IntoIter = std::slice::Iter<'t, Filter<'a>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a> IntoIterator for Terms<'a> {
    type Item = Filter<'a>;
    type IntoIter = std::vec::IntoIter<Filter<'a>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// An attribute, an operator and a value: `attrExp` without `pr`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Comparison<'a> {
    /// The attribute.
    pub attr: AttrPath<'a>,
    /// The operator.
    pub op: CompareOp,
    /// The value to compare with.
    pub value: Literal<'a>,
}

impl Comparison<'_> {
    /// A comparison that does not borrow from the input.
    pub fn into_owned(self) -> Comparison<'static> {
        Comparison { attr: self.attr.into_owned(), op: self.op, value: self.value.into_owned() }
    }
}

/// An attribute and a filter over the sub-attributes of one value of it: `valuePath`.
///
/// `emails[type eq "work"].value eq "x"`, which is not in the ABNF but has an obvious meaning, parses into the same tree as
/// `emails[type eq "work" and value eq "x"]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ValuePath<'a> {
    /// The attribute.
    pub attr: AttrPath<'a>,
    /// The filter inside the brackets. A tree that the parser made has no other value path in here.
    pub filter: Box<Filter<'a>>,
}

impl ValuePath<'_> {
    /// A value path that does not borrow from the input.
    pub fn into_owned(self) -> ValuePath<'static> {
        ValuePath { attr: self.attr.into_owned(), filter: Box::new(self.filter.into_owned()) }
    }
}

/// An operator that compares an attribute to a value (RFC 7644, table 3): all but `pr`.
///
/// Complete by definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CompareOp {
    /// `eq`: the values are identical.
    Eq,
    /// `ne`: the values are not identical.
    Ne,
    /// `co`: the attribute's value contains the text.
    Co,
    /// `sw`: the attribute's value starts with the text.
    Sw,
    /// `ew`: the attribute's value ends with the text.
    Ew,
    /// `gt`: the attribute's value is greater.
    Gt,
    /// `ge`: the attribute's value is greater or equal.
    Ge,
    /// `lt`: the attribute's value is less.
    Lt,
    /// `le`: the attribute's value is less or equal.
    Le,
}

impl CompareOp {
    /// Every operator, in the order of RFC 7644, table 3.
    pub const ALL: [Self; 9] =
        [Self::Eq, Self::Ne, Self::Co, Self::Sw, Self::Ew, Self::Gt, Self::Ge, Self::Lt, Self::Le];

    /// The spelling in a filter, in lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Co => "co",
            Self::Sw => "sw",
            Self::Ew => "ew",
            Self::Gt => "gt",
            Self::Ge => "ge",
            Self::Lt => "lt",
            Self::Le => "le",
        }
    }

    /// Whether this asks for a part of a text: `co`, `sw` or `ew`.
    pub const fn is_substring(self) -> bool {
        matches!(self, Self::Co | Self::Sw | Self::Ew)
    }

    /// Whether this asks for an order: `gt`, `ge`, `lt` or `le`.
    pub const fn is_order(self) -> bool {
        matches!(self, Self::Gt | Self::Ge | Self::Lt | Self::Le)
    }
}

impl fmt::Display for CompareOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The value that an attribute is compared with: `compValue`, a JSON literal.
///
/// Complete by definition.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Literal<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, which keeps its exact text.
    Number(NumberText<'a>),
    /// A string, with its escapes decoded.
    String(Cow<'a, str>),
}

impl Literal<'_> {
    /// A literal that does not borrow from the input.
    pub fn into_owned(self) -> Literal<'static> {
        match self {
            Self::Null => Literal::Null,
            Self::Bool(value) => Literal::Bool(value),
            Self::Number(number) => Literal::Number(number.into_owned()),
            Self::String(text) => Literal::String(Cow::Owned(text.into_owned())),
        }
    }
}

/// The text of a JSON number (RFC 8259, 6), exactly as written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NumberText<'a>(Cow<'a, str>);

impl<'a> NumberText<'a> {
    /// Takes a text that is a JSON number.
    ///
    /// ```
    /// use scim_filter::NumberText;
    ///
    /// assert!(NumberText::new("-1.50e+7").is_some());
    /// assert!(NumberText::new("01").is_none() && NumberText::new("1.").is_none() && NumberText::new("+1").is_none());
    /// ```
    pub fn new(text: &'a str) -> Option<Self> {
        is_json_number(text).then_some(Self(Cow::Borrowed(text)))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A number that does not borrow from the input.
    pub fn into_owned(self) -> NumberText<'static> {
        NumberText(Cow::Owned(self.0.into_owned()))
    }
}

/// `number = [ minus ] int [ frac ] [ exp ]`
fn is_json_number(text: &str) -> bool {
    fn digits(text: &str) -> (usize, &str) {
        let rest = text.trim_start_matches(|char: char| char.is_ascii_digit());
        (text.len().saturating_sub(rest.len()), rest)
    }

    let text = text.strip_prefix('-').unwrap_or(text);
    let (count, mut rest) = digits(text);
    if count == 0 || (count > 1 && text.starts_with('0')) {
        return false;
    }
    if let Some(fraction) = rest.strip_prefix('.') {
        let (count, after) = digits(fraction);
        if count == 0 {
            return false;
        }
        rest = after;
    }
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let (count, after) = digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent));
        if count == 0 {
            return false;
        }
        rest = after;
    }
    rest.is_empty()
}
