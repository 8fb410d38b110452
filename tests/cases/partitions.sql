-- name: made
-- old
-- new
CREATE TABLE t (a int NOT NULL, at date NOT NULL, PRIMARY KEY (a, at)) PARTITION BY RANGE (at);
CREATE INDEX i ON t (a);
COMMENT ON TABLE t IS 'parted';

-- name: by list, by hash, by an expression
-- old
-- new
CREATE TABLE l (a text) PARTITION BY LIST (lower(a));
CREATE TABLE h (a int, b int) PARTITION BY HASH (a, b);
CREATE TABLE r (a text COLLATE "C", b int) PARTITION BY RANGE (a COLLATE "C" text_pattern_ops, (b + 1));

-- name: column added over partitions with rows
-- old
CREATE TABLE t (a int) PARTITION BY RANGE (a);
CREATE TABLE t_1 PARTITION OF t FOR VALUES FROM (0) TO (10);
CREATE TABLE t_rest PARTITION OF t DEFAULT;
-- rows
INSERT INTO t VALUES (1), (20);
-- new
CREATE TABLE t (a int, b int NOT NULL DEFAULT 5, CHECK (b > 0)) PARTITION BY RANGE (a);

-- name: partitions are not of the schema
-- old
CREATE TABLE t (a int, b int) PARTITION BY RANGE (a);
CREATE TABLE t_1 PARTITION OF t FOR VALUES FROM (0) TO (10);
CREATE INDEX t_1_b ON t_1 (b);
-- new
CREATE TABLE t (a int, b int) PARTITION BY RANGE (a);
CREATE TABLE t_2 PARTITION OF t FOR VALUES FROM (10) TO (20);
CREATE INDEX i ON t (b);

-- name: index over partitions
-- old
CREATE TABLE t (a int, b int) PARTITION BY RANGE (a);
CREATE TABLE t_1 PARTITION OF t FOR VALUES FROM (0) TO (10) PARTITION BY LIST (b);
CREATE TABLE t_1_1 PARTITION OF t_1 FOR VALUES IN (1);
-- rows
INSERT INTO t VALUES (1, 1);
-- new
CREATE TABLE t (a int, b int) PARTITION BY RANGE (a);
CREATE UNIQUE INDEX i ON t (a, b);

-- name: index over partitions changed
-- old
CREATE TABLE t (a int, b int) PARTITION BY RANGE (a);
CREATE TABLE t_1 PARTITION OF t FOR VALUES FROM (0) TO (10);
CREATE INDEX i ON t (a);
-- new
CREATE TABLE t (a int, b int) PARTITION BY RANGE (a);
CREATE INDEX i ON t (a) WHERE b > 0;

-- name: foreign keys from and to
-- old
CREATE TABLE u (a int PRIMARY KEY);
CREATE TABLE t (a int PRIMARY KEY) PARTITION BY RANGE (a);
CREATE TABLE t_1 PARTITION OF t FOR VALUES FROM (0) TO (10);
CREATE TABLE w (t int);
-- rows
INSERT INTO u VALUES (1);
INSERT INTO t VALUES (1);
INSERT INTO w VALUES (1);
-- new
CREATE TABLE u (a int PRIMARY KEY);
CREATE TABLE t (a int PRIMARY KEY REFERENCES u) PARTITION BY RANGE (a);
CREATE TABLE w (t int REFERENCES t);

-- name: foreign key to one changes
-- old
CREATE TABLE t (a int PRIMARY KEY) PARTITION BY RANGE (a);
CREATE TABLE t_1 PARTITION OF t FOR VALUES FROM (0) TO (10);
CREATE TABLE w (t int REFERENCES t);
-- new
CREATE TABLE t (a int PRIMARY KEY) PARTITION BY RANGE (a);
CREATE TABLE t_1 PARTITION OF t FOR VALUES FROM (0) TO (10);
CREATE TABLE w (t int REFERENCES t ON DELETE CASCADE);

-- name: trigger over partitions
-- old
CREATE TABLE t (a int) PARTITION BY RANGE (a);
CREATE TABLE t_1 PARTITION OF t FOR VALUES FROM (0) TO (10);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
-- new
CREATE TABLE t (a int) PARTITION BY RANGE (a);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();

-- name: type of a column that is not in the key
-- old
CREATE TABLE t (a int, b int) PARTITION BY RANGE (a);
CREATE TABLE t_1 PARTITION OF t FOR VALUES FROM (0) TO (10);
CREATE VIEW v AS SELECT b FROM t;
CREATE INDEX i ON t (b);
-- rows
INSERT INTO t VALUES (1, 5);
-- new
CREATE TABLE t (a int, b bigint) PARTITION BY RANGE (a);
CREATE VIEW v AS SELECT b FROM t;
CREATE INDEX i ON t (b);

-- name: dropped with its partitions
-- loses: t
-- old
CREATE TABLE t (a int) PARTITION BY RANGE (a);
CREATE TABLE t_1 PARTITION OF t FOR VALUES FROM (0) TO (10);
-- new

-- name: key changed
-- refused: alter table t
-- old
CREATE TABLE t (a int, b int) PARTITION BY RANGE (a);
-- new
CREATE TABLE t (a int, b int) PARTITION BY RANGE (b);

-- name: plain table to a partitioned one
-- refused: by what a table is partitioned
-- old
CREATE TABLE t (a int);
-- new
CREATE TABLE t (a int) PARTITION BY RANGE (a);

-- name: row security over partitions
-- old
CREATE TABLE t (a int) PARTITION BY RANGE (a);
-- new
CREATE TABLE t (a int) PARTITION BY RANGE (a);
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON t USING (a > 0);

-- name: serial and identity
-- from: 17
-- old
CREATE TABLE t (a int) PARTITION BY RANGE (a);
-- new
CREATE TABLE t (a int, b int GENERATED ALWAYS AS IDENTITY) PARTITION BY RANGE (a);

-- name: serial
-- old
CREATE TABLE t (a int) PARTITION BY RANGE (a);
CREATE TABLE t_1 PARTITION OF t FOR VALUES FROM (0) TO (10);
-- new
CREATE TABLE t (a int, b serial) PARTITION BY RANGE (a);

-- name: indexes whose names are words of their definition
-- old
CREATE TABLE t (a int, b int) PARTITION BY RANGE (a);
-- new
CREATE TABLE t (a int, b int) PARTITION BY RANGE (a);
CREATE INDEX "i ON ONLY x" ON t (b) WHERE b > 0;
CREATE UNIQUE INDEX "USING btree" ON t (a) INCLUDE (b);
