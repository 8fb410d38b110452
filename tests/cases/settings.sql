-- name: storage parameters
-- old
CREATE TABLE t (a int);
-- rows
INSERT INTO t VALUES (1);
-- new
CREATE TABLE t (a int) WITH (fillfactor = 70, autovacuum_enabled = off);

-- name: storage parameter changed, another back to the default
-- old
CREATE TABLE t (a int) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01);
-- new
CREATE TABLE t (a int) WITH (fillfactor = 90);

-- name: storage parameters of what is stored apart
-- old
CREATE TABLE t (a text);
-- new
CREATE TABLE t (a text) WITH (toast.autovacuum_enabled = off, toast_tuple_target = 4080);

-- name: storage parameter of an index
-- old
CREATE TABLE t (a int);
CREATE INDEX i ON t (a);
-- new
CREATE TABLE t (a int);
CREATE INDEX i ON t (a) WITH (fillfactor = 60, deduplicate_items = off);

-- name: storage parameter of a key
-- old
CREATE TABLE t (a int PRIMARY KEY, b int UNIQUE WITH (fillfactor = 50));
-- new
CREATE TABLE t (a int PRIMARY KEY WITH (fillfactor = 70), b int UNIQUE);

-- name: unlogged
-- old
CREATE TABLE t (a int);
-- rows
INSERT INTO t VALUES (1), (2);
-- new
CREATE UNLOGGED TABLE t (a int);

-- name: unlogged with an identity
-- old
-- new
CREATE UNLOGGED TABLE t (a int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, b serial);

-- name: unlogged at both ends of a key
-- old
CREATE TABLE a (id int PRIMARY KEY);
CREATE TABLE b (a int REFERENCES a);
-- rows
INSERT INTO a VALUES (1);
INSERT INTO b VALUES (1);
-- new
CREATE UNLOGGED TABLE a (id int PRIMARY KEY);
CREATE UNLOGGED TABLE b (a int REFERENCES a);

-- name: unlogged, and a table that refers to it goes
-- loses: b
-- old
CREATE TABLE a (id int PRIMARY KEY);
CREATE TABLE b (a int REFERENCES a);
-- new
CREATE UNLOGGED TABLE a (id int PRIMARY KEY);

-- name: unlogged and referring to itself
-- old
CREATE TABLE a (id int PRIMARY KEY, up int REFERENCES a);
-- new
CREATE UNLOGGED TABLE a (id int PRIMARY KEY, up int REFERENCES a);

-- name: unlogged table refers to another
-- old
CREATE TABLE a (id int PRIMARY KEY);
-- new
CREATE TABLE a (id int PRIMARY KEY);
CREATE UNLOGGED TABLE b (a int REFERENCES a);

-- name: two unlogged tables are made
-- old
-- new
CREATE UNLOGGED TABLE b (id int PRIMARY KEY);
CREATE UNLOGGED TABLE a (b int REFERENCES b);

-- name: replica identity full
-- old
CREATE TABLE t (a int);
-- new
CREATE TABLE t (a int);
ALTER TABLE t REPLICA IDENTITY FULL;

-- name: replica identity from nothing to an index
-- old
CREATE TABLE t (a int NOT NULL);
ALTER TABLE t REPLICA IDENTITY NOTHING;
-- new
CREATE TABLE t (a int NOT NULL);
CREATE UNIQUE INDEX i ON t (a);
ALTER TABLE t REPLICA IDENTITY USING INDEX i;

-- name: replica identity from one index to another
-- old
CREATE TABLE t (a int NOT NULL, b int NOT NULL UNIQUE);
CREATE UNIQUE INDEX i ON t (a);
ALTER TABLE t REPLICA IDENTITY USING INDEX i;
-- new
CREATE TABLE t (a int NOT NULL, b int NOT NULL UNIQUE);
ALTER TABLE t REPLICA IDENTITY USING INDEX t_b_key;

-- name: index of the replica identity made anew
-- old
CREATE TABLE t (a int NOT NULL, b int NOT NULL);
CREATE UNIQUE INDEX i ON t (a);
ALTER TABLE t REPLICA IDENTITY USING INDEX i;
-- new
CREATE TABLE t (a int NOT NULL, b int NOT NULL);
CREATE UNIQUE INDEX i ON t (a, b);
ALTER TABLE t REPLICA IDENTITY USING INDEX i;

-- name: statistics of a column
-- old
CREATE TABLE t (a int, b int);
ALTER TABLE t ALTER b SET STATISTICS 50;
-- new
CREATE TABLE t (a int, b int);
ALTER TABLE t ALTER a SET STATISTICS 500;
ALTER TABLE t ALTER b SET STATISTICS 0;

-- name: storage of a column
-- old
CREATE TABLE t (a text, b bytea);
ALTER TABLE t ALTER b SET STORAGE MAIN;
-- rows
INSERT INTO t VALUES ('x', 'y');
-- new
CREATE TABLE t (a text, b bytea);
ALTER TABLE t ALTER a SET STORAGE EXTERNAL;

-- name: compression of a column
-- old
CREATE TABLE t (a text);
-- new
CREATE TABLE t (a text COMPRESSION pglz);

-- name: storage of a column that is retyped
-- old
CREATE TABLE t (a varchar(5));
ALTER TABLE t ALTER a SET STORAGE EXTERNAL;
ALTER TABLE t ALTER a SET STATISTICS 50;
-- new
CREATE TABLE t (a text);
ALTER TABLE t ALTER a SET STORAGE EXTERNAL;
ALTER TABLE t ALTER a SET STATISTICS 50;

-- name: statistics of a column that is computed anew
-- old
CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a + 1) STORED);
ALTER TABLE t ALTER b SET STATISTICS 50;
-- new
CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a + 2) STORED);
ALTER TABLE t ALTER b SET STATISTICS 50;

-- name: settings go with their columns
-- loses: t.b
-- old
CREATE TABLE t (a int, b text);
ALTER TABLE t ALTER b SET STATISTICS 50;
ALTER TABLE t ALTER b SET STORAGE PLAIN;
-- new
CREATE TABLE t (a int);

-- name: quoted names
-- old
CREATE TABLE "T t" ("A" text NOT NULL);
CREATE UNIQUE INDEX "I" ON "T t" ("A");
-- new
CREATE TABLE "T t" ("A" text NOT NULL) WITH (fillfactor = 70);
CREATE UNIQUE INDEX "I" ON "T t" ("A");
ALTER TABLE "T t" REPLICA IDENTITY USING INDEX "I";
ALTER TABLE "T t" ALTER "A" SET STORAGE EXTERNAL;

-- name: what is known of values, and the order of the rows
-- old
CREATE TABLE t (a int PRIMARY KEY, "B" int, c int);
CREATE INDEX i ON t (c);
ALTER TABLE t CLUSTER ON i;
ALTER TABLE t ALTER c SET (n_distinct = -0.5);
-- rows
INSERT INTO t VALUES (1, 1, 1);
-- new
CREATE TABLE t (a int PRIMARY KEY, "B" int, c bigint);
CREATE INDEX i ON t (c, a);
ALTER TABLE t CLUSTER ON i;
ALTER TABLE t ALTER "B" SET (n_distinct = 3, n_distinct_inherited = 4);

-- name: the order of the rows is that of a key that goes
-- old
CREATE TABLE t (a int PRIMARY KEY, b int);
ALTER TABLE t CLUSTER ON t_pkey;
-- new
CREATE TABLE t (a int NOT NULL, b int);
CREATE INDEX i ON t (b);

-- name: goes with an extension
-- old
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION g(i int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE TABLE t (a int PRIMARY KEY, b int);
CREATE INDEX i ON t (b);
CREATE TRIGGER w BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();
CREATE MATERIALIZED VIEW v AS SELECT a FROM t;
ALTER FUNCTION f DEPENDS ON EXTENSION plpgsql;
-- new
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION g(i int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE TABLE t (a int PRIMARY KEY, b int);
CREATE INDEX i ON t (b);
CREATE TRIGGER w BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();
CREATE MATERIALIZED VIEW v AS SELECT a FROM t;
ALTER FUNCTION g DEPENDS ON EXTENSION plpgsql;
ALTER INDEX i DEPENDS ON EXTENSION plpgsql;
ALTER INDEX t_pkey DEPENDS ON EXTENSION plpgsql;
ALTER TRIGGER w ON t DEPENDS ON EXTENSION plpgsql;
ALTER MATERIALIZED VIEW v DEPENDS ON EXTENSION plpgsql;

-- name: goes with an extension and is made anew
-- old
CREATE FUNCTION f(i int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE TABLE t (a int, b int);
CREATE INDEX i ON t (b);
CREATE MATERIALIZED VIEW v AS SELECT a FROM t;
CREATE INDEX w ON v (a);
ALTER FUNCTION f DEPENDS ON EXTENSION plpgsql;
ALTER INDEX i DEPENDS ON EXTENSION plpgsql;
ALTER INDEX w DEPENDS ON EXTENSION plpgsql;
ALTER MATERIALIZED VIEW v DEPENDS ON EXTENSION plpgsql;
-- new
CREATE FUNCTION f(i int) RETURNS text LANGUAGE sql AS 'SELECT ''1''';
CREATE TABLE t (a bigint, b int);
CREATE INDEX i ON t (b DESC);
CREATE MATERIALIZED VIEW v AS SELECT a FROM t;
CREATE INDEX w ON v (a);
ALTER FUNCTION f DEPENDS ON EXTENSION plpgsql;
ALTER INDEX i DEPENDS ON EXTENSION plpgsql;
ALTER INDEX w DEPENDS ON EXTENSION plpgsql;
ALTER MATERIALIZED VIEW v DEPENDS ON EXTENSION plpgsql;

-- name: triggers of constraints
-- old
CREATE TABLE u (a int PRIMARY KEY);
CREATE TABLE t (a int REFERENCES u, b int UNIQUE DEFERRABLE);
CREATE TABLE s (a int REFERENCES u);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER g BEFORE INSERT ON s FOR EACH ROW EXECUTE FUNCTION f();
-- new
CREATE TABLE u (a int PRIMARY KEY);
CREATE TABLE t (a int REFERENCES u, b int UNIQUE DEFERRABLE);
CREATE TABLE s (a int REFERENCES u);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER g BEFORE INSERT ON s FOR EACH ROW EXECUTE FUNCTION f();
DO $$ BEGIN
    EXECUTE (SELECT format('ALTER TABLE t DISABLE TRIGGER %I', tgname) FROM pg_trigger
             WHERE tgrelid = 't'::regclass AND tgfoid = 'unique_key_recheck'::regproc);
END $$;
ALTER TABLE s DISABLE TRIGGER ALL;
ALTER TABLE s ENABLE TRIGGER g;

-- name: foreign key whose triggers are switched off is made anew
-- old
CREATE TABLE u (a int PRIMARY KEY);
CREATE TABLE t (a int REFERENCES u);
ALTER TABLE u DISABLE TRIGGER ALL;
ALTER TABLE t DISABLE TRIGGER ALL;
-- new
CREATE TABLE u (a int PRIMARY KEY);
CREATE TABLE t (a int REFERENCES u ON DELETE CASCADE);
ALTER TABLE u DISABLE TRIGGER ALL;
ALTER TABLE t DISABLE TRIGGER ALL;

-- name: settings of a materialized view
-- old
CREATE TABLE t (a int, b text);
CREATE MATERIALIZED VIEW v AS SELECT a, b FROM t;
CREATE INDEX i ON v (a);
-- rows
INSERT INTO t VALUES (1, 'x');
-- new
CREATE TABLE t (a int, b text);
CREATE MATERIALIZED VIEW v AS SELECT a, b FROM t;
CREATE INDEX i ON v (a);
ALTER MATERIALIZED VIEW v ALTER b SET STORAGE EXTERNAL;
ALTER MATERIALIZED VIEW v ALTER a SET STATISTICS 50;
ALTER MATERIALIZED VIEW v SET (fillfactor = 70, toast.autovacuum_enabled = off);
ALTER MATERIALIZED VIEW v CLUSTER ON i;

-- name: settings of a materialized view that is made anew
-- old
CREATE TABLE t (a int, b text);
CREATE MATERIALIZED VIEW v AS SELECT a, b FROM t;
CREATE INDEX i ON v (a);
ALTER MATERIALIZED VIEW v ALTER b SET STORAGE EXTERNAL;
ALTER MATERIALIZED VIEW v CLUSTER ON i;
-- new
CREATE TABLE t (a bigint, b text);
CREATE MATERIALIZED VIEW v AS SELECT a, b FROM t;
CREATE INDEX i ON v (a);
ALTER MATERIALIZED VIEW v ALTER b SET STORAGE EXTERNAL;
ALTER MATERIALIZED VIEW v CLUSTER ON i;

-- name: statistics of an index
-- old
CREATE TABLE t (a int, b int);
CREATE INDEX i ON t (a, (b + 1));
-- new
CREATE TABLE t (a int, b int);
CREATE INDEX i ON t (a, (b + 1));
ALTER INDEX i ALTER COLUMN 2 SET STATISTICS 50;
