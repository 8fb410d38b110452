"""What the database refuses by itself."""

# At the end of the transaction, so that the default may move from one location to another.
KEEP_A_DEFAULT = """
CREATE FUNCTION keep_a_default_location() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM locations) AND NOT EXISTS (SELECT FROM locations WHERE is_default) THEN
        RAISE EXCEPTION 'one location is the default; make another one the default first'
            USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME, CONSTRAINT = TG_NAME;
    END IF;
    RETURN NULL;
END
$$
"""

DEFAULT_STAYS = """
CREATE CONSTRAINT TRIGGER locations_default_stays
AFTER INSERT OR DELETE OR UPDATE OF is_default ON locations
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION keep_a_default_location()
"""
