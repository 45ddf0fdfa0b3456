"""Row-level security, references that stay within the town, and what nobody may change any more."""

from django.db import migrations

from parvis.core.db import Wall

# What was sent at an hour was sent at that hour: no role that the application has can say otherwise.
SENT_ONCE = """
CREATE OR REPLACE FUNCTION alerts_revision_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.state = 'sent' THEN
    RAISE EXCEPTION 'a sent revision stays' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER revision_stays BEFORE UPDATE OR DELETE ON alerts_revision
  FOR EACH ROW EXECUTE FUNCTION alerts_revision_stays();

CREATE OR REPLACE FUNCTION alerts_alert_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.begun_at IS NULL THEN
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
  END IF;
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'an alert that was sent stays' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF (NEW.begun_at, NEW.event, NEW.is_drill, NEW.identity)
     IS DISTINCT FROM (OLD.begun_at, OLD.event, OLD.is_drill, OLD.identity) THEN
    RAISE EXCEPTION 'what an alert is stays' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF OLD.ended_at IS NOT NULL AND (NEW.state, NEW.ended_at) IS DISTINCT FROM
     (OLD.state, OLD.ended_at) THEN
    RAISE EXCEPTION 'an ended alert stays ended' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER alert_stays BEFORE UPDATE OR DELETE ON alerts_alert
  FOR EACH ROW EXECUTE FUNCTION alerts_alert_stays();
"""
UNSENT = """
DROP TRIGGER IF EXISTS revision_stays ON alerts_revision;
DROP TRIGGER IF EXISTS alert_stays ON alerts_alert;
DROP FUNCTION IF EXISTS alerts_revision_stays();
DROP FUNCTION IF EXISTS alerts_alert_stays();
"""


class Migration(migrations.Migration):
    dependencies = [("alerts", "0001_initial"), ("notifications", "0006_work_after_message")]
    operations = [
        Wall("Alert"),
        Wall("Revision"),
        Wall("Answer"),
        migrations.RunSQL(SENT_ONCE, UNSENT),
    ]
