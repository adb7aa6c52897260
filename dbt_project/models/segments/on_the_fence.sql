-- Whose cart a nudge gains most for.

{{ members_by_cart('on_the_fence') }}
