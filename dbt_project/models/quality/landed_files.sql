-- Every landed file and what became of its rows: rows read = accepted + duplicate + dropped. Of a file that no reader
-- reads none are.

with

files as (

    select * from {{ source('raw', 'files') }}

),

set_aside as (

    select
        load_id,
        count(*) filter (where action = 'dropped') as dropped_count,
        count(*) filter (where reason in ('erased', 'no_consent', 'superseded')) as withheld_count,
        count(distinct line) filter (where action = 'repaired') as repaired_count,
        count(*) filter (where action = 'repaired' and reason = 'bad_price') as bad_price_count,
        count(*) filter (where action = 'repaired' and reason = 'bad_order_value') as bad_order_value_count
    from {{ ref('set_aside_rows') }}
    group by 1

),

-- Rows of which only their items have a price.
item_prices as (

    select
        candidates.load_id,
        count(distinct candidates.row_key) as price_count
    from {{ ref('candidate_items') }} as items
    inner join {{ ref('candidate_events') }} as candidates on items.row_key = candidates.row_key
    where
        -- asked of few files: those with prices that cannot be read
        items.load_id in (
            select set_aside.load_id from set_aside
            where set_aside.bad_price_count > 0
        )
        and items.price is not null
        and candidates.price is null
        and candidates.drop_reason is null
    group by 1

),

-- Of rates of one currency and time one counts, and of rows that say the same of the same sale.
reference_rows as (

    {% for dump in reference_dumps().values() -%}
        select
            load_id,
            row_number() over (
                partition by {{ dump.alike | join(', ') }}
                order by {{ dump.order | join(', ') }}
            ) as place
        from {{ ref(dump.candidates) }}
        where drop_reason is null
        {% if not loop.last -%} union all {% endif -%}
    {% endfor %}

),

reference_counts as (

    select
        load_id,
        count(*) filter (where place = 1) as accepted_count,
        count(*) filter (where place > 1) as duplicate_count
    from reference_rows
    group by 1

),

-- Rows about people, of which landing knows what they are.
people as (

    select * from {{ source('raw', 'people_rows') }}

),

-- Events that are too old to be kept.
expired as (

    select * from {{ source('raw', 'expired_rows') }}

),

-- Files that were judged by all their rows, before some were taken away.
passed as (

    select * from {{ source('raw', 'passed_files') }}

),

duplicates as (

    select
        load_id,
        count(*) as duplicate_count
    from {{ ref('duplicate_rows') }}
    group by 1

),

final as (

    select
        files.file,
        files.source,
        files.content_hash,
        files.landed_at,
        files.rows_read,
        coalesce(load_totals.event_row_count, 0) - coalesce(duplicates.duplicate_count, 0)
        + coalesce(reference_counts.accepted_count, 0) + coalesce(people.rows_accepted, 0) as rows_accepted,
        coalesce(duplicates.duplicate_count, 0) + coalesce(reference_counts.duplicate_count, 0)
        + coalesce(people.rows_duplicate, 0) as rows_duplicate,
        coalesce(set_aside.dropped_count, 0) + coalesce(expired.row_count, 0) as rows_dropped,
        coalesce(set_aside.repaired_count, 0) as rows_repaired,
        -- rows of the erased, of people who did not consent, and old ones say nothing about the file
        passed.load_id is null and (
            coalesce(
                2 * (set_aside.dropped_count - set_aside.withheld_count)
                > files.rows_read - set_aside.withheld_count - coalesce(expired.row_count, 0),
                false
            )
            or coalesce(load_totals.event_row_count > 0 and load_totals.known_type_count = 0, false)
            or coalesce(
                set_aside.bad_price_count > load_totals.price_count + coalesce(item_prices.price_count, 0), false
            )
            or coalesce(set_aside.bad_order_value_count > load_totals.order_value_count, false)
        ) as is_suspect,
        files.skipped_reason,
        nullif(concat_ws(
            '; ',
            files.note,
            case
                when not decimal_comma_files.is_declared
                    then 'amounts are read with decimal commas: the file has semicolons, and no decimal point'
            end,
            case
                when load_totals.has_clock_change
                    then
                        'times without offset lie where the clocks were changed: '
                        || 'of two possible ones the first is taken, and a skipped one as if before the change'
            end,
            expired.row_count || ' rows are older than events are kept, and gone'
        ), '') as note,
        files.load_id
    from files
    left join {{ ref('decimal_comma_files') }} as decimal_comma_files on files.load_id = decimal_comma_files.load_id
    left join {{ ref('load_totals') }} as load_totals on files.load_id = load_totals.load_id
    left join item_prices on files.load_id = item_prices.load_id
    left join duplicates on files.load_id = duplicates.load_id
    left join reference_counts on files.load_id = reference_counts.load_id
    left join people on files.load_id = people.load_id
    left join expired on files.load_id = expired.load_id
    left join passed on files.load_id = passed.load_id
    left join set_aside on files.load_id = set_aside.load_id

)

select * from final
