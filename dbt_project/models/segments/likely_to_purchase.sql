-- Whose cart is bought anyway.

{{ members_by_cart('likely_to_purchase') }}
