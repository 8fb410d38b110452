-- name: made
-- old
-- new
CREATE TABLE t (a int, b text NOT NULL DEFAULT 'x');

-- name: without columns
-- old
-- new
CREATE TABLE t ();

-- name: dropped with everything
-- loses: t
-- old
CREATE TABLE t (id serial PRIMARY KEY, a int CHECK (a > 0), b text UNIQUE);
CREATE INDEX i ON t (a);
COMMENT ON COLUMN t.a IS 'x';
-- rows
INSERT INTO t (a) VALUES (1);
-- new

-- name: another one stays
-- loses: t
-- old
CREATE TABLE t (a int);
CREATE TABLE u (a int);
-- rows
INSERT INTO t VALUES (1);
INSERT INTO u VALUES (2);
-- new
CREATE TABLE u (a int);

-- name: many that refer to each other
-- old
-- new
CREATE TABLE c (id int PRIMARY KEY);
CREATE TABLE b (id int PRIMARY KEY, c int REFERENCES c);
CREATE TABLE a (id int PRIMARY KEY, b int REFERENCES b, c int REFERENCES c);
CREATE TABLE d (a int REFERENCES a, b int REFERENCES b);
CREATE VIEW v AS SELECT a.id FROM a JOIN b ON b.id = a.b;

-- name: takes the name of an index
-- old
CREATE TABLE t (a int);
CREATE INDEX k ON t (a);
-- new
CREATE TABLE t (a int);
CREATE TABLE k (a int);

-- name: takes the name of a view
-- old
CREATE VIEW k AS SELECT 1 AS a;
-- new
CREATE TABLE k (a int);

-- name: takes the name of an enum
-- old
CREATE TYPE k AS ENUM ('a');
-- new
CREATE TABLE k (a int);

-- name: comments of every part
-- old
CREATE TABLE t (a int CONSTRAINT c CHECK (a > 0));
CREATE INDEX i ON t (a);
-- new
CREATE TABLE t (a int CONSTRAINT c CHECK (a > 0));
CREATE INDEX i ON t (a);
COMMENT ON TABLE t IS '1';
COMMENT ON COLUMN t.a IS '2';
COMMENT ON CONSTRAINT c ON t IS '3';
COMMENT ON INDEX i IS '4';

-- name: extension and what it brings
-- old
CREATE TABLE t (a int, b tstzrange);
-- new
CREATE EXTENSION btree_gist;
CREATE TABLE t (a int, b tstzrange, EXCLUDE USING gist (a WITH =, b WITH &&));

-- name: all kinds at once
-- loses: gone gone_seq old.b
-- old
CREATE SEQUENCE gone_seq;
CREATE TABLE gone (a bigint DEFAULT nextval('gone_seq'));
CREATE TABLE old (a int, b int);
CREATE VIEW v AS SELECT old.a, gone.a AS b FROM old, gone;
-- rows
INSERT INTO old VALUES (1, 2);
-- new
CREATE TYPE st AS ENUM ('x');
CREATE DOMAIN d AS int CHECK (VALUE > 0);
CREATE SEQUENCE made_seq;
CREATE TABLE made (a bigint DEFAULT nextval('made_seq'), s st DEFAULT 'x', d d);
CREATE TABLE old (a bigint);
CREATE VIEW v AS SELECT old.a, made.a AS b FROM old, made;
CREATE MATERIALIZED VIEW m AS SELECT * FROM v;
CREATE POLICY p ON old USING (a IN (SELECT m.a FROM m));

-- name: a new table with a check that is not valid
-- old
-- new
CREATE TABLE t (a int);
ALTER TABLE t ADD CONSTRAINT k CHECK (a > 0) NOT VALID;
