"""Rows of other systems, in the shapes of their own documentation.

Belongs here: the rows, and the pages they are from. Not here: what becomes of them
(test_signatures_of_systems.py).
"""

import json

# https://docs.snowplow.io/docs/pipeline/enriched-tsv-format: the fields in their order
_FIELDS = (
    "app_id platform etl_tstamp collector_tstamp dvce_created_tstamp event event_id txn_id"
    " name_tracker v_tracker v_collector v_etl user_id user_ipaddress user_fingerprint"
    " domain_userid domain_sessionidx network_userid geo_country geo_region geo_city geo_zipcode"
    " geo_latitude geo_longitude geo_region_name ip_isp ip_organization ip_domain ip_netspeed"
    " page_url page_title page_referrer page_urlscheme page_urlhost page_urlport page_urlpath"
    " page_urlquery page_urlfragment refr_urlscheme refr_urlhost refr_urlport refr_urlpath"
    " refr_urlquery refr_urlfragment refr_medium refr_source refr_term mkt_medium mkt_source"
    " mkt_term mkt_content mkt_campaign contexts se_category se_action se_label se_property"
    " se_value unstruct_event tr_orderid tr_affiliation tr_total tr_tax tr_shipping tr_city"
    " tr_state tr_country ti_orderid ti_sku ti_name ti_category ti_price ti_quantity"
    " pp_xoffset_min pp_xoffset_max pp_yoffset_min pp_yoffset_max useragent br_name br_family"
    " br_version br_type br_renderengine br_lang br_features_pdf br_features_flash"
    " br_features_java br_features_director br_features_quicktime br_features_realplayer"
    " br_features_windowsmedia br_features_gears br_features_silverlight br_cookies br_colordepth"
    " br_viewwidth br_viewheight os_name os_family os_manufacturer os_timezone dvce_type"
    " dvce_ismobile dvce_screenwidth dvce_screenheight doc_charset doc_width doc_height"
    " tr_currency tr_total_base tr_tax_base tr_shipping_base ti_currency ti_price_base"
    " base_currency geo_timezone mkt_clickid mkt_network etl_tags dvce_sent_tstamp"
    " refr_domain_userid refr_dvce_tstamp derived_contexts domain_sessionid derived_tstamp"
    " event_vendor event_name event_format event_version event_fingerprint true_tstamp"
)
SNOWPLOW_FIELDS = _FIELDS.split()

_SNOWPLOW = {
    "app_id": "shop",
    "platform": "web",
    "etl_tstamp": "2026-11-20 00:01:25.292",
    "collector_tstamp": "2026-11-20 00:02:05.000",
    "dvce_created_tstamp": "2026-11-20 00:03:57.885",
    "event": "page_view",
    "event_id": "c6ef3124-b53a-4b13-a233-0088f79dcbcb",
    "name_tracker": "sp1",
    "v_tracker": "js-3.1.6",
    "v_collector": "ssc-2.3.0",
    "v_etl": "common-2.0.1",
    "user_id": "u1",
    "domain_userid": "bc2e92ec6c204a14",
    "page_url": "https://shop.example/products/shoe",
    "page_title": '"Red", they say',
    "refr_medium": "search",
}
_ADDED = {
    **_SNOWPLOW,
    "event": "unstruct",
    "event_name": "snowplow_ecommerce_action",
}
# with more commas than the row has fields
_CONTEXT = json.dumps({"data": [{"id": f"P{n}", "price": 5, "currency": "EUR"} for n in range(60)]})
SNOWPLOW_ROWS = [
    _SNOWPLOW,
    _ADDED | {"contexts": _CONTEXT},
    _SNOWPLOW | {"app_id": "", "platform": "mob", "event": "struct", "se_action": "add-to-basket"},
]
# https://docs.snowplow.io/docs/api-reference/analytics-sdk/: a field without a value has no key
SNOWPLOW = [
    _SNOWPLOW,
    _ADDED
    | {
        "unstruct_event_com_snowplowanalytics_snowplow_ecommerce_snowplow_ecommerce_action_1": {
            "type": "add_to_cart"
        },
        "contexts_com_snowplowanalytics_snowplow_ecommerce_product_1": [
            {"id": "P1", "price": 5, "currency": "EUR"},
            {"id": "P2", "price": 7, "currency": "EUR"},
        ],
    },
    # some of the columns of the table of events
    {
        "event_id": "e1",
        "collector_tstamp": "2026-11-20 00:02:05.000",
        "domain_userid": "d1",
        "user_id": "u1",
        "event_name": "transaction",
    },
]

_AMPLITUDE = {
    "event_type": "Product Added",
    "event_time": "2026-11-20 10:00:00.000000",
    "user_id": "u1",
    "device_id": "d1",
    "event_properties": {"product_id": "P1", "price": 5},
    "user_properties": {},
}
AMPLITUDE = [
    # https://amplitude.com/docs/apis/analytics/export
    _AMPLITUDE
    | {
        "$insert_id": "5f0adeff-6668-4427-8d02-57d803a2b841",
        "amplitude_id": 123456789,
        "client_event_time": "2026-11-20 10:00:00.000000",
        "client_upload_time": "2026-11-20 10:00:01.000000",
        "server_received_time": "2026-11-20 10:00:02.000000",
        "server_upload_time": "2026-11-20 10:00:03.000000",
        "event_id": 17,
        "session_id": 1795168800000,
        "uuid": "uuid1",
        "library": "amplitude-js/5.2.2",
    },
    {"amplitude_id": 1, "device_id": "d1", "event_time": "2026-11-20", "event_type": "purchase"},
    {name: value for name, value in _AMPLITUDE.items() if name != "user_properties"}
    | {"$insert_id": "i1"},
    # https://amplitude.com/docs/apis/analytics/http-v2
    {name: value for name, value in _AMPLITUDE.items() if name != "event_time"}
    | {"time": 1795168800000, "insert_id": "i1"},
]

MIXPANEL = [
    # https://docs.mixpanel.com/docs/export-methods
    {
        "event": "Signed up",
        "properties": {
            "time": 1795168800,
            "distinct_id": "d1",
            "$insert_id": "ABCDE",
            "mp_processing_time_ms": 1795168801000,
            "$city": "San Francisco",
        },
    },
    # https://docs.mixpanel.com/reference/import-events
    {
        "event": "Purchase",
        "properties": {"time": 1795168800000, "distinct_id": "d1", "Item": "Coffee", "Amount": 5.0},
    },
    # https://docs.mixpanel.com/docs/data-pipelines/json-pipelines
    {
        "device_id": "d1",
        "distinct_id": "d1",
        "event_name": "Purchase",
        "insert_id": "ABCDE",
        "properties": {"Item": "Coffee"},
        "time": "2026-11-20 10:00:00",
        "user_id": "u1",
    },
    # the properties as columns
    {
        "event": "Purchase",
        "time": 1795168800,
        "distinct_id": "d1",
        "$insert_id": "ABCDE",
        "mp_processing_time_ms": 1795168801000,
    },
]

_TEALIUM = {
    "visitorid": "014fb34a718e001ad754191d58ff1c074003a06c00c48",
    "eventid": "65f61a4b-54ca-4adf-b757-657e1711f6e7",
    "eventtime": 1795168800000,
    "useragent": "Mozilla/5.0",
}
TEALIUM = [
    # https://docs.tealium.com/server-side/data-storage/audiencestore-eventstore/eventstore-data-guide/
    _TEALIUM
    | {
        "dom_domain": "shop.example",
        "dom_url": "https://shop.example/products/shoe",
        "pageurl_full_url": "https://shop.example/products/shoe",
        "udo_ut_event": "view",
        "tags_tiq_as_3_executed": True,
        "device_type": "desktop",
    },
    _TEALIUM | {"udo_tealium_event": "cart_add", "udo_product_id": '["P1","P2"]'},
    # https://docs.tealium.com/platforms/http-api/data-layer/
    {
        "tealium_account": "shop",
        "tealium_profile": "main",
        "tealium_event": "cart_add",
        "tealium_visitor_id": "v1",
        "tealium_timestamp_utc": "2026-11-20T10:00:00Z",
        "product_id": ["P1", "P2"],
    },
    # https://docs.tealium.com/server-side/data-storage/audiencestore-eventstore/audiencestore-data-guide/
    {
        "account": "shop",
        "profile": "main",
        "env": "prod",
        "event_id": "e1",
        "visitor_id": "v1",
        "post_time": 1795168800000,
        "type": "LIVE",
        "data": {"dom": {"domain": "shop.example"}, "udo": {"tealium_event": "view"}},
        "useragent": "Mozilla/5.0",
    },
]
# of visitors, not of events
TEALIUM_VISITORS = [
    {
        "_id": "v1",
        "creation_ts": 1795168800000,
        "shard_token": 7,
        "metrics": {"Lifetime event count": 35},
        "dates": {"Last visit": 1795168800000},
        "properties": {"Lifetime browser types used": "Chrome"},
        "flags": {"Returning visitor": True},
        "audiences": ["VIP"],
        "badges": ["Fan"],
    },
]

DUMPS = {
    "snowplow": SNOWPLOW,
    "amplitude": AMPLITUDE,
    "mixpanel": MIXPANEL,
    "tealium": TEALIUM,
    "tealium_visitor_records": TEALIUM_VISITORS,
}
NOT_READ = {"tealium_visitor_records"}
