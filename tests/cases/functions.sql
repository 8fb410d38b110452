-- name: called by others
-- old
-- new
CREATE FUNCTION z() RETURNS int LANGUAGE sql RETURN 1;
CREATE FUNCTION a() RETURNS int LANGUAGE sql RETURN z();
CREATE FUNCTION b() RETURNS int LANGUAGE sql AS 'SELECT a()'

-- name: used by a new table
-- old
-- new
CREATE FUNCTION z(a int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1::int';
CREATE TABLE t (a int DEFAULT z(1) CHECK (z(a) > 0))

-- name: body changed under a check
-- old
CREATE FUNCTION z(a int) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true';
CREATE TABLE t (a int CHECK (z(a)))
-- new
CREATE FUNCTION z(a int) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT a > 0';
CREATE TABLE t (a int CHECK (z(a)))

-- name: result changed under a default
-- old
CREATE FUNCTION f() RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1::int';
CREATE TABLE t (a int NOT NULL DEFAULT f())
-- new
CREATE FUNCTION f() RETURNS bigint IMMUTABLE LANGUAGE sql AS 'SELECT 1::bigint';
CREATE TABLE t (a bigint DEFAULT f())

-- name: argument renamed under its users
-- old
CREATE FUNCTION f(a int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1::int';
CREATE TABLE t (a int NOT NULL DEFAULT f(1), b int CHECK (f(b) > 0));
CREATE INDEX i ON t (f(a));
COMMENT ON INDEX i IS 'kept'
-- new
CREATE FUNCTION f(b int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1::int';
CREATE TABLE t (a int DEFAULT f(1), b int CHECK (f(b) > 0));
CREATE INDEX i ON t (f(a));
COMMENT ON INDEX i IS 'kept'

-- name: argument added, a call would mean both
-- old
CREATE FUNCTION f(a int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1::int';
CREATE TABLE t (a int CHECK (f(a) > 0))
-- new
CREATE FUNCTION f(a int, b int DEFAULT 5) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1::int';
CREATE TABLE t (a int CHECK (f(a) > 0))

-- name: names a table that comes later
-- old
-- new
CREATE TABLE z (a int);
CREATE FUNCTION f(z) RETURNS SETOF z LANGUAGE sql AS 'SELECT * FROM z';
CREATE FUNCTION g() RETURNS void LANGUAGE plpgsql AS 'DECLARE r z%ROWTYPE; BEGIN END'

-- name: to a procedure
-- old
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'
-- new
CREATE PROCEDURE f() LANGUAGE plpgsql AS 'BEGIN END';
COMMENT ON PROCEDURE f() IS 'x'

-- name: arguments of every kind
-- old
-- new
CREATE FUNCTION f(INOUT a int, OUT b text, VARIADIC c int[]) LANGUAGE plpgsql AS 'BEGIN END';
COMMENT ON FUNCTION f(int, int[]) IS 'x'

-- name: signs in the body
-- old
-- new
CREATE FUNCTION z(a int) RETURNS text LANGUAGE plpgsql AS $body$ BEGIN RAISE NOTICE '% $function$ \ %', a, a; RETURN format('%s', a); END $body$

-- name: deferred constraint trigger
-- old
CREATE TABLE t (a int)
-- new
CREATE TABLE t (a int);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE CONSTRAINT TRIGGER g AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION f('a%b', 'it''s')

-- name: body changed
-- old
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
COMMENT ON FUNCTION f() IS 'kept';
-- new
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2';
COMMENT ON FUNCTION f() IS 'kept';

-- name: properties changed
-- old
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
-- new
CREATE FUNCTION f() RETURNS int LANGUAGE sql IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
SECURITY DEFINER COST 5 SET search_path = pg_catalog AS 'SELECT 1';

-- name: from a text to a parsed body
-- old
CREATE TABLE t (a int);
CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM t';
-- new
CREATE TABLE t (a int);
CREATE FUNCTION f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM t; END;

-- name: parsed body names a column that goes
-- loses: t.b
-- old
CREATE TABLE t (a int, b int);
CREATE FUNCTION f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT sum(b) FROM t; END;
-- new
CREATE TABLE t (a int);
CREATE FUNCTION f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT sum(a) FROM t; END;

-- name: namesakes with other arguments
-- old
CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
-- new
CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION f(text) RETURNS int LANGUAGE sql AS 'SELECT 2';
CREATE FUNCTION f(int, text) RETURNS int LANGUAGE sql AS 'SELECT 3';

-- name: default of an argument
-- old
CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT a';
-- new
CREATE FUNCTION f(a int DEFAULT 5) RETURNS int LANGUAGE sql AS 'SELECT a';

-- name: gives a table
-- old
CREATE FUNCTION f() RETURNS SETOF int LANGUAGE sql AS 'SELECT 1';
-- new
CREATE FUNCTION f() RETURNS TABLE (a int, b text) ROWS 50 LANGUAGE sql AS 'SELECT 1, ''x''';

-- name: takes the rows of a table
-- old
CREATE TABLE t (a int);
-- new
CREATE TABLE t (a int);
CREATE FUNCTION f(r t) RETURNS int LANGUAGE sql AS 'SELECT r.a';

-- name: goes with the table that it takes
-- loses: t
-- old
CREATE TABLE t (a int);
CREATE FUNCTION f(r t) RETURNS SETOF t LANGUAGE sql AS 'SELECT r';
-- new

-- name: of an enum that loses a value
-- loses: st
-- old
CREATE TYPE st AS ENUM ('a', 'b');
CREATE FUNCTION f(s st DEFAULT 'a') RETURNS st LANGUAGE sql AS 'SELECT s';
COMMENT ON FUNCTION f(st) IS 'kept';
-- new
CREATE TYPE st AS ENUM ('a');
CREATE FUNCTION f(s st DEFAULT 'a') RETURNS st LANGUAGE sql AS 'SELECT s';
COMMENT ON FUNCTION f(st) IS 'kept';

-- name: one that computes a column changes its result
-- old
CREATE FUNCTION f(a int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT a';
CREATE TABLE t (a int, b bigint GENERATED ALWAYS AS (f(a)) STORED);
-- rows
INSERT INTO t VALUES (5);
-- new
CREATE FUNCTION f(a int) RETURNS bigint IMMUTABLE LANGUAGE sql AS 'SELECT a::bigint';
CREATE TABLE t (a int, b bigint GENERATED ALWAYS AS (f(a)) STORED);

-- name: window function
-- old
-- new
CREATE FUNCTION w() RETURNS bigint LANGUAGE internal WINDOW AS 'window_row_number';

-- name: procedure changed
-- old
CREATE PROCEDURE p(a int) LANGUAGE plpgsql AS 'BEGIN END';
-- new
CREATE PROCEDURE p(a int) LANGUAGE plpgsql AS 'BEGIN COMMIT; END';

-- name: quoted name and arguments
-- old
-- new
CREATE FUNCTION "F ""f"" x"("A a" int, b text DEFAULT 'it''s') RETURNS int LANGUAGE sql
AS 'SELECT "A a"';
COMMENT ON FUNCTION "F ""f"" x"(int, text) IS 'it''s';

-- name: chain of parsed bodies in an order that does not help
-- old
-- new
CREATE FUNCTION c() RETURNS int LANGUAGE sql RETURN 1;
CREATE FUNCTION b() RETURNS int LANGUAGE sql RETURN c();
CREATE FUNCTION a() RETURNS int LANGUAGE sql RETURN b();
CREATE VIEW v AS SELECT a();

-- name: rows of a table in a body that is SQL, and columns with and without a default
-- old
CREATE TABLE b (n int, d varchar(5));
CREATE FUNCTION k(b) RETURNS text LANGUAGE sql BEGIN ATOMIC SELECT ($1).n::text; END;
CREATE FUNCTION gone(b[]) RETURNS text LANGUAGE sql RETURN ($1[1]).n::text;
CREATE TABLE u (i int, CHECK ((NULL::b) IS NULL));
-- rows
INSERT INTO b VALUES (1, 'a');
INSERT INTO u VALUES (3);
-- new
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TABLE b (n int, d text, z int DEFAULT 4, y positive, a int);
CREATE FUNCTION k(b) RETURNS text LANGUAGE sql BEGIN ATOMIC SELECT ($1).n::text; END;
CREATE FUNCTION made(b[]) RETURNS text LANGUAGE sql RETURN ($1[1]).z::text;
CREATE TABLE u (i int, CHECK ((NULL::b) IS NULL));

-- name: an index and a trigger that call a function of the rows go with the table
-- loses: t
-- old
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TABLE t (a int, b int);
CREATE FUNCTION h(t) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1.a > 0';
CREATE INDEX i ON t (h(t.*));
CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW WHEN (h(NEW.*)) EXECUTE FUNCTION f();
-- rows
INSERT INTO t VALUES (1, 2);
-- new
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TABLE u (a int);

-- name: the check of a domain that is in an array calls another function
-- old
CREATE FUNCTION ok(text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT length($1) < 9';
CREATE DOMAIN d AS text CHECK (ok(VALUE));
CREATE TABLE t (a d[], b d);
-- rows
INSERT INTO t VALUES ('{a}', 'b');
-- new
CREATE FUNCTION okay(text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT length($1) < 5';
CREATE DOMAIN d AS text CHECK (okay(VALUE));
CREATE TABLE t (a d[], b d);

-- name: a check of whole rows goes and comes with its table
-- old
CREATE TABLE t (a int, b int);
CREATE FUNCTION fine(r t) RETURNS boolean IMMUTABLE LANGUAGE sql RETURN r.a > 0;
ALTER TABLE t ADD CONSTRAINT fine CHECK (fine(t));
-- rows
INSERT INTO t VALUES (1, 2);
-- new
-- loses: t

-- name: a column of the rows that a check takes
-- old
CREATE TABLE t (a int, b int);
CREATE FUNCTION fine(r t) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN r.a > 0; END';
ALTER TABLE t ADD CONSTRAINT fine CHECK (fine(t));
-- rows
INSERT INTO t VALUES (1, 2);
-- new
CREATE TABLE t (a int);
CREATE FUNCTION fine(r t) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN r.a > 0; END';
ALTER TABLE t ADD CONSTRAINT fine CHECK (fine(t));
-- loses: t.b
