{#-
    What belongs here: which kind of device an event is from, where a source does not say it in our words. Not here:
    devices that a source names itself, which its staging model passes on.
-#}

{#- desktop, mobile or tablet, by what the browser says it is. -#}
{%- macro device_of(user_agent) -%}
case
    when {{ user_agent }} is null then null
    when {{ has_pattern(user_agent, 'iPad|Tablet|PlayBook|Silk') }} then 'tablet'
    when {{ has_pattern(user_agent, 'Mobi|iPhone|Android') }} then 'mobile'
    else 'desktop'
end
{%- endmacro -%}
