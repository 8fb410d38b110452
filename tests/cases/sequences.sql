-- name: made and used
-- old
CREATE TABLE t (a int);
-- rows
INSERT INTO t VALUES (1);
-- new
CREATE SEQUENCE numbers;
CREATE TABLE t (a int DEFAULT nextval('numbers'));

-- name: dropped
-- loses: numbers
-- old
CREATE SEQUENCE numbers;
-- new

-- name: dropped from under a default
-- loses: numbers
-- old
CREATE SEQUENCE numbers;
CREATE TABLE t (a bigint DEFAULT nextval('numbers'));
-- rows
INSERT INTO t VALUES (DEFAULT), (DEFAULT);
-- new
CREATE TABLE t (a bigint);

-- name: all options
-- old
CREATE SEQUENCE s;
-- new
CREATE SEQUENCE s AS smallint INCREMENT 5 MINVALUE -10 MAXVALUE 500 START 100 CACHE 3 CYCLE;

-- name: downwards
-- old
CREATE SEQUENCE s;
-- new
CREATE SEQUENCE s INCREMENT -2;

-- name: downwards with bounds
-- old
-- new
CREATE SEQUENCE s AS int INCREMENT -1 MINVALUE -50 MAXVALUE 50 START 7;

-- name: type
-- old
CREATE SEQUENCE s AS integer;
-- new
CREATE SEQUENCE s AS bigint;

-- name: type and bounds
-- old
CREATE SEQUENCE s AS integer MAXVALUE 1000;
-- new
CREATE SEQUENCE s AS bigint MAXVALUE 5000;

-- name: increment
-- old
CREATE SEQUENCE s;
-- new
CREATE SEQUENCE s INCREMENT BY 10;

-- name: bounds narrowed around what was drawn
-- old
CREATE SEQUENCE s;
-- rows
SELECT nextval('s');
-- new
CREATE SEQUENCE s MAXVALUE 100;

-- name: start
-- old
CREATE SEQUENCE s START 5;
-- new
CREATE SEQUENCE s START 50;

-- name: cycle and cache
-- old
CREATE SEQUENCE s CYCLE CACHE 10;
-- new
CREATE SEQUENCE s;

-- name: gets an owner
-- old
CREATE SEQUENCE s;
CREATE TABLE t (a int);
-- new
CREATE SEQUENCE s;
CREATE TABLE t (a int);
ALTER SEQUENCE s OWNED BY t.a;

-- name: changes its owner
-- old
CREATE TABLE t (a int, b int);
CREATE SEQUENCE s OWNED BY t.a;
-- new
CREATE TABLE t (a int, b int);
CREATE SEQUENCE s OWNED BY t.b;

-- name: made with the table that owns it
-- old
-- new
CREATE SEQUENCE s START 1000;
CREATE TABLE t (a bigint NOT NULL DEFAULT nextval('s'), b text DEFAULT 'N-' || nextval('s'));
ALTER SEQUENCE s OWNED BY t.a;

-- name: goes with its column
-- loses: s t.a
-- old
CREATE SEQUENCE s START 1000;
CREATE TABLE t (a bigint DEFAULT nextval('s'), b int);
ALTER SEQUENCE s OWNED BY t.a;
-- new
CREATE TABLE t (b int);

-- name: stays when its column goes
-- loses: t.a
-- old
CREATE SEQUENCE s;
CREATE TABLE t (a bigint DEFAULT nextval('s'), b int);
ALTER SEQUENCE s OWNED BY t.a;
-- new
CREATE SEQUENCE s;
CREATE TABLE t (b int);

-- name: stays when its table goes
-- loses: t
-- old
CREATE SEQUENCE s;
CREATE TABLE t (a bigint DEFAULT nextval('s'));
ALTER SEQUENCE s OWNED BY t.a;
-- new
CREATE SEQUENCE s;

-- name: serial becomes a sequence that counts by ten
-- old
CREATE TABLE t (id serial PRIMARY KEY);
-- rows
INSERT INTO t VALUES (DEFAULT), (DEFAULT);
-- new
CREATE TABLE t (id serial PRIMARY KEY);
ALTER SEQUENCE t_id_seq INCREMENT BY 10;

-- name: serial loses its default
-- old
CREATE TABLE t (id serial PRIMARY KEY);
-- rows
INSERT INTO t VALUES (DEFAULT), (DEFAULT);
-- new
CREATE TABLE t (id serial PRIMARY KEY);
ALTER TABLE t ALTER COLUMN id DROP DEFAULT;

-- name: serial that may be null
-- old
CREATE TABLE t (a int);
-- new
CREATE TABLE t (a int, n serial);
ALTER TABLE t ALTER COLUMN n DROP NOT NULL;

-- name: serial whose sequence has another name
-- old
CREATE TABLE t (id serial PRIMARY KEY);
-- new
CREATE TABLE t (id serial PRIMARY KEY);
ALTER SEQUENCE t_id_seq RENAME TO other;

-- name: serial of one table feeds another
-- old
CREATE TABLE t (id serial);
-- new
CREATE TABLE t (id serial);
CREATE TABLE u (id int DEFAULT nextval('t_id_seq'));

-- name: serial that fed another table goes
-- loses: t
-- old
CREATE TABLE t (id serial);
CREATE TABLE u (id int DEFAULT nextval('t_id_seq'));
-- rows
INSERT INTO u VALUES (DEFAULT);
-- new
CREATE TABLE u (id int);

-- name: one sequence for two tables
-- old
-- new
CREATE SEQUENCE s;
CREATE TABLE t (a bigint DEFAULT nextval('s'));
CREATE TABLE u (a bigint DEFAULT nextval('s'));

-- name: comment
-- old
CREATE SEQUENCE s;
-- new
CREATE SEQUENCE s;
COMMENT ON SEQUENCE s IS 'it''s new';

-- name: quoted name
-- old
CREATE TABLE "T" ("A" int);
-- new
CREATE SEQUENCE "S q" START 5;
CREATE TABLE "T" ("A" int DEFAULT nextval('"S q"'));
ALTER SEQUENCE "S q" OWNED BY "T"."A";

-- name: serial with quoted and long names
-- old
CREATE TABLE "T" (a int);
-- new
CREATE TABLE "T" (a int, "B c" serial);
CREATE TABLE a_table_whose_name_is_rather_long_but_not_yet_too_long
    (a_column_whose_name_is_rather_long_too bigserial);

-- name: long serial to identity and back
-- old
CREATE TABLE a_table_whose_name_is_rather_long_but_not_yet_too_long
    (a_column_whose_name_is_rather_long_too bigserial);
-- new
CREATE TABLE a_table_whose_name_is_rather_long_but_not_yet_too_long
    (a_column_whose_name_is_rather_long_too bigint GENERATED ALWAYS AS IDENTITY);

-- name: takes the name of a table
-- loses: s
-- old
CREATE TABLE s (a int);
-- new
CREATE SEQUENCE s;

-- name: read by a view
-- old
CREATE SEQUENCE s;
-- new
CREATE SEQUENCE s;
CREATE VIEW v AS SELECT last_value FROM s;

-- name: owned through a rename of the column
-- loses: t.a
-- old
CREATE SEQUENCE s;
CREATE TABLE t (a int DEFAULT nextval('s'));
ALTER SEQUENCE s OWNED BY t.a;
-- new
CREATE SEQUENCE s;
CREATE TABLE t (b int DEFAULT nextval('s'));
ALTER SEQUENCE s OWNED BY t.b;

-- name: owned across tables of which one goes
-- loses: u
-- old
CREATE SEQUENCE s;
CREATE TABLE t (a int DEFAULT nextval('s'));
CREATE TABLE u (b int DEFAULT nextval('s'));
ALTER SEQUENCE s OWNED BY u.b;
-- rows
INSERT INTO t VALUES (DEFAULT);
-- new
CREATE SEQUENCE s;
CREATE TABLE t (a int DEFAULT nextval('s'));
ALTER SEQUENCE s OWNED BY t.a;

-- name: identity becomes a sequence of one's own
-- old
CREATE TABLE t (a int GENERATED BY DEFAULT AS IDENTITY);
-- rows
INSERT INTO t VALUES (DEFAULT);
-- new
CREATE SEQUENCE s;
CREATE TABLE t (a int NOT NULL DEFAULT nextval('s'));
ALTER SEQUENCE s OWNED BY t.a;

-- name: owned by a column that is retyped
-- old
CREATE SEQUENCE s;
CREATE TABLE t (a int DEFAULT nextval('s'));
ALTER SEQUENCE s OWNED BY t.a;
-- new
CREATE SEQUENCE s;
CREATE TABLE t (a bigint DEFAULT nextval('s'));
ALTER SEQUENCE s OWNED BY t.a;

-- name: takes the name that an identity had
-- loses: t.a
-- old
CREATE TABLE t (a int GENERATED BY DEFAULT AS IDENTITY, b int);
-- new
CREATE SEQUENCE t_a_seq START 5;
CREATE TABLE t (b int);

-- name: takes the name that a serial of another table had
-- loses: t
-- old
CREATE TABLE t (a serial);
CREATE TABLE u (b int);
-- new
CREATE SEQUENCE t_a_seq;
CREATE TABLE u (b int DEFAULT nextval('t_a_seq'));

-- name: identity of a column whose sequence name is taken
-- old
CREATE SEQUENCE t_a_seq;
CREATE TABLE t (a int NOT NULL);
-- new
CREATE SEQUENCE t_a_seq;
CREATE TABLE t (a int GENERATED ALWAYS AS IDENTITY);

-- name: sequence comes to belong to a column that holds other numbers than whole ones by then
-- old
CREATE TABLE t (id int, n smallint);
-- rows
INSERT INTO t VALUES (1, 7);
-- new
CREATE TABLE t (id int, n numeric(12,2));
CREATE SEQUENCE s OWNED BY t.n;
