-- The currency that the sums of the log are in.

{{ config(materialized='rebuilt') }}

{{ reporting_currency() }}
