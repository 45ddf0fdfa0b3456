"""Row-level security, references that stay within the town, and what a case can never do."""

from django.db import migrations

from parvis.core.db import AppendOnly, Wall

# The moves of `rules.NEXT`, and what a case keeps for good; a test compares the two tables.
KEPT = """
CREATE OR REPLACE FUNCTION cases_case_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'a case stays' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF (NEW.year, NEW.sequence, NEW.kind, NEW.opened_at)
     IS DISTINCT FROM (OLD.year, OLD.sequence, OLD.kind, OLD.opened_at) THEN
    RAISE EXCEPTION 'number, kind and opening of a case stay'
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF NEW.state <> OLD.state AND (OLD.state || '>' || NEW.state) NOT IN (
    'received>working', 'received>waiting', 'received>answered', 'received>closed',
    'received>withdrawn',
    'working>waiting', 'working>answered', 'working>closed', 'working>withdrawn',
    'waiting>working', 'waiting>answered', 'waiting>closed', 'waiting>withdrawn',
    'answered>closed', 'answered>reopened', 'closed>reopened',
    'reopened>working', 'reopened>waiting', 'reopened>answered', 'reopened>closed',
    'reopened>withdrawn'
  ) THEN
    RAISE EXCEPTION 'a case does not go from % to %', OLD.state, NEW.state
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER kept BEFORE UPDATE OR DELETE ON cases_case
  FOR EACH ROW EXECUTE FUNCTION cases_case_kept();

-- What was written is never rewritten; erasing the person empties it.
CREATE OR REPLACE FUNCTION cases_message_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'a message stays' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF (NEW.case_id, NEW.side, NEW.via, NEW.at, NEW.author_id, NEW.letter_id)
     IS DISTINCT FROM (OLD.case_id, OLD.side, OLD.via, OLD.at, OLD.author_id, OLD.letter_id)
     OR NEW.text NOT IN ('', OLD.text) OR NEW.whole NOT IN ('', OLD.whole) THEN
    RAISE EXCEPTION 'what was written stays' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER kept BEFORE UPDATE OR DELETE ON cases_message
  FOR EACH ROW EXECUTE FUNCTION cases_message_kept();

-- The series only grows, by one: a number is given once.
CREATE OR REPLACE FUNCTION cases_series_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' OR NEW.last NOT IN (OLD.last, OLD.last + 1) OR NEW.year <> OLD.year THEN
    RAISE EXCEPTION 'a series grows by one' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER grows BEFORE UPDATE OR DELETE ON cases_series
  FOR EACH ROW EXECUTE FUNCTION cases_series_grows();
"""
FREE = """
DROP TRIGGER IF EXISTS kept ON cases_case;
DROP TRIGGER IF EXISTS kept ON cases_message;
DROP TRIGGER IF EXISTS grows ON cases_series;
DROP FUNCTION IF EXISTS cases_case_kept();
DROP FUNCTION IF EXISTS cases_message_kept();
DROP FUNCTION IF EXISTS cases_series_grows();
"""


class Migration(migrations.Migration):
    dependencies = [("cases", "0001_initial"), ("notifications", "0002_wall")]
    operations = [
        Wall("Series"),
        Wall("ClosedDay"),
        Wall("Case"),
        Wall("Message"),
        Wall("Attachment"),
        Wall("Event"),
        AppendOnly("Event"),
        migrations.RunSQL(KEPT, FREE),
    ]
