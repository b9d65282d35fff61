//! Writing what a change comes to.

use std::collections::HashSet;

use rusqlite::params;
use scim_core::{TypeDefinition, Version, excerpt};
use scim_filter::{CaseRule, comparison_key};

use super::super::change::{Creation, Mutation, RelationDiff, Removal};
use super::super::encode::{Key, Keys};
use super::super::perform::Transaction;
use super::super::sql::SearchDocument;
use super::super::view::{Row, Stored};
use super::super::{Record, StoreError};
use super::error::{failed, is_taken};
use super::rows::Rows;

impl Transaction for Rows<'_> {
    /// Nothing: whatever cannot be kept shows when it is, and the savepoint is rolled back.
    fn check_new(&self, _: &[Creation]) -> Result<(), StoreError> {
        Ok(())
    }

    /// Carries a change out. If it fails, the savepoint around it is rolled back.
    fn commit(&mut self, definition: &TypeDefinition, mutation: Mutation) -> Result<Stored, StoreError> {
        let Mutation { row, record, display, keys, relations } = mutation;
        let is_new = row.is_none();
        let search = keys.as_ref().and_then(|keys| keys.search.as_ref());
        let mark = search.map_or(0, SearchDocument::mark);
        let row = match row {
            None => self.insert(definition, &record, display.as_deref(), mark)?,
            Some(row) if keys.is_some() => {
                const SQL: &str = "UPDATE resources \
                    SET last_modified = ?2, version = ?3, display = ?4, document = ?5, hidden = ?6, shape = ?7 \
                    WHERE seq = ?1";
                self.prepare(SQL)?
                    .execute(params![
                        row,
                        record.last_modified.timestamp_millis(),
                        record.version.number(),
                        display,
                        &*record.document,
                        record.hidden.as_deref(),
                        mark,
                    ])
                    .map_err(failed)?;
                row
            }
            Some(row) => {
                self.touch(row, record.last_modified.timestamp_millis(), record.version)?;
                row
            }
        };
        if let Some(keys) = keys {
            if let Some(search) = &keys.search {
                self.write_search(row, search, is_new)?;
            }
            self.index(definition, row, keys, is_new)?;
        }
        for diff in relations {
            self.relate(row, &diff)?;
        }
        Ok(Stored { row, record, display })
    }

    fn relate(&mut self, source: Row, diff: &RelationDiff) -> Result<(), StoreError> {
        let mut delete =
            self.prepare("DELETE FROM relations WHERE source = ?1 AND attribute = ?2 AND target = ?3")?;
        for target in &diff.removed {
            delete.execute(params![source, diff.attribute, target]).map_err(failed)?;
        }
        let mut insert =
            self.prepare("INSERT INTO relations (source, attribute, target) VALUES (?1, ?2, ?3)")?;
        for target in &diff.added {
            insert.execute(params![source, diff.attribute, target]).map_err(failed)?;
        }
        Ok(())
    }

    /// Deletes a resource; its values and those that refer to it go with it.
    fn remove(&mut self, removal: &Removal, version: Version) -> Result<(), StoreError> {
        for (holder, last_modified) in &removal.holders {
            self.touch(*holder, last_modified.timestamp_millis(), version)?;
        }
        self.prepare("DELETE FROM resources WHERE seq = ?1")?.execute([removal.row]).map_err(failed)?;
        Ok(())
    }
}

impl Rows<'_> {
    fn insert(
        &self,
        definition: &TypeDefinition,
        record: &Record,
        display: Option<&str>,
        mark: i64,
    ) -> Result<Row, StoreError> {
        const SQL: &str = "INSERT INTO resources \
            (tenant, type, id, folded_id, created, last_modified, version, display, document, hidden, shape) \
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
        let id = record.id.as_str();
        let folded = comparison_key(id, CaseRule::Fold);
        self.prepare(SQL)?
            .insert(params![
                self.tenant(),
                definition.name(),
                id,
                (folded != id).then_some(&*folded),
                record.created.timestamp_millis(),
                record.last_modified.timestamp_millis(),
                record.version.number(),
                display,
                &*record.document,
                record.hidden.as_deref(),
                mark,
            ])
            .map_err(
                |error| {
                    if is_taken(&error) { taken(definition, "id", excerpt(id)) } else { failed(error) }
                },
            )
    }

    fn touch(&self, row: Row, last_modified: i64, version: Version) -> Result<(), StoreError> {
        self.prepare("UPDATE resources SET last_modified = ?2, version = ?3 WHERE seq = ?1")?
            .execute(params![row, last_modified, version.number()])
            .map_err(failed)?;
        Ok(())
    }

    /// Puts keys in the place of those that a resource has; what stays is not written.
    fn index(
        &self,
        definition: &TypeDefinition,
        row: Row,
        keys: Keys,
        is_new: bool,
    ) -> Result<(), StoreError> {
        let stored = |sql| if is_new { Ok(HashSet::new()) } else { self.keys(sql, row) };
        let mut unique = stored("SELECT attribute, value FROM unique_values WHERE resource = ?1")?;
        let mut shared = stored("SELECT attribute, value FROM shared_values WHERE resource = ?1")?;
        let new_unique: Vec<_> = keys.unique.into_iter().filter(|new| !unique.remove(&new.key)).collect();
        let new_shared: Vec<_> = keys.shared.into_iter().filter(|new| !shared.remove(new)).collect();
        self.drop_keys(
            "DELETE FROM unique_values \
             WHERE tenant = ?1 AND type = ?2 AND attribute = ?3 AND value = ?4 AND resource = ?5",
            definition,
            row,
            &unique,
        )?;
        self.drop_keys(
            "DELETE FROM shared_values \
             WHERE tenant = ?1 AND type = ?2 AND attribute = ?3 AND value = ?4 AND resource = ?5",
            definition,
            row,
            &shared,
        )?;
        let mut insert = self.prepare(
            "INSERT INTO unique_values (tenant, type, attribute, value, resource) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        for new in new_unique {
            let Key { attribute, value } = &new.key;
            insert.execute(params![self.tenant(), definition.name(), attribute, value, row]).map_err(
                |error| {
                    if is_taken(&error) { taken(definition, attribute, new.shown) } else { failed(error) }
                },
            )?;
        }
        let mut insert = self.prepare(
            "INSERT INTO shared_values (tenant, type, attribute, value, resource) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        for Key { attribute, value } in &new_shared {
            insert
                .execute(params![self.tenant(), definition.name(), attribute, value, row])
                .map_err(failed)?;
        }
        Ok(())
    }

    fn keys(&self, sql: &str, row: Row) -> Result<HashSet<Key>, StoreError> {
        let mut statement = self.prepare(sql)?;
        let keys = statement.query_map([row], |row| Ok(Key { attribute: row.get(0)?, value: row.get(1)? }));
        keys.map_err(failed)?.collect::<rusqlite::Result<_>>().map_err(failed)
    }

    fn drop_keys(
        &self,
        sql: &str,
        definition: &TypeDefinition,
        row: Row,
        keys: &HashSet<Key>,
    ) -> Result<(), StoreError> {
        for Key { attribute, value } in keys {
            self.prepare(sql)?
                .execute(params![self.tenant(), definition.name(), attribute, value, row])
                .map_err(failed)?;
        }
        Ok(())
    }
}

fn taken(definition: &TypeDefinition, attribute: &str, value: String) -> StoreError {
    StoreError::Uniqueness {
        resource_type: definition.name().to_owned(),
        attribute: attribute.to_owned(),
        value,
    }
}
