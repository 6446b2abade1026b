-- One row: programs that know this migration, and later ones, may run on this schema. A program
-- that is running while a later one migrates looks here whether it can go on; a migration that
-- takes away what earlier programs use raises it.
CREATE TABLE compatible_from (
    migration TEXT NOT NULL
) STRICT;
INSERT INTO compatible_from (migration) VALUES ('0004');
