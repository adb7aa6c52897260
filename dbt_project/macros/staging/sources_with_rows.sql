{#-
    What belongs here: which sources of events a build reads. Not here: which sources there are: orchestration finds
    them in models/staging.
-#}

{#-
    The sources of events that have rows; where nobody says which, as when the project is parsed, all of them. The SQL
    of a source without rows takes longer to plan than a small log to build.
-#}
{%- macro sources_with_rows() -%}
{{ return(var('sources_with_rows', var('event_sources'))) }}
{%- endmacro -%}
