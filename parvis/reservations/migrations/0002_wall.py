"""Row-level security, references that stay within the town, and what is never lent beyond measure."""

from django.db import migrations

from parvis.core.db import Wall

# What the town has is never promised twice over, whoever writes: the resource is locked, so that two
# who ask at once come one after the other, and everything out at one instant is counted.
NEVER_MORE = """
CREATE OR REPLACE FUNCTION reservations_never_more() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE lent text; had bigint; most bigint;
BEGIN
  IF NOT NEW.stands THEN
    RETURN NEW;
  END IF;
  IF NEW.unit_id IS NOT NULL THEN
    PERFORM 1 FROM reservations_unit WHERE id = NEW.unit_id AND resource_id = NEW.resource_id;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'this unit is not of this resource'
        USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'taking_of_its_own_unit';
    END IF;
    RETURN NEW;
  END IF;
  SELECT kind, total INTO lent, had FROM reservations_resource WHERE id = NEW.resource_id
    FOR NO KEY UPDATE;
  IF lent IS DISTINCT FROM 'equipment' THEN
    RAISE EXCEPTION 'a space is taken by its units'
      USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'taking_of_its_own_unit';
  END IF;
  -- Outs and returns within the new range, in order; what comes back at an instant may leave then.
  SELECT coalesce(max(out), 0) INTO most FROM (
    SELECT sum(change) OVER (ORDER BY at, change) AS out FROM (
      SELECT greatest(lower(blocked), lower(NEW.blocked)) AS at, quantity::bigint AS change
        FROM reservations_taking
        WHERE int8range(resource_id, resource_id, '[]') && int8range(NEW.resource_id, NEW.resource_id, '[]')
          AND blocked && NEW.blocked AND stands AND id IS DISTINCT FROM NEW.id
      UNION ALL
      SELECT least(upper(blocked), upper(NEW.blocked)), -quantity::bigint
        FROM reservations_taking
        WHERE int8range(resource_id, resource_id, '[]') && int8range(NEW.resource_id, NEW.resource_id, '[]')
          AND blocked && NEW.blocked AND stands AND id IS DISTINCT FROM NEW.id
    ) changes
  ) outs;
  IF most + NEW.quantity::bigint > had THEN
    RAISE EXCEPTION 'more than the town has'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'never_more_than_the_town_has';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER never_more
  BEFORE INSERT OR UPDATE OF stands, quantity, blocked, unit_id, resource_id ON reservations_taking
  FOR EACH ROW EXECUTE FUNCTION reservations_never_more();
"""
GONE = """
DROP TRIGGER IF EXISTS never_more ON reservations_taking;
DROP FUNCTION IF EXISTS reservations_never_more();
"""


class Migration(migrations.Migration):
    dependencies = [("reservations", "0001_initial"), ("notifications", "0002_wall")]
    operations = [
        Wall("Resource"),
        Wall("Unit"),
        Wall("Hours"),
        Wall("Closure"),
        Wall("Rate"),
        Wall("Limit"),
        Wall("Question"),
        Wall("Organisation"),
        Wall("OrganisationMember"),
        Wall("Booking"),
        Wall("Block"),
        Wall("Taking"),
        Wall("Payment"),
        Wall("CalendarFeed"),
        migrations.RunSQL(NEVER_MORE, GONE),
    ]
