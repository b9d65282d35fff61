//! Who is in the directory: the same people for the same seed, each made from their number alone.

use std::io::Write as _;

pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
pub(crate) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub(crate) const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
pub(crate) const BULK: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

const GIVEN: [&str; 16] = [
    "Ada",
    "Barbara",
    "Carlos",
    "Dmitri",
    "Emmy",
    "Farid",
    "Grace",
    "Hedy",
    "Ivan",
    "Jun",
    "Katherine",
    "Linus",
    "Mary",
    "Nadia",
    "Olga",
    "Priya",
];
const FAMILY: [&str; 16] = [
    "Abara", "Baker", "Castillo", "Diallo", "Eriksen", "Fischer", "Garcia", "Haddad", "Ito", "Jensen",
    "Kaya", "Lopez", "Moreau", "Novak", "Okafor", "Petrov",
];
const TITLES: [&str; 8] =
    ["Engineer", "Accountant", "Designer", "Director", "Nurse", "Teacher", "Analyst", "Technician"];

/// People and groups, by their numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Population {
    pub(crate) seed: u64,
}

/// What is not unique of a user.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Traits {
    pub(crate) given: &'static str,
    pub(crate) family: &'static str,
    pub(crate) title: &'static str,
    pub(crate) department: u8,
    phone: u32,
}

impl Population {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed }
    }

    pub(crate) fn user_name(self, n: usize) -> String {
        format!("u{n}.s{}@example.com", self.seed)
    }

    pub(crate) fn group_name(self, n: usize) -> String {
        format!("Group {n} of seed {}", self.seed)
    }

    /// The number of the user with this name, if it is one of these.
    pub(crate) fn number(self, user_name: &str) -> Option<usize> {
        let (number, seed) = user_name.strip_prefix('u')?.strip_suffix("@example.com")?.split_once(".s")?;
        (seed.parse() == Ok(self.seed)).then(|| number.parse().ok()).flatten()
    }

    pub(crate) fn traits(self, n: usize) -> Traits {
        let mut mixed = fastrand::Rng::with_seed(self.seed ^ (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        Traits {
            given: mixed.choice(GIVEN).unwrap_or_default(),
            family: mixed.choice(FAMILY).unwrap_or_default(),
            title: mixed.choice(TITLES).unwrap_or_default(),
            department: mixed.u8(..50),
            phone: mixed.u32(..10_000_000),
        }
    }

    /// Writes a user of about 800 bytes of JSON.
    pub(crate) fn write_user(self, n: usize, out: &mut Vec<u8>) {
        let seed = self.seed;
        let Traits { given, family, title, department, phone } = self.traits(n);
        // Writing to a vector does not fail.
        let _ = write!(
            out,
            r#"{{"schemas":["{USER}","{ENTERPRISE}"],"userName":"u{n}.s{seed}@example.com","externalId":"{seed}-{n:08}","name":{{"formatted":"{given} {family}","familyName":"{family}","givenName":"{given}"}},"displayName":"{given} {family} {n}","active":true,"title":"{title}","locale":"en-US","emails":[{{"value":"u{n}.s{seed}@example.com","type":"work","primary":true}},{{"value":"u{n}.s{seed}@home.example","type":"home"}}],"phoneNumbers":[{{"value":"+1-555-{phone:07}","type":"work"}}],"{ENTERPRISE}":{{"employeeNumber":"{}","department":"D{department}","organization":"Example"}}}}"#,
            100_000 + n
        );
    }

    /// Writes a bulk request that creates these users.
    pub(crate) fn write_bulk(self, users: std::ops::Range<usize>, out: &mut Vec<u8>) {
        let _ = write!(out, r#"{{"schemas":["{BULK}"],"Operations":["#);
        for (at, n) in users.enumerate() {
            let comma = if at == 0 { "" } else { "," };
            let _ = write!(out, r#"{comma}{{"method":"POST","path":"/Users","bulkId":"{n}","data":"#);
            self.write_user(n, out);
            out.push(b'}');
        }
        out.extend_from_slice(b"]}");
    }
}

/// A PATCH of these operations.
pub(crate) fn patch(operations: std::fmt::Arguments<'_>) -> String {
    format!(r#"{{"schemas":["{PATCH}"],"Operations":[{operations}]}}"#)
}

/// A filter as it stands in a URL.
pub(crate) fn filter(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_user_is_the_same_each_time_and_json() {
        let population = Population::new(7);
        let (mut first, mut second) = (Vec::new(), Vec::new());
        population.write_user(42, &mut first);
        population.write_user(42, &mut second);
        assert_eq!(first, second);
        let user: Value = serde_json::from_slice(&first).unwrap();
        assert_eq!(user["userName"], population.user_name(42));
        assert_eq!(population.number(&population.user_name(42)), Some(42));
        assert_eq!(Population::new(8).number(&population.user_name(42)), None);
        second.clear();
        Population::new(8).write_user(42, &mut second);
        assert_ne!(first, second);
    }

    #[test]
    fn a_bulk_request_has_every_user_once() {
        let mut bulk = Vec::new();
        Population::new(1).write_bulk(5..8, &mut bulk);
        let bulk: Value = serde_json::from_slice(&bulk).unwrap();
        let names: Vec<_> = bulk["Operations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|o| o["data"]["userName"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["u5.s1@example.com", "u6.s1@example.com", "u7.s1@example.com"]);
    }
}
