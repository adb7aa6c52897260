{#-
    What belongs here: which words for what happened are known. Not here: what each does to a session or a cart.
-#}

{#- GA4's words, and those that the shop set as passive, as a list in JSON. -#}
{%- macro event_type_names() -%}
{{ tojson([
    'page_view', 'view_item', 'view_item_list', 'search', 'add_to_wishlist', 'add_to_cart', 'remove_from_cart',
    'view_cart', 'begin_checkout', 'add_shipping_info', 'add_payment_info', 'purchase', 'refund', 'login', 'sign_up',
] + (var('passive_event_types') | list)) }}
{%- endmacro -%}

{#-
    Words of others for the same: Segment's e-commerce specification, which RudderStack has too, in its first and second
    version (https://segment.com/docs/connections/spec/ecommerce/v2/), Shopify's customer events, REES46's. By type, as
    JSON, without case, blanks, dashes and underscores.
-#}
{%- macro event_type_words() -%}
{{ tojson({
    'page_view': ['page', 'pageviewed'],
    'view_item': ['view', 'productviewed', 'viewedproduct'],
    'view_item_list': ['productlistviewed', 'productlistfiltered', 'viewedproductcategory', 'collectionviewed'],
    'search': ['productssearched', 'searchsubmitted'],
    'add_to_wishlist': ['productaddedtowishlist'],
    'add_to_cart': ['cart', 'productadded', 'addedproduct', 'wishlistproductaddedtocart', 'productaddedtocart'],
    'remove_from_cart': ['productremoved', 'removedproduct', 'productremovedfromcart'],
    'view_cart': ['cartviewed'],
    'begin_checkout': ['checkoutstarted'],
    'add_shipping_info': ['shippinginfoentered', 'checkoutshippinginfosubmitted'],
    'add_payment_info': ['paymentinfoentered', 'paymentinfosubmitted'],
    'purchase': ['ordercompleted', 'completedorder', 'checkoutcompleted'],
    'refund': ['orderrefunded', 'refundedorder'],
    'login': ['signedin', 'loggedin'],
    'sign_up': ['signedup'],
}) }}
{%- endmacro -%}

{#-
    Words that mean the same where a shop names its events itself, as for Amplitude, Mixpanel and Tealium, and too common to
    mean it in any source. By type, as JSON, spelled as those above.
-#}
{%- macro chosen_event_type_words() -%}
{{ tojson({
    'page_view': ['viewedpage', 'viewedapage', 'loadedapage', '[amplitude]pageviewed', '$mpwebpageview'],
    'view_item': ['viewproduct', 'productview', 'itemviewed', 'vieweditem'],
    'view_item_list': ['categoryviewed', 'categoryview'],
    'search': ['productsearched', 'searched'],
    'add_to_wishlist': ['addedtowishlist', 'wishlistadd'],
    'add_to_cart': ['addedtocart', 'itemadded', 'itemaddedtocart', 'cartadd'],
    'remove_from_cart': ['removedfromcart', 'itemremoved', 'itemremovedfromcart', 'cartremove', 'cartempty'],
    'view_cart': ['viewedcart', 'cartview'],
    'begin_checkout': ['checkout', 'startcheckout', 'startedcheckout', 'initiatecheckout', 'initiatedcheckout'],
    'purchase': ['purchased', 'purchasecompleted', 'completedpurchase', 'orderplaced', 'placedorder'],
    'refund': ['orderrefund'],
    'login': ['signin', 'userlogin'],
    'sign_up': ['accountcreated', 'userregister', 'registered'],
}) }}
{%- endmacro -%}

{#- The bit of context_flags of a page view that its address makes a view of an item or a list. -#}
{%- macro viewed_page_bit() -%}16{%- endmacro -%}

{#- Whether an event of another type is a page view, too. -#}
{%- macro is_page_view_too(event_type, flags) -%}
{{ event_type }} != 'page_view'
        and ({{ flags }} & {{ viewed_page_bit() }}) != 0
{%- endmacro -%}

{#- Whether an event is the view of a page or an item: a page of a list, which its address says it is, is a page, too. -#}
{%- macro is_page_or_item_view(event_type, flags) -%}
(
    {{ event_type }} in ('page_view', 'view_item')
    or ({{ flags }} & {{ viewed_page_bit() }}) != 0
)
{%- endmacro -%}

{#- The types that mean something, as a list in SQL. -#}
{%- macro known_event_types() -%}
{%- for type in fromjson(event_type_names()) -%}
{{ text_literal(type) }}{{ ', ' if not loop.last }}
{%- endfor -%}
{%- endmacro -%}

{#-
    The type that a word stands for, however it is spelled, with blanks and dashes of any kind; any other word as it is,
    null for none, which a dump may write as \N. `is_chosen`: the shop named its events itself.
-#}
{%- macro event_type(column, is_chosen=false) -%}
{%- set word = "nullif(nullif(trim(" ~ column ~ "), ''), " ~ text_literal('\\N') ~ ")" -%}
{%- set no_letters = ' -_\t\u00a0\u200b\ufeff' ~ other_dashes() -%}
{%- set key = "translate(lower(" ~ column ~ "), '" ~ no_letters ~ "', '')" -%}
{%- set words = fromjson(event_type_words()) -%}
{%- set chosen = fromjson(chosen_event_type_words()) if is_chosen else {} -%}
case
    {#- what most rows say is compared first: the rest costs a row ten times as much #}
    when {{ column }} in ({{ known_event_types() }}) then {{ column }}
    {%- for type in fromjson(event_type_names()) %}
    when {{ key }} in (
        {%- set own = type | lower | replace('_', '') | replace('-', '') | replace(' ', '') -%}
        {%- for each in [own] + words.get(type, []) + chosen.get(type, []) -%}
        {{ text_literal(each) }}{{ ', ' if not loop.last }}
        {%- endfor -%}
    ) then {{ text_literal(type) }}
    {%- endfor %}
    else {{ word }}
end
{%- endmacro -%}
