-- Views of categories by person and session as they stood at the hour.

with

{{ at_hour_of(
    'person_category_views', category_views_of, 'category_views', ends_at='last_viewed_at',
    columns=[
        'visitor_id', 'session_number', 'owner_id', 'person_id', 'item_category', 'view_count', 'first_viewed_at',
        'last_viewed_at',
    ]
) }}

select * from at_hour
