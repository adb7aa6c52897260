"""Which country a text means: codes of two or three letters, and English names.

Belongs here: the codes of ISO 3166-1, names that they go by, and reading them. Not here: what a
country is needed for (telephone numbers, addresses, consent).
"""

import re
import unicodedata
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path

# alpha-2 and alpha-3 of ISO 3166-1, in one word each
_CODES = """
ADAND AEARE AFAFG AGATG AIAIA ALALB AMARM AOAGO AQATA ARARG ASASM ATAUT AUAUS AWABW AXALA AZAZE
BABIH BBBRB BDBGD BEBEL BFBFA BGBGR BHBHR BIBDI BJBEN BLBLM BMBMU BNBRN BOBOL BQBES BRBRA BSBHS
BTBTN BVBVT BWBWA BYBLR BZBLZ CACAN CCCCK CDCOD CFCAF CGCOG CHCHE CICIV CKCOK CLCHL CMCMR CNCHN
COCOL CRCRI CUCUB CVCPV CWCUW CXCXR CYCYP CZCZE DEDEU DJDJI DKDNK DMDMA DODOM DZDZA ECECU EEEST
EGEGY EHESH ERERI ESESP ETETH FIFIN FJFJI FKFLK FMFSM FOFRO FRFRA GAGAB GBGBR GDGRD GEGEO GFGUF
GGGGY GHGHA GIGIB GLGRL GMGMB GNGIN GPGLP GQGNQ GRGRC GSSGS GTGTM GUGUM GWGNB GYGUY HKHKG HMHMD
HNHND HRHRV HTHTI HUHUN IDIDN IEIRL ILISR IMIMN ININD IOIOT IQIRQ IRIRN ISISL ITITA JEJEY JMJAM
JOJOR JPJPN KEKEN KGKGZ KHKHM KIKIR KMCOM KNKNA KPPRK KRKOR KWKWT KYCYM KZKAZ LALAO LBLBN LCLCA
LILIE LKLKA LRLBR LSLSO LTLTU LULUX LVLVA LYLBY MAMAR MCMCO MDMDA MEMNE MFMAF MGMDG MHMHL MKMKD
MLMLI MMMMR MNMNG MOMAC MPMNP MQMTQ MRMRT MSMSR MTMLT MUMUS MVMDV MWMWI MXMEX MYMYS MZMOZ NANAM
NCNCL NENER NFNFK NGNGA NINIC NLNLD NONOR NPNPL NRNRU NUNIU NZNZL OMOMN PAPAN PEPER PFPYF PGPNG
PHPHL PKPAK PLPOL PMSPM PNPCN PRPRI PSPSE PTPRT PWPLW PYPRY QAQAT REREU ROROU RSSRB RURUS RWRWA
SASAU SBSLB SCSYC SDSDN SESWE SGSGP SHSHN SISVN SJSJM SKSVK SLSLE SMSMR SNSEN SOSOM SRSUR SSSSD
STSTP SVSLV SXSXM SYSYR SZSWZ TCTCA TDTCD TFATF TGTGO THTHA TJTJK TKTKL TLTLS TMTKM TNTUN TOTON
TRTUR TTTTO TVTUV TWTWN TZTZA UAUKR UGUGA UMUMI USUSA UYURY UZUZB VAVAT VCVCT VEVEN VGVGB VIVIR
VNVNM VUVUT WFWLF WSWSM YEYEM YTMYT ZAZAF ZMZMB ZWZWE
"""
COUNTRIES = tuple(code[:2] for code in _CODES.split())

# What is commonly said for a code of the standard.
_OTHER_CODES = {"UK": "GB", "EL": "GR"}

# Beside the English name of each country, as `_plain` makes them.
_OTHER_NAMES = {
    "GB": ("uk", "great britain", "britain", "england", "scotland", "wales", "northern ireland"),
    "GR": ("el", "hellas", "hellenic republic"),
    "US": ("usa", "us of america", "united states of america", "america"),
    "NL": ("holland", "the netherlands"),
    "CZ": ("czech republic", "czechia"),
    "KR": ("south korea", "republic of korea", "korea", "korea republic of"),
    "KP": ("north korea", "democratic peoples republic of korea"),
    "RU": ("russia", "russian federation"),
    "TR": ("turkey", "turkiye"),
    "VN": ("vietnam", "viet nam"),
    "CI": ("ivory coast", "cote divoire"),
    "MK": ("macedonia", "north macedonia"),
    "AE": ("uae", "emirates"),
    "IE": ("republic of ireland", "eire"),
    "MD": ("moldova", "republic of moldova"),
    "CN": ("peoples republic of china",),
    "TW": ("taiwan", "taiwan province of china"),
    "IR": ("iran", "islamic republic of iran"),
    "SY": ("syria", "syrian arab republic"),
    "LA": ("laos", "lao peoples democratic republic"),
    "TZ": ("tanzania", "united republic of tanzania"),
    "VE": ("venezuela",),
    "BO": ("bolivia",),
    "BN": ("brunei", "brunei darussalam"),
    "CV": ("cape verde", "cabo verde"),
    "SZ": ("swaziland", "eswatini"),
    "MM": ("burma", "myanmar"),
    "PS": ("palestine", "state of palestine"),
    "VA": ("vatican", "holy see"),
    "HK": ("hong kong",),
    "MO": ("macau", "macao"),
    "CD": ("dr congo", "democratic republic of the congo"),
    "CG": ("congo", "republic of the congo"),
    "BA": ("bosnia", "bosnia and herzegovina"),
    "TL": ("east timor", "timor leste"),
    "DE": ("federal republic of germany",),
}


@lru_cache(maxsize=4096)
def country_code(text: str | None) -> str | None:
    """The alpha-2 code of the country that a text means; None for none.

    Case, accents, dots and blanks do not count: `uk`, `GBR`, `U.K.` and `United Kingdom` are `GB`.
    """
    return _codes_by_name().get(_plain(text or ""))


def code_in_settings(code: str) -> str:
    """The alpha-2 code that a setting means: `UK` is `GB` and `EL` is `GR`; none stays none.

    Raises:
        ValueError: no country has it; what is compared with it would never be found.
    """
    known = _OTHER_CODES.get(code, code)
    if known and known not in COUNTRIES:
        raise ValueError(f"{code!r} is no code of a country such as DE")
    return known


def country_names() -> dict[str, str]:
    """The code of each name and code that a country goes by, in small letters, for whoever only
    compares; names with accents and dots are there with and without them."""
    names = _names_by_language()
    written = {_english(names.get(code, {}), code).lower(): code for code in COUNTRIES}
    return dict(sorted({**written, **_codes_by_name()}.items()))


@cache
def _codes_by_name() -> dict[str, str]:
    by_language = _names_by_language()
    names: dict[str, str] = {}
    for word in _CODES.split():
        code, long = word[:2], word[2:]
        for name in (_english(by_language.get(code, {}), code), *_OTHER_NAMES.get(code, ())):
            names[_plain(name)] = code
        names[_plain(code)] = names[_plain(long)] = code
    return names


def _names_by_language() -> Mapping[str, Mapping[str, str]]:
    """By country, out of the one file of `phonenumbers` that has them.

    The package would load the prefixes of all networks with it, which takes half a second.
    """
    folder = find_spec("phonenumbers.geodata").submodule_search_locations[0]
    file = Path(folder) / "locale.py"
    spec = spec_from_file_location("phonenumbers.geodata.locale", file)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.LOCALE_DATA


def _english(names: Mapping[str, str], code: str) -> str:
    """The country's English name, of its names by language; for want of one its code."""
    name = names.get("en", code)
    return names[name[1:]] if name.startswith("*") else name  # as in that other language


def _plain(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name.casefold()).replace("&", " and ")
    letters = "".join(each for each in decomposed if not unicodedata.combining(each))
    words = re.sub(r"[.'\u2018\u2019]", "", letters)
    words = " ".join(re.sub(r"[^\w]+", " ", words).split())
    return re.sub(r"\bst\b", "saint", words.removeprefix("the "))
