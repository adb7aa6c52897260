-- Who is in which segment at the hour. Of a group a person is in the segment of the highest rank.

{{ config(materialized='rebuilt', meta={'uncompressed': ['person_id']}) }}

with

candidates as (

    {% for name in var('segments') -%}
        select
            person_id,
            '{{ name }}' as segment,
            {{ segment_meta(name, 'version', 1) }} as version,
            {{ segment_group(name) }} as segment_group,
            {{ segment_meta(name, 'rank', 0) }} as segment_rank
        from {{ ref(name) }}
        union
    {% endfor -%}
    select
        cast(null as string) as person_id,
        cast(null as string) as segment,
        cast(null as integer) as version,
        cast(null as string) as segment_group,
        cast(null as integer) as segment_rank

),

ranked as (

    select
        *,
        row_number() over (
            partition by person_id, coalesce(segment_group, 'segment ' || segment)
            order by segment_rank desc
        ) as place
    from candidates
    where person_id is not null

),

final as (

    select
        ranked.person_id,
        ranked.segment,
        cast(ranked.version as bigint) as version,
        ranked.segment_group,
        people.person_id is not null as is_person
    from ranked
    left join {{ ref('people') }} as people on ranked.person_id = people.person_id
    where ranked.place = 1

)

select * from final
