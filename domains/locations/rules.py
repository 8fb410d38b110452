"""What the database refuses of locations."""

from domains import AS_OWNER, touch

# At the end of the transaction, so that the default can be handed on: taken from one branch, then
# given to another. An empty table has none, as before the first branch and after the last. The
# default is written as it is: nobody deletes the last branch while another is added beside it.
KEEP_DEFAULT_LOCATION = f"""
CREATE FUNCTION keep_default_location() RETURNS trigger LANGUAGE plpgsql {AS_OWNER} AS $$
BEGIN
    {touch("locations", "(SELECT id FROM locations WHERE is_default)")}
    IF EXISTS (SELECT FROM locations) AND NOT EXISTS (SELECT FROM locations WHERE is_default) THEN
        RAISE EXCEPTION 'locations: no branch would be the default; make another one the default'
            ' in the same transaction'
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'is_default',
                  CONSTRAINT = TG_NAME;
    END IF;
    RETURN NULL;
END
$$
"""
ONE_IS_DEFAULT = """
CREATE CONSTRAINT TRIGGER locations_one_is_default
AFTER INSERT OR UPDATE OF is_default OR DELETE ON locations
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION keep_default_location()
"""

RULES = (KEEP_DEFAULT_LOCATION, ONE_IS_DEFAULT)
