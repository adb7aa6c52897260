-- Sessions by person as they stood at the hour: one that goes on after it ends with its last event before.

with

{{ at_hour_of(
    'person_sessions', visits_of, 'visits', ends_at='ended_at', columns=[
        'visitor_id', 'session_number', 'owner_id', 'person_id', 'started_at', 'ended_at', 'event_count',
        'page_view_count', 'view_count', 'add_count', 'device_type', 'country',
    ]
) }}

select * from at_hour
