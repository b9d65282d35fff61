-- Everything has the tenant as the first column of its keys, and no table refers to a row of another tenant, so that
-- the tables can be spread over machines by that column.

-- Numbers for what must never come twice and has an order: resources and versions.
CREATE SEQUENCE scim_numbers;

-- Resources of all types. `seq` is the order of creation; times are milliseconds since 1970.
CREATE TABLE scim_resources (
    tenant        TEXT COLLATE "C" NOT NULL,
    seq           BIGINT           NOT NULL,
    type          TEXT COLLATE "C" NOT NULL,
    id            TEXT COLLATE "C" NOT NULL,
    -- The id without case, where that is another text.
    folded_id     TEXT COLLATE "C",
    created       BIGINT           NOT NULL,
    last_modified BIGINT           NOT NULL,
    version       BIGINT           NOT NULL,
    display       TEXT COLLATE "C",
    document      BYTEA            NOT NULL,
    hidden        BYTEA,
    PRIMARY KEY (tenant, seq),
    CONSTRAINT scim_resources_id UNIQUE (tenant, id)
);

CREATE INDEX scim_resources_by_type ON scim_resources (tenant, type, seq);
CREATE INDEX scim_resources_by_folded_id ON scim_resources (tenant, folded_id) WHERE folded_id IS NOT NULL;

-- How many resources of a type there are: the sum over the slots. Each transaction adds to one slot, so that they do
-- not wait for each other.
CREATE TABLE scim_counts (
    tenant TEXT COLLATE "C" NOT NULL,
    type   TEXT COLLATE "C" NOT NULL,
    slot   INTEGER          NOT NULL,
    count  BIGINT           NOT NULL,
    PRIMARY KEY (tenant, type, slot)
);

-- Values that no two resources of a type may share, as they are compared.
CREATE TABLE scim_unique_values (
    tenant    TEXT COLLATE "C" NOT NULL,
    type      TEXT COLLATE "C" NOT NULL,
    attribute TEXT COLLATE "C" NOT NULL,
    value     TEXT COLLATE "C" NOT NULL,
    resource  BIGINT           NOT NULL,
    PRIMARY KEY (tenant, type, attribute, value),
    FOREIGN KEY (tenant, resource) REFERENCES scim_resources (tenant, seq) ON DELETE CASCADE
);

CREATE INDEX scim_unique_values_by_resource ON scim_unique_values (tenant, resource);

-- Other values by which resources are looked up.
CREATE TABLE scim_shared_values (
    tenant    TEXT COLLATE "C" NOT NULL,
    type      TEXT COLLATE "C" NOT NULL,
    attribute TEXT COLLATE "C" NOT NULL,
    value     TEXT COLLATE "C" NOT NULL,
    resource  BIGINT           NOT NULL,
    PRIMARY KEY (tenant, type, attribute, value, resource),
    FOREIGN KEY (tenant, resource) REFERENCES scim_resources (tenant, seq) ON DELETE CASCADE
);

CREATE INDEX scim_shared_values_by_resource ON scim_shared_values (tenant, resource);

-- Values of relations, such as the members of a group, in the order of the write that added them and of their place
-- in it.
CREATE TABLE scim_relations (
    tenant    TEXT COLLATE "C" NOT NULL,
    source    BIGINT           NOT NULL,
    attribute TEXT COLLATE "C" NOT NULL,
    target    BIGINT           NOT NULL,
    added     BIGINT           NOT NULL,
    place     BIGINT           NOT NULL,
    PRIMARY KEY (tenant, source, attribute, target),
    FOREIGN KEY (tenant, source) REFERENCES scim_resources (tenant, seq) ON DELETE CASCADE,
    FOREIGN KEY (tenant, target) REFERENCES scim_resources (tenant, seq) ON DELETE CASCADE
);

CREATE INDEX scim_relations_by_target ON scim_relations (tenant, target, attribute, source);
