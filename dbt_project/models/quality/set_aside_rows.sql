-- Every delivered row that is no event, or an event only after a repair: which, why, and as it was delivered.

{{ config(materialized='rebuilt', meta={'rebuilt_for': {'loads_this_run': ['load_id']}}) }}

with

files as (

    select * from {{ source('raw', 'files') }}
    where {{ is_in_this_run(ref('loads_this_run'), ['load_id']) }}

),

unreadable_rows as (

    select * from {{ source('raw', 'unreadable_rows') }}

),

repaired_rows as (

    select * from {{ source('raw', 'repaired_rows') }}

),

-- Rows about people are shown without what they say.
people_set_aside as (

    select * from {{ source('raw', 'people_set_aside') }}

),

repaired_items as (

    select
        row_key,
        repair_reasons
    from {{ ref('candidate_items') }}
    where
        repair_reasons is not null
        and {{ is_in_this_run(ref('loads_this_run'), ['load_id']) }}

),

validated as (

    select
        source,
        load_id,
        line,
        drop_reason,
        repair_reasons
    from {{ ref('candidate_events') }}
    where
        (drop_reason is not null or repair_reasons is not null)
        and {{ is_in_this_run(ref('loads_this_run'), ['load_id']) }}

),

validated_items as (

    select
        candidates.source,
        candidates.load_id,
        candidates.line,
        repaired_items.repair_reasons
    from repaired_items
    inner join {{ ref('candidate_events') }} as candidates on repaired_items.row_key = candidates.row_key
    where candidates.drop_reason is null

),

-- A reason is noted once a row, whichever of its items have it, with what one of them says.
repaired as (

    select
        source,
        load_id,
        line,
        repair_reasons
    from validated
    where
        drop_reason is null
        and repair_reasons is not null

    union all

    select * from validated_items

),

reasons as (

    select
        source,
        load_id,
        line,
        'dropped' as action,
        drop_reason as reason,
        cast(null as string) as detail
    from validated
    where drop_reason is not null

    {% for field in ['quantity', 'price', 'currency', 'order_value', 'items'] -%}
        {%- set code = 'bad_' ~ field %}
        union all

        select
            source,
            load_id,
            line,
            'repaired' as action,
            '{{ code }}' as reason,
            min('{{ field | replace('_', ' ') }} ' || {{ repaired_text('repair_reasons', code) }}) as detail
        from repaired
        where {{ has_repair('repair_reasons', code) }}
        group by source, load_id, line

    {% endfor %}
),

delivered as (

    {% for name in sources_with_rows() -%}
        select
            reasons.load_id,
            reasons.line,
            reasons.action,
            reasons.reason,
            reasons.detail,
            {{ row_as_json(name) }} as raw_row
        from reasons
        inner join {{ source('raw', name) }} as {{ name }}
            on
                reasons.load_id = {{ name }}._load_id
                and reasons.line = {{ name }}._line
        where reasons.source = '{{ name }}'

        union all

    {% endfor -%}

    {% for name, dump in reference_dumps().items() -%}
        select
            candidates.load_id,
            candidates.line,
            'dropped' as action,
            candidates.drop_reason as reason,
            cast(null as string) as detail,
            {{ row_as_json(name) }} as raw_row
        from {{ ref(dump.candidates) }} as candidates
        inner join {{ source('raw', name) }} as {{ name }}
            on
                candidates.load_id = {{ name }}._load_id
                and candidates.line = {{ name }}._line
        where
            candidates.drop_reason is not null
            and {{ is_in_this_run(ref('loads_this_run'), ['candidates.load_id']) }}

        union all

    {% endfor -%}

    select
        load_id,
        line,
        action,
        reason,
        cast(null as string) as detail,
        cast(null as string) as raw_row
    from people_set_aside

    union all

    select
        load_id,
        line,
        'dropped' as action,
        reason,
        detail,
        raw_row
    from unreadable_rows

    union all

    select
        repaired_rows.load_id,
        repaired_rows.line,
        'repaired' as action,
        repaired_rows.reason,
        repaired_rows.detail,
        repaired_rows.raw_row
    from repaired_rows
    left join validated as dropped
        on
            repaired_rows.load_id = dropped.load_id
            and repaired_rows.line = dropped.line
            and dropped.drop_reason is not null
    left join people_set_aside as dropped_people
        on
            repaired_rows.load_id = dropped_people.load_id
            and repaired_rows.line = dropped_people.line
            and dropped_people.action = 'dropped'
    where dropped.line is null and dropped_people.line is null

),

final as (

    select
        files.source,
        files.file,
        delivered.line,
        delivered.action,
        delivered.reason,
        {{ without_contact_details('delivered.detail') }} as detail,
        {{ without_contact_details('delivered.raw_row') }} as raw_row,
        files.load_id
    from delivered
    inner join files on delivered.load_id = files.load_id

)

select * from final
