"""Row-level security, references that stay within the town, and what nobody may change any more."""

from django.db import migrations

from parvis.core.db import AppendOnly, Wall

# What was said at an hour was said at that hour: no role that the application has can say otherwise.
SAID_ONCE = """
CREATE OR REPLACE FUNCTION announcements_said_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    IF OLD.published_at IS NOT NULL THEN
      RAISE EXCEPTION 'a published announcement stays' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN OLD;
  END IF;
  IF OLD.published_at IS NOT NULL AND NEW.published_at IS DISTINCT FROM OLD.published_at THEN
    RAISE EXCEPTION 'the instant of publication stays' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF OLD.published_at IS NOT NULL AND NEW.state IN ('draft', 'scheduled') THEN
    RAISE EXCEPTION 'what is published is no draft' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER said_once BEFORE UPDATE OR DELETE ON announcements_announcement
  FOR EACH ROW EXECUTE FUNCTION announcements_said_once();

CREATE OR REPLACE FUNCTION announcements_notice_stays() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE published timestamptz;
BEGIN
  SELECT published_at INTO published FROM announcements_announcement WHERE id = OLD.announcement_id;
  IF published IS NULL AND OLD.certified_at IS NULL THEN
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
  END IF;
  IF TG_OP = 'DELETE' OR OLD.certified_at IS NOT NULL
     OR (NEW.kind, NEW.bylaw, NEW.legal_basis, NEW.deadline_at, NEW.announcement_id)
        IS DISTINCT FROM
        (OLD.kind, OLD.bylaw, OLD.legal_basis, OLD.deadline_at, OLD.announcement_id) THEN
    RAISE EXCEPTION 'a published notice stays' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER notice_stays BEFORE UPDATE OR DELETE ON announcements_publicnotice
  FOR EACH ROW EXECUTE FUNCTION announcements_notice_stays();
"""
UNSAID = """
DROP TRIGGER IF EXISTS said_once ON announcements_announcement;
DROP TRIGGER IF EXISTS notice_stays ON announcements_publicnotice;
DROP FUNCTION IF EXISTS announcements_said_once();
DROP FUNCTION IF EXISTS announcements_notice_stays();
"""


class Migration(migrations.Migration):
    dependencies = [("announcements", "0001_initial"), ("notifications", "0002_wall")]
    operations = [
        Wall("Announcement"),
        Wall("Version"),
        Wall("Translation"),
        Wall("Reminder"),
        Wall("Picture"),
        Wall("Attachment"),
        Wall("PublicNotice"),
        AppendOnly("Version"),
        migrations.RunSQL(SAID_ONCE, UNSAID),
    ]
