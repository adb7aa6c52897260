-- The currency that the hour is scored in: as the log said by then.

{{ config(materialized='rebuilt') }}

{{ reporting_currency(as_of()) }}
