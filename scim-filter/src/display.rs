//! The canonical printer: `parse(print(tree)) == tree` for every tree that the parser can make.

use std::fmt::{self, Write as _};

use crate::ast::{Comparison, Filter, Literal, NumberText, Terms, ValuePath};
use crate::path::{AttrPath, Path};

impl fmt::Display for Filter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Inside an `and`, both an `or` and another `and` were in brackets; inside an `or`, only another `or` was.
            Self::And(terms) => {
                join(f, terms, " and ", |term| matches!(term, Filter::And(_) | Filter::Or(_)))
            }
            Self::Or(terms) => join(f, terms, " or ", |term| matches!(term, Filter::Or(_))),
            Self::Not(filter) => write!(f, "not ({filter})"),
            Self::Compare(comparison) => comparison.fmt(f),
            Self::Present(attr) => write!(f, "{attr} pr"),
            Self::ValuePath(path) => path.fmt(f),
        }
    }
}

fn join(
    f: &mut fmt::Formatter<'_>,
    terms: &Terms<'_>,
    separator: &str,
    in_brackets: impl Fn(&Filter<'_>) -> bool,
) -> fmt::Result {
    for (index, term) in terms.iter().enumerate() {
        if index > 0 {
            f.write_str(separator)?;
        }
        if in_brackets(term) {
            write!(f, "({term})")?;
        } else {
            write!(f, "{term}")?;
        }
    }
    Ok(())
}

impl fmt::Display for Comparison<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.attr, self.op, self.value)
    }
}

impl fmt::Display for ValuePath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.attr, self.filter)
    }
}

impl fmt::Display for AttrPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.attr)?;
        if let Some(filter) = &self.filter {
            write!(f, "[{filter}]")?;
        }
        if let Some(sub) = &self.sub {
            write!(f, ".{sub}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Literal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(number) => number.fmt(f),
            Self::String(text) => quote(f, text),
        }
    }
}

impl fmt::Display for NumberText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Writes a JSON string: escapes what must be escaped, and nothing else.
fn quote(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for part in text.split_inclusive(|char: char| char == '"' || char == '\\' || char < ' ') {
        let mut chars = part.chars();
        match chars.next_back() {
            Some(last @ ('"' | '\\')) => write!(f, "{}\\{last}", chars.as_str())?,
            Some('\n') => write!(f, "{}\\n", chars.as_str())?,
            Some('\r') => write!(f, "{}\\r", chars.as_str())?,
            Some('\t') => write!(f, "{}\\t", chars.as_str())?,
            Some(last) if last < ' ' => write!(f, "{}\\u{:04x}", chars.as_str(), u32::from(last))?,
            _ => f.write_str(part)?,
        }
    }
    f.write_char('"')
}
