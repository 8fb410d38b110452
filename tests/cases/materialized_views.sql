-- name: made with its indexes
-- old
CREATE TABLE t (a int, b text);
-- rows
INSERT INTO t VALUES (1, 'x');
-- new
CREATE TABLE t (a int, b text);
CREATE MATERIALIZED VIEW m AS SELECT a, count(*) AS n FROM t GROUP BY a;
CREATE UNIQUE INDEX m_a ON m (a);
CREATE INDEX m_n ON m (n DESC) WHERE n > 1;
COMMENT ON MATERIALIZED VIEW m IS 'counts';
COMMENT ON INDEX m_a IS 'for CONCURRENTLY';

-- name: definition changed
-- old
CREATE TABLE t (a int);
CREATE MATERIALIZED VIEW m AS SELECT a FROM t;
CREATE INDEX i ON m (a);
COMMENT ON INDEX i IS 'kept';
-- new
CREATE TABLE t (a int);
CREATE MATERIALIZED VIEW m AS SELECT a FROM t WHERE a > 0;
CREATE INDEX i ON m (a);
COMMENT ON INDEX i IS 'kept';

-- name: index changed alone
-- old
CREATE TABLE t (a int, b int);
CREATE MATERIALIZED VIEW m AS SELECT a, b FROM t;
CREATE INDEX i ON m (a);
-- new
CREATE TABLE t (a int, b int);
CREATE MATERIALIZED VIEW m AS SELECT a, b FROM t;
CREATE INDEX i ON m (b);

-- name: column below retyped
-- old
CREATE TABLE t (a int);
CREATE MATERIALIZED VIEW m AS SELECT a FROM t;
CREATE INDEX i ON m (a);
COMMENT ON COLUMN m.a IS 'kept';
-- rows
INSERT INTO t VALUES (1), (2);
-- new
CREATE TABLE t (a bigint);
CREATE MATERIALIZED VIEW m AS SELECT a FROM t;
CREATE INDEX i ON m (a);
COMMENT ON COLUMN m.a IS 'kept';

-- name: column below retyped and an index dropped
-- old
CREATE TABLE t (a int);
CREATE MATERIALIZED VIEW m AS SELECT a FROM t;
CREATE INDEX i ON m (a);
CREATE INDEX j ON m (a DESC);
-- new
CREATE TABLE t (a bigint);
CREATE MATERIALIZED VIEW m AS SELECT a FROM t;
CREATE INDEX i ON m (a);

-- name: one over another
-- old
CREATE TABLE t (a int);
CREATE MATERIALIZED VIEW m AS SELECT a FROM t;
CREATE MATERIALIZED VIEW k AS SELECT a FROM m;
CREATE VIEW v AS SELECT a FROM k;
CREATE INDEX i ON k (a);
-- new
CREATE TABLE t (a int);
CREATE MATERIALIZED VIEW m AS SELECT a FROM t WHERE a > 0;
CREATE MATERIALIZED VIEW k AS SELECT a FROM m;
CREATE VIEW v AS SELECT a FROM k;
CREATE INDEX i ON k (a);

-- name: index over a function that is made anew
-- old
CREATE FUNCTION f(a int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT a';
CREATE TABLE t (a int);
CREATE MATERIALIZED VIEW m AS SELECT a FROM t;
CREATE INDEX i ON m (f(a));
-- new
CREATE FUNCTION f(b int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT b';
CREATE TABLE t (a int);
CREATE MATERIALIZED VIEW m AS SELECT a FROM t;
CREATE INDEX i ON m (f(a));

-- name: storage parameter
-- old
CREATE TABLE t (a int);
CREATE MATERIALIZED VIEW m AS SELECT a FROM t;
-- new
CREATE TABLE t (a int);
CREATE MATERIALIZED VIEW m WITH (fillfactor = 70) AS SELECT a FROM t;

-- name: dropped with its indexes
-- old
CREATE TABLE t (a int);
CREATE MATERIALIZED VIEW m AS SELECT a FROM t;
CREATE UNIQUE INDEX i ON m (a);
-- new
CREATE TABLE t (a int);

-- name: an index takes the name of one of a table
-- old
CREATE TABLE t (a int);
CREATE INDEX i ON t (a);
CREATE MATERIALIZED VIEW m AS SELECT a FROM t;
-- new
CREATE TABLE t (a int);
CREATE MATERIALIZED VIEW m AS SELECT a FROM t;
CREATE INDEX i ON m (a);

-- name: a constraint takes the name of its index
-- old
CREATE TABLE t (a int);
CREATE MATERIALIZED VIEW m AS SELECT a FROM t;
CREATE INDEX i ON m (a);
-- new
CREATE TABLE t (a int CONSTRAINT i UNIQUE);

-- name: index over a new value of an enum
-- old
CREATE TYPE st AS ENUM ('a');
CREATE TABLE t (s st);
CREATE MATERIALIZED VIEW m AS SELECT s FROM t;
-- new
CREATE TYPE st AS ENUM ('a', 'b');
CREATE TABLE t (s st);
CREATE MATERIALIZED VIEW m AS SELECT s FROM t;
CREATE INDEX i ON m (s) WHERE s = 'b';

-- name: quoted names
-- old
CREATE TABLE "T" ("A" int);
CREATE MATERIALIZED VIEW "M v" AS SELECT "A" FROM "T";
CREATE INDEX "I x" ON "M v" ("A");
-- new
CREATE TABLE "T" ("A" text);
CREATE MATERIALIZED VIEW "M v" AS SELECT "A" FROM "T";
CREATE INDEX "I x" ON "M v" ("A");

-- name: table with an index becomes one with an index of its name
-- loses: m
-- old
CREATE TABLE m (a int);
CREATE INDEX i ON m (a);
COMMENT ON INDEX i IS 'kept';
CREATE VIEW v AS SELECT count(*) AS n FROM m;
-- new
CREATE MATERIALIZED VIEW m AS SELECT 1 AS a;
CREATE INDEX i ON m (a);
COMMENT ON INDEX i IS 'kept';
CREATE VIEW v AS SELECT count(*) AS n FROM m;
