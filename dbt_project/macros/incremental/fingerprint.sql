{#-
    What belongs here: what makes a build a full one, as one hash over settings and SQL. Not here: what becomes of it
    when it differs (build.sql).
-#}

{#-
    What a change of makes all tables old: the variables of the log, the models, and `code_version` for the rest.
    Segments are no tables, and a shop adds its own.
    `log_variables` names what a shop may set of it, as a list or as a mapping to its defaults.
-#}
{%- macro log_fingerprint() -%}
{%- set parts = [] -%}
{%- for name in ['event_sources', 'triggers', 'code_version'] + var('log_variables') | list -%}
    {%- do parts.append(name ~ '=' ~ tojson(var(name))) -%}
{%- endfor -%}
{%- for node in graph.nodes.values() if node.resource_type == 'model' and node.fqn[1] != 'segments' -%}
    {%- do parts.append(node.unique_id ~ '=' ~ node.checksum.checksum) -%}
{%- endfor -%}
{{ return(local_md5(parts | sort | join('\n'))) }}
{%- endmacro -%}
