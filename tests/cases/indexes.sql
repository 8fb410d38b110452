-- name: all kinds
-- old
CREATE TABLE t (a int, b text)
-- new
CREATE TABLE t (a int, b text);
CREATE INDEX i ON t USING brin (a) WITH (pages_per_range = 32);
CREATE UNIQUE INDEX j ON t ((a + 1), lower(b)) WHERE b LIKE 'a%';
CREATE INDEX k ON t (b text_pattern_ops DESC NULLS LAST) INCLUDE (a)

-- name: constraint to an index of its name
-- old
CREATE TABLE t (a int, CONSTRAINT k UNIQUE (a))
-- new
CREATE TABLE t (a int);
CREATE UNIQUE INDEX k ON t (a)

-- name: two swap their names
-- old
CREATE TABLE t (a int, b int);
CREATE INDEX x ON t (a);
CREATE INDEX y ON t (b)
-- new
CREATE TABLE t (a int, b int);
CREATE INDEX y ON t (a);
CREATE INDEX x ON t (b)

-- name: moves to another table
-- old
CREATE TABLE t (a int);
CREATE TABLE u (a int);
CREATE INDEX k ON t (a)
-- new
CREATE TABLE t (a int);
CREATE TABLE u (a int);
CREATE INDEX k ON u (a)

-- name: takes a table's name
-- loses: k
-- old
CREATE TABLE k (a int)
-- new
CREATE TABLE t (a int);
CREATE UNIQUE INDEX k ON t (a)

-- name: made over rows
-- old
CREATE TABLE t (a int);
-- rows
INSERT INTO t VALUES (1), (1);
-- new
CREATE TABLE t (a int);
CREATE INDEX i ON t (a);

-- name: to a unique one
-- old
CREATE TABLE t (a int);
CREATE INDEX i ON t (a);
-- rows
INSERT INTO t VALUES (1), (2);
-- new
CREATE TABLE t (a int);
CREATE UNIQUE INDEX i ON t (a);

-- name: predicate changed
-- old
CREATE TABLE t (a int, b text);
CREATE INDEX i ON t (a) WHERE b = 'x';
-- new
CREATE TABLE t (a int, b text);
CREATE INDEX i ON t (a) WHERE b IN ('x', 'y') AND a IS NOT NULL;

-- name: partial to a full one
-- old
CREATE TABLE t (a int);
CREATE UNIQUE INDEX i ON t (a) WHERE a > 0;
-- new
CREATE TABLE t (a int);
CREATE UNIQUE INDEX i ON t (a);

-- name: columns in another order
-- old
CREATE TABLE t (a int, b int);
CREATE INDEX i ON t (a, b);
-- new
CREATE TABLE t (a int, b int);
CREATE INDEX i ON t (b, a);

-- name: direction and nulls
-- old
CREATE TABLE t (a int, b int);
CREATE INDEX i ON t (a, b);
-- new
CREATE TABLE t (a int, b int);
CREATE INDEX i ON t (a DESC, b ASC NULLS FIRST);

-- name: operator class
-- old
CREATE TABLE t (a text, b jsonb);
CREATE INDEX i ON t (a);
CREATE INDEX j ON t USING gin (b);
-- new
CREATE TABLE t (a text, b jsonb);
CREATE INDEX i ON t (a text_pattern_ops);
CREATE INDEX j ON t USING gin (b jsonb_path_ops);

-- name: method
-- old
CREATE TABLE t (a int);
CREATE INDEX i ON t (a);
-- new
CREATE TABLE t (a int);
CREATE INDEX i ON t USING hash (a);

-- name: collation
-- old
CREATE TABLE t (a text);
CREATE INDEX i ON t (a);
-- new
CREATE TABLE t (a text);
CREATE INDEX i ON t (a COLLATE "C" DESC);

-- name: included columns
-- old
CREATE TABLE t (a int, b int);
CREATE INDEX i ON t (a);
-- new
CREATE TABLE t (a int, b int);
CREATE INDEX i ON t (a) INCLUDE (b);

-- name: nulls are equal
-- from: 15
-- old
CREATE TABLE t (a int);
CREATE UNIQUE INDEX i ON t (a);
-- new
CREATE TABLE t (a int);
CREATE UNIQUE INDEX i ON t (a) NULLS NOT DISTINCT;

-- name: expression changed
-- old
CREATE TABLE t (a text);
CREATE INDEX i ON t (lower(a));
-- new
CREATE TABLE t (a text);
CREATE INDEX i ON t (upper(a), (a || 'x'));

-- name: expression over a column that is retyped
-- old
CREATE TABLE t (a varchar(10));
CREATE INDEX i ON t (lower(a));
CREATE UNIQUE INDEX j ON t (a) WHERE a <> '';
-- new
CREATE TABLE t (a text);
CREATE INDEX i ON t (lower(a));
CREATE UNIQUE INDEX j ON t (a) WHERE a <> '';

-- name: column dropped
-- loses: t.b
-- old
CREATE TABLE t (a int, b int);
CREATE INDEX i ON t (a, b);
CREATE INDEX j ON t (b);
-- new
CREATE TABLE t (a int);

-- name: column dropped that only a predicate names
-- loses: t.b
-- old
CREATE TABLE t (a int, b int);
CREATE INDEX i ON t (a) WHERE b > 0;
-- new
CREATE TABLE t (a int);
CREATE INDEX i ON t (a);

-- name: renamed
-- old
CREATE TABLE t (a int);
CREATE INDEX i ON t (a);
COMMENT ON INDEX i IS 'one';
-- new
CREATE TABLE t (a int);
CREATE INDEX j ON t (a);
COMMENT ON INDEX j IS 'one';

-- name: two on the same columns
-- old
CREATE TABLE t (a int);
CREATE INDEX i ON t (a);
-- new
CREATE TABLE t (a int);
CREATE INDEX i ON t (a);
CREATE INDEX j ON t (a);

-- name: options of a method
-- old
CREATE TABLE t (a int, b tsvector);
CREATE INDEX i ON t USING brin (a);
-- new
CREATE TABLE t (a int, b tsvector);
CREATE INDEX i ON t USING brin (a) WITH (pages_per_range = 8, autosummarize = true);
CREATE INDEX j ON t USING gin (b) WITH (fastupdate = off);

-- name: over an enum
-- old
CREATE TYPE st AS ENUM ('a', 'b');
CREATE TABLE t (s st);
-- new
CREATE TYPE st AS ENUM ('a', 'b');
CREATE TABLE t (s st);
CREATE INDEX i ON t (s) WHERE s IN ('a', 'b');

-- name: two indexes swap their names
-- old
CREATE TABLE t (a int, b int);
CREATE INDEX one ON t (a);
CREATE INDEX two ON t (b);
-- new
CREATE TABLE t (a int, b int);
CREATE INDEX one ON t (b);
CREATE INDEX two ON t (a);

-- name: names of indexes move along a chain
-- old
CREATE TABLE t (a int, b int, c int);
CREATE INDEX one ON t (a);
CREATE INDEX two ON t (b);
-- new
CREATE TABLE t (a int, b int, c int);
CREATE INDEX two ON t (a);
CREATE INDEX three ON t (b);
