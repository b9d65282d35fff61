-- For whom the database is kept, and which of its processes writes, where only one does at a time: one row, or none.
CREATE TABLE scim_claims (
    -- `writer`; what the row is found by.
    name    TEXT COLLATE "C" NOT NULL,
    owner   TEXT COLLATE "C" NOT NULL,
    -- Where that process runs, if only one ever does there.
    place   TEXT COLLATE "C",
    process TEXT COLLATE "C",
    -- When it was last heard of, in milliseconds since 1970 by the clock of the database.
    seen    BIGINT           NOT NULL,
    PRIMARY KEY (name)
);
