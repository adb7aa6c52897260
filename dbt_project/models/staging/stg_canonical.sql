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
        coalesce({{ known_id('event_id') }}, md5({{ row_content() }})) as event_id,
        {% for field in canonical_fields() if field not in ('event_id', 'event_at') -%}
            {{ field }},
        {% endfor -%}
        {{ event_time('event_at', 'canonical') }}
    from delivered

)

select * from renamed
