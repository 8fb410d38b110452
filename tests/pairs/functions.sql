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
