-- What is known of people of the whole log. An hour reads it of whoever did nothing later (hour_persons.sql).

{{ config(materialized='rebuilt', meta={'rebuilt_for': {'persons_this_run': ['person_id']}}) }}

with

visits as (

    select *
    from {{ ref('person_sessions') }}
    where {{ is_in_this_run(ref('persons_this_run'), ['person_id']) }}

),

views as (

    select *
    from {{ ref('person_category_views') }}
    where {{ is_in_this_run(ref('persons_this_run'), ['person_id']) }}

),

{{ person_totals_of('visits', 'views') }}

select * from person_totals
