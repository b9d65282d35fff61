use crate::urn;

/// Writes the answer to a query (RFC 7644 section 3.4.2) from resources that are already JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListResponse {
    /// How many resources match in all.
    pub total_results: u64,
    /// The 1-based index of the first resource in this page.
    pub start_index: u64,
}

impl ListResponse {
    /// An answer with this total, whose page begins at this 1-based index.
    #[must_use]
    pub const fn new(total_results: u64, start_index: u64) -> Self {
        Self { total_results, start_index }
    }

    /// Appends the answer as JSON. `resources` is the content of the list: JSON values with commas between them.
    /// `count` is how many there are.
    pub fn write(&self, count: usize, resources: &[u8], out: &mut Vec<u8>) {
        out.reserve(resources.len() + 160);
        let head = format!(
            "{{\"schemas\":[\"{}\"],\"totalResults\":{},\"startIndex\":{},\"itemsPerPage\":{count},\"Resources\":[",
            urn::LIST_RESPONSE,
            self.total_results,
            self.start_index,
        );
        out.extend_from_slice(head.as_bytes());
        out.extend_from_slice(resources);
        out.extend_from_slice(b"]}");
    }
}
