{#-
    What belongs here: parts of the addresses of pages. Not here: what an address says of its page (rules/addresses.sql,
    rules/address_rules.sql).
-#}

{%- macro url_parameter(url, name) -%}
nullif(regexp_extract({{ url }}, '[?&]{{ name }}=([^&#]*)', 1), '')
{%- endmacro -%}

{#- The host, without www. and without the name of a user before it. -#}
{%- macro url_domain(url) -%}
nullif(lower(regexp_extract({{ url }}, '^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#]*@)?(?:www[.])?([^/:?#]+)', 1)), '')
{%- endmacro -%}

{#- The product's handle in the address of a product page: /products/<handle>. -#}
{%- macro url_product(url) -%}
nullif(regexp_extract({{ url }}, '/products/([^/?#&]+)', 1), '')
{%- endmacro -%}
