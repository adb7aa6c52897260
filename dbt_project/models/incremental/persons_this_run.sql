-- The persons whose events or carts can be others since the last build; none in a full build, which looks at all.
--
-- A person is the visitor, or the account it was known to be; a visitor's rows name every account it ever was, also
-- those that do not count any more.

with

accounts as (

    select user_id
    from {{ ref('rows_this_run') }}
    where
        drop_reason is null
        and user_id is not null

    {% if has_condition('value_at_least') -%}
    -- whose carts are worth something else
    union

    select user_id
    from {{ ref('candidate_events') }}
    where
        drop_reason is null
        and user_id is not null
        and {{ is_in_incremental_run(ref('affected_visitors'), ['visitor_id']) }}

    {%- endif %}

),

persons as (

    select
        visitor_id as person_id,
        cast(null as string) as user_id
    from {{ ref('affected_visitors') }}

    union

    select
        {{ person_id('user_id', 'null') }} as person_id,
        user_id
    from accounts

),

final as (

    select
        person_id,
        max(user_id) as user_id
    from persons
    group by 1

)

select * from final
