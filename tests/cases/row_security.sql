-- name: enabled with a policy
-- old
CREATE TABLE t (a int, owner name);
-- rows
INSERT INTO t VALUES (1, 'x');
-- new
CREATE TABLE t (a int, owner name);
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON t USING (owner = current_user);

-- name: made with its table
-- old
-- new
CREATE TABLE t (a int, owner name);
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
ALTER TABLE t FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON t FOR ALL TO public USING (owner = current_user) WITH CHECK (a > 0);
COMMENT ON POLICY own ON t IS 'mine';

-- name: dropped with its table
-- loses: t
-- old
CREATE TABLE t (a int);
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON t USING (a > 0);
-- new

-- name: forced
-- old
CREATE TABLE t (a int);
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
-- new
CREATE TABLE t (a int);
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
ALTER TABLE t FORCE ROW LEVEL SECURITY;

-- name: disabled while policies stay
-- old
CREATE TABLE t (a int);
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON t USING (a > 0);
-- new
CREATE TABLE t (a int);
CREATE POLICY p ON t USING (a > 0);

-- name: condition changed
-- old
CREATE TABLE t (a int);
CREATE POLICY p ON t USING (a > 0);
COMMENT ON POLICY p ON t IS 'kept';
-- new
CREATE TABLE t (a int);
CREATE POLICY p ON t USING (a > 1);
COMMENT ON POLICY p ON t IS 'kept';

-- name: one for each command
-- old
CREATE TABLE t (a int);
-- new
CREATE TABLE t (a int);
CREATE POLICY s ON t FOR SELECT USING (a > 0);
CREATE POLICY i ON t FOR INSERT WITH CHECK (a > 0);
CREATE POLICY u ON t FOR UPDATE USING (a > 0) WITH CHECK (a > 1);
CREATE POLICY d ON t FOR DELETE USING (a > 0);
CREATE POLICY r ON t AS RESTRICTIVE FOR ALL USING (a < 100);

-- name: command changed
-- old
CREATE TABLE t (a int);
CREATE POLICY p ON t FOR SELECT USING (a > 0);
-- new
CREATE TABLE t (a int);
CREATE POLICY p ON t FOR DELETE USING (a > 0);

-- name: to a restrictive one
-- old
CREATE TABLE t (a int);
CREATE POLICY p ON t USING (a > 0);
-- new
CREATE TABLE t (a int);
CREATE POLICY p ON t AS RESTRICTIVE USING (a > 0);

-- name: roles
-- old
CREATE TABLE t (a int);
CREATE POLICY p ON t TO public USING (a > 0);
-- new
CREATE TABLE t (a int);
CREATE POLICY p ON t TO pg_monitor, pg_read_all_stats USING (a > 0);

-- name: reads another table that comes later
-- old
CREATE TABLE t (a int);
-- new
CREATE TABLE t (a int);
CREATE TABLE z (a int);
CREATE POLICY p ON t USING (EXISTS (SELECT FROM z WHERE z.a = t.a));

-- name: column in its condition retyped
-- old
CREATE TABLE t (a int);
CREATE POLICY p ON t USING (a > 0);
COMMENT ON POLICY p ON t IS 'kept';
-- rows
INSERT INTO t VALUES (1);
-- new
CREATE TABLE t (a bigint);
CREATE POLICY p ON t USING (a > 0);
COMMENT ON POLICY p ON t IS 'kept';

-- name: column in its condition dropped
-- loses: t.b
-- old
CREATE TABLE t (a int, b int);
CREATE POLICY p ON t USING (b > 0);
-- new
CREATE TABLE t (a int);
CREATE POLICY p ON t USING (a > 0);

-- name: calls a function that is made anew
-- old
CREATE FUNCTION f(a int) RETURNS boolean LANGUAGE sql AS 'SELECT a > 0';
CREATE TABLE t (a int);
CREATE POLICY p ON t USING (f(a));
-- new
CREATE FUNCTION f(b int) RETURNS boolean LANGUAGE sql AS 'SELECT b > 0';
CREATE TABLE t (a int);
CREATE POLICY p ON t USING (f(a));

-- name: names an enum that loses a value
-- loses: st
-- old
CREATE TYPE st AS ENUM ('a', 'b');
CREATE TABLE t (s st);
CREATE POLICY p ON t USING (s = 'a');
-- new
CREATE TYPE st AS ENUM ('a');
CREATE TABLE t (s st);
CREATE POLICY p ON t USING (s = 'a');

-- name: table in its condition dropped
-- loses: z
-- old
CREATE TABLE z (a int);
CREATE TABLE t (a int);
CREATE POLICY p ON t USING (a IN (SELECT z.a FROM z));
-- new
CREATE TABLE t (a int);

-- name: reads a view that is made anew
-- old
CREATE TABLE z (a int);
CREATE VIEW v AS SELECT a FROM z;
CREATE TABLE t (a int);
CREATE POLICY p ON t USING (a IN (SELECT v.a FROM v));
-- new
CREATE TABLE z (a bigint);
CREATE VIEW v AS SELECT a FROM z;
CREATE TABLE t (a int);
CREATE POLICY p ON t USING (a IN (SELECT v.a FROM v));

-- name: quoted names
-- old
CREATE TABLE "T t" ("A" int);
-- new
CREATE TABLE "T t" ("A" int);
ALTER TABLE "T t" ENABLE ROW LEVEL SECURITY;
CREATE POLICY "P p" ON "T t" USING ("A" > 0);
COMMENT ON POLICY "P p" ON "T t" IS 'it''s';

-- name: table in its condition becomes a view
-- loses: z
-- old
CREATE TABLE z (a int);
CREATE TABLE t (a int);
CREATE POLICY p ON t USING (a IN (SELECT z.a FROM z));
-- new
CREATE VIEW z AS SELECT 1 AS a;
CREATE TABLE t (a int);
CREATE POLICY p ON t USING (a IN (SELECT z.a FROM z));

-- name: lists of texts in a policy
-- old
CREATE TABLE t (id int, kind varchar(9), n int);
-- new
CREATE TABLE t (id int, kind varchar(9), n int);
CREATE POLICY p ON t USING (kind IN ('a', 'b')) WITH CHECK (kind NOT IN ('x','y'));
