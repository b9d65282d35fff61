-- What filters and orders look into. `shape` is the number of the schemas by which it was made: negative if a value of the
-- resource does not fit in, and 0 if it was never tried.
ALTER TABLE scim_resources ADD COLUMN shape BIGINT NOT NULL DEFAULT 0;
ALTER TABLE scim_resources ADD COLUMN search JSONB;

-- Resources are counted by shape, too.
ALTER TABLE scim_counts ADD COLUMN shape BIGINT NOT NULL DEFAULT 0;
ALTER TABLE scim_counts
    DROP CONSTRAINT scim_counts_pkey,
    ADD CONSTRAINT scim_counts_pkey PRIMARY KEY (tenant, type, shape, slot);
