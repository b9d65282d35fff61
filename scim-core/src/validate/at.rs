use std::fmt;

/// Where a value is. A chain of stack frames: the text is made only when something is wrong there.
#[derive(Clone, Copy, Debug)]
pub(crate) enum At<'a> {
    /// A path that is written already, such as `emails`.
    Path(&'a str),
    /// An attribute of an extension.
    Extension(&'a str, &'a str),
    /// A sub-attribute.
    Sub(&'a Self, &'a str),
    /// An element of a list, counted from 0.
    Item(&'a Self, usize),
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => f.write_str(path),
            Self::Extension(uri, name) => write!(f, "{uri}:{name}"),
            Self::Sub(parent, name) => write!(f, "{parent}.{name}"),
            Self::Item(list, n) => write!(f, "{list}[{n}]"),
        }
    }
}

impl At<'_> {
    /// The attribute path (RFC 7644 section 3.10), which says no place in a list.
    pub(crate) fn attribute_path(&self) -> String {
        match self {
            Self::Sub(parent, name) => format!("{}.{name}", parent.attribute_path()),
            Self::Item(list, _) => list.attribute_path(),
            Self::Path(_) | Self::Extension(..) => self.to_string(),
        }
    }
}
