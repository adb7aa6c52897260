"""The words of the report, two lines each.

Belongs here: what a word on the page means. Not here: the rules themselves, which are in
dbt_project/docs.
"""

GLOSSARY = {
    "Left behind (abandoned)": "A cart still open 30 minutes (unless set otherwise) after the"
    " session it began in. It can be left behind once only.",
    "Bought after all (recovered)": "A cart bought after it was left behind, on this device or, by"
    " the same account, on another.",
    "Not bought": "The chance that no order follows within the label horizon (72 hours unless set"
    " otherwise), whichever cart it would take.",
    "Due": "The earliest time to contact has come, and the contact is expected to gain more than it"
    " costs.",
    "Expected gain": "What a contact is expected to earn over doing nothing: the change in the"
    " chance of buying times the margin, less its costs.",
    "On the fence": "Carts for which a reminder or an incentive gains most.",
    "Likely, unlikely to purchase": "Carts for which no contact pays: they are bought anyway, or"
    " are not bought with one either.",
    "Held out": "People who are never contacted, drawn at random: what they do shows what contacts"
    " change.",
    "Stale": "The newest event was too old at the hour. What shoppers did since is not known, so"
    " look at the dumps first.",
    "Can still change": "Hatched days: not everything that belongs to them can be known yet.",
    "Calibrated": "Of carts with a chance of 80 %, about 80 in 100 are not bought. The mark of the"
    " prediction lies within the interval.",
    "Interval, band": "Where the true share lies with 95 % confidence, given how many carts were"
    " seen.",
    "Dropped, repaired": "A row that could not be an event; a row of which a field was unreadable"
    " and left empty.",
    "Suspect": "A file that says too little: most of its rows dropped, no known type, or prices"
    " unreadable. It stops the hour until it is corrected or accepted.",
    "Reporting currency": "The one currency that gains and sums are in. What lacks a rate of"
    " exchange is counted beside them.",
}
