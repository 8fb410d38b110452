"""What the database refuses of templates, whoever asks."""

from __future__ import annotations

REFUSE_UNDECLARED_PLACEHOLDER = r"""
CREATE FUNCTION refuse_undeclared_placeholder() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    placeholder constant text := '\{([a-z][a-z0-9_]*)\}';
    undeclared text;
BEGIN
    IF regexp_replace(NEW.body, placeholder, '', 'g') ~ '[{}]' THEN
        RAISE EXCEPTION 'whatsapp_templates: the body of % has a brace that belongs to no '
                'placeholder', NEW.name
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'body',
                  CONSTRAINT = 'whatsapp_templates_braces_are_placeholders',
                  HINT = 'A placeholder is a name of small letters, digits and _ in braces, such '
                         'as {customer_name}.';
    END IF;
    SELECT string_agg(DISTINCT part[1], ', ') INTO undeclared
    FROM regexp_matches(NEW.body, placeholder, 'g') AS part
    WHERE NOT NEW.variables ? part[1];
    IF undeclared IS NOT NULL THEN
        RAISE EXCEPTION 'whatsapp_templates: the body of % has placeholders that its variables '
                'do not declare: %', NEW.name, undeclared
            USING ERRCODE = 'check_violation', TABLE = TG_TABLE_NAME, COLUMN = 'variables',
                  CONSTRAINT = 'whatsapp_templates_placeholders_are_declared',
                  HINT = 'Correct the placeholder, or declare it if programs supply it.';
    END IF;
    RETURN NEW;
END
$$
"""
WHATSAPP_TEMPLATES_PLACEHOLDERS_ARE_DECLARED = """
CREATE TRIGGER whatsapp_templates_placeholders_are_declared
BEFORE INSERT OR UPDATE OF body, variables ON whatsapp_templates
FOR EACH ROW EXECUTE FUNCTION refuse_undeclared_placeholder()
"""
