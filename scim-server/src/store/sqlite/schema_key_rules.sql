-- By which rules the values in unique_values and shared_values were made; 1 is what they were before this table.
CREATE TABLE key_rules (
    only    INTEGER PRIMARY KEY CHECK (only = 1),
    version INTEGER NOT NULL
) STRICT;

INSERT INTO key_rules (only, version) VALUES (1, 1);
