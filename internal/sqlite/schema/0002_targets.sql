-- Deliveries are taken target by target, that is by hook and place, so that one
-- that hangs holds up no other.
ALTER TABLE delivery ADD COLUMN hook TEXT NOT NULL DEFAULT '';
UPDATE delivery SET hook = (SELECT j.hook FROM job AS j WHERE j.seq = delivery.job);
CREATE INDEX delivery_target ON delivery (hook, place, next_at) WHERE state = 'pending' AND lease_until = 0;
