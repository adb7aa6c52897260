-- Sessions by the person whose events they were: one in which somebody signs in is of two.

{{ config(materialized='rebuilt', meta={'rebuilt_for': {'visitors_this_run': ['visitor_id']}}) }}

with

{{ visits_of(this_run_or_all(ref('log_this_run'), ref('ordered_events'))) }}

select * from visits
