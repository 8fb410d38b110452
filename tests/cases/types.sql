-- name: domain made and used
-- old
CREATE TABLE t (a int);
-- new
CREATE DOMAIN amount AS numeric(12,2) DEFAULT 0 NOT NULL CHECK (VALUE >= 0);
CREATE TABLE t (a int, b amount, c amount[]);
COMMENT ON DOMAIN amount IS 'money';

-- name: check of a domain changed
-- old
CREATE DOMAIN d AS int CONSTRAINT k CHECK (VALUE > 0);
CREATE TABLE t (a d);
-- rows
INSERT INTO t VALUES (5);
-- new
CREATE DOMAIN d AS int CONSTRAINT k CHECK (VALUE > 1);
CREATE TABLE t (a d);

-- name: checks of a domain added and dropped
-- old
CREATE DOMAIN d AS text CONSTRAINT a CHECK (VALUE <> '') CONSTRAINT b CHECK (VALUE <> 'b');
-- new
CREATE DOMAIN d AS text CONSTRAINT a CHECK (VALUE <> '') CONSTRAINT c CHECK (VALUE <> 'c');

-- name: default and null of a domain
-- old
CREATE DOMAIN d AS int DEFAULT 5;
CREATE TABLE t (a d);
-- new
CREATE DOMAIN d AS int NOT NULL;
CREATE TABLE t (a d);

-- name: check of a domain not valid
-- old
CREATE DOMAIN d AS int;
-- new
CREATE DOMAIN d AS int;
ALTER DOMAIN d ADD CONSTRAINT k CHECK (VALUE > 0) NOT VALID;

-- name: domain over another type
-- old
CREATE DOMAIN d AS int;
-- new
CREATE DOMAIN d AS bigint;

-- name: domain over an enum and a domain
-- old
-- new
CREATE TYPE st AS ENUM ('a', 'b');
CREATE DOMAIN d AS st DEFAULT 'a';
CREATE DOMAIN "D d" AS d CHECK (VALUE IS NOT NULL);
CREATE TABLE t (a "D d");

-- name: domain calls a function
-- old
CREATE FUNCTION f(a int) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT a > 0';
-- new
CREATE FUNCTION f(a int) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT a > 0';
CREATE DOMAIN d AS int CHECK (f(VALUE));

-- name: domain with a collation
-- old
-- new
CREATE DOMAIN d AS text COLLATE "C";
CREATE TABLE t (a d, b d COLLATE "POSIX");

-- name: column from a domain to its base and back
-- old
CREATE DOMAIN d AS int CHECK (VALUE > 0);
CREATE TABLE t (a d);
-- loses: t.a
-- rows
INSERT INTO t VALUES (5);
-- new
CREATE DOMAIN d AS int CHECK (VALUE > 0);
CREATE TABLE t (a int);

-- name: domain dropped with its column
-- loses: t.a
-- old
CREATE DOMAIN d AS int;
CREATE TABLE t (a d, b int);
-- new
CREATE TABLE t (b int);

-- name: composite made and used
-- old
CREATE TABLE t (a int);
-- new
CREATE TYPE address AS (street text, zip varchar(10), "No" int);
CREATE TABLE t (a int, b address, c address[]);
COMMENT ON TYPE address IS 'where';

-- name: attribute added
-- old
CREATE TYPE c AS (a int);
CREATE TABLE t (b c);
-- new
CREATE TYPE c AS (a int, d text COLLATE "C");
CREATE TABLE t (b c);

-- name: attribute dropped
-- loses: c
-- old
CREATE TYPE c AS (a int, b int);
-- new
CREATE TYPE c AS (a int);

-- name: attribute retyped
-- old
CREATE TYPE c AS (a int, b int);
-- new
CREATE TYPE c AS (a bigint, b int);

-- name: attributes added, dropped and retyped
-- loses: c
-- old
CREATE TYPE c AS (a int, b int);
-- new
CREATE TYPE c AS (a bigint, d int, e text);

-- name: composite without attributes
-- old
-- new
CREATE TYPE c AS ();

-- name: composite in functions
-- old
-- new
CREATE TYPE c AS (a int, b text);
CREATE FUNCTION f(x c) RETURNS SETOF c LANGUAGE sql AS 'SELECT x';
CREATE FUNCTION g() RETURNS c LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';

-- name: composite of an enum, a domain and a composite
-- old
-- new
CREATE TYPE z AS ENUM ('a');
CREATE DOMAIN y AS int;
CREATE TYPE x AS (a z, b y[]);
CREATE TYPE w AS (c x);
CREATE TABLE t (d w);

-- name: composite with the rows of a table
-- old
-- new
CREATE TABLE t (a int);
CREATE TYPE c AS (row t, n int);

-- name: composite dropped
-- old
CREATE TYPE c AS (a int);
CREATE FUNCTION f(x c) RETURNS int LANGUAGE sql AS 'SELECT 1';
-- new

-- name: enum takes the name of a domain
-- old
CREATE DOMAIN d AS int;
-- new
CREATE TYPE d AS ENUM ('a');

-- name: table takes the name of a composite
-- old
CREATE TYPE d AS (a int);
-- new
CREATE TABLE d (a int);

-- name: enum under a domain of a column loses a value
-- loses: st
-- old
CREATE TYPE st AS ENUM ('a', 'b');
CREATE DOMAIN d AS st;
CREATE TABLE t (a d);
-- new
CREATE TYPE st AS ENUM ('a');
CREATE DOMAIN d AS st;
CREATE TABLE t (a d);

-- name: enum under a domain that no column is of loses a value
-- loses: st
-- old
CREATE TYPE st AS ENUM ('a', 'b');
CREATE DOMAIN d AS st DEFAULT 'a';
CREATE FUNCTION f(x d) RETURNS d LANGUAGE sql AS 'SELECT x';
COMMENT ON DOMAIN d IS 'kept';
-- new
CREATE TYPE st AS ENUM ('a');
CREATE DOMAIN d AS st DEFAULT 'a';
CREATE FUNCTION f(x d) RETURNS d LANGUAGE sql AS 'SELECT x';
COMMENT ON DOMAIN d IS 'kept';

-- name: enum in a composite of a column loses a value
-- loses: st
-- old
CREATE TYPE st AS ENUM ('a', 'b');
CREATE TYPE c AS (s st);
CREATE TABLE t (a c);
-- new
CREATE TYPE st AS ENUM ('a');
CREATE TYPE c AS (s st);
CREATE TABLE t (a c);

-- name: function in the check of a domain of a column is made anew
-- refused: remake domain d
-- old
CREATE FUNCTION f(a int) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT a > 0';
CREATE DOMAIN d AS int CHECK (f(VALUE));
CREATE TABLE t (a d);
-- new
CREATE FUNCTION f(b int) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT b > 0';
CREATE DOMAIN d AS int CHECK (f(VALUE));
CREATE TABLE t (a d);

-- name: domain that a function takes gets another base
-- old
CREATE DOMAIN d AS int;
CREATE FUNCTION f(x d) RETURNS d LANGUAGE sql AS 'SELECT x';
-- new
CREATE DOMAIN d AS text;
CREATE FUNCTION f(x d) RETURNS d LANGUAGE sql AS 'SELECT x';

-- name: enum under a composite grows
-- old
CREATE TYPE st AS ENUM ('a');
CREATE TYPE c AS (s st);
CREATE TABLE t (a c);
-- rows
INSERT INTO t VALUES ('(a)');
-- new
CREATE TYPE st AS ENUM ('a', 'b');
CREATE TYPE c AS (s st);
CREATE TABLE t (a c);

-- name: domain under rows, views and keys gets another base
-- old
CREATE DOMAIN d AS int DEFAULT 5 CHECK (VALUE > 0);
CREATE TABLE t (a d PRIMARY KEY, l d[] DEFAULT '{1}', b int DEFAULT 3, CHECK (a > 1));
CREATE TABLE u (a d REFERENCES t);
CREATE VIEW v AS SELECT a FROM t WHERE a > 2;
-- rows
INSERT INTO t VALUES (5, '{1,2}');
INSERT INTO u VALUES (5);
-- new
CREATE DOMAIN d AS bigint DEFAULT 5 CHECK (VALUE > 0);
CREATE TABLE t (a d PRIMARY KEY, l d[] DEFAULT '{1}', b int DEFAULT 3, CHECK (a > 1));
CREATE TABLE u (a d REFERENCES t);
CREATE VIEW v AS SELECT a FROM t WHERE a > 2;

-- name: attribute of a composite under rows gets an enum with other values
-- loses: st
-- old
CREATE TYPE st AS ENUM ('a', 'b', 'c');
CREATE TYPE c AS (s st, n int);
CREATE TABLE t (a c NOT NULL DEFAULT '(a,1)', l c[]);
CREATE VIEW v AS SELECT (a).s FROM t;
COMMENT ON TYPE c IS 'kept';
-- rows
INSERT INTO t VALUES ('(b,2)', '{"(a,1)"}');
-- new
CREATE TYPE st AS ENUM ('a', 'b');
CREATE TYPE c AS (s st, n int);
CREATE TABLE t (a c NOT NULL DEFAULT '(a,1)', l c[]);
CREATE VIEW v AS SELECT (a).s FROM t;
COMMENT ON TYPE c IS 'kept';

-- name: an attribute of a composite gets an enum for a text, under a column
-- loses: c
-- old
CREATE TYPE c AS (z text);
CREATE TABLE t (id int, data c);
-- rows
INSERT INTO t VALUES (1, ROW('open'));
-- new
CREATE TYPE e AS ENUM ('open');
CREATE TYPE c AS (z e);
CREATE TABLE t (id int, data c);

-- name: an attribute of a composite gets another type, under a column
-- old
CREATE TYPE c AS (z int, y text);
CREATE TABLE t (id int, data c);
-- rows
INSERT INTO t VALUES (1, ROW(1, 'a'));
-- new
CREATE TYPE c AS (z bigint, y text);
CREATE TABLE t (id int, data c);

-- name: an enum under a domain loses a value, and more than types needs the column
-- old
CREATE TYPE st AS ENUM ('open', 'part');
CREATE DOMAIN d AS st;
CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE t (a d, b boolean GENERATED ALWAYS AS (a IS NULL) STORED);
CREATE TRIGGER tr BEFORE UPDATE OF a ON t FOR EACH ROW EXECUTE FUNCTION g();
CREATE VIEW v AS SELECT a FROM t;
-- rows
INSERT INTO t VALUES ('open'), (NULL);
-- new
CREATE TYPE st AS ENUM ('open');
CREATE DOMAIN d AS st;
CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE t (a d, b boolean GENERATED ALWAYS AS (a IS NULL) STORED);
CREATE TRIGGER tr BEFORE UPDATE OF a ON t FOR EACH ROW EXECUTE FUNCTION g();
CREATE VIEW v AS SELECT a FROM t;
-- loses: st

-- name: the check of a domain whose arrays are in a column
-- old
CREATE DOMAIN dd AS int CHECK (VALUE > 0);
CREATE TABLE t (a dd[], b dd);
-- rows
INSERT INTO t VALUES ('{1,2}', 3);
-- new
CREATE DOMAIN dd AS int CHECK (VALUE > -1);
CREATE TABLE t (a dd[], b dd);

-- name: the check of a domain that is in a composite
-- old
CREATE DOMAIN dd AS int CHECK (VALUE > 0);
CREATE TYPE cc AS (x dd, y int);
CREATE TABLE t (a cc, b dd);
-- rows
INSERT INTO t VALUES ('(1,2)', 3);
-- new
CREATE DOMAIN dd AS int CHECK (VALUE > -1);
CREATE TYPE cc AS (x dd, y int);
CREATE TABLE t (a cc, b dd);

-- name: a domain in arrays takes no null any more
-- old
CREATE DOMAIN dd AS int;
CREATE TABLE t (a dd[], b dd);
-- rows
INSERT INTO t VALUES ('{1,2}', 3);
-- new
CREATE DOMAIN dd AS int NOT NULL;
CREATE TABLE t (a dd[], b dd);

-- name: a domain over a domain of which there are arrays gets a check
-- old
CREATE DOMAIN base AS int CHECK (VALUE > 0);
CREATE DOMAIN "the""top""" AS base CHECK (VALUE < 100);
CREATE TABLE t (a "the""top""", b "the""top"""[]);
-- rows
INSERT INTO t VALUES (4, '{5}');
-- new
CREATE DOMAIN base AS int CHECK (VALUE > 1);
CREATE DOMAIN "the""top""" AS base CHECK (VALUE < 100);
CREATE TABLE t (a "the""top""", b "the""top"""[]);

-- name: a domain gets another type, and what it was over goes
-- old
CREATE DOMAIN base AS int CHECK (VALUE > 0);
CREATE DOMAIN "the""top""" AS base CHECK (VALUE < 100);
CREATE TABLE t (a "the""top""", b "the""top"""[]);
-- new
CREATE TYPE mood AS ENUM ('calm', 'cross');
CREATE DOMAIN "the""top""" AS mood DEFAULT 'calm';
CREATE TABLE t (a "the""top""", b "the""top"""[]);
-- loses: the"top"

-- name: an attribute goes while the type of another is made again
-- old
CREATE TYPE mood AS ENUM ('calm', 'cross');
CREATE TYPE pair AS (mood mood, n int);
CREATE TABLE t (p pair);
-- new
CREATE TYPE mood AS ENUM ('calm');
CREATE TYPE pair AS (mood mood);
CREATE TABLE t (p pair);
-- loses: mood pair

-- name: a composite whose parts are NULL has a value all the same
-- old
CREATE TYPE place AS (street text, number int);
CREATE TABLE t (id int PRIMARY KEY, a place, b place);
-- rows
INSERT INTO t VALUES (1, '(x,)', '(,)'), (2, '(,)', '(y,)');
-- new
CREATE TYPE place AS (street text, number int);
CREATE TABLE t (id int PRIMARY KEY, a place NOT NULL, b place DEFAULT '(x,1)' NOT NULL);

-- name: attributes swap places and get other types, under a column
-- old
CREATE TYPE p AS (a int, b int);
CREATE TABLE t (p p);
-- rows
INSERT INTO t VALUES (ROW(1, 2)), (NULL), (ROW(NULL, NULL));
-- new
CREATE TYPE p AS (b bigint, a bigint, c text);
CREATE TABLE t (p p);

-- name: attributes of a composite in another one, beside an enum with other values
-- old
CREATE TYPE m AS ENUM ('a', 'b');
CREATE TYPE p AS (m m, n int);
CREATE TYPE q AS (p p, ps p[], x text);
CREATE TABLE t (q q);
-- rows
INSERT INTO t VALUES (ROW(ROW('a', 2), ARRAY[ROW('b', 3)::p, NULL], 'z, "y"'));
-- new
CREATE TYPE m AS ENUM ('b', 'a');
CREATE TYPE p AS (n int, m m, o text);
CREATE TYPE q AS (p p, ps p[], x text);
CREATE TABLE t (q q);
