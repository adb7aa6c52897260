-- What kind of items a person looked at, by session.

{{ config(materialized='rebuilt', meta={'rebuilt_for': {'visitors_this_run': ['visitor_id']}}) }}

with

{{ category_views_of(this_run_or_all(ref('log_this_run'), ref('ordered_events'))) }}

select * from category_views
