-- name: words of SQL
-- old
CREATE TABLE "user" (id int PRIMARY KEY, "order" int NOT NULL DEFAULT 5)
-- new
CREATE TABLE "user" (id int PRIMARY KEY, "order" bigint DEFAULT 6, "select" int, "between" int);
CREATE TABLE "left" (a int);
CREATE INDEX "My Idx" ON "user" ("order") WHERE "order" > 5

-- name: quotes, signs and spaces
-- old
CREATE TABLE "a ""b"" %s" ("it's" text DEFAULT 'a%b\c')
-- new
CREATE TABLE "a ""b"" %s" ("it's" text DEFAULT E'a\nb', "Größe" int, CONSTRAINT "k %s" CHECK ("Größe" > 0));
COMMENT ON TABLE "a ""b"" %s" IS 'it''s 100% "q" \n'

-- name: comments only
-- old
CREATE TABLE t (a int CONSTRAINT k CHECK (a > 1));
COMMENT ON CONSTRAINT k ON t IS 'x';
COMMENT ON COLUMN t.a IS 'gone'
-- new
CREATE TABLE t (a int CONSTRAINT k CHECK (a > 1));
COMMENT ON TABLE t IS 'y; z'

-- name: a type of the longest name, in letters of two bytes, is made anew
-- loses: ééééééééééééééééééééééééééééééé
-- old
CREATE TYPE ééééééééééééééééééééééééééééééé AS ENUM ('a', 'b');
CREATE TABLE t (s ééééééééééééééééééééééééééééééé)
-- new
CREATE TYPE ééééééééééééééééééééééééééééééé AS ENUM ('b', 'c');
CREATE TABLE t (s ééééééééééééééééééééééééééééééé)

-- name: functions with signatures longer than a name are told apart, and follow their type
-- loses: period
-- old
CREATE TYPE period AS ENUM ('days', 'hours');
CREATE FUNCTION ééééééééééééééé_end(timestamp with time zone, integer, timestamp with time zone, period)
    RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE FUNCTION ééééééééééééééé_end(timestamp with time zone, integer, timestamp with time zone, text)
    RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 2';
CREATE TABLE t (a int CHECK (ééééééééééééééé_end('2026-01-01', a, '2026-01-01', 'days'::period) > 0),
    b int DEFAULT ééééééééééééééé_end('2026-01-01', 1, '2026-01-01', 'days'::text))
-- rows
INSERT INTO t VALUES (1)
-- new
CREATE TYPE period AS ENUM ('days', 'weeks');
CREATE FUNCTION ééééééééééééééé_end(timestamp with time zone, integer, timestamp with time zone, period)
    RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE FUNCTION ééééééééééééééé_end(timestamp with time zone, integer, timestamp with time zone, text)
    RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 2';
CREATE TABLE t (a int CHECK (ééééééééééééééé_end('2026-01-01', a, '2026-01-01', 'days'::period) > 0),
    b int DEFAULT ééééééééééééééé_end('2026-01-01', 1, '2026-01-01', 'days'::text))

-- name: a key's name passes to a new table that a view reads
-- old
CREATE TABLE a (i int, CONSTRAINT x UNIQUE (i));
CREATE VIEW v AS SELECT i FROM a;
-- new
CREATE TABLE a (i int);
CREATE TABLE x (j int);
CREATE VIEW v AS SELECT i, j FROM a, x;

-- name: words of statements
-- old
CREATE TABLE "a FOR EACH ROW b" ("x; y" int, "CREATE OR REPLACE" int);
CREATE FUNCTION "CREATE OR REPLACE"() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
-- rows
INSERT INTO "a FOR EACH ROW b" VALUES (1, 2);
-- new
CREATE TABLE "a FOR EACH ROW b" ("x; y" int, "CREATE OR REPLACE" int NOT NULL,
    CONSTRAINT " CHECK (x) NOT VALID" CHECK ("x; y" > 0),
    CONSTRAINT "NOT ENFORCED" UNIQUE ("x; y"),
    CONSTRAINT "x INCLUDE (y)" UNIQUE ("CREATE OR REPLACE", "x; y"));
CREATE FUNCTION "CREATE OR REPLACE"() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER "t FOR EACH ROW x" BEFORE UPDATE ON "a FOR EACH ROW b"
    FOR EACH ROW EXECUTE FUNCTION "CREATE OR REPLACE"(' FOR EACH ROW ');
CREATE POLICY "p TO public" ON "a FOR EACH ROW b" USING ("x; y" > 0);
CREATE INDEX "i ON ONLY x" ON "a FOR EACH ROW b" ("x; y");
CREATE VIEW "AS SELECT" AS SELECT "x; y" AS "from t;" FROM "a FOR EACH ROW b";
