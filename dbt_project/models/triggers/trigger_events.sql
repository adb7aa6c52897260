-- The hours at which triggers fired: the first hour of their conditions, and again while they hold after each cooldown.
--
-- A firing looks back only, so those up to the last build's hour stay for everybody whose log is the same.

{{ config(materialized='rebuilt', meta={
    'rebuilt_for': {'persons_this_run': ['person_id']},
    'rebuilt_after': {'fired_at': 'as_of'},
}) }}

{% set of_part = 'trigger_name, person_id, part_id' -%}
{% set longest_cooldown = ([0] + (var('triggers') | map(attribute='cooldown_hours') | list)) | max -%}

with

rules as (

    {{ trigger_rules() | indent(4) }}

),

{% if is_incremental_build() -%}
kept as (

    select least(as_of, {{ as_of() }}) as until_hour
    from {{ watermark() }}

),

-- Of everybody else than this run's persons only the hours since.
spans_since as (

    select
        spans.trigger_name,
        spans.person_id,
        spans.part_id,
        greatest(spans.from_hour, kept.until_hour + interval '1' hour) as from_hour,
        spans.until_hour
    from {{ ref('trigger_spans') }} as spans
    cross join kept
    where
        spans.from_hour <= {{ as_of() }}
        and coalesce(spans.until_hour > kept.until_hour + interval '1' hour, true)
        and not {{ keys_in(ref('persons_this_run'), ['spans.person_id']) }}

),

-- One that is a cooldown ago forbids none.
last_firings as (

    select
        fired.trigger as trigger_name,
        fired.person_id,
        coalesce(fired.item_id, fired.cart_id, '') as part_id,
        max(fired.fired_at) as fired_at
    from {{ this }} as fired
    cross join kept
    where
        fired.fired_at <= kept.until_hour
        and fired.fired_at > kept.until_hour - interval '{{ longest_cooldown }}' hour
        and {{ keys_in('spans_since', ['fired.person_id']) }}
    group by 1, 2, 3

),

{% endif -%}
spans as (

    select
        spans.trigger_name,
        spans.person_id,
        spans.part_id,
        spans.from_hour,
        spans.until_hour,
        cast(null as timestamp) as fired_at
    from {{ ref('trigger_spans') }} as spans
    where {{ is_in_this_run(ref('persons_this_run'), ['spans.person_id']) }}

    {% if is_incremental_build() -%}
    union all

    select
        spans.trigger_name,
        spans.person_id,
        spans.part_id,
        spans.from_hour,
        spans.until_hour,
        last_firings.fired_at
    from spans_since as spans
    left join last_firings
        on
            spans.trigger_name = last_firings.trigger_name
            and spans.person_id = last_firings.person_id
            and spans.part_id = last_firings.part_id

    {%- endif %}

),

-- Up to the hour; where the last firing forbids the beginning of one, from where it does not any more.
cooled_spans as (

    select
        spans.trigger_name,
        spans.person_id,
        spans.part_id,
        greatest(spans.from_hour, spans.fired_at + rules.cooldown_hours * interval '1' hour) as from_hour,
        least(spans.until_hour, {{ as_of() }} + interval '1' hour) as until_hour,
        rules.cooldown_hours * interval '1' hour as cooldown
    from spans
    inner join rules on spans.trigger_name = rules.trigger_name
    where spans.from_hour <= {{ as_of() }}

),

{{ firings('fired_spans', 'cooled_spans', of_part) }},

final as (

    select
        fired_spans.trigger_name as trigger,
        cast(rules.version as integer) as version,
        fired_spans.person_id,
        case when rules.per = 'item' then fired_spans.part_id end as item_id,
        case when rules.per = 'cart' then fired_spans.part_id end as cart_id,
        fired_spans.fired_at,
        rules.channel
    from fired_spans
    inner join rules on fired_spans.trigger_name = rules.trigger_name

)

select * from final
