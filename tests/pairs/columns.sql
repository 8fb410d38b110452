-- name: nullable column
-- old
CREATE TABLE t (a int)
-- new
CREATE TABLE t (a int, b text)

-- name: column with a check and a default
-- old
CREATE TABLE t (a int)
-- new
CREATE TABLE t (a int, b int NOT NULL DEFAULT 5 CHECK (b > 0));
CREATE INDEX i ON t (b) WHERE b > 7

-- name: type, default and null together
-- old
CREATE TABLE t (a int NOT NULL DEFAULT 5)
-- new
CREATE TABLE t (a text DEFAULT 'x')

-- name: defaults that are computed
-- old
CREATE TABLE t (a timestamptz)
-- new
CREATE TABLE t (a timestamptz NOT NULL DEFAULT now(), b date DEFAULT current_date)

-- name: type under a check and a partial index
-- old
CREATE TABLE t (a int, b int, CHECK (a > b));
CREATE INDEX i ON t (b) WHERE a = 5
-- new
CREATE TABLE t (a bigint, b int, CHECK (a > b));
CREATE INDEX i ON t (b) WHERE a = 5

-- name: type under a trigger
-- old
CREATE TABLE t (a int);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER g BEFORE UPDATE OF a ON t FOR EACH ROW WHEN (NEW.a > 5) EXECUTE FUNCTION f()
-- new
CREATE TABLE t (a bigint);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER g BEFORE UPDATE OF a ON t FOR EACH ROW WHEN (NEW.a > 5) EXECUTE FUNCTION f()

-- name: type under a trigger on the whole row
-- loses: t.b
-- old
CREATE TABLE t (a int, b int);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER g BEFORE UPDATE ON t FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION f()
-- new
CREATE TABLE t (a bigint);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER g BEFORE UPDATE ON t FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION f()

-- name: type under a generated column
-- old
CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a + 1) STORED);
CREATE INDEX i ON t (b)
-- new
CREATE TABLE t (a bigint, b int GENERATED ALWAYS AS (a + 1) STORED);
CREATE INDEX i ON t (b)

-- name: type under an SQL function and its users
-- old
CREATE TABLE t (a int);
CREATE FUNCTION f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT sum(a)::bigint FROM t; END;
CREATE TABLE u (b bigint DEFAULT f())
-- new
CREATE TABLE t (a bigint);
CREATE FUNCTION f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT sum(a)::bigint FROM t; END;
CREATE TABLE u (b bigint DEFAULT f())

-- name: expression of a generated column
-- old
CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a + 1) STORED)
-- new
CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a + 2) STORED)

-- name: generated column to a plain one
-- old
CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a + 1) STORED);
CREATE INDEX i ON t (b)
-- new
CREATE TABLE t (a int, b int NOT NULL DEFAULT 5);
CREATE INDEX i ON t (b)

-- name: generated column and its base dropped
-- loses: t.a
-- old
CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a + 1) STORED)
-- new
CREATE TABLE t (c int)

-- name: column dropped from an index and a check
-- loses: t.b
-- old
CREATE TABLE t (a int, b int, CHECK (a > b));
CREATE INDEX i ON t (a, b)
-- new
CREATE TABLE t (a int)

-- name: collation
-- old
CREATE TABLE t (a text)
-- new
CREATE TABLE t (a text COLLATE "C")

-- name: numeric precision
-- old
CREATE TABLE t (a numeric(10,2))
-- new
CREATE TABLE t (a numeric(12,4))
