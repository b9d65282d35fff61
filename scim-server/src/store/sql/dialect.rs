//! How databases look into search documents.

#[cfg(any(test, feature = "sqlite"))]
use std::fmt::Write as _;

#[cfg(any(test, feature = "postgres"))]
use super::lower::TENANT;

/// What differs between databases.
///
/// In all of them the resources are the table `resources`, here by the name `r`, with the columns `seq`, `tenant`,
/// `type`, `id`, `folded_id` and `display`, relations the table `relations` with `source`, `attribute` and `target`, and
/// keys the tables `unique_values` and `shared_values` with `tenant`, `type`, `attribute`, `value` and `resource`.
pub(in super::super) trait Dialect {
    /// The parameter of this number, counted from 1, which is a text.
    fn text_parameter(&self, number: usize) -> String;

    /// The parameter of this number, counted from 1, which is a 64-bit integer.
    fn integer_parameter(&self, number: usize) -> String;

    /// What the names of tables begin with.
    fn prefix(&self) -> &'static str;

    /// What is added to a condition that finds a row by its number, so that it is looked for among those of the tenant.
    fn of_tenant(&self, alias: &str) -> String;

    /// A text as `attribute` and `value` of keys have it; `None` if they have it in another form. Texts from this one on
    /// that begin with it come one after the other there.
    fn key(&self, text: &str) -> Option<String>;

    /// Whether comparing the column `display` with a text says the same as comparing what was put in.
    fn compares_display(&self, text: &str) -> bool;

    /// The search document of `r`.
    fn search_document(&self) -> &'static str;

    /// What is to be in the `FROM` clause: `r` and its search document.
    fn tables(&self) -> &'static str;

    /// The same with all of `r`, whether or not there is a search document of the shape in this parameter.
    fn tables_and_misfits(&self, shape: &str) -> String;

    /// The column or expression of `r` for this.
    fn column(&self, column: Column) -> &'static str;

    /// The number of the shape of the search document of `r`.
    fn shape(&self) -> &'static str;

    /// The text at a path in a JSON value; `NULL` if nothing is. The path is not empty.
    fn text_member(&self, json: &str, path: &[Step<'_>]) -> String;

    /// A condition that holds if there is something at a path in a JSON value.
    fn has_member(&self, json: &str, path: &[Step<'_>]) -> String;

    /// A table of the elements of the array at a path in a JSON value, by the name `alias`; empty if there is no array.
    fn elements(&self, json: &str, path: &[Step<'_>], alias: &str) -> String;

    /// An element of such a table, which is an object.
    fn element(&self, alias: &str) -> String;

    /// An element of such a table, which is a text.
    fn text_element(&self, alias: &str) -> String;

    /// A text that compares and sorts by code points.
    fn by_code_points(&self, text: &str) -> String;

    /// What ends a query inside another so that its columns are worked out once for each row, however often the outer one
    /// looks at them.
    fn once(&self) -> &'static str;

    /// Whether a text has another one in it.
    fn contains(&self, text: &str, part: &str) -> String;

    /// Whether a text ends with another one, which has so many characters, at least one.
    fn ends_with(&self, text: &str, part: &str, characters: usize) -> String;
}

/// What `r` has besides its search document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Column {
    /// When it was created, in milliseconds since 1970.
    Created,
    /// When it was last changed, in milliseconds since 1970.
    LastModified,
    /// The number of its version.
    Version,
}

/// A step of a path in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Step<'a> {
    /// To a member of an object.
    Name(&'a str),
    /// To the first element of an array.
    First,
}

/// SQLite, with search documents in its binary form of JSON.
#[cfg(any(test, feature = "sqlite"))]
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Sqlite;

/// How many bytes of a text PostgreSQL has in an index. An entry has at most a third of a page of 8 KiB, and more columns
/// than this one.
#[cfg(any(test, feature = "postgres"))]
pub(in super::super) const LONGEST_KEY: usize = 800;

/// A name or a path as a text in SQL.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(any(test, feature = "sqlite"))]
impl Sqlite {
    /// NB: names come from schemas, and [`Lowering`](super::Lowering) leaves those with quotes and backslashes alone.
    fn path(path: &[Step<'_>]) -> String {
        let mut text = "$".to_owned();
        for step in path {
            let written = match step {
                Step::Name(name) => write!(text, ".\"{name}\""),
                Step::First => write!(text, "[0]"),
            };
            debug_assert!(written.is_ok());
        }
        quoted(&text)
    }
}

#[cfg(any(test, feature = "sqlite"))]
impl Dialect for Sqlite {
    fn text_parameter(&self, number: usize) -> String {
        format!("?{number}")
    }

    fn integer_parameter(&self, number: usize) -> String {
        format!("?{number}")
    }

    fn prefix(&self) -> &'static str {
        ""
    }

    /// Numbers are those of the whole file.
    fn of_tenant(&self, _: &str) -> String {
        String::new()
    }

    fn key(&self, text: &str) -> Option<String> {
        (!text.contains('\0')).then(|| text.to_owned())
    }

    fn compares_display(&self, _: &str) -> bool {
        true
    }

    fn search_document(&self) -> &'static str {
        "s.document"
    }

    /// The index by type has all that is needed of most resources, in the order of creation.
    fn tables(&self) -> &'static str {
        "resources r CROSS JOIN search s ON s.resource = r.seq"
    }

    fn tables_and_misfits(&self, shape: &str) -> String {
        format!("resources r LEFT JOIN search s ON s.resource = r.seq AND s.shape = {shape}")
    }

    fn column(&self, column: Column) -> &'static str {
        match column {
            Column::Created => "r.created",
            Column::LastModified => "r.last_modified",
            Column::Version => "r.version",
        }
    }

    fn shape(&self) -> &'static str {
        "s.shape"
    }

    fn text_member(&self, json: &str, path: &[Step<'_>]) -> String {
        format!("({json} ->> {})", Self::path(path))
    }

    fn has_member(&self, json: &str, path: &[Step<'_>]) -> String {
        format!("json_type({json}, {}) IS NOT NULL", Self::path(path))
    }

    fn elements(&self, json: &str, path: &[Step<'_>], alias: &str) -> String {
        format!("jsonb_each({json}, {}) {alias}", Self::path(path))
    }

    fn element(&self, alias: &str) -> String {
        format!("{alias}.value")
    }

    fn text_element(&self, alias: &str) -> String {
        format!("{alias}.value")
    }

    fn by_code_points(&self, text: &str) -> String {
        text.to_owned()
    }

    /// A query with a limit, even one that is none, is not made a part of the outer one.
    fn once(&self) -> &'static str {
        " LIMIT -1"
    }

    fn contains(&self, text: &str, part: &str) -> String {
        format!("instr({text}, {part}) > 0")
    }

    fn ends_with(&self, text: &str, part: &str, characters: usize) -> String {
        format!("substr({text}, -{characters}) = {part}")
    }
}

/// PostgreSQL, with search documents of the type `jsonb` in the column `search` of `resources`, the number of their shape in
/// `shape`, and times in milliseconds.
#[cfg(any(test, feature = "postgres"))]
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Postgres;

#[cfg(any(test, feature = "postgres"))]
impl Postgres {
    fn steps(json: &str, path: &[Step<'_>]) -> String {
        path.iter().fold(json.to_owned(), |json, step| match step {
            Step::Name(name) => format!("{json} -> {}", quoted(name)),
            Step::First => format!("{json} -> 0"),
        })
    }
}

#[cfg(any(test, feature = "postgres"))]
impl Dialect for Postgres {
    fn text_parameter(&self, number: usize) -> String {
        format!("${number}::text")
    }

    fn integer_parameter(&self, number: usize) -> String {
        format!("${number}::bigint")
    }

    fn prefix(&self) -> &'static str {
        "scim_"
    }

    fn of_tenant(&self, alias: &str) -> String {
        format!(" AND {alias}.tenant = {}", self.text_parameter(TENANT))
    }

    fn key(&self, text: &str) -> Option<String> {
        (text.len() <= LONGEST_KEY && !text.contains(['\0', '\u{1}'])).then(|| text.to_owned())
    }

    /// In place of NUL it has others, which are told apart from themselves.
    fn compares_display(&self, text: &str) -> bool {
        !text.contains(['\0', '\u{1}', '\u{2}'])
    }

    fn search_document(&self) -> &'static str {
        "r.search"
    }

    fn tables(&self) -> &'static str {
        "scim_resources r"
    }

    fn tables_and_misfits(&self, _: &str) -> String {
        self.tables().to_owned()
    }

    fn column(&self, column: Column) -> &'static str {
        match column {
            Column::Created => "r.created",
            Column::LastModified => "r.last_modified",
            Column::Version => "r.version",
        }
    }

    fn shape(&self) -> &'static str {
        "r.shape"
    }

    fn text_member(&self, json: &str, path: &[Step<'_>]) -> String {
        let Some((last, before)) = path.split_last() else { return format!("({json} #>> '{{}}')") };
        let json = Self::steps(json, before);
        match last {
            Step::Name(name) => format!("({json} ->> {})", quoted(name)),
            Step::First => format!("({json} ->> 0)"),
        }
    }

    fn has_member(&self, json: &str, path: &[Step<'_>]) -> String {
        format!("({}) IS NOT NULL", Self::steps(json, path))
    }

    /// NB: a search document of another shape may have something else there, and conditions are tried in any order.
    fn elements(&self, json: &str, path: &[Step<'_>], alias: &str) -> String {
        let array = format!("({})", Self::steps(json, path));
        format!(
            "jsonb_array_elements(CASE jsonb_typeof({array}) WHEN 'array' THEN {array} ELSE '[]' END) AS {alias}(value)"
        )
    }

    fn element(&self, alias: &str) -> String {
        format!("{alias}.value")
    }

    fn text_element(&self, alias: &str) -> String {
        format!("({alias}.value #>> '{{}}')")
    }

    fn by_code_points(&self, text: &str) -> String {
        format!("{text} COLLATE \"C\"")
    }

    fn once(&self) -> &'static str {
        " OFFSET 0"
    }

    fn contains(&self, text: &str, part: &str) -> String {
        format!("strpos({text}, {part}) > 0")
    }

    fn ends_with(&self, text: &str, part: &str, characters: usize) -> String {
        format!("right({text}, {characters}) = {part}")
    }
}
