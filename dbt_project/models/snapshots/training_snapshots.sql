-- The snapshots to learn from: each cart at fixed ages after each touch, with its label. Of many carts those of persons
-- who are drawn.

with

log_end as (

    select max(event_at) as newest_event_at
    from {{ ref('ordered_events') }}
    where event_at <= {{ as_of() }}

),

{{ suspected_visitors() }},

known_touches as (

    select * from {{ ref('cart_touches') }}
    where
        touched_at <= {{ as_of() }}
        and touched_at >= {{ learned_from('(select newest_event_at from log_end)') }}
        and not {{ keys_in('suspected_visitors', ['visitor_id']) }}

),

{{ rows_of_drawn_persons(
    'touches', 'known_touches', at='touched_at', keys=['cart_id', 'touch_number'], limit=var('training_touches')
) }},

ages as (

    {% for minutes in var('snapshot_ages_minutes') -%}
        select interval '{{ minutes }}' minute as age
        {% if not loop.last -%} union all {% endif -%}
    {% endfor %}

),

aged as (

    select
        touches.*,
        touches.touched_at + ages.age as as_of
    from touches
    cross join ages

),

-- Only while nothing touched the cart again, it was open, and the log reaches that far.
spine as (

    select aged.*
    from aged
    cross join log_end
    where
        aged.as_of <= log_end.newest_event_at
        and coalesce(aged.next_touched_at > aged.as_of, true)
        and {{ is_touched_cart_open('aged', 'aged.as_of') }}

),

cart_events as (

    select * from {{ ref('events') }}
    where {{ keys_in('spine', ['visitor_id']) }}

),

{{ visitor_states('cart_events') }},

{{ cart_snapshots() }},

orders as (

    select
        visitor_id,
        event_at
    from {{ ref('visitor_orders') }}
    where event_at <= {{ as_of() }}

),

next_orders as (

    select
        snapshots.cart_id,
        snapshots.as_of,
        orders.event_at as next_order_at
    from snapshots
    {{ asof_join(
        'inner', 'orders', 'orders',
        keys={'visitor_id': 'snapshots.visitor_id'}, at='snapshots.as_of', comparison='<', event_at='event_at'
    ) }}

),

labelled as (

    select
        snapshots.*,
        {{ converts_within_horizon(
            'snapshots.as_of', 'next_orders.next_order_at', 'log_end.newest_event_at'
        ) }} as converts_within_horizon
    from snapshots
    cross join log_end
    left join next_orders
        on
            snapshots.cart_id = next_orders.cart_id
            and snapshots.as_of = next_orders.as_of

)

select * from labelled
