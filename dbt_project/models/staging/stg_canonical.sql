-- Dumps that have the canonical columns already.

with

delivered as (

    select * from {{ source('raw', 'canonical') }}

),

renamed as (

    select
        'canonical' as source,
        _load_id as load_id,
        _line as line,
        coalesce({{ thing_id('event_id') }}, md5({{ row_content() }})) as event_id,
        {% for field in canonical_fields() if field not in ('event_id', 'event_at') -%}
            {{ field }},
        {% endfor -%}
        {{ read_time('event_at', source_zone('canonical')) }} as event_at
    from delivered

)

select * from renamed
