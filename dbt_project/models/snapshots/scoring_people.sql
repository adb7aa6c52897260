-- People to score, as they were known at the hour.

with

instants as (

    select {{ as_of() }} as as_of

),

{{ person_history() }},

{{ person_features('instants', known=ref('hour_persons')) }}

select * from person_features
