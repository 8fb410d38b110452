-- name: value added
-- old
CREATE TYPE st AS ENUM ('open', 'part', 'paid', 'void'); COMMENT ON TYPE st IS 'state';
CREATE FUNCTION is_open(s st) RETURNS boolean IMMUTABLE LANGUAGE sql AS
    $$SELECT s IN ('open', 'part')$$;
COMMENT ON FUNCTION is_open(st) IS 'function';
CREATE FUNCTION first() RETURNS st IMMUTABLE LANGUAGE sql AS $$SELECT 'open'::st$$;
CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE t (
    id int PRIMARY KEY, s st NOT NULL DEFAULT 'open', d st DEFAULT first(),
    l st[] DEFAULT '{open}', txt text DEFAULT 'open'::st::text,
    gen boolean GENERATED ALWAYS AS (s = 'open') STORED,
    CONSTRAINT c1 CHECK (s <> 'part' OR id > 5), CONSTRAINT c2 CHECK (is_open(s) OR id > 0),
    CONSTRAINT c3 CHECK (s IS NOT NULL), EXCLUDE USING btree (id WITH =) WHERE (s = 'open')
);
COMMENT ON CONSTRAINT c1 ON t IS 'it''s'; COMMENT ON COLUMN t.gen IS 'generated';
CREATE INDEX i1 ON t (s); CREATE INDEX i2 ON t (id) WHERE s = 'open';
COMMENT ON INDEX i2 IS 'index';
CREATE INDEX i3 ON t (is_open(s)); CREATE UNIQUE INDEX i4 ON t (s, id);
CREATE INDEX i5 ON t (gen);
CREATE TABLE u (s st PRIMARY KEY); CREATE TABLE v (s st REFERENCES u);
CREATE TRIGGER tr BEFORE UPDATE OF s ON t FOR EACH ROW
    WHEN (NEW.s = 'open' AND OLD.s IS DISTINCT FROM NEW.s) EXECUTE FUNCTION g();
COMMENT ON TRIGGER tr ON t IS 'trigger';
-- rows
INSERT INTO t (id, s, d, l) VALUES (6, 'part', 'paid', '{paid,open}');
INSERT INTO t (id) VALUES (7);
-- new
CREATE TYPE st AS ENUM ('new', 'open', 'part', 'mid', 'paid', 'void'); COMMENT ON TYPE st IS 'state';
CREATE FUNCTION is_open(s st) RETURNS boolean IMMUTABLE LANGUAGE sql AS
    $$SELECT s IN ('open', 'part')$$;
COMMENT ON FUNCTION is_open(st) IS 'function';
CREATE FUNCTION first() RETURNS st IMMUTABLE LANGUAGE sql AS $$SELECT 'open'::st$$;
CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE t (
    id int PRIMARY KEY, s st NOT NULL DEFAULT 'open', d st DEFAULT first(),
    l st[] DEFAULT '{open}', txt text DEFAULT 'open'::st::text,
    gen boolean GENERATED ALWAYS AS (s = 'open') STORED,
    CONSTRAINT c1 CHECK (s <> 'part' OR id > 5), CONSTRAINT c2 CHECK (is_open(s) OR id > 0),
    CONSTRAINT c3 CHECK (s IS NOT NULL), EXCLUDE USING btree (id WITH =) WHERE (s = 'open')
);
COMMENT ON CONSTRAINT c1 ON t IS 'it''s'; COMMENT ON COLUMN t.gen IS 'generated';
CREATE INDEX i1 ON t (s); CREATE INDEX i2 ON t (id) WHERE s = 'open';
COMMENT ON INDEX i2 IS 'index';
CREATE INDEX i3 ON t (is_open(s)); CREATE UNIQUE INDEX i4 ON t (s, id);
CREATE INDEX i5 ON t (gen);
CREATE TABLE u (s st PRIMARY KEY); CREATE TABLE v (s st REFERENCES u);
CREATE TRIGGER tr BEFORE UPDATE OF s ON t FOR EACH ROW
    WHEN (NEW.s = 'open' AND OLD.s IS DISTINCT FROM NEW.s) EXECUTE FUNCTION g();
COMMENT ON TRIGGER tr ON t IS 'trigger';

-- name: value removed
-- loses: st
-- old
CREATE TYPE st AS ENUM ('open', 'part', 'paid', 'void'); COMMENT ON TYPE st IS 'state';
CREATE FUNCTION is_open(s st) RETURNS boolean IMMUTABLE LANGUAGE sql AS
    $$SELECT s IN ('open', 'part')$$;
COMMENT ON FUNCTION is_open(st) IS 'function';
CREATE FUNCTION first() RETURNS st IMMUTABLE LANGUAGE sql AS $$SELECT 'open'::st$$;
CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE t (
    id int PRIMARY KEY, s st NOT NULL DEFAULT 'open', d st DEFAULT first(),
    l st[] DEFAULT '{open}', txt text DEFAULT 'open'::st::text,
    gen boolean GENERATED ALWAYS AS (s = 'open') STORED,
    CONSTRAINT c1 CHECK (s <> 'part' OR id > 5), CONSTRAINT c2 CHECK (is_open(s) OR id > 0),
    CONSTRAINT c3 CHECK (s IS NOT NULL), EXCLUDE USING btree (id WITH =) WHERE (s = 'open')
);
COMMENT ON CONSTRAINT c1 ON t IS 'it''s'; COMMENT ON COLUMN t.gen IS 'generated';
CREATE INDEX i1 ON t (s); CREATE INDEX i2 ON t (id) WHERE s = 'open';
COMMENT ON INDEX i2 IS 'index';
CREATE INDEX i3 ON t (is_open(s)); CREATE UNIQUE INDEX i4 ON t (s, id);
CREATE INDEX i5 ON t (gen);
CREATE TABLE u (s st PRIMARY KEY); CREATE TABLE v (s st REFERENCES u);
CREATE TRIGGER tr BEFORE UPDATE OF s ON t FOR EACH ROW
    WHEN (NEW.s = 'open' AND OLD.s IS DISTINCT FROM NEW.s) EXECUTE FUNCTION g();
COMMENT ON TRIGGER tr ON t IS 'trigger';
-- rows
INSERT INTO t (id, s, d, l) VALUES (6, 'part', 'paid', '{paid,open}');
INSERT INTO t (id) VALUES (7);
-- new
CREATE TYPE st AS ENUM ('open', 'part', 'paid'); COMMENT ON TYPE st IS 'state';
CREATE FUNCTION is_open(s st) RETURNS boolean IMMUTABLE LANGUAGE sql AS
    $$SELECT s IN ('open', 'part')$$;
COMMENT ON FUNCTION is_open(st) IS 'function';
CREATE FUNCTION first() RETURNS st IMMUTABLE LANGUAGE sql AS $$SELECT 'open'::st$$;
CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE t (
    id int PRIMARY KEY, s st NOT NULL DEFAULT 'open', d st DEFAULT first(),
    l st[] DEFAULT '{open}', txt text DEFAULT 'open'::st::text,
    gen boolean GENERATED ALWAYS AS (s = 'open') STORED,
    CONSTRAINT c1 CHECK (s <> 'part' OR id > 5), CONSTRAINT c2 CHECK (is_open(s) OR id > 0),
    CONSTRAINT c3 CHECK (s IS NOT NULL), EXCLUDE USING btree (id WITH =) WHERE (s = 'open')
);
COMMENT ON CONSTRAINT c1 ON t IS 'it''s'; COMMENT ON COLUMN t.gen IS 'generated';
CREATE INDEX i1 ON t (s); CREATE INDEX i2 ON t (id) WHERE s = 'open';
COMMENT ON INDEX i2 IS 'index';
CREATE INDEX i3 ON t (is_open(s)); CREATE UNIQUE INDEX i4 ON t (s, id);
CREATE INDEX i5 ON t (gen);
CREATE TABLE u (s st PRIMARY KEY); CREATE TABLE v (s st REFERENCES u);
CREATE TRIGGER tr BEFORE UPDATE OF s ON t FOR EACH ROW
    WHEN (NEW.s = 'open' AND OLD.s IS DISTINCT FROM NEW.s) EXECUTE FUNCTION g();
COMMENT ON TRIGGER tr ON t IS 'trigger';

-- name: values in another order
-- old
CREATE TYPE st AS ENUM ('open', 'part', 'paid', 'void'); COMMENT ON TYPE st IS 'state';
CREATE FUNCTION is_open(s st) RETURNS boolean IMMUTABLE LANGUAGE sql AS
    $$SELECT s IN ('open', 'part')$$;
COMMENT ON FUNCTION is_open(st) IS 'function';
CREATE FUNCTION first() RETURNS st IMMUTABLE LANGUAGE sql AS $$SELECT 'open'::st$$;
CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE t (
    id int PRIMARY KEY, s st NOT NULL DEFAULT 'open', d st DEFAULT first(),
    l st[] DEFAULT '{open}', txt text DEFAULT 'open'::st::text,
    gen boolean GENERATED ALWAYS AS (s = 'open') STORED,
    CONSTRAINT c1 CHECK (s <> 'part' OR id > 5), CONSTRAINT c2 CHECK (is_open(s) OR id > 0),
    CONSTRAINT c3 CHECK (s IS NOT NULL), EXCLUDE USING btree (id WITH =) WHERE (s = 'open')
);
COMMENT ON CONSTRAINT c1 ON t IS 'it''s'; COMMENT ON COLUMN t.gen IS 'generated';
CREATE INDEX i1 ON t (s); CREATE INDEX i2 ON t (id) WHERE s = 'open';
COMMENT ON INDEX i2 IS 'index';
CREATE INDEX i3 ON t (is_open(s)); CREATE UNIQUE INDEX i4 ON t (s, id);
CREATE INDEX i5 ON t (gen);
CREATE TABLE u (s st PRIMARY KEY); CREATE TABLE v (s st REFERENCES u);
CREATE TRIGGER tr BEFORE UPDATE OF s ON t FOR EACH ROW
    WHEN (NEW.s = 'open' AND OLD.s IS DISTINCT FROM NEW.s) EXECUTE FUNCTION g();
COMMENT ON TRIGGER tr ON t IS 'trigger';
-- rows
INSERT INTO t (id, s, d, l) VALUES (6, 'part', 'paid', '{paid,open}');
INSERT INTO t (id) VALUES (7);
-- new
CREATE TYPE st AS ENUM ('void', 'open', 'paid', 'part'); COMMENT ON TYPE st IS 'state';
CREATE FUNCTION is_open(s st) RETURNS boolean IMMUTABLE LANGUAGE sql AS
    $$SELECT s IN ('open', 'part')$$;
COMMENT ON FUNCTION is_open(st) IS 'function';
CREATE FUNCTION first() RETURNS st IMMUTABLE LANGUAGE sql AS $$SELECT 'open'::st$$;
CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE t (
    id int PRIMARY KEY, s st NOT NULL DEFAULT 'open', d st DEFAULT first(),
    l st[] DEFAULT '{open}', txt text DEFAULT 'open'::st::text,
    gen boolean GENERATED ALWAYS AS (s = 'open') STORED,
    CONSTRAINT c1 CHECK (s <> 'part' OR id > 5), CONSTRAINT c2 CHECK (is_open(s) OR id > 0),
    CONSTRAINT c3 CHECK (s IS NOT NULL), EXCLUDE USING btree (id WITH =) WHERE (s = 'open')
);
COMMENT ON CONSTRAINT c1 ON t IS 'it''s'; COMMENT ON COLUMN t.gen IS 'generated';
CREATE INDEX i1 ON t (s); CREATE INDEX i2 ON t (id) WHERE s = 'open';
COMMENT ON INDEX i2 IS 'index';
CREATE INDEX i3 ON t (is_open(s)); CREATE UNIQUE INDEX i4 ON t (s, id);
CREATE INDEX i5 ON t (gen);
CREATE TABLE u (s st PRIMARY KEY); CREATE TABLE v (s st REFERENCES u);
CREATE TRIGGER tr BEFORE UPDATE OF s ON t FOR EACH ROW
    WHEN (NEW.s = 'open' AND OLD.s IS DISTINCT FROM NEW.s) EXECUTE FUNCTION g();
COMMENT ON TRIGGER tr ON t IS 'trigger';

-- name: a comment goes with the enum of its column, whose default is made again
-- old
CREATE TYPE e AS ENUM ('open');
CREATE TABLE t (s e DEFAULT 'open', n text);
COMMENT ON COLUMN t.s IS 'one';
COMMENT ON COLUMN t.n IS 'two';
-- rows
INSERT INTO t VALUES ('open', 'n');
-- new
CREATE TABLE t (s text DEFAULT 'none', n text);
COMMENT ON COLUMN t.n IS 'three';
