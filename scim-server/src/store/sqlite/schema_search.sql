-- What filters and orders look into, in SQLite's binary form of JSON. `shape` is the number of the schemas by which it was
-- made: that of the resource is negative if one of its values does not fit in, and 0 if it was never tried.
CREATE TABLE search (
    resource INTEGER PRIMARY KEY REFERENCES resources (seq) ON DELETE CASCADE,
    shape    INTEGER NOT NULL,
    document BLOB    NOT NULL
) STRICT;

ALTER TABLE resources ADD COLUMN shape INTEGER NOT NULL DEFAULT 0;

-- How many resources of a type and shape there are.
CREATE TABLE counts_by_shape (
    tenant TEXT    NOT NULL,
    type   TEXT    NOT NULL,
    shape  INTEGER NOT NULL,
    count  INTEGER NOT NULL,
    PRIMARY KEY (tenant, type, shape)
) STRICT, WITHOUT ROWID;

INSERT INTO counts_by_shape (tenant, type, shape, count) SELECT tenant, type, 0, count FROM counts;

DROP TRIGGER count_created;
DROP TRIGGER count_deleted;
DROP TABLE counts;
ALTER TABLE counts_by_shape RENAME TO counts;

CREATE TRIGGER count_created AFTER INSERT ON resources BEGIN
    INSERT INTO counts (tenant, type, shape, count) VALUES (new.tenant, new.type, new.shape, 1)
    ON CONFLICT (tenant, type, shape) DO UPDATE SET count = count + 1;
END;

CREATE TRIGGER count_deleted AFTER DELETE ON resources BEGIN
    UPDATE counts SET count = count - 1 WHERE tenant = old.tenant AND type = old.type AND shape = old.shape;
END;

CREATE TRIGGER count_shaped AFTER UPDATE OF shape ON resources WHEN old.shape <> new.shape BEGIN
    UPDATE counts SET count = count - 1 WHERE tenant = old.tenant AND type = old.type AND shape = old.shape;
    INSERT INTO counts (tenant, type, shape, count) VALUES (new.tenant, new.type, new.shape, 1)
    ON CONFLICT (tenant, type, shape) DO UPDATE SET count = count + 1;
END;
