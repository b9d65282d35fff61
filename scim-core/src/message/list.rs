use crate::urn;
use crate::value::write_json_string;

/// Writes the answer to a query (RFC 7644 section 3.4.2, RFC 9865 section 2) from resources that are already JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListResponse {
    /// How many resources match in all. Only a page that was asked for by cursor may leave it out.
    pub total_results: Option<u64>,
    /// The 1-based index of the first resource in this page; none where that was asked for by cursor.
    pub start_index: Option<u64>,
    /// The cursor of the page after this one, unless this is the last.
    pub next_cursor: Option<String>,
    /// The cursor of the page before this one, unless this is the first.
    pub previous_cursor: Option<String>,
}

impl ListResponse {
    /// An answer with this total, whose page begins at this 1-based index.
    #[must_use]
    pub const fn new(total_results: u64, start_index: u64) -> Self {
        Self::by_index(Some(total_results), start_index)
    }

    /// As [`ListResponse::new`], where the total may not be known.
    #[must_use]
    pub const fn by_index(total_results: Option<u64>, start_index: u64) -> Self {
        Self { total_results, start_index: Some(start_index), next_cursor: None, previous_cursor: None }
    }

    /// An answer to a query by cursor, with the cursors of the pages after and before it.
    #[must_use]
    pub const fn by_cursor(
        total_results: Option<u64>,
        next_cursor: Option<String>,
        previous_cursor: Option<String>,
    ) -> Self {
        Self { total_results, start_index: None, next_cursor, previous_cursor }
    }

    /// Appends the answer as JSON. `resources` is the content of the list: JSON values with commas between them.
    /// `count` is how many there are.
    pub fn write(&self, count: usize, resources: &[u8], out: &mut Vec<u8>) {
        out.reserve(resources.len() + 512);
        self.open(count, out);
        out.extend_from_slice(resources);
        out.extend_from_slice(Self::CLOSE);
    }

    /// What comes after the last resource.
    pub const CLOSE: &'static [u8] = b"]}";

    /// Appends what comes before the first of so many resources, for those who write them one by one.
    pub fn open(&self, count: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"schemas\":[\"");
        out.extend_from_slice(urn::LIST_RESPONSE.as_bytes());
        out.extend_from_slice(b"\"]");
        let numbers = [
            (&b",\"totalResults\":"[..], self.total_results),
            (b",\"startIndex\":", self.start_index),
            (b",\"itemsPerPage\":", Some(u64::try_from(count).unwrap_or(u64::MAX))),
        ];
        for (member, number) in numbers {
            if let Some(number) = number {
                out.extend_from_slice(member);
                out.extend_from_slice(number.to_string().as_bytes());
            }
        }
        let cursors =
            [(&b",\"previousCursor\":"[..], &self.previous_cursor), (b",\"nextCursor\":", &self.next_cursor)];
        for (member, cursor) in cursors {
            if let Some(cursor) = cursor {
                out.extend_from_slice(member);
                write_json_string(cursor, out);
            }
        }
        out.extend_from_slice(b",\"Resources\":[");
    }
}
