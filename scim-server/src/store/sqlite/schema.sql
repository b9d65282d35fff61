-- Resources of all types of all tenants. `seq` is the order of creation; times are milliseconds since 1970.
CREATE TABLE resources (
    seq           INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant        TEXT    NOT NULL,
    type          TEXT    NOT NULL,
    id            TEXT    NOT NULL,
    -- The id without case, where that is another text.
    folded_id     TEXT,
    created       INTEGER NOT NULL,
    last_modified INTEGER NOT NULL,
    version       INTEGER NOT NULL,
    display       TEXT,
    document      BLOB    NOT NULL,
    hidden        BLOB,
    UNIQUE (tenant, id)
) STRICT;

CREATE INDEX resources_by_type ON resources (tenant, type);
CREATE INDEX resources_by_folded_id ON resources (tenant, folded_id) WHERE folded_id IS NOT NULL;

-- How many resources of a type there are.
CREATE TABLE counts (
    tenant TEXT    NOT NULL,
    type   TEXT    NOT NULL,
    count  INTEGER NOT NULL,
    PRIMARY KEY (tenant, type)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER count_created AFTER INSERT ON resources BEGIN
    INSERT INTO counts (tenant, type, count) VALUES (new.tenant, new.type, 1)
    ON CONFLICT (tenant, type) DO UPDATE SET count = count + 1;
END;

CREATE TRIGGER count_deleted AFTER DELETE ON resources BEGIN
    UPDATE counts SET count = count - 1 WHERE tenant = old.tenant AND type = old.type;
END;

-- Values that no two resources of a type may share, as they are compared.
CREATE TABLE unique_values (
    tenant    TEXT    NOT NULL,
    type      TEXT    NOT NULL,
    attribute TEXT    NOT NULL,
    value     TEXT    NOT NULL,
    resource  INTEGER NOT NULL REFERENCES resources (seq) ON DELETE CASCADE,
    PRIMARY KEY (tenant, type, attribute, value)
) STRICT, WITHOUT ROWID;

CREATE INDEX unique_values_by_resource ON unique_values (resource);

-- Other values by which resources are looked up.
CREATE TABLE shared_values (
    tenant    TEXT    NOT NULL,
    type      TEXT    NOT NULL,
    attribute TEXT    NOT NULL,
    value     TEXT    NOT NULL,
    resource  INTEGER NOT NULL REFERENCES resources (seq) ON DELETE CASCADE,
    PRIMARY KEY (tenant, type, attribute, value, resource)
) STRICT, WITHOUT ROWID;

CREATE INDEX shared_values_by_resource ON shared_values (resource);

-- Values of relations, such as the members of a group. `seq` is the order in which they were added.
CREATE TABLE relations (
    seq       INTEGER PRIMARY KEY AUTOINCREMENT,
    source    INTEGER NOT NULL REFERENCES resources (seq) ON DELETE CASCADE,
    attribute TEXT    NOT NULL,
    target    INTEGER NOT NULL REFERENCES resources (seq) ON DELETE CASCADE,
    UNIQUE (source, attribute, target)
) STRICT;

CREATE INDEX relations_by_target ON relations (target, attribute, source);

-- The version of the last write.
CREATE TABLE revision (
    only  INTEGER PRIMARY KEY CHECK (only = 1),
    value INTEGER NOT NULL
) STRICT;

INSERT INTO revision (only, value) VALUES (1, 0);
