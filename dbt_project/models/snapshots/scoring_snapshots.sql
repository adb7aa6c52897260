-- The carts to score, as they stood at the hour.

with

spine as (

    select * from {{ ref('scored_carts') }}

),

states as (

    select * from {{ ref('scored_visitors') }}

),

{{ cart_snapshots(instant=as_of()) }}

select * from snapshots
