use std::collections::HashMap;

use super::{AttrName, Value};

/// Past this many members names are looked up in a table, so that a hostile object costs linear time.
pub(super) const SMALL: usize = 48;

/// A JSON object whose names are compared without case and keep the order and spelling they came with.
///
/// Two members whose names differ only in case cannot exist.
#[derive(Clone, Debug, Default)]
pub struct Object(Vec<(AttrName, Value)>);

impl Object {
    /// An object without members.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn with_capacity(members: usize) -> Self {
        Self(Vec::with_capacity(members))
    }

    pub(super) fn from_distinct(members: Vec<(AttrName, Value)>) -> Self {
        Self(members)
    }

    /// How many members there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no members.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of the member with this name, case aside.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(n, _)| n.is(name)).map(|(_, value)| value)
    }

    /// The value of the member with this name for changing.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        self.0.iter_mut().find(|(n, _)| n.is(name)).map(|(_, value)| value)
    }

    /// Whether there is a member with this name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Sets a member; an existing one keeps its place and spelling. Returns the value it had.
    pub fn insert(&mut self, name: impl Into<AttrName>, value: impl Into<Value>) -> Option<Value> {
        let (name, value) = (name.into(), value.into());
        match self.0.iter_mut().find(|(n, _)| *n == name) {
            Some((_, old)) => Some(std::mem::replace(old, value)),
            None => {
                self.0.push((name, value));
                None
            }
        }
    }

    /// Adds a member that the caller knows not to be there.
    pub(crate) fn push_new(&mut self, name: &str, value: Value) {
        self.0.push((AttrName::new(name), value));
    }

    /// As [`Object::push_new`], under the registered spelling of a name.
    #[inline]
    pub(crate) fn push_spelled(&mut self, name: AttrName, spelling: &str, value: Value) {
        let name = if name.as_str() == spelling { name } else { AttrName::new(spelling) };
        self.0.push((name, value));
    }

    /// Takes a member out. The order of the others stays.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        let at = self.0.iter().position(|(n, _)| n.is(name))?;
        Some(self.0.remove(at).1)
    }

    /// Keeps only the members for which `keep` holds.
    pub fn retain(&mut self, mut keep: impl FnMut(&AttrName, &mut Value) -> bool) {
        self.0.retain_mut(|(name, value)| keep(name, value));
    }

    /// The object under this name, made when there is none (or something that is no object).
    pub(crate) fn ensure_object(&mut self, name: &str) -> Option<&mut Self> {
        if !matches!(self.get(name), Some(Value::Object(_))) {
            self.insert(name, Self::new());
        }
        self.get_mut(name).and_then(Value::as_object_mut)
    }

    /// The members in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&AttrName, &Value)> {
        self.0.iter().map(|(name, value)| (name, value))
    }

    /// The values of the members in their order.
    #[must_use]
    pub fn values(&self) -> Values<'_> {
        Values(self.0.iter())
    }

    /// The members in their order, values for changing.
    pub fn iter_mut(&mut self) -> impl ExactSizeIterator<Item = (&AttrName, &mut Value)> {
        self.0.iter_mut().map(|(name, value)| (&*name, value))
    }
}

/// The values of an object's members in their order.
#[derive(Clone, Debug, Default)]
pub struct Values<'v>(std::slice::Iter<'v, (AttrName, Value)>);

impl<'v> Iterator for Values<'v> {
    type Item = &'v Value;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(_, value)| value)
    }
}

/// Equal when the same names have equal values, in any order (RFC 7643 section 2.3.8).
impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        if self.len() != other.len() {
            return false;
        }
        // Two versions of one resource mostly have their members in the same places.
        let in_place = self.0.iter().zip(&other.0).take_while(|((a, _), (b, _))| a == b).count();
        let (Some((front, rest)), Some((other_front, others))) =
            (self.0.split_at_checked(in_place), other.0.split_at_checked(in_place))
        else {
            return false;
        };
        if !front.iter().zip(other_front).all(|((_, a), (_, b))| a == b) {
            return false;
        }
        if rest.len() <= SMALL {
            let find = |name: &AttrName| others.iter().find(|(n, _)| n == name).map(|(_, value)| value);
            return rest.iter().all(|(name, value)| find(name) == Some(value));
        }
        let by_name: HashMap<&AttrName, &Value> = others.iter().map(|(name, value)| (name, value)).collect();
        rest.iter().all(|(name, value)| by_name.get(name).copied() == Some(value))
    }
}

impl Eq for Object {}

impl<N: Into<AttrName>, V: Into<Value>> FromIterator<(N, V)> for Object {
    /// Of several members with one name the last one stays.
    fn from_iter<I: IntoIterator<Item = (N, V)>>(members: I) -> Self {
        let members = members.into_iter();
        let mut object = Self(Vec::with_capacity(members.size_hint().0.min(SMALL)));
        let mut places: HashMap<AttrName, usize> = HashMap::new();
        for (name, value) in members {
            let (name, value) = (name.into(), value.into());
            if object.len() < SMALL {
                object.insert(name, value);
                continue;
            }
            if places.is_empty() {
                places.extend(object.0.iter().enumerate().map(|(n, (name, _))| (name.clone(), n)));
            }
            match places.get(&name).and_then(|n| object.0.get_mut(*n)) {
                Some((_, old)) => *old = value,
                None => {
                    places.insert(name.clone(), object.len());
                    object.0.push((name, value));
                }
            }
        }
        object
    }
}

impl IntoIterator for Object {
    type Item = (AttrName, Value);
    type IntoIter = std::vec::IntoIter<(AttrName, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_and_replaced_without_case_and_keep_their_place() {
        let mut object: Object = [("userName", "a"), ("title", "b")].into_iter().collect();
        assert_eq!(object.insert("USERNAME", "c"), Some(Value::from("a")));
        let names: Vec<_> = object.iter().map(|(name, _)| name.as_str().to_owned()).collect();
        assert_eq!(names, ["userName", "title"]);
        assert_eq!(object.get("UserName"), Some(&Value::from("c")));
        assert_eq!(object.remove("TITLE"), Some(Value::from("b")));
        assert_eq!(object.len(), 1);
    }

    #[test]
    fn equality_ignores_order_and_case_of_names() {
        let a: Object = [("a", "1"), ("b", "2")].into_iter().collect();
        let b: Object = [("B", "2"), ("A", "1")].into_iter().collect();
        assert_eq!(a, b);
        let c: Object = [("a", "1")].into_iter().collect();
        assert_ne!(a, c);
    }

    #[test]
    fn large_objects_follow_the_same_rules_as_small_ones() {
        let object: Object = (0..1000).map(|n| (AttrName::new(&format!("k{n}")), n)).collect();
        let turned: Object = (0..1000).rev().map(|n| (AttrName::new(&format!("K{n}")), n)).collect();
        assert_eq!(object, turned);
        let twice: Object = (0..2000).map(|n| (AttrName::new(&format!("k{}", n % 1000)), n)).collect();
        assert_eq!((twice.len(), twice.get("K7")), (1000, Some(&Value::from(1007))));
        assert_ne!(object, twice);
    }
}
