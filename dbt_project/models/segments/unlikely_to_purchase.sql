-- Whose cart no nudge pays for.

{{ members_by_cart('unlikely_to_purchase') }}
